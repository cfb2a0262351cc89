//! `alertmanager`: whose silences and inhibitions hold here, too, and who says after an outage
//! whether an alert still fires, and to playbooks what else does.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::AuthConfig;
use crate::model::HumanDuration;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertmanagerConfig {
    /// Where its API begins: `http://alertmanager.monitoring:9093`, or with the prefix under which
    /// it is served.
    pub url: String,
    #[serde(default)]
    pub auth: Option<AuthConfig>,
    /// The sources whose alerts it knows, and so keeps quiet. Left out: all of the kind
    /// `alertmanager`.
    #[serde(default)]
    pub sources: Option<Vec<String>>,
    /// How long one question may take.
    #[serde(default = "five_seconds")]
    pub timeout: HumanDuration,
}

fn five_seconds() -> HumanDuration {
    HumanDuration(Duration::from_secs(5))
}

impl AlertmanagerConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(auth) = &mut self.auth {
            auth.anchor(base);
        }
    }
}
