//! `engine.autonomy_ceilings`: how far runs may go at the most, by namespace, team and playbook.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::Autonomy;

/// By their names. Of those that concern a run, and of `engine.autonomy_ceiling`, the least counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CeilingsConfig {
    pub namespaces: BTreeMap<String, Autonomy>,
    pub teams: BTreeMap<String, Autonomy>,
    pub playbooks: BTreeMap<String, Autonomy>,
}

/// The ConfigMap that freezes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FreezeConfig {
    /// Left out: that of the bot's own pod; outside a cluster none is asked.
    pub namespace: Option<String>,
    pub name: String,
}

impl Default for FreezeConfig {
    fn default() -> Self {
        Self { namespace: None, name: "dogwatch-freeze".into() }
    }
}
