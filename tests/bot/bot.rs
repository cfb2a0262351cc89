//! A whole bot to talk with: everything is real but the cluster, Prometheus and the time. Each verb lets everything
//! happen that is due, and no time passes but by `passes` and `ends`.

pub mod fuse;
pub mod pager;
pub mod processor;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use dogwatch::action::Patchable;
use dogwatch::alertmanager::Alertmanager;
use dogwatch::app::InForce;
use dogwatch::bot::Bot as Wiring;
use dogwatch::clock::{Clock, ManualClock};
use dogwatch::cluster::sim::{Fault, Verb};
use dogwatch::cluster::{Cluster, Object, SimCluster};
use dogwatch::command::parse_command;
use dogwatch::config::Config;
use dogwatch::engine::FreezeMap;
use dogwatch::incident::IncidentRules;
use dogwatch::intake::Form;
use dogwatch::model::*;
use dogwatch::network::ScriptedNetwork;
use dogwatch::notify::{OutboxWorker, Sink};
use dogwatch::oncall::{OnCall, Roster, RosterContacts};
use dogwatch::playbook::{Catalog, Playbook, files_of};
use dogwatch::prometheus::ScriptedPrometheus;
use dogwatch::rehearse::{Setting, Stage};
use dogwatch::sightings::ClusterSource;
use dogwatch::sql::ScriptedDatabases;
use dogwatch::store::sqlite::{Durability, SqliteStore};
use dogwatch::store::*;
use dogwatch::web::ScriptedWeb;
use dogwatch::worker::{self, Worker};
use fuse::{Fuse, FusedCluster, FusedStore};
use pager::Pager;
use processor::Processor;
use tokio::sync::watch;

use crate::world::story::{empty_database, sinks};
use crate::world::wait::wait_for;

/// Two teams, each with somebody on call.
const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }, { name: bob }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob] }
";

/// No run of these tests takes longer, in its own time.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

pub fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

pub fn two_in_the_morning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 2, 0, 0).unwrap()
}

/// A playbook that comes with the project.
pub fn shipped(name: &str) -> String {
    std::fs::read_to_string(shipped_file(name)).unwrap()
}

/// Where it lies.
pub fn shipped_file(name: &str) -> PathBuf {
    let files = files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks")).unwrap();
    let found = files.playbooks.into_iter().find(|file| file.file_stem().is_some_and(|stem| stem == name));
    found.unwrap_or_else(|| panic!("no playbook {name} is shipped"))
}

pub struct Bot {
    pub clock: Arc<ManualClock>,
    pub cluster: SimCluster,
    pub prometheus: Arc<ScriptedPrometheus>,
    pub web: Arc<ScriptedWeb>,
    pub network: Arc<ScriptedNetwork>,
    pub databases: Arc<ScriptedDatabases>,
    pub fuse: Arc<Fuse>,
    /// What is wrong with the cluster once the bot has died.
    pub once_dead: Vec<Fault>,
    pub folder: tempfile::TempDir,
    /// The mark of its database.
    mark: String,
    catalog: watch::Sender<Arc<Catalog>>,
    /// `None`: it is being started again.
    alive: Option<Alive>,
    firing: BTreeMap<String, DateTime<Utc>>,
    /// Its clock was set at least once.
    was_set: bool,
    /// No secret is asked of who delivers alerts.
    pub everybody_may_deliver: bool,
    pub rules: IncidentRules,
    /// What it looks at by itself.
    pub cluster_sources: Vec<ClusterSource>,
    /// Whose silences hold here, too.
    pub alertmanager: Option<Arc<dyn Alertmanager>>,
    pub alertmanager_sources: Option<Vec<String>>,
    /// The ConfigMap that freezes.
    pub freeze_map: Option<FreezeMap>,
    pub sinks: Sinks,
    /// Where its tickets are made.
    pub trackers: Vec<Arc<dyn Sink>>,
    /// Where its pages go, each the next one's fallback.
    pub pagers: Vec<Arc<Pager>>,
    /// The same, by sinks that are real: where there are some, pages go to them alone.
    pub page_sinks: Vec<Arc<dyn Sink>>,
    /// Which of them are told at once, entry after entry; without any, each is an entry of its own.
    pub page_entries: Vec<Vec<&'static str>>,
    /// What its configuration lets it change, from its next start on.
    pub patchable: Patchable,
    /// How many changes the conversation has spoken of.
    pub told: usize,
    _processor: Option<Processor>,
}

struct Alive {
    stage: Stage,
    workers: Vec<Arc<dyn Worker>>,
}

impl Bot {
    /// A bot with these playbooks, in a cluster in which these objects have been for a while.
    pub async fn begins(playbooks: &[&str], objects: Vec<Object>) -> Self {
        let clock = Arc::new(ManualClock::new(two_in_the_morning()));
        let cluster = SimCluster::from_objects(clock.clone(), objects).unwrap();
        let kinds = Cluster::kinds(&cluster);
        let playbooks = playbooks.iter().map(|source| Playbook::from_store_with(source, &kinds).unwrap()).collect();
        let (catalog, problems) = Catalog::of(playbooks);
        assert!(problems.is_empty(), "{problems:?}");
        let mut bot = Self {
            clock,
            cluster,
            prometheus: Arc::default(),
            web: Arc::default(),
            network: Arc::default(),
            databases: Arc::default(),
            fuse: Arc::default(),
            once_dead: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
            mark: String::new(),
            catalog: watch::channel(Arc::new(catalog)).0,
            alive: None,
            firing: BTreeMap::new(),
            was_set: false,
            everybody_may_deliver: false,
            rules: IncidentRules {
                oncall: Roster::new(OnCall::parse("oncall.yaml", ONCALL).unwrap()),
                ..Default::default()
            },
            cluster_sources: Vec::new(),
            alertmanager: None,
            alertmanager_sources: None,
            freeze_map: None,
            sinks: Sinks { budgets: PageBudgets::usual(), ..sinks(&["console"], &["console"]) },
            trackers: Vec::new(),
            pagers: Vec::new(),
            page_sinks: Vec::new(),
            page_entries: Vec::new(),
            patchable: Patchable::default(),
            told: 0,
            _processor: Processor::with_fewest(),
        };
        empty_database(&bot.folder.path().join("bot.db")).await;
        bot.starts().await;
        bot
    }

    async fn starts(&mut self) {
        let site = |tracker: &Arc<dyn Sink>| Some((tracker.name().to_owned(), tracker.site()?.clone()));
        self.sinks.tickets.sites = self.trackers.iter().filter_map(site).collect();
        let as_sink = |pager: &Arc<Pager>| pager.clone() as Arc<dyn Sink>;
        let of_pages: Vec<Arc<dyn Sink>> = match self.page_sinks.as_slice() {
            [] => self.pagers.iter().map(as_sink).collect(),
            sinks => sinks.to_vec(),
        };
        if !of_pages.is_empty() {
            self.sinks.pages = match self.page_entries.as_slice() {
                [] => PageOrder::new(of_pages.iter().map(|sink| [sink.name()])),
                entries => PageOrder::new(entries.iter().map(|entry| entry.iter().copied())),
            };
            let named = |is: fn(&dyn Sink) -> bool| {
                of_pages.iter().filter(|sink| is(sink.as_ref())).map(|sink| sink.name().to_owned()).collect()
            };
            self.sinks.there = named(|sink| sink.name() != "console");
            self.sinks.hear_ends = named(|sink| sink.hears_ends());
            self.sinks.escalate = named(|sink| sink.escalates());
            self.sinks.calls_by_name =
                self.pagers.iter().find(|sink| !sink.escalates()).map(|sink| sink.name().to_owned());
        }
        let oncall = self.rules.oncall.clone();
        self.sinks.contacts = Some(Arc::new(RosterContacts::new(oncall.clone(), self.rules.default_team.clone())));
        let setting = || Setting {
            clock: self.clock.clone(),
            cluster: self.cluster.clone(),
            rights: None,
            prometheus: self.prometheus.clone(),
            web: self.web.clone(),
            network: self.network.clone(),
            databases: self.databases.clone(),
            alertmanager: Arc::default(),
            past: Vec::new(),
            catalog: self.catalog.subscribe(),
            rules: self.rules.clone(),
            database: self.folder.path().join("bot.db"),
            durability: Durability::None,
            sinks: self.sinks.clone(),
        };
        // A process that another test starts at this moment has our files open until it is another
        // program, also the lock of the bot that was here before.
        let stage = wait_for(Duration::from_secs(5), "the lock of the bot before is free", async || {
            let set = Stage::set(setting()).await;
            (!set.as_ref().is_err_and(|error| error.to_string().contains("another dogwatch"))).then_some(set)
        });
        let stage = stage.await.unwrap();
        let mut wiring: Wiring = stage.bot.clone();
        wiring.engine.mark.clone_from(&self.mark);
        wiring.engine.freeze_map.clone_from(&self.freeze_map);
        wiring.engine.acting = self.rules.oncall.acting();
        wiring.alertmanager.clone_from(&self.alertmanager);
        wiring.cluster_sources.clone_from(&self.cluster_sources);
        wiring.kept_quiet.clone_from(&self.alertmanager_sources);
        wiring.asked_sources.clone_from(&self.alertmanager_sources);
        wiring.store = Arc::new(FusedStore { inner: stage.store.clone(), fuse: self.fuse.clone() });
        wiring.world.patchable = self.patchable.clone();
        wiring.world.cluster = Arc::new(FusedCluster { inner: self.cluster.clone(), fuse: self.fuse.clone() });
        let mut workers = wiring.workers(1);
        workers.push(Arc::new(wiring.timekeeper()));
        for pager in &of_pages {
            let (pager, store, clock) = (pager.clone(), wiring.store.clone(), self.clock.clone());
            let worker = OutboxWorker::new(pager, store, clock, oncall.clone(), Arc::default());
            workers.push(Arc::new(worker.with_default_team(&self.rules.default_team)));
        }
        for tracker in &self.trackers {
            let (tracker, store, clock) = (tracker.clone(), wiring.store.clone(), self.clock.clone());
            let worker = OutboxWorker::new(tracker, store, clock, oncall.clone(), Arc::default());
            workers.push(Arc::new(worker));
        }
        self.alive = Some(Alive { stage, workers });
    }

    /// The process ends, whatever it was doing, and another one starts on the same database.
    pub async fn is_restarted(&mut self) {
        if let Some(Alive { stage, workers }) = self.alive.take() {
            drop(workers);
            stage.store.close().await;
        }
        // A new process takes the wall clock's time.
        self.clock.follow(self.clock.disagreement());
        self.starts().await;
    }

    /// The process ends, and another one starts so long after. It has not worked yet.
    pub async fn is_gone_for(&mut self, lasting: Duration) {
        if let Some(Alive { stage, workers }) = self.alive.take() {
            drop(workers);
            stage.store.close().await;
        }
        self.clock.advance(lasting);
        self.starts().await;
    }

    /// Its database is lost, and it starts with a new one, which has another mark.
    pub async fn loses_its_database(&mut self, mark: &str) {
        if let Some(Alive { stage, workers }) = self.alive.take() {
            drop(workers);
            stage.store.close().await;
        }
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        empty_database(&self.folder.path().join("bot.db")).await;
        self.mark = mark.to_owned();
        self.starts().await;
    }

    /// What it measures, as Prometheus would read it.
    pub async fn measures(&self, name: &str) -> String {
        let levels = self.store().levels().await.unwrap();
        let text = self.alive.as_ref().unwrap().stage.bot.metrics.render(Some(&levels)).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("there is no {name}: {text}")).to_owned()
    }

    /// All playbooks are taken out of its folder.
    pub fn has_no_playbooks(&self) {
        self.catalog.send_replace(Arc::default());
    }

    /// These playbooks count from now on.
    pub fn has_catalog(&self, catalog: Catalog) {
        self.catalog.send_replace(Arc::new(catalog));
    }

    /// What was put out for people of that kind, in order.
    pub async fn delivered_texts(&self, subject: &str) -> Vec<String> {
        use sqlx::{Connection, SqliteConnection};
        let file = self.folder.path().join("bot.db");
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        let texts = "SELECT subject ->> 'text' FROM outbox WHERE subject ->> 'subject' = ? ORDER BY id";
        let found = sqlx::query_scalar(texts).bind(subject.to_owned()).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        found
    }

    /// What counts in it, as it is while its files are read again.
    pub fn in_force(&self, config: Config) -> InForce {
        let stage = &self.alive.as_ref().unwrap().stage;
        InForce {
            kinds: Arc::new(dogwatch::cluster::Kinds::of_a_cluster()),
            config: config.into(),
            roster: self.rules.oncall.clone(),
            catalog: self.catalog.clone(),
            rules: stage.bot.rules.clone(),
            sinks: stage.sinks.clone(),
            budgets: self.sinks.budgets.clone().into(),
            store: stage.store.clone(),
            clock: self.clock.clone(),
            turn: Default::default(),
        }
    }

    pub fn store(&self) -> &Arc<SqliteStore> {
        &self.alive.as_ref().unwrap().stage.store
    }

    /// Lets everything happen that is due now; a bot that dies meanwhile is started again.
    pub async fn settles(&mut self) -> Option<DateTime<Utc>> {
        for _ in 0..1_000 {
            let workers = &self.alive.as_ref().unwrap().workers;
            let cluster = self.cluster.turn();
            let next = tokio::select! {
                biased;
                () = self.fuse.blown() => None,
                next = worker::settle(workers) => Some(next.unwrap()),
            };
            let Some(bot) = next else {
                self.once_dead.drain(..).for_each(|fault| self.cluster.fault(fault));
                self.is_restarted().await;
                continue;
            };
            let next = [cluster, bot].into_iter().flatten().min();
            if next.is_none_or(|next| next > self.clock.now()) {
                return next;
            }
        }
        panic!("the bot does not come to rest at {}", self.clock.now());
    }

    /// Dies at that point; without one, finds out at which points dying differs: see
    /// [`Fuse::compares_points`].
    pub async fn dies_at(&self, n: Option<usize>) {
        if let Some(n) = n {
            return self.fuse.dies_at(n);
        }
        let (clock, cluster) = (self.clock.clone(), self.cluster.clone());
        let outside = move || (clock.now(), cluster.writes().iter().filter(|write| !write.dry_run).count());
        self.fuse.compares_points(&self.folder.path().join("bot.db"), Box::new(outside)).await;
    }

    /// Gives each worker one turn at a time until nothing more is done, whichever fails; whether
    /// one did.
    pub async fn turns_in_vain(&mut self) -> bool {
        let mut failed = false;
        for _ in 0..20 {
            for worker in &self.alive.as_ref().unwrap().workers {
                failed |= worker.turn().await.is_err();
            }
        }
        failed
    }

    /// When the conversation began.
    pub fn started(&self) -> DateTime<Utc> {
        two_in_the_morning()
    }

    /// Lets things happen until the bot dies or comes to rest; one that died is started again, and
    /// does nothing yet.
    pub async fn settles_once(&mut self) {
        let workers = &self.alive.as_ref().unwrap().workers;
        let is_dead = tokio::select! {
            biased;
            () = self.fuse.blown() => true,
            settled = worker::settle(workers) => settled.map(|_| false).unwrap(),
        };
        if is_dead {
            self.is_restarted().await;
        }
    }

    pub async fn passes(&mut self, lasting: Duration) {
        let end = self.clock.now() + lasting;
        while let Some(next) = self.settles().await.filter(|next| *next < end) {
            self.clock.set(next);
        }
        self.clock.set(end);
        self.settles().await;
    }

    /// Somebody sets the wall clock, forth or back.
    pub async fn has_its_clock_set(&mut self, by: TimeDelta) {
        self.clock.step(self.clock.now() + self.clock.disagreement() + by);
        self.was_set = true;
        self.settles().await;
    }

    pub async fn fires(&mut self, alert: &str, labels: &[(&str, &str)]) {
        let since = *self.firing.entry(alert.to_owned()).or_insert(self.clock.now());
        self.delivers(alert, labels, since, AlertStatus::Firing).await;
    }

    pub async fn resolves(&mut self, alert: &str, labels: &[(&str, &str)]) {
        let since = self.firing.remove(alert).expect("it fires");
        self.delivers(alert, labels, since, AlertStatus::Resolved).await;
    }

    pub fn is_firing(&self, alert: &str) -> bool {
        self.firing.contains_key(alert)
    }

    async fn delivers(&mut self, name: &str, labels: &[(&str, &str)], starts_at: DateTime<Utc>, status: AlertStatus) {
        let mut all: BTreeMap<String, String> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.insert("alertname".into(), name.into());
        let alert = Alert {
            given: None,
            in_order: false,
            fingerprint: format!("{all:?}"),
            status,
            labels: all,
            annotations: BTreeMap::new(),
            starts_at,
            ends_at: (status == AlertStatus::Resolved).then_some(self.clock.now()),
            generator_url: String::new(),
        };
        let body = SignalBody::Notification(Notification {
            receiver: "dogwatch".into(),
            group_key: "g".into(),
            truncated: 0,
            left_out: Default::default(),
            alerts: vec![alert],
            unauthenticated: self.everybody_may_deliver,
        });
        let key = format!("{name} {status:?} {}", self.clock.now());
        self.accepts("alertmanager", key, body).await;
    }

    /// A body of Alertmanager, as it comes over the wire.
    pub async fn hears(&mut self, body: &[u8]) {
        let heartbeats = self.rules.heartbeats.iter().filter_map(|expected| expected.rule.alert.clone());
        let heartbeats: Vec<String> = heartbeats.collect();
        let delivered = Form::Alertmanager.parse("alertmanager".into(), self.clock.now(), &heartbeats, body).unwrap();
        self.store().accept_delivery(delivered).await.unwrap();
        self.settles().await;
    }

    async fn accepts(&mut self, source: &str, key: String, body: SignalBody) -> SignalId {
        let signal = Signal { source: source.into(), key, received_at: self.clock.now(), body };
        let id = self.store().accept(&signal).await.unwrap().id();
        self.settles().await;
        id
    }

    /// What the bot answers to a responder's command.
    pub async fn says(&mut self, person: &str, command: Command) -> String {
        let key = format!("{person} {command:?} {}", self.clock.now());
        let person = Person { name: person.into(), via: Via::Console, id: person.into(), role: Some(Role::Responder) };
        let id = self.accepts("console", key, SignalBody::Command { person, command }).await;
        self.store().reply(id).await.unwrap().expect("it was worked on").text
    }

    /// What it answers to a line that somebody types.
    pub async fn types(&mut self, person: &str, line: &str) -> String {
        self.says(person, parse_command(line).unwrap()).await
    }

    pub async fn incident(&self, id: i64) -> Incident {
        self.store().incident(IncidentId(id)).await.unwrap().unwrap()
    }

    /// The incident's timeline without the records of its runs.
    pub async fn tells(&self, id: i64) -> Vec<String> {
        let timeline = self.store().timeline(IncidentId(id)).await.unwrap();
        let own = |entry: &&TimelineEntry| matches!(entry.what, TimelineWhat::Incident(_));
        timeline.iter().filter(own).filter_map(dogwatch::message::timeline_line).collect()
    }

    pub async fn approves(&mut self, person: &str) -> String {
        self.votes(person, Verdict::Approve).await
    }

    pub async fn denies(&mut self, person: &str) -> String {
        self.votes(person, Verdict::Deny).await
    }

    async fn votes(&mut self, person: &str, verdict: Verdict) -> String {
        self.says(person, Command::Approve { approval: ApprovalId(1), verdict, digest: None }).await
    }

    pub async fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for n in 1.. {
            match self.store().run(RunId(n)).await.unwrap() {
                Some(run) => runs.push(run),
                None => break,
            }
        }
        runs
    }

    pub async fn log(&self) -> Vec<(DateTime<Utc>, RunEvent)> {
        let mut log = Vec::new();
        for run in self.runs().await {
            log.extend(self.store().run_log(run.id).await.unwrap());
        }
        log.sort_by_key(|(at, _)| *at);
        log
    }

    /// What was changed, as the runs' logs tell it.
    pub async fn changes(&self) -> Vec<String> {
        let mut changes = Vec::new();
        for run in self.runs().await {
            let mut started = String::new();
            for (at, event) in self.store().run_log(run.id).await.unwrap() {
                match event {
                    RunEvent::Started { intent, .. } => started = intent.summary,
                    RunEvent::Done { .. } => changes.push((at, started.clone())),
                    _ => {}
                }
            }
        }
        changes.sort();
        changes.into_iter().map(|(_, change)| change).collect()
    }

    /// The next change that the conversation has not spoken of.
    pub async fn does(&mut self, change: &str) {
        let changes = self.changes().await;
        assert_eq!(changes.get(self.told).map(String::as_str), Some(change), "{:#?}", self.log().await);
        self.told += 1;
    }

    /// It has made no change that the conversation has not spoken of, and the cluster saw none.
    pub async fn does_nothing_more(&self) {
        let changes = self.changes().await;
        assert_eq!(changes[self.told..], [] as [String; 0]);
        assert_eq!(self.mutations().len(), self.told, "{:#?}", self.mutations());
    }

    /// What the cluster saw, as `patch deployment/coredns in kube-system`.
    pub fn mutations(&self) -> Vec<String> {
        let real = self.cluster.writes().into_iter().filter(|mutation| !mutation.dry_run);
        real.map(|mutation| format!("{} {}", mutation.verb.as_str(), mutation.key)).collect()
    }

    /// Lets as much time pass as the runs need, and tells how the last one ended.
    pub async fn end(&mut self) -> (Outcome, String) {
        let end = self.clock.now() + LONGEST;
        loop {
            let next = self.settles().await;
            if self.store().runs_under_way().await.unwrap().is_empty() {
                break;
            }
            match next.filter(|next| *next < end) {
                Some(next) => self.clock.set(next),
                None => panic!("it does not end: {:#?}", self.log().await),
            }
        }
        let last = self.runs().await.pop().expect("there was a run");
        (last.outcome.unwrap(), last.because.unwrap())
    }

    /// Lets as much time pass as the runs need: the last one ends like that, and has changed no more than was told.
    pub async fn ends(&mut self, outcome: Outcome) -> String {
        let (ended, because) = self.end().await;
        assert_eq!(ended, outcome, "{because}: {:#?}", self.log().await);
        self.does_nothing_more().await;
        because
    }

    /// Who was paged and why: `platform escalated`.
    pub async fn paged(&self) -> Vec<String> {
        let (from, to) = (two_in_the_morning() - LONGEST * 60, two_in_the_morning() + LONGEST * 60);
        let pages = self.store().pages(from, to).await.unwrap();
        pages.into_iter().map(|page| format!("{} {}", page.team, word(&page.reason))).collect()
    }

    pub async fn pages<const N: usize>(&self, expected: [&str; N]) {
        assert_eq!(self.paged().await, expected);
    }

    pub async fn page_texts(&self) -> String {
        let (from, to) = (two_in_the_morning(), two_in_the_morning() + LONGEST * 30);
        let pages = self.store().pages(from, to).await.unwrap();
        pages.into_iter().filter_map(|page| page.text).collect::<Vec<_>>().join("\n")
    }

    /// The rules that hold whatever happens: what the cluster saw was on a log before, and each attempt was made once.
    pub async fn keeps_the_laws(&self) {
        let log = self.log().await;
        let mut by_attempt: BTreeMap<(String, String), usize> = BTreeMap::new();
        for mutation in self.cluster.writes().into_iter().filter(|mutation| !mutation.dry_run) {
            let intents = log.iter().filter_map(|(at, event)| match event {
                // The cluster's clock is another one: once the bot's was set, their times cannot be
                // compared.
                RunEvent::Started { intent, deadline, .. }
                    if self.was_set || *at <= mutation.at && mutation.at < *deadline =>
                {
                    Some(intent)
                }
                _ => None,
            });
            // Neither does what is asked of Patroni and PostgreSQL themselves.
            let elsewhere = ["reinitialize", "config", "restart", "switchover", "failover", "terminate", "cancel"];
            let has_no_manager = mutation.verb == Verb::Delete
                || mutation.subresource == "eviction"
                || elsewhere.contains(&mutation.subresource.as_str());
            let is_ours = |intent: &Intent| {
                intent.object == mutation.key && (has_no_manager || intent.marker == mutation.field_manager)
            };
            assert!(
                intents.into_iter().any(is_ours),
                "not on a log before, or after its deadline: {mutation:#?}\n{log:#?}"
            );
            *by_attempt.entry((mutation.field_manager.clone(), mutation.key.key())).or_default() += 1;
        }
        for ((marker, key), times) in by_attempt {
            assert_eq!(times, 1, "{key} was changed {times} times by {marker}: {log:#?}");
        }
        for run in self.runs().await {
            if run.outcome == Some(Outcome::Escalated) {
                assert!(!self.paged().await.is_empty(), "{} escalated, and nobody was paged", run.id);
            }
        }
    }

    /// Each open incident of S1 or S2 that nobody took, and for which a page was due, has one that
    /// goes out, or is told in one whose incident is open; and nothing of one is told in another
    /// twice.
    pub async fn keeps_the_page_law(&self) {
        let store = self.store();
        let unanswered = store.unanswered_pages().await.unwrap();
        for page in unanswered.iter().filter(|page| page.is_folded()) {
            let subject = store.incident(page.incident).await.unwrap().unwrap();
            let carrier = store.incident(page.folded_into().unwrap()).await.unwrap().unwrap();
            let told = unanswered.iter().filter(|other| other.incident == subject.id && !other.is_folded()).count();
            let is_at_it = matches!(carrier.state, IncidentState::Open | IncidentState::Acknowledged);
            assert!(is_at_it || told > 0, "{} is told in a page that is over: {page:#?} {carrier:#?}", subject.id);
            let is_due = subject.page_at.is_some() || subject.held_until.is_some();
            assert!(subject.severity >= Severity::S2 || told > 0 || is_due, "S1 is told nowhere else: {page:#?}");
            assert!(page.deliveries.is_empty(), "it goes nowhere itself: {page:#?}");
            let until = page.fold.as_ref().unwrap().until;
            let is_in_its_own = carrier.id == subject.id && told > 0;
            assert!(is_in_its_own || until > self.clock.now(), "it waits for ever: {page:#?}");
        }
        let mut keys: Vec<&str> = unanswered.iter().map(|page| page.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), unanswered.len(), "one page for each spell, level and severity");
    }

    /// Changes the database behind the bot's back.
    pub async fn tampers(&self, sql: &str) {
        use sqlx::{Connection, SqliteConnection};
        let file = self.folder.path().join("bot.db");
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        let changed = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        assert!(changed.rows_affected() > 0, "{sql}");
        connection.close().await.unwrap();
    }

    /// How many locks are held.
    pub async fn locks(&self) -> i64 {
        use sqlx::{Connection, SqliteConnection};
        let file = self.folder.path().join("bot.db");
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        let held = sqlx::query_scalar("SELECT COUNT(*) FROM target_lock").fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        held
    }
}

fn word(reason: &PageReason) -> &'static str {
    match reason {
        PageReason::SeverityOne => "severity one",
        PageReason::Uncovered => "uncovered",
        PageReason::Overdue => "overdue",
        PageReason::StillFires { .. } => "still fires",
        PageReason::Escalated { .. } => "escalated",
        PageReason::HeartbeatMissing { .. } => "heartbeat missing",
        PageReason::Flapping { .. } => "flapping",
        PageReason::Joined { .. } => "joined",
        PageReason::SetAside { .. } => "set aside",
        PageReason::WindowEnded { .. } => "window ended",
        PageReason::NotRun { .. } => "not run",
        PageReason::Unanswered { .. } => "unanswered",
        PageReason::Untouched { .. } => "untouched",
        PageReason::Asked { .. } => "asked",
        PageReason::Assigned { .. } => "assigned",
        PageReason::CallOverdue { .. } => "call overdue",
        PageReason::Test { .. } => "test",
    }
}
