//! The HTTP server: the webhook's front door, the API for commands, health and metrics.
//!
//! | route | who may | what |
//! | --- | --- | --- |
//! | `POST /v1/sources/NAME` | the source's credential | a delivery in its form; 200: it is durable |
//! | `GET /v1/sources/NAME` | the same | the call of a heartbeat, which brings nothing |
//! | `POST /v1/alertmanager` | the same | the same, where there is one Alertmanager |
//! | `POST /v1/commands` | an API token | `{"command": "/ack INC-7"}` -> `{"reply": "...", "ok": true}` |
//! | `GET /ack/TOKEN` | whoever has the link | shows which page it acknowledges |
//! | `POST /ack/TOKEN` | the same | acknowledges it in the name of the person whose link it is |
//! | `POST /v1/pagerduty` | PagerDuty's signature | an event; 202: what follows is durable |
//! | `GET /healthz` | everybody | the process is alive |
//! | `GET /readyz` | everybody | the store can be read and written, and the workers come further; else 503 with the reason |
//! | `GET /metrics` | everybody | for Prometheus |
//!
//! Alertmanager tries again after 5xx and after no answer, never after 4xx: what a later try could
//! mend is answered with 503. Every refusal is JSON, `{"error", "where", "hint"}`; that of a link
//! is a page for people.
//!
//! Health and metrics may have a listener of their own too ([`serve_health`]). Nobody without a
//! right secret can keep others out ([`Limits`]), and no page in a browser can use it
//! ([`Source::lets_everybody_in`] says what follows without a secret).

mod acknowledge;
mod answer;
mod auth;
mod body;
mod browser;
mod commands;
mod deliveries;
mod door;
mod guesses;
mod health;
mod listen;
mod pagerduty;
mod places;
mod probes;
mod readiness;
mod reading;
mod rooms;
mod shared;
mod sources;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware;
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower_http::trace::TraceLayer;

pub use auth::{ApiToken, Credential};
pub use listen::{serve, serve_health};
pub use pagerduty::PagerDutyWebhook;
pub use places::Room;
pub use readiness::Readiness;
pub use sources::{Source, Sources};

use guesses::{Guesses, Seldom};
use probes::Probes;
use reading::Reading;
use rooms::{Rooms, kib};

use crate::chat::Desk;
use crate::clock::Clock;
use crate::links::AckLinks;
use crate::metrics::Metrics;
use crate::store::Store;

/// What an operator may set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who may deliver alerts, and how.
    pub sources: Sources,
    /// Who may give commands. None: nobody may.
    pub api_tokens: Vec<ApiToken>,
    /// By which links pages are acknowledged. `None`: by none.
    pub ack_links: Option<AckLinks>,
    /// What PagerDuty's webhook brings. `None`: it is not listened to.
    pub pagerduty: Option<PagerDutyWebhook>,
    /// The largest body of a delivery, in bytes.
    pub body_limit: usize,
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sources: Sources::default(),
            api_tokens: Vec::new(),
            ack_links: None,
            pagerduty: None,
            body_limit: 16 * 1024 * 1024,
            limits: Limits::default(),
        }
    }
}

/// The end of every request, whatever it waits for. A run's preview asks the cluster and Prometheus and is what takes longest; whoever asks
/// waits a little longer than this, so that it hears why there is no answer.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(60);

/// What keeps one who sends too much, too slowly or too often from taking everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are open at once, those that have shown no secret yet and those that have.
    /// A storm of a thousand groups is a thousand deliveries, on as many connections at the worst.
    pub room: Room,
    /// How long a connection may take to send a request's head, and how long it may be idle.
    pub head_within: Duration,
    /// How long a body may take.
    pub body_within: Duration,
    /// Bodies in memory at once, in bytes (not less than one of the largest). Reading one takes
    /// about three times its size, whatever is in it.
    pub bodies: usize,
    /// How long a request waits for its turn when there are too many bodies.
    pub turn_within: Duration,
    /// The end of every request, whatever it waits for.
    pub request_within: Duration,
    /// How long the server waits for requests under way when it stops.
    pub stop_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            room: Room { strangers: 1_024, known: 1_024 },
            head_within: Duration::from_secs(30),
            body_within: Duration::from_secs(30),
            bodies: 64 * 1024 * 1024,
            turn_within: Duration::from_secs(2),
            request_within: REQUEST_WITHIN,
            stop_within: Duration::from_secs(10),
        }
    }
}

/// All that requests need, shared by all.
pub struct Server {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    desk: Arc<Desk>,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    settings: Settings,
    /// Room for bodies, in KiB: what all sources share, and what each may take.
    room: Arc<Semaphore>,
    rooms: Rooms,
    /// Deliveries that are taken in, also when who sent them has hung up: what a body takes of
    /// memory lasts as long as its turn.
    taken_in: Mutex<JoinSet<()>>,
    /// Long bodies that are read at once before anybody knows whose they are.
    unsigned: Semaphore,
    guesses: Guesses,
    reading: Reading,
    probes: Probes,
    /// How many requests of browsers were refused.
    browsers: Seldom,
}

impl Server {
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        desk: Arc<Desk>,
        metrics: Arc<Metrics>,
        readiness: Arc<Readiness>,
        settings: Settings,
    ) -> Self {
        let bodies = settings.limits.bodies.max(settings.body_limit);
        let rooms = Rooms::new(settings.sources.names(), bodies, settings.body_limit);
        Self {
            store,
            clock,
            desk,
            metrics,
            readiness,
            settings,
            room: Arc::new(Semaphore::new(kib(bodies))),
            rooms,
            taken_in: Mutex::default(),
            unsigned: Semaphore::new(pagerduty::AT_ONCE),
            guesses: Guesses::default(),
            reading: Reading::default(),
            probes: Probes::default(),
            browsers: Seldom::default(),
        }
    }
}

impl Server {
    /// Works on a delivery to its end, whatever becomes of the connection that it came by.
    fn take_in(&self, working: impl Future<Output = ()> + Send + 'static) {
        // A set of tasks is whole also after a panic.
        let mut taken_in = self.taken_in.lock().unwrap_or_else(PoisonError::into_inner);
        while taken_in.try_join_next().is_some() {}
        taken_in.spawn(working);
    }
}

/// All routes, for [`serve`] and for whoever has a listener of his own.
pub fn router(server: Arc<Server>) -> Router {
    // With a slash at its end, too: who configures an URL by hand does not see it, and nobody sees
    // a delivery that gets 404.
    let routes = Router::new()
        .route("/v1/alertmanager", post(deliveries::deliver))
        .route("/v1/alertmanager/", post(deliveries::deliver))
        .route("/v1/sources/{name}", post(deliveries::deliver_by_name).get(deliveries::call))
        .route("/v1/sources/{name}/", post(deliveries::deliver_by_name).get(deliveries::call))
        .route("/ack/{token}", get(acknowledge::show).post(acknowledge::acknowledge))
        .route("/v1/pagerduty", post(pagerduty::hear))
        .route("/v1/pagerduty/", post(pagerduty::hear))
        .route("/v1/commands", post(commands::command))
        .route("/v1/commands/", post(commands::command));
    finished(routes.merge(probes::routes()), server)
}

/// Health and metrics alone, for [`serve_health`].
fn health_router(server: Arc<Server>) -> Router {
    finished(probes::routes(), server)
}

fn finished(routes: Router<Arc<Server>>, server: Arc<Server>) -> Router {
    let within = server.settings.limits.request_within;
    // Only the path: a query may hold what should not be logged, and so does a link.
    let trace = TraceLayer::new_for_http().make_span_with(|request: &Request| {
        let path = request.uri().path();
        let path = if path.starts_with("/ack/") { "/ack/TOKEN" } else { path };
        tracing::info_span!("http", method = %request.method(), path)
    });
    routes
        .fallback(answer::no_route)
        .method_not_allowed_fallback(answer::no_method)
        .layer(middleware::from_fn(move |request, next| answer::within(within, request, next)))
        .layer(trace)
        .with_state(server)
}
