//! How somebody proves who they are, to us and we to others.

use std::path::Path;

use serde::Deserialize;

use super::SecretSource;

/// Bearer token or basic authentication.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthConfig {
    Bearer(SecretSource),
    Basic(BasicAuth),
}

/// User name and password.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    pub username: String,
    pub password: SecretSource,
}

impl AuthConfig {
    /// The secret in it, with the name of its field.
    pub(super) fn secret(&self, section: &str) -> (String, &SecretSource) {
        match self {
            AuthConfig::Bearer(token) => (format!("{section}.bearer"), token),
            AuthConfig::Basic(basic) => (format!("{section}.basic.password"), &basic.password),
        }
    }

    pub(super) fn anchor(&mut self, base: &Path) {
        match self {
            AuthConfig::Bearer(token) => token.anchor(base),
            AuthConfig::Basic(basic) => basic.password.anchor(base),
        }
    }
}
