//! Which object of the cluster.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::kind_text::kind_identity;

/// The object that a run is about. Locks, limits, cooldowns and history hang on it.
pub type Target = ObjectKey;

/// Kind, namespace and name of an object of the cluster.
///
/// An object is the same one however its kind is written and in whatever version it is read: keys
/// are compared by group and name of the kind.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ObjectKey {
    /// The kind as Kubernetes spells it: `Deployment`; with its group where it is not Kubernetes'
    /// own: `Certificate.cert-manager.io`, or `Certificate.v1.cert-manager.io` to be read in that
    /// version.
    pub kind: String,
    /// Empty for objects of the whole cluster, such as nodes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    pub name: String,
}

impl ObjectKey {
    pub fn new(kind: impl Into<String>, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }

    /// Whether it is of that kind of Kubernetes itself, in whatever version.
    pub fn is_a(&self, kind: &str) -> bool {
        kind_identity(&self.kind) == kind
    }

    /// Where it is: a namespace is in itself. Empty for what is in none.
    pub fn place(&self) -> &str {
        if self.kind == "Namespace" { &self.name } else { &self.namespace }
    }

    /// The one text that stands for this object in locks, limits and grouping: `Deployment/kube-system/coredns`.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", kind_identity(&self.kind), self.namespace, self.name)
    }

    fn parts(&self) -> (Cow<'_, str>, &str, &str) {
        (kind_identity(&self.kind), &self.namespace, &self.name)
    }
}

impl PartialEq for ObjectKey {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for ObjectKey {}

impl PartialOrd for ObjectKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl Hash for ObjectKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// As people say it: `deployment/coredns in kube-system`.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_lowercase(), self.name)?;
        if self.namespace.is_empty() { Ok(()) } else { write!(f, " in {}", self.namespace) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_the_same_however_its_kind_is_written() {
        let of = |kind: &str| ObjectKey::new(kind, "web", "shop-tls");
        assert_eq!(of("Certificate.cert-manager.io"), of("Certificate.v1.cert-manager.io"));
        assert_eq!(of("Certificate.v1.cert-manager.io").key(), "Certificate.cert-manager.io/web/shop-tls");
        assert_eq!(of("HorizontalPodAutoscaler.v1.autoscaling"), of("HorizontalPodAutoscaler"));
        assert_eq!(of("deployments.apps").key(), "Deployment/web/shop-tls");
        assert!(of("Job.v1beta1.batch").is_a("Job") && !of("Job.example.com").is_a("Job"));
        assert_ne!(of("Service"), of("Service.serving.knative.dev"));
        assert_eq!(of("Certificate.cert-manager.io").to_string(), "certificate.cert-manager.io/shop-tls in web");
    }
}
