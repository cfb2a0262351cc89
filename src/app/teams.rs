//! Whether the teams that would be paged can be.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::oncall::OnCall;

/// What is wrong with the owners of playbooks, by which `owners` lists these: teams that nobody knows.
pub fn unknown_owners(oncall: &OnCall, owners: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let wrong = |(owner, playbooks): (&String, &Vec<String>)| {
        let error = oncall.team(owner).err()?;
        Some(format!("owner of {}: {error}", playbooks.join(", ")))
    };
    owners.iter().filter_map(wrong).collect()
}

/// The teams that have nobody on call, as their rotations have not begun by `now`.
pub fn teams_to_come(oncall: &OnCall, now: DateTime<Utc>) -> Vec<String> {
    let to_come = |team: &str| {
        oncall.who(team, now).ok()?.is_none().then_some(())?;
        let begins = oncall.next_handoff(team, now).ok()?.format("%Y-%m-%d %H:%M UTC");
        Some(format!("nobody is on call for team {team}: its rotation begins {begins}"))
    };
    oncall.teams().iter().filter_map(|team| to_come(&team.name)).collect()
}
