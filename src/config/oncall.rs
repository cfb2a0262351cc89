//! `oncall`: where teams, members and rotations are written down.

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OncallConfig {
    pub file: PathBuf,
    /// The team that owns what no other team does.
    pub default_team: String,
}

impl Default for OncallConfig {
    fn default() -> Self {
        Self { file: PathBuf::from("oncall.yaml"), default_team: "platform".into() }
    }
}

impl OncallConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        super::anchor(base, &mut self.file);
    }
}
