//! Mattermost's incoming webhook: <https://developers.mattermost.com/integrate/webhooks/incoming/>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Faults, says, serve};

const HOOK: &str = "ucw5qjw86jgeum77o1uw8197jr";

/// The channel that the webhook was made for.
pub const OF_HOOK: &str = "town-square";

pub struct Mattermost {
    url: String,
    shared: Arc<Mutex<Server>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
pub struct Server {
    pub posts: Vec<Post>,
    pub faults: Faults,
    /// Channels that take nothing: status and the first part of the error's id.
    pub refusing: BTreeMap<String, (u16, &'static str)>,
}

#[derive(Debug, Clone)]
pub struct Post {
    pub channel: String,
    pub text: String,
    pub attachment: Option<Value>,
    pub mentions: Vec<String>,
}

impl Mattermost {
    pub async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Server::default()));
        let app = Router::new().route("/hooks/{id}", post(hook)).with_state(shared.clone());
        let (url, server) = serve(app).await;
        Self { url, shared, _server: server }
    }

    pub fn hook(&self) -> String {
        format!("{}/hooks/{HOOK}", self.url)
    }

    pub fn server(&self) -> MutexGuard<'_, Server> {
        self.shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn posts(&self) -> Vec<Post> {
        self.server().posts.clone()
    }
}

impl Post {
    /// As people see it.
    pub fn shown(&self) -> String {
        let attachment = self.attachment.as_ref().map(|attachment| attachment["text"].as_str().unwrap().to_owned());
        [Some(self.text.clone()), attachment].into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

async fn hook(State(shared): State<Arc<Mutex<Server>>>, Path(id): Path<String>, body: Bytes) -> Response {
    let mut server = shared.lock().unwrap();
    let fault = server.faults.next();
    if let Some((response, false)) = fault {
        return response;
    }
    if id != HOOK {
        return error(400, "web.incoming_webhook.invalid", "Invalid webhook.");
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return error(400, "web.incoming_webhook.parse", "Unable to parse incoming data.");
    };
    let text = message["text"].as_str().unwrap_or_default().to_owned();
    let attachment = message["attachments"].as_array().and_then(|all| all.first()).cloned();
    if text.is_empty() && attachment.is_none() {
        return error(400, "web.incoming_webhook.text", "No text specified.");
    }
    if let Some(attachment) = &attachment {
        assert!(attachment["fallback"].as_str().is_some_and(|fallback| !fallback.is_empty()));
        let colour = attachment["color"].as_str().unwrap();
        assert!(colour.len() == 7 && colour.starts_with('#'), "{colour}");
        assert!(attachment["text"].as_str().unwrap().chars().count() <= 17_000);
    }
    assert!(text.chars().count() <= 4_000, "it would become two posts");
    let channel = message["channel"].as_str().unwrap_or(OF_HOOK).to_owned();
    if let Some((status, id)) = server.refusing.get(&channel) {
        return error(*status, id, "This webhook is not permitted to post to the requested channel.");
    }
    let mentions = mentions(&text);
    server.posts.push(Post { channel, text, attachment, mentions });
    match fault {
        Some((response, _)) => response,
        None => says(200, "ok"),
    }
}

fn error(status: u16, id: &str, message: &str) -> Response {
    let id = format!("{id}.app_error");
    let body = json!({ "id": id, "message": message, "detailed_error": "", "request_id": "x", "status_code": status });
    says(status, body.to_string())
}

/// Those of the text outside of code: in an attachment nobody is notified.
fn mentions(text: &str) -> Vec<String> {
    let outside: String = text.split('`').step_by(2).collect();
    let signs = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    outside.split('@').skip(1).map(|rest| rest.chars().take_while(|c| signs(*c)).collect()).collect()
}
