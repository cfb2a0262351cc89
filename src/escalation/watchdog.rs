//! The watchdog for calls that are overdue.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::model::IncidentId;
use crate::store::{Escalated, Escalation, NextCall, PageReason, Store};
use crate::worker::{Turn, TurnError, Worker};

/// A call that was due for so long, while the bot was there, is overdue.
const OVERDUE: TimeDelta = TimeDelta::minutes(5);

/// Pages the default team about each call that was due and that nobody has made: whatever keeps
/// [`EscalationWorker`](super::EscalationWorker) from it, such as a row that cannot be read.
pub struct Watchdog {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    default_team: String,
    /// Those that are due, and since when this process has seen each.
    seen: Mutex<BTreeMap<IncidentId, (Escalation, DateTime<Utc>)>>,
}

impl Watchdog {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, default_team: String) -> Self {
        Self { store, clock, default_team, seen: Mutex::default() }
    }

    /// Those that are overdue by now, and when the next may be.
    fn overdue(&self, due: Vec<Escalation>, now: DateTime<Utc>) -> (Vec<Escalation>, Option<DateTime<Utc>>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut still = BTreeMap::new();
        for escalation in due {
            let known = seen.remove(&escalation.incident).filter(|(before, _)| *before == escalation);
            // A clock that was set back has seen nothing yet.
            let since = known.map_or(now, |(_, since)| since).min(now);
            still.insert(escalation.incident, (escalation, since));
        }
        *seen = still;
        let is_overdue = |since: DateTime<Utc>| now - since >= OVERDUE;
        let overdue = seen.values().filter(|(_, since)| is_overdue(*since)).map(|(due, _)| due.clone()).collect();
        let next = seen.values().map(|(_, since)| *since + OVERDUE).filter(|at| *at > now).min();
        (overdue, next)
    }

    fn call(&self, due: &Escalation, now: DateTime<Utc>) -> NextCall {
        NextCall {
            team: self.default_team.clone(),
            owner: None,
            people: Vec::new(),
            by_name: false,
            reason: PageReason::CallOverdue { since: due.due_at.unwrap_or(now) },
            text: None,
            step: due.step,
            within: None,
        }
    }
}

#[async_trait]
impl Worker for Watchdog {
    fn name(&self) -> &'static str {
        "overdue calls"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().outbox.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let now = self.clock.now();
        let (due, next) = self.store.due_escalations(now).await?;
        let (overdue, next_overdue) = self.overdue(due, now);
        if overdue.is_empty() {
            // What is due at `next` is looked at then, so that its time is known.
            return Ok(Turn::Idle { until: next.into_iter().chain(next_overdue).min() });
        }
        let mut failed = None;
        for due in overdue {
            let incident = due.incident;
            tracing::error!(%incident, due_at = ?due.due_at, "a call is overdue: the default team is called");
            if let Err(error) = self.store.escalate(&due, Escalated::Calls(Box::new(self.call(&due, now)))).await {
                tracing::error!(%incident, %error, "a call is overdue, and the default team was not called either");
                failed = Some(error);
            }
        }
        failed.map_or(Ok(Turn::Worked), |error| Err(error.into()))
    }
}
