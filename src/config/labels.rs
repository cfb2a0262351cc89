//! `labels`: under which names alerts have the labels that name objects.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::LabelNames;

/// For each label as kube-state-metrics writes it, the names that are looked for, in order. They
/// take the place of the usual ones of that label.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct LabelsConfig(pub BTreeMap<String, Vec<String>>);

impl LabelsConfig {
    /// The usual names with these lists.
    pub fn names(&self) -> LabelNames {
        LabelNames::with(self.0.clone())
    }
}
