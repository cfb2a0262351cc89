//! `pages.ntfy`: a server of ntfy, and a topic.

use std::path::Path;
use std::sync::Arc;

use reqwest::Url;
use serde::Deserialize;

use super::message::is_topic;
use super::{NtfyAuth, NtfySink};
use crate::model::HumanDuration;
use crate::notify::Sink;
use crate::notify::settings::{BuildError, Findings, SinkSettings};
use crate::secret::SecretSource;

/// How pages come to phones by ntfy.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NtfySettings {
    /// The server's root: `https://ntfy.example.com`.
    pub url: String,
    /// The topic of all teams that have no other one in oncall.yaml.
    pub topic: String,
    /// An access token of the server's.
    #[serde(default)]
    pub token: Option<SecretSource>,
    /// Instead of `token`.
    #[serde(default)]
    pub basic: Option<NtfyBasic>,
    /// How long the server may take to answer.
    #[serde(default = "HumanDuration::ten_seconds")]
    pub timeout: HumanDuration,
}

/// User name and password.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NtfyBasic {
    pub username: String,
    pub password: SecretSource,
}

impl SinkSettings for NtfySettings {
    fn secrets(&self) -> Vec<(String, &SecretSource)> {
        let token = self.token.iter().map(|token| ("token".to_owned(), token));
        let password = self.basic.iter().map(|basic| ("basic.password".to_owned(), &basic.password));
        token.chain(password).collect()
    }

    fn anchor(&mut self, base: &Path) {
        let password = self.basic.iter_mut().map(|basic| &mut basic.password);
        self.token.iter_mut().chain(password).for_each(|secret| secret.anchor(base));
    }

    fn check(&self, findings: &mut Findings) {
        findings.url("url", &self.url);
        if Url::parse(&self.url).is_ok_and(|url| !url.path().trim_matches('/').is_empty()) {
            findings.problem(
                "url",
                "this is no root of a server: messages of JSON are taken at the root alone",
                "write the server alone, such as `https://ntfy.example.com`, and the topic in `topic`",
            );
        }
        if !is_topic(&self.topic) {
            findings.problem(
                "topic",
                format!("`{}` is no topic of ntfy", self.topic),
                "write up to 64 letters, digits, `-` and `_`; whoever knows it may read it, unless the server says otherwise",
            );
        }
        match (&self.token, &self.basic) {
            (Some(_), Some(_)) => findings.problem(
                "basic",
                "a token and a password would both say who we are",
                "keep one of the two",
            ),
            (None, None) => findings.warnings.push(
                "`pages.ntfy` has neither `token` nor `basic`: whoever knows a topic reads its pages and can write some; make \
                 topics that nobody guesses, or let the server ask who it is"
                    .to_owned(),
            ),
            _ => {}
        }
        findings.timeout("timeout", self.timeout);
    }

    fn build(&self) -> Result<Arc<dyn Sink>, BuildError> {
        let auth = match (&self.token, &self.basic) {
            (Some(token), _) => Some(NtfyAuth::Token(token.read()?)),
            (None, Some(basic)) => {
                Some(NtfyAuth::Basic { username: basic.username.clone(), password: basic.password.read()? })
            }
            (None, None) => None,
        };
        Ok(Arc::new(NtfySink::new(&self.url, auth, &self.topic, self.timeout.0)?))
    }
}
