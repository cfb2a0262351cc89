//! The bot as a process: the one place that knows every concrete type, starts the workers, and stops them.

mod crew;
mod edges;
mod ending;
mod fits;
mod lookout;
mod oncall_file;
mod playbooks;
mod reloads;
mod replies;
mod rights;
mod series;
mod settings;
mod sinks;
mod site;
mod teams;
mod tickets;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::action::{ScriptedPast, World};
use crate::bot::Bot;
use crate::chat::{ConsoleChat, Desk};
use crate::clock::{Clock, SystemClock};
use crate::cluster::Cluster;
use crate::config::{AuthConfig, Config, SourceConfig, SourceKind};
use crate::engine::{EngineOptions, StoredPast, learn_kinds};
use crate::handoff::{HandoffWorker, Reporter, Template};
use crate::incident::{plan_windows, read_overrides};
use crate::intake::{Form, Mapping};
use crate::links::AckLinks;
use crate::mandate::{LeaseName, Mandate, MandateWorker};
use crate::metrics::Metrics;
use crate::model::{Live, Person, Role, Severities, Via};
use crate::oncall::Roster;
use crate::server::{
    ApiToken, Credential, Readiness, Server, Settings, Source, Sources, serve as serve_http, serve_health,
};
use crate::store::sqlite::{Durability, SqliteStore};
use crate::store::{AffectedStore as _, IncidentStore as _, SignalStore as _};
use crate::worker::{self, Progress};

use crew::Crew;
pub use edges::{alert_rules, all_playbooks, cluster, no_playbooks, patroni, prometheus, real_cluster};
pub use edges::{alerts, databases, network, web};
pub use ending::Ending;
use ending::{CLOSE_WITHIN, LEAVE_WITHIN};
pub use fits::{is_settled, refused_playbook, unnamed_hosts};
use lookout::{Lookout, Patience};
pub use oncall_file::parse_oncall;
use playbooks::CatalogListing;
pub use reloads::{InForce, reloader};
use replies::{LivePreviews, ShiftReports};
pub use series::{Lacking, Series};
pub use settings::site_settings;
pub use site::Site;
use teams::unknown_to;
pub use teams::{
    unfit_approvers, unknown_budgets, unknown_contacts, unknown_page_teams, unknown_people, unknown_set_teams,
    unknown_teams, unknown_ticket_teams, unknown_watch_teams,
};

/// How long the cluster may take to take back the mandate: the process must end all the same.
const RELEASE_WITHIN: Duration = Duration::from_secs(1);

/// Runs the bot until `ending` stops it.
///
/// # Errors
/// When it cannot start: each error says what is wrong and the next move. What goes wrong later is logged and tried again; when a
/// part of the bot has died, the others end what they have begun, and the error says which part it was.
pub async fn serve(config: &Config, ending: &Ending) -> anyhow::Result<()> {
    let stop = ending.stop();
    for warning in config.check()? {
        tracing::warn!("{warning}");
    }
    for odd in config.odd_characters() {
        tracing::warn!("{odd}");
    }
    crate::tls::install_provider();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let oncall = Arc::new(edges::oncall(config)?);
    let roster = Roster::new(oncall.clone());
    let planned = edges::maintenance(config)?;
    let cluster = edges::real_cluster(config).await?;
    let web = edges::web(config, cluster.host())?;
    let cluster: Arc<dyn Cluster> = Arc::new(cluster);
    let kinds = cluster.kinds();
    let (catalog, problems) = edges::playbooks(config, &kinds);
    let catalog = Arc::new(catalog);
    for warning in unknown_to(&oncall, &catalog, config) {
        tracing::warn!("{warning}");
    }
    let world = World {
        cluster,
        prometheus: edges::prometheus(config)?,
        patroni: edges::patroni(config)?,
        web,
        network: edges::network(config)?,
        databases: edges::databases(config)?,
        alertmanager: edges::alerts(config)?,
        past: Arc::new(ScriptedPast::default()),
        clock: clock.clone(),
        patchable: config.actions.patchable(),
        commands: config.exec.commands(),
    };
    let metrics = Arc::new(Metrics::new());
    let sinks = sinks::build(config)?;
    let outbox = Live::from(sinks.outbox(&roster, &config.oncall.default_team));
    let store = SqliteStore::open(&config.store.sqlite, Durability::Full, clock.clone(), outbox.clone());
    let store = Arc::new(store.await?);
    store.sorts_by(&config.severities.mapping().digest()).await?;
    let rules = edges::rules(config, &roster, planned.clone());
    store.counts_by(&rules.counting()).await?;
    plan_windows(&*store, &planned, clock.now()).await?;
    read_overrides(&*store, &roster, clock.now()).await?;
    // With the overrides, which may cover a gap.
    for finding in roster.get().findings(clock.now()) {
        tracing::warn!("{finding}");
    }
    let unreached = store.levels().await.map_or(0, |levels| levels.undelivered_pages);
    if unreached > 0 {
        tracing::error!(
            pages = unreached,
            "there are pages that have reached nobody: they are tried on; `dogwatch incidents` names them"
        );
    }
    let listener = TcpListener::bind(config.server.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another `server.listen`", config.server.listen))?;
    let address = listener.local_addr().context("the listener has no address")?;
    let health_listener = match config.server.health_listen {
        None => None,
        Some(listen) => Some(
            TcpListener::bind(listen)
                .await
                .with_context(|| format!("cannot listen on {listen}; choose another `server.health_listen`"))?,
        ),
    };
    let health_address = health_listener.as_ref().and_then(|listener| listener.local_addr().ok());

    let freeze_map = edges::freeze_map(config);
    learn_kinds(world.cluster.as_ref(), &catalog).await;
    let (shelf, catalogs) = watch::channel(catalog.clone());
    let bot = Bot {
        store: store.clone(),
        world: world.clone(),
        catalog: catalogs,
        rules: rules.clone().into(),
        engine: EngineOptions {
            lease: config.engine.lease.0,
            output_limit: config.engine.output_limit.bytes(),
            approval_timeout: config.engine.approval_timeout.0,
            diagnosis_lasts: config.engine.diagnosis_lasts.0,
            fix_holds_for: config.engine.fix_holds_for.0,
            default_team: config.oncall.default_team.clone(),
            mark: store.mark().to_owned(),
            mandate: Arc::new(Mandate::shared()),
            freeze_map: freeze_map.clone(),
            acting: roster.acting(),
            // The bot takes the rest from its rules.
            ..EngineOptions::default()
        },
        alertmanager: edges::alertmanager(config)?,
        kept_quiet: config.kept_quiet(),
        asked_sources: config.asked_sources(),
        cluster_sources: config.cluster_sources(),
        metrics: metrics.clone(),
        name: format!("{}-{}", std::process::id(), address.port()),
    };
    edges::handoffs(config);
    let template = Template::load(config.handoff.template.as_deref())?;
    let budgets = Live::from(config.pages.budgets());
    let reporter = Reporter::new(store.clone(), clock.clone(), roster.clone(), template)
        .with_budgets(budgets.clone())
        .with_freeze_map(rules.freeze_map.clone())
        .with_catalog(bot.catalog.clone());
    let past = Arc::new(StoredPast::new(store.clone(), world.past.clone()));
    let previews =
        LivePreviews::new(World { past, ..world.clone() }, bot.catalog.clone(), config.engine.output_limit.bytes());
    let reports = ShiftReports(reporter.clone());
    let desk = Desk::new(store.clone(), clock.clone(), metrics.clone(), Arc::new(previews), Arc::new(reports))
        .explaining(Arc::new(config.severities.mapping()), roster.clone(), &config.oncall.default_team)
        .seeing(rules.freeze_map.clone())
        .listing(Arc::new(CatalogListing(bot.catalog.clone())));
    let desk = Arc::new(desk);

    let lease =
        LeaseName { namespace: config.cluster.lease.namespace.clone(), name: config.cluster.lease.name.clone() };
    let mandate = MandateWorker::new(
        world.cluster.clone(),
        clock.clone(),
        metrics.clone(),
        lease.clone(),
        store.mark(),
        bot.engine.mandate.clone(),
    );
    let mandate = Arc::new(mandate);
    let mut workers = bot.workers(config.engine.workers);
    workers.push(mandate.clone());
    let handoffs = HandoffWorker::new(reporter.with_mode(config.handoff.mode), config.handoff.dir.clone());
    workers.push(Arc::new(handoffs));
    let in_force = InForce {
        kinds,
        config: config.clone().into(),
        roster: roster.clone(),
        catalog: shelf,
        rules: bot.rules.clone(),
        sinks: outbox,
        budgets,
        store: store.clone(),
        clock: clock.clone(),
        turn: Mutex::default(),
    };
    workers.push(Arc::new(reloader(in_force, &problems, metrics.clone(), ending.read_again())));
    let default_team = &config.oncall.default_team;
    let ack_links = config.server.public_url.as_ref().map(|url| AckLinks::new(url, store.link_secret().clone()));
    let links = ack_links.clone();
    workers.extend(sinks.workers(store.clone(), clock.clone(), &roster, metrics.clone(), default_team, links));
    let readiness = Arc::new(Readiness::default());
    let pagerduty = sinks::pagerduty_webhook(config, &roster)?;
    let settings = Settings { ack_links: ack_links.clone(), pagerduty, ..settings(config)? };
    let server = Server::new(store.clone(), clock.clone(), desk.clone(), metrics.clone(), readiness.clone(), settings);
    let server = Arc::new(server);

    // Before anything works: when Discord refuses what is configured, nothing is under way yet.
    let discord = sinks.start_discord(desk.clone(), roster.clone(), stop.clone()).await?;
    let mut crew = Crew::default();
    let turns = worker::Turns::default();
    let mut progress = Vec::new();
    for worker in workers {
        let name = format!("the worker `{}`", worker.name());
        let seen = Progress::new(worker.name(), clock.clone());
        progress.push(seen.clone());
        let turning = worker::run_watched(worker, seen, clock.clone(), turns.clone(), stop.clone());
        crew.needs(name, quietly(turning));
    }
    crew.needs("the timekeeper", quietly(bot.timekeeper().keeps_time(turns, stop.clone())));
    let lookout = Lookout {
        store: store.clone(),
        clock: clock.clone(),
        workers: progress,
        sinks: sinks.names(),
        patience: Patience::with_lease(config.engine.lease.0),
        metrics: metrics.clone(),
        readiness: readiness.clone(),
    };
    crew.needs("the watch over the workers", lookout.keep(stop.clone()));
    if let Some(listener) = health_listener {
        crew.needs("the server of health", quietly(serve_health(listener, server.clone(), stop.clone())));
    }
    crew.needs("the HTTP server", quietly(serve_http(listener, server, stop.clone())));
    crew.needs("the store's writer", written(stop.clone(), store.ended()));
    let looks_up = match (config.incidents.look_up, config.severities.tiers.rules.is_empty()) {
        (false, _) => rights::LooksUp::Nothing,
        (true, true) => rights::LooksUp::Causes,
        (true, false) => rights::LooksUp::CausesAndTiers,
    };
    let (catalogs, cluster_sources) = (bot.catalog.clone(), config.cluster_sources());
    let checking = rights::keep_checking(
        world.cluster.clone(),
        catalogs,
        (lease, freeze_map),
        (looks_up, world.commands.clone()),
        cluster_sources,
    );
    crew.sends("the check of rights", stopping(stop.clone(), checking));
    if let Some(discord) = discord {
        crew.needs("the gateway to discord", discord);
    }
    if config.chat.uses_console() {
        crew.sends("the console", console(desk, stop.clone()));
    }
    readiness.ready();
    tracing::info!(
        %address,
        health = health_address.map(tracing::field::display),
        playbooks = catalog.iter().count(),
        teams = oncall.teams().len(),
        database = %config.store.sqlite.display(),
        "dogwatch is on watch"
    );
    let watched = crew.keeps_watch(&stop).await;
    match &watched {
        Ok(()) => {
            readiness.not_ready("it is stopping");
            tracing::info!("stopping: what was begun is ended first");
        }
        Err(error) => {
            readiness.not_ready(error.to_string());
            // Before it is said: nobody may be reading the log.
            stop.cancel();
            tracing::error!(%error, "stopping, to be started again: a bot without this part would only seem to be on watch");
        }
    }
    crew.leaves(LEAVE_WITHIN, |left| ending.waits_for(left)).await;
    // What was begun has ended, or was cut off: from here on nothing is changed.
    if tokio::time::timeout(RELEASE_WITHIN, mandate.release()).await.is_err() {
        tracing::info!("the cluster did not take the lease back in time; the next bot waits until it has run out");
    }
    drop(bot);
    ending.waits_for(vec!["the store".into()]);
    if tokio::time::timeout(CLOSE_WITHIN, store.close()).await.is_err() {
        tracing::warn!("the database was not closed in time; the next start repairs that");
    }
    tracing::info!("stopped");
    watched
}

async fn quietly(task: impl Future<Output = ()>) -> anyhow::Result<()> {
    task.await;
    Ok(())
}

/// The store's writer, until the bot stops.
async fn written(stop: CancellationToken, ended: impl Future<Output = Option<String>>) -> anyhow::Result<()> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        why = ended => why.map_or(Ok(()), |why| Err(anyhow::Error::msg(why))),
    }
}

/// `task`, given up when the bot stops.
async fn stopping(stop: CancellationToken, task: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = task => {}
    }
}

/// Whoever sits at the console of the process may do what a responder may.
async fn console(desk: Arc<Desk>, stop: CancellationToken) {
    let name = std::env::var("USER").unwrap_or_else(|_| "console".into());
    let person = Person { name, via: Via::Console, id: "console".into(), role: Some(Role::Responder) };
    let chat = ConsoleChat::new(desk, person);
    let input = tokio::io::BufReader::new(tokio::io::stdin());
    if let Err(error) = chat.serve(input, tokio::io::stdout(), stop).await {
        tracing::warn!(%error, "the console is gone; the bot goes on without it");
    }
}

fn settings(config: &Config) -> anyhow::Result<Settings> {
    let api_tokens = config
        .server
        .api_tokens
        .iter()
        .map(|token| {
            let person = token.person().to_owned();
            Ok(ApiToken { name: token.name.clone(), person, role: token.role, token: token.token.read()? })
        })
        .collect::<anyhow::Result<_>>()?;
    let severities = Arc::new(config.severities.mapping());
    let source = |config: &SourceConfig, field: String| source(config, field, severities.clone());
    let short = config.short_source().map(|short| source(&short, "server.webhook_auth".to_owned())).transpose()?;
    let others = config.sources.iter().enumerate().filter(|(_, other)| other.delivers());
    let others = others.map(|(n, other)| source(other, format!("sources.{n}.auth")));
    let sources = Sources::new(short, others.collect::<anyhow::Result<_>>()?);
    let body_limit = config.server.body_limit.bytes();
    Ok(Settings { sources, api_tokens, body_limit, ..Settings::default() })
}

/// What `check` has compiled before.
fn mapping(config: &SourceConfig) -> anyhow::Result<Mapping> {
    let map = config.map.as_ref().with_context(|| format!("the source `{}` has no `map`", config.name))?;
    Mapping::compile(map).map_err(|wrong| {
        let first = wrong.first().map_or_else(String::new, |wrong| format!("{}: {}", wrong.field, wrong.message));
        anyhow::anyhow!("the map of the source `{}` cannot be used: {first}", config.name)
    })
}

fn source(config: &SourceConfig, field: String, severities: Arc<Severities>) -> anyhow::Result<Source> {
    let credential = match &config.auth {
        None => None,
        Some(AuthConfig::Bearer(token)) => Some(Credential::Bearer(token.read()?)),
        Some(AuthConfig::Basic(basic)) => {
            Some(Credential::Basic { username: basic.username.clone(), password: basic.password.read()? })
        }
    };
    let form = match config.kind {
        SourceKind::Alertmanager => Form::Alertmanager,
        SourceKind::Heartbeat => Form::Heartbeat,
        SourceKind::Cluster => anyhow::bail!("nobody delivers to the source `{}`", config.name),
        SourceKind::Generic => Form::Generic(Arc::new(mapping(config)?)),
    };
    let (name, insecure_no_auth) = (config.name.clone(), config.insecure_no_auth);
    let heartbeats = config.heartbeat_rules().into_iter().filter_map(|rule| rule.alert).collect();
    Ok(Source { name, form, credential, field, insecure_no_auth, heartbeats, severities })
}
