//! Where health and metrics are served. Everybody may ask, so that each answer is made once for all
//! who wait for it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::shared::Shared;
use super::{Server, health};
use crate::metrics::Format;

/// The answers under way.
#[derive(Debug, Default)]
pub(super) struct Probes {
    readyz: Shared,
    text: Shared,
    open_metrics: Shared,
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/healthz", get(health::healthz)).route("/readyz", get(readyz)).route("/metrics", get(metrics))
}

async fn readyz(State(server): State<Arc<Server>>) -> Response {
    let making = async { health::readyz(State(server.clone())).await.into_response() };
    server.probes.readyz.answer(making).await
}

async fn metrics(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let shared = match health::wanted_format(&headers) {
        Format::Text => &server.probes.text,
        Format::OpenMetrics => &server.probes.open_metrics,
    };
    shared.answer(health::metrics(State(server.clone()), headers)).await
}
