//! Areas and their experts.

use std::sync::Arc;

use super::{Check, is_label};
use crate::diagnostics::{Code, Diagnostic};
use crate::oncall::Member;
use crate::oncall::document::{AreaEntry, Text};
use crate::oncall::error::shortened;
use crate::oncall::experts::Area;

impl Check<'_> {
    pub(super) fn areas(&self, entries: &[AreaEntry], members: &[Arc<Member>]) -> Vec<Area> {
        let mut areas: Vec<Area> = Vec::new();
        for entry in entries {
            if areas.iter().any(|area| area.name == entry.area.value) {
                self.kept::<()>(Err(self.twice(&entry.area, "area")));
                continue;
            }
            areas.extend(self.kept(self.area(entry, members)));
        }
        areas
    }

    fn area(&self, entry: &AreaEntry, members: &[Arc<Member>]) -> Result<Area, Diagnostic> {
        let name = &entry.area.value;
        if !is_label(name) {
            let message = format!("`{}` can be no area's name", shortened(name));
            let remedy = "write lower-case letters, digits and inner `-`, such as `storage`";
            return Err(self.wrong(Code::InvalidName, &entry.area, message, remedy));
        }
        if entry.people.value.is_empty() {
            let message = format!("area `{name}` has no experts");
            let remedy = "name at least one of the members: `people: [ada]`";
            return Err(self.wrong(Code::NoValue, &entry.people, message, remedy));
        }
        let mut people: Vec<Arc<Member>> = Vec::new();
        for text in &entry.people.value {
            let member = self.known_member(text, members)?;
            if people.iter().any(|known| known.name == member.name) {
                let message = format!("area `{name}` names `{}` twice", member.name);
                return Err(self.wrong(Code::DuplicateName, text, message, "keep the first"));
            }
            people.push(member);
        }
        Ok(Area {
            name: name.clone(),
            people,
            alerts: self.patterns(&entry.alerts)?,
            playbooks: self.patterns(&entry.playbooks)?,
            namespaces: self.patterns(&entry.namespaces)?,
        })
    }

    fn patterns(&self, texts: &[Text]) -> Result<Vec<String>, Diagnostic> {
        let pattern = |text: &Text| match text.value.trim() {
            "" => Err(self.wrong(
                Code::NoValue,
                text,
                "an empty name is none",
                "write one such as `KubePersistentVolume*`",
            )),
            name => Ok(name.to_owned()),
        };
        texts.iter().map(pattern).collect()
    }
}
