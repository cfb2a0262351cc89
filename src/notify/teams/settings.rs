//! `pages.teams`: webhooks of Workflows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::TeamsSink;
use crate::model::HumanDuration;
use crate::notify::Sink;
use crate::notify::settings::{BuildError, Findings, SinkSettings};
use crate::secret::SecretSource;

/// How pages come to Microsoft Teams.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamsSettings {
    /// The whole URL of the workflow for all teams that have no other one.
    pub url: SecretSource,
    /// Of teams of oncall.yaml that have a channel of their own.
    #[serde(default)]
    pub team_urls: BTreeMap<String, SecretSource>,
    /// How long Teams may take to answer.
    #[serde(default = "HumanDuration::ten_seconds")]
    pub timeout: HumanDuration,
}

impl SinkSettings for TeamsSettings {
    fn secrets(&self) -> Vec<(String, &SecretSource)> {
        let of_teams = self.team_urls.iter().map(|(team, url)| (format!("team_urls.{team}"), url));
        std::iter::once(("url".to_owned(), &self.url)).chain(of_teams).collect()
    }

    fn anchor(&mut self, base: &Path) {
        self.team_urls.values_mut().chain([&mut self.url]).for_each(|url| url.anchor(base));
    }

    fn check(&self, findings: &mut Findings) {
        findings.timeout("timeout", self.timeout);
    }

    fn build(&self) -> Result<Arc<dyn Sink>, BuildError> {
        let of_team = |(team, url): (&String, &SecretSource)| Ok((team.clone(), url.read()?));
        let of_teams = self.team_urls.iter().map(of_team).collect::<Result<_, BuildError>>()?;
        Ok(Arc::new(TeamsSink::new(&self.url.read()?, &of_teams, self.timeout.0)?))
    }
}
