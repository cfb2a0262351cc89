//! What an alert is about, where no playbook says it.

use std::collections::BTreeMap;

use super::IncidentRules;
use crate::model::{Alert, ObjectKey};

/// Labels and the kinds that they name, in the order in which they tell what an alert is about.
/// Those that a scrape may have added of the exporter itself come last.
const KINDS: [(&str, &str); 14] = [
    ("persistentvolumeclaim", "PersistentVolumeClaim"),
    ("job_name", "Job"),
    ("cronjob", "CronJob"),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
    ("poddisruptionbudget", "PodDisruptionBudget"),
    ("deployment", "Deployment"),
    ("statefulset", "StatefulSet"),
    ("daemonset", "DaemonSet"),
    ("replicaset", "ReplicaSet"),
    ("ingress", "Ingress"),
    ("persistentvolume", "PersistentVolume"),
    ("storageclass", "StorageClass"),
    ("pod", "Pod"),
    ("node", "Node"),
];

/// Kinds that are in no namespace.
const OF_THE_CLUSTER: [&str; 3] = ["PersistentVolume", "StorageClass", "Node"];

/// Kinds that pods belong to.
const OWNERS: [&str; 4] = ["StatefulSet", "DaemonSet", "Deployment", "ReplicaSet"];

/// Labels that say nothing of where: how bad it is, and who told it.
const NOT_WHERE: [&str; 7] =
    ["alertname", "severity", "priority", "prometheus", "prometheus_replica", "monitor", "replica"];

/// The object that the alert names; `None` when it names none, or when nobody can tell in which
/// namespace it is.
pub(super) fn subject(rules: &IncidentRules, alert: &Alert) -> Option<ObjectKey> {
    KINDS.iter().find_map(|(label, kind)| object(rules, alert, label, kind))
}

/// What the subject belongs to, by the alert's own labels.
pub(super) fn owner(rules: &IncidentRules, alert: &Alert, subject: &ObjectKey) -> Option<ObjectKey> {
    let is_owner = |kind: &&(&str, &str)| OWNERS.contains(&kind.1) && kind.1 != subject.kind;
    let labelled = KINDS.iter().filter(is_owner).find_map(|(label, kind)| object(rules, alert, label, kind));
    labelled.or_else(|| {
        // As kube-state-metrics says it of a pod.
        let (kind, name) = (alert.label("created_by_kind")?, alert.label("created_by_name")?);
        let kind = OWNERS.iter().find(|owner| **owner == kind)?;
        (!name.is_empty()).then(|| ObjectKey::new(*kind, subject.namespace.clone(), name))
    })
}

/// The node that the subject is on.
pub(super) fn node<'a>(rules: &IncidentRules, alert: &'a Alert) -> Option<&'a str> {
    // What kube-state-metrics tells is about any node, and a scrape adds its own.
    let of_the_exporter = alert.label("job").is_some_and(|job| job.contains("kube-state-metrics"));
    rules.labels.find(alert, "node").filter(|found| !of_the_exporter || found.name != "node").map(|found| found.value)
}

/// The alert's StorageClass, by its label.
pub(super) fn storage_class<'a>(rules: &IncidentRules, alert: &'a Alert) -> Option<&'a str> {
    let found = rules.labels.find(alert, "storageclass").map(|found| found.value);
    found.or_else(|| alert.label("storage_class")).filter(|name| !name.is_empty())
}

/// The alert's zone, as node labels are called in metrics.
pub(super) fn zone(alert: &Alert) -> Option<&str> {
    const ZONES: [&str; 4] = [
        "topology_kubernetes_io_zone",
        "label_topology_kubernetes_io_zone",
        "failure_domain_beta_kubernetes_io_zone",
        "zone",
    ];
    ZONES.iter().find_map(|label| alert.label(label)).filter(|zone| !zone.is_empty())
}

/// Where it is, for an alert that names no object: all labels that tell it from others of its name.
pub(super) fn place(labels: &BTreeMap<String, String>) -> String {
    let labels = labels.iter().filter(|(name, _)| !NOT_WHERE.contains(&name.as_str()));
    let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
    labels.join(", ")
}

fn object(rules: &IncidentRules, alert: &Alert, label: &str, kind: &str) -> Option<ObjectKey> {
    let found = rules.labels.find(alert, label)?;
    if OF_THE_CLUSTER.contains(&kind) {
        return Some(ObjectKey::new(kind, "", found.value));
    }
    let namespace = rules.labels.namespace(alert, Some(found.name)).ok()??;
    Some(ObjectKey::new(kind, namespace.value, found.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surroundings::reads;

    /// `dogwatch rbac` prints the rights for it.
    #[test]
    fn the_tier_of_whatever_an_alert_names_can_be_read() {
        let unread: Vec<&str> = KINDS.iter().map(|(_, kind)| *kind).filter(|kind| !reads(kind)).collect();
        assert!(unread.is_empty(), "{unread:?}");
    }
}
