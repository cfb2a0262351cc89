//! A stand-in for PagerDuty: it takes events as strictly as its documents say, keeps incidents by
//! service and key, and signs what its webhook brings.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use dogwatch::model::Secret;
use dogwatch::signature::sign;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The integration keys of its services.
pub const PLATFORM: &str = "R0PLATFORM0000000000000000000000";
pub const DATABASES: &str = "R0DATABASES000000000000000000000";

/// What its webhook signs by.
pub const WEBHOOK_SECRET: &str = "webhook-secret-of-the-tests";

/// It serves until it is dropped.
pub struct PagerDuty {
    pub url: String,
    shared: Arc<Mutex<Shared>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    events: Vec<Value>,
    incidents: Vec<PagedIncident>,
    faults: VecDeque<Fault>,
}

/// An incident of one of its services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagedIncident {
    pub service: String,
    pub key: String,
    pub summary: String,
    pub status: &'static str,
    /// How often its people were called.
    pub calls: usize,
}

#[derive(Debug, Clone)]
enum Fault {
    Says(u16, Vec<(&'static str, String)>, String),
    /// The event is taken, and the answer is lost.
    Loses,
}

impl PagerDuty {
    pub async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/v2/enqueue", post(enqueue)).with_state(shared.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared, _server: server }
    }

    /// The next event is answered so, and not taken.
    pub fn says(&self, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        lock(&self.shared).faults.push_back(Fault::Says(status, headers, body.to_owned()));
    }

    /// The next event is taken, and nobody hears so.
    pub fn loses_an_answer(&self) {
        lock(&self.shared).faults.push_back(Fault::Loses);
    }

    /// All events that it has taken.
    pub fn events(&self) -> Vec<Value> {
        lock(&self.shared).events.clone()
    }

    /// `trigger INC-1-1-S1 platform`, without what tells databases apart, for all events.
    pub fn heard(&self) -> Vec<String> {
        let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
        let told = |event: &Value| {
            let key = text(event, "dedup_key").splitn(3, '-').nth(2).unwrap().to_owned();
            format!("{} {key} {}", text(event, "event_action"), service(&text(event, "routing_key")).unwrap())
        };
        self.events().iter().map(told).collect()
    }

    pub fn incidents(&self) -> Vec<PagedIncident> {
        lock(&self.shared).incidents.clone()
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap()
}

fn service(key: &str) -> Option<&'static str> {
    [(PLATFORM, "platform"), (DATABASES, "databases")]
        .into_iter()
        .find(|(known, _)| *known == key)
        .map(|(_, name)| name)
}

async fn enqueue(State(shared): State<Arc<Mutex<Shared>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut shared = lock(&shared);
    let fault = shared.faults.pop_front();
    if let Some(Fault::Says(status, headers, body)) = fault {
        let mut answer = (StatusCode::from_u16(status).unwrap(), body).into_response();
        for (name, value) in headers {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        return answer;
    }
    assert_eq!(headers["content-type"], "application/json");
    if body.len() > 512 * 1024 {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let event: Value = serde_json::from_slice(&body).unwrap();
    let errors = wrong(&event);
    if !errors.is_empty() {
        let said = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": errors });
        return (StatusCode::BAD_REQUEST, Json(said)).into_response();
    }
    let key = event["dedup_key"].clone();
    shared.take(event);
    if matches!(fault, Some(Fault::Loses)) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let said = json!({ "status": "success", "message": "Event processed", "dedup_key": key });
    (StatusCode::ACCEPTED, Json(said)).into_response()
}

/// What PagerDuty would not take.
fn wrong(event: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    let text = |value: &Value| value.as_str().map(|text| text.chars().count());
    if text(&event["routing_key"]) != Some(32) {
        errors.push("Length of 'routing_key' is incorrect (should be 32 characters)".to_owned());
    } else if service(event["routing_key"].as_str().unwrap()).is_none() {
        errors.push("Invalid routing key".to_owned());
    }
    if text(&event["dedup_key"]).is_none_or(|length| length == 0 || length > 255) {
        errors.push("'dedup_key' is missing or too long".to_owned());
    }
    match event["event_action"].as_str() {
        Some("acknowledge" | "resolve") => return errors,
        Some("trigger") => {}
        _ => errors.push("'event_action' is invalid".to_owned()),
    }
    let payload = &event["payload"];
    for field in ["summary", "source", "severity"] {
        if text(&payload[field]).is_none_or(|length| length == 0) {
            errors.push(format!("'payload.{field}' is missing or blank"));
        }
    }
    if text(&payload["summary"]).is_some_and(|length| length > 1_024) {
        errors.push("'payload.summary' is too long".to_owned());
    }
    if !["critical", "error", "warning", "info"].map(Value::from).contains(&payload["severity"]) {
        errors.push("'payload.severity' is invalid (must be one of the following: 'critical', ...)".to_owned());
    }
    for link in event["links"].as_array().into_iter().flatten() {
        if !link["href"].as_str().is_some_and(|href| href.starts_with("http")) {
            errors.push("'links' has one without 'href'".to_owned());
        }
    }
    errors
}

impl Shared {
    fn take(&mut self, event: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (service, key) = (service(&text(&event["routing_key"])).unwrap(), text(&event["dedup_key"]));
        let action = text(&event["event_action"]);
        let summary = text(&event["payload"]["summary"]);
        self.events.push(event);
        let is_it = |incident: &&mut PagedIncident| {
            incident.service == service && incident.key == key && incident.status != "resolved"
        };
        match (action.as_str(), self.incidents.iter_mut().find(is_it)) {
            ("trigger", Some(incident)) => incident.summary = summary,
            ("trigger", None) => {
                let service = service.to_owned();
                self.incidents.push(PagedIncident { service, key, summary, status: "triggered", calls: 1 });
            }
            ("acknowledge", Some(incident)) => incident.status = "acknowledged",
            ("resolve", Some(incident)) => incident.status = "resolved",
            // It knows no such incident, and says nothing about that.
            _ => {}
        }
    }
}

/// The body of its webhook, and the header that signs it.
pub fn webhook(id: &str, event_type: &str, agent: Value, incident_key: &str) -> (Vec<u8>, String) {
    let body = json!({ "event": {
        "id": id,
        "event_type": event_type,
        "resource_type": "incident",
        "occurred_at": "2026-03-02T02:03:00.000Z",
        "agent": agent,
        "client": null,
        "data": {
            "id": "PT4KHLK",
            "type": "incident",
            "self": "https://api.pagerduty.com/incidents/PT4KHLK",
            "html_url": "https://acme.pagerduty.com/incidents/PT4KHLK",
            "number": 1234,
            "status": "acknowledged",
            "incident_key": incident_key,
            "title": "the API is down",
            "service": { "id": "PIJ90N7", "summary": "platform", "type": "service_reference" },
        },
    } });
    let body = serde_json::to_vec(&body).unwrap();
    let signature = format!("v1={}", sign(&Secret::new(WEBHOOK_SECRET), &body));
    (body, signature)
}

/// Somebody who works there.
pub fn user(name: &str) -> Value {
    json!({
        "html_url": "https://acme.pagerduty.com/users/PXPGF42",
        "id": "PXPGF42",
        "self": "https://api.pagerduty.com/users/PXPGF42",
        "summary": name,
        "type": "user_reference",
    })
}
