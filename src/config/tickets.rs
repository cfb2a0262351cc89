//! `tickets`: where what pages nobody becomes a ticket.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::SecretSource;
use crate::model::HumanDuration;

/// One tracker, or one part of it.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketConfig {
    /// How people and the timeline call it.
    pub name: String,
    pub kind: TicketKind,
    /// Where its API is; of a webhook, where it is sent. Left out: github.com or gitlab.com.
    #[serde(default)]
    pub url: Option<String>,
    /// Of GitHub: `owner/name`.
    #[serde(default)]
    pub repository: Option<String>,
    /// Of GitLab: `group/project`, or its number.
    #[serde(default)]
    pub project: Option<String>,
    #[serde(default)]
    pub token: Option<SecretSource>,
    /// What each ticket is labelled with.
    #[serde(default = "dogwatch")]
    pub labels: Vec<String>,
    /// Whether a ticket is closed when its incident is over.
    #[serde(default = "yes")]
    pub close: bool,
    /// Whose tickets are made there. Empty: those of all teams that no other sink names.
    #[serde(default)]
    pub teams: Vec<String>,
    /// The hosts that it may be sent to. Empty: the URL's own.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    /// How long one request may take.
    #[serde(default = "HumanDuration::ten_seconds")]
    pub timeout: HumanDuration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TicketKind {
    Webhook,
    GitHub,
    GitLab,
}

impl TicketConfig {
    /// No request may take longer: a delivery is waited for no longer either.
    pub(super) const LONGEST: Duration = Duration::from_secs(20);

    /// Where it is sent; empty where nothing says so.
    pub fn address(&self) -> &str {
        let usual = match self.kind {
            TicketKind::Webhook => "",
            TicketKind::GitHub => "https://api.github.com",
            TicketKind::GitLab => "https://gitlab.com/api/v4",
        };
        self.url.as_deref().unwrap_or(usual)
    }

    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(token) = &mut self.token {
            token.anchor(base);
        }
    }
}

fn yes() -> bool {
    true
}

fn dogwatch() -> Vec<String> {
    vec!["dogwatch".to_owned()]
}
