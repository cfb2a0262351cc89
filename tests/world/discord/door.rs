//! What every request meets first: faults, authorization, the log.

use std::future::pending;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request as HttpRequest, State as With};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::refusal::Refusal;
use super::shared::Shared;
use super::state::{FaultKind, Request};

pub async fn at_the_door(With(shared): With<Shared>, request: HttpRequest, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path().trim_start_matches("/api/v10").to_owned();
    let called = format!("{method} {path}");
    let fault = {
        let mut state = shared.lock();
        let hit = state.faults.iter().position(|fault| called.contains(&fault.on));
        hit.map(|at| state.faults.remove(at).kind)
    };
    let response = match (fault, refusal(&shared, &request, &path)) {
        (Some(FaultKind::Refused { status, retry_after }), _) => failure(status, retry_after),
        (Some(FaultKind::AnswerLost), _) => {
            next.run(request).await;
            failure(504, None)
        }
        (Some(FaultKind::Unanswered), _) => pending().await,
        (None, Some(response)) => response,
        (None, None) => next.run(request).await,
    };
    let status = response.status().as_u16();
    shared.change(|state| state.requests.push(Request { method, path, status }));
    response
}

fn refusal(shared: &Shared, request: &HttpRequest, path: &str) -> Option<Response> {
    let state = shared.lock();
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // The token in the path is what these two trust.
    let is_open = path == "/gateway" || path.starts_with("/interactions/") || path.starts_with("/webhooks/");
    if state.is_down {
        Some((StatusCode::SERVICE_UNAVAILABLE, "upstream connect error").into_response())
    } else if !header("user-agent").starts_with("DiscordBot (") {
        Some((StatusCode::FORBIDDEN, "error code: 1010").into_response())
    } else if !is_open && header("authorization") != format!("Bot {}", state.token) {
        Some(Refusal::new(401, 0, "401: Unauthorized").into_response())
    } else {
        None
    }
}

fn failure(code: u16, retry_after: Option<Duration>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let Some(retry_after) = retry_after else {
        return Refusal::new(code, 0, "an error on request").into_response();
    };
    let seconds = retry_after.as_secs_f64();
    let body = json!({ "message": "You are being rate limited.", "retry_after": seconds, "global": false });
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("retry-after", seconds.ceil().to_string()),
        ("x-ratelimit-limit", "5".to_owned()),
        ("x-ratelimit-remaining", "0".to_owned()),
        ("x-ratelimit-reset-after", seconds.to_string()),
        ("x-ratelimit-bucket", "stand-in".to_owned()),
        ("x-ratelimit-scope", "user".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    (status, headers, Json(body)).into_response()
}
