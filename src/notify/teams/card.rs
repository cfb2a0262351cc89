//! A page as an Adaptive Card.
//!
//! What others have written stands in `RichTextBlock`s, where nothing is markup and nobody is
//! mentioned; a mention is one only in a `TextBlock`, and has its entity beside the card.
//!
//! Elements: <https://adaptivecards.io/explorer/RichTextBlock.html>. Mentions and the limit:
//! <https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-format>.

use serde_json::{Value, json};

use crate::message::{clip, width};
use crate::model::PageEvent;
use crate::notify::chat::{Parts, calls, fitting, is_plain, mark, news};
use crate::notify::{Contact, Parcel, ParcelKind};

/// How much of a page's text is shown.
pub(super) const ROOM: usize = 7_000;

/// Teams takes 28 KB of a message, and Workflows writes some around it.
const LONGEST: usize = 26_000;

/// Teams shows so many buttons.
const ACTIONS: usize = 6;

/// So many are mentioned, and the others named.
const MENTIONS: usize = 20;

/// A card that is about to be written.
pub(super) struct Card {
    body: Vec<Value>,
    entities: Vec<Value>,
    actions: Vec<Value>,
}

impl Card {
    /// The whole page.
    pub fn new(parcel: &Parcel) -> Self {
        fitting(ROOM, LONGEST, |room| Self::in_room(parcel, room), |card| card.message().to_string().len())
    }

    /// What became of a page that stands above.
    pub fn of_news(parcel: &Parcel) -> Self {
        let title = format!("{} {}", mark(parcel), clip(&parcel.title, 240));
        let body = vec![title_of(parcel, &title), line(&news(parcel))];
        Self { body, entities: Vec::new(), actions: Vec::new() }
    }

    /// Something that an operator should know.
    pub fn add_remark(&mut self, remark: &str) {
        self.body.push(small(&clip(remark, 500)));
    }

    /// As the workflow wants it.
    pub fn message(&self) -> Value {
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": self.body,
                    "actions": self.actions,
                    "msteams": { "width": "Full", "entities": self.entities },
                },
            }],
        })
    }

    fn in_room(parcel: &Parcel, room: usize) -> Self {
        let parts = Parts::of(parcel, room);
        let title = format!("{} {}", mark(parcel), clip(&parcel.title, 240));
        let mut body = vec![title_of(parcel, &title)];
        let mut entities = Vec::new();
        if parcel.kind == ParcelKind::Page {
            let (mentions, others) = called(parcel);
            if !mentions.is_empty() {
                let texts: Vec<&str> = mentions.iter().filter_map(|entity| entity["text"].as_str()).collect();
                body.push(json!({ "type": "TextBlock", "text": texts.join(" "), "wrap": true }));
                entities = mentions;
            }
            body.push(line(&others));
        }
        body.extend(parts.first.iter().map(|first| line(first)));
        for (heading, lines) in &parts.sections {
            if !heading.is_empty() {
                let run = json!({ "type": "TextRun", "text": heading, "weight": "Bolder" });
                body.push(json!({ "type": "RichTextBlock", "inlines": [run] }));
            }
            body.extend(lines.iter().filter(|line| !line.trim().is_empty()).map(|line| below(line)));
        }
        let mut actions = Vec::new();
        for link in &parts.links {
            // Where it leads can be read before it is pressed.
            body.push(below(&format!("{}: {}", link.name, link.url)));
            if is_plain(&link.url) && actions.len() < ACTIONS {
                actions.push(json!({ "type": "Action.OpenUrl", "title": link.name, "url": link.url }));
            }
        }
        body.extend(parts.rest(parcel).map(|rest| small(&rest)));
        Self { body, entities, actions }
    }
}

/// Who is mentioned; and all others, in a line with the team.
fn called(parcel: &Parcel) -> (Vec<Value>, String) {
    let team = clip(&parcel.team, 80);
    if parcel.mention.is_empty() {
        return (Vec::new(), format!("Nobody of team {team} is on call!"));
    }
    let (mut mentions, mut others) = (Vec::new(), Vec::new());
    for contact in &parcel.mention {
        match address(contact) {
            Some(id) if calls(parcel) && mentions.len() < MENTIONS => {
                let (name, number) = (shown(&contact.name), mentions.len());
                // Teams goes by the text, so that two of one name must differ in it.
                let taken = |entity: &Value| entity["mentioned"]["name"] == json!(name);
                let name = if mentions.iter().any(taken) { format!("{name} {number}") } else { name };
                let text = format!("<at>{name}</at>");
                mentions.push(json!({ "type": "mention", "text": text, "mentioned": { "id": id, "name": name } }));
            }
            Some(_) => others.push(clip(&contact.name, 80)),
            None => others.push(format!("{} (of whom oncall.yaml has no address of Teams)", clip(&contact.name, 80))),
        }
    }
    let others = clip(&others.join(", "), 1_000);
    let others = if others.is_empty() { format!("for team {team}") } else { format!("{others}, for team {team}") };
    (mentions, others)
}

/// The name by which somebody signs in to Microsoft 365.
fn address(contact: &Contact) -> Option<&str> {
    let is_address =
        |address: &&str| address.contains('@') && address.chars().all(|c| c.is_alphanumeric() || "@.-_+'#".contains(c));
    contact.address.as_deref().filter(is_address)
}

/// A name in which nothing is markup.
fn shown(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_alphanumeric() || "-.".contains(c) { c } else { ' ' }).collect();
    clip(&name, 80)
}

fn title_of(parcel: &Parcel, title: &str) -> Value {
    let colour = match parcel.event {
        Some(PageEvent::Resolve) => "good",
        Some(PageEvent::Acknowledge) => "accent",
        Some(PageEvent::Trigger | PageEvent::Update) | None => "attention",
    };
    let size = if width(title) > 100 { "Medium" } else { "Large" };
    let run = json!({ "type": "TextRun", "text": title, "weight": "Bolder", "size": size, "color": colour });
    json!({ "type": "RichTextBlock", "inlines": [run] })
}

fn line(text: &str) -> Value {
    json!({ "type": "RichTextBlock", "inlines": [text] })
}

/// The next line of a section.
fn below(text: &str) -> Value {
    json!({ "type": "RichTextBlock", "inlines": [text], "spacing": "None" })
}

fn small(text: &str) -> Value {
    json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": text, "size": "Small", "isSubtle": true }] })
}
