//! What differs between two versions of the file, in the words of the file and without its values.

use std::fmt::Debug;

use super::{Area, Member, OnCall, Team};

impl OnCall {
    /// What `newer` has that this one has not, and the other way round: `members + dana, − bob`,
    /// `team databases: rotation changed`. Empty: the two answer everything alike. Overrides are no
    /// part of the file.
    pub fn changes_to(&self, newer: &OnCall) -> Vec<String> {
        let mut changes = Vec::new();
        let names = |oncall: &OnCall| oncall.members.iter().map(|member| member.name.clone()).collect::<Vec<_>>();
        changes.extend(in_and_out("members", &names(self), &names(newer)));
        for member in &newer.members {
            let Some(before) = self.member(&member.name) else { continue };
            changes.extend(said(&format!("member {}", member.name), &changed_fields(before, member)));
        }
        let names = |oncall: &OnCall| oncall.teams.iter().map(|team| team.name.clone()).collect::<Vec<_>>();
        changes.extend(in_and_out("teams", &names(self), &names(newer)));
        for team in &newer.teams {
            let Some(before) = self.teams.iter().find(|before| before.name == team.name) else { continue };
            changes.extend(said(&format!("team {}", team.name), &changed_parts(before, team)));
        }
        let names = |oncall: &OnCall| oncall.areas.iter().map(|area| area.name.clone()).collect::<Vec<_>>();
        changes.extend(in_and_out("experts", &names(self), &names(newer)));
        for area in &newer.areas {
            let Some(before) = self.area(&area.name) else { continue };
            changes.extend(said(&format!("experts {}", area.name), &changed_area(before, area)));
        }
        if self.given != newer.given {
            changes.push("roles changed".to_owned());
        }
        if self.usual != newer.usual {
            changes.push("escalation of all teams changed".to_owned());
        }
        changes
    }
}

fn in_and_out(what: &str, before: &[String], after: &[String]) -> Option<String> {
    let new = after.iter().filter(|name| !before.contains(name)).map(|name| format!("+ {name}"));
    let gone = before.iter().filter(|name| !after.contains(name)).map(|name| format!("− {name}"));
    let named: Vec<String> = new.chain(gone).collect();
    (!named.is_empty()).then(|| format!("{what} {}", named.join(", ")))
}

fn said(whose: &str, changed: &[&str]) -> Option<String> {
    (!changed.is_empty()).then(|| format!("{whose}: {} changed", changed.join(", ")))
}

fn changed_fields(before: &Member, after: &Member) -> Vec<&'static str> {
    named([
        ("addresses", before.addresses != after.addresses),
        ("contacts", before.contacts != after.contacts),
        ("time_zone", before.time_zone != after.time_zone),
    ])
}

fn changed_area(before: &Area, after: &Area) -> Vec<&'static str> {
    named([
        ("people", before.names() != after.names()),
        ("alerts", before.alerts != after.alerts),
        ("playbooks", before.playbooks != after.playbooks),
        ("namespaces", before.namespaces != after.namespaces),
    ])
}

fn changed_parts(before: &Team, after: &Team) -> Vec<&'static str> {
    named([
        ("channels", before.channels != after.channels),
        ("rotation", differs(&before.rotation, &after.rotation)),
        ("secondary", differs(&before.secondary, &after.secondary)),
        ("manager", before.manager.as_ref().map(|it| &it.name) != after.manager.as_ref().map(|it| &it.name)),
        ("escalation", differs(&before.escalation, &after.escalation)),
        ("page_for", differs(&before.pages_s3, &after.pages_s3)),
    ])
}

fn named<const N: usize>(parts: [(&'static str, bool); N]) -> Vec<&'static str> {
    parts.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
}

/// All that they hold shows in how they are debugged, calendars included; members by name alone,
/// who are compared by themselves.
fn differs<T: Debug>(before: &T, after: &T) -> bool {
    format!("{before:?}") != format!("{after:?}")
}
