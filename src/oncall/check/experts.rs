//! Areas and their experts.

use std::sync::Arc;

use super::{Check, is_label};
use crate::oncall::document::{AreaEntry, Text};
use crate::oncall::error::shortened;
use crate::oncall::experts::Area;
use crate::oncall::{Member, OnCallError};

impl Check<'_> {
    pub(super) fn areas(&self, entries: &[AreaEntry], members: &[Arc<Member>]) -> Result<Vec<Area>, OnCallError> {
        let mut areas: Vec<Area> = Vec::new();
        for entry in entries {
            let name = &entry.area.value;
            if !is_label(name) {
                let message = format!("`{}` can be no area's name", shortened(name));
                let remedy = "write lower-case letters, digits and inner `-`, such as `storage`";
                return Err(self.wrong(&entry.area, message, remedy));
            }
            if areas.iter().any(|area| area.name == *name) {
                return Err(self.twice(&entry.area, "area"));
            }
            if entry.people.value.is_empty() {
                let message = format!("area `{name}` has no experts");
                return Err(self.wrong(&entry.people, message, "name at least one of the members: `people: [ada]`"));
            }
            let mut people: Vec<Arc<Member>> = Vec::new();
            for text in &entry.people.value {
                let member = self.known_member(text, members)?;
                if people.iter().any(|known| known.name == member.name) {
                    let message = format!("area `{name}` names `{}` twice", member.name);
                    return Err(self.wrong(text, message, "keep the first"));
                }
                people.push(member);
            }
            areas.push(Area {
                name: name.clone(),
                people,
                alerts: self.patterns(&entry.alerts)?,
                playbooks: self.patterns(&entry.playbooks)?,
                namespaces: self.patterns(&entry.namespaces)?,
            });
        }
        Ok(areas)
    }

    fn patterns(&self, texts: &[Text]) -> Result<Vec<String>, OnCallError> {
        let pattern = |text: &Text| match text.value.trim() {
            "" => Err(self.wrong(text, "an empty name is none", "write one such as `KubePersistentVolume*`")),
            name => Ok(name.to_owned()),
        };
        texts.iter().map(pattern).collect()
    }
}
