//! A webhook: one JSON document for each parcel, to one configured receiver.
//!
//! ```json
//! { "version": 1, "kind": "page", "dedup_key": "dogwatch-INC-1-1-1-S1", "at": "2026-03-01T08:00:00Z",
//! "incident": "INC-1", "severity": "S1", "state": "open",
//! "target": { "kind": "Deployment", "namespace": "kube-system", "name": "coredns" },
//! "team": "platform", "on_call": ["ada"], "title": "...", "body": "...",
//! "reason": "...", "fires": ["..."], "playbook_text": "...", "found": ["..."], "tried": ["..."], "changed": ["..."],
//! "folded": ["..."], "next": ["..."], "links": [{ "name": "runbook", "url": "https://..." }], "ack": "..." }
//! ```
//!
//! `body` is the whole text. What stands from `reason` on is there for a page, and says the same in
//! its parts: why a person is needed, the alerts and where, what the playbook says, what the run
//! found and did, what changed in the two hours before, which other incidents it tells of, what to
//! type, links, and how to acknowledge.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Map, Value, json};

use super::{Parcel, Sink, SinkError};
use crate::message::PageText;
use crate::model::{Secret, redact};
use crate::proxy::Proxy;

/// Sends to one URL.
pub struct WebhookSink {
    client: Client,
    url: Url,
    token: Option<Secret>,
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
        let url = Url::parse(url).map_err(|error| WebhookError::Url(error.to_string()))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let here = is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if here => {}
            "http" => return Err(WebhookError::Plain(host)),
            other => return Err(WebhookError::Url(format!("`{other}` is not https"))),
        }
        if !allow_hosts.is_empty() && !allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host)) {
            return Err(WebhookError::NotAllowed(host));
        }
        crate::tls::install_provider();
        // A redirect would carry the page, and the token, to a host that nobody has allowed.
        let mut builder = Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none());
        if here {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| WebhookError::Client(error.to_string()))?;
        Ok(Self { client, url, token })
    }
}

#[async_trait]
impl Sink for WebhookSink {
    fn name(&self) -> &str {
        "webhook"
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        let mut request = self.client.post(self.url.clone()).json(&document(parcel));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        // The URL may hold a key of the receiver: it stays out of errors.
        let answer = request.send().await.map_err(|error| not_sent(&self.url, error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(None);
        }
        if status.is_redirection() {
            return Err(SinkError::fail(format!("the receiver answered {status}; redirects are not followed")));
        }
        let after = asked_to_wait(answer.headers(), parcel.at);
        let message = match excerpt(answer).await {
            said if said.is_empty() => format!("the receiver answered {status}"),
            said => format!("the receiver answered {status}: {said}"),
        };
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
            return Err(SinkError::Retry { message, after });
        }
        Err(SinkError::fail(message))
    }
}

/// How long the receiver wants to be left alone
/// (<https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>). A date is told by its own clock,
/// so it counts from the date of its answer, and from `now` only where that has none.
fn asked_to_wait(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let header = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let after = header(RETRY_AFTER)?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc());
    let until = date(after)?;
    // One that has passed asks for no time at all.
    Some((until - header(DATE).and_then(date).unwrap_or(now)).to_std().unwrap_or_default())
}

fn document(parcel: &Parcel) -> Value {
    let incident = &parcel.incident;
    let mut document = json!({
        "version": 1,
        "kind": parcel.kind.name(),
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

/// The beginning of what the receiver says about it: enough to put it right.
async fn excerpt(mut answer: reqwest::Response) -> String {
    /// More is read than is shown: a secret that is cut in the middle does not look like one.
    const READ: usize = 4 * 1024;
    const SHOWN: usize = 200;
    let mut bytes = Vec::new();
    while bytes.len() < READ
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&bytes);
    redact(&text)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN)
        .collect::<String>()
        .trim()
        .to_owned()
}

fn not_sent(url: &Url, error: reqwest::Error) -> SinkError {
    let through = if error.is_connect() { Proxy::blame(url.as_str()) } else { String::new() };
    let error = error.without_url();
    let reason = format!("{}{through}", reason(&error));
    if error.is_timeout() { SinkError::no_answer(reason) } else { SinkError::retry(reason) }
}

/// An error with what is behind it: reqwest's own text leaves out why.
fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
