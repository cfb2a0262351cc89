//! What is looked at, and the rights that it takes.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cluster::{Access, Kind, Kinds};
use crate::model::Severity;

/// A source of the kind `cluster`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSource {
    /// Part of the identity of its alerts.
    pub name: String,
    /// How long after a look the next one begins.
    pub every: Duration,
    /// Empty: all of them.
    pub namespaces: Vec<String>,
    /// Those that are switched on.
    pub watches: Vec<Watch>,
}

/// Something that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub what: WatchedFor,
    /// What was seen for so long is told.
    pub hold: Duration,
    pub severity: Severity,
    /// Whose its alerts are, unless a playbook's; `None`: the default team's.
    pub team: Option<String>,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchedFor {
    FailedAttach,
    ConfigError,
    ImagePull,
    ServiceWithoutEndpoints,
    ReportsFailure(Reports),
}

/// How a custom resource reports failure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reports {
    /// `Certificate.cert-manager.io`.
    pub kind: String,
    /// The type of a condition: `Ready`.
    pub condition: String,
    /// Its status where it fails: `False`.
    pub status: String,
}

const FAILED_ATTACH: &str = "DogwatchFailedAttachVolume";
const CONFIG_ERROR: &str = "DogwatchContainerConfigError";
const IMAGE_PULL: &str = "DogwatchImagePullBackOff";
pub(super) const NO_ENDPOINTS: &str = "DogwatchServiceWithoutEndpoints";
pub(super) const REPORTS_FAILURE: &str = "DogwatchReportsFailure";

/// Kinds whose objects say how many pods a Service should have.
pub(super) const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

impl WatchedFor {
    /// What the alerts of all of them are called.
    pub const ALERTS: [&str; 5] = [FAILED_ATTACH, CONFIG_ERROR, IMAGE_PULL, NO_ENDPOINTS, REPORTS_FAILURE];

    /// What its alerts are called.
    pub fn alert(&self) -> &'static str {
        match self {
            WatchedFor::FailedAttach => FAILED_ATTACH,
            WatchedFor::ConfigError => CONFIG_ERROR,
            WatchedFor::ImagePull => IMAGE_PULL,
            WatchedFor::ServiceWithoutEndpoints => NO_ENDPOINTS,
            WatchedFor::ReportsFailure(_) => REPORTS_FAILURE,
        }
    }

    pub(super) fn is_of_pods(&self) -> bool {
        matches!(self, WatchedFor::FailedAttach | WatchedFor::ConfigError | WatchedFor::ImagePull)
    }

    /// What is of one sort, as a group key of Alertmanager's names it.
    pub(super) fn sort(&self) -> String {
        match self {
            WatchedFor::ReportsFailure(Reports { kind, condition, .. }) => {
                format!("alertname={:?}, condition={condition:?}, kind={kind:?}", self.alert())
            }
            _ => format!("alertname={:?}", self.alert()),
        }
    }

    /// As people read it, where one alert's name says too little.
    pub(super) fn shown(&self) -> String {
        match self {
            WatchedFor::ReportsFailure(reports) => {
                format!("{} of {} ({})", self.alert(), reports.kind, reports.condition)
            }
            _ => self.alert().to_owned(),
        }
    }

    /// What is listed, and what is read by its name.
    fn reads(&self) -> Vec<(&'static str, &str)> {
        let workloads = WORKLOADS.into_iter().map(|kind| ("list", kind));
        match self {
            WatchedFor::FailedAttach => vec![("list", "Pod"), ("list", "Event"), ("list", "Job")],
            // What ran before is not pending: an event leads to it.
            WatchedFor::ConfigError | WatchedFor::ImagePull => {
                vec![("list", "Pod"), ("get", "Pod"), ("list", "Event"), ("list", "Job")]
            }
            WatchedFor::ServiceWithoutEndpoints => {
                [("list", "Service"), ("list", "EndpointSlice")].into_iter().chain(workloads).collect()
            }
            WatchedFor::ReportsFailure(reports) => vec![("list", &reports.kind)],
        }
    }
}

impl ClusterSource {
    /// The namespaces as lists name them: one empty name for all.
    pub(super) fn scopes(&self) -> Vec<&str> {
        match self.namespaces.as_slice() {
            [] => vec![""],
            some => some.iter().map(String::as_str).collect(),
        }
    }

    /// Whether it looks there.
    pub(super) fn covers(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|name| name == namespace)
    }

    /// The kinds that somebody has to tell of: what may be a custom resource.
    pub fn kinds(&self) -> Vec<String> {
        let kind = |watch: &Watch| match &watch.what {
            WatchedFor::ReportsFailure(reports) => Some(reports.kind.clone()),
            _ => None,
        };
        self.watches.iter().filter_map(kind).collect()
    }

    /// The rights that its watches take, and the kinds of which nobody has told, in the order in
    /// which they are named: what those take is not known.
    pub fn access(&self, kinds: &Kinds) -> (BTreeSet<Access>, Vec<String>) {
        let (mut rights, mut unknown) = (BTreeSet::new(), Vec::new());
        for (verb, name) in self.watches.iter().flat_map(|watch| watch.what.reads()) {
            let Some(kind) = Kind::find(name).ok().or_else(|| kinds.find_text(name)) else {
                unknown.push(name.to_owned());
                continue;
            };
            let scopes = if kind.namespaced { self.scopes() } else { vec![""] };
            rights.extend(scopes.into_iter().map(|namespace| kind.access(verb, "", namespace)));
        }
        (rights, unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(what: WatchedFor, namespaces: &[&str]) -> ClusterSource {
        let watch = Watch { what, hold: Duration::from_secs(300), severity: Severity::S3, team: None };
        let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
        ClusterSource { name: "cluster".into(), every: Duration::from_secs(60), namespaces, watches: vec![watch] }
    }

    fn rights(source: &ClusterSource) -> Vec<String> {
        let rights = source.access(&Kinds::new()).0.into_iter();
        rights.map(|right| format!("{} {} {}", right.verb, right.resource, right.namespace)).collect()
    }

    #[test]
    fn only_what_is_switched_on_takes_rights() {
        let all = source(WatchedFor::FailedAttach, &[]);
        assert_eq!(rights(&all), ["list events ", "list pods ", "list jobs "]);
        let one = source(WatchedFor::ImagePull, &["shop"]);
        assert_eq!(rights(&one), ["get pods shop", "list events shop", "list pods shop", "list jobs shop"]);
        let nothing = ClusterSource { watches: Vec::new(), ..all };
        assert_eq!(rights(&nothing), [] as [String; 0]);
    }

    #[test]
    fn a_kind_that_nobody_has_told_of_is_named() {
        let reports =
            Reports { kind: "Certificate.cert-manager.io".into(), condition: "Ready".into(), status: "False".into() };
        let unknown = source(WatchedFor::ReportsFailure(reports), &[]).access(&Kinds::new()).1;
        assert_eq!(unknown, ["Certificate.cert-manager.io"]);
    }
}
