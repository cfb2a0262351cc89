//! ntfy: messages of JSON at the server's root. <https://docs.ntfy.sh/publish/#publish-as-json>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Faults, says, serve};

pub const TOKEN: &str = "tk_of_the_tests_1234567890abcdef";

pub struct Ntfy {
    pub url: String,
    shared: Arc<Mutex<Server>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
pub struct Server {
    pub messages: Vec<Message>,
    pub faults: Faults,
    /// Topics that take nothing: status and code.
    pub refusing: BTreeMap<String, (u16, u32)>,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub topic: String,
    pub title: String,
    pub message: String,
    pub priority: u64,
    pub whole: Value,
}

impl Ntfy {
    pub async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Server::default()));
        let app = Router::new().route("/", post(publish)).with_state(shared.clone());
        let (url, server) = serve(app).await;
        Self { url, shared, _server: server }
    }

    pub fn server(&self) -> MutexGuard<'_, Server> {
        self.shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn messages(&self) -> Vec<Message> {
        self.server().messages.clone()
    }

    /// `alice-phone 5: [S1] INC-1 …`, for each message.
    pub fn heard(&self) -> Vec<String> {
        let of = |message: &Message| format!("{} {}: {}", message.topic, message.priority, message.title);
        self.messages().iter().map(of).collect()
    }
}

async fn publish(State(shared): State<Arc<Mutex<Server>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut server = shared.lock().unwrap();
    let fault = server.faults.next();
    if let Some((response, false)) = fault {
        return response;
    }
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    // `dogwatch:hunter2hunter2`, in base64.
    if authorization != format!("Bearer {TOKEN}") && authorization != "Basic ZG9nd2F0Y2g6aHVudGVyMmh1bnRlcjI=" {
        return error(401, 40_101, "unauthorized");
    }
    if body.len() > 2 * 4_096 {
        return error(413, 41_303, "JSON body too large");
    }
    let Ok(whole) = serde_json::from_slice::<Value>(&body) else {
        return error(400, 40_017, "invalid request: request body must be message JSON");
    };
    let topic = whole["topic"].as_str().unwrap_or_default().to_owned();
    if !(1..=64).contains(&topic.len()) || !topic.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        return error(400, 40_009, "invalid request: topic invalid");
    }
    if let Some((status, code)) = server.refusing.get(&topic) {
        return error(*status, *code, "forbidden");
    }
    let message = whole["message"].as_str().unwrap().to_owned();
    assert!(message.len() <= 4_096, "it would become a file: {}", message.len());
    let priority = whole["priority"].as_u64().unwrap();
    assert!((1..=5).contains(&priority));
    assert!(whole["actions"].as_array().is_none_or(|actions| actions.len() <= 3));
    let sequence = whole["sequence_id"].as_str().unwrap();
    assert!(sequence.len() <= 64 && sequence.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
    let title = whole["title"].as_str().unwrap().to_owned();
    let id = format!("id{:09}", server.messages.len());
    let told = json!({ "id": id, "time": 1_772_416_800, "expires": 1_772_460_000, "event": "message", "topic": topic,
        "title": title, "message": message, "priority": priority });
    server.messages.push(Message { topic, title, message, priority, whole });
    match fault {
        Some((response, _)) => response,
        None => says(200, told.to_string()),
    }
}

fn error(status: u16, code: u32, message: &str) -> Response {
    let link = "https://ntfy.sh/docs/publish/#authentication";
    says(status, json!({ "code": code, "http": status, "error": message, "link": link }).to_string())
}
