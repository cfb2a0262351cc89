//! `maintenance`: where planned windows are written down.

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MaintenanceConfig {
    /// Left out: windows are opened by people only.
    pub file: Option<PathBuf>,
}

impl MaintenanceConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(file) = &mut self.file {
            super::anchor(base, file);
        }
    }
}
