//! From the configuration to the edges: each thing that can be wrong at the start is said with the next move.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::commands::unallowed_commands;
use super::{parse_oncall, site_settings};
use crate::alertmanager::{Alertmanager, Alerts, HttpAlertmanager, NoAlertmanager};
use crate::clock::{Clock as _, SystemClock};
use crate::cluster::{Cluster, Connection, Kinds, RealCluster};
use crate::config::{AlertmanagerConfig, AuthConfig, Config, Dialect, HttpHostConfig, PatroniConfig};
use crate::config::{PasswordConfig, PrometheusConfig, SourceConfig, SqlConfig};
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity, Location};
use crate::engine::FreezeMap;
use crate::files;
use crate::http::HttpAuth;
use crate::incident::{Expected, GroupingRules, HomeCluster, IncidentRules};
use crate::maintenance::{PlannedWindow, parse_maintenance};
use crate::model::{MayStart, SourceRights};
use crate::network::{Network, NetworkAccess, SystemNetwork, authorities, name_servers};
use crate::oncall::{OnCall, Roster};
use crate::patroni::{HttpPatroni, Patroni, PatroniAccess};
use crate::playbook::{Catalog, Playbook, Step};
use crate::prometheus::{
    self, AlertRule, HttpPrometheus, MatchingPrometheus, NoPrometheus, Prometheus, parse_promql, with_matchers,
};
use crate::sql::{Databases, Password, PostgresAccess, PostgresDatabases};
use crate::web::{AllowedHost, Authorities, HttpWeb, Origin, Web, WebAccess};

/// The cluster as the configuration says. It is not asked anything yet: a bot whose cluster is away must start all the same, to
/// take alerts in and to page.
///
/// # Errors
/// When there is no way to find the cluster: no kubeconfig, no such context.
pub async fn cluster(config: &Config) -> anyhow::Result<Arc<dyn Cluster>> {
    Ok(Arc::new(real_cluster(config).await?))
}

/// As [`cluster`], for those who ask more of a real one.
///
/// # Errors
/// Those of [`cluster`].
pub async fn real_cluster(config: &Config) -> anyhow::Result<RealCluster> {
    let connection = match &config.cluster.kubeconfig {
        Some(path) => Connection::Kubeconfig { path: path.clone(), context: config.cluster.context.clone() },
        None => Connection::Inferred,
    };
    RealCluster::connect(&connection, config.cluster.timeout.0)
        .await
        .context("set `cluster.kubeconfig` in dogwatch.yaml, or start in a pod with a service account")
}

/// Prometheus as the configuration says.
///
/// # Errors
/// When its URL or its secret cannot be used.
pub fn prometheus(config: &Config) -> anyhow::Result<Arc<dyn Prometheus>> {
    let Some(PrometheusConfig { url, auth, timeout, matchers, .. }) = &config.prometheus else {
        return Ok(Arc::new(NoPrometheus));
    };
    let http = Arc::new(HttpPrometheus::new(url, http_auth(auth.as_ref())?, timeout.0)?);
    Ok(if matchers.is_empty() { http } else { Arc::new(MatchingPrometheus::new(http, matchers.clone())) })
}

/// The alerting rules that the Prometheus of the configuration has now.
///
/// # Errors
/// When none is configured, its secret cannot be read, or there is no whole answer.
pub async fn alert_rules(config: &Config) -> anyhow::Result<Vec<AlertRule>> {
    let prometheus = config.prometheus.as_ref().context("no prometheus is configured; set `prometheus.url`")?;
    let auth = http_auth(prometheus.auth.as_ref())?;
    Ok(prometheus::alert_rules(&prometheus.url, auth, prometheus.timeout.0).await?)
}

/// Patroni in the pods, as the configuration says. Nothing is asked yet.
///
/// # Errors
/// When its secret cannot be used.
pub fn patroni(config: &Config) -> anyhow::Result<Arc<dyn Patroni>> {
    let PatroniConfig { port, scheme, auth, timeout } = &config.patroni;
    let access = PatroniAccess { scheme: *scheme, port: *port, auth: http_auth(auth.as_ref())?, timeout: timeout.0 };
    let patroni = HttpPatroni::new(access).map_err(anyhow::Error::msg);
    Ok(Arc::new(patroni.context("the HTTP client for Patroni cannot be set up")?))
}

/// A file of certificates or keys (PEM) that the configuration names.
fn certificates(path: &Path) -> anyhow::Result<String> {
    files::read_text(path, files::DOCUMENT).with_context(|| format!("cannot read {}", path.display()))
}

/// The databases in their pods, as the configuration says. Nothing is asked yet.
///
/// # Errors
/// When a certificate cannot be read, or where passwords lie is not said.
pub fn databases(config: &Config) -> anyhow::Result<Arc<dyn Databases>> {
    let SqlConfig { user, password, port, database, ssl, ca_file, cert_file, key_file, statements, terminate: _ } =
        &config.sql;
    let read = |field: &str, path: &Option<PathBuf>| -> anyhow::Result<Option<Vec<u8>>> {
        let text = path.as_deref().map(certificates).transpose().with_context(|| format!("`sql.{field}`"))?;
        Ok(text.map(String::into_bytes))
    };
    let password = password.as_ref().map_or(Ok(Password::None), PasswordConfig::password);
    let access = PostgresAccess {
        user: user.clone(),
        password: password.map_err(anyhow::Error::msg).context("`sql.password`")?,
        port: *port,
        database: database.clone(),
        ssl: *ssl,
        authorities: read("ca_file", ca_file)?,
        client: read("cert_file", cert_file)?.zip(read("key_file", key_file)?),
        statements: statements.clone(),
        endable: config.sql.endable(),
        ..PostgresAccess::default()
    };
    Ok(Arc::new(PostgresDatabases::new(access)))
}

/// The services that playbooks may read, as the configuration says. Nothing is asked yet.
/// `api_server`: the name or the address of the cluster's.
///
/// # Errors
/// When a URL, a secret or a certificate cannot be used.
pub fn web(config: &Config, api_server: &str) -> anyhow::Result<Arc<dyn Web>> {
    let allowed = |host: &HttpHostConfig| -> anyhow::Result<AllowedHost> {
        let origin = Origin::parse(&host.url).map_err(anyhow::Error::msg)?;
        let pem = host.ca_file.as_deref().map(certificates).transpose()?;
        let authorities = pem.map(|pem| Authorities::parse(&pem)).transpose().map_err(anyhow::Error::msg)?;
        Ok(AllowedHost { origin, auth: http_auth(host.auth.as_ref())?, authorities })
    };
    let allowed = |host: &HttpHostConfig| allowed(host).with_context(|| format!("`http.hosts`: {}", host.url));
    let hosts = config.http.hosts.iter().map(allowed).collect::<anyhow::Result<_>>()?;
    // In a pod, also where a kubeconfig names it otherwise.
    let in_pod = std::env::var("KUBERNETES_SERVICE_HOST").ok();
    let api_server = in_pod.into_iter().chain([api_server.to_owned()]).filter(|host| !host.is_empty()).collect();
    let web = HttpWeb::new(WebAccess::new(hosts, api_server)).map_err(anyhow::Error::msg);
    Ok(Arc::new(web.context("the HTTP client for `http.hosts` cannot be set up")?))
}

/// What playbooks may look at on the network, as the configuration says. Nothing is asked yet.
///
/// # Errors
/// When `network.ca_file` cannot be used.
pub fn network(config: &Config) -> anyhow::Result<Arc<dyn Network>> {
    let pem = config.network.ca_file.as_deref().map(certificates).transpose().context("`network.ca_file`")?;
    let authorities = authorities(pem.as_deref()).map_err(anyhow::Error::msg).context("`network.ca_file`")?;
    let access = NetworkAccess::new(config.network.reach(), name_servers(), authorities);
    Ok(Arc::new(SystemNetwork::new(access)))
}

/// The steps that ask whom the configuration does not name. Where it names nobody, those that can
/// do without the answer are as they are meant to be.
pub fn unnamed_hosts(config: &Config, playbook: &Playbook) -> Vec<Diagnostic> {
    let named: Vec<Origin> = config.http.hosts.iter().filter_map(|host| Origin::parse(&host.url).ok()).collect();
    let is_odd = |(step, origin, _): &(&Step, Origin, Location)| {
        !(named.contains(origin) || named.is_empty() && step.goes_on_without)
    };
    let odd = playbook.origins().filter(is_odd).map(|(step, origin, at)| {
        let end = if step.goes_on_without { "goes on without an answer" } else { "fails" };
        let message = format!("`http.hosts` of the configuration does not name {origin}, so that this step {end}");
        let remedy = format!(
            "if playbooks may read what it answers, write `http: {{ hosts: [{{ url: \"{origin}\" }}] }}` there"
        );
        playbook.warning(Code::HostNotAllowed, at, message).with_remedy(remedy)
    });
    let reach = config.network.reach();
    let uncovered = playbook.hosts().filter(|(_, host, _)| reach.check(host).is_err()).map(|(step, host, at)| {
        let end = if step.goes_on_without { "goes on without an answer" } else { "fails" };
        let message = format!("`network.hosts` of the configuration does not cover {host}, so that this step {end}");
        let remedy = format!(
            "if playbooks may look at it, write `network: {{ hosts: [\"{host}\"] }}` there, beside those that it has"
        );
        playbook.warning(Code::HostNotAllowed, at, message).with_remedy(remedy)
    });
    let commands = unallowed_commands(config, playbook).into_iter().filter(|problem| !problem.is_error());
    odd.chain(uncovered).chain(commands).collect()
}

/// Alertmanager as the configuration says, if it does.
///
/// # Errors
/// When its URL or its secret cannot be used.
pub fn alertmanager(config: &Config) -> anyhow::Result<Option<Arc<dyn Alertmanager>>> {
    let Some(AlertmanagerConfig { url, auth, timeout, .. }) = &config.alertmanager else { return Ok(None) };
    // It would keep nothing quiet, which `check` says.
    if config.alertmanagers().is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(HttpAlertmanager::new(url, http_auth(auth.as_ref())?, timeout.0)?)))
}

/// Whom playbooks ask what else fires: Alertmanager, whoever sends alerts.
///
/// # Errors
/// When its URL or its secret cannot be used.
pub fn alerts(config: &Config) -> anyhow::Result<Arc<dyn Alerts>> {
    let Some(AlertmanagerConfig { url, auth, timeout, .. }) = &config.alertmanager else {
        return Ok(Arc::new(NoAlertmanager));
    };
    Ok(Arc::new(HttpAlertmanager::new(url, http_auth(auth.as_ref())?, timeout.0)?))
}

fn http_auth(auth: Option<&AuthConfig>) -> anyhow::Result<Option<HttpAuth>> {
    Ok(match auth {
        None => None,
        Some(AuthConfig::Bearer(token)) => Some(HttpAuth::Bearer(token.read()?)),
        Some(AuthConfig::Basic(basic)) => {
            Some(HttpAuth::Basic { username: basic.username.clone(), password: basic.password.read()? })
        }
    })
}

/// All that the configuration has count, with what is wrong with the others: nothing is said of it yet.
pub fn all_playbooks(config: &Config, kinds: &Arc<Kinds>) -> (Catalog, Vec<Diagnostic>) {
    let folders = config.playbooks.folders();
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    Catalog::load_all(&folders, kinds, &site_settings(config))
}

/// That a playbook of the site takes the place of a shipped one.
pub fn replacement(shipped: &Playbook, own: &Playbook) -> String {
    format!(
        "{} {} of {} takes the place of version {}, which comes with the program",
        own.name,
        own.version,
        own.path.display(),
        shipped.version
    )
}

/// The playbooks that load. Those that don't are told of, and never keep the bot from starting.
/// `kinds`: as the cluster tells of them.
pub fn playbooks(config: &Config, kinds: &Arc<Kinds>) -> (Catalog, Vec<Diagnostic>) {
    let (catalog, mut problems) = all_playbooks(config, kinds);
    problems.retain(|problem| !is_settled(config, problem));
    let (catalog, refused) = catalog.without(|playbook| refused_playbook(config, playbook));
    problems.extend(refused);
    let today = SystemClock::default().now().date_naive();
    problems.extend(catalog.iter().filter_map(|playbook| playbook.review_due(today)));
    problems.extend(catalog.iter().flat_map(|playbook| unnamed_hosts(config, playbook)));
    for problem in &problems {
        match problem.severity {
            DiagnosticSeverity::Error => tracing::error!("{}", problem.render(false)),
            DiagnosticSeverity::Warning => tracing::warn!("{}", problem.render(false)),
        }
    }
    if catalog.iter().next().is_none() {
        tracing::warn!("{}", no_playbooks(&config.playbooks.dir().unwrap_or_default()));
    }
    for (shipped, own) in catalog.replaced() {
        tracing::info!("{}", replacement(shipped, own));
    }
    (catalog, problems)
}

/// What a playbook does that it cannot do on this bot: its queries, and the fields that it changes.
pub fn refused_playbook(config: &Config, playbook: &Playbook) -> Vec<Diagnostic> {
    let patchable = config.actions.patchable();
    let fields = playbook.wrong_fields(|kind, field| patchable.refusal(kind, field, &playbook.kinds));
    let commands = unallowed_commands(config, playbook).into_iter().filter(Diagnostic::is_error);
    let mut refused = [refused_queries(config, playbook), fields].concat();
    refused.extend(commands);
    refused
}

/// Queries that cannot be asked here: those to which `prometheus.match` cannot be added, as without
/// it they would be about all clusters, and those that `prometheus.dialect` does not know.
fn refused_queries(config: &Config, playbook: &Playbook) -> Vec<Diagnostic> {
    let Some(prometheus) = &config.prometheus else { return Vec::new() };
    let unmatched = |expr: &str| with_matchers(expr, &prometheus.matchers).err();
    let mut refused = playbook.wrong_queries(Code::UnmatchedQuery, unmatched);
    if prometheus.dialect == Some(Dialect::Promql) {
        let foreign = |expr: &str| {
            let wrong = parse_promql(expr).err().filter(|wrong| wrong.is_metricsql)?;
            Some(format!("`prometheus.dialect` is promql: {}", wrong.message))
        };
        refused.extend(playbook.wrong_queries(Code::InvalidQuery, foreign));
    }
    refused
}

/// Whether the configuration settles what is doubtful without it: it says what `k8s.patch` may
/// change; and by `prometheus.dialect`, VictoriaMetrics takes what Prometheus would not. What is
/// wrong with it all the same, [`refused_playbook`] has.
pub fn is_settled(config: &Config, problem: &Diagnostic) -> bool {
    if problem.code == Code::FieldNotAllowed && !problem.is_error() {
        return true;
    }
    let dialect = config.prometheus.as_ref().and_then(|prometheus| prometheus.dialect);
    let is_foreign = match dialect {
        None => false,
        Some(Dialect::Promql) => problem.code == Code::InvalidQuery,
        Some(Dialect::Metricsql) => matches!(problem.code, Code::UnknownFunction | Code::InvalidQuery),
    };
    is_foreign && !problem.is_error()
}

/// What a bot without playbooks does.
pub fn no_playbooks(folder: &std::path::Path) -> String {
    format!("no playbook in {}: every alert goes to a person; playbooks end in `.yaml`", folder.display())
}

/// Who is on call.
///
/// # Errors
/// When the file cannot be read, or is wrong: with line and remedy. When the default team is none of its teams: there must be one team at
/// least that can be called.
pub fn oncall(config: &Config) -> anyhow::Result<OnCall> {
    let path = &config.oncall.file;
    let text = files::read_text(path, files::DOCUMENT).with_context(|| format!("cannot read {}", path.display()))?;
    let oncall = parse_oncall(path, &text)?;
    oncall.team(&config.oncall.default_team).context("`oncall.default_team` of dogwatch.yaml")?;
    Ok(oncall)
}

/// The maintenance windows that are planned.
///
/// # Errors
/// When the file that is named cannot be read, or is wrong: with line and remedy.
pub fn maintenance(config: &Config) -> anyhow::Result<Arc<[PlannedWindow]>> {
    let Some(path) = &config.maintenance.file else { return Ok(Arc::default()) };
    let text = files::read_text(path, files::DOCUMENT).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(parse_maintenance(&path.display().to_string(), &text)?.into())
}

/// The folder of the handoffs, made if it is missing. One that cannot be written to is told of now, and not at the change of shift; the
/// bot works on without it.
pub fn handoffs(config: &Config) {
    let dir = &config.handoff.dir;
    let tried = files::create_folder(dir, config.handoff.mode).and_then(|()| tempfile::tempfile_in(dir));
    if let Err(error) = tried {
        let dir = dir.display();
        tracing::error!(%dir, %error, "no handoff can be written; make the folder of `handoff.dir` writable, or name another");
    }
}

/// The rules of incidents.
pub fn rules(config: &Config, roster: &Roster, planned: Arc<[PlannedWindow]>) -> IncidentRules {
    let sources = || config.all_sources().into_iter().map(|(_, source)| source);
    let expected = |source: SourceConfig| {
        let rules = source.heartbeat_rules().into_iter();
        rules.map(|rule| Expected { from_the_first: source.expects(&rule), rule }).collect::<Vec<_>>()
    };
    let mut rules = IncidentRules {
        default_team: config.oncall.default_team.clone(),
        severities: Arc::new(config.severities.mapping()),
        labels: Arc::new(config.labels.names()),
        cluster: HomeCluster { name: config.cluster.name.clone(), label: config.cluster.label.clone() },
        grouping: GroupingRules { look_up: config.incidents.look_up, ..GroupingRules::default() },
        may_start: SourceRights {
            by_source: sources().map(|source| (source.name.clone(), source.may_start())).collect(),
            others: MayStart::Nothing,
        },
        tiers: Arc::new(config.severities.tiers.tiers()),
        blast_radius: config.severities.blast_radius.0,
        sighted_by: config.cluster_sources().into_iter().map(|source| source.name).collect(),
        heartbeats: sources().flat_map(expected).collect(),
        oncall: roster.clone(),
        planned,
        ..IncidentRules::default()
    };
    follow(&mut rules, config, &roster.get());
    rules
}

/// Where the pod's service account says which namespace it is in.
const OWN_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The ConfigMap that freezes, where it is known in which namespace it would be.
pub fn freeze_map(config: &Config) -> Option<FreezeMap> {
    let freeze = &config.engine.freeze;
    let own = || match config.cluster.kubeconfig {
        None => files::read_text(Path::new(OWN_NAMESPACE), files::SECRET).ok(),
        Some(_) => None,
    };
    let namespace = freeze.namespace.clone().or_else(own).map(|namespace| namespace.trim().to_owned());
    let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) else {
        let why = match config.cluster.kubeconfig {
            Some(_) => "`cluster.kubeconfig` is set",
            None => "this is no pod",
        };
        tracing::warn!(
            "no ConfigMap is asked whether it freezes, as {why} and `engine.freeze.namespace` names none: where this server cannot \
             be reached, nothing stops its runs"
        );
        return None;
    };
    let map = FreezeMap { namespace, name: freeze.name.clone() };
    tracing::info!("the {} is asked before each change whether it freezes", map.key());
    Some(map)
}

/// Has rules follow what counts at once when files are read again.
pub(super) fn follow(rules: &mut IncidentRules, config: &Config, oncall: &OnCall) {
    rules.teams = oncall.teams().iter().map(|team| team.name.clone()).collect();
    rules.page_for = Arc::new(oncall.page_for());
    rules.ceilings.set(config.engine.ceilings());
    rules.limits.set(config.engine.limits.fleet());
    rules.people = Arc::new(config.people_limits());
    rules.reopen_within = config.incidents.reopen_within.0;
    rules.stale_within = config.incidents.stale_within.0;
    rules.grouping.within = config.incidents.together_within.0;
    rules.grouping.runs = config.incidents.runs;
}
