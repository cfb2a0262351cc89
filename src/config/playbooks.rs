//! `playbooks`: where they lie.

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlaybooksConfig {
    pub dir: PathBuf,
}

impl Default for PlaybooksConfig {
    fn default() -> Self {
        Self { dir: PathBuf::from("playbooks") }
    }
}

impl PlaybooksConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        super::anchor(base, &mut self.dir);
    }
}
