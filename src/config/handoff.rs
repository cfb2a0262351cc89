//! `handoff`: where the reports of the shifts go, and how they look.

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HandoffConfig {
    pub dir: PathBuf,
    /// A handlebars template instead of the built-in one.
    pub template: Option<PathBuf>,
}

impl Default for HandoffConfig {
    fn default() -> Self {
        Self { dir: PathBuf::from("handoffs"), template: None }
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
