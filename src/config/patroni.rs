//! `patroni`: how the REST API of Patroni is reached in the pods of its members.

use std::path::Path;

use serde::Deserialize;

use super::AuthConfig;
use crate::model::HumanDuration;
use crate::patroni::{PORT, Scheme, TIMEOUT};

/// Only what playbooks with `patroni.*` need.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PatroniConfig {
    /// Where it listens in each pod: the port of `restapi.connect_address`.
    pub port: u16,
    pub scheme: Scheme,
    /// What its `restapi.authentication` asks of who changes something; without it, reading works
    /// all the same.
    pub auth: Option<AuthConfig>,
    /// How long one request may take.
    pub timeout: HumanDuration,
}

impl Default for PatroniConfig {
    fn default() -> Self {
        Self { port: PORT, scheme: Scheme::default(), auth: None, timeout: HumanDuration(TIMEOUT) }
    }
}

impl PatroniConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(auth) = &mut self.auth {
            auth.anchor(base);
        }
    }
}
