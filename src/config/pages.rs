//! `pages`: how somebody on call is reached.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::ChatConfig;
use super::budget::{BudgetConfig, budgets};
use crate::model::PageBudgets;
use crate::notify::{
    MattermostSettings, NtfySettings, PagerDutySettings, SinkSettings, SlackSettings, TeamsSettings, WebhookSettings,
};

/// Makes a section of `pages` for each sink. Where `pages.sinks` does not say otherwise, they are
/// tried in this order, with Discord between the two lists and the console at the end.
macro_rules! page_sinks {
    ([$($name:ident: $settings:ty,)*] discord [$($later:ident: $of_later:ty,)*]) => {
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct PagesConfig {
            /// In this order: the next is tried when one fails. `None`: all that are configured.
            pub sinks: Option<Vec<PageSink>>,
            $(pub $name: Option<$settings>,)*
            $(pub $later: Option<$of_later>,)*
            /// For how many incidents each team is paged before pages of S2 are folded together.
            pub budget: BudgetConfig,
            /// Of teams that have another one.
            pub team_budgets: BTreeMap<String, BudgetConfig>,
        }

        impl PageSink {
            /// All that there are, in the usual order.
            pub const ALL: &[&str] = &[$(stringify!($name),)* "discord", $(stringify!($later),)* "console"];
        }

        impl PagesConfig {
            /// What is said of each sink that is configured here, by its name.
            pub fn configured(&self) -> Vec<(&'static str, &dyn SinkSettings)> {
                let mut configured: Vec<(&'static str, &dyn SinkSettings)> = Vec::new();
                $(configured.extend(self.$name.as_ref().map(|of| (stringify!($name), of as &dyn SinkSettings)));)*
                $(configured.extend(self.$later.as_ref().map(|of| (stringify!($later), of as &dyn SinkSettings)));)*
                configured
            }

            pub(super) fn anchor(&mut self, base: &Path) {
                $(self.$name.iter_mut().for_each(|settings| settings.anchor(base));)*
                $(self.$later.iter_mut().for_each(|settings| settings.anchor(base));)*
            }
        }
    };
}

// Whoever makes a sink writes its line here.
page_sinks! {
    [
        pagerduty: PagerDutySettings,
        ntfy: NtfySettings,
    ]
    discord
    [
        slack: SlackSettings,
        mattermost: MattermostSettings,
        teams: TeamsSettings,
        webhook: WebhookSettings,
    ]
}

/// Where a page can go: a name of [`PageSink::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageSink(&'static str);

impl PageSink {
    pub const DISCORD: PageSink = PageSink("discord");
    pub const CONSOLE: PageSink = PageSink("console");

    /// The sink's name in the outbox.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for PageSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<'de> Deserialize<'de> for PageSink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|known| **known == text);
        known.map(|known| Self(known)).ok_or_else(|| D::Error::unknown_variant(&text, Self::ALL))
    }
}

impl PagesConfig {
    /// The sinks in the order in which they are tried.
    pub fn order(&self, chat: &ChatConfig) -> Vec<PageSink> {
        self.sinks.clone().unwrap_or_else(|| {
            // The console stands at the end: it is the channel that needs nothing.
            let is_there = |sink: &PageSink| *sink == PageSink::CONSOLE || self.has(*sink, chat);
            PageSink::ALL.iter().map(|name| PageSink(name)).filter(is_there).collect()
        })
    }

    /// Whether there is a section that says how to reach it.
    pub fn has(&self, sink: PageSink, chat: &ChatConfig) -> bool {
        match sink {
            PageSink::CONSOLE => true,
            PageSink::DISCORD => chat.discord.is_some(),
            PageSink(name) => self.configured().iter().any(|(configured, _)| *configured == name),
        }
    }

    /// The budgets of all teams.
    pub fn budgets(&self) -> PageBudgets {
        budgets(self.budget, &self.team_budgets)
    }
}
