//! `pages.pagerduty`: where PagerDuty takes events, and by which keys.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::{API_URL, PagerDutySink, RoutingKeys};
use crate::model::HumanDuration;
use crate::notify::Sink;
use crate::notify::settings::{BuildError, Findings, SinkSettings};
use crate::secret::SecretSource;

/// PagerDuty.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PagerDutySettings {
    /// The integration key of an Events API v2 integration: for teams without one of their own.
    #[serde(default)]
    pub routing_key: Option<SecretSource>,
    /// Of teams that have a service of their own.
    #[serde(default)]
    pub routing_keys: BTreeMap<String, SecretSource>,
    /// `https://events.eu.pagerduty.com` in the European region.
    #[serde(default = "api_url")]
    pub api_url: String,
    /// What its webhook signs by. Left out: nothing comes back from there.
    #[serde(default)]
    pub webhook_secret: Option<SecretSource>,
    /// How long it may take to answer.
    #[serde(default = "HumanDuration::ten_seconds")]
    pub timeout: HumanDuration,
}

fn api_url() -> String {
    API_URL.to_owned()
}

impl SinkSettings for PagerDutySettings {
    fn secrets(&self) -> Vec<(String, &SecretSource)> {
        let one = self.routing_key.iter().map(|key| ("routing_key".to_owned(), key));
        let of_teams = self.routing_keys.iter().map(|(team, key)| (format!("routing_keys.{team}"), key));
        let webhook = self.webhook_secret.iter().map(|secret| ("webhook_secret".to_owned(), secret));
        one.chain(of_teams).chain(webhook).collect()
    }

    fn anchor(&mut self, base: &Path) {
        let keys = self.routing_key.iter_mut().chain(self.routing_keys.values_mut());
        keys.chain(&mut self.webhook_secret).for_each(|secret| secret.anchor(base));
    }

    fn check(&self, findings: &mut Findings) {
        if self.routing_key.is_none() && self.routing_keys.is_empty() {
            findings.problem(
                "routing_key",
                "there is no routing key, so that no page can go to PagerDuty",
                "write `routing_key: { file: pagerduty-key }` with the integration key of a service",
            );
        }
        findings.url("api_url", &self.api_url);
        findings.timeout("timeout", self.timeout);
        if self.webhook_secret.is_none() {
            findings.warnings.push(
                "`pages.pagerduty.webhook_secret` is not set: who acknowledges at PagerDuty is not known here, and has to \
                 say so in chat, too"
                    .to_owned(),
            );
        }
    }

    fn build(&self) -> Result<Arc<dyn Sink>, BuildError> {
        let of_others = self.routing_key.as_ref().map(SecretSource::read).transpose()?;
        let of_teams = self.routing_keys.iter().map(|(team, key)| Ok((team.clone(), key.read()?)));
        let keys = RoutingKeys::new(of_others, of_teams.collect::<Result<_, BuildError>>()?);
        Ok(Arc::new(PagerDutySink::new(&self.api_url, keys, self.timeout.0)?))
    }
}
