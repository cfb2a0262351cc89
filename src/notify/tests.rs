//! The outbox and its sinks: a failing receiver, a slow one, and a real one over HTTP.

mod outbox;
mod webhook;

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::model::Severity;
use crate::store::PageReason;
use crate::store::fixture::Fixture;
use crate::worker::{Turn, Worker as _};

/// A sink that does as it is told, and remembers what it was given.
#[derive(Default)]
struct Scripted {
    name: &'static str,
    /// What the next attempts come to, in order; then all succeed.
    answers: Mutex<Vec<Result<Option<String>, SinkError>>>,
    seen: Mutex<Vec<Parcel>>,
}

impl Scripted {
    fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, ..Self::default() })
    }

    fn answers(&self, answers: impl IntoIterator<Item = Result<Option<String>, SinkError>>) {
        *self.answers.lock().unwrap() = answers.into_iter().collect();
    }

    fn seen(&self) -> Vec<Parcel> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

#[async_trait]
impl Sink for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        self.seen.lock().unwrap().push(parcel.clone());
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() { Ok(None) } else { answers.remove(0) }
    }
}

use std::sync::Arc;

fn worker(fixture: &Fixture, sink: Arc<dyn Sink>, fallback: Option<&str>) -> OutboxWorker {
    let ada = Contact { name: "ada".into(), ids: [("discord".to_owned(), "7".to_owned())].into() };
    let on_call: OnCall = Arc::new(move |team, _| if team == "platform" { vec![ada.clone()] } else { Vec::new() });
    OutboxWorker::new(sink, fallback.map(str::to_owned), fixture.store.clone(), fixture.clock.clone(), on_call)
}

/// Turns the worker until nothing is due now; gives how long it would rest then, in seconds.
async fn settle(fixture: &Fixture, worker: &OutboxWorker) -> Option<i64> {
    use crate::clock::Clock as _;
    loop {
        match worker.turn().await.unwrap() {
            Turn::Worked => {}
            Turn::Idle { until } => return until.map(|until| (until - fixture.clock.now()).num_seconds()),
        }
    }
}
