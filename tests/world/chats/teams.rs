//! The webhook of Teams' Workflows: <https://learn.microsoft.com/en-us/connectors/teams/>

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Faults, says, serve};

const SIG: &str = "sig=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789";

pub struct Teams {
    url: String,
    shared: Arc<Mutex<Tenant>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
pub struct Tenant {
    pub cards: Vec<Card>,
    pub faults: Faults,
    /// Workflows that somebody has switched off.
    pub off: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub struct Card {
    pub workflow: String,
    pub content: Value,
    pub mentions: Vec<String>,
}

impl Teams {
    pub async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Tenant::default()));
        let route = "/workflows/{id}/triggers/manual/paths/invoke";
        let app = Router::new().route(route, post(invoke)).with_state(shared.clone());
        let (url, server) = serve(app).await;
        Self { url, shared, _server: server }
    }

    pub fn workflow(&self, id: &str) -> String {
        format!(
            "{}/workflows/{id}/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&{SIG}",
            self.url
        )
    }

    pub fn tenant(&self) -> MutexGuard<'_, Tenant> {
        self.shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn cards(&self) -> Vec<Card> {
        self.tenant().cards.clone()
    }
}

impl Card {
    /// As people see it, element by element.
    pub fn shown(&self) -> String {
        let inline = |inline: &Value| inline.as_str().or(inline["text"].as_str()).unwrap().to_owned();
        let element = |element: &Value| match element["type"].as_str().unwrap() {
            "TextBlock" => element["text"].as_str().unwrap().to_owned(),
            "RichTextBlock" => element["inlines"].as_array().unwrap().iter().map(inline).collect(),
            other => panic!("{other}"),
        };
        self.content["body"].as_array().unwrap().iter().map(element).collect::<Vec<String>>().join("\n")
    }
}

async fn invoke(
    State(shared): State<Arc<Mutex<Tenant>>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let mut tenant = shared.lock().unwrap();
    let fault = tenant.faults.next();
    if let Some((response, false)) = fault {
        return response;
    }
    if !query.unwrap_or_default().contains(SIG) {
        return error(
            401,
            "DirectApiAuthorizationRequired",
            "The request must be authenticated only by Shared Access scheme.",
        );
    }
    if tenant.off.contains(&id.as_str()) {
        return error(400, "WorkflowTriggerIsNotEnabled", "The workflow trigger is not enabled.");
    }
    if body.len() > 28_000 {
        return error(413, "RequestEntityTooLarge", "too large");
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return error(400, "InvalidRequestContent", "no JSON");
    };
    let card = &message["attachments"][0];
    if message["type"] != "message" || card["contentType"] != "application/vnd.microsoft.card.adaptive" {
        return error(
            400,
            "TriggerInputSchemaMismatch",
            "The input body for trigger 'manual' did not match its schema.",
        );
    }
    let content = card["content"].clone();
    assert_eq!((&content["type"], &content["version"]), (&"AdaptiveCard".into(), &"1.4".into()));
    assert!(content["actions"].as_array().unwrap().len() <= 6);
    let mentions = mentions(&content);
    tenant.cards.push(Card { workflow: id, content, mentions });
    match fault {
        Some((response, _)) => response,
        None => says(202, ""),
    }
}

fn error(status: u16, code: &str, message: &str) -> Response {
    says(status, json!({ "error": { "code": code, "message": message } }).to_string())
}

/// Who is mentioned: a mark in a `TextBlock` that has its entity. A mark without one is shown as it
/// is, and an entity without a mark is refused.
fn mentions(content: &Value) -> Vec<String> {
    let blocks = content["body"].as_array().unwrap().iter().filter(|element| element["type"] == "TextBlock");
    let text: String = blocks.map(|block| block["text"].as_str().unwrap()).collect();
    let entities = content["msteams"]["entities"].as_array().unwrap();
    let mention = |entity: &Value| {
        let mark = entity["text"].as_str().unwrap();
        assert_eq!(text.matches(mark).count(), 1, "{mark} in {text}");
        entity["mentioned"]["id"].as_str().unwrap().to_owned()
    };
    entities.iter().map(mention).collect()
}
