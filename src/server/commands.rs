//! Commands over HTTP: what the command line uses.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::answer::Refusal;
use super::body::BodyError;
use super::{Server, auth, body};
use crate::chat::ReplyStatus;

/// A command is a line; this is plenty.
const LONGEST: usize = 64 * 1024;

#[derive(Deserialize)]
struct Asked {
    command: String,
}

#[derive(Serialize)]
struct Answered {
    reply: String,
    ok: bool,
}

/// `POST /v1/commands`. With an `Idempotency-Key`, the same again changes nothing more and has the same answer.
pub(super) async fn command(State(server): State<Arc<Server>>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let person = match auth::check_token(&server.settings.api_tokens, &parts.headers) {
        Ok(person) => person,
        Err(refusal) => {
            tracing::warn!(error = refusal.error, "a command was refused");
            server.metrics.command("api", true);
            body::discard(&parts.headers, body).await;
            return Err(refusal);
        }
    };
    let key = idempotency_key(&parts.headers, &person.id)?;
    let bytes = body::read(&parts.headers, body, LONGEST, server.settings.limits.body_within).await;
    let bytes = bytes.map_err(|error| match error {
        BodyError::TooLarge { .. } => {
            Refusal { hint: "send one command, which is one line".to_owned(), ..error.into() }
        }
        error => error.into(),
    })?;
    let asked: Asked = serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "this is not JSON with a `command`",
            place,
            r#"send {"command": "/incidents"}"#,
        )
    })?;
    let reply = server.desk.handle_text(&person, &asked.command, key).await;
    let status = match reply.status {
        ReplyStatus::Answered => StatusCode::OK,
        ReplyStatus::Pending => StatusCode::ACCEPTED,
        ReplyStatus::Declined => StatusCode::CONFLICT,
        ReplyStatus::Refused => StatusCode::FORBIDDEN,
        ReplyStatus::Wrong => StatusCode::BAD_REQUEST,
        ReplyStatus::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    let ok = reply.ok();
    let mut response = (status, Json(Answered { reply: reply.text, ok })).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, super::answer::RETRY_SECONDS);
    }
    Ok(response)
}

/// The key, within the person's own: two people may well choose the same.
fn idempotency_key(headers: &HeaderMap, person: &str) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= 200 => Ok(Some(format!("{person}:{key}"))),
        _ => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "this is no key",
            "Idempotency-Key",
            "send 1 to 200 visible letters, such as a UUID",
        )),
    }
}
