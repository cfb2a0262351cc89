//! `playbooks`: where they lie, and whether those that come with the program count.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files::SHIPPED;

#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlaybooksConfig {
    /// The folder of the site's own, with the folders in it. Left out: `playbooks` beside the
    /// configuration, or none where the catalogue is `shipped`.
    pub dir: Option<PathBuf>,
    /// Which of those that come with the program count, beside the site's own.
    pub catalogue: Catalogue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Catalogue {
    /// None of them.
    #[default]
    None,
    /// All of them, but those whose name one of the site's own has. An alert that one of the site's
    /// own answers is left to that.
    Shipped,
}

impl PlaybooksConfig {
    /// The folder of the site's own, if there is to be one.
    pub fn dir(&self) -> Option<PathBuf> {
        match (&self.dir, self.catalogue) {
            (Some(dir), _) => Some(dir.clone()),
            (None, Catalogue::None) => Some(PathBuf::from("playbooks")),
            (None, Catalogue::Shipped) => None,
        }
    }

    /// All folders whose playbooks count, what is shipped first.
    pub fn folders(&self) -> Vec<PathBuf> {
        let shipped = (self.catalogue == Catalogue::Shipped).then(|| PathBuf::from(SHIPPED));
        shipped.into_iter().chain(self.dir()).collect()
    }

    pub(super) fn anchor(&mut self, base: &Path) {
        self.dir = self.dir();
        if let Some(dir) = &mut self.dir {
            super::anchor(base, dir);
        }
    }
}
