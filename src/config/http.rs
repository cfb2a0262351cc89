//! `http`: which services playbooks may read over HTTP.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{AuthConfig, anchor};

/// Empty: none, so that each step with `http.request` fails.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Those that may be asked, each exactly: there are no patterns.
    pub hosts: Vec<HttpHostConfig>,
}

/// One service.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpHostConfig {
    /// Scheme, host and port, as playbooks write them:
    /// `http://prometheus-operated.monitoring.svc:9090`.
    pub url: String,
    /// What proves who we are there. It is sent to this service alone.
    pub auth: Option<AuthConfig>,
    /// Who may have signed its certificate (PEM). Left out: those whom this machine trusts.
    pub ca_file: Option<PathBuf>,
}

impl HttpConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        for host in &mut self.hosts {
            if let Some(auth) = &mut host.auth {
                auth.anchor(base);
            }
            if let Some(path) = &mut host.ca_file {
                anchor(base, path);
            }
        }
    }
}
