//! Keeping what Alertmanager keeps quiet as windows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::{Alertmanager, Quiet};
use crate::clock::Clock;
use crate::store::{NewWindow, Store, StoreError, WindowOrigin};
use crate::worker::{Turn, TurnError, Worker};

/// How often it is asked: somebody who silences a page in the making has that long.
const ASK_EVERY: TimeDelta = TimeDelta::seconds(15);

/// What is not heard of for so long covers nothing any more: a page too many is better than one too
/// few. A restart of Alertmanager takes less.
const BELIEVED_FOR: TimeDelta = TimeDelta::minutes(5);

/// What it does not name for a moment is quiet still: after a restart it has to be told again what
/// fires, and what its peers know, and two behind one address may differ.
const MISSED_FOR: TimeDelta = TimeDelta::minutes(2);

/// Asks Alertmanager what it keeps quiet. Without one, what was kept of an earlier one ends.
pub struct QuietWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    alertmanager: Option<Arc<dyn Alertmanager>>,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    next: Option<DateTime<Utc>>,
    heard_at: DateTime<Utc>,
    /// Whether the last question was answered, and what was not taken then: it is told once.
    answered: bool,
    left_out: Vec<String>,
    /// What it named, by its key, and when it did so last.
    named: BTreeMap<String, (NewWindow, DateTime<Utc>)>,
}

impl QuietWorker {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, alertmanager: Option<Arc<dyn Alertmanager>>) -> Self {
        let now = clock.now();
        let memory =
            Memory { next: Some(now), heard_at: now, answered: true, left_out: Vec::new(), named: BTreeMap::new() };
        Self { store, clock, alertmanager, memory: Mutex::new(memory) }
    }

    async fn keep(&self, quiet: Quiet, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let named = still_named(&self.memory().named, &quiet, now);
        let windows = named.values().map(|(window, _)| window.clone()).collect();
        let changed = self.store.plan_windows(WindowOrigin::Alertmanager, windows).await?;
        let mut memory = self.memory();
        memory.named = named;
        if quiet.left_out != memory.left_out {
            for left_out in quiet.left_out.iter().take(10) {
                tracing::warn!("{left_out}; what it covers is paged about");
            }
        }
        if !memory.answered {
            tracing::info!("alertmanager answers again: what it keeps quiet is kept quiet");
        }
        (memory.answered, memory.heard_at, memory.left_out) = (true, now, quiet.left_out);
        Ok(changed)
    }

    async fn is_away(&self, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let (heard_at, was_answered) = {
            let mut memory = self.memory();
            (memory.heard_at, std::mem::replace(&mut memory.answered, false))
        };
        if was_answered {
            tracing::warn!(
                why,
                "it is not known what alertmanager keeps quiet; what was known is believed for {} minutes",
                BELIEVED_FOR.num_minutes()
            );
        }
        // A clock that was set back tells nothing of how long ago that was.
        if (now - heard_at).abs() < BELIEVED_FOR {
            return Ok(false);
        }
        self.memory().named.clear();
        self.store.plan_windows(WindowOrigin::Alertmanager, Vec::new()).await
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is named now, and what was a short while ago. A silence that it tells of is as it says; of
/// one that it does not know it may have to be told first.
fn still_named(
    before: &BTreeMap<String, (NewWindow, DateTime<Utc>)>,
    quiet: &Quiet,
    now: DateTime<Utc>,
) -> BTreeMap<String, (NewWindow, DateTime<Utc>)> {
    let is_recent = |named_at: DateTime<Utc>| (now - named_at).abs() < MISSED_FOR;
    let is_told = |key: &str| quiet.told.iter().any(|told| key.starts_with(told));
    let missed = before.iter().filter(|(key, (_, named_at))| is_recent(*named_at) && !is_told(key));
    let mut named: BTreeMap<_, _> = missed.map(|(key, named)| (key.clone(), named.clone())).collect();
    named.extend(quiet.windows.iter().map(|window| (window.key.clone(), (window.clone(), now))));
    named
}

#[async_trait]
impl Worker for QuietWorker {
    fn name(&self) -> &'static str {
        "quiet"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().clock.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let now = self.clock.now();
        let next = self.memory().next;
        let far = |next: &DateTime<Utc>| now < *next && *next <= now + ASK_EVERY;
        if next.is_none() || next.is_some_and(|next| far(&next)) {
            return Ok(Turn::Idle { until: next });
        }
        let Some(alertmanager) = &self.alertmanager else {
            let changed = self.store.plan_windows(WindowOrigin::Alertmanager, Vec::new()).await?;
            self.memory().next = None;
            return Ok(if changed { Turn::Worked } else { Turn::Idle { until: None } });
        };
        let changed = match alertmanager.quiet(now).await {
            Ok(quiet) => self.keep(quiet, now).await?,
            Err(error) => self.is_away(&error.to_string(), now).await?,
        };
        let next = now + ASK_EVERY;
        self.memory().next = Some(next);
        Ok(if changed { Turn::Worked } else { Turn::Idle { until: Some(next) } })
    }
}
