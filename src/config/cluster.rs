//! `cluster`: which Kubernetes cluster the bot works on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::model::HumanDuration;

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// `None`: the pod's service account inside a cluster, else the kubeconfig that kubectl uses.
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig; `None`: its current one.
    pub context: Option<String>,
    /// How long one request may take.
    pub timeout: HumanDuration,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self { kubeconfig: None, context: None, timeout: HumanDuration(Duration::from_secs(10)) }
    }
}

impl ClusterConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(kubeconfig) = &mut self.kubeconfig {
            super::anchor(base, kubeconfig);
        }
    }
}
