//! Names of Kubernetes, and where alerts say them.

use crate::model::kind_identity;

/// The label that says the namespace, for all kinds that have one.
pub(super) const NAMESPACE_LABEL: &str = "namespace";

/// The kinds, and the label of kube-state-metrics that names their objects.
///
/// <https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics>
const LABELS: [(&str, &str); 20] = [
    ("PersistentVolumeClaim", "persistentvolumeclaim"),
    ("Deployment", "deployment"),
    ("StatefulSet", "statefulset"),
    ("DaemonSet", "daemonset"),
    ("ReplicaSet", "replicaset"),
    ("Pod", "pod"),
    ("Job", "job_name"),
    ("CronJob", "cronjob"),
    ("HorizontalPodAutoscaler", "horizontalpodautoscaler"),
    ("PodDisruptionBudget", "poddisruptionbudget"),
    ("Service", "service"),
    ("Ingress", "ingress"),
    ("ConfigMap", "configmap"),
    ("ResourceQuota", "resourcequota"),
    ("LimitRange", "limitrange"),
    ("Lease", "lease"),
    ("Node", "node"),
    ("PersistentVolume", "persistentvolume"),
    ("Namespace", "namespace"),
    ("StorageClass", "storageclass"),
];

/// The label by which alerts name objects of that kind.
pub(super) fn label_of(kind: &str) -> Option<&'static str> {
    let kind = kind_identity(kind);
    LABELS.iter().find(|(name, _)| *name == kind).map(|(_, label)| *label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NAMESPACE, OBJECT_LABELS};

    #[test]
    fn every_label_is_one_that_may_be_renamed() {
        assert_eq!(NAMESPACE_LABEL, NAMESPACE);
        let ours: std::collections::BTreeSet<&str> = LABELS.iter().map(|(_, label)| *label).collect();
        assert_eq!(ours, OBJECT_LABELS.into_iter().collect());
    }
}
