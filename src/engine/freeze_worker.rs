//! What freezes come and go by themselves: the ConfigMap that freezes, and freezes that end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, watch};

use super::freeze_map::{FreezeMap, Unreadable, read_keys};
use super::read::within;
use super::timing::FREEZE_WITHIN;
use crate::action::World;
use crate::metrics::Metrics;
use crate::model::{FreezeMapNow, FreezeMapSays, Live, ObjectKey};
use crate::playbook::Catalog;
use crate::store::{Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// How often the ConfigMap is read for people to see; runs read it themselves before each change.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A cluster that is away for a moment is no news.
const UNREAD_BEFORE_TOLD: u32 = 4;

/// Has people know what the ConfigMap says, and tells that freezes are over.
pub struct FreezeWorker {
    store: Arc<dyn Store>,
    world: World,
    metrics: Arc<Metrics>,
    catalog: watch::Receiver<Arc<Catalog>>,
    map: Option<FreezeMap>,
    now: Live<FreezeMapNow>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// On the monotonic clock.
    next_look: Duration,
    /// What was announced last.
    told: FreezeMapSays,
    /// How often it could not be read, one time after the other.
    unread: u32,
}

impl FreezeWorker {
    /// `now` tells all who ask it what the ConfigMap says.
    pub fn new(
        store: Arc<dyn Store>,
        world: World,
        metrics: Arc<Metrics>,
        catalog: watch::Receiver<Arc<Catalog>>,
        map: Option<FreezeMap>,
        now: Live<FreezeMapNow>,
    ) -> Self {
        now.set(FreezeMapNow { map: map.as_ref().map(FreezeMap::key), says: FreezeMapSays::Unread });
        let state = Mutex::new(State { told: FreezeMapSays::Nothing, ..State::default() });
        Self { store, world, metrics, catalog, map, now, state }
    }

    /// Reads it, and announces what has changed.
    async fn look(&self, state: &mut State, map: &FreezeMap) -> Result<(), StoreError> {
        let key = map.key();
        let (says, is_lasting) = self.read(&key).await;
        let before = self.now.get();
        let now = FreezeMapNow { map: Some(key.clone()), says: says.clone() };
        self.metrics.freeze_map(now.holds());
        let began = now.holds() && !before.holds();
        self.now.set(now);
        if began {
            // Nobody need answer what is not done whatever they say.
            self.store.wake_who_asks().await?;
        }
        state.unread = if matches!(says, FreezeMapSays::Unreadable(_)) { state.unread + 1 } else { 0 };
        let is_told = state.told == says || (state.unread > 0 && !is_lasting && state.unread < UNREAD_BEFORE_TOLD);
        if is_told {
            return Ok(());
        }
        let (text, is_trouble) = match &says {
            FreezeMapSays::Unread => return Ok(()),
            FreezeMapSays::Nothing if state.told == FreezeMapSays::NoNamespace => {
                state.told = says;
                return Ok(());
            }
            FreezeMapSays::Nothing => {
                (format!("the {key} freezes nothing any more: runs may change things again"), false)
            }
            FreezeMapSays::NoNamespace => {
                let namespace = &map.namespace;
                (
                    format!(
                        "nobody can freeze by the {key}: there is no namespace {namespace} (`engine.freeze.namespace`)"
                    ),
                    true,
                )
            }
            FreezeMapSays::Freezes(keys) => (
                format!(
                    "the {key} freezes: {}; `kubectl delete configmap {} -n {}` ends it",
                    keys.join("; "),
                    map.name,
                    map.namespace
                ),
                false,
            ),
            FreezeMapSays::Unreadable(why) => {
                (format!("no run changes anything, as the {key} cannot be read, which may freeze it: {why}"), true)
            }
        };
        tracing::warn!("{text}");
        self.store.announce(&text, is_trouble).await?;
        state.told = says;
        Ok(())
    }

    /// Whether it is known that its namespace is not there.
    async fn lacks_namespace(&self, map: &ObjectKey) -> bool {
        let namespace = ObjectKey::new("Namespace", "", &map.namespace);
        let until = self.world.clock.now() + FREEZE_WITHIN;
        let read = async { Ok(self.world.cluster.get(&namespace).await) };
        matches!(within(&self.world, until, read).await, Ok(Ok(None)))
    }

    /// With whether it is to be told at once.
    async fn read(&self, key: &ObjectKey) -> (FreezeMapSays, bool) {
        let catalog = self.catalog.borrow().clone();
        let until = self.world.clock.now() + FREEZE_WITHIN;
        let read = async { Ok(read_keys(&*self.world.cluster, &*self.store, &catalog, key).await) };
        match within(&self.world, until, read).await {
            Ok(Ok(keys)) if keys.is_empty() && self.lacks_namespace(key).await => (FreezeMapSays::NoNamespace, true),
            Ok(Ok(keys)) if keys.is_empty() => (FreezeMapSays::Nothing, true),
            Ok(Ok(keys)) => (FreezeMapSays::Freezes(keys.into_iter().map(|key| key.said).collect()), true),
            Ok(Err(Unreadable::Forbidden(why))) => (FreezeMapSays::Unreadable(why), true),
            Ok(Err(Unreadable::Passing(why))) => (FreezeMapSays::Unreadable(why), false),
            Err(error) => (FreezeMapSays::Unreadable(error.message), false),
        }
    }
}

#[async_trait]
impl Worker for FreezeWorker {
    fn name(&self) -> &'static str {
        "freezes"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().decisions.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let next_end = self.store.tell_freezes_over().await?;
        let Some(map) = &self.map else { return Ok(Turn::Idle { until: next_end }) };
        let mut state = self.state.lock().await;
        let clock = &self.world.clock;
        if clock.monotonic() >= state.next_look {
            self.look(&mut state, map).await?;
            state.next_look = clock.monotonic() + LOOK_EVERY;
        }
        let next_look: DateTime<Utc> = clock.now() + state.next_look.saturating_sub(clock.monotonic());
        Ok(Turn::Idle { until: Some(next_end.map_or(next_look, |end| end.min(next_look))) })
    }
}
