//! A message as a reader of the channel sees it, and as the API shows it.

use std::time::Duration;

use serde_json::{Value, json};

use super::state::{APPLICATION, GUILD, bot_user};

/// Bit of `flags`: only the user who asked sees the message.
pub const EPHEMERAL: u64 = 1 << 6;
/// Bit of `flags`: a deferred response that still shows "is thinking".
pub const LOADING: u64 = 1 << 7;

#[derive(Clone, Debug)]
pub struct Message {
    pub id: u64,
    pub channel: u64,
    pub content: String,
    pub embeds: Vec<Value>,
    pub components: Vec<Value>,
    /// How often the message was changed after it first had content.
    pub edits: u32,
    pub nonce: Option<Value>,
    /// Whom the message notified. An edit never notifies anybody.
    pub pinged: Vec<Mention>,
    /// The message that this one replies to.
    pub replies_to: Option<u64>,
    pub files: Vec<File>,
    pub(super) mentions: Vec<Mention>,
    pub(super) flags: u64,
    /// The interaction that the message answers: id, kind, user.
    pub(super) asked_by: Option<(u64, u8, Value)>,
    /// Position in the order of all changes, rendered as its time.
    pub(super) created: u64,
    pub(super) edited: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mention {
    User(u64),
    Role(u64),
    Everyone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    pub custom_id: String,
    pub disabled: bool,
    /// 1 primary, 2 secondary, 3 success, 4 danger.
    pub style: u64,
}

impl Message {
    pub fn is_ephemeral(&self) -> bool {
        self.flags & EPHEMERAL != 0
    }

    pub fn is_loading(&self) -> bool {
        self.flags & LOADING != 0
    }

    /// Everything that can be read: content, then of each embed author, title, description, fields (`name: value`) and footer, one a line.
    pub fn text(&self) -> String {
        let mut lines = vec![self.content.clone()];
        for embed in &self.embeds {
            let read = |pointer: &str| embed.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            lines.extend([read("/author/name"), read("/title"), read("/description")]);
            for field in embed["fields"].as_array().into_iter().flatten() {
                lines.push(format!(
                    "{}: {}",
                    field["name"].as_str().unwrap_or_default(),
                    field["value"].as_str().unwrap_or_default()
                ));
            }
            lines.push(read("/footer/text"));
        }
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }

    /// All buttons that have a custom id, in reading order. Links have none.
    pub fn buttons(&self) -> Vec<Button> {
        let rows = self.components.iter().filter_map(|row| row["components"].as_array());
        rows.flatten()
            .filter(|component| component["type"] == 2)
            .filter_map(|button| {
                Some(Button {
                    label: button["label"].as_str().unwrap_or_default().to_owned(),
                    custom_id: button["custom_id"].as_str()?.to_owned(),
                    disabled: button["disabled"].as_bool().unwrap_or(false),
                    style: button["style"].as_u64().unwrap_or_default(),
                })
            })
            .collect()
    }

    /// The custom id of the button with this label. Panics when the message has none.
    pub fn button(&self, label: &str) -> String {
        let buttons = self.buttons();
        match buttons.iter().find(|button| button.label == label) {
            Some(button) => button.custom_id.clone(),
            None => panic!("no button {label:?} under {:?}; there are {buttons:?}", self.text()),
        }
    }

    /// The message object of the API.
    pub(super) fn json(&self) -> Value {
        let users = self.mentions.iter().filter_map(|mention| match mention {
            Mention::User(id) => Some(json!({ "id": id.to_string(), "username": format!("user-{id}"), "discriminator": "0", "avatar": null, "global_name": null })),
            _ => None,
        });
        let roles = self.mentions.iter().filter_map(|mention| match mention {
            Mention::Role(id) => Some(id.to_string()),
            _ => None,
        });
        let attachments = self.files.iter().enumerate().map(|(n, file)| {
            let url = format!("https://cdn.invalid/attachments/{}/{}/{}", self.channel, self.id, file.name);
            json!({ "id": (self.id + 1 + n as u64).to_string(), "filename": file.name, "size": file.bytes.len(), "url": url, "proxy_url": url })
        });
        let mut message = json!({
            "id": self.id.to_string(),
            "type": if self.asked_by.as_ref().is_some_and(|asked| asked.1 == 2) { 20 } else if self.replies_to.is_some() { 19 } else { 0 },
            "channel_id": self.channel.to_string(),
            "author": bot_user(),
            "content": self.content,
            "timestamp": time(self.created),
            "edited_timestamp": self.edited.map(time),
            "tts": false,
            "mention_everyone": self.mentions.contains(&Mention::Everyone),
            "mentions": users.collect::<Vec<_>>(),
            "mention_roles": roles.collect::<Vec<_>>(),
            "attachments": attachments.collect::<Vec<_>>(),
            "embeds": self.embeds,
            "components": self.components,
            "pinned": false,
            "flags": self.flags,
        });
        if let Some(nonce) = &self.nonce {
            message["nonce"] = nonce.clone();
        }
        if let Some(id) = self.replies_to {
            message["message_reference"] = json!({ "type": 0, "message_id": id.to_string(), "channel_id": self.channel.to_string(), "guild_id": GUILD.to_string() });
        }
        if let Some((id, kind, user)) = &self.asked_by {
            message["application_id"] = json!(APPLICATION.to_string());
            message["webhook_id"] = json!(APPLICATION.to_string());
            message["interaction_metadata"] = json!({
                "id": id.to_string(), "type": kind, "user": user,
                "authorizing_integration_owners": { "0": GUILD.to_string() },
            });
        }
        message
    }
}

/// What a user sees after a slash command or the press of a button.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The interaction that this answers; [`super::Discord::wait_for_followups`] wants it.
    pub interaction: u64,
    /// The reply; for [`Reply::updated`], the message that the button belongs to, as it is now.
    pub message: Message,
    /// The bot first said "is thinking" (types 5 and 6), then answered.
    pub deferred: bool,
    /// The bot changed the message of the button (types 6 and 7) and wrote no new one.
    pub updated: bool,
    /// From the interaction to its first response. Discord gives a bot 3 seconds.
    pub after: Duration,
}

impl Reply {
    pub fn text(&self) -> String {
        self.message.text()
    }

    pub fn is_ephemeral(&self) -> bool {
        self.message.is_ephemeral()
    }
}

/// A time of the stand-in's own, one second for each change: what tests see is the same in every run.
fn time(change: u64) -> String {
    let (minutes, seconds) = (change / 60, change % 60);
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    format!("2026-01-{:02}T{hours:02}:{minutes:02}:{seconds:02}.000000+00:00", 1 + days % 28)
}
