//! The outbox and its sinks: a failing receiver, a slow one, and a real one over HTTP.

mod outbox;
mod webhook;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::model::Severity;
use crate::oncall::OnCall;
use crate::store::PageReason;
use crate::store::story::Story;
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

/// Ada is on call for the platform, day and night.
fn oncall() -> OnCall {
    let text = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada, discord: \"123456789012345678\" }]
teams:
  - name: platform
    channel: \"223456789012345678\"
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
";
    OnCall::parse("oncall.yaml", text).unwrap()
}

fn worker(story: &Story, sink: Arc<dyn Sink>) -> OutboxWorker {
    let (store, clock) = (story.store.clone(), story.clock.clone());
    OutboxWorker::new(sink, store, clock, Arc::new(oncall()), Arc::default())
}

/// With two more teams: one to which a label could lead, and one whose rotation has not begun.
fn three_teams() -> OnCall {
    let text = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }, { name: bob }, { name: eve }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
  - name: storage
    channel: \"223456789012345678\"
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob] }
  - name: network
    rotation: { time_zone: UTC, start: 2026-06-01, handoff: { at: \"09:00\", every: 1w }, members: [eve] }
";
    OnCall::parse("oncall.yaml", text).unwrap()
}

/// Turns the worker until nothing is due now; gives how long it would rest then, in seconds.
async fn settle(story: &Story, worker: &OutboxWorker) -> Option<i64> {
    use crate::clock::Clock as _;
    loop {
        match worker.turn().await.unwrap() {
            Turn::Worked => {}
            Turn::Idle { until } => return until.map(|until| (until - story.clock.now()).num_seconds()),
        }
    }
}
