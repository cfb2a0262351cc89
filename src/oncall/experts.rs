//! Who knows what: areas, and their experts.

use std::sync::Arc;

use super::{Member, OnCall};
use crate::model::Concern;

/// What somebody knows more of than whoever is on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    pub name: String,
    /// At least one.
    pub people: Vec<Arc<Member>>,
    /// What belongs to it: any of these is enough. In each, `*` stands for any text.
    pub(super) alerts: Vec<String>,
    pub(super) playbooks: Vec<String>,
    pub(super) namespaces: Vec<String>,
}

impl Area {
    pub fn matches(&self, about: &Concern) -> bool {
        self.alerts.iter().any(|pattern| about.has_alert_like(pattern))
            || self.playbooks.iter().any(|pattern| about.has_playbook_like(pattern))
            || self.namespaces.iter().any(|pattern| about.has_namespace_like(pattern))
    }

    /// Nothing belongs to it by itself.
    pub(super) fn is_called_by_name_alone(&self) -> bool {
        self.alerts.is_empty() && self.playbooks.is_empty() && self.namespaces.is_empty()
    }

    pub fn names(&self) -> Vec<&str> {
        self.people.iter().map(|member| member.name.as_str()).collect()
    }
}

/// A name as somebody in a hurry means it: `Storage!` is `storage`.
fn bare(name: &str) -> String {
    name.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase()
}

impl OnCall {
    /// In the order of the file.
    pub fn areas(&self) -> &[Area] {
        &self.areas
    }

    pub fn area(&self, name: &str) -> Option<&Area> {
        self.areas.iter().find(|area| area.name == name)
    }

    /// Whom somebody asks for with a note that is the name of an area, or begins with it and a
    /// colon, whatever the case and with punctuation around it.
    pub fn area_asked_for(&self, note: Option<&str>) -> Option<&Area> {
        let note = note?;
        let asked = bare(note.split_once(':').map_or(note, |(area, _)| area));
        self.areas.iter().find(|area| bare(&area.name) == asked)
    }

    /// Those of the areas that match.
    pub(super) fn experts(&self, about: &Concern) -> Vec<Arc<Member>> {
        self.areas.iter().filter(|area| area.matches(about)).flat_map(|area| &area.people).cloned().collect()
    }

    /// `ada, bo (storage); cy (network)`. `None`: no area matches.
    pub fn tell_experts(&self, about: &Concern) -> Option<String> {
        let told = self.areas.iter().filter(|area| area.matches(about));
        let told: Vec<String> = told.map(|area| format!("{} ({})", area.names().join(", "), area.name)).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}
