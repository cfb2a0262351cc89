//! The worker that looks at the cluster from time to time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::sync::watch;

use super::held::Memory;
use super::look::{Look, Looked};
use super::services::ServiceName;
use super::settings::{ClusterSource, WatchedFor};
use super::told::signals;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::mandate::Mandate;
use crate::model::{Beat, HeartbeatKey, HumanDuration};
use crate::store::{Accepted, FiringAlert, Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// A look that takes longer is given up: the worker's turn must end.
const LOOK_WITHIN: Duration = Duration::from_secs(60);

/// What is not looked at for so long, chat is told. The absence of its heartbeat calls somebody
/// later.
const BLIND_FOR: Duration = Duration::from_secs(5 * 60);

/// Whether this bot is the one that looks is asked again so soon, while that is not known.
const ASKED_AGAIN: Duration = Duration::from_secs(5);

/// Looks at the cluster for a source of the kind `cluster`. Of several bots, the one that may change
/// the cluster looks: the others would page about the same.
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
    blind: Option<Blind>,
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
        let (mut before, mut answered) = {
            let state = self.state();
            (state.memory.pods(), state.answered.clone())
        };
        let told = |label: &'static str| {
            firing.iter().filter_map(move |firing| {
                let labels = &firing.alert.labels;
                Some((labels.get("namespace")?.clone(), labels.get(label)?.clone()))
            })
        };
        before.extend(told("pod"));
        answered.extend(told("service"));
        let look = Look {
            cluster: &*self.cluster,
            source: &self.source,
            now: self.clock.now(),
            before: &before,
            answered: &answered,
        };
        tokio::time::timeout(LOOK_WITHIN, look.looked()).await.unwrap_or_else(|_| {
            let why = format!("a look took longer than {}", HumanDuration(LOOK_WITHIN));
            Looked::nothing_of(&self.source, &why)
        })
    }

    /// Says it once where something cannot be looked at, and once when it can be again.
    async fn tell_blindness(&self, looked: &Looked, at: Duration) -> Result<(), StoreError> {
        let name = &self.source.name;
        let before = self.state().blind;
        let Some((what, why)) = looked.blind.first_key_value() else {
            if before.is_some() {
                tracing::info!(source = name, "all that it watches in the cluster can be looked at again");
            }
            if before.is_some_and(|blind| blind.is_told) {
                let text = format!("the source {name} sees the cluster again");
                self.store.announce(&text, false).await?;
            }
            self.state().blind = None;
            return Ok(());
        };
        let mut blind = before.unwrap_or(Blind { since: at, is_told: false });
        if before.is_none() {
            tracing::warn!(
                source = name,
                alert = what.alert(),
                why,
                "what it watches in the cluster cannot be looked at"
            );
        }
        let lasting = at.saturating_sub(blind.since);
        if !blind.is_told && lasting >= BLIND_FOR {
            let (alert, lasting) = (what.alert(), HumanDuration(lasting));
            let text = format!(
                "the source {name} has not seen all that it watches in the cluster for {lasting}\nfor {alert}: {why}\nwhat it has \
                 told stays open until it is seen to be over"
            );
            self.store.announce(&text, true).await?;
            blind.is_told = true;
        }
        self.state().blind = Some(blind);
        Ok(())
    }

    /// That it looks: somebody is called where that does not come.
    async fn beat(&self) -> Result<(), StoreError> {
        let key = HeartbeatKey { source: self.source.name.clone(), key: String::new() };
        self.store.beat(vec![Beat { key, alert: None, name: "look at the cluster".to_owned(), is_over: false }]).await
    }

    async fn tell(&self, looked: &Looked, firing: &[FiringAlert], at: Duration) -> Result<bool, StoreError> {
        let signals = {
            let mut state = self.state();
            let news = state.memory.hear(&self.source, looked, firing, at);
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
        if let Err(no_mandate) = self.mandate.left(&*self.clock) {
            let again = if no_mandate.observes { self.source.every } else { ASKED_AGAIN };
            // Another bot looks, and what is there is its to tell.
            if no_mandate.observes {
                self.beat().await?;
            }
            self.state().next = at + again;
            return Ok(self.sleeps(again));
        }
        let firing = self.store.firing(std::slice::from_ref(&self.source.name)).await?;
        let looked = self.look(&firing).await;
        let told = self.tell(&looked, &firing, at).await?;
        self.tell_blindness(&looked, at).await?;
        if looked.blind.is_empty() {
            self.beat().await?;
        }
        self.state().next = at + self.source.every;
        Ok(if told { Turn::Worked } else { self.sleeps(self.source.every) })
    }
}
