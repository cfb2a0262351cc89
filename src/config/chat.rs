//! `chat`: where the bot talks with people.

use std::path::Path;

use serde::Deserialize;

use crate::discord::DiscordConfig;

#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChatConfig {
    pub console: ConsoleMode,
    pub discord: Option<DiscordConfig>,
}

/// Whether incidents are told, and commands taken, on the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConsoleMode {
    On,
    Off,
    /// On without Discord, off with it.
    #[default]
    Auto,
}

impl ChatConfig {
    /// Whether the console is used.
    pub fn uses_console(&self) -> bool {
        match self.console {
            ConsoleMode::On => true,
            ConsoleMode::Off => false,
            ConsoleMode::Auto => self.discord.is_none(),
        }
    }

    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(discord) = &mut self.discord {
            discord.token.anchor(base);
        }
    }
}
