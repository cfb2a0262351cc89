//! `handoff`: where the reports of the shifts go, and how they look.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use crate::files::Mode;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HandoffConfig {
    pub dir: PathBuf,
    /// A handlebars template instead of the built-in one.
    pub template: Option<PathBuf>,
    /// Who may read the reports: `"0640"`, the bot's group. Of a folder that is made, who may list
    /// it.
    #[serde(deserialize_with = "mode")]
    #[schemars(with = "String")]
    pub mode: Mode,
}

impl Default for HandoffConfig {
    fn default() -> Self {
        Self { dir: PathBuf::from("handoffs"), template: None, mode: Mode::GROUP }
    }
}

impl HandoffConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        super::anchor(base, &mut self.dir);
        if let Some(template) = &mut self.template {
            super::anchor(base, template);
        }
    }
}

/// With quotes or without: as a text it keeps its zero.
fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
