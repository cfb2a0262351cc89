//! The door of both ways in: browsers first, then who it is, and only then what is brought.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::answer::Refusal;
use super::browser::{self, Guard};
use super::guesses::{Answer, LATE};
use super::places::Place;
use super::{Server, Source, auth, body};
use crate::model::Person;

/// Lets a delivery in. Nothing of its body is kept before that.
pub(super) async fn let_delivery_in(
    server: &Server,
    source: &Source,
    parts: &Parts,
    body: Body,
) -> Result<Body, Refusal> {
    browsers_stay_out(server, source.guard(), parts)?;
    match auth::check_source(source, &parts.headers) {
        Ok(()) => come_in(parts, body, !source.takes_any_body()).await,
        Err(refusal) => Err(turned_away(server, parts, body, "webhook", refusal).await),
    }
}

/// Lets a command in, and says whose it is.
pub(super) async fn let_command_in(server: &Server, parts: &Parts, body: Body) -> Result<(Person, Body), Refusal> {
    browsers_stay_out(server, Guard::Secret, parts)?;
    match auth::check_token(&server.settings.api_tokens, &parts.headers) {
        Ok(person) => Ok((person, come_in(parts, body, true).await?)),
        Err(refusal) => Err(turned_away(server, parts, body, "api", refusal).await),
    }
}

fn browsers_stay_out(server: &Server, guard: Guard, parts: &Parts) -> Result<(), Refusal> {
    browser::check(guard, parts).inspect_err(|refusal| {
        if let Some(count) = server.browsers.count(server.clock.monotonic()) {
            tracing::warn!(
                error = refusal.error,
                at = refusal.at,
                count,
                "requests of browsers were refused, this one and those since the last such line"
            );
        }
    })
}

/// From here on the connection keeps its place, and what is wrong with the body can be told.
pub(super) async fn come_in(parts: &Parts, body: Body, brings_json: bool) -> Result<Body, Refusal> {
    if place(parts).is_some_and(|place| !place.is_let_in()) {
        let error = "all connections of those who may come in are at work";
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            error,
            "the server",
            "send it again in a few seconds",
        ));
    }
    if brings_json && let Err(refusal) = browser::check_json(&parts.headers) {
        body::discard(&parts.headers, body).await;
        return Err(refusal);
    }
    Ok(body)
}

/// Whoever has no right secret hears so soon, late, or never.
pub(super) async fn turned_away(
    server: &Server,
    parts: &Parts,
    body: Body,
    via: &'static str,
    refusal: Refusal,
) -> Refusal {
    server.metrics.authentication_failed(via);
    let place = place(parts);
    if let Some(place) = place {
        // Whoever waits for an answer of this sort may lose his place to others.
        place.waits();
    }
    let peer = place.map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |place| place.peer);
    match server.guesses.wrong(peer, server.clock.monotonic()) {
        Answer::AtOnce => {
            body::discard_of_stranger(&parts.headers, body).await;
            return refusal;
        }
        Answer::Late(_permit) => tokio::time::sleep(LATE).await,
        Answer::Never => {
            if let Some(place) = place {
                place.cut.cancel();
                std::future::pending::<()>().await;
            }
        }
    }
    let error = "too many wrong secrets come from your address";
    let hint = "wait until it has the right one; the right one is always let in";
    let refused = Refusal::new(StatusCode::TOO_MANY_REQUESTS, error, "Authorization", hint);
    Refusal { closes: true, ..refused.after(LATE * 6) }
}

fn place(parts: &Parts) -> Option<&Place> {
    parts.extensions.get::<Arc<Place>>().map(Arc::as_ref)
}
