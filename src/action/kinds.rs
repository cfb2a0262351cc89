//! The kinds that actions may name, and the rights that go with them.
//!
//! The list is closed on purpose: the rights a playbook needs are known before it runs, and what isn't listed
//! (Secrets above all) is never read.

use std::fmt;
use std::str::FromStr;

use crate::cluster::Access;

/// A kind that actions may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(&'static Row);

#[derive(Debug, PartialEq, Eq)]
struct Row {
    kind: &'static str,
    group: &'static str,
    plural: &'static str,
    namespaced: bool,
}

const fn row(kind: &'static str, group: &'static str, plural: &'static str, namespaced: bool) -> Row {
    Row { kind, group, plural, namespaced }
}

const ROWS: &[Row] = &[
    row("ConfigMap", "", "configmaps", true),
    row("Endpoints", "", "endpoints", true),
    row("Event", "", "events", true),
    row("Namespace", "", "namespaces", false),
    row("Node", "", "nodes", false),
    row("PersistentVolume", "", "persistentvolumes", false),
    row("PersistentVolumeClaim", "", "persistentvolumeclaims", true),
    row("Pod", "", "pods", true),
    row("ResourceQuota", "", "resourcequotas", true),
    row("Service", "", "services", true),
    row("DaemonSet", "apps", "daemonsets", true),
    row("Deployment", "apps", "deployments", true),
    row("ReplicaSet", "apps", "replicasets", true),
    row("StatefulSet", "apps", "statefulsets", true),
    row("HorizontalPodAutoscaler", "autoscaling", "horizontalpodautoscalers", true),
    row("CronJob", "batch", "cronjobs", true),
    row("Job", "batch", "jobs", true),
    row("Lease", "coordination.k8s.io", "leases", true),
    row("EndpointSlice", "discovery.k8s.io", "endpointslices", true),
    row("PodDisruptionBudget", "policy", "poddisruptionbudgets", true),
    row("CSIDriver", "storage.k8s.io", "csidrivers", false),
    row("StorageClass", "storage.k8s.io", "storageclasses", false),
    row("VolumeAttachment", "storage.k8s.io", "volumeattachments", false),
];

impl Kind {
    /// As Kubernetes spells it: `Deployment`.
    pub fn as_str(self) -> &'static str {
        self.0.kind
    }

    /// Whether its objects live in namespaces.
    pub fn is_namespaced(self) -> bool {
        self.0.namespaced
    }

    /// The right to do `verb` to objects of this kind, in a namespace that the caller fills in.
    pub fn access(self, verb: &str) -> Access {
        self.access_to(verb, "")
    }

    /// The same for a subresource such as `scale`.
    pub fn access_to(self, verb: &str, subresource: &str) -> Access {
        Access {
            verb: verb.into(),
            group: self.0.group.into(),
            resource: self.0.plural.into(),
            subresource: subresource.into(),
            namespace: String::new(),
        }
    }
}

/// The rights to do each of `verbs` to objects of `kind`; none for a kind that isn't known.
pub(super) fn rights(kind: &str, verbs: &[&str]) -> Vec<Access> {
    kind.parse::<Kind>().map_or_else(|_| Vec::new(), |kind| verbs.iter().map(|verb| kind.access(verb)).collect())
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind)
    }
}

/// A kind that must not, or cannot, be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    #[error("secrets are never read; if a playbook must know whether one is there, ask for what depends on it")]
    Secret,
    #[error("`{0}` is no kind that actions know; write one of {known}", known = known())]
    Unknown(String),
}

fn known() -> String {
    ROWS.iter().map(|row| row.kind).collect::<Vec<_>>().join(", ")
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        // In any spelling that somebody may try: `secret`, `Secrets`, `secrets.v1`.
        if text.trim().to_ascii_lowercase().starts_with("secret") {
            return Err(KindError::Secret);
        }
        ROWS.iter()
            .find(|row| row.kind == text)
            .map(Kind)
            .ok_or_else(|| KindError::Unknown(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_refused_in_any_spelling() {
        for spelling in ["Secret", "secret", "Secrets", " secrets", "SecretList", "secrets.v1"] {
            assert_eq!(spelling.parse::<Kind>(), Err(KindError::Secret), "{spelling}");
        }
    }

    #[test]
    fn an_unknown_kind_says_which_are_known() {
        let error = "deployment".parse::<Kind>().unwrap_err().to_string();
        assert!(error.starts_with("`deployment` is no kind that actions know; write one of ConfigMap, "), "{error}");
        assert!(!error.contains("Secret"), "{error}");
    }

    #[test]
    fn a_kind_knows_its_rights() {
        let access = "Deployment".parse::<Kind>().unwrap().access_to("patch", "scale");
        assert_eq!((access.group.as_str(), access.resource.as_str()), ("apps", "deployments"));
        assert_eq!((access.verb.as_str(), access.subresource.as_str()), ("patch", "scale"));
        assert!(rights("NoSuchKind", &["get"]).is_empty());
    }
}
