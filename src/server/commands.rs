//! Commands over HTTP: what the command line uses.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::answer::Refusal;
use super::body::BodyError;
use super::{Server, body, door};
use crate::chat::ReplyStatus;
use crate::model::Person;

/// A command is a line; this is plenty.
const LONGEST: usize = 64 * 1024;

/// How long a body takes is not known: whoever comes again soon enough loses little.
const SOON: Duration = Duration::from_secs(2);

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
    let let_in = door::let_command_in(&server, &parts, body).await;
    let (person, body) = let_in.inspect_err(|_| server.metrics.command("api", true))?;
    let key = idempotency_key(&parts.headers, &person.id)?;
    let reading = server.reading.begin(&person.id).ok_or_else(|| {
        server.metrics.command("api", true);
        too_much("too many commands of yours come at once", &person, SOON)
    })?;
    let bytes = body::read(&parts.headers, body, LONGEST, server.settings.limits.body_within).await;
    drop(reading);
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
        ReplyStatus::TooMuch { after } => return Err(too_much(&reply.text, &person, after)),
    };
    let ok = reply.ok();
    let mut response = (status, Json(Answered { reply: reply.text, ok })).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, super::answer::RETRY_SECONDS);
    }
    Ok(response)
}

fn too_much(error: &str, person: &Person, after: Duration) -> Refusal {
    let hint = format!("send it again in {} s", after.as_secs_f64().ceil());
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, error, format!("the token `{}`", person.name), hint).after(after)
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
