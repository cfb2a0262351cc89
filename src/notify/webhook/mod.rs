//! A webhook: one JSON document for each parcel, to one configured receiver.
//!
//! ```json
//! { "version": 1, "kind": "page", "dedup_key": "dogwatch-INC-1-1-1-S1",
//! "event": "trigger", "incident_key": "dogwatch-3f9a1c2e-INC-1-1-S1",
//! "at": "2026-03-01T08:00:00Z",
//! "incident": "INC-1", "severity": "S1", "state": "open",
//! "target": { "kind": "Deployment", "namespace": "kube-system", "name": "coredns" },
//! "team": "platform", "on_call": ["ada"], "title": "...", "body": "...",
//! "reason": "...", "fires": ["..."], "playbook_text": "...", "found": ["..."], "tried": ["..."], "changed": ["..."],
//! "folded": ["..."], "next": ["..."], "links": [{ "name": "runbook", "url": "https://..." }], "ack": "..." }
//! ```
//!
//! `event` is `trigger`, or `update` where there is more to say and nobody is called again;
//! `incident_key` is the same for each level of a page. Where outcomes are told, the kind `outcome`
//! has the events `acknowledge` and `resolve`, and an `outcome` in words; it calls nobody.
//! `ack_urls` has for each of `on_call` the link that acknowledges in their name, where the bot has
//! a public URL.
//!
//! `body` is the whole text. What stands from `reason` on is there for a page, and says the same in
//! its parts: why a person is needed, the alerts and where, what the playbook says, what the run
//! found and did, what changed in the two hours before, which other incidents it tells of, what to
//! type, links, and how to acknowledge.

mod settings;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Map, Value, json};

use crate::message::PageText;
use crate::model::{PageEvent, Secret};
use crate::notify::http::{asked_to_wait, client_for, excerpt, not_sent};
use crate::notify::{Parcel, Sink, SinkError};
use crate::signature::sign;
pub use settings::WebhookSettings;

/// Sends to one URL.
pub struct WebhookSink {
    client: Client,
    url: Url,
    token: Option<Secret>,
    signing_secret: Option<Secret>,
    outcomes: bool,
}

/// Why there is no such sink.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("the webhook's url is none: {0}; write it from the `https` on")]
    Url(String),
    #[error("the webhook's url is plain http to {0}, where others can read it; write `https://`")]
    Plain(String),
    #[error("the webhook's host {0} is not one of `allow_hosts`; add it there, or send to one of its hosts")]
    NotAllowed(String),
    #[error("the http client could not be made: {0}")]
    Client(String),
}

impl WebhookSink {
    /// `allow_hosts`: the hosts that it may send to; empty: the URL's own. `timeout` is for one request as a whole.
    ///
    /// # Errors
    /// When the URL may not be sent to.
    pub fn new(
        url: &str,
        token: Option<Secret>,
        allow_hosts: &[String],
        timeout: Duration,
    ) -> Result<Self, WebhookError> {
        let (client, url) = client_for(url, allow_hosts, timeout)?;
        Ok(Self { client, url, token, signing_secret: None, outcomes: false })
    }

    /// Each document is signed: the header `X-Dogwatch-Signature` is `v1=` and the HMAC-SHA256, in
    /// hexadecimal digits, of the header `X-Dogwatch-Timestamp` (seconds since 1970), a dot, and
    /// the body as it is sent.
    pub fn signed_with(self, signing_secret: Option<Secret>) -> Self {
        Self { signing_secret, ..self }
    }

    /// Documents tell, too, that somebody has a page and that it is over.
    pub fn telling_outcomes(self, outcomes: bool) -> Self {
        Self { outcomes, ..self }
    }
}

#[async_trait]
impl Sink for WebhookSink {
    fn name(&self) -> &str {
        "webhook"
    }

    fn hears_ends(&self) -> bool {
        self.outcomes
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        let secrets = Secrets { token: self.token.as_ref(), signing: self.signing_secret.as_ref() };
        post(&self.client, &self.url, secrets, &document(parcel), parcel.at).await.map(|_| None)
    }
}

/// What a receiver tells us by.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::notify) struct Secrets<'a> {
    pub token: Option<&'a Secret>,
    pub signing: Option<&'a Secret>,
}

/// Posts a document; gives the answer of a receiver that has taken it.
pub(in crate::notify) async fn post(
    client: &Client,
    url: &Url,
    secrets: Secrets<'_>,
    document: &Value,
    now: DateTime<Utc>,
) -> Result<Response, SinkError> {
    let body = document.to_string();
    let mut request = client.post(url.clone()).header(CONTENT_TYPE, "application/json");
    if let Some(token) = secrets.token {
        request = request.bearer_auth(token.expose());
    }
    if let Some(secret) = secrets.signing {
        let timestamp = now.timestamp();
        let signature = sign(secret, format!("{timestamp}.{body}").as_bytes());
        request = request.header("x-dogwatch-timestamp", timestamp);
        request = request.header("x-dogwatch-signature", format!("v1={signature}"));
    }
    let request = request.body(body);
    // The URL may hold a key of the receiver: it stays out of errors.
    let answer = request.send().await.map_err(|error| not_sent(url, error))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    if status.is_redirection() {
        return Err(SinkError::fail(format!("the receiver answered {status}; redirects are not followed")));
    }
    let after = asked_to_wait(answer.headers(), now);
    let message = match excerpt(answer).await {
        said if said.is_empty() => format!("the receiver answered {status}"),
        said => format!("the receiver answered {status}: {said}"),
    };
    if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
        return Err(SinkError::Retry { message, after });
    }
    Err(SinkError::fail(message))
}

pub(in crate::notify) fn document(parcel: &Parcel) -> Value {
    let incident = &parcel.incident;
    let mut document = json!({
        "version": 1,
        "kind": if parcel.event.is_some_and(PageEvent::is_end) { "outcome" } else { parcel.kind.name() },
        "dedup_key": parcel.key,
        "at": parcel.at,
        "incident": incident.id.to_string(),
        "severity": incident.severity,
        "state": incident.state,
        "target": incident.target,
        "team": parcel.team,
        "on_call": parcel.mention.iter().map(|contact| &contact.name).collect::<Vec<_>>(),
        "title": parcel.title,
        "body": parcel.body,
    });
    if let (Some(page), Some(fields)) = (&parcel.page, document.as_object_mut()) {
        fields.extend(parts(page));
        if let Some(event) = parcel.event {
            fields.insert("event".to_owned(), event.name().into());
            fields.insert("incident_key".to_owned(), parcel.pager_key.clone().into());
        }
        if let Some(outcome) = &parcel.outcome {
            fields.insert("outcome".to_owned(), outcome.clone().into());
        }
        let links = parcel.mention.iter().filter_map(|contact| Some((contact.name.clone(), contact.ack_url.clone()?)));
        let links: Map<String, Value> = links.map(|(name, url)| (name, url.into())).collect();
        if !links.is_empty() {
            fields.insert("ack_urls".to_owned(), links.into());
        }
    }
    document
}

fn parts(page: &PageText) -> Map<String, Value> {
    let parts = [
        ("reason", json!(page.reason)),
        ("fires", json!(page.fires)),
        ("playbook_text", json!(page.playbook_text)),
        ("found", json!(page.found)),
        ("tried", json!(page.tried)),
        ("changed", json!(page.changed)),
        ("folded", json!(page.folded)),
        ("next", json!(page.next)),
        ("links", json!(page.links)),
        ("ack", json!(page.ack)),
    ];
    parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
