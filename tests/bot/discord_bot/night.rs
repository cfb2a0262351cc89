//! A night on call: a bot that works in real time, its people, and Discord.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use dogwatch::action::{Commands, Patchable, ScriptedPast, World};
use dogwatch::bot::Bot;
use dogwatch::chat::discord::{DiscordError, DiscordGateway};
use dogwatch::chat::{Desk, Handoffs, Previews};
use dogwatch::clock::{Clock, SystemClock};
use dogwatch::cluster::sim::{SimCluster, build};
use dogwatch::discord::DiscordOptions;
use dogwatch::engine::EngineOptions;
use dogwatch::incident::IncidentRules;
use dogwatch::metrics::Metrics;
use dogwatch::model::*;
use dogwatch::network::ScriptedNetwork;
use dogwatch::notify::{DiscordSink, OutboxWorker};
use dogwatch::oncall::OnCall;
use dogwatch::patroni::SimPatroni;
use dogwatch::playbook::{Catalog, Playbook};
use dogwatch::prometheus::ScriptedPrometheus;
use dogwatch::sql::ScriptedDatabases;
use dogwatch::store::*;
use dogwatch::web::ScriptedWeb;
use dogwatch::worker::{self, Turns, Worker};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::world::discord::{Discord, Message, User};
use crate::world::story::{Place as _, SqlitePlace, sinks};
use crate::world::wait::{wait_for, wait_until};

pub const SOON: Duration = Duration::from_secs(20);

pub const ALICE: u64 = 300_000_000_000_000_501;
pub const BOB: u64 = 300_000_000_000_000_502;

/// On call for the platform.
pub fn alice() -> User {
    User::new("alice.l", ALICE).with_roles(["sre"])
}

/// On call for storage.
pub fn bob() -> User {
    User::new("bob.b", BOB).with_roles(["sre"])
}

/// Reads along in the channel, without a role.
pub fn carol() -> User {
    User::new("carol", 503)
}

/// Asks before it scales.
const DNS: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: dns, version: 1.0.0, owner: platform }
summary: DNS is slow
severity: S2
autonomy: approve
triggers:
  - alert: DNSSlow
target: { kind: Deployment, namespace: kube-system, name: coredns }
diagnose:
  - id: p99
    prometheus.query: { expr: dns_p99_seconds }
  - done_if: p99.value < 0.1
    because: the latency is fine
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: 10 }
    verify: { query: p99, until: value < 0.1, settle: 6m, within: 12m }
    undo: never
escalate:
  - page: { message: "DNS is slow" }
"#;

pub struct Night {
    pub discord: Discord,
    /// The channel of the bot.
    pub incidents: u64,
    pub store: Arc<dyn Store>,
    pub cluster: SimCluster,
    pub reports: Arc<Reports>,
    pub stop: CancellationToken,
    desk: Arc<Desk>,
    oncall: Arc<OnCall>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    tasks: JoinSet<()>,
    serving: JoinSet<Result<(), DiscordError>>,
    _catalog: watch::Sender<Arc<Catalog>>,
    _place: SqlitePlace,
}

/// What the desk cannot say itself.
#[derive(Default)]
pub struct Reports {
    pub handoff: Mutex<String>,
    /// Whoever holds it keeps previews waiting.
    pub cluster: tokio::sync::Mutex<()>,
    /// How many previews were begun.
    pub previews: AtomicUsize,
}

#[async_trait]
impl Previews for Reports {
    async fn preview(&self, playbook: &str, set: &BTreeMap<String, String>) -> Result<String, String> {
        self.previews.fetch_add(1, Ordering::SeqCst);
        let _answers = self.cluster.lock().await;
        if playbook == "dns" {
            Ok(format!("dns with {set:?}\nit would scale 4 -> 6"))
        } else {
            Err(format!("there is no playbook `{playbook}`; there are: dns"))
        }
    }
}

#[async_trait]
impl Handoffs for Reports {
    async fn so_far(&self) -> Result<String, String> {
        Ok(self.handoff.lock().unwrap().clone())
    }
}

fn oncall(storage: u64) -> OnCall {
    let text = format!(
        r#"
apiVersion: dogwatch/v1
kind: OnCall
members:
  - {{ name: alice, discord: "{ALICE}" }}
  - {{ name: bob, discord: "{BOB}" }}
teams:
  - name: platform
    rotation: {{ time_zone: UTC, start: 2020-01-06, handoff: {{ at: "09:00", every: 1w }}, members: [alice] }}
  - name: storage
    channel: "{storage}"
    rotation: {{ time_zone: UTC, start: 2020-01-06, handoff: {{ at: "09:00", every: 1w }}, members: [bob] }}
"#
    );
    OnCall::parse("oncall.yaml", &text).unwrap()
}

pub fn options(discord: &Discord) -> DiscordOptions {
    DiscordOptions {
        token: Secret::new(discord.token()),
        application: discord.application_id(),
        guild: discord.guild_id(),
        channel: discord.channel("incidents"),
        responders: vec![discord.role("sre")],
        admins: vec![discord.role("admin")],
        api_url: Some(discord.api_url()),
        timeout: Duration::from_secs(2),
    }
}

impl Night {
    pub fn metrics(&self) -> String {
        self.metrics.render(None).unwrap()
    }

    /// A bot that works, with nobody on Discord yet: neither commands nor messages.
    pub async fn falls() -> Self {
        Self::with(Discord::start().await).await
    }

    pub async fn with(discord: Discord) -> Self {
        let storage = discord.channel("storage");
        Self::with_storage_channel(discord, storage).await
    }

    pub async fn with_storage_channel(discord: Discord, storage: u64) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let place = SqlitePlace::ready().await;
        let store = place.open(clock.clone(), sinks(&["discord"], &["discord"])).await.unwrap();
        let coredns = build::deployment("kube-system", "coredns", 4);
        let cluster = SimCluster::from_objects(clock.clone(), vec![coredns]).unwrap();
        let prometheus = Arc::new(ScriptedPrometheus::default());
        prometheus.follows("dns_p99", || Some(0.4));
        let (catalog, problems) = Catalog::of(vec![Playbook::from_store(DNS).unwrap()]);
        assert!(problems.is_empty(), "{problems:?}");
        let (sender, catalog) = watch::channel(Arc::new(catalog));
        let teams = ["platform", "storage"].map(str::to_owned).into();
        let metrics = Arc::new(Metrics::new());
        let bot = Bot {
            store: store.clone(),
            world: World {
                cluster: Arc::new(cluster.clone()),
                prometheus,
                patroni: Arc::new(SimPatroni::new(cluster.clone(), clock.clone())),
                web: Arc::new(ScriptedWeb::default()),
                network: Arc::new(ScriptedNetwork::default()),
                databases: Arc::new(ScriptedDatabases::default()),
                alertmanager: Arc::new(dogwatch::alertmanager::NoAlertmanager),
                past: Arc::new(ScriptedPast::default()),
                clock: clock.clone(),
                patchable: Patchable::default(),
                commands: Commands::default(),
            },
            catalog,
            rules: IncidentRules { teams, ..IncidentRules::default() }.into(),
            engine: EngineOptions::default(),
            metrics: metrics.clone(),
            alertmanager: None,
            kept_quiet: None,
            asked_sources: None,
            cluster_sources: Vec::new(),
            name: "night".into(),
        };
        let reports = Arc::new(Reports::default());
        let desk = Desk::new(store.clone(), clock.clone(), metrics.clone(), reports.clone(), reports.clone());
        let mut night = Self {
            incidents: discord.channel("incidents"),
            oncall: Arc::new(oncall(storage)),
            desk: Arc::new(desk),
            discord,
            store,
            cluster,
            reports,
            stop: CancellationToken::new(),
            metrics,
            clock,
            tasks: JoinSet::new(),
            serving: JoinSet::new(),
            _catalog: sender,
            _place: place,
        };
        bot.workers(1).into_iter().for_each(|worker| night.works(worker));
        night
    }

    /// The same, with everything that belongs to Discord.
    pub async fn on_discord() -> Self {
        let mut night = Self::falls().await;
        night.tells(&options(&night.discord));
        night.listens().await.unwrap();
        night.discord.wait_for_ready().await;
        night
    }

    fn works(&mut self, worker: Arc<dyn Worker>) {
        self.tasks.spawn(worker::run(worker, self.clock.clone(), Turns::default(), self.stop.clone()));
    }

    /// From now on the bot writes messages.
    pub fn tells(&mut self, options: &DiscordOptions) {
        let sink = Arc::new(DiscordSink::new(options));
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let worker = OutboxWorker::new(sink, store, clock, self.oncall.clone(), self.metrics.clone());
        self.works(Arc::new(worker));
    }

    /// From now on the bot takes commands.
    pub async fn listens(&mut self) -> Result<(), DiscordError> {
        let options = options(&self.discord);
        self.listens_with(options).await
    }

    pub async fn listens_with(&mut self, options: DiscordOptions) -> Result<(), DiscordError> {
        let gateway =
            DiscordGateway::start(options, self.desk.clone(), self.oncall.clone(), self.stop.child_token()).await?;
        self.serving.spawn(gateway.serve());
        Ok(())
    }

    /// Waits for the end of listening.
    pub async fn listened(&mut self) -> Result<(), DiscordError> {
        self.serving.join_next().await.expect("it listens").expect("no panic")
    }

    /// Gives the bot up without a word.
    pub fn stops_serving(&mut self) {
        self.serving.abort_all();
    }

    pub async fn fires(&self, name: &str, labels: &[(&str, &str)], summary: &str) {
        self.delivers(name, labels, summary, AlertStatus::Firing).await;
    }

    pub async fn resolves(&self, name: &str, labels: &[(&str, &str)]) {
        self.delivers(name, labels, "", AlertStatus::Resolved).await;
    }

    async fn delivers(&self, name: &str, labels: &[(&str, &str)], summary: &str, status: AlertStatus) {
        let mut all: BTreeMap<String, String> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.insert("alertname".into(), name.into());
        let since = Utc::now();
        let alert = Alert {
            given: None,
            in_order: false,
            fingerprint: format!("{all:?}"),
            status,
            labels: all,
            annotations: BTreeMap::from([("summary".into(), summary.into())]),
            starts_at: since,
            ends_at: (status == AlertStatus::Resolved).then_some(since + Duration::from_secs(1)),
            generator_url: String::new(),
        };
        let notification = Notification {
            receiver: "dogwatch".into(),
            group_key: name.into(),
            truncated: 0,
            left_out: Default::default(),
            alerts: vec![alert],
            unauthenticated: false,
        };
        let signal = Signal {
            source: "alertmanager".into(),
            key: Digest::of(format!("{notification:?}")).to_string(),
            received_at: since,
            body: SignalBody::Notification(notification),
        };
        self.store.accept(&signal).await.unwrap();
    }

    /// The one message of an incident, as soon as it says so.
    pub async fn card(&self, incident: &str, says: &str) -> Message {
        let start = format!("{incident} ");
        let is_wanted = |message: &Message| title(message).starts_with(&start) && message.text().contains(says);
        self.discord.wait_for_message(is_wanted).await
    }

    /// A page, as soon as it says so.
    pub async fn page(&self, says: &str) -> Message {
        self.discord.wait_for_message(|message| title(message).starts_with("[S") && message.text().contains(says)).await
    }

    /// A question, as soon as its title says so.
    pub async fn question(&self, says: &str) -> Message {
        self.discord
            .wait_for_message(|message| title(message).starts_with("APR-") && title(message).contains(says))
            .await
    }

    pub async fn incident(&self, id: i64) -> Incident {
        self.store.incident(IncidentId(id)).await.unwrap().expect("the incident is there")
    }

    /// How often something stands on the incident's timeline.
    pub async fn happened(&self, id: i64, what: impl Fn(&IncidentEvent) -> bool) -> usize {
        let timeline = self.store.timeline(IncidentId(id)).await.unwrap();
        let is_so = |entry: &&TimelineEntry| matches!(&entry.what, TimelineWhat::Incident(event) if what(event));
        timeline.iter().filter(is_so).count()
    }

    /// Nothing waits in the outbox.
    pub async fn all_is_told(&self) {
        let is_so = async || self.store.next_delivery_due(&["discord"]).await.unwrap().is_none();
        wait_until(SOON, "all is told", is_so).await;
    }

    /// How often a delivery did not arrive, as soon as it is so often.
    pub async fn failed_deliveries(&self, wanted: usize) {
        let line = format!("dogwatch_deliveries_failed_total{{sink=\"discord\"}} {wanted}");
        let is_so = async || self.metrics.render(None).unwrap().contains(&line);
        wait_until(SOON, &line, is_so).await;
    }

    /// How often the cluster was changed: that it was tried is none.
    pub fn changes(&self) -> usize {
        self.cluster.writes().iter().filter(|write| !write.dry_run).count()
    }

    pub async fn replicas(&self, wanted: i64) {
        let key = ObjectKey::new("Deployment", "kube-system", "coredns");
        let is_so = async || self.cluster.object(&key).and_then(|found| found.number("/spec/replicas")) == Some(wanted);
        wait_until(SOON, "the deployment is scaled", is_so).await;
    }

    /// How a run ended, as soon as it did.
    pub async fn outcome(&self, run: i64) -> Outcome {
        let look = async || self.store.run(RunId(run)).await.unwrap().and_then(|run| run.outcome);
        wait_for(SOON, "the run ends", look).await
    }

    /// Requests so far of which `METHOD /path` contains this, with their statuses.
    pub fn asked(&self, part: &str) -> Vec<u16> {
        let requests = self.discord.requests();
        let hit = requests.iter().filter(|request| format!("{} {}", request.method, request.path).contains(part));
        hit.map(|request| request.status).collect()
    }
}

pub fn title(message: &Message) -> String {
    message.embeds.first().and_then(|embed| embed["title"].as_str()).unwrap_or_default().to_owned()
}
