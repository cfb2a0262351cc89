//! Slack: `chat.postMessage`, `chat.update`, and an incoming webhook.
//!
//! <https://docs.slack.dev/reference/methods/chat.postMessage>,
//! <https://docs.slack.dev/reference/methods/chat.update>,
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Faults, says, serve};

pub const TOKEN: &str = "xoxb-of-the-tests-1234567890";

/// The path of the webhook, by which it is known.
pub const HOOK: &str = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";

/// In which channel the webhook's messages stand.
pub const OF_HOOK: &str = "C0000WEBHOOK";

pub struct Slack {
    url: String,
    shared: Arc<Mutex<Workspace>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
pub struct Workspace {
    pub messages: Vec<Message>,
    pub faults: Faults,
    /// Of channels, by what they answer who writes there; those that are not named take all.
    pub refusing: BTreeMap<String, &'static str>,
    /// All that was asked for: `chat.postMessage C012AB3CD ok`.
    pub requests: Vec<String>,
    clock: u64,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub channel: String,
    pub ts: String,
    pub text: String,
    pub blocks: Vec<Value>,
    pub edits: usize,
    /// Who was mentioned by it, by each version of it.
    pub mentions: Vec<String>,
}

impl Slack {
    pub async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Workspace::default()));
        let app = Router::new()
            .route("/api/{method}", post(method))
            .route("/services/{*hook}", post(hook))
            .with_state(shared.clone());
        let (url, server) = serve(app).await;
        Self { url, shared, _server: server }
    }

    pub fn api(&self) -> String {
        format!("{}/api", self.url)
    }

    pub fn hook(&self) -> String {
        format!("{}{HOOK}", self.url)
    }

    pub fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn messages(&self) -> Vec<Message> {
        self.workspace().messages.clone()
    }

    /// Whoever writes in that channel is answered so.
    pub fn refuses_in(&self, channel: &str, error: &'static str) {
        self.workspace().refusing.insert(channel.to_owned(), error);
    }

    /// Somebody deletes all messages.
    pub fn forgets(&self) {
        self.workspace().messages.clear();
    }
}

impl Message {
    /// As people see it, block by block.
    pub fn shown(&self) -> String {
        if self.blocks.is_empty() {
            return unescaped(&self.text);
        }
        let text = |block: &Value| match block["type"].as_str().unwrap() {
            "context" => block["elements"][0]["text"].as_str().unwrap().to_owned(),
            _ => block["text"]["text"].as_str().unwrap().to_owned(),
        };
        self.blocks.iter().map(|block| unescaped(&text(block))).collect::<Vec<_>>().join("\n")
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

async fn method(
    State(shared): State<Arc<Mutex<Workspace>>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut workspace = shared.lock().unwrap();
    let fault = workspace.faults.next();
    if let Some((response, false)) = fault {
        return response;
    }
    let told = told(&mut workspace, &method, &headers, &body);
    let (channel, outcome) = match &told {
        Ok((channel, _)) => (channel.clone(), "ok"),
        Err(error) => (String::new(), *error),
    };
    workspace.requests.push(format!("{method} {channel} {outcome}"));
    if let Some((response, true)) = fault {
        return response;
    }
    // A refusal comes with 200, too.
    says(
        200,
        match told {
            Ok((channel, ts)) => json!({ "ok": true, "channel": channel, "ts": ts }).to_string(),
            Err("missing_scope") => {
                json!({ "ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "users:read" })
                    .to_string()
            }
            Err(error) => json!({ "ok": false, "error": error }).to_string(),
        },
    )
}

fn told(
    workspace: &mut Workspace,
    method: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<(String, String), &'static str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("authorization") != format!("Bearer {TOKEN}") {
        return Err("invalid_auth");
    }
    assert_eq!(header("content-type"), "application/json; charset=utf-8");
    let message: Value = serde_json::from_slice(body).map_err(|_| "invalid_json")?;
    let channel = message["channel"].as_str().ok_or("invalid_arguments")?.to_owned();
    if let Some(error) = workspace.refusing.get(&channel) {
        return Err(error);
    }
    let blocks = checked(&message)?;
    let text = message["text"].as_str().unwrap_or_default().to_owned();
    match method {
        "chat.postMessage" => Ok((channel.clone(), workspace.post(channel, text, blocks))),
        "chat.update" => {
            let ts = message["ts"].as_str().ok_or("invalid_arguments")?;
            let found = workspace.messages.iter_mut().find(|known| known.channel == channel && known.ts == ts);
            let found = found.ok_or("message_not_found")?;
            found.mentions.extend(mentions(&blocks, &text));
            (found.text, found.blocks, found.edits) = (text, blocks, found.edits + 1);
            Ok((channel, ts.to_owned()))
        }
        _ => Err("unknown_method"),
    }
}

async fn hook(State(shared): State<Arc<Mutex<Workspace>>>, Path(path): Path<String>, body: Bytes) -> Response {
    let mut workspace = shared.lock().unwrap();
    let fault = workspace.faults.next();
    if let Some((response, false)) = fault {
        return response;
    }
    if format!("/services/{path}") != HOOK {
        return says(404, "no_service");
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else { return says(400, "invalid_payload") };
    match checked(&message) {
        Err(error) => return says(400, error),
        Ok(blocks) => {
            let text = message["text"].as_str().unwrap_or_default().to_owned();
            workspace.post(OF_HOOK.to_owned(), text, blocks);
        }
    }
    match fault {
        Some((response, _)) => response,
        None => says(200, "ok"),
    }
}

impl Workspace {
    fn post(&mut self, channel: String, text: String, blocks: Vec<Value>) -> String {
        self.clock += 1;
        let ts = format!("1772416800.{:06}", self.clock);
        let mentions = mentions(&blocks, &text);
        self.messages.push(Message { channel, ts: ts.clone(), text, blocks, edits: 0, mentions });
        ts
    }
}

/// The blocks, if they are within the limits of all there are of the kinds that we use.
fn checked(message: &Value) -> Result<Vec<Value>, &'static str> {
    let text = message["text"].as_str().unwrap_or_default();
    let blocks = message["blocks"].as_array().cloned().unwrap_or_default();
    if text.is_empty() && blocks.is_empty() {
        return Err("no_text");
    }
    if text.chars().count() > 40_000 {
        return Err("msg_too_long");
    }
    if blocks.len() > 50 {
        return Err("invalid_blocks");
    }
    let mut whole = 0;
    for block in &blocks {
        let (text, longest, kinds): (&Value, usize, &[&str]) = match block["type"].as_str() {
            Some("header") => (&block["text"], 150, &["plain_text"]),
            Some("section") => (&block["text"], 3_000, &["plain_text", "mrkdwn"]),
            Some("context") if block["elements"].as_array().is_some_and(|all| (1..=10).contains(&all.len())) => {
                (&block["elements"][0], 3_000, &["plain_text", "mrkdwn"])
            }
            _ => return Err("invalid_blocks"),
        };
        let length = text["text"].as_str().unwrap_or_default().encode_utf16().count();
        let is_kind = text["type"].as_str().is_some_and(|kind| kinds.contains(&kind));
        // Only one kind of text knows each of these.
        let odd = text.get("verbatim").is_some() && text["type"] != "mrkdwn"
            || text.get("emoji").is_some() && text["type"] != "plain_text";
        if !is_kind || odd || !(1..=longest).contains(&length) {
            return Err("invalid_blocks");
        }
        whole += length;
    }
    if whole > 13_200 { Err("msg_blocks_too_long") } else { Ok(blocks) }
}

/// Who is mentioned where marks are read: `<@U…>`, and all that begins with `<!`.
fn mentions(blocks: &[Value], text: &str) -> Vec<String> {
    let read = |block: &Value| {
        (block["text"]["type"] == "mrkdwn").then(|| block["text"]["text"].as_str().unwrap_or_default().to_owned())
    };
    let mut texts: Vec<String> = blocks.iter().filter_map(read).collect();
    if blocks.is_empty() {
        texts.push(text.to_owned());
    }
    let mut found = Vec::new();
    for text in texts {
        for part in text.split('<').skip(1) {
            let mark = part.split('>').next().unwrap_or_default();
            if mark.starts_with(['@', '!', '#']) {
                found.push(mark.to_owned());
            }
        }
    }
    found
}
