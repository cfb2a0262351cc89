//! `pages`: how somebody on call is reached.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::ChatConfig;
use super::budget::{BudgetConfig, budgets};
use crate::model::PageBudgets;
use crate::notify::{
    EmailSettings, MattermostSettings, NtfySettings, PagerDutySettings, SinkSettings, SlackSettings, TeamsSettings,
    WebhookSettings,
};

/// Makes a section of `pages` for each sink. Where `pages.sinks` does not say otherwise, they are
/// tried in this order, with Discord between the two lists and the console at the end.
macro_rules! page_sinks {
    ([$($name:ident: $settings:ty,)*] discord [$($later:ident: $of_later:ty,)*]) => {
        #[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct PagesConfig {
            /// In this order: the next entry is asked when one fails. Left out: all that are
            /// configured, one by one.
            pub sinks: Option<Vec<SinkEntry>>,
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
        email: EmailSettings,
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

impl schemars::JsonSchema for PageSink {
    fn schema_name() -> Cow<'static, str> {
        "PageSink".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": Self::ALL })
    }
}

impl<'de> Deserialize<'de> for PageSink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|known| **known == text);
        known.map(|known| Self(known)).ok_or_else(|| D::Error::unknown_variant(&text, Self::ALL))
    }
}

/// An entry of `pages.sinks`: one sink, or a list of those that are told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkEntry(pub Vec<PageSink>);

impl schemars::JsonSchema for SinkEntry {
    fn schema_name() -> Cow<'static, str> {
        "SinkEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<PageSink>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

// By hand, as an untagged enum would not say which sink is unknown.
impl<'de> Deserialize<'de> for SinkEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = SinkEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sink such as `pagerduty`, or a list of those that are told at once")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SinkEntry, E> {
                Ok(SinkEntry(vec![PageSink::deserialize(StrDeserializer::new(text))?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<SinkEntry, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(SinkEntry)
            }
        }

        deserializer.deserialize_any(EntryVisitor)
    }
}

impl PagesConfig {
    /// The sinks in the order in which they are asked: all of one entry at once.
    pub fn order(&self, chat: &ChatConfig) -> Vec<Vec<PageSink>> {
        match &self.sinks {
            Some(entries) => entries.iter().map(|entry| entry.0.clone()).collect(),
            // The console stands at the end: it is the channel that needs nothing.
            None => self.there(chat).into_iter().chain([PageSink::CONSOLE]).map(|sink| vec![sink]).collect(),
        }
    }

    /// All that are configured and call somebody, in the usual order.
    pub fn there(&self, chat: &ChatConfig) -> Vec<PageSink> {
        let is_there = |sink: &PageSink| *sink != PageSink::CONSOLE && self.has(*sink, chat);
        PageSink::ALL.iter().map(|name| PageSink(name)).filter(is_there).collect()
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
