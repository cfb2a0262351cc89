//! `pages.slack`: a bot that writes to a workspace, or an incoming webhook of one channel.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::SlackSink;
use crate::model::HumanDuration;
use crate::notify::Sink;
use crate::notify::settings::{BuildError, Findings, SinkSettings};
use crate::secret::SecretSource;

/// How pages come to Slack: `token` and `channel`, or `webhook`.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackSettings {
    /// The bot token of an app with the scope `chat:write`.
    #[serde(default)]
    pub token: Option<SecretSource>,
    /// The id of the channel of all teams that have no other one in oncall.yaml.
    #[serde(default)]
    pub channel: Option<String>,
    /// The whole URL of an incoming webhook.
    #[serde(default)]
    pub webhook: Option<SecretSource>,
    /// Where Slack's methods are.
    #[serde(default = "api")]
    pub api_url: String,
    /// How long Slack may take to answer.
    #[serde(default = "HumanDuration::ten_seconds")]
    pub timeout: HumanDuration,
}

fn api() -> String {
    super::API.to_owned()
}

impl SinkSettings for SlackSettings {
    fn secrets(&self) -> Vec<(String, &SecretSource)> {
        let token = self.token.iter().map(|token| ("token".to_owned(), token));
        token.chain(self.webhook.iter().map(|url| ("webhook".to_owned(), url))).collect()
    }

    fn anchor(&mut self, base: &Path) {
        self.token.iter_mut().chain(&mut self.webhook).for_each(|secret| secret.anchor(base));
    }

    fn check(&self, findings: &mut Findings) {
        match (&self.token, &self.webhook) {
            (None, None) => findings.problem(
                "",
                "nothing says how pages come to Slack",
                "write `token: { file: ... }` with a `channel`, or `webhook: { file: ... }`",
            ),
            (Some(_), Some(_)) => findings.problem(
                "webhook",
                "a bot and a webhook would both bring each page",
                "keep `token` and `channel`: a bot edits its messages, a webhook cannot",
            ),
            (Some(_), None) if self.channel.is_none() => findings.problem(
                "token",
                "nothing says in which channel pages stand",
                "write `channel: C012AB3CD`: in Slack it stands at the end of the channel's details",
            ),
            (None, Some(_)) if self.channel.is_some() => findings.problem(
                "channel",
                "a webhook writes to the channel that it was made for",
                "take this line out, or write `token` instead of `webhook`",
            ),
            _ => {}
        }
        if let Some(channel) = self.channel.as_ref().filter(|channel| !is_channel(channel)) {
            findings.problem(
                "channel",
                format!("`{channel}` is no id of a channel, which begins with `C` or `G`"),
                "in Slack, open the channel's details; it stands at their end: `C012AB3CD`",
            );
        }
        findings.url("api_url", &self.api_url);
        findings.timeout("timeout", self.timeout);
    }

    fn build(&self) -> Result<Arc<dyn Sink>, BuildError> {
        match (&self.token, &self.webhook, &self.channel) {
            (Some(token), None, Some(channel)) => {
                Ok(Arc::new(SlackSink::bot(&self.api_url, token.read()?, channel, self.timeout.0)?))
            }
            (None, Some(url), None) => Ok(Arc::new(SlackSink::webhook(&url.read()?, self.timeout.0)?)),
            _ => Err(BuildError::Other(
                "`pages.slack` needs either `token` and `channel`, or `webhook`; `dogwatch check` says more".to_owned(),
            )),
        }
    }
}

fn is_channel(text: &str) -> bool {
    let is_id = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    text.starts_with(['C', 'G']) && (9..=21).contains(&text.len()) && text.chars().all(is_id)
}
