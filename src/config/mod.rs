//! `dogwatch.yaml`: one file here for each of its sections.
//!
//! Every field has a default that is safe, so that an empty file is a configuration: a bot that listens on loopback and
//! talks to the console. Secrets never stand in it: a [`SecretSource`] says where one lies. Relative paths start at the
//! folder of the configuration file.

mod actions;
mod alertmanager;
mod auth;
mod budget;
mod ceilings;
mod chat;
mod check;
mod cluster;
mod differences;
mod engine;
mod error;
mod exec;
mod handoff;
mod http;
mod incidents;
mod labels;
mod limits;
mod log;
mod maintenance;
mod network;
mod oncall;
mod pages;
mod patroni;
mod people;
mod playbooks;
mod prometheus;
mod server;
mod severities;
mod size;
mod source;
mod sources;
mod sql;
mod store;
#[cfg(test)]
mod tests;
mod tickets;
mod watches;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use crate::secret::{SecretError, SecretSource};
pub use actions::{ActionsConfig, ConfigMapKeyConfig, PatchFieldConfig};
pub use alertmanager::AlertmanagerConfig;
pub use auth::{AuthConfig, BasicAuth};
pub use budget::BudgetConfig;
pub use ceilings::{CeilingsConfig, FreezeConfig};
pub use chat::{ChatConfig, ConsoleMode};
pub use cluster::{ClusterConfig, LeaseConfig};
pub use differences::changed_keys;
pub use engine::EngineConfig;
pub use error::ConfigError;
pub use exec::ExecConfig;
pub use handoff::HandoffConfig;
pub use http::{HttpConfig, HttpHostConfig};
pub use incidents::IncidentsConfig;
pub use labels::LabelsConfig;
pub use limits::{Limit, LimitsConfig};
pub use log::{LogConfig, LogFormat};
pub use maintenance::MaintenanceConfig;
pub use network::NetworkConfig;
pub use oncall::OncallConfig;
pub use pages::{PageSink, PagesConfig};
pub use patroni::PatroniConfig;
pub use people::PersonConfig;
pub use playbooks::{Catalogue, InputConfig, PlaybookSettingsConfig, PlaybooksConfig};
pub use prometheus::{Dialect, PrometheusConfig};
pub use server::{ApiToken, ServerConfig};
pub use severities::{BlastRadiusConfig, SeveritiesConfig, TierRuleConfig, TiersConfig};
pub use size::ByteSize;
pub use source::says_nothing;
pub use sources::{ExpectedConfig, HeartbeatConfig, SourceConfig, SourceKind};
pub use sql::{PasswordConfig, SqlConfig};
pub use store::StoreConfig;
pub use tickets::{TicketConfig, TicketKind};
pub use watches::{ReportsConfig, WatchConfig, WatchesConfig};

use crate::diagnostics::{Code, Diagnostic};
use crate::files;
use crate::model::PeopleLimits;
use crate::sightings::ClusterSource;
use source::ConfigText;

/// The whole of `dogwatch.yaml`.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: ServerConfig,
    /// Who sends alerts; besides the one that `server` speaks of.
    pub sources: Vec<SourceConfig>,
    pub store: StoreConfig,
    pub cluster: ClusterConfig,
    /// Left out: its silences and inhibitions are not asked about, nor what still fires after an
    /// outage; `alertmanager.alerts` fails with "no alertmanager is configured".
    pub alertmanager: Option<AlertmanagerConfig>,
    /// Left out: queries fail with "no prometheus is configured".
    pub prometheus: Option<PrometheusConfig>,
    /// How the databases' Patroni is reached.
    pub patroni: PatroniConfig,
    /// How the databases themselves are asked.
    pub sql: SqlConfig,
    /// Which services playbooks may read over HTTP.
    pub http: HttpConfig,
    /// What playbooks may look at on the network.
    pub network: NetworkConfig,
    pub playbooks: PlaybooksConfig,
    pub actions: ActionsConfig,
    pub exec: ExecConfig,
    pub oncall: OncallConfig,
    pub maintenance: MaintenanceConfig,
    pub handoff: HandoffConfig,
    pub chat: ChatConfig,
    pub pages: PagesConfig,
    /// Where what pages nobody becomes a ticket. Empty: it stands in chat alone.
    pub tickets: Vec<TicketConfig>,
    pub incidents: IncidentsConfig,
    pub severities: SeveritiesConfig,
    pub labels: LabelsConfig,
    pub engine: EngineConfig,
    /// What single people may run and approve. Empty: what their role allows. It counts at once
    /// when the file is read again.
    pub people: Vec<PersonConfig>,
    pub log: LogConfig,
    #[serde(skip)]
    source: ConfigText,
}

/// The schema (draft 2020-12) of `dogwatch.yaml`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

impl Config {
    /// Reads the file. Says nothing about whether what it names is there: that is [`Config::check`].
    ///
    /// # Errors
    /// When it cannot be read, or is not what a configuration looks like: with line, snippet and remedy.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = files::read_text(path, files::DOCUMENT)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), message: error.to_string() })?;
        Self::parse(&text, path)
    }

    /// Reads `text` as the content of the file `path`, at whose folder relative paths start.
    ///
    /// # Errors
    /// When it is not what a configuration looks like: with line, snippet and remedy.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let source = ConfigText::new(path, text);
        let mut config: Self = if source.says_nothing() {
            Self::default()
        } else {
            serde_saphyr::from_str(text).map_err(|error| ConfigError::from_yaml(&source, &error))?
        };
        config.source = source;
        config.anchor();
        Ok(config)
    }

    /// What single people may run and approve.
    pub fn people_limits(&self) -> PeopleLimits {
        people::limits(&self.people)
    }

    /// What is wrong with a field, such as `playbooks.settings`: where it stands, or what is above
    /// it.
    pub fn problem(&self, field: &str, code: Code, message: String, remedy: String) -> Diagnostic {
        error::about(&self.source, code, field, message, remedy)
    }

    /// The file that it was read from.
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// Its text.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// The Alertmanager that delivers to `/v1/alertmanager`: what `server` says of one, which is
    /// short for one of the
    /// `sources`. `None`: the sources say who delivers.
    pub fn short_source(&self) -> Option<SourceConfig> {
        let server = &self.server;
        let ServerConfig { source, webhook_auth, insecure_no_auth, .. } = server;
        let is_said = source.is_some() || webhook_auth.is_some() || *insecure_no_auth || server.heartbeats.is_some();
        (is_said || !self.sources.iter().any(SourceConfig::delivers)).then(|| SourceConfig {
            name: source.clone().unwrap_or_else(|| "alertmanager".to_owned()),
            kind: SourceKind::Alertmanager,
            auth: webhook_auth.clone(),
            insecure_no_auth: *insecure_no_auth,
            may_start: None,
            heartbeat: None,
            heartbeats: server.heartbeats.clone(),
            map: None,
            every: None,
            namespaces: None,
            team: None,
            watches: None,
        })
    }

    /// All who send alerts, each with the field that speaks of it.
    pub fn all_sources(&self) -> Vec<(String, SourceConfig)> {
        let short = self.short_source().map(|source| ("server".to_owned(), source));
        let listed = self.sources.iter().enumerate().map(|(n, source)| (format!("sources.{n}"), source.clone()));
        short.into_iter().chain(listed).collect()
    }

    /// What the bot itself looks at.
    pub fn cluster_sources(&self) -> Vec<ClusterSource> {
        self.sources.iter().filter_map(SourceConfig::cluster_source).collect()
    }

    /// The names of the sources of the kind `alertmanager`.
    pub fn alertmanagers(&self) -> Vec<String> {
        let all = self.all_sources().into_iter().map(|(_, source)| source);
        all.filter(|source| source.kind == SourceKind::Alertmanager).map(|source| source.name).collect()
    }

    /// The sources whose alerts Alertmanager keeps quiet. `None`: all that there are.
    pub fn kept_quiet(&self) -> Option<Vec<String>> {
        self.unless_all(self.named_sources().unwrap_or_else(|| self.alertmanagers()))
    }

    /// The sources of which Alertmanager says whether their alerts still fire. `None`: all that
    /// there are. Where several could be meant and none is named, nobody knows whether what it
    /// does not list is over, or was never told to it.
    pub fn asked_sources(&self) -> Option<Vec<String>> {
        let only = |all: Vec<String>| if all.len() == 1 { all } else { Vec::new() };
        // Its silences may be for what the bot itself sees, but it never lists that.
        let seen = self.cluster_sources();
        let mut named = self.named_sources().unwrap_or_else(|| only(self.alertmanagers()));
        named.retain(|name| seen.iter().all(|source| source.name != *name));
        self.unless_all(named)
    }

    fn named_sources(&self) -> Option<Vec<String>> {
        self.alertmanager.as_ref().and_then(|alertmanager| alertmanager.sources.clone())
    }

    fn unless_all(&self, named: Vec<String>) -> Option<Vec<String>> {
        let are_all = self.all_sources().iter().all(|(_, source)| named.contains(&source.name));
        (!are_all).then_some(named)
    }

    /// Makes relative paths start at the configuration's folder instead of wherever the bot was started.
    fn anchor(&mut self) {
        let base = self.source.path.parent().unwrap_or(Path::new("")).to_owned();
        self.server.anchor(&base);
        self.sources.iter_mut().for_each(|source| source.anchor(&base));
        self.store.anchor(&base);
        self.cluster.anchor(&base);
        if let Some(alertmanager) = &mut self.alertmanager {
            alertmanager.anchor(&base);
        }
        if let Some(prometheus) = &mut self.prometheus {
            prometheus.anchor(&base);
        }
        self.patroni.anchor(&base);
        self.sql.anchor(&base);
        self.http.anchor(&base);
        self.network.anchor(&base);
        self.playbooks.anchor(&base);
        self.maintenance.anchor(&base);
        self.oncall.anchor(&base);
        self.handoff.anchor(&base);
        self.chat.anchor(&base);
        self.pages.anchor(&base);
        self.tickets.iter_mut().for_each(|tickets| tickets.anchor(&base));
    }
}

/// `path`, from `base` if it is relative.
fn anchor(base: &Path, path: &mut PathBuf) {
    if path.is_relative() {
        *path = base.join(&*path);
    }
}
