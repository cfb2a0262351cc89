//! `cluster`: which Kubernetes cluster the bot works on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::model::HumanDuration;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// What alerts call this cluster. Nothing is changed here for an alert that names another one.
    /// Left out: whatever they name is taken for this one.
    pub name: Option<String>,
    /// The label by which alerts say their cluster.
    pub label: String,
    /// Left out: the pod's service account inside a cluster, else the kubeconfig that kubectl uses.
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig. Left out: its current one.
    pub context: Option<String>,
    /// How long one request may take.
    pub timeout: HumanDuration,
    /// The Lease that tells the bots of one cluster which of them may change it. All bots of a
    /// cluster must name the same one.
    pub lease: LeaseConfig,
}

/// Where the Lease is.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseConfig {
    pub namespace: String,
    pub name: String,
}

impl Default for LeaseConfig {
    /// In the namespace that every cluster has.
    fn default() -> Self {
        Self { namespace: "kube-system".into(), name: "dogwatch".into() }
    }
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            name: None,
            label: "cluster".into(),
            kubeconfig: None,
            context: None,
            timeout: HumanDuration(Duration::from_secs(10)),
            lease: LeaseConfig::default(),
        }
    }
}

impl ClusterConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(kubeconfig) = &mut self.kubeconfig {
            super::anchor(base, kubeconfig);
        }
    }
}
