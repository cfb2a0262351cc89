//! Whether it lives, whether it is ready, and what it counted.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Server;
use super::answer::Refusal;
use crate::metrics::{Format, Levels};
use crate::store::StoreError;

/// A store that takes longer does not answer: Kubernetes waits a second by default, Prometheus ten.
const STORE_WITHIN: Duration = Duration::from_secs(3);

/// `GET /healthz`: it answers, so it lives.
pub(super) async fn healthz() -> Json<serde_json::Value> {
    Json(json!({ "alive": true, "version": env!("CARGO_PKG_VERSION") }))
}

/// `GET /readyz`.
pub(super) async fn readyz(State(server): State<Arc<Server>>) -> Result<Json<serde_json::Value>, Refusal> {
    let not_ready = |reason: String, hint: &str| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason, "the bot", hint);
    if let Some(trouble) = server.store.trouble() {
        return Err(not_ready(trouble.why, "look at the log, and at the disk of the store"));
    }
    if let Some(reason) = server.readiness.reason() {
        return Err(not_ready(reason, "wait until it has started; its log says what it does"));
    }
    match levels(&server).await {
        Ok(_) => Ok(Json(json!({ "ready": true }))),
        Err(error) => {
            tracing::warn!(%error, "not ready: the store does not answer");
            Err(not_ready("the store does not answer".to_owned(), "look at the log and at the disk of the store"))
        }
    }
}

/// `GET /metrics`.
pub(super) async fn metrics(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let levels = match levels(&server).await {
        Ok(levels) => Some(levels),
        Err(error) => {
            tracing::warn!(%error, "no levels in the metrics: the store does not answer");
            None
        }
    };
    count_pages(&server).await;
    match server.metrics.render(levels.as_ref()) {
        Ok(text) => {
            let format = wanted_format(&headers);
            ([(CONTENT_TYPE, format.content_type())], format.write(text)).into_response()
        }
        Err(error) => {
            let error = format!("the metrics could not be written: {error}");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error, "the bot", "look at the log").into_response()
        }
    }
}

/// In which format somebody wants the metrics.
pub(super) fn wanted_format(headers: &HeaderMap) -> Format {
    let accept: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    Format::accepted(&accept.join(","))
}

/// Pages come from several workers, and are counted where all of them end up.
async fn count_pages(server: &Server) {
    let after = server.metrics.pages_counted();
    match tokio::time::timeout(STORE_WITHIN, server.store.pages_made(after)).await {
        Ok(Ok(made)) => server.metrics.pages_made(after, &made),
        Ok(Err(error)) => tracing::warn!(%error, "pages are not counted now, and will be later"),
        Err(_) => tracing::warn!("pages are not counted now, and will be later: the store does not answer"),
    }
}

async fn levels(server: &Server) -> Result<Levels, StoreError> {
    let late = StoreError::Failed { what: "count", message: format!("no answer within {} s", STORE_WITHIN.as_secs()) };
    tokio::time::timeout(STORE_WITHIN, server.store.levels()).await.unwrap_or(Err(late))
}
