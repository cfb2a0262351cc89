//! Two bots with databases of their own on one cluster: one of them works, and the other one
//! observes.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use dogwatch::clock::{Clock, ManualClock};
use dogwatch::cluster::sim::{Fault, Verb, build};
use dogwatch::cluster::{Object, SimCluster};
use dogwatch::incident::IncidentRules;
use dogwatch::mandate::{LeaseName, Mandate, MandateWorker};
use dogwatch::model::*;
use dogwatch::playbook::{Catalog, Playbook};
use dogwatch::prometheus::ScriptedPrometheus;
use dogwatch::rehearse::{Setting, Stage};
use dogwatch::sightings::{ClusterSource, Watch, WatchedFor};
use dogwatch::store::sqlite::Durability;
use dogwatch::store::{IncidentFilter, IncidentStore as _, RunStore as _};
use dogwatch::worker::{self, Worker};
use serde_json::json;
use tokio::sync::watch;

use crate::bot::two_in_the_morning;

use crate::world::log;
use crate::world::story::sinks;

const SHOP: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: shop-slow, version: 1.0.0, owner: shop }
summary: the shop is slow
severity: S2
autonomy: auto
page_by: 2h
triggers:
  - alert: ShopSlow
target: { kind: Deployment, from: alert }
diagnose:
  - require: target.spec.replicas > 0
    because: it is switched off
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: 10 }
    verify: { until: "target.status.?readyReplicas.orValue(0) > 4", settle: 1m, every: 30s, within: 5m }
    undo: never
escalate:
  - page: { message: "the shop: {{because}}" }
"#;

struct Cluster {
    clock: Arc<ManualClock>,
    sim: SimCluster,
    lease: LeaseName,
    /// What each bot looks at.
    cluster_sources: Vec<ClusterSource>,
}

impl Cluster {
    fn with(deployments: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(two_in_the_morning()));
        let objects = deployments.iter().map(|name| build::deployment("shop", name, 4)).collect();
        let sim = SimCluster::from_objects(clock.clone(), objects).unwrap();
        let lease = LeaseName { namespace: "shop".into(), name: "dogwatch".into() };
        Self { clock, sim, lease, cluster_sources: Vec::new() }
    }

    /// A bot whose database has this mark.
    async fn bot(&self, mark: &str) -> Bot {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, problems) = Catalog::of(vec![Playbook::from_store(SHOP).unwrap()]);
        assert!(problems.is_empty(), "{problems:?}");
        let (catalogs, catalog) = watch::channel(Arc::new(catalog));
        let stage = Stage::set(Setting {
            clock: self.clock.clone(),
            cluster: self.sim.clone(),
            rights: None,
            prometheus: Arc::new(ScriptedPrometheus::default()),
            web: Arc::default(),
            network: Arc::default(),
            databases: Arc::default(),
            alertmanager: Arc::default(),
            past: Vec::new(),
            catalog,
            rules: IncidentRules::default(),
            database: folder.path().join("bot.db"),
            durability: Durability::None,
            sinks: sinks(&["console"], &["console"]),
        })
        .await
        .unwrap();
        let mut wiring = stage.bot.clone();
        wiring.engine.mark = mark.to_owned();
        wiring.cluster_sources.clone_from(&self.cluster_sources);
        wiring.engine.mandate = Arc::new(Mandate::shared());
        let mandate = Arc::new(MandateWorker::new(
            Arc::new(self.sim.clone()),
            self.clock.clone(),
            wiring.metrics.clone(),
            self.lease.clone(),
            mark,
            wiring.engine.mandate.clone(),
        ));
        let mut workers = wiring.workers(1);
        workers.push(mandate.clone());
        Bot { stage, workers, mandate, _folder: folder, _catalogs: catalogs }
    }

    /// Lets time pass for these bots; others are dead or frozen.
    async fn passes(&self, bots: &[&Bot], seconds: u64) {
        let end = self.clock.now() + Duration::from_secs(seconds);
        loop {
            let mut next: Option<DateTime<Utc>> = self.sim.turn();
            for bot in bots {
                let due = worker::settle(&bot.workers).await.unwrap();
                next = [next, due].into_iter().flatten().min();
            }
            match next.filter(|next| *next < end) {
                Some(next) => self.clock.set(next),
                None if self.clock.now() < end => self.clock.set(end),
                None => return,
            }
        }
    }

    fn replicas(&self, name: &str) -> i64 {
        self.sim.object(&ObjectKey::new("Deployment", "shop", name)).unwrap().number("/spec/replicas").unwrap()
    }

    fn holder(&self) -> String {
        let lease: Option<Object> = self.sim.object(&ObjectKey::new("Lease", "shop", "dogwatch"));
        lease.map(|lease| lease.text("/spec/holderIdentity").to_owned()).unwrap_or_default()
    }
}

struct Bot {
    stage: Stage,
    workers: Vec<Arc<dyn Worker>>,
    mandate: Arc<MandateWorker>,
    _folder: tempfile::TempDir,
    _catalogs: watch::Sender<Arc<Catalog>>,
}

impl Bot {
    /// It hears of the alert about this deployment.
    async fn hears(&self, deployment: &str) {
        let now = self.stage.clock.now();
        let labels = [("alertname", "ShopSlow"), ("namespace", "shop"), ("deployment", deployment)];
        let alert = Alert {
            fingerprint: format!("{deployment} {now}"),
            given: None,
            in_order: false,
            status: AlertStatus::Firing,
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            annotations: Default::default(),
            starts_at: now,
            ends_at: None,
            generator_url: String::new(),
        };
        let notification = Notification {
            receiver: "r".into(),
            group_key: deployment.into(),
            truncated: 0,
            left_out: Default::default(),
            alerts: vec![alert],
            unauthenticated: false,
        };
        let body = SignalBody::Notification(notification);
        let signal = Signal { source: "a".into(), key: format!("{deployment} {now}"), received_at: now, body };
        self.stage.accept(&signal).await.unwrap();
    }

    /// How its last run ended, or stands.
    async fn came_to(&self) -> (Option<Outcome>, String) {
        let mut last = None;
        for n in 1.. {
            match self.stage.store.run(RunId(n)).await.unwrap() {
                Some(run) => last = Some(run),
                None => break,
            }
        }
        let run = last.expect("there was a run");
        (run.outcome, run.because.unwrap_or_default())
    }

    fn observes(&self) -> bool {
        let metrics = self.stage.bot.metrics.render(None).unwrap();
        let line = metrics.lines().find(|line| line.starts_with("dogwatch_observes_only ")).unwrap();
        line.ends_with(" 1")
    }
}

#[tokio::test]
async fn the_same_alert_is_acted_on_by_one_of_two_bots() {
    let cluster = Cluster::with(&["web"]);
    let (first, second) = (cluster.bot("aaaaaaaa").await, cluster.bot("bbbbbbbb").await);
    cluster.passes(&[&first, &second], 10).await;
    assert_eq!((cluster.holder().as_str(), first.observes(), second.observes()), ("aaaaaaaa", false, true));
    first.hears("web").await;
    cluster.passes(&[&first, &second], 3).await;
    second.hears("web").await;
    cluster.passes(&[&first, &second], 600).await;
    assert_eq!(first.came_to().await.0, Some(Outcome::Fixed));
    assert_eq!(
        second.came_to().await,
        (
            Some(Outcome::Proposed),
            "what it would do is shown, not done: the lease of this cluster is held by a bot on another database (aaaaaaaa): \
             this bot only observes"
                .into()
        )
    );
    assert_eq!(cluster.replicas("web"), 6);
}

#[tokio::test]
async fn a_bot_that_died_is_followed_and_what_it_did_a_moment_ago_is_left_alone() {
    let cluster = Cluster::with(&["web", "api"]);
    let (first, second) = (cluster.bot("aaaaaaaa").await, cluster.bot("bbbbbbbb").await);
    cluster.passes(&[&first, &second], 10).await;
    first.hears("web").await;
    cluster.passes(&[&first, &second], 60).await;
    assert_eq!(cluster.replicas("web"), 6);
    // It is dead from here on. What it renewed last holds for 20 s.
    cluster.passes(&[&second], 14).await;
    assert_eq!(cluster.holder(), "aaaaaaaa");
    cluster.passes(&[&second], 16).await;
    assert_eq!((cluster.holder().as_str(), second.observes()), ("bbbbbbbb", false));
    second.hears("web").await;
    second.hears("api").await;
    cluster.passes(&[&second], 600).await;
    let why = second.stage.store.run(RunId(1)).await.unwrap().unwrap().because.unwrap();
    assert!(why.contains("a bot on another database has changed deployment/web in shop"), "{why}");
    assert_eq!((cluster.replicas("web"), cluster.replicas("api")), (6, 6));
    // It comes back, and finds itself replaced.
    cluster.passes(&[&first, &second], 10).await;
    assert!(first.observes());
}

#[tokio::test]
async fn a_bot_that_stops_gives_the_lease_back() {
    let cluster = Cluster::with(&["web"]);
    let (first, second) = (cluster.bot("aaaaaaaa").await, cluster.bot("bbbbbbbb").await);
    cluster.passes(&[&first, &second], 10).await;
    first.mandate.release().await;
    cluster.passes(&[&second], 6).await;
    assert_eq!((cluster.holder().as_str(), second.observes()), ("bbbbbbbb", false));
}

#[tokio::test]
async fn a_run_under_way_waits_for_the_last_process_to_be_surely_gone() {
    let cluster = Cluster::with(&["web"]);
    let first = cluster.bot("aaaaaaaa").await;
    cluster.passes(&[&first], 10).await;
    // After kill -9: the same database, and another process.
    let again = cluster.bot("aaaaaaaa").await;
    again.hears("web").await;
    cluster.passes(&[&again], 15).await;
    assert_eq!((cluster.replicas("web"), again.came_to().await.0), (4, None));
    cluster.passes(&[&again], 300).await;
    assert_eq!((cluster.replicas("web"), again.came_to().await.0), (6, Some(Outcome::Fixed)));
}

#[tokio::test]
async fn a_copy_of_the_database_is_another_bot() {
    let cluster = Cluster::with(&["web"]);
    let (first, copy) = (cluster.bot("aaaaaaaa").await, cluster.bot("aaaaaaaa").await);
    cluster.passes(&[&first, &copy], 10).await;
    copy.hears("web").await;
    cluster.passes(&[&first, &copy], 60).await;
    let (outcome, why) = copy.came_to().await;
    assert_eq!(outcome, Some(Outcome::Proposed), "{why}");
    assert!(why.contains("another process on this database or on a copy of it"), "{why}");
    assert_eq!(cluster.replicas("web"), 4);
}

#[tokio::test]
async fn nothing_is_changed_once_the_lease_could_be_somebody_elses() {
    let cluster = Cluster::with(&["web"]);
    let first = cluster.bot("aaaaaaaa").await;
    cluster.passes(&[&first], 10).await;
    // The lease cannot be renewed, while all else works.
    cluster.sim.fault(Fault::Unavailable { verb: Verb::Get, kind: "Lease".into(), times: 12 });
    cluster.passes(&[&first], 20).await;
    first.hears("web").await;
    cluster.passes(&[&first], 20).await;
    assert_eq!((cluster.replicas("web"), first.came_to().await.0), (4, None));
    cluster.passes(&[&first], 300).await;
    assert_eq!((cluster.replicas("web"), first.came_to().await.0), (6, Some(Outcome::Fixed)));
}

#[tokio::test]
async fn a_bot_that_may_not_hold_the_lease_only_observes_and_says_which_right_is_missing() {
    let cluster = Cluster::with(&["web"]);
    cluster.sim.fault(Fault::Forbidden { verb: Verb::Create, kind: "Lease".into() });
    let first = cluster.bot("aaaaaaaa").await;
    cluster.passes(&[&first], 1).await;
    first.hears("web").await;
    cluster.passes(&[&first], 60).await;
    let (outcome, why) = first.came_to().await;
    assert_eq!((outcome, first.observes()), (Some(Outcome::Proposed), true), "{why}");
    assert!(why.contains("not allowed to create") && why.contains("dogwatch rbac"), "{why}");
    assert_eq!(cluster.replicas("web"), 4);
}

#[tokio::test]
async fn a_lease_that_somebody_deletes_is_made_again() {
    let cluster = Cluster::with(&["web"]);
    let (first, second) = (cluster.bot("aaaaaaaa").await, cluster.bot("bbbbbbbb").await);
    cluster.passes(&[&first, &second], 10).await;
    cluster.sim.remove(&ObjectKey::new("Lease", "shop", "dogwatch"));
    cluster.passes(&[&second, &first], 10).await;
    assert_eq!((cluster.holder().as_str(), first.observes(), second.observes()), ("aaaaaaaa", false, true));
}

#[tokio::test]
async fn a_cluster_that_is_away_is_told_of_once_and_once_when_it_is_back() {
    log::listen();
    let cluster = Cluster::with(&["web"]);
    let first = cluster.bot("aaaaaaaa").await;
    cluster.passes(&[&first], 10).await;
    log::heard("mandate");
    cluster.sim.fault(Fault::Unavailable { verb: Verb::Get, kind: "Lease".into(), times: 24 });
    cluster.passes(&[&first], 100).await;
    let away = log::heard("mandate");
    assert!(away.len() == 2 && away[0].contains("cannot be reached"), "{away:#?}");
    assert!(away[1].contains("nothing in the cluster is changed for the moment"), "{away:#?}");
    cluster.passes(&[&first], 100).await;
    let back = log::heard("mandate");
    assert!(back.len() == 2 && back[0].contains("can be reached again away=2m"), "{back:#?}");
    assert!(back[1].contains("this bot may change the cluster"), "{back:#?}");
}

#[tokio::test]
async fn of_two_bots_that_look_one_tells() {
    let mut cluster = Cluster::with(&["web"]);
    cluster.cluster_sources = cluster_sources();
    let (first, second) = (cluster.bot("aaaaaaaa").await, cluster.bot("bbbbbbbb").await);
    cluster.passes(&[&first, &second], 10).await;
    let waiting = json!({ "name": "main", "ready": false, "state": { "waiting": { "reason": "ErrImagePull" } } });
    let status = json!({ "status": { "phase": "Pending", "containerStatuses": [waiting] } });
    let running = json!({ "name": "main", "ready": true, "state": { "running": {}, "waiting": null } });
    let new = ObjectKey::new("Pod", "shop", "new");
    cluster.sim.load(vec![build::pod("shop", "new", "web").with(&status)]).unwrap();
    cluster.passes(&[&first, &second], 300).await;
    let open = async |bot: &Bot| bot.stage.store.incidents(IncidentFilter::Unresolved).await.unwrap().len();
    assert_eq!((open(&first).await, open(&second).await), (1, 0));
    // The first one dies: the other one takes the lease, and tells it.
    cluster.passes(&[&second], 300).await;
    assert_eq!(open(&second).await, 1);
    // It comes back without the lease, and ends what it has told.
    cluster
        .sim
        .change(&new, &json!({ "status": { "phase": "Running", "containerStatuses": [running] } }), "kubelet")
        .unwrap();
    cluster.passes(&[&first, &second], 300).await;
    let closed = first.stage.store.episodes(IncidentId(1), 10).await.unwrap()[0].closed_at;
    assert!(first.observes() && closed.is_some());
}

#[tokio::test]
async fn a_bot_that_is_refused_the_lease_still_tells_what_it_sees() {
    let mut cluster = Cluster::with(&["web"]);
    cluster.cluster_sources = cluster_sources();
    cluster.sim.fault(Fault::Forbidden { verb: Verb::Create, kind: "Lease".into() });
    let first = cluster.bot("aaaaaaaa").await;
    let waiting = json!({ "name": "main", "ready": false, "state": { "waiting": { "reason": "ErrImagePull" } } });
    let status = json!({ "status": { "phase": "Pending", "containerStatuses": [waiting] } });
    cluster.sim.load(vec![build::pod("shop", "new", "web").with(&status)]).unwrap();
    cluster.passes(&[&first], 300).await;
    assert!(first.observes());
    assert_eq!(first.stage.store.incidents(IncidentFilter::Unresolved).await.unwrap().len(), 1);
}

/// An image that cannot be pulled, each half a minute.
fn cluster_sources() -> Vec<ClusterSource> {
    let hold = Duration::from_secs(120);
    let watch = Watch { what: WatchedFor::ImagePull, hold, severity: Severity::S2, team: None };
    let every = Duration::from_secs(30);
    vec![ClusterSource { name: "watch".into(), every, namespaces: Vec::new(), watches: vec![watch] }]
}
