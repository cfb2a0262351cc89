//! `store`: where what must not be forgotten lies.

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The SQLite file; it is created if it is missing. On a disk of this machine: SQLite's locks don't work on NFS.
    pub sqlite: PathBuf,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { sqlite: PathBuf::from("dogwatch.db") }
    }
}

impl StoreConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        super::anchor(base, &mut self.sqlite);
    }
}
