//! `sources`: who sends alerts, in which form, and what they may start.

use std::path::Path;

use serde::Deserialize;

use super::AuthConfig;
use crate::intake::MapTexts;
use crate::model::MayStart;

/// Who sends alerts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The same for all peers of one Alertmanager cluster. An alert is known by it and by its labels, so that an alert of
    /// another name is another alert. It is delivered to `/v1/sources/NAME`.
    pub name: String,
    pub kind: SourceKind,
    /// What a delivery must show. `None`: its runs only suggest, unless something in front of the bot authenticates.
    #[serde(default)]
    pub auth: Option<AuthConfig>,
    /// Something in front of us authenticates.
    #[serde(default)]
    pub insecure_no_auth: bool,
    /// `None`: everything for `alertmanager`, nothing for `generic`.
    #[serde(default)]
    pub may_start: Option<MayStart>,
    /// What of an event is what of an alert. Only of `generic`, which needs it.
    #[serde(default)]
    pub map: Option<MapTexts>,
}

/// In which form it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Alertmanager's webhook, version 4; also what Grafana, Mimir, vmalert and Thanos send.
    Alertmanager,
    /// JSON of whoever, of which `map` makes alerts.
    Generic,
}

impl SourceKind {
    /// What a source of this kind may start where nothing is said.
    pub fn may_start(self) -> MayStart {
        match self {
            SourceKind::Alertmanager => MayStart::Everything,
            SourceKind::Generic => MayStart::Nothing,
        }
    }
}

impl SourceConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(auth) = &mut self.auth {
            auth.anchor(base);
        }
    }

    /// What its alerts may start.
    pub fn may_start(&self) -> MayStart {
        self.may_start.clone().unwrap_or_else(|| self.kind.may_start())
    }
}
