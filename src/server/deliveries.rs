//! The front door of all who deliver alerts.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::answer::Refusal;
use super::body::{self, BodyError};
use super::rooms::kib;
use super::{Server, Source, door};
use crate::intake::{Form, NotificationError};
use crate::metrics::NotificationResult;
use crate::model::LeftOut;
use crate::store::{Accepted, Delivered, StoreError};

/// What became of a delivery.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Empty: nothing of it is to be worked on.
    #[serde(skip_serializing_if = "String::is_empty")]
    signal: String,
    alerts: usize,
    /// It was durable already.
    duplicate: bool,
    /// What was not taken: more than is taken of one body, or than its sender puts into one, or
    /// damaged. A person is told.
    #[serde(skip_serializing_if = "LeftOut::is_nothing")]
    left_out: LeftOut,
}

/// Bodies from here on wait for room of their own.
const LARGE: usize = 256 * 1024;

/// `POST /v1/alertmanager`.
pub(super) async fn deliver(State(server): State<Arc<Server>>, request: Request) -> Result<Json<Answer>, Refusal> {
    let Some(source) = server.settings.sources.short() else {
        let error = "no one Alertmanager is meant by this path";
        let hint = "deliver to /v1/sources/NAME, with the name that the configuration's `sources` give it";
        return Err(Refusal::new(StatusCode::NOT_FOUND, error, "the path", hint));
    };
    deliver_as(server, &source, request).await
}

/// `POST /v1/sources/NAME`.
pub(super) async fn deliver_by_name(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Answer>, Refusal> {
    let Some(source) = server.settings.sources.named(&name) else {
        let hint = "deliver to the name that the configuration's `sources` give it";
        return Err(Refusal::new(StatusCode::NOT_FOUND, "there is no source of this name", "the path", hint));
    };
    deliver_as(server, &source, request).await
}

/// `GET /v1/sources/NAME`, for a source that only calls.
pub(super) async fn call(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Answer>, Refusal> {
    let source = server.settings.sources.named(&name).filter(|source| matches!(source.form, Form::Heartbeat));
    let Some(source) = source else {
        let hint = "post alerts; only a source of the kind `heartbeat` may be called so";
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "nothing can be read here", "the path", hint));
    };
    deliver_as(server, &source, request).await
}

async fn deliver_as(server: Arc<Server>, source: &Arc<Source>, request: Request) -> Result<Json<Answer>, Refusal> {
    let (parts, body) = request.into_parts();
    let delivered = accept(server.clone(), source, &parts, body).await;
    let result = match &delivered {
        Ok(delivered) if delivered.duplicate => NotificationResult::Duplicate,
        Ok(_) => NotificationResult::Accepted,
        Err((result, _)) => *result,
    };
    server.metrics.notification(result);
    delivered.map(Json).map_err(|(result, refusal)| {
        // Those who may not deliver must not fill the log: the door tells of them once in a while.
        if result != NotificationResult::Unauthorised {
            tracing::warn!(?result, error = refusal.error, at = refusal.at, "a notification was refused");
        }
        refusal
    })
}

async fn accept(
    server: Arc<Server>,
    source: &Arc<Source>,
    parts: &Parts,
    body: Body,
) -> Result<Answer, (NotificationResult, Refusal)> {
    let body = door::let_delivery_in(&server, source, parts, body).await.map_err(|refusal| {
        let result = match refusal.status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => NotificationResult::Malformed,
            StatusCode::SERVICE_UNAVAILABLE => NotificationResult::Overloaded,
            _ => NotificationResult::Unauthorised,
        };
        (result, refusal)
    })?;
    let headers = &parts.headers;
    let limit = server.settings.body_limit;
    // Room is for what has come: who announces much and sends little keeps nobody out.
    let announced = body::announced(headers).unwrap_or(limit).min(limit);
    let own = server.rooms.of(&source.name);
    let mut room = vec![turn(&server, &own.small, announced.min(LARGE)).await?];
    let more = || async {
        let rest = announced.saturating_sub(LARGE);
        if rest == 0 {
            return Ok(None);
        }
        // Its own share first: whoever waits for that keeps nothing of what is shared.
        let mut more = Vec::with_capacity(2);
        for room in [&own.large, &server.room] {
            more.push(turn(&server, room, rest).await.map_err(|(_, refusal)| refusal)?);
        }
        Ok(Some(more))
    };
    let read = body::read_in_turn(headers, body, limit, server.settings.limits.body_within, LARGE, more).await;
    let bytes = match read {
        Ok((bytes, more)) => {
            room.extend(more.into_iter().flatten());
            bytes
        }
        Err(error) => return Err(not_read(error)),
    };
    let (answer, answered) = oneshot::channel();
    let (working, source) = (server.clone(), source.clone());
    server.take_in(async move {
        let _room = room;
        // Who asked may have hung up.
        let _ = answer.send(take_in(&working, &source, bytes).await);
    });
    answered.await.unwrap_or_else(|_| {
        let (error, hint) = ("taking it in was not finished", "send it again");
        Err((NotificationResult::Failed, Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error, "the server", hint)))
    })
}

fn not_read(error: BodyError) -> (NotificationResult, Refusal) {
    let result = match &error {
        BodyError::TooLarge { .. } => NotificationResult::TooLarge,
        BodyError::TooSlow { .. } => NotificationResult::TooSlow,
        BodyError::NoRoom(_) => NotificationResult::Overloaded,
        BodyError::Broken(_) | BodyError::Encoded(_) => NotificationResult::Malformed,
    };
    (result, Refusal::from(error))
}

async fn take_in(
    server: &Server,
    source: &Arc<Source>,
    bytes: Vec<u8>,
) -> Result<Answer, (NotificationResult, Refusal)> {
    let start = server.clock.monotonic();
    let delivered = parse(server, source, bytes).await?;
    let (alerts, firing, left_out) = (delivered.alerts, delivered.firing, delivered.left_out.clone());
    let accepted = server.store.accept_delivery(delivered).await.map_err(|error| store_refusal(&error))?;
    server.metrics.accept_took(server.clock.monotonic().saturating_sub(start));
    let is_known = |accepted: &Accepted| matches!(accepted, Accepted::Again(_));
    let duplicate = !accepted.is_empty() && accepted.iter().all(is_known);
    if !duplicate {
        server.metrics.alerts(firing as u64, (alerts - firing) as u64);
        server.metrics.left_out(&left_out);
    }
    let id = accepted.first().map_or_else(String::new, |accepted| accepted.id().to_string());
    tracing::info!(signal = id, alerts, firing, duplicate, "a notification came in");
    if left_out.by_sender > 0 && !duplicate {
        let alerts = left_out.by_sender;
        tracing::warn!(signal = id, alerts, "alerts of this group were left out by the sender: raise its `max_alerts`");
    }
    if left_out.alerts + left_out.labels > 0 {
        tracing::warn!(
            signal = id,
            alerts = left_out.alerts,
            labels = left_out.labels,
            "a notification had more than is taken of one; the rest is left out"
        );
    }
    if !left_out.damage.is_empty() {
        let (alerts, why) = (left_out.damaged, left_out.damage.join("; "));
        tracing::warn!(
            signal = id,
            alerts,
            why,
            "a notification could be read only in part; the rest is told to a person"
        );
    }
    Ok(Answer { signal: id, alerts, duplicate, left_out })
}

/// Waits a little for room in memory.
async fn turn(
    server: &Server,
    room: &Arc<Semaphore>,
    bytes: usize,
) -> Result<OwnedSemaphorePermit, (NotificationResult, Refusal)> {
    let permits = u32::try_from(kib(bytes)).unwrap_or(u32::MAX);
    let waiting = tokio::time::timeout(server.settings.limits.turn_within, room.clone().acquire_many_owned(permits));
    match waiting.await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => {
            let refusal = Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many notifications are coming in at once",
                "the server",
                "send it again in a few seconds",
            );
            Err((NotificationResult::Overloaded, refusal))
        }
    }
}

async fn parse(
    server: &Server,
    source: &Arc<Source>,
    bytes: Vec<u8>,
) -> Result<Delivered, (NotificationResult, Refusal)> {
    let is_small = bytes.len() < source.form.large();
    let (source, now) = (source.clone(), server.clock.now());
    let read = move || source.form.parse(source.sender(), now, &source.heartbeats, &bytes);
    let parsed = if is_small {
        read()
    } else {
        match tokio::task::spawn_blocking(read).await {
            Ok(parsed) => parsed,
            Err(error) => {
                let refusal = Refusal::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    format!("reading it was not finished: {error}"),
                    "the server",
                    "send it again",
                );
                return Err((NotificationResult::Failed, refusal));
            }
        }
    };
    parsed.map_err(|NotificationError { at, what, hint }| {
        (NotificationResult::Malformed, Refusal::new(StatusCode::BAD_REQUEST, what, at, hint))
    })
}

fn store_refusal(error: &StoreError) -> (NotificationResult, Refusal) {
    tracing::error!(%error, "a notification could not be made durable");
    let result = match error {
        StoreError::Overloaded(_) => NotificationResult::Overloaded,
        _ => NotificationResult::Failed,
    };
    // What the database says is for the log: it may name files.
    let message = match error {
        StoreError::Overloaded(_) => "the store is overloaded",
        _ => "the store does not take it",
    };
    (result, Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message, "the store", "send it again in a few seconds"))
}
