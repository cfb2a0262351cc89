//! Acknowledging by a link: what a person sees of it in a browser.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Refusal;
use super::{Server, body, door};
use crate::chat::ReplyStatus;
use crate::links::{AckLink, AckLinks, LinkError};
use crate::model::{Command, Incident, IncidentId, Person, Role, Via};
use crate::store::{Page, StoreError};

/// `GET /ack/TOKEN`: what the page is about. Nothing happens: programs follow links, too.
pub(super) async fn show(State(server): State<Arc<Server>>, Path(token): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match ask(&server, &parts, body, &token).await {
        Err(response) => response,
        Ok(Asked { link, page, incident }) => match page.acknowledged_at {
            Some(at) => told(&incident, &format!("Somebody has it since {} UTC.", at.format("%Y-%m-%d %H:%M"))),
            None => asks(&incident, &link.person),
        },
    }
}

/// `POST /ack/TOKEN`: acknowledges. Doing it again changes nothing more.
pub(super) async fn acknowledge(
    State(server): State<Arc<Server>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Asked { link, page, incident } = match ask(&server, &parts, body, &token).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let AckLink { page: id, person: name } = link;
    let key = format!("{id}:{name}");
    let person = Person { id: name.clone(), name, via: Via::Link, role: Some(Role::Responder) };
    let reply = server.desk.handle(&person, Command::Ack { incident: page.incident }, Some(key)).await;
    let status = match reply.status {
        ReplyStatus::Answered | ReplyStatus::Pending | ReplyStatus::Declined => {
            // As it stands after that.
            let now = server.store.incident(incident.id).await.ok().flatten().unwrap_or(incident);
            return told(&now, &reply.text);
        }
        ReplyStatus::TooMuch { .. } => StatusCode::TOO_MANY_REQUESTS,
        ReplyStatus::Refused | ReplyStatus::Wrong => StatusCode::FORBIDDEN,
        ReplyStatus::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    sorry(status, &reply.text, Some(incident.id))
}

/// What is asked for by a link that works.
struct Asked {
    link: AckLink,
    page: Page,
    incident: Incident,
}

async fn ask(server: &Server, parts: &Parts, body: Body, token: &str) -> Result<Asked, Response> {
    let links = server.settings.ack_links.as_ref();
    let read = links.map_or(Err(LinkError::Wrong), |links: &AckLinks| links.read(token, server.clock.now()));
    let link = match read {
        Ok(link) => link,
        Err(LinkError::Expired(link)) => {
            body::discard_of_stranger(&parts.headers, body).await;
            let incident = known(server, &link).await.ok().flatten().map(|(_, incident)| incident.id);
            return Err(sorry(StatusCode::GONE, &LinkError::Expired(link).to_string(), incident));
        }
        Err(wrong) => {
            let refusal = Refusal::new(StatusCode::NOT_FOUND, wrong.to_string(), "the link", "take all of it");
            let refusal = door::turned_away(server, parts, body, "link", refusal).await;
            return Err(sorry(refusal.status, &refusal.error, None));
        }
    };
    door::come_in(parts, Body::empty(), false).await.map(drop).map_err(IntoResponse::into_response)?;
    // A form brings nothing that the link does not say.
    body::discard(&parts.headers, body).await;
    match known(server, &link).await {
        Ok(Some((page, incident))) if page.is_outdated() => {
            let what =
                format!("{} has become something else since this page, and is {} now", incident.id, incident.state);
            Err(sorry(StatusCode::GONE, &what, Some(incident.id)))
        }
        Ok(Some((page, incident))) => Ok(Asked { link, page, incident }),
        Ok(None) => Err(sorry(StatusCode::NOT_FOUND, "the page of this link is not there any more", None)),
        Err(error) => {
            tracing::error!(%error, page = %link.page, "a link could not be looked up");
            Err(sorry(StatusCode::SERVICE_UNAVAILABLE, "that did not work; try again in a moment", None))
        }
    }
}

async fn known(server: &Server, link: &AckLink) -> Result<Option<(Page, Incident)>, StoreError> {
    let Some(page) = server.store.page(link.page).await? else { return Ok(None) };
    let incident = server.store.incident(page.incident).await?;
    Ok(incident.map(|incident| (page, incident)))
}

fn asks(incident: &Incident, person: &str) -> Response {
    let form = format!(
        "<form method=\"post\"><button type=\"submit\">Acknowledge as {}</button></form>\
         <p>Somebody else is called while nobody does.</p>",
        escaped(person)
    );
    html(StatusCode::OK, incident.id.to_string(), heading(incident) + &form)
}

fn told(incident: &Incident, what: &str) -> Response {
    html(StatusCode::OK, incident.id.to_string(), format!("{}<p>{}</p>", heading(incident), escaped(what)))
}

fn sorry(status: StatusCode, what: &str, incident: Option<IncidentId>) -> Response {
    let instead = incident.map_or_else(|| "the incident's number".to_owned(), |id| id.to_string());
    let text = format!(
        "<p>{}.</p><p>Acknowledge it in chat by <code>/ack {instead}</code>, or by <code>dogwatch ack {instead}</code>.</p>",
        escaped(what)
    );
    html(status, "Dogwatch".to_owned(), text)
}

fn heading(incident: &Incident) -> String {
    let Incident { id, severity, title, state, .. } = incident;
    format!("<h1>[{severity}] {id}</h1><p>{}</p><p>It is {state}.</p>", escaped(title))
}

fn html(status: StatusCode, title: String, content: String) -> Response {
    const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;\
        overflow-wrap:anywhere}button{font:inherit;padding:.8rem 1.2rem;width:100%}";
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>{STYLE}</style></head>\
         <body>{content}</body></html>"
    );
    // Nobody keeps it, shows it in another page, runs anything in it or learns its URL from it.
    let headers: [(HeaderName, HeaderValue); 6] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
        (
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            ),
        ),
    ];
    (status, headers, page).into_response()
}

/// What alerts and people say, without markup.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            c if c.is_control() => shown.push(' '),
            c => {
                let _ = shown.write_char(c);
            }
        }
    }
    shown
}
