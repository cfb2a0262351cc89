//! Playbooks that a time starts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::model::{Signal, SignalBody};
use crate::playbook::{Catalog, Playbook};
use crate::store::{Accepted, Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// What comes later than this is not made up for: whatever it was for, the time is over.
pub(super) const LATEST: TimeDelta = TimeDelta::hours(1);

/// How far back is looked for what nobody was there to begin.
const LOOKED_BACK: TimeDelta = TimeDelta::days(8);

/// Lets the planned times of playbooks in through the front door, each once: a signal's key is
/// playbook and time. Of several that have come since the last look, the last one counts for all.
pub struct ScheduleWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    catalog: watch::Receiver<Arc<Catalog>>,
    /// What is let in already, so that the store is not asked again and again.
    let_in: Mutex<BTreeMap<String, DateTime<Utc>>>,
}

impl ScheduleWorker {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, catalog: watch::Receiver<Arc<Catalog>>) -> Self {
        Self { store, clock, catalog, let_in: Mutex::default() }
    }

    /// The last planned time that this content of the playbook was there for.
    async fn last_planned(&self, playbook: &Playbook, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let last = playbook.schedules.iter().filter_map(|schedule| schedule.last_within(now - LOOKED_BACK, now)).max();
        let Some(last) = last else { return Ok(None) };
        if self.let_in.lock().unwrap_or_else(PoisonError::into_inner).get(&playbook.name) == Some(&last) {
            return Ok(None);
        }
        let kept = self.store.kept_playbooks(&playbook.name).await?;
        let since = kept.iter().find(|kept| kept.reference.digest == playbook.reference.digest);
        // One that nobody has kept yet has come just now.
        Ok(since.is_some_and(|kept| kept.first_seen <= last).then_some(last))
    }
}

#[async_trait]
impl Worker for ScheduleWorker {
    fn name(&self) -> &'static str {
        "schedules"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().clock.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let (catalog, now) = (self.catalog.borrow().clone(), self.clock.now());
        let mut told = false;
        for playbook in catalog.iter().filter(|playbook| !playbook.schedules.is_empty()) {
            let Some(planned) = self.last_planned(playbook, now).await? else { continue };
            let signal = Signal {
                source: "schedule".into(),
                key: format!("{} at {}", playbook.name, planned.to_rfc3339()),
                received_at: now,
                body: SignalBody::Planned { playbook: playbook.name.clone(), at: planned },
            };
            told |= matches!(self.store.accept(&signal).await?, Accepted::New(_));
            self.let_in.lock().unwrap_or_else(PoisonError::into_inner).insert(playbook.name.clone(), planned);
        }
        let schedules = catalog.iter().flat_map(|playbook| &playbook.schedules);
        let until = schedules.filter_map(|schedule| schedule.next_after(now)).min();
        Ok(if told { Turn::Worked } else { Turn::Idle { until } })
    }
}
