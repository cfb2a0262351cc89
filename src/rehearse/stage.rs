//! A whole bot on a simulated cluster, in time that is moved by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::action::World;
use crate::bot::Bot;
use crate::clock::{Clock, ManualClock};
use crate::cluster::sim::SimCluster;
use crate::engine::EngineOptions;
use crate::incident::IncidentRules;
use crate::model::{Signal, SignalId};
use crate::playbook::Catalog;
use crate::prometheus::ScriptedPrometheus;
use crate::store::sqlite::{Durability, Sinks, SqliteStore};
use crate::store::{SignalStore, StoreError};
use crate::worker::{self, TurnError, Worker};

/// The stage: everything is real but the cluster, Prometheus and the time.
pub struct Stage {
    pub clock: Arc<ManualClock>,
    pub cluster: Arc<SimCluster>,
    pub prometheus: Arc<ScriptedPrometheus>,
    pub store: Arc<SqliteStore>,
    pub bot: Bot,
    workers: Vec<Arc<dyn Worker>>,
}

impl Stage {
    /// Sets the stage, with the database in `database`.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn set(
        clock: Arc<ManualClock>,
        cluster: Arc<SimCluster>,
        prometheus: Arc<ScriptedPrometheus>,
        catalog: watch::Receiver<Arc<Catalog>>,
        rules: IncidentRules,
        database: &Path,
        durability: Durability,
        sinks: Sinks,
    ) -> Result<Self, StoreError> {
        let store = Arc::new(SqliteStore::open(database, durability, clock.clone(), sinks).await?);
        let engine = EngineOptions { default_team: rules.default_team.clone(), ..EngineOptions::default() };
        let world =
            World { cluster: cluster.clone(), prometheus: prometheus.clone(), clock: clock.clone() };
        let bot = Bot { store: store.clone(), world, catalog, rules, engine, name: "stage".into() };
        let workers = bot.workers(1);
        Ok(Self { clock, cluster, prometheus, store, bot, workers })
    }

    /// Adds a worker of the caller's: one that tells people.
    pub fn add(&mut self, worker: Arc<dyn Worker>) {
        self.workers.push(worker);
    }

    /// Lets a signal in through the front door.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn accept(&self, signal: &Signal) -> Result<SignalId, StoreError> {
        Ok(self.store.accept(signal).await?.id())
    }

    /// Lets everything happen that is due now, and says when the next thing is.
    ///
    /// # Errors
    /// The first turn of a worker that fails.
    pub async fn settle(&self) -> Result<Option<DateTime<Utc>>, TurnError> {
        loop {
            let cluster = self.cluster.turn();
            let bot = worker::settle(&self.workers).await?;
            let next = [cluster, bot].into_iter().flatten().min();
            if next.is_none_or(|next| next > self.clock.now()) {
                return Ok(next);
            }
        }
    }

    /// Lets `lasting` pass, with everything that becomes due in it at its time.
    ///
    /// # Errors
    /// The first turn of a worker that fails.
    pub async fn pass(&self, lasting: Duration) -> Result<(), TurnError> {
        let end = self.clock.now() + lasting;
        while let Some(next) = self.settle().await?.filter(|next| *next < end) {
            self.clock.set(next);
        }
        self.clock.set(end);
        self.settle().await?;
        Ok(())
    }
}
