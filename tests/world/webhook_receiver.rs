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
use tokio::task::JoinSet;

use super::wait::wait_for;

/// Serves until it is dropped.
pub struct WebhookReceiver {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Kept {
    deliveries: Vec<Delivery>,
    next_answers: VecDeque<StatusCode>,
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
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("listen on loopback");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let kept = Arc::new(Mutex::new(Kept::default()));
        let router = Router::new().fallback(keep).with_state(Arc::clone(&kept));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("serve") });
        Self {
            address,
            kept,
            _server: server,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The next deliveries are answered with these, one each, and all later ones with 200 again.
    pub fn answers_next(&self, statuses: &[StatusCode]) {
        lock(&self.kept).next_answers.extend(statuses);
    }

    /// All that came so far, also what was turned away.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.kept).deliveries.clone()
    }

    /// Waits for a delivery that satisfies the condition, and gives the first such.
    pub async fn delivery(
        &self,
        within: Duration,
        what: &str,
        condition: impl Fn(&Delivery) -> bool,
    ) -> Delivery {
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
            let found: Vec<Delivery> = self
                .deliveries()
                .into_iter()
                .filter(|delivery| condition(delivery))
                .collect();
            (found.len() >= count).then_some(found)
        })
        .await
    }
}

impl Delivery {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the body {}", self.body))
    }
}

async fn keep(State(kept): State<Arc<Mutex<Kept>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let authorization = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = String::from_utf8_lossy(&body).into_owned();
    let mut kept = lock(&kept);
    let answered = kept.next_answers.pop_front().unwrap_or(StatusCode::OK);
    kept.deliveries.push(Delivery {
        authorization,
        body,
        answered,
    });
    answered
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
