//! `pages.mattermost`: an incoming webhook.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::MattermostSink;
use crate::model::HumanDuration;
use crate::notify::Sink;
use crate::notify::settings::{BuildError, Findings, SinkSettings};
use crate::secret::SecretSource;

/// How pages come to Mattermost.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MattermostSettings {
    /// The whole URL of the webhook.
    pub url: SecretSource,
    /// How long Mattermost may take to answer.
    #[serde(default = "HumanDuration::ten_seconds")]
    pub timeout: HumanDuration,
}

impl SinkSettings for MattermostSettings {
    fn secrets(&self) -> Vec<(String, &SecretSource)> {
        vec![("url".to_owned(), &self.url)]
    }

    fn anchor(&mut self, base: &Path) {
        self.url.anchor(base);
    }

    fn check(&self, findings: &mut Findings) {
        findings.timeout("timeout", self.timeout);
    }

    fn build(&self) -> Result<Arc<dyn Sink>, BuildError> {
        Ok(Arc::new(MattermostSink::new(&self.url.read()?, self.timeout.0)?))
    }
}
