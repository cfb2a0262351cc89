//! `server`: where the bot listens, and to whom.

use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;

use super::{AuthConfig, ByteSize, HeartbeatConfig, SecretSource};
use crate::model::Role;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    /// Where health and metrics are served too, apart from what comes in.
    pub health_listen: Option<SocketAddr>,
    /// Where people outside reach this server, such as `https://dogwatch.example.com`: then pages
    /// that go to one person have a link that acknowledges. Only `/ack/` need be reachable, and
    /// `/v1/pagerduty` where that is used.
    pub public_url: Option<String>,
    /// Short for one of the `sources`: the name of the Alertmanager that delivers to
    /// `/v1/alertmanager`. Left out: it is
    /// `alertmanager`, unless `sources` say who delivers.
    pub source: Option<String>,
    /// The largest body of a webhook. A group of 10,000 alerts is one body of 5 MiB, and after a refusal Alertmanager is
    /// silent until its next group_interval.
    pub body_limit: ByteSize,
    /// What that Alertmanager must show. `None` is refused where others than this machine can reach
    /// us.
    pub webhook_auth: Option<AuthConfig>,
    /// Something in front of us authenticates.
    pub insecure_no_auth: bool,
    /// Alerts of that Alertmanager that must keep coming. Left out: `Watchdog`, if it ever came.
    pub heartbeats: Option<Vec<HeartbeatConfig>>,
    /// Who may use the API, and so the command line.
    pub api_tokens: Vec<ApiToken>,
}

/// A token for the API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiToken {
    /// Who holds it: this name stands on the timeline, unless `person` says another.
    pub name: String,
    /// The member of `oncall.yaml` who holds it: then they are one and the same here and in chat,
    /// and their yes counts as that of this member, once.
    pub person: Option<String>,
    pub role: Role,
    pub token: SecretSource,
}

impl ApiToken {
    /// By which name its holder is known.
    pub fn person(&self) -> &str {
        self.person.as_deref().unwrap_or(&self.name)
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            health_listen: None,
            public_url: None,
            source: None,
            body_limit: ByteSize::mib(32),
            webhook_auth: None,
            insecure_no_auth: false,
            heartbeats: None,
            api_tokens: Vec::new(),
        }
    }
}

impl ServerConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(auth) = &mut self.webhook_auth {
            auth.anchor(base);
        }
        for token in &mut self.api_tokens {
            token.token.anchor(base);
        }
    }
}
