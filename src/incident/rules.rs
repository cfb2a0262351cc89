//! What an operator may set about incidents.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Expected;
use crate::maintenance::PlannedWindow;
use crate::model::{
    Alert, BlastRadius, Ceilings, FleetLimits, FreezeMapNow, LabelNames, Live, PageFor, PeopleLimits, Severities,
    SourceRights, Tiers,
};
use crate::oncall::Roster;

/// The rules by which incidents are opened, reopened and paged.
#[derive(Debug, Clone)]
pub struct IncidentRules {
    /// The team that owns what nobody else does.
    pub default_team: String,
    /// The teams of `oncall.yaml`: an alert's `team` label counts only if it names one of them.
    pub teams: BTreeSet<String>,
    /// An incident that was resolved so recently is reopened by a new episode of its grouping instead of making another one.
    pub reopen_within: Duration,
    /// How late a delivery of an earlier state may come: Alertmanager gives one up at its next flush, which is its
    /// group_interval (5 min by default) away. A firing that is told so soon after its end waits until then: when its end was not
    /// told once more by that time, it is no echo, and fires again.
    pub stale_within: Duration,
    pub grouping: GroupingRules,
    pub may_start: SourceRights,
    /// The sources by which the bot itself sees the cluster.
    pub sighted_by: BTreeSet<String>,
    /// What must keep coming.
    pub heartbeats: Vec<Expected>,
    /// What alerts' own words for severity mean: the same as at the door.
    pub severities: Arc<Severities>,
    /// Under which names alerts name objects.
    pub labels: Arc<LabelNames>,
    pub cluster: HomeCluster,
    /// What the tiers of objects mean.
    pub tiers: Arc<Tiers>,
    /// How many objects make an incident worse.
    pub blast_radius: BlastRadius,
    /// When teams are paged for what else pages nobody.
    pub page_for: Arc<PageFor>,
    /// Who is on call, as commands about that see it.
    pub oncall: Roster,
    /// How far runs may go at the most; the engine asks the same again before each change.
    pub ceilings: Live<Ceilings>,
    /// What single people may run and approve.
    pub people: Arc<PeopleLimits>,
    /// How much is changed at the most, over all runs: asked by the engine.
    pub limits: Live<FleetLimits>,
    /// The ConfigMap that freezes, as it was read last.
    pub freeze_map: Live<FreezeMapNow>,
    /// The maintenance windows that a file plans.
    pub planned: Arc<[PlannedWindow]>,
}

/// What is taken for one cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupingRules {
    /// So soon after what joined an incident last, what has something in common with it joins it
    /// too.
    pub within: Duration,
    /// On so many targets of one incident runs are opened in an hour: whether it helps shows there,
    /// and what does not is not done to all of them.
    pub runs: usize,
    /// Whether the cluster is asked what alerts have in common; else their labels alone tell it.
    pub look_up: bool,
}

impl Default for GroupingRules {
    fn default() -> Self {
        Self { within: Duration::from_secs(15 * 60), runs: 3, look_up: true }
    }
}

/// Which cluster the bot works on, as alerts call it.
#[derive(Debug, Clone)]
pub struct HomeCluster {
    /// `None`: whatever cluster an alert names is taken for this one.
    pub name: Option<String>,
    /// The label by which alerts say theirs.
    pub label: String,
}

impl HomeCluster {
    /// The cluster that an alert names, unless it is known to be this one.
    pub fn named_by<'a>(&self, alert: &'a Alert) -> Option<&'a str> {
        let named = alert.label(&self.label).map(str::trim).filter(|named| !named.is_empty())?;
        (Some(named) != self.name.as_deref()).then_some(named)
    }

    /// The cluster that an alert names, if that is known to be another one.
    pub fn other<'a>(&self, alert: &'a Alert) -> Option<&'a str> {
        self.name.as_ref().and_then(|_| self.named_by(alert))
    }
}

impl Default for HomeCluster {
    fn default() -> Self {
        Self { name: None, label: "cluster".into() }
    }
}

impl Default for IncidentRules {
    fn default() -> Self {
        Self {
            default_team: "platform".into(),
            teams: BTreeSet::new(),
            reopen_within: Duration::from_secs(30 * 60),
            stale_within: Duration::from_secs(10 * 60),
            grouping: GroupingRules::default(),
            may_start: SourceRights::default(),
            sighted_by: BTreeSet::new(),
            heartbeats: Vec::new(),
            severities: Arc::default(),
            labels: Arc::default(),
            cluster: HomeCluster::default(),
            tiers: Arc::default(),
            blast_radius: BlastRadius::default(),
            page_for: Arc::default(),
            oncall: Roster::default(),
            ceilings: Live::default(),
            people: Arc::default(),
            limits: Live::default(),
            freeze_map: Live::default(),
            planned: Arc::default(),
        }
    }
}
