//! PagerDuty's webhook: who acknowledges there acknowledges here
//! (<https://developer.pagerduty.com/docs/webhooks-overview>).
//!
//! A signature over the body lets it in
//! (<https://developer.pagerduty.com/docs/verifying-signatures>). What is understood is
//! durable before it is answered; what is not, or concerns others, is answered with 2xx and
//! counted, as PagerDuty switches a webhook off that is refused again and again. It acknowledges,
//! and nothing else: an incident that a person closes there is no proof that it is over. From then
//! on PagerDuty calls nobody for it, and so the bot does.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::answer::{Refusal, no_route};
use super::{Server, body, door};
use crate::intake::command_signal;
use crate::message::clip;
use crate::metrics::PagerEvent;
use crate::model::{Command, IncidentId, Person, Role, Secret, Via};
use crate::oncall::Roster;
use crate::signature::is_signed;
use crate::store::{Accepted, StoreError};

/// By what its deliveries are known, and its people.
#[derive(Debug, Clone)]
pub struct PagerDutyWebhook {
    pub secret: Secret,
    pub oncall: Roster,
}

/// One event is a few KiB: all strangers together, each with as much, take 16 MiB.
const USUAL: usize = 16 * 1024;

/// Where an incident has a long text, it is more.
const LONGEST: usize = 256 * 1024;

/// So many of those take 16 MiB, too. Only the whole of a body says whose it is.
pub(super) const AT_ONCE: usize = 64;

/// How long one may take of which nobody knows whose it is.
const UNSIGNED_WITHIN: Duration = Duration::from_secs(5);

/// While a secret is changed, there are two signatures. More are somebody's guesses.
const SIGNATURES: usize = 8;

/// PagerDuty's are UUIDs or as long.
const LONGEST_ID: usize = 200;

/// The name of somebody whom `oncall.yaml` does not know.
const NAME: usize = 80;

#[derive(Debug, Deserialize)]
struct Delivery {
    event: Event,
}

#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    event_type: String,
    #[serde(default)]
    agent: Option<Agent>,
    #[serde(default)]
    data: Option<Data>,
}

/// Who did it: a person, or an integration such as ours.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Agent {
    id: String,
    r#type: String,
    summary: Option<String>,
    email: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Data {
    incident_key: Option<String>,
}

/// `POST /v1/pagerduty`.
pub(super) async fn hear(State(server): State<Arc<Server>>, request: Request) -> Result<StatusCode, Refusal> {
    let Some(webhook) = server.settings.pagerduty.as_ref() else { return Err(no_route(request).await) };
    let (parts, body) = request.into_parts();
    let bytes = read(&server, webhook, &parts, body).await?;
    let event = match serde_json::from_slice::<Delivery>(&bytes) {
        Ok(Delivery { event }) if (1..=LONGEST_ID).contains(&event.id.len()) => event,
        Ok(_) => return Ok(told(&server, PagerEvent::Unreadable)),
        Err(error) => {
            tracing::warn!(%error, "PagerDuty's webhook brought what cannot be read");
            return Ok(told(&server, PagerEvent::Unreadable));
        }
    };
    match take(&server, webhook, &event).await {
        Ok(result) => {
            let (id, event_type) = (clip(&event.id, NAME), clip(&event.event_type, NAME));
            tracing::info!(event = id, event_type, ?result, "PagerDuty's webhook brought an event");
            Ok(told(&server, result))
        }
        Err(error) => {
            tracing::error!(%error, "what PagerDuty's webhook brought could not be made durable");
            server.metrics.pager_event(PagerEvent::Failed);
            let (error, hint) = ("the store does not take it", "send it again in a few seconds");
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error, "the store", hint))
        }
    }
}

fn told(server: &Server, result: PagerEvent) -> StatusCode {
    server.metrics.pager_event(result);
    StatusCode::ACCEPTED
}

/// A body that PagerDuty has signed.
async fn read(server: &Server, webhook: &PagerDutyWebhook, parts: &Parts, body: Body) -> Result<Vec<u8>, Refusal> {
    let limits = &server.settings.limits;
    let more = || async {
        match tokio::time::timeout(limits.turn_within, server.unsigned.acquire()).await {
            Ok(Ok(turn)) => Ok(Some(turn)),
            Ok(Err(_)) | Err(_) => {
                let (error, hint) = ("too many deliveries come at once", "send it again in a few seconds");
                Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error, "the server", hint))
            }
        }
    };
    let within = limits.body_within.min(UNSIGNED_WITHIN);
    let (bytes, turn) = body::read_in_turn(&parts.headers, body, LONGEST, within, USUAL, more).await?;
    let is_right = is_signed_by(&webhook.secret, &parts.headers, &bytes);
    drop(turn);
    if is_right {
        door::come_in(parts, Body::empty(), false).await.map(drop)?;
        return Ok(bytes);
    }
    let hint = "set `pages.pagerduty.webhook_secret` to the secret that PagerDuty shows for this webhook";
    let error = "this is not signed by the secret of the webhook";
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, error, "X-PagerDuty-Signature", hint);
    Err(door::turned_away(server, parts, Body::empty(), "pagerduty", refusal).await)
}

/// `v1=HEX`, several after commas.
fn is_signed_by(secret: &Secret, headers: &HeaderMap, bytes: &[u8]) -> bool {
    let values = headers.get_all("x-pagerduty-signature").iter().filter_map(|value| value.to_str().ok());
    let signatures = values.flat_map(|value| value.split(',')).filter_map(|one| one.trim().strip_prefix("v1="));
    signatures.take(SIGNATURES).any(|signature| is_signed(secret, bytes, signature))
}

/// Makes an acknowledgement of it, if it is one.
async fn take(server: &Server, webhook: &PagerDutyWebhook, event: &Event) -> Result<PagerEvent, StoreError> {
    let is_closed = match event.event_type.as_str() {
        "incident.acknowledged" => false,
        "incident.resolved" => true,
        _ => return Ok(PagerEvent::OtherType),
    };
    // What an integration does, ours or another one, is nobody's word.
    let Some(agent) = event.agent.as_ref().filter(|agent| agent.r#type.starts_with("user")) else {
        return Ok(PagerEvent::NoPerson);
    };
    let key = event.data.as_ref().and_then(|data| data.incident_key.as_deref()).unwrap_or_default();
    let incident = match known(server, key).await? {
        Ok(incident) => incident,
        Err(result) => return Ok(result),
    };
    let command = if is_closed { Command::ClosedAtPager { incident } } else { Command::Ack { incident } };
    let signal = command_signal(&webhook.person(agent), command, Some(event.id.clone()), server.clock.now());
    Ok(match server.store.accept(&signal).await? {
        Accepted::New(_) if is_closed => PagerEvent::Resolved,
        Accepted::New(_) => PagerEvent::Acknowledged,
        Accepted::Again(_) | Accepted::Other(_) => PagerEvent::Duplicate,
    })
}

impl PagerDutyWebhook {
    /// The member of that name or address; else as PagerDuty names them.
    fn person(&self, agent: &Agent) -> Person {
        let oncall = self.oncall.get();
        let summary = agent.summary.as_deref().unwrap_or_default();
        let addresses = [agent.email.as_deref().unwrap_or_default(), summary];
        let by_address = || addresses.iter().find_map(|address| oncall.member_at("email", address));
        // Anybody may call himself by another one's name: who has an address is known by it.
        let by_name = || oncall.member(summary).filter(|_| agent.email.is_none());
        let name = match by_address().or_else(by_name) {
            Some(member) => member.name.clone(),
            None if summary.trim().is_empty() => format!("PagerDuty's {}", clip(&agent.id, NAME)),
            None => clip(summary, NAME),
        };
        Person { name, via: Via::PagerDuty, id: clip(&agent.id, NAME), role: Some(Role::Responder) }
    }
}

/// The incident of a pager key, `dogwatch-MARK-INC-7-1-S1`, as long as it is the last word about
/// it.
async fn known(server: &Server, key: &str) -> Result<Result<IncidentId, PagerEvent>, StoreError> {
    let Some((mark, rest)) = key.strip_prefix("dogwatch-").and_then(|key| key.split_once('-')) else {
        return Ok(Err(PagerEvent::UnknownIncident));
    };
    if mark != server.store.mark() {
        return Ok(Err(PagerEvent::OtherDatabase));
    }
    let id = rest.strip_prefix("INC-").and_then(|rest| rest.split('-').next()?.parse().ok());
    let Some(id) = id else { return Ok(Err(PagerEvent::UnknownIncident)) };
    let Some(incident) = server.store.incident(IncidentId(id)).await? else {
        return Ok(Err(PagerEvent::UnknownIncident));
    };
    let root = incident.root();
    let is_outdated = match server.store.pages_of(root).await {
        Ok(pages) => match pages.iter().find(|page| page.pager_key == rest) {
            Some(page) => page.is_outdated(),
            None => return Ok(Err(PagerEvent::UnknownIncident)),
        },
        // Somebody has it, whatever its pages say.
        Err(StoreError::Unreadable { .. }) => false,
        Err(error) => return Err(error),
    };
    Ok(if is_outdated { Err(PagerEvent::Outdated) } else { Ok(root) })
}
