//! The watch for the beginnings and ends of maintenance windows.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::maintenance::PlannedWindow;
use crate::model::{Signal, SignalBody, Window};
use crate::store::{Accepted, NewWindow, Store, StoreError, WindowOrigin};
use crate::worker::{Turn, TurnError, Worker};

/// Keeps the windows of the file as they come near, and lets the end of each window in through the
/// front door: what follows is decided where alerts are, one after the other.
pub struct WindowWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    planned: Arc<[PlannedWindow]>,
    /// By their keys, what was planned last.
    kept: Mutex<Option<BTreeSet<String>>>,
}

impl WindowWorker {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, planned: Arc<[PlannedWindow]>) -> Self {
        Self { store, clock, planned, kept: Mutex::default() }
    }

    /// Asks the store only where something else comes than before.
    async fn plan(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let coming = coming(&self.planned, now);
        let keys: BTreeSet<String> = coming.iter().map(|window| window.key.clone()).collect();
        if self.kept().as_ref() == Some(&keys) {
            return Ok(false);
        }
        let changed = self.store.plan_windows(WindowOrigin::File, coming).await?;
        *self.kept() = Some(keys);
        Ok(changed)
    }

    /// When the next window ends, or the calendar may say something else.
    fn look_again(&self, next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let look = (!self.planned.is_empty()).then(|| now + LOOK_EVERY);
        next.into_iter().chain(look).min()
    }

    fn kept(&self) -> MutexGuard<'_, Option<BTreeSet<String>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn coming(planned: &[PlannedWindow], now: DateTime<Utc>) -> Vec<NewWindow> {
    planned.iter().flat_map(|window| window.coming(now)).collect()
}

/// Has the store know the windows of the file before the first alert is decided about.
///
/// # Errors
/// When the store cannot be written.
pub async fn plan_windows(store: &dyn Store, planned: &[PlannedWindow], now: DateTime<Utc>) -> Result<(), StoreError> {
    store.plan_windows(WindowOrigin::File, coming(planned, now)).await.map(|_| ())
}

/// How often the calendar is looked at: windows are kept days before they begin.
const LOOK_EVERY: TimeDelta = TimeDelta::hours(6);

/// The same end is the same signal.
fn ended(window: &Window, now: DateTime<Utc>) -> Signal {
    Signal {
        source: "window".into(),
        key: format!("{} has ended", window.id),
        received_at: now,
        body: SignalBody::WindowEnded { window: window.id },
    }
}

#[async_trait]
impl Worker for WindowWorker {
    fn name(&self) -> &'static str {
        "windows"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().decisions.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let now = self.clock.now();
        let mut told = self.plan(now).await?;
        let (over, next) = self.store.ended_windows(now).await?;
        for window in &over {
            told |= matches!(self.store.accept(&ended(window, now)).await?, Accepted::New(_));
        }
        Ok(if told { Turn::Worked } else { Turn::Idle { until: self.look_again(next, now) } })
    }
}
