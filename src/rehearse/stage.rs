//! A whole bot on a simulated cluster, in time that is moved by hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::action::{Commands, Patchable, ScriptedPast, World};
use crate::alertmanager::ScriptedAlertmanager;
use crate::bot::Bot;
use crate::clock::{Clock, ManualClock};
use crate::cluster::Access;
use crate::cluster::sim::SimCluster;
use crate::engine::EngineOptions;
use crate::incident::IncidentRules;
use crate::metrics::Metrics;
use crate::model::{Live, PastRun, Signal, SignalId};
use crate::network::ScriptedNetwork;
use crate::patroni::SimPatroni;
use crate::playbook::Catalog;
use crate::prometheus::ScriptedPrometheus;
use crate::sql::ScriptedDatabases;
use crate::store::Sinks;
use crate::store::sqlite::{Durability, SqliteStore};
use crate::store::{AffectedStore as _, SignalStore, StoreError};
use crate::web::ScriptedWeb;
use crate::worker::{self, TurnError, Worker};

/// What a stage is set with.
pub struct Setting {
    pub clock: Arc<ManualClock>,
    pub cluster: SimCluster,
    /// What the bot may do in the cluster; `None`: everything.
    pub rights: Option<Vec<Access>>,
    pub prometheus: Arc<ScriptedPrometheus>,
    pub web: Arc<ScriptedWeb>,
    pub network: Arc<ScriptedNetwork>,
    pub databases: Arc<ScriptedDatabases>,
    /// Whom playbooks ask what else fires.
    pub alertmanager: Arc<ScriptedAlertmanager>,
    /// What was done before, whatever is asked about, the newest first.
    pub past: Vec<PastRun>,
    pub catalog: watch::Receiver<Arc<Catalog>>,
    pub rules: IncidentRules,
    pub database: PathBuf,
    pub durability: Durability,
    pub sinks: Sinks,
}

/// The stage: everything is real but the cluster, Prometheus and the time.
pub struct Stage {
    pub clock: Arc<ManualClock>,
    /// As an administrator sees it.
    pub cluster: SimCluster,
    pub prometheus: Arc<ScriptedPrometheus>,
    pub store: Arc<SqliteStore>,
    pub bot: Bot,
    /// What the store's outbox goes by.
    pub sinks: Live<Sinks>,
    workers: Vec<Arc<dyn Worker>>,
}

/// So many rounds at one instant are no bot at work any more, but one that goes in circles.
const MOST_ROUNDS: usize = 10_000;

impl Stage {
    /// Sets the stage.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn set(setting: Setting) -> Result<Self, StoreError> {
        let Setting {
            clock,
            cluster,
            rights,
            prometheus,
            web,
            network,
            databases,
            alertmanager,
            past,
            catalog,
            rules,
            database,
            durability,
            sinks,
        } = setting;
        let sinks = Live::from(sinks);
        let store = Arc::new(SqliteStore::open(&database, durability, clock.clone(), sinks.clone()).await?);
        store.counts_by(&rules.counting()).await?;
        let engine = EngineOptions { default_team: rules.default_team.clone(), ..EngineOptions::default() };
        let as_bot = rights.map_or_else(|| cluster.clone(), |rights| cluster.restricted(rights));
        let patroni = Arc::new(SimPatroni::new(cluster.clone(), clock.clone()));
        databases.are_in(&cluster);
        let world = World {
            cluster: Arc::new(as_bot),
            prometheus: prometheus.clone(),
            patroni,
            web,
            network,
            databases,
            alertmanager,
            past: Arc::new(ScriptedPast(past)),
            clock: clock.clone(),
            patchable: Patchable::all(),
            commands: Commands::all(),
        };
        let (metrics, name) = (Arc::new(Metrics::new()), "stage".to_owned());
        let bot = Bot {
            store: store.clone(),
            world,
            catalog,
            rules: rules.into(),
            engine,
            alertmanager: None,
            kept_quiet: None,
            asked_sources: None,
            cluster_sources: Vec::new(),
            metrics,
            name,
        };
        let workers = bot.workers(1);
        Ok(Self { clock, cluster, prometheus, store, bot, sinks, workers })
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
        for _ in 0..MOST_ROUNDS {
            let cluster = self.cluster.turn();
            let bot = worker::settle(&self.workers).await?;
            let next = [cluster, bot].into_iter().flatten().min();
            if next.is_none_or(|next| next > self.clock.now()) {
                return Ok(next);
            }
        }
        Err(format!("the bot does not come to rest at {}", self.clock.now()).into())
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
