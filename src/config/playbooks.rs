//! `playbooks`: where they lie, and whether those that come with the program count.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::LabelsConfig;
use crate::files::SHIPPED;
use crate::model::Autonomy;

#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlaybooksConfig {
    /// The folder of the site's own, with the folders in it. Left out: `playbooks` beside the
    /// configuration, or none where the catalogue is `shipped`.
    pub dir: Option<PathBuf>,
    /// Which of those that come with the program count, beside the site's own.
    pub catalogue: Catalogue,
    /// What is set of single ones, by their names, without a copy of their files. It counts from
    /// the next start; a run under way goes on as it began.
    pub settings: BTreeMap<String, PlaybookSettingsConfig>,
}

/// What a site sets of one playbook.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlaybookSettingsConfig {
    /// `false`: nothing starts it. An alert that it answers is left to another playbook, or goes to
    /// a person; runs under way go on to their end.
    pub enabled: bool,
    /// How far it may go alone: only less than the playbook says. Left out: as it says.
    pub autonomy: Option<Autonomy>,
    /// Defaults of inputs that it declares, of their type and within their bounds. What a person
    /// gives and an alert's label says goes before.
    pub inputs: BTreeMap<String, InputConfig>,
    /// The team of `oncall.yaml` that owns it, instead of `metadata.owner`.
    pub team: Option<String>,
    /// As `labels`, for this playbook alone, and for each label of its alerts that it reads: in
    /// `where`, for its target and its inputs, and in conditions and texts.
    pub labels: LabelsConfig,
}

impl Default for PlaybookSettingsConfig {
    fn default() -> Self {
        Self { enabled: true, autonomy: None, inputs: BTreeMap::new(), team: None, labels: LabelsConfig::default() }
    }
}

/// The value of an input, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct InputConfig(pub String);

impl schemars::JsonSchema for InputConfig {
    fn schema_name() -> Cow<'static, str> {
        "InputConfig".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The value of an input, as it is written",
            "type": ["string", "number", "boolean"],
        })
    }
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

    /// Whether more counts than what lies in a folder, as it is written.
    pub fn is_more_than_a_folder(&self) -> bool {
        self.catalogue == Catalogue::Shipped || !self.settings.is_empty()
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
