//! What Discord knows: one server with its channels, roles, commands and messages, the interactions, and the bot's gateway sessions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::message::{File, LOADING, Message};
use super::rules;
use super::session::{Order, Session};

pub const APPLICATION: u64 = 1_100_000_000_000_000_001;
pub const BOT: u64 = 1_100_000_000_000_000_002;
pub const GUILD: u64 = 1_100_000_000_000_000_003;
const FIRST_FREE: u64 = 1_200_000_000_000_000_000;

pub struct State {
    pub token: String,
    /// Where the gateway listens: `ws://127.0.0.1:port`.
    pub gateway: String,
    pub heartbeat: Duration,
    pub channels: BTreeMap<u64, String>,
    pub roles: BTreeMap<u64, String>,
    /// The registered commands as the API shows them; `None` holds the global ones.
    pub commands: BTreeMap<Option<u64>, Vec<Value>>,
    pub messages: Vec<Message>,
    pub nonces: BTreeMap<String, u64>,
    pub interactions: Vec<Interaction>,
    pub sessions: Vec<Session>,
    pub faults: Vec<Fault>,
    pub requests: Vec<Request>,
    /// REST answers 503 and the gateway takes no connection.
    pub is_down: bool,
    pub acknowledges_heartbeats: bool,
    /// The next interaction is one that the bot answers too late.
    pub expires_next: bool,
    /// The next interaction is delivered twice.
    pub repeats_next: bool,
    pub heartbeats: u32,
    pub identifies: u32,
    pub resumes: u32,
    /// Connections to the gateway that were not taken.
    pub refused_connections: u32,
    next_id: u64,
    changes: u64,
}

pub struct Interaction {
    pub id: u64,
    pub token: String,
    /// 2 a slash command, 3 a component.
    pub kind: u8,
    pub user: Value,
    pub channel: u64,
    /// The message whose button was pressed, and how often it had been edited before.
    pub pressed: Option<(u64, u32)>,
    pub sent: Instant,
    /// Type of the first response, and how long it took.
    pub answer: Option<(u8, Duration)>,
    /// The message that `@original` means.
    pub original: Option<u64>,
    pub followups: Vec<u64>,
    /// Discord has given the bot up: its token is no longer valid.
    pub expired: bool,
}

pub struct Fault {
    /// A part of `METHOD /path` of the requests that it hits.
    pub on: String,
    pub kind: FaultKind,
}

#[derive(Clone, Copy)]
pub enum FaultKind {
    /// Not carried out. With `retry_after` it is the answer of a rate limit.
    Refused { status: u16, retry_after: Option<Duration> },
    /// Carried out, but the answer is lost.
    AnswerLost,
    /// Neither carried out nor ever answered.
    Unanswered,
}

/// A REST request that was answered. `path` is without `/api/v10` and query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub status: u16,
}

impl State {
    pub fn new(token: String, gateway: String, heartbeat: Duration) -> Self {
        Self {
            token,
            gateway,
            heartbeat,
            channels: BTreeMap::new(),
            roles: BTreeMap::new(),
            commands: BTreeMap::new(),
            messages: Vec::new(),
            nonces: BTreeMap::new(),
            interactions: Vec::new(),
            sessions: Vec::new(),
            faults: Vec::new(),
            requests: Vec::new(),
            is_down: false,
            acknowledges_heartbeats: true,
            expires_next: false,
            repeats_next: false,
            heartbeats: 0,
            identifies: 0,
            resumes: 0,
            refused_connections: 0,
            next_id: FIRST_FREE,
            changes: 0,
        }
    }

    pub fn new_id(&mut self) -> u64 {
        self.next_id += 16; // room for the ids of attachments
        self.next_id
    }

    /// The id of a channel, which is made when it is not there yet.
    pub fn channel(&mut self, name: &str) -> u64 {
        let id = id_of(&self.channels, name).unwrap_or_else(|| self.new_id());
        self.channels.insert(id, name.to_owned());
        id
    }

    /// The id of a role, which is made when it is not there yet.
    pub fn role(&mut self, name: &str) -> u64 {
        let id = id_of(&self.roles, name).unwrap_or_else(|| self.new_id());
        self.roles.insert(id, name.to_owned());
        id
    }

    pub fn message(&mut self, id: u64) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.id == id)
    }

    pub fn interaction(&mut self, id: u64) -> Option<&mut Interaction> {
        self.interactions.iter_mut().find(|interaction| interaction.id == id)
    }

    /// All commands that a user of the server can type.
    pub fn command(&self, name: &str) -> Option<&Value> {
        self.commands.values().flatten().find(|command| command["name"] == name)
    }

    /// What there is, for a test that waited in vain.
    pub fn describe(&self) -> String {
        let mut lines = vec![format!(
            "gateway: {} identifies, {} resumes, {} sessions of which {} connected",
            self.identifies,
            self.resumes,
            self.sessions.len(),
            self.sessions.iter().filter(|session| session.connection.is_some()).count()
        )];
        lines.extend(
            self.requests
                .iter()
                .map(|request| format!("request: {} {} -> {}", request.method, request.path, request.status)),
        );
        lines.extend(self.messages.iter().map(|message| format!("message {}: {:?}", message.id, message.text())));
        lines.extend(
            self.commands
                .values()
                .flatten()
                .map(|command| format!("command: /{}", command["name"].as_str().unwrap_or_default())),
        );
        lines.join("\n")
    }

    /// Writes a message that the rules have passed; `body` is the request's.
    pub fn post(
        &mut self,
        channel: u64,
        body: &Value,
        files: Vec<File>,
        asked_by: Option<(u64, u8, Value)>,
    ) -> Message {
        self.changes += 1;
        let mentions = rules::mentions(body, asked_by.is_some());
        let flags = body["flags"].as_u64().unwrap_or(0);
        let message = Message {
            id: self.new_id(),
            channel,
            content: body["content"].as_str().unwrap_or_default().to_owned(),
            embeds: rich(&body["embeds"]),
            components: list(&body["components"]),
            edits: 0,
            nonce: body.get("nonce").filter(|nonce| !nonce.is_null()).cloned(),
            // A deferred response is empty and pings nobody, nor does what it is filled with: that is an edit.
            pinged: mentions.clone(),
            replies_to: body["message_reference"]["message_id"].as_str().and_then(|id| id.parse().ok()),
            files,
            mentions,
            flags,
            asked_by,
            created: self.changes,
            edited: None,
        };
        self.messages.push(message.clone());
        message
    }

    /// Changes what `body` names and leaves the rest. Filling a deferred response is not counted as an edit.
    pub fn edit(&mut self, id: u64, body: &Value, files: Vec<File>) -> Option<Message> {
        self.changes += 1;
        let change = self.changes;
        let message = self.message(id)?;
        if let Some(content) = body.get("content") {
            message.content = content.as_str().unwrap_or_default().to_owned();
            message.mentions = rules::mentions(body, message.asked_by.is_some());
        }
        if let Some(embeds) = body.get("embeds") {
            message.embeds = rich(embeds);
        }
        if let Some(components) = body.get("components") {
            message.components = list(components);
        }
        message.files.extend(files);
        if message.is_loading() {
            message.flags &= !LOADING;
        } else {
            message.edits += 1;
            message.edited = Some(change);
        }
        Some(message.clone())
    }

    /// Sends an event to every session; one without a connection gets it when it resumes.
    pub fn dispatch(&mut self, kind: &str, data: &Value) {
        for session in &mut self.sessions {
            session.dispatch(kind, data.clone());
        }
    }

    /// Sends a payload that is no event over every connection of the gateway.
    pub fn tell(&mut self, payload: &Value) {
        for connection in self.sessions.iter().filter_map(|session| session.connection.as_ref()) {
            // A connection that has just ended needs to hear nothing.
            let _ = connection.send(Order::Send(payload.clone()));
        }
    }

    /// Ends every connection of the gateway. The sessions stay, to be resumed.
    pub fn cut(&mut self, order: impl Fn() -> Order) {
        for connection in self.sessions.iter_mut().filter_map(|session| session.connection.take()) {
            let _ = connection.send(order());
        }
    }
}

pub fn bot_user() -> Value {
    json!({
        "id": BOT.to_string(), "username": "dogwatch", "discriminator": "0", "global_name": null, "avatar": null, "bot": true,
        "mfa_enabled": false, "verified": true, "email": null, "flags": 0, "public_flags": 0,
    })
}

fn id_of(named: &BTreeMap<u64, String>, name: &str) -> Option<u64> {
    named.iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn rich(embeds: &Value) -> Vec<Value> {
    let mut embeds = list(embeds);
    embeds.iter_mut().for_each(|embed| embed["type"] = json!("rich"));
    embeds
}
