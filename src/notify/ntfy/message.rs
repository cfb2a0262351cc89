//! A page as a message of ntfy: plain text, in which nothing is markup.
//!
//! Fields: <https://docs.ntfy.sh/publish/#publish-as-json>. Limits:
//! <https://docs.ntfy.sh/publish/#limitations>.

use serde_json::{Value, json};

use crate::message::{Link, clip};
use crate::model::{Digest, PageEvent, Severity};
use crate::notify::chat::{Parts, fitting, is_end, is_plain, news};
use crate::notify::{Parcel, ParcelKind};

/// How much of a page's text is shown.
pub(super) const ROOM: usize = 3_900;

/// In bytes: a longer message becomes a file that somebody has to open, and one of JSON that is
/// twice as long is refused. Some are kept for a remark.
const MESSAGE: usize = 4_096 - 600;
const WHOLE: usize = 2 * 4_096 - 1_400;

/// So many buttons are taken.
const ACTIONS: usize = 3;

/// A message that is about to be published.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    fields: Value,
}

impl Letter {
    pub fn new(parcel: &Parcel) -> Self {
        let length = |letter: &Self| {
            let message = letter.fields["message"].as_str().unwrap_or_default().len();
            // Both limits, in the measure of the first.
            message.max(letter.fields.to_string().len() * MESSAGE / WHOLE)
        };
        fitting(ROOM, MESSAGE, |room| Self::in_room(parcel, room), length)
    }

    fn in_room(parcel: &Parcel, room: usize) -> Self {
        let parts = Parts::of(parcel, room);
        let links: Vec<&Link> = parts.links.iter().filter(|link| is_plain(&link.url)).take(ACTIONS).collect();
        let action = |link: &&Link| json!({ "action": "view", "label": link.name, "url": link.url });
        let mut fields = json!({
            "title": clip(&parcel.title, 200),
            "message": text(parcel, &parts),
            "priority": priority(parcel),
            "tags": [tag(parcel)],
            // Of a page, whatever is told of it.
            "sequence_id": Digest::of(&parcel.key).short(),
        });
        if let Some(of_it) = fields.as_object_mut().filter(|_| !links.is_empty()) {
            of_it.extend(links.first().map(|link| ("click".to_owned(), json!(link.url))));
            of_it.insert("actions".to_owned(), links.iter().map(action).collect());
        }
        Self { fields }
    }

    /// The same with something that an operator should know.
    pub fn with_remark(&self, remark: &str) -> Self {
        let text = self.fields["message"].as_str().unwrap_or_default();
        let mut fields = self.fields.clone();
        let mut remark = clip(remark, 300);
        while remark.len() > 500 {
            remark.pop();
        }
        if let Some(of_it) = fields.as_object_mut() {
            of_it.insert("message".to_owned(), json!(format!("{text}\n\n{remark}")));
        }
        Self { fields }
    }

    /// `ack_url`: by which whoever reads the topic acknowledges.
    pub fn to(&self, topic: &str, ack_url: Option<&str>) -> Value {
        let mut message = self.fields.clone();
        let Some(fields) = message.as_object_mut() else { return message };
        fields.insert("topic".to_owned(), json!(topic));
        if let Some(url) = ack_url.filter(|url| is_plain(url)) {
            let mut actions = vec![json!({ "action": "view", "label": "Acknowledge", "url": url, "clear": true })];
            let others = fields.get("actions").and_then(Value::as_array);
            actions.extend(others.into_iter().flatten().cloned());
            actions.truncate(ACTIONS);
            fields.insert("actions".to_owned(), json!(actions));
        }
        message
    }
}

fn text(parcel: &Parcel, parts: &Parts) -> String {
    let mut blocks = Vec::new();
    if parcel.kind == ParcelKind::Page {
        blocks.push(if is_end(parcel) { news(parcel) } else { called(parcel) });
    }
    // Whoever hears that it is over can lie down again.
    if !is_end(parcel) {
        blocks.extend((!parts.first.is_empty()).then(|| parts.first.join("\n")));
        for (heading, lines) in &parts.sections {
            let heading = if heading.is_empty() { String::new() } else { format!("{heading}\n") };
            blocks.push(format!("{heading}{}", lines.join("\n")));
        }
        let links: Vec<String> = parts.links.iter().map(|link| format!("{}: {}", link.name, link.url)).collect();
        blocks.extend((!links.is_empty()).then(|| links.join("\n")));
        blocks.extend(parts.rest(parcel));
    }
    blocks.join("\n\n")
}

fn called(parcel: &Parcel) -> String {
    let team = clip(&parcel.team, 80);
    let names: Vec<&str> = parcel.mention.iter().map(|contact| contact.name.as_str()).collect();
    if names.is_empty() {
        return format!("Nobody of team {team} is on call!");
    }
    format!("{}, for team {team}", clip(&names.join(", "), 200))
}

fn priority(parcel: &Parcel) -> u8 {
    match parcel.event {
        Some(PageEvent::Trigger) if parcel.incident.severity == Severity::S1 => 5,
        Some(PageEvent::Trigger) => 4,
        Some(PageEvent::Acknowledge | PageEvent::Resolve) => 2,
        Some(PageEvent::Update) | None => 3,
    }
}

/// The name of an emoji: <https://docs.ntfy.sh/emojis/>.
fn tag(parcel: &Parcel) -> &'static str {
    match parcel.event {
        Some(PageEvent::Acknowledge) => "bust_in_silhouette",
        Some(PageEvent::Resolve) => "white_check_mark",
        Some(PageEvent::Trigger) if parcel.incident.severity == Severity::S1 => "rotating_light",
        Some(PageEvent::Trigger | PageEvent::Update) | None => "warning",
    }
}

pub(super) fn is_topic(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}
