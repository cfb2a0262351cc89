//! `network`: what playbooks may look at with `dns.lookup`, `tcp.connect` and `tls.inspect`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::anchor;
use crate::network::{HostPattern, Reach};

/// Left out: the names of Services.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Hosts that may be looked at: `db.example.com`, `*.example.com` (what is below it), an
    /// address or a network such as `10.42.0.0/16`. A name that is covered may lead to any address
    /// but loopback, link-local and metadata ones.
    pub hosts: Vec<String>,
    /// Who else may have signed certificates (PEM), beside those whom this machine trusts: the
    /// authority of the databases, for one.
    pub ca_file: Option<PathBuf>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { hosts: vec!["*.svc".into(), "*.svc.cluster.local".into()], ca_file: None }
    }
}

impl NetworkConfig {
    /// Who may be looked at. What is no host is left out: [`Config::check`](super::Config::check)
    /// refuses it.
    pub fn reach(&self) -> Reach {
        Reach::new(self.hosts.iter().filter_map(|host| host.parse::<HostPattern>().ok()).collect())
    }

    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(path) = &mut self.ca_file {
            anchor(base, path);
        }
    }
}
