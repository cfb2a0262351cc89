//! `pages.webhook`: a receiver of documents.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::WebhookSink;
use crate::model::HumanDuration;
use crate::notify::Sink;
use crate::notify::settings::{BuildError, Findings, SinkSettings};
use crate::secret::SecretSource;

/// A receiver of pages over HTTP.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// `https://`; plain `http://` only on this machine.
    pub url: String,
    #[serde(default)]
    pub token: Option<SecretSource>,
    /// What each document is signed with, so that the receiver can tell that it is ours.
    #[serde(default)]
    pub signing_secret: Option<SecretSource>,
    /// Whether documents tell, too, that somebody has a page and that it is over: of the kind
    /// `outcome`, which calls nobody.
    #[serde(default)]
    pub outcomes: bool,
    /// The hosts that pages may go to. Empty: the URL's own.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    /// How long the receiver may take to answer.
    #[serde(default = "HumanDuration::ten_seconds")]
    pub timeout: HumanDuration,
}

impl SinkSettings for WebhookSettings {
    fn secrets(&self) -> Vec<(String, &SecretSource)> {
        let named = [("token", &self.token), ("signing_secret", &self.signing_secret)];
        named.into_iter().filter_map(|(name, secret)| Some((name.to_owned(), secret.as_ref()?))).collect()
    }

    fn anchor(&mut self, base: &Path) {
        [&mut self.token, &mut self.signing_secret].into_iter().flatten().for_each(|secret| secret.anchor(base));
    }

    fn check(&self, findings: &mut Findings) {
        findings.allowed_url("url", &self.url, &self.allow_hosts);
        findings.timeout("timeout", self.timeout);
    }

    fn build(&self) -> Result<Arc<dyn Sink>, BuildError> {
        let read = |secret: &Option<SecretSource>| secret.as_ref().map(SecretSource::read).transpose();
        let (token, signing_secret) = (read(&self.token)?, read(&self.signing_secret)?);
        let sink = WebhookSink::new(&self.url, token, &self.allow_hosts, self.timeout.0)?;
        Ok(Arc::new(sink.signed_with(signing_secret).telling_outcomes(self.outcomes)))
    }
}
