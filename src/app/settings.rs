//! What the configuration sets of playbooks.

use std::sync::Arc;

use crate::config::{Config, PlaybookSettingsConfig};
use crate::playbook::{Setting, Settings, SiteSettings};

/// `playbooks.settings`, whose mistakes are told where they stand in the file.
pub fn site_settings(config: &Config) -> Arc<Settings> {
    let by_name = config.playbooks.settings.iter().map(|(name, set)| (name.clone(), setting(set))).collect();
    let config = config.clone();
    Arc::new(Settings::new(by_name, move |field, code, message, remedy| {
        config.problem(&format!("playbooks.settings.{field}"), code, message, remedy)
    }))
}

fn setting(config: &PlaybookSettingsConfig) -> Setting {
    let PlaybookSettingsConfig { enabled, autonomy, inputs, team, labels } = config;
    let inputs = inputs.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect();
    Setting {
        enabled: *enabled,
        set: SiteSettings { autonomy: *autonomy, owner: team.clone(), inputs, labels: labels.0.clone() },
    }
}
