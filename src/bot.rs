//! One bot: the workers over given edges. `dogwatch serve`, the rehearsals and the tests all run this one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::action::World;
use crate::alertmanager::{Alertmanager, QuietWorker, Sources};
use crate::engine::{EngineOptions, EngineWorker, FreezeWorker, KindWorker, PlaybookWorker, StoredPast};
use crate::escalation::{EscalationWorker, Watchdog};
use crate::incident::{
    HeartbeatWorker, IncidentRules, OverrideWorker, PageWorker, ScheduleWorker, SignalWorker, WindowWorker,
};
use crate::mandate::Mandate;
use crate::metrics::Metrics;
use crate::model::{Live, SourceRights};
use crate::playbook::Catalog;
use crate::sightings::{ClusterSource, SightingWorker};
use crate::store::Store;
use crate::surroundings::Lookup;
use crate::timekeeper::Timekeeper;
use crate::worker::Worker;

/// The edges of a bot and what an operator may set.
#[derive(Clone)]
pub struct Bot {
    pub store: Arc<dyn Store>,
    pub world: World,
    pub catalog: watch::Receiver<Arc<Catalog>>,
    pub rules: Live<IncidentRules>,
    pub engine: EngineOptions,
    /// Whose silences hold here, too, and who says whether an alert that is old news still fires.
    pub alertmanager: Option<Arc<dyn Alertmanager>>,
    /// As [`crate::config::Config::kept_quiet`].
    pub kept_quiet: Option<Vec<String>>,
    /// As [`crate::config::Config::asked_sources`].
    pub asked_sources: Option<Vec<String>>,
    /// As [`crate::config::Config::cluster_sources`].
    pub cluster_sources: Vec<ClusterSource>,
    /// Where runs and changes are counted.
    pub metrics: Arc<Metrics>,
    /// Tells this process's leases from those of others.
    pub name: String,
}

impl Bot {
    /// Who watches the wall clock: it takes its turns while all others rest, so it is none of the
    /// workers.
    pub fn timekeeper(&self) -> Timekeeper {
        Timekeeper::new(self.store.clone(), self.world.clock.clone(), self.metrics.clone())
    }

    /// The workers that decide and act, with `runs` of them driving runs side by side. What tells people is not among them:
    /// sinks differ from bot to bot.
    pub fn workers(&self, runs: usize) -> Vec<Arc<dyn Worker>> {
        let clock = self.world.clock.clone();
        let (store, catalog, rules) = (self.store.clone(), self.catalog.clone(), self.rules.get());
        let heartbeats = HeartbeatWorker::new(store.clone(), clock.clone(), rules.heartbeats.clone());
        let windows = WindowWorker::new(store.clone(), clock.clone(), rules.planned.clone());
        let keeps_some = self.kept_quiet.as_ref().is_none_or(|sources| !sources.is_empty());
        let alertmanager = self.alertmanager.clone().filter(|_| keeps_some);
        let quiet = QuietWorker::new(store.clone(), clock.clone(), alertmanager);
        let quiet = quiet.of(self.kept_quiet.clone().unwrap_or_default());
        let names = if rules.tiers.is_on() { rules.tiers.names.clone() } else { Vec::new() };
        let lookup =
            || Lookup::new(self.world.cluster.clone(), clock.clone()).looking_for(names).counting(self.metrics.clone());
        let lookup = rules.grouping.look_up.then(lookup);
        let overrides = OverrideWorker::new(store.clone(), clock.clone(), rules.oncall.clone());
        let (roster, default_team) = (rules.oncall.clone(), rules.default_team.clone());
        let watchdog = Watchdog::new(store.clone(), clock.clone(), default_team.clone());
        let escalations = EscalationWorker::new(store.clone(), clock.clone(), roster, default_team);
        let freezes = FreezeWorker::new(
            store.clone(),
            self.world.clone(),
            self.metrics.clone(),
            catalog.clone(),
            self.engine.freeze_map.clone(),
            rules.freeze_map.clone(),
        );
        let signals = SignalWorker::new(store, catalog, self.rules.clone(), clock.clone(), self.metrics.clone());
        let signals = signals.looking_up(lookup);
        let pages = PageWorker::new(self.store.clone(), clock.clone());
        let schedules = ScheduleWorker::new(self.store.clone(), clock.clone(), self.catalog.clone());
        let kinds = KindWorker::new(self.store.clone(), self.world.clone(), self.catalog.clone());
        let mut workers: Vec<Arc<dyn Worker>> = vec![
            // Before all that may ask what an alert is about.
            Arc::new(kinds),
            Arc::new(quiet),
            Arc::new(windows),
            Arc::new(freezes),
            Arc::new(signals),
            Arc::new(overrides),
            Arc::new(pages),
            Arc::new(escalations),
            Arc::new(watchdog),
            Arc::new(heartbeats),
            Arc::new(PlaybookWorker::new(self.store.clone(), self.catalog.clone())),
            Arc::new(schedules),
        ];
        for source in &self.cluster_sources {
            let (cluster, mandate) = (self.world.cluster.clone(), self.engine.mandate.clone());
            let sightings = SightingWorker::new(self.store.clone(), cluster, clock.clone(), mandate, source.clone());
            workers.push(Arc::new(sightings));
        }
        for n in 0..runs {
            let name = format!("{}/{n}", self.name);
            let store = self.store.clone();
            let past = Arc::new(StoredPast::new(store.clone(), self.world.past.clone()));
            let world = World { past, ..self.world.clone() };
            let options = EngineOptions {
                ceilings: rules.ceilings.clone(),
                limits: rules.limits.clone(),
                may_start: rules.may_start.clone(),
                ..self.engine.clone()
            };
            let engine = EngineWorker::new(name, store, world, options, self.metrics.clone(), self.catalog.clone());
            let sources = Sources::new(self.alertmanager.clone(), self.asked_sources.clone());
            workers.push(Arc::new(engine.asking(sources)));
        }
        workers
    }
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            output_limit: 256 * 1024,
            approval_timeout: Duration::from_secs(30 * 60),
            diagnosis_lasts: Duration::from_secs(10 * 60),
            fix_holds_for: Duration::from_secs(60 * 60),
            default_team: IncidentRules::default().default_team,
            mark: String::new(),
            mandate: Arc::new(Mandate::unshared()),
            ceilings: Live::default(),
            acting: Live::default(),
            limits: Live::default(),
            freeze_map: None,
            may_start: SourceRights::default(),
        }
    }
}
