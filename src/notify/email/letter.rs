//! A mail: its head, its text, and its place in a thread.

use std::time::SystemTime;

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::{Address, Message};

use crate::message::clip;
use crate::model::{Digest, PageEvent, Severity};
use crate::notify::{Contact, Parcel};

/// A subject that phones show the beginning of.
const SUBJECT: usize = 240;

/// By what the mails of one page find together
/// (<https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4>).
///
/// The first mail to each recipient has an id that follows from the page alone: repeated, it is the
/// same mail. What comes later names it, and also one that was never sent and stands for the
/// incident, so that all pages of an incident are one thread.
pub(super) struct Thread {
    /// The part of ids before the `@`, without what tells recipients apart.
    page: String,
    incident: String,
    domain: String,
    is_first: bool,
}

impl Thread {
    /// `domain`: of who writes.
    pub fn of(parcel: &Parcel, domain: &str) -> Self {
        // What was begun goes on under its name, whoever writes by now.
        let begun = parcel.previous.as_deref().and_then(|previous| previous.rsplit_once('@'));
        let (page, domain) = match begun {
            Some((page, domain)) => (page.to_owned(), domain),
            None => (format!("{}.{}", parcel.pager_key, parcel.key), domain),
        };
        Self {
            page: word(&page),
            incident: word(&parcel.pager_key),
            domain: word(domain),
            is_first: parcel.previous.is_none(),
        }
    }

    /// By what it is gone on with.
    pub fn told(&self) -> String {
        format!("{}@{}", self.page, self.domain)
    }

    fn of_incident(&self) -> String {
        format!("<{}@{}>", self.incident, self.domain)
    }

    fn first(&self, to: &Address) -> String {
        format!("<{}.{}@{}>", self.page, Digest::of(AsRef::<str>::as_ref(to)).short(), self.domain)
    }

    /// Another one for each text, and the same for the same.
    fn later(&self, to: &Address, text: &str) -> String {
        let (to, text) = (Digest::of(AsRef::<str>::as_ref(to)), Digest::of(text));
        format!("<{}.{}.{}@{}>", self.page, to.short(), text.short(), self.domain)
    }
}

/// With nothing in it that has a meaning in an id.
fn word(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.chars().map(|c| if fits(c) { c } else { '-' }).collect()
}

/// The mail to one recipient, as it goes over the wire. `contact`: who it is, where they are
/// called.
pub(super) fn letter(
    parcel: &Parcel,
    thread: &Thread,
    from: &Mailbox,
    to: &Address,
    contact: Option<&Contact>,
) -> Result<Vec<u8>, lettre::error::Error> {
    let text = text(parcel, contact);
    let title = clip(&parcel.title, SUBJECT);
    let subject = if thread.is_first { title } else { format!("Re: {title}") };
    let mut mail = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .date(SystemTime::from(parcel.at))
        .subject(subject)
        .raw_header(plain("Auto-Submitted", "auto-generated"));
    mail = if thread.is_first {
        mail.message_id(Some(thread.first(to))).references(thread.of_incident())
    } else {
        let (root, first) = (thread.of_incident(), thread.first(to));
        mail.message_id(Some(thread.later(to, &text))).in_reply_to(first.clone()).references(format!("{root} {first}"))
    };
    let calls = parcel.event.map_or(thread.is_first, |event| event == PageEvent::Trigger);
    if calls && parcel.incident.severity == Severity::S1 {
        mail = mail.raw_header(plain("X-Priority", "1"));
    }
    Ok(mail.header(ContentType::TEXT_PLAIN).body(text)?.formatted())
}

/// A header that is ours as a whole.
fn plain(name: &'static str, value: &'static str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn text(parcel: &Parcel, contact: Option<&Contact>) -> String {
    let outcome = parcel.outcome.clone().filter(|_| parcel.event.is_some_and(PageEvent::is_end));
    let link = contact.and_then(|contact| {
        let url = contact.ack_url.as_ref()?;
        Some(format!("to acknowledge it as {} by a link, for a day:\n{url}", contact.name))
    });
    let parts = [outcome, Some(parcel.body.clone()), link];
    let mut text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}
