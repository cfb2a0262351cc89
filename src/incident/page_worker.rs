//! The watchdog for incidents that nobody has taken care of by their time.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::model::{Incident, IncidentState, Outcome};
use crate::store::{DuePage, NewPage, PageReason, Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// Pages for each incident whose `page_by` has come, whatever its run is doing then, and has folded
/// pages go out that are told in others no longer.
pub struct PageWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl PageWorker {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// What was called mitigated and fires on is another thing than what nobody has taken care of.
    async fn reason(&self, incident: &Incident) -> Result<PageReason, StoreError> {
        if incident.state != IncidentState::Mitigated {
            return Ok(PageReason::Overdue);
        }
        let runs = self.store.runs_of(incident.id).await?;
        let helped = runs.iter().rev().find_map(|run| match run.outcome {
            Some(outcome @ (Outcome::Fixed | Outcome::NothingToDo)) => Some((run.id, outcome)),
            _ => None,
        });
        Ok(helped.map_or(PageReason::Overdue, |(run, outcome)| PageReason::StillFires { run, outcome }))
    }
}

#[async_trait]
impl Worker for PageWorker {
    fn name(&self) -> &'static str {
        "pages"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().decisions.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let now = self.clock.now();
        let (due, next) = self.store.due_pages(now).await?;
        let (folded, next_folded) = self.store.due_folds(now).await?;
        if due.is_empty() && folded.is_empty() {
            return Ok(Turn::Idle { until: next.into_iter().chain(next_folded).min() });
        }
        for incident in due {
            let reason = self.reason(&incident).await?;
            let (id, due) = (incident.id, decide_due(incident, reason));
            self.store.page_now(id, due).await?;
        }
        for page in folded {
            self.store.unfold(page).await?;
        }
        Ok(Turn::Worked)
    }
}

/// One that was mitigated is open again: the mitigation did not hold.
fn decide_due(incident: Incident, reason: PageReason) -> DuePage {
    let reopens = (incident.state == IncidentState::Mitigated).then(|| "its alerts still fire".to_owned());
    let page = NewPage { level: 1, team: incident.team, reason, text: None };
    DuePage { state: incident.state, reopens, page }
}
