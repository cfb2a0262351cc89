//! `oncall.yaml` in, answers out.

mod answers;
mod clocks;
mod errors;
mod findings;
mod imported;
mod laws;
mod layers;
mod model;
mod overrides;
mod policy;
mod told;

use chrono::{DateTime, Utc};

use super::{OnCall, Watch};
use crate::model::Concern;

/// A team `platform` in that zone, with handoffs from that day on, as the file says it.
fn rotation(zone: &str, start: &str, handoff: &str, members: &[&str]) -> OnCall {
    let known: String = members.iter().map(|name| format!("  - name: {name}\n")).collect();
    let text = format!(
        "apiVersion: dogwatch/v1\n\
         kind: OnCall\n\
         members:\n\
         {known}\
         teams:\n\
         \x20 - name: platform\n\
         \x20   rotation:\n\
         \x20     time_zone: {zone}\n\
         \x20     start: {start}\n\
         \x20     handoff: {handoff}\n\
         \x20     members: [{}]\n",
        members.join(", "),
    );
    OnCall::parse("oncall.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// A file whose one team `platform` has these lines; the team's first is line 7.
fn text(team: &str) -> String {
    let members: String = ["alice", "bob", "carol", "dan", "eve"].map(|name| format!("{{ name: {name} }}")).join(", ");
    let team = team.trim_start_matches('\n');
    format!("apiVersion: dogwatch/v1\nkind: OnCall\nmembers: [{members}]\n\nteams:\n  - name: platform\n{team}")
}

fn team(team: &str) -> OnCall {
    OnCall::parse("oncall.yaml", &text(team)).unwrap_or_else(|error| panic!("{error}"))
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

impl OnCall {
    /// Who is on call at `at`, in team `platform`.
    fn watch(&self, at: DateTime<Utc>) -> Option<Watch> {
        self.who("platform", at).unwrap()
    }

    /// The shifts of team `platform`, one in each line: `bob 2026-01-12T08:00Z..2026-01-19T08:00Z 168h`.
    fn plan(&self, from: &str, to: &str) -> String {
        let mut plan = String::new();
        for Watch { member, shift, .. } in self.shifts_between("platform", utc(from), utc(to)).unwrap() {
            let hours = (shift.to - shift.from).num_minutes() as f64 / 60.0;
            let (from, to) = (shift.from.format("%FT%RZ"), shift.to.format("%FT%RZ"));
            plan += &format!("{} {from}..{to} {hours}h\n", member.name);
        }
        plan
    }
}
