//! What the chats that pages go to have in common: the URL that is a secret, what a receiver's
//! answer means whoever gives it, and what is told of a page where nothing can be edited.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde_json::Value;

use super::http::{asked_to_wait, client_for, not_sent, shown, whole};
use super::{BuildError, Parcel, SinkError, WebhookError};
use crate::message::{Link, Room, clip, width};
use crate::model::{PageEvent, Secret, declare_secret};

/// The longest answer that is read: a yes is a few words, and a refusal a few lines.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How long a receiver is left alone that says that it is asked too much, and not for how long.
const LIMITED: Duration = Duration::from_secs(30);

/// What the addresses of a page may take of a message: one of a query alone may have 2,000 bytes.
const LINKS: usize = 1_500;

/// The least of a part of a URL that is as much a secret as all of it.
const SECRET: usize = 20;

/// Whether somebody is called by it: whatever else is told of a page wakes nobody.
pub(super) fn calls(parcel: &Parcel) -> bool {
    parcel.event == Some(PageEvent::Trigger)
}

/// Whether it is told that somebody has the page, or that it is over.
pub(super) fn is_end(parcel: &Parcel) -> bool {
    parcel.event.is_some_and(PageEvent::is_end)
}

/// What it is, from afar.
pub(super) fn mark(parcel: &Parcel) -> &'static str {
    match parcel.event {
        Some(PageEvent::Acknowledge) => "\u{1F464}",
        Some(PageEvent::Resolve) => "\u{2705}",
        Some(PageEvent::Trigger | PageEvent::Update) | None => "\u{1F4DF}",
    }
}

/// What is told, in a line, where the page itself stands above and cannot be edited.
pub(super) fn news(parcel: &Parcel) -> String {
    const LONGEST: usize = 400;
    if is_end(parcel) {
        return clip(parcel.outcome.as_deref().unwrap_or("nobody is needed now"), LONGEST);
    }
    let reason = parcel.page.as_ref().map_or("", |page| page.reason.as_str());
    let more = format!("; {}", how(parcel));
    let room = LONGEST.saturating_sub(width(&more));
    format!("{}{more}", clip(&format!("there is more to say: {reason}"), room))
}

/// By what a reader learns everything: commands are typed in Discord, and in a shell.
pub(super) fn how(parcel: &Parcel) -> String {
    let id = parcel.incident.id;
    format!("/why {id} (or: dogwatch why {id}) tells all")
}

/// What a message says below its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// What must be read before all else.
    pub first: Vec<String>,
    /// Each with its heading; empty where it has none.
    pub sections: Vec<(String, Vec<String>)>,
    /// Whole, and no longer together than [`LINKS`].
    pub links: Vec<Link>,
    /// Something was left out.
    pub cut: bool,
}

impl Parts {
    /// As they fit into so many units.
    pub fn of(parcel: &Parcel, room: usize) -> Self {
        let Some(page) = &parcel.page else {
            let lines: Vec<String> = parcel.body.lines().map(str::to_owned).collect();
            let kept = crate::message::fold(lines.clone(), room);
            let cut = kept != lines;
            return Self { first: Vec::new(), sections: vec![(String::new(), kept)], links: Vec::new(), cut };
        };
        let mut left = LINKS.min(room / 2);
        let fits = |link: &&Link| match left.checked_sub(width(&link.url) + 20) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        };
        let links: Vec<Link> = page.links.iter().filter(fits).cloned().collect();
        let taken: usize = links.iter().map(|link| width(&link.url) + 20).sum();
        let room = room.saturating_sub(taken);
        let text = crate::message::PageText { links: Vec::new(), ..page.clone() };
        let (first, sections) = text.sections_in(room);
        let cut = text.body(Room::Units(room)).cut || links.len() < page.links.len();
        Self { first, sections, links, cut }
    }

    /// How a reader comes to the rest, where something was left out.
    pub fn rest(&self, parcel: &Parcel) -> Option<String> {
        self.cut.then(|| format!("shortened; {}", how(parcel)))
    }
}

/// Makes a message for less and less room until it fits; whatever is written around a text makes it
/// longer. `longest` and what `length` gives are in the same unit.
pub(super) fn fitting<T>(room: usize, longest: usize, make: impl Fn(usize) -> T, length: impl Fn(&T) -> usize) -> T {
    let mut room = room;
    loop {
        let made = make(room);
        let length = length(&made);
        if length <= longest || room == 0 {
            return made;
        }
        // At least one unit less each time, so that it ends.
        room = (room * longest / length).min(room - 1);
    }
}

/// An address that can be clicked on wherever it stands: no other sign ends it or hides where it
/// leads.
pub(super) fn is_plain(url: &str) -> bool {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    is_web && url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '`' | '"' | '\\' | '|'))
}

/// Where a chat takes messages: the URL is a secret, as whoever knows it may write there.
pub(super) struct Hook {
    client: Client,
    url: Url,
}

impl Hook {
    /// `field`: where the configuration names the secret.
    ///
    /// # Errors
    /// When it is no URL, or one that others could read what is sent to.
    pub fn new(url: &Secret, field: &str, timeout: Duration) -> Result<Self, BuildError> {
        let (client, url) = client_for(url.expose(), &[], timeout).map_err(|error| match error {
            // What stands there may be another secret: nothing of it is shown.
            WebhookError::Url(_) => BuildError::Other(format!(
                "what `{field}` names holds no URL; put the whole URL of the webhook there, from the `https` on"
            )),
            error => BuildError::Http(error),
        })?;
        // Receivers tell of a part of it alone. A short one is none, and a word of other texts.
        let parts = url.query_pairs().map(|(_, value)| value.into_owned()).chain([url.path().to_owned()]);
        parts.filter(|part| part.len() >= SECRET).for_each(|part| declare_secret(&part));
        Ok(Self { client, url })
    }

    pub async fn post(&self, body: &Value, now: DateTime<Utc>) -> Result<Answer, SinkError> {
        ask(self.client.post(self.url.clone()).json(body), &self.url, now).await
    }
}

/// What a receiver answered, in whole.
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    /// How long it wants to be left alone.
    after: Option<Duration>,
}

/// Sends a request; gives whatever is answered.
///
/// # Errors
/// When nothing is, or only a part of it.
pub(super) async fn ask(request: RequestBuilder, url: &Url, now: DateTime<Utc>) -> Result<Answer, SinkError> {
    let agent = concat!("dogwatch/", env!("CARGO_PKG_VERSION"));
    let answer = request.header("User-Agent", agent).send().await.map_err(|error| not_sent(url, error))?;
    let (status, after) = (answer.status(), asked_to_wait(answer.headers(), now));
    let body = whole(answer, LONGEST_ANSWER).await.map_err(SinkError::no_answer)?;
    Ok(Answer { status, body, after })
}

impl Answer {
    /// Its text, without what is around it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// `Slack answered 403 Forbidden: action_prohibited`.
    pub fn told(&self, who: &str) -> String {
        match shown(&self.body) {
            said if said.is_empty() => format!("{who} answered {}", self.status),
            said => format!("{who} answered {}: {said}", self.status),
        }
    }

    /// What it means where that is the same for all: it is asked too much, it fails, it sends us
    /// elsewhere.
    pub fn trouble(&self, who: &str) -> Option<SinkError> {
        let message = self.told(who);
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            return Some(self.limit(message));
        }
        if self.status.is_server_error() || self.status == StatusCode::REQUEST_TIMEOUT {
            return Some(SinkError::Retry { message, after: self.after });
        }
        let elsewhere = format!("{message}; redirects are not followed: write the address that it has now");
        self.status.is_redirection().then(|| SinkError::fail(elsewhere))
    }

    /// It is asked too much: another way is taken at once, and it is asked again when it says.
    pub fn limit(&self, message: String) -> SinkError {
        SinkError::Retry { message, after: Some(self.after.unwrap_or(LIMITED)) }
    }

    /// A yes by its status whose body is not the receiver's own: a proxy or a portal on the way may
    /// have given it, and nobody knows whether the page has come.
    pub fn no_yes(&self, who: &str, yes: &str) -> SinkError {
        SinkError::no_answer(format!("{}, and not {yes}, as {who} does: is there a proxy on the way?", self.told(who)))
    }
}
