//! A page in the Markdown of Mattermost.
//!
//! What others have written stands in code, where nothing is markup and `@all` calls nobody; a
//! mention in an attachment does not notify, so that who is called stands in the text.
//!
//! <https://developers.mattermost.com/integrate/reference/message-attachments/>

use serde_json::{Value, json};

use crate::message::{clip, width};
use crate::notify::chat::{Parts, calls, fitting, is_plain, mark, news};
use crate::notify::{Contact, Parcel, ParcelKind};

/// How much of a page's text is shown.
pub(super) const ROOM: usize = 7_000;

/// The longest text that is surely one message: of older servers 4,000 letters, of others 16,383;
/// an attachment is no part of it, and this is what it is held to.
const TEXT: usize = 4_000;
const ATTACHMENT: usize = 16_383;

/// A message that is about to be written.
pub(super) struct Letter {
    text: String,
    attachment: Option<Value>,
    remarks: Vec<String>,
}

impl Letter {
    /// The whole page.
    pub fn new(parcel: &Parcel) -> Self {
        let (body, rest) = fitting(ROOM, ATTACHMENT, |room| body(parcel, room), |(body, _)| width(body));
        let attachment = json!({
            "fallback": clip(&parcel.title, 240),
            "color": format!("#{:06X}", parcel.colour.rgb()),
            "text": body,
        });
        Self { text: text(parcel), attachment: Some(attachment), remarks: rest.into_iter().collect() }
    }

    /// What became of a page that stands above.
    pub fn of_news(parcel: &Parcel) -> Self {
        let text = format!("{} {}\n{}", mark(parcel), code(&clip(&parcel.title, 240)), code(&news(parcel)));
        Self { text, attachment: None, remarks: Vec::new() }
    }

    /// Something that an operator should know.
    pub fn add_remark(&mut self, remark: &str) {
        self.remarks.push(clip(remark, 500));
    }

    /// `channel`: by its name; `None`: the webhook's own.
    pub fn to(&self, channel: Option<&str>) -> Value {
        let mut message = json!({ "text": self.text });
        let remarks: Vec<String> = self.remarks.iter().map(|remark| code(remark)).collect();
        if let Some(fields) = message.as_object_mut() {
            fields.extend(channel.map(|channel| ("channel".to_owned(), json!(channel))));
            match self.attachment.clone() {
                Some(mut attachment) => {
                    if let Some(of_it) = attachment.as_object_mut().filter(|_| !remarks.is_empty()) {
                        let text = of_it.get("text").and_then(Value::as_str).unwrap_or_default();
                        let text = format!("{text}\n\n{}", remarks.join("\n"));
                        of_it.insert("text".to_owned(), json!(text));
                    }
                    fields.insert("attachments".to_owned(), json!([attachment]));
                }
                None if !remarks.is_empty() => {
                    let text = format!("{}\n{}", self.text, remarks.join("\n"));
                    fields.insert("text".to_owned(), json!(text));
                }
                None => {}
            }
        }
        message
    }
}

/// Who is called, and for what: all that a phone shows.
fn text(parcel: &Parcel) -> String {
    let title = code(&clip(&parcel.title, 240));
    if parcel.kind != ParcelKind::Page {
        return title;
    }
    let team = code(&clip(&parcel.team, 80));
    let mut who = String::new();
    for contact in &parcel.mention {
        let called = match name(contact) {
            Some(name) if calls(parcel) => format!("@{name}"),
            Some(_) => code(&clip(&contact.name, 80)),
            None => format!("{} (of whom oncall.yaml has no name at Mattermost)", code(&clip(&contact.name, 80))),
        };
        if width(&who) + width(&called) > TEXT / 2 {
            who.push_str(", …");
            break;
        }
        who.push_str(if who.is_empty() { "" } else { ", " });
        who.push_str(&called);
    }
    let who =
        if who.is_empty() { format!("Nobody of team {team} is on call!") } else { format!("{who}, for team {team}") };
    format!("{} {who}\n{title}", mark(parcel))
}

/// By what somebody is mentioned: a name that stands for all of a channel is nobody's.
fn name(contact: &Contact) -> Option<&str> {
    let is_name = |name: &&str| {
        let signs = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        !name.is_empty() && name.chars().all(signs) && !matches!(*name, "all" | "here" | "channel")
    };
    contact.address.as_deref().filter(is_name)
}

/// The page in that room, and what is said where something was left out.
fn body(parcel: &Parcel, room: usize) -> (String, Option<String>) {
    let parts = Parts::of(parcel, room);
    let mut blocks = Vec::new();
    if !parts.first.is_empty() {
        blocks.push(fenced(&parts.first));
    }
    for (heading, lines) in &parts.sections {
        let heading = if heading.is_empty() { String::new() } else { format!("**{}**\n", clip(heading, 100)) };
        blocks.push(format!("{heading}{}", fenced(lines)));
    }
    let shown = |url: &str| if is_plain(url) { format!("<{url}>") } else { code(url) };
    let links: Vec<String> = parts.links.iter().map(|link| format!("- {}: {}", link.name, shown(&link.url))).collect();
    if !links.is_empty() {
        blocks.push(links.join("\n"));
    }
    (blocks.join("\n\n"), parts.rest(parcel))
}

/// Lines in a block of code that none of them ends.
fn fenced(lines: &[String]) -> String {
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", lines.join("\n"))
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('\n', " "))
}
