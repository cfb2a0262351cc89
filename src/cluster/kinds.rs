//! The kinds that Dogwatch knows: how each is called in the API server's paths and in RBAC rules.
//!
//! `Secret` is left out on purpose: what cannot be addressed cannot leak into a timeline, a page or a report.

use super::{Access, ClusterError};
use crate::model::ObjectKey;

/// One kind of Kubernetes objects, in the version that is used here.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// As in manifests: `Deployment`.
    pub name: &'static str,
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    /// As in paths and in RBAC rules: `deployments`.
    pub plural: &'static str,
    /// `false`: its objects belong to the whole cluster.
    pub namespaced: bool,
}

impl Kind {
    pub const POD: Self = POD;
    pub const DEPLOYMENT: Self = namespaced("Deployment", "apps", "v1", "deployments");
    pub const STATEFUL_SET: Self = namespaced("StatefulSet", "apps", "v1", "statefulsets");
    pub const CLAIM: Self = CLAIM;
    pub const STORAGE_CLASS: Self = cluster_wide("StorageClass", "storage.k8s.io", "v1", "storageclasses");
    pub const NAMESPACE: Self = NAMESPACE;
    pub const JOB: Self = namespaced("Job", "batch", "v1", "jobs");
    pub const CRON_JOB: Self = namespaced("CronJob", "batch", "v1", "cronjobs");
    pub const EVENT: Self = EVENT;
    pub const CONFIG_MAP: Self = namespaced("ConfigMap", "", "v1", "configmaps");
    pub const AUTOSCALER: Self = namespaced("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers");

    /// The kind of that name, spelled as in manifests; else [`ClusterError::UnknownKind`].
    pub fn find(name: &str) -> Result<&'static Kind, ClusterError> {
        let known = KINDS.iter().find(|kind| kind.name == name);
        known.ok_or_else(|| ClusterError::UnknownKind(name.chars().take(80).collect()))
    }

    /// All of them.
    pub fn all() -> &'static [Kind] {
        KINDS
    }

    /// As in manifests: `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As the API server's messages name it: `deployments.apps`, or `pods` for the core group.
    pub fn qualified_plural(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Whether that can be the key of an object of this kind; else why not. Names come from alerts too, and must not
    /// lead to another place than their own: `x/../../secrets/y`.
    pub fn check_key(&self, key: &ObjectKey) -> Result<(), String> {
        if self.namespaced == key.namespace.is_empty() {
            let which = if self.namespaced { "in a namespace, and none was given" } else { "in no namespace" };
            return Err(format!("a {} is {which}", self.name));
        }
        if !is_name(&key.name) || !(key.namespace.is_empty() || is_name(&key.namespace)) {
            return Err("that is no name of an object".into());
        }
        Ok(())
    }

    /// In which namespace to list: none for a kind that has none; else why that cannot be one.
    pub(super) fn check_list<'a>(&self, namespace: &'a str) -> Result<&'a str, &'static str> {
        match namespace {
            "" => Ok(""),
            _ if !self.namespaced => Ok(""),
            name if is_name(name) => Ok(name),
            _ => Err("that is no name of a namespace"),
        }
    }

    /// The right to do `verb` to objects of this kind. `subresource` may be empty; so may `namespace`: all of them.
    pub fn access(&self, verb: &str, subresource: &str, namespace: &str) -> Access {
        Access {
            verb: verb.to_owned(),
            group: self.group.to_owned(),
            resource: self.plural.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name: String::new(),
        }
    }
}

/// Whether the text can only be one segment of a path.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    !text.is_empty() && text.len() <= 253 && text.chars().all(fits) && !text.chars().all(|c| c == '.')
}

const fn namespaced(name: &'static str, group: &'static str, version: &'static str, plural: &'static str) -> Kind {
    Kind { name, group, version, plural, namespaced: true }
}

const fn cluster_wide(name: &'static str, group: &'static str, version: &'static str, plural: &'static str) -> Kind {
    Kind { name, group, version, plural, namespaced: false }
}

// Those that the simulated cluster makes objects of.
pub(super) const POD: Kind = namespaced("Pod", "", "v1", "pods");
pub(super) const CLAIM: Kind = namespaced("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims");
pub(super) const VOLUME: Kind = cluster_wide("PersistentVolume", "", "v1", "persistentvolumes");
pub(super) const REPLICA_SET: Kind = namespaced("ReplicaSet", "apps", "v1", "replicasets");
pub(super) const EVENT: Kind = namespaced("Event", "", "v1", "events");
pub(super) const NAMESPACE: Kind = cluster_wide("Namespace", "", "v1", "namespaces");

const KINDS: &[Kind] = &[
    Kind::DEPLOYMENT,
    Kind::STATEFUL_SET,
    REPLICA_SET,
    namespaced("DaemonSet", "apps", "v1", "daemonsets"),
    POD,
    CLAIM,
    VOLUME,
    Kind::STORAGE_CLASS,
    cluster_wide("VolumeAttachment", "storage.k8s.io", "v1", "volumeattachments"),
    cluster_wide("Node", "", "v1", "nodes"),
    NAMESPACE,
    Kind::JOB,
    Kind::CRON_JOB,
    EVENT,
    Kind::CONFIG_MAP,
    namespaced("Service", "", "v1", "services"),
    namespaced("Endpoints", "", "v1", "endpoints"),
    namespaced("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices"),
    namespaced("Ingress", "networking.k8s.io", "v1", "ingresses"),
    namespaced("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies"),
    Kind::AUTOSCALER,
    namespaced("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets"),
    namespaced("Lease", "coordination.k8s.io", "v1", "leases"),
    namespaced("ResourceQuota", "", "v1", "resourcequotas"),
    namespaced("LimitRange", "", "v1", "limitranges"),
    namespaced("ServiceAccount", "", "v1", "serviceaccounts"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name_in_manifests() {
        let deployment = Kind::find("Deployment").unwrap();
        assert_eq!(deployment.api_version(), "apps/v1");
        assert_eq!(deployment.qualified_plural(), "deployments.apps");
        assert_eq!(Kind::find("Node").unwrap().api_version(), "v1");
        assert_eq!(Kind::find("deployment"), Err(ClusterError::UnknownKind("deployment".into())));
    }

    #[test]
    fn secrets_cannot_be_addressed() {
        assert_eq!(Kind::find("Secret"), Err(ClusterError::UnknownKind("Secret".into())));
    }

    #[test]
    fn a_name_from_outside_cannot_leave_its_place_in_the_path() {
        let pod = Kind::find("Pod").unwrap();
        let check = |namespace: &str, name: &str| pod.check_key(&ObjectKey::new("Pod", namespace, name)).is_ok();
        let long = "x".repeat(254);
        for wrong in ["", ".", "..", "a/b", "../secrets/x", "a?dryRun=", "a%2Fb", "a b", "a#b", "ä", &long] {
            assert!(!check("shop", wrong) && !check(wrong, "web-0"), "{wrong}");
        }
        for right in ["web-0", "node.example.com", "system:node", "A_b"] {
            assert!(check("shop", right), "{right}");
        }
        let node = Kind::find("Node").unwrap();
        assert!(node.check_key(&ObjectKey::new("Node", "", "a")).is_ok());
        assert!(node.check_key(&ObjectKey::new("Node", "shop", "a")).is_err());
    }

    #[test]
    fn no_kind_is_listed_twice() {
        let mut names: Vec<_> = Kind::all().iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::all().len());
    }
}
