//! The worker that looks at the cluster from time to time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::sync::watch;

use super::held::Memory;
use super::look::{Before, LOOK_WITHIN, Look, Looked};
use super::services::ServiceName;
use super::settings::{ClusterSource, WatchedFor};
use super::told::signals;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::mandate::Mandate;
use crate::model::{Beat, HeartbeatKey, HumanDuration};
use crate::store::{Accepted, FiringAlert, Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// Chat is told of what could not be looked at for so long. The absence of its heartbeat calls
/// somebody later.
const BLIND_FOR: Duration = Duration::from_secs(5 * 60);

/// Looks at the cluster for a source of the kind `cluster`. To look takes no mandate, and each bot
/// ends what it has told itself. What begins is told by the bot that holds the mandate: the others
/// would page about the same. A bot that is refused the Lease tells it, too: nobody else may.
pub struct SightingWorker {
    store: Arc<dyn Store>,
    cluster: Arc<dyn Cluster>,
    clock: Arc<dyn Clock>,
    mandate: Arc<Mandate>,
    source: ClusterSource,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Times are those of the monotonic clock.
    next: Duration,
    memory: Memory,
    /// Services that had a ready endpoint.
    answered: BTreeSet<ServiceName>,
    blind: BTreeMap<WatchedFor, Blind>,
    /// What begins is told by another bot.
    is_silent: bool,
}

/// Something cannot be looked at.
#[derive(Debug, Clone, Copy)]
struct Blind {
    since: Duration,
    is_told: bool,
}

impl SightingWorker {
    pub fn new(
        store: Arc<dyn Store>,
        cluster: Arc<dyn Cluster>,
        clock: Arc<dyn Clock>,
        mandate: Arc<Mandate>,
        source: ClusterSource,
    ) -> Self {
        Self { store, cluster, clock, mandate, source, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleeps(&self, lasting: Duration) -> Turn {
        Turn::Idle { until: Some(self.clock.now() + TimeDelta::from_std(lasting).unwrap_or(TimeDelta::MAX)) }
    }

    /// What it has told is looked at again, also by a process that has seen nothing of it.
    async fn look(&self, firing: &[FiringAlert]) -> Looked {
        let mut before = {
            let state = self.state();
            Before {
                pods: state.memory.pods(),
                attach: state.memory.says(&WatchedFor::FailedAttach),
                open_attach: BTreeMap::new(),
                answered: state.answered.clone(),
            }
        };
        let named = |firing: &FiringAlert, label: &str| {
            let labels = &firing.alert.labels;
            Some((labels.get("namespace")?.clone(), labels.get(label)?.clone()))
        };
        for firing in firing {
            if let Some(pod) = named(firing, "pod") {
                if firing.alert.alert == WatchedFor::FailedAttach.alert() {
                    before.open_attach.insert(pod.clone(), firing.starts_at);
                }
                before.pods.insert(pod);
            }
            before.answered.extend(named(firing, "service"));
        }
        let (cluster, source) = (&*self.cluster, &self.source);
        Look { cluster, source, now: self.clock.now(), within: LOOK_WITHIN, before: &before }.looked().await
    }

    /// Says once of each watch that it cannot be looked at as a whole, and once that it can again.
    async fn tell_blindness(&self, looked: &Looked, at: Duration) -> Result<(), StoreError> {
        let name = &self.source.name;
        let (missing, mut blind) = (looked.missing(), self.state().blind.clone());
        for (what, why) in &missing {
            if !blind.contains_key(*what) {
                let alert = what.shown();
                tracing::warn!(source = name, alert, why, "what it watches in the cluster cannot be looked at");
                blind.insert((*what).clone(), Blind { since: at, is_told: false });
            }
        }
        let (still, again): (BTreeMap<_, _>, BTreeMap<_, _>) =
            blind.into_iter().partition(|(what, _)| missing.contains_key(what));
        let mut blind: BTreeMap<WatchedFor, Blind> = still;
        let due = |blind: &Blind| !blind.is_told && at.saturating_sub(blind.since) >= BLIND_FOR;
        let since = blind.values().filter(|blind| due(blind)).map(|blind| blind.since).min();
        if let Some(since) = since {
            let lasting = HumanDuration(at.saturating_sub(since));
            let lines = blind
                .iter()
                .filter(|(_, blind)| due(blind))
                .filter_map(|(what, _)| missing.get(what).map(|why| format!("for {}: {why}\n", what.shown())));
            let lines: String = lines.collect();
            let text = format!(
                "the source {name} has not seen all that it watches in the cluster for {lasting}\n{lines}what it has told \
                 stays open until it is seen to be over"
            );
            self.store.announce(&text, true).await?;
            blind.values_mut().filter(|blind| due(blind)).for_each(|blind| blind.is_told = true);
        }
        if again.values().any(|blind| blind.is_told) {
            let told = again.iter().filter(|(_, blind)| blind.is_told).map(|(what, _)| what.shown());
            let what = match blind.is_empty() {
                true => "the cluster".to_owned(),
                false => told.collect::<Vec<_>>().join(", "),
            };
            self.store.announce(&format!("the source {name} sees {what} again"), false).await?;
        }
        for what in again.keys() {
            tracing::info!(source = name, alert = what.shown(), "what it watches can be looked at again");
        }
        self.state().blind = blind;
        Ok(())
    }

    /// That it has looked: somebody is called where that does not come.
    async fn beat(&self) -> Result<(), StoreError> {
        let key = HeartbeatKey { source: self.source.name.clone(), key: String::new() };
        self.store.beat(vec![Beat { key, alert: None, name: "look at the cluster".to_owned(), is_over: false }]).await
    }

    /// Whether what begins is this bot's to tell.
    fn tells(&self) -> bool {
        let (tells, because) = match self.mandate.left(&*self.clock) {
            Ok(_) => (true, String::new()),
            Err(why) => (why.refused, why.because),
        };
        let was_silent = std::mem::replace(&mut self.state().is_silent, !tells);
        if !tells && !was_silent {
            tracing::info!(
                source = self.source.name,
                because,
                "what begins in the cluster is told by the bot that holds the lease, which needs this source, too"
            );
        }
        tells
    }

    async fn tell(&self, looked: &Looked, firing: &[FiringAlert], at: Duration) -> Result<bool, StoreError> {
        let tells = self.tells();
        let signals = {
            let mut state = self.state();
            let news = state.memory.hear(&self.source, looked, firing, at, tells);
            signals(&self.source.name, &news, self.clock.now())
        };
        let mut told = false;
        for signal in signals {
            let accepted = self.store.accept(&signal).await;
            told |= matches!(accepted.inspect_err(|_| self.state().memory.untold(at))?, Accepted::New(_));
        }
        if !looked.blind.contains_key(&WatchedFor::ServiceWithoutEndpoints) {
            self.state().answered.clone_from(&looked.answered);
        }
        Ok(told)
    }
}

#[async_trait]
impl Worker for SightingWorker {
    fn name(&self) -> &'static str {
        "sightings"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().clock.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let at = self.clock.monotonic();
        let next = self.state().next;
        if at < next {
            return Ok(self.sleeps(next.saturating_sub(at)));
        }
        let firing = self.store.firing(std::slice::from_ref(&self.source.name)).await?;
        let looked = self.look(&firing).await;
        let told = self.tell(&looked, &firing, at).await?;
        self.tell_blindness(&looked, at).await?;
        if looked.missing().is_empty() {
            self.beat().await?;
        }
        self.state().next = at + self.source.every;
        Ok(if told { Turn::Worked } else { self.sleeps(self.source.every) })
    }
}
