//! `sources`: who sends alerts, in which form, and what they may start.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::AuthConfig;
use crate::intake::MapTexts;
use crate::model::{HeartbeatRule, HumanDuration, MayStart, Severity};

/// Who sends alerts.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The same for all peers of one Alertmanager cluster. An alert is known by it and by its
    /// labels, so that an alert of another name is another alert. It is delivered to
    /// `/v1/sources/NAME`.
    pub name: String,
    pub kind: SourceKind,
    /// What a delivery must show. Left out: its runs only suggest, unless something in front of the
    /// bot authenticates.
    #[serde(default)]
    pub auth: Option<AuthConfig>,
    /// Something in front of us authenticates.
    #[serde(default)]
    pub insecure_no_auth: bool,
    /// Left out: everything for `alertmanager`, nothing for `generic`.
    #[serde(default)]
    pub may_start: Option<MayStart>,
    /// Of the kind `heartbeat`: how often it must come.
    #[serde(default)]
    pub heartbeat: Option<ExpectedConfig>,
    /// Alerts that must keep coming. Left out: `Watchdog`, if it ever came.
    #[serde(default)]
    pub heartbeats: Option<Vec<HeartbeatConfig>>,
    /// What of an event is what of an alert. Only of `generic`, which needs it.
    #[serde(default)]
    pub map: Option<MapTexts>,
}

/// What must keep coming.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedConfig {
    /// The longest time between two.
    pub within: HumanDuration,
    /// Of its absence.
    #[serde(default = "worst")]
    pub severity: Severity,
    /// Who is called. Left out: the default team.
    #[serde(default)]
    pub team: Option<String>,
}

/// An alert that must keep coming.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatConfig {
    pub alert: String,
    /// The longest time between two of it: more than the `repeat_interval` of its route.
    pub within: HumanDuration,
    #[serde(default = "worst")]
    pub severity: Severity,
    #[serde(default)]
    pub team: Option<String>,
}

/// Whoever watches the watcher is all that is left.
fn worst() -> Severity {
    Severity::S1
}

/// What is taken for a heartbeat where nothing is said. Alertmanager repeats it after four hours
/// where its route says nothing.
const WATCHDOG: (&str, Duration) = ("Watchdog", Duration::from_secs(5 * 3_600));

/// In which form it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Alertmanager's webhook, version 4; also what Grafana, Mimir, vmalert and Thanos send.
    Alertmanager,
    /// Whoever calls it is well, whatever he sends.
    Heartbeat,
    /// JSON of whoever, of which `map` makes alerts.
    Generic,
}

impl SourceKind {
    /// What a source of this kind may start where nothing is said.
    pub fn may_start(self) -> MayStart {
        match self {
            SourceKind::Alertmanager => MayStart::Everything,
            SourceKind::Heartbeat => MayStart::Nothing,
            SourceKind::Generic => MayStart::Nothing,
        }
    }
}

impl SourceConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(auth) = &mut self.auth {
            auth.anchor(base);
        }
    }

    /// What its alerts may start.
    pub fn may_start(&self) -> MayStart {
        self.may_start.clone().unwrap_or_else(|| self.kind.may_start())
    }

    /// What must keep coming from it.
    pub fn heartbeat_rules(&self) -> Vec<HeartbeatRule> {
        let rule = |alert: Option<&str>, within: Duration, severity: Severity, team: Option<&String>| HeartbeatRule {
            source: self.name.clone(),
            alert: alert.map(str::to_owned),
            within,
            severity,
            team: team.cloned(),
        };
        let own = self.heartbeat.iter().map(|own| rule(None, own.within.0, own.severity, own.team.as_ref()));
        let alerts: Vec<HeartbeatRule> = match &self.heartbeats {
            Some(alerts) => {
                let of = |of: &HeartbeatConfig| rule(Some(&of.alert), of.within.0, of.severity, of.team.as_ref());
                alerts.iter().map(of).collect()
            }
            None if self.kind != SourceKind::Alertmanager => Vec::new(),
            None => vec![rule(Some(WATCHDOG.0), WATCHDOG.1, worst(), None)],
        };
        own.chain(alerts).collect()
    }

    /// Whether its absence is told although it never came.
    pub fn expects(&self, rule: &HeartbeatRule) -> bool {
        rule.alert.is_none() || self.heartbeats.is_some()
    }
}
