//! What the cluster says of where an object is and what it belongs to: its node, owner, storage
//! class, zone, operator. Alerts have a cause in common by these, and their labels tell few of
//! them.
//!
//! | object | is looked at for |
//! | --- | --- |
//! | Pod | its node, that one's zone, its controller (a Deployment, not its ReplicaSet) |
//! | PersistentVolumeClaim | its storage class, the StatefulSet that it was made for |
//! | Node | its zone |
//! | a workload or Job | its controller: the object of an operator, a CronJob |
//! | all | its tier, by itself, its owner and its namespace, where an operator has rules for tiers |
//! | all | the operator's Deployment, by `app.kubernetes.io/managed-by` of it or its owner |
//!
//! Nobody waits for it: [`Lookup`] says what it costs at most.

mod facts;
mod lookup;
mod marks;
mod memory;
mod resolve;

use std::collections::{BTreeSet, HashMap};

pub use lookup::Lookup;
pub use marks::{Mark, Marks, Missing};

use crate::cluster::{Access, Kind};
use crate::model::ObjectKey;

/// What is known of where an object is and what it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    pub owner: Option<ObjectKey>,
    pub node: Option<String>,
    pub storage_class: Option<String>,
    pub zone: Option<String>,
    /// The workload of the operator that manages it.
    pub operator: Option<ObjectKey>,
}

impl Surroundings {
    /// With what `other` knows besides.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            owner: self.owner.or(other.owner),
            node: self.node.or(other.node),
            storage_class: self.storage_class.or(other.storage_class),
            zone: self.zone.or(other.zone),
            operator: self.operator.or(other.operator),
        }
    }
}

/// What was found, by object.
pub type Found = HashMap<ObjectKey, Surroundings>;

/// Kinds whose objects are read.
const READ: [&str; 8] =
    ["Pod", "PersistentVolumeClaim", "Node", "ReplicaSet", "Job", "StatefulSet", "Deployment", "DaemonSet"];

/// Kinds that alerts name, and that are read for their tiers alone. What a playbook acts on may be
/// of any other kind, too, which its own rights allow.
const READ_FOR_TIERS: [&str; 7] = [
    NAMESPACE,
    "CronJob",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "Ingress",
    "PersistentVolume",
    "StorageClass",
];

const NAMESPACE: &str = "Namespace";

/// The rights that it takes, in all namespaces. Where one is missing, labels say what alerts have
/// in common, and no tier makes anything better. `tiers`: those of objects are looked up, too.
pub fn access(tiers: bool) -> BTreeSet<Access> {
    let for_tiers = READ_FOR_TIERS.iter().filter(|_| tiers);
    let kinds = READ.iter().chain(for_tiers).filter_map(|kind| Kind::find(kind).ok());
    let read = kinds.map(|kind| kind.access("get", "", ""));
    // Operators are found by name and label.
    let listed = Kind::find("Deployment").map(|kind| kind.access("list", "", ""));
    read.chain(listed).collect()
}

/// Whether objects of that kind are read by the rights that [`access`] names.
pub fn reads(kind: &str) -> bool {
    READ.contains(&kind) || READ_FOR_TIERS.contains(&kind)
}
