//! `sources`: who sends alerts, in which form, and what they may start.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::AuthConfig;
use super::watches::WatchesConfig;
use crate::intake::MapTexts;
use crate::model::{HeartbeatRule, HumanDuration, MayStart, Severity};
use crate::sightings::ClusterSource;

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
    /// Left out: everything for `alertmanager` and `cluster`, nothing for `generic`.
    #[serde(default)]
    pub may_start: Option<MayStart>,
    /// Of the kind `heartbeat`: how often it must come. Of `cluster`: for how long the cluster may
    /// go unseen; left out, S2 after ten minutes, or three looks
    /// where that is longer.
    #[serde(default)]
    pub heartbeat: Option<ExpectedConfig>,
    /// Alerts that must keep coming. Left out: `Watchdog`, if it ever came.
    #[serde(default)]
    pub heartbeats: Option<Vec<HeartbeatConfig>>,
    /// What of an event is what of an alert. Only of `generic`, which needs it.
    #[serde(default)]
    pub map: Option<MapTexts>,
    /// Of the kind `cluster`: how long after one look the next one begins. Left out: a minute.
    #[serde(default)]
    pub every: Option<HumanDuration>,
    /// Of the kind `cluster`: the namespaces that are looked at. Left out: all.
    #[serde(default)]
    pub namespaces: Option<Vec<String>>,
    /// Of the kind `cluster`: whose its alerts are, unless a playbook's. Left out: the default
    /// team's.
    #[serde(default)]
    pub team: Option<String>,
    /// Of the kind `cluster`: what is looked for. Left out: all but `reports_failure`.
    #[serde(default)]
    pub watches: Option<WatchesConfig>,
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

/// How often the cluster is looked at where nothing is said: holds are minutes.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// For how long the cluster may go unseen where nothing is said: a control plane is upgraded in
/// less.
const UNSEEN_FOR: Duration = Duration::from_secs(10 * 60);

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
    /// The bot itself looks at the cluster, and tells what fails there.
    Cluster,
}

impl SourceKind {
    /// What a source of this kind may start where nothing is said.
    pub fn may_start(self) -> MayStart {
        match self {
            SourceKind::Alertmanager | SourceKind::Cluster => MayStart::Everything,
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

    /// Whether it delivers over HTTP.
    pub fn delivers(&self) -> bool {
        self.kind != SourceKind::Cluster
    }

    /// What the bot looks at, for the kind `cluster`.
    pub fn cluster_source(&self) -> Option<ClusterSource> {
        (self.kind == SourceKind::Cluster).then(|| ClusterSource {
            name: self.name.clone(),
            every: self.every(),
            namespaces: self.namespaces.clone().unwrap_or_default(),
            watches: self.watches.clone().unwrap_or_default().watches(self.team.as_ref()),
        })
    }

    fn every(&self) -> Duration {
        self.every.map_or(LOOK_EVERY, |every| every.0)
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
        let looks = ExpectedConfig {
            within: HumanDuration(UNSEEN_FOR.max(self.every() * 3)),
            severity: Severity::S2,
            team: None,
        };
        let looks = (self.kind == SourceKind::Cluster).then_some(&looks);
        let own = self
            .heartbeat
            .as_ref()
            .or(looks)
            .into_iter()
            .map(|own| rule(None, own.within.0, own.severity, own.team.as_ref()));
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
