//! `pages`: how somebody on call is reached.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::budget::{BudgetConfig, budgets};
use super::{ChatConfig, SecretSource};
use crate::model::{HumanDuration, PageBudgets};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PagesConfig {
    /// In this order: the next is tried when one fails. `None`: Discord, the webhook and the console, as far as they are
    /// configured.
    pub sinks: Option<Vec<PageSink>>,
    pub webhook: Option<WebhookConfig>,
    /// For how many incidents each team is paged before pages of S2 are folded together.
    pub budget: BudgetConfig,
    /// Of teams that have another one.
    pub team_budgets: BTreeMap<String, BudgetConfig>,
}

/// Where a page can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageSink {
    Discord,
    Webhook,
    Console,
}

impl PageSink {
    /// The sink's name in the outbox.
    pub fn name(self) -> &'static str {
        match self {
            PageSink::Discord => "discord",
            PageSink::Webhook => "webhook",
            PageSink::Console => "console",
        }
    }
}

impl fmt::Display for PageSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A receiver of pages over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
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

pub(super) fn ten_seconds() -> HumanDuration {
    HumanDuration(Duration::from_secs(10))
}

impl PagesConfig {
    /// The sinks in the order in which they are tried.
    pub fn order(&self, chat: &ChatConfig) -> Vec<PageSink> {
        let configured = || {
            let discord = chat.discord.is_some().then_some(PageSink::Discord);
            let webhook = self.webhook.is_some().then_some(PageSink::Webhook);
            // Whatever else is there: the console is the channel that needs nothing.
            [discord, webhook, Some(PageSink::Console)].into_iter().flatten().collect()
        };
        self.sinks.clone().unwrap_or_else(configured)
    }

    /// The budgets of all teams.
    pub fn budgets(&self) -> PageBudgets {
        budgets(self.budget, &self.team_budgets)
    }

    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(token) = self.webhook.as_mut().and_then(|webhook| webhook.token.as_mut()) {
            token.anchor(base);
        }
    }
}

/// Whether a URL's host is this machine itself, by its name or address and without asking the DNS.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
