//! The worker that claims runs and drives them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::drive::Driver;
use super::freeze_map::FreezeMap;
use super::kind_worker;
use super::scope::Frame;
use super::state::RunState;
use super::timing::LEAST_LEASE;
use crate::action::World;
use crate::alertmanager::Sources;
use crate::mandate::Mandate;
use crate::metrics::Metrics;
use crate::model::{ActingTeams, Ceilings, Digest, FleetLimits, Live, Outcome, RunEvent, RunLimits, SourceRights};
use crate::playbook::{Catalog, Playbook};
use crate::store::{Append, ClaimedRun, NewPage, PageReason, Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// After so many claims in a row that came to nothing, a run is not looked into any more: whatever breaks its workers
/// would break the next one too.
const FRUITLESS_CLAIMS: u32 = 5;

/// How many frozen playbooks are kept parsed.
const CACHED_PLAYBOOKS: usize = 64;

/// What an operator may set.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// How long a claimed run belongs to its worker. After a crash nobody else touches it before.
    pub lease: Duration,
    /// The most bytes that one step's output may be on a run's log.
    pub output_limit: usize,
    /// How long a question to a human stays open.
    pub approval_timeout: Duration,
    /// What was found out longer ago is found out again before anything is changed. Zero: it is
    /// not.
    pub diagnosis_lasts: Duration,
    /// Within this time after a run, no other one that an alert starts does the same for the same
    /// object. Zero: that is left to the playbooks' limits.
    pub fix_holds_for: Duration,
    /// The team that is paged when a run's own playbook cannot be read.
    pub default_team: String,
    /// Tells what the runs of this database leave in the cluster from what those of another have left: the store's own mark.
    /// Empty for a rehearsal, whose cluster is as new as its database.
    pub mark: String,
    /// Whether the cluster may be changed at all.
    pub mandate: Arc<Mandate>,
    /// How far runs may go at the most; may change while they are under way.
    pub ceilings: Live<Ceilings>,
    /// How much is changed at the most, over all runs; may change while they are under way.
    pub limits: Live<FleetLimits>,
    /// Which team can act on which cause; may change while runs are under way.
    pub acting: Live<ActingTeams>,
    /// The ConfigMap that freezes; `None`: none is asked.
    pub freeze_map: Option<FreezeMap>,
    /// What the alerts of each source may start, also by a hand-over.
    pub may_start: SourceRights,
}

/// Claims runs that are due, one at a time. Several of these work side by side.
pub struct EngineWorker {
    name: String,
    store: Arc<dyn Store>,
    world: World,
    options: EngineOptions,
    metrics: Arc<Metrics>,
    sources: Sources,
    catalog: watch::Receiver<Arc<Catalog>>,
    playbooks: Mutex<HashMap<Digest, Arc<Playbook>>>,
}

impl EngineWorker {
    /// `name` must differ between the workers of all processes on one store: it is who holds a lease. A lease that is shorter
    /// than [`LEAST_LEASE`] is taken for that: with less, no mutation could be begun.
    pub fn new(
        name: String,
        store: Arc<dyn Store>,
        world: World,
        options: EngineOptions,
        metrics: Arc<Metrics>,
        catalog: watch::Receiver<Arc<Catalog>>,
    ) -> Self {
        let options = EngineOptions { lease: options.lease.max(LEAST_LEASE), ..options };
        Self { name, store, world, options, metrics, sources: Sources::default(), catalog, playbooks: Mutex::default() }
    }

    /// Has these say whether an alert that is old news still fires. Without, a person is asked.
    #[must_use]
    pub fn asking(self, sources: Sources) -> Self {
        Self { sources, ..self }
    }

    async fn go_on(&self, claimed: ClaimedRun) -> Result<(), StoreError> {
        if claimed.fruitless_claims > FRUITLESS_CLAIMS {
            let because = format!("{} workers claimed it, and none came any further", claimed.fruitless_claims - 1);
            return self.give_up(claimed, because).await;
        }
        let playbook = match self.playbook(&claimed) {
            Ok(playbook) => playbook,
            Err(because) => return self.give_up(claimed, because).await,
        };
        // What it names the catalog may not name any more, and so nobody has asked about yet. Who
        // needs what is missing, fails.
        kind_worker::ask(self.world.cluster.as_ref(), playbook.custom_kinds()).await;
        let catalog = self.catalog.borrow().clone();
        let driver = Driver {
            catalog: &catalog,
            store: &self.store,
            world: &self.world,
            options: &self.options,
            metrics: &self.metrics,
            sources: &self.sources,
            playbook: &playbook,
            state: RunState::of(&claimed.log, claimed.run.alert_waited),
            frame: Frame {
                alert: playbook.sees(claimed.run.alert.clone()),
                run: claimed.run,
                incident_title: claimed.incident_title,
                severity: claimed.severity,
                output_limit: self.options.output_limit,
                mark: self.options.mark.clone(),
                kinds: self.world.cluster.kinds(),
            },
            at: claimed.at,
            lease_until: claimed.lease_until,
            inbox: claimed.inbox,
            left: Vec::new(),
        };
        driver.drive().await
    }

    /// The run's frozen playbook, parsed.
    fn playbook(&self, claimed: &ClaimedRun) -> Result<Arc<Playbook>, String> {
        let digest = &claimed.run.playbook.digest;
        if let Some(playbook) = self.catalog.borrow().by_digest(digest) {
            return Ok(playbook.clone());
        }
        // What is in the map stays right even if a holder of the lock panicked.
        let mut cached = self.playbooks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(playbook) = cached.get(digest) {
            return Ok(playbook.clone());
        }
        let playbook = Playbook::from_store_with(&claimed.playbook_source, &self.world.cluster.kinds())
            .map_err(|problem| format!("its playbook {} cannot be read any more: {problem}", claimed.run.playbook))?;
        if cached.len() >= CACHED_PLAYBOOKS {
            cached.clear();
        }
        let playbook = Arc::new(playbook);
        cached.insert(digest.clone(), playbook.clone());
        Ok(playbook)
    }

    /// Ends a run that cannot be looked into, and pages.
    async fn give_up(&self, claimed: ClaimedRun, because: String) -> Result<(), StoreError> {
        let page = NewPage {
            level: 1,
            team: self.options.default_team.clone(),
            reason: PageReason::Escalated { run: claimed.run.id },
            text: Some(because.clone()),
        };
        let outcome = Outcome::Escalated;
        let append = Append {
            events: vec![RunEvent::Ended { outcome, because: because.clone() }],
            pages: vec![page],
            end: Some((outcome, because)),
            limits: RunLimits { fleet: *self.options.limits.get(), ..RunLimits::default() },
            ..Append::default()
        };
        self.store.append(claimed.at, append).await.map(|_| ())
    }
}

#[async_trait]
impl Worker for EngineWorker {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().runs.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let Some(claimed) = self.store.claim_run(&self.name, self.options.lease).await? else {
            return Ok(Turn::Idle { until: self.store.next_run_due().await? });
        };
        let run = claimed.run.id;
        match self.go_on(claimed).await {
            Ok(()) => Ok(Turn::Worked),
            Err(StoreError::Fenced(why)) => {
                tracing::info!(%run, why, "another worker took the run over");
                Ok(Turn::Worked)
            }
            Err(error) => Err(error.into()),
        }
    }
}
