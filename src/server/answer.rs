//! Answers in JSON.

use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Refusal {
    #[serde(skip)]
    pub status: StatusCode,
    pub error: String,
    #[serde(rename = "where")]
    pub at: String,
    pub hint: String,
    /// When to try again.
    #[serde(skip)]
    pub after: Option<Duration>,
    /// The connection ends with it.
    #[serde(skip)]
    pub closes: bool,
}

impl Refusal {
    pub fn new(status: StatusCode, error: impl Into<String>, at: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, error: error.into(), at: at.into(), hint: hint.into(), after: None, closes: false }
    }

    /// Trying again makes sense after this time.
    pub fn after(self, after: Duration) -> Self {
        Self { after: Some(after), ..self }
    }
}

/// How long one who was sent away should wait: long enough for a queue to run dry.
pub(super) const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, after, closes) = (self.status, self.after, self.closes);
        let mut response = (status, Json(self)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        }
        if let Some(after) = after {
            // In whole seconds, and never sooner than it makes sense.
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs_f64().ceil() as u64));
        }
        if closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::UNAUTHORIZED {
            let headers = response.headers_mut();
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"dogwatch\""));
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"dogwatch\", charset=\"UTF-8\""));
        }
        response
    }
}

const ROUTES: &str = "the routes are POST /v1/alertmanager, GET and POST /v1/sources/NAME, POST /v1/commands, \
     POST /v1/pagerduty, GET and POST /ack/TOKEN, GET /healthz, GET /readyz and GET /metrics";

pub(super) async fn no_route(request: Request) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is nothing here", place(&request), ROUTES)
}

pub(super) async fn no_method(request: Request) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this route has another method", place(&request), ROUTES)
}

/// The end of a request, whatever it waits for. What it had asked of the store may still be done: a delivery that comes again is
/// known by its key.
pub(super) async fn within(within: Duration, request: Request, next: Next) -> Response {
    let at = place(&request);
    match tokio::time::timeout(within, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let error = format!("it was not done within {} s", within.as_secs_f64());
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error, at, "send it again in a few seconds").into_response()
        }
    }
}

fn place(request: &Request) -> String {
    let path: String = request.uri().path().chars().take(200).collect();
    format!("{} {path}", request.method())
}
