//! What the configuration says of a way to reach people.
//!
//! Each sink has its own in its folder; `pages` in `dogwatch.yaml` has a section for each, under
//! the sink's name.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use super::{Sink, WebhookError};
use crate::model::HumanDuration;
use crate::proxy::is_loopback;
use crate::secret::{SecretError, SecretSource};

/// A sink's section of the configuration.
pub trait SinkSettings: Send + Sync {
    /// Where its secrets lie, each with its field below the section.
    fn secrets(&self) -> Vec<(String, &SecretSource)>;

    /// Has relative paths start at `base`, the folder of the configuration.
    fn anchor(&mut self, base: &Path);

    /// Says what is wrong. Nobody is asked, and no secret is read.
    fn check(&self, findings: &mut Findings);

    /// Sets it up. Nobody is written to.
    ///
    /// # Errors
    /// When a secret is not there, or an address cannot be used.
    fn build(&self) -> Result<Arc<dyn Sink>, BuildError>;
}

/// Why a sink cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Http(#[from] WebhookError),
    #[error("{0}")]
    Other(String),
}

/// What is wrong with a section, and what an operator should know although it works.
#[derive(Debug, Default)]
pub struct Findings {
    pub problems: Vec<Finding>,
    pub warnings: Vec<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Below the section, as `url` or `routing_keys.databases`.
    pub field: String,
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl Findings {
    pub fn problem(&mut self, field: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Finding { field: field.to_owned(), message: message.into(), remedy: remedy.into() });
    }

    /// The host of an address to which something is sent: `https`, except on this machine.
    pub fn url(&mut self, field: &str, url: &str) -> Option<String> {
        self.host(field, url, true)
    }

    /// The host of an URL that is one; `secure`: others must not read what is sent there.
    pub fn host(&mut self, field: &str, url: &str, secure: bool) -> Option<String> {
        let Some(parsed) = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
            self.problem(field, "this is no URL", "write it from the `http` on: `https://example.com/path`");
            return None;
        };
        let host = parsed.host_str().unwrap_or_default().to_owned();
        if !parsed.username().is_empty() || parsed.password().is_some() {
            self.problem(
                field,
                "the URL holds a user name or password, and would show it in logs",
                "take it out of the URL and name its file in the field for it",
            );
        }
        if secure && parsed.scheme() == "http" && !is_loopback(&host) {
            self.problem(
                field,
                format!("what is sent to `{host}` over plain http can be read and changed on its way"),
                "write `https://`",
            );
        }
        Some(host)
    }

    /// The same where `allow_hosts` may say which hosts it may be.
    pub fn allowed_url(&mut self, field: &str, url: &str, allow_hosts: &[String]) {
        let Some(host) = self.url(field, url) else { return };
        if !allow_hosts.is_empty() && !allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host)) {
            let remedy = format!("add `{host}` to `allow_hosts`, or send to one of its hosts");
            self.problem(field, format!("`{host}` is not one of `allow_hosts`"), remedy);
        }
    }

    /// How long a receiver may take: longer no delivery is waited for, as the next sink may be
    /// quicker.
    pub fn timeout(&mut self, field: &str, timeout: HumanDuration) {
        if !(Duration::from_secs(1)..=Duration::from_secs(20)).contains(&timeout.0) {
            let message = format!("a time-out of {timeout} makes no sense");
            self.problem(field, message, "write `1s` to `20s`; `10s` is usual");
        }
    }
}
