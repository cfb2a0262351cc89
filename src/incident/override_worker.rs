//! Who covers, as soon as it is kept.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::oncall::Roster;
use crate::store::{Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// Has the roster know what overrides the store keeps, whenever one is made or ended.
pub struct OverrideWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    roster: Roster,
}

impl OverrideWorker {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, roster: Roster) -> Self {
        Self { store, clock, roster }
    }
}

/// So far back who was on call is told by overrides, too: `why` and handoffs ask of no earlier
/// time.
const HISTORY: TimeDelta = TimeDelta::days(366);

/// Has the roster know the overrides that the store keeps; `false`: it knew them. Before anybody
/// asks who is on call, this is done once.
///
/// # Errors
/// When the store cannot be read.
pub async fn read_overrides(store: &dyn Store, roster: &Roster, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let overrides = store.overrides_since(now - HISTORY).await?;
    if overrides == roster.overrides() {
        return Ok(false);
    }
    let lasting: Vec<_> = overrides.iter().filter(|kept| !kept.is_over(now)).map(|kept| kept.id).collect();
    for passed_over in roster.set_overrides(overrides) {
        // Of what is over, nobody need do anything.
        if lasting.contains(&passed_over.id) {
            tracing::warn!("{}", passed_over.because);
        }
    }
    Ok(true)
}

#[async_trait]
impl Worker for OverrideWorker {
    fn name(&self) -> &'static str {
        "overrides"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().overrides.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        if !read_overrides(&*self.store, &self.roster, self.clock.now()).await? {
            return Ok(Turn::Idle { until: None });
        }
        // The next handoff is at another time.
        self.store.bells().clock.ring();
        Ok(Turn::Worked)
    }
}
