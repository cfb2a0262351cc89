//! An HTTP server that keeps every notification it is sent, and answers what the test says.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::wait::wait_for;

/// Serves until it is dropped.
pub struct WebhookReceiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

struct Shared {
    kept: Mutex<Kept>,
    /// How many deliveries came so far.
    arrived: watch::Sender<usize>,
}

#[derive(Default)]
struct Kept {
    deliveries: Vec<Delivery>,
    next_answers: VecDeque<StatusCode>,
    /// Nobody is answered before so many have come.
    together: usize,
}

#[derive(Debug, Clone)]
pub struct Delivery {
    /// The header `Authorization`; empty without one.
    pub authorization: String,
    /// Byte for byte as it came.
    pub body: String,
    /// What it was answered.
    pub answered: StatusCode,
}

impl WebhookReceiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared { kept: Mutex::default(), arrived: watch::Sender::new(0) });
        let router = Router::new().fallback(keep).with_state(Arc::clone(&shared));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("serve") });
        Self { address, shared, _server: server }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The next deliveries are answered with these, one each, and all later ones with 200 again.
    pub fn answers_next(&self, statuses: &[StatusCode]) {
        lock(&self.shared).next_answers.extend(statuses);
    }

    /// Keeps everybody waiting for the answer until so many deliveries are there: several peers then deliver the same
    /// thing before any of them can tell the others that it has.
    pub fn answers_together(&self, deliveries: usize) {
        lock(&self.shared).together = deliveries;
    }

    /// All that came so far, also what was turned away.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.shared).deliveries.clone()
    }

    /// Waits for a delivery that satisfies the condition, and gives the first such.
    pub async fn delivery(&self, within: Duration, what: &str, condition: impl Fn(&Delivery) -> bool) -> Delivery {
        let mut found = self.deliveries_of(within, what, 1, condition).await;
        found.remove(0)
    }

    /// Waits for `count` deliveries that satisfy the condition, and gives them.
    pub async fn deliveries_of(
        &self,
        within: Duration,
        what: &str,
        count: usize,
        condition: impl Fn(&Delivery) -> bool,
    ) -> Vec<Delivery> {
        wait_for(within, what, async || {
            let found: Vec<Delivery> = self.deliveries().into_iter().filter(|delivery| condition(delivery)).collect();
            (found.len() >= count).then_some(found)
        })
        .await
    }
}

impl Delivery {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in the body {}", self.body))
    }
}

async fn keep(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let authorization =
        headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let body = String::from_utf8_lossy(&body).into_owned();
    let answered = {
        let mut kept = lock(&shared);
        let answered = kept.next_answers.pop_front().unwrap_or(StatusCode::OK);
        kept.deliveries.push(Delivery { authorization, body, answered });
        answered
    };
    shared.arrived.send_modify(|arrived| *arrived += 1);
    let together = lock(&shared).together;
    let mut arrived = shared.arrived.subscribe();
    arrived.wait_for(|arrived| *arrived >= together).await.expect("the sender is shared");
    answered
}

fn lock(shared: &Shared) -> MutexGuard<'_, Kept> {
    shared.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
