//! What is seen of one failure: of one workload, however many pods of it fail.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::settings::WatchedFor;
use crate::cluster::{Kind, Object};
use crate::model::{Digest, Severity};

/// A failure that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sighting {
    pub what: WatchedFor,
    pub namespace: String,
    /// Labels that tell it from others of its watch in its namespace.
    pub own: BTreeMap<String, String>,
    /// Labels that one of several pods gives, and another might.
    pub besides: BTreeMap<String, String>,
    /// What fails, as people call it: `deployment web`.
    pub about: String,
    /// All pods that fail so, by name: their UIDs.
    pub pods: BTreeMap<String, String>,
    pub containers: BTreeSet<String>,
    /// What the cluster says of it.
    pub says: String,
    /// It is told as no worse than that, whatever its watch says.
    pub at_worst: Option<Severity>,
}

/// The annotation by which whoever owns an object has it left unwatched.
const UNWATCHED: &str = "dogwatch/unwatched";

/// Whether its owner has it left unwatched.
pub(super) fn is_unwatched(object: &Object) -> bool {
    object.annotation(UNWATCHED).is_some_and(|word| word != "false")
}

/// Whether its owner wants it looked at, and it is there to stay.
pub(super) fn is_watched(object: &Object) -> bool {
    !object.is_going() && !is_unwatched(object)
}

impl Sighting {
    /// The same for as long as the same fails, whichever pods of it.
    pub fn fingerprint(&self) -> String {
        let reports = match &self.what {
            WatchedFor::ReportsFailure(reports) => format!("{reports:?}"),
            _ => String::new(),
        };
        let identity = format!("{}\n{}\n{:?}\n{reports}", self.what.alert(), self.namespace, self.own);
        Digest::of(identity).as_str().chars().take(16).collect()
    }

    /// The Job that it is of.
    pub fn job(&self) -> Option<(String, String)> {
        Some((self.namespace.clone(), self.own.get(JOB)?.clone()))
    }

    /// The same failure, as another pod shows it.
    fn join(&mut self, other: Self) {
        self.pods.extend(other.pods);
        self.containers.extend(other.containers);
    }
}

/// One for each failure, in order.
pub(super) fn joined(sightings: impl IntoIterator<Item = Sighting>) -> Vec<Sighting> {
    let mut all: BTreeMap<String, Sighting> = BTreeMap::new();
    for sighting in sightings {
        match all.get_mut(&sighting.fingerprint()) {
            Some(known) => known.join(sighting),
            None => {
                all.insert(sighting.fingerprint(), sighting);
            }
        }
    }
    all.into_values().collect()
}

/// What a pod belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub labels: BTreeMap<String, String>,
    pub about: String,
}

/// Kinds of pods' controllers, and the labels that name them.
const OWNERS: [(&str, &str); 6] = [
    ("Deployment", "deployment"),
    ("StatefulSet", "statefulset"),
    ("DaemonSet", "daemonset"),
    ("ReplicaSet", "replicaset"),
    ("Job", JOB),
    ("CronJob", "cronjob"),
];

pub(super) const JOB: &str = "job_name";

/// The kind and the name of an object's controller.
fn controller(object: &Object) -> Option<(String, &str)> {
    let references = object.at("/metadata/ownerReferences")?.as_array()?;
    let is_controller = |reference: &&Value| reference.get("controller") == Some(&Value::Bool(true));
    let reference = references.iter().find(is_controller)?;
    let text = |field: &str| reference.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (kind, name) = (text("kind")?, text("name")?);
    let group = text("apiVersion").and_then(|version| version.split_once('/')).map_or("", |(group, _)| group);
    Some((Kind::id_of(kind, group), name))
}

impl Owner {
    /// The workload of that kind, which is one of Kubernetes' own.
    pub fn workload(kind: &str, name: &str) -> Option<Self> {
        let (_, label) = OWNERS.iter().find(|(owner, _)| *owner == kind)?;
        Some(Self {
            labels: BTreeMap::from([((*label).to_owned(), name.to_owned())]),
            about: format!("{} {name}", kind.to_lowercase()),
        })
    }

    /// The controller of a pod; of a ReplicaSet with the hash of its template in its name, the
    /// Deployment that made it. A pod without one, or one that its node runs, is its own.
    pub fn of(pod: &Object) -> Self {
        Self::controller(pod).unwrap_or_else(|| Self::itself(pod))
    }

    fn itself(pod: &Object) -> Self {
        let labels = BTreeMap::from([("pod".to_owned(), pod.name().to_owned())]);
        Self { labels, about: format!("pod {}", pod.name()) }
    }

    /// The CronJob that made the Job, each of whose runs has a Job of its own.
    pub fn of_job(job: &Object) -> Option<Self> {
        let (kind, name) = controller(job)?;
        (kind == "CronJob").then(|| Self::workload(&kind, name)).flatten()
    }

    fn controller(pod: &Object) -> Option<Self> {
        let (kind, name) = controller(pod)?;
        let of_template = pod.label("pod-template-hash").and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
        match (kind.as_str(), of_template) {
            ("Node", _) => None,
            ("ReplicaSet", Some(deployment)) => Self::workload("Deployment", deployment),
            _ => Self::workload(&kind, name).or_else(|| {
                let labels = [("owner_kind", kind.as_str()), ("owner_name", name)];
                let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
                Some(Self { labels, about: format!("{kind} {name}") })
            }),
        }
    }
}
