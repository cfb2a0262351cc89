//! Which object of the cluster.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The object that a run is about. Locks, limits, cooldowns and history hang on it.
pub type Target = ObjectKey;

/// Kind, namespace and name of an object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ObjectKey {
    /// The kind as Kubernetes spells it: `Deployment`.
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

    /// Where it is: a namespace is in itself. Empty for what is in none.
    pub fn place(&self) -> &str {
        if self.kind == "Namespace" { &self.name } else { &self.namespace }
    }

    /// The one text that stands for this object in locks, limits and grouping: `Deployment/kube-system/coredns`.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

/// As people say it: `deployment/coredns in kube-system`.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_lowercase(), self.name)?;
        if self.namespace.is_empty() { Ok(()) } else { write!(f, " in {}", self.namespace) }
    }
}
