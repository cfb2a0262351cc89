//! `pages.webhook`: a receiver of documents.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::WebhookSink;
use crate::model::HumanDuration;
use crate::notify::Sink;
use crate::notify::settings::{BuildError, Findings, SinkSettings, ten_seconds};
use crate::secret::SecretSource;

/// A receiver of pages over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// `https://`; plain `http://` only on this machine.
    pub url: String,
    #[serde(default)]
    pub token: Option<SecretSource>,
    /// The hosts that pages may go to. Empty: the URL's own.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    /// How long the receiver may take to answer.
    #[serde(default = "ten_seconds")]
    pub timeout: HumanDuration,
}

impl SinkSettings for WebhookSettings {
    fn secrets(&self) -> Vec<(String, &SecretSource)> {
        self.token.iter().map(|token| ("token".to_owned(), token)).collect()
    }

    fn anchor(&mut self, base: &Path) {
        self.token.iter_mut().for_each(|token| token.anchor(base));
    }

    fn check(&self, findings: &mut Findings) {
        findings.allowed_url("url", &self.url, &self.allow_hosts);
        findings.timeout("timeout", self.timeout);
    }

    fn build(&self) -> Result<Arc<dyn Sink>, BuildError> {
        let token = self.token.as_ref().map(SecretSource::read).transpose()?;
        Ok(Arc::new(WebhookSink::new(&self.url, token, &self.allow_hosts, self.timeout.0)?))
    }
}
