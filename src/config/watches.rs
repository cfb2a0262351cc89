//! `watches` of a source of the kind `cluster`: what the bot looks for by itself.

use std::time::Duration;

use serde::Deserialize;

use crate::model::{HumanDuration, Severity};
use crate::sightings::{Reports, Watch, WatchedFor};

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WatchesConfig {
    /// A pod waits for its volumes, and one of them cannot be attached. 5 minutes, S2.
    pub failed_attach: WatchConfig,
    /// A container cannot be created of what its pod says: a ConfigMap or a Secret is missing. 3
    /// minutes, S3.
    pub config_error: WatchConfig,
    /// An image cannot be pulled. 5 minutes, S3.
    pub image_pull: WatchConfig,
    /// A Service has no ready endpoint, and its workload should run. 5 minutes, S2.
    pub service_without_endpoints: WatchConfig,
    /// Custom resources whose condition says that they fail. 15 minutes, S3. Default: none.
    pub reports_failure: Vec<ReportsConfig>,
}

/// Whether and when something that is looked for is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WatchConfig {
    pub enabled: bool,
    /// What was seen for so long is told.
    pub hold: Option<HumanDuration>,
    pub severity: Option<Severity>,
    /// Whose its alerts are, unless a playbook's. Left out: the source's.
    pub team: Option<String>,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self { enabled: true, hold: None, severity: None, team: None }
    }
}

/// How a custom resource reports failure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportsConfig {
    /// `Certificate.cert-manager.io`.
    pub kind: String,
    /// The type of one of `status.conditions`.
    #[serde(default = "ready")]
    pub condition: String,
    /// The status of that condition which is a failure: `True`, `False` or `Unknown`.
    #[serde(default = "is_false")]
    pub status: String,
    #[serde(default)]
    pub hold: Option<HumanDuration>,
    #[serde(default)]
    pub severity: Option<Severity>,
    #[serde(default)]
    pub team: Option<String>,
}

fn ready() -> String {
    "Ready".to_owned()
}

fn is_false() -> String {
    "False".to_owned()
}

const MINUTE: Duration = Duration::from_secs(60);

impl WatchesConfig {
    /// The watches that have a switch, with the names of their fields.
    pub(super) fn switched(&self) -> [(&'static str, &WatchConfig); 4] {
        [
            ("failed_attach", &self.failed_attach),
            ("config_error", &self.config_error),
            ("image_pull", &self.image_pull),
            ("service_without_endpoints", &self.service_without_endpoints),
        ]
    }

    /// Those that are switched on. `team`: whose their alerts are where they do not say it.
    pub(super) fn watches(&self, team: Option<&String>) -> Vec<Watch> {
        let usual = [
            (&self.failed_attach, WatchedFor::FailedAttach, 5 * MINUTE, Severity::S2),
            (&self.config_error, WatchedFor::ConfigError, 3 * MINUTE, Severity::S3),
            (&self.image_pull, WatchedFor::ImagePull, 5 * MINUTE, Severity::S3),
            (&self.service_without_endpoints, WatchedFor::ServiceWithoutEndpoints, 5 * MINUTE, Severity::S2),
        ];
        let on = usual.into_iter().filter(|(config, ..)| config.enabled);
        let on = on.map(|(config, what, hold, severity)| Watch {
            what,
            hold: config.hold.map_or(hold, |hold| hold.0),
            severity: config.severity.unwrap_or(severity),
            team: config.team.as_ref().or(team).cloned(),
        });
        let reports = self.reports_failure.iter().map(|config| Watch {
            what: WatchedFor::ReportsFailure(Reports {
                kind: config.kind.trim().to_owned(),
                condition: config.condition.clone(),
                status: config.status.clone(),
            }),
            hold: config.hold.map_or(15 * MINUTE, |hold| hold.0),
            severity: config.severity.unwrap_or(Severity::S3),
            team: config.team.as_ref().or(team).cloned(),
        });
        on.chain(reports).collect()
    }
}
