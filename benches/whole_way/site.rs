//! A bot within this process, with the real HTTP server and the real store on a disk. Its cluster is simulated, and its
//! Prometheus answers at once: what is measured is the bot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use dogwatch::action::World;
use dogwatch::bot::Bot;
use dogwatch::chat::{Desk, Handoffs, Previews};
use dogwatch::clock::{Clock, SystemClock};
use dogwatch::cluster::sim::{SimCluster, build};
use dogwatch::engine::EngineOptions;
use dogwatch::incident::IncidentRules;
use dogwatch::metrics::Metrics;
use dogwatch::network::ScriptedNetwork;
use dogwatch::patroni::SimPatroni;
use dogwatch::playbook::{Catalog, Playbook};
use dogwatch::prometheus::{Course, Point, Prometheus, Query, QueryError, RangeQuery, Sample};
use dogwatch::server::{Readiness, Server, Settings, serve};
use dogwatch::sql::ScriptedDatabases;
use dogwatch::store::sqlite::{Durability, SqliteStore};
use dogwatch::store::{PageOrder, Sinks};
use dogwatch::web::ScriptedWeb;
use dogwatch::worker;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// As many as `dogwatch serve` has, if nothing else is configured.
const RUN_WORKERS: usize = 4;

pub struct Site {
    pub url: String,
    pub store: Arc<SqliteStore>,
    pub clock: Arc<dyn Clock>,
    /// When Prometheus was asked.
    pub asked: mpsc::UnboundedReceiver<Instant>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    _catalog: watch::Sender<Arc<Catalog>>,
    _folder: tempfile::TempDir,
}

impl Site {
    /// With one playbook, for the deployments `app-000000` and so on in the namespace `databases`.
    pub async fn open(playbook: &str, deployments: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let (told, asked) = mpsc::unbounded_channel();
        let objects = (0..deployments).map(|n| build::deployment("databases", &format!("app-{n:06}"), 1)).collect();
        let cluster = SimCluster::from_objects(clock.clone(), objects).expect("a cluster");
        let sinks = Sinks { chat: vec!["console".into()], pages: PageOrder::new([["console"]]), ..Sinks::default() };
        let database = folder.path().join("dogwatch.db");
        let store = SqliteStore::open(&database, Durability::Full, clock.clone(), sinks).await.expect("a store");
        let store = Arc::new(store);
        let (catalog, problems) = Catalog::of(vec![Playbook::from_store(playbook).expect("a playbook")]);
        assert!(problems.is_empty(), "{problems:?}");
        let (sender, catalog) = watch::channel(Arc::new(catalog));
        let world = World {
            patroni: Arc::new(SimPatroni::new(cluster.clone(), clock.clone())),
            cluster: Arc::new(cluster),
            prometheus: Arc::new(Answers(told)),
            web: Arc::new(ScriptedWeb::default()),
            network: Arc::new(ScriptedNetwork::default()),
            databases: Arc::new(ScriptedDatabases::default()),
            alertmanager: Arc::new(dogwatch::alertmanager::NoAlertmanager),
            past: Arc::new(dogwatch::action::ScriptedPast::default()),
            clock: clock.clone(),
            patchable: dogwatch::action::Patchable::default(),
        };
        let metrics = Arc::new(Metrics::new());
        let bot = Bot {
            store: store.clone(),
            world,
            catalog,
            rules: IncidentRules::default().into(),
            engine: EngineOptions::default(),
            alertmanager: None,
            kept_quiet: None,
            asked_sources: None,
            cluster_sources: Vec::new(),
            metrics: metrics.clone(),
            name: "bench".into(),
        };
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for worker in bot.workers(RUN_WORKERS) {
            tasks.spawn(worker::run(worker, clock.clone(), worker::Turns::default(), stop.clone()));
        }
        let desk = Desk::new(store.clone(), clock.clone(), metrics.clone(), Arc::new(Nothing), Arc::new(Nothing));
        let readiness = Arc::new(Readiness::default());
        let server = Server::new(store.clone(), clock.clone(), Arc::new(desk), metrics, readiness, Settings::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tasks.spawn(serve(listener, Arc::new(server), stop.clone()));
        Self { url, store, clock, asked, stop, tasks, _catalog: sender, _folder: folder }
    }

    pub async fn close(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.store.close().await;
    }
}

/// Answers every query with 1, and says when it was asked.
struct Answers(mpsc::UnboundedSender<Instant>);

#[async_trait]
impl Prometheus for Answers {
    async fn query(&self, _: &Query) -> Result<Vec<Sample>, QueryError> {
        // Nobody listens any more when the bench is over.
        let _ = self.0.send(Instant::now());
        Ok(vec![Sample { labels: BTreeMap::new(), value: 1.0 }])
    }

    async fn range(&self, range: &RangeQuery) -> Result<Vec<Course>, QueryError> {
        let _ = self.0.send(Instant::now());
        let points = range.moments().map(|at| Point { at, value: 1.0 }).collect();
        Ok(vec![Course { labels: BTreeMap::new(), points }])
    }
}

/// Nobody asks for previews and reports here.
struct Nothing;

#[async_trait]
impl Previews for Nothing {
    async fn preview(&self, playbook: &str, _: &BTreeMap<String, String>) -> Result<String, String> {
        Err(format!("no preview of {playbook} in a bench"))
    }
}

#[async_trait]
impl Handoffs for Nothing {
    async fn so_far(&self) -> Result<String, String> {
        Err("no report in a bench".to_owned())
    }
}
