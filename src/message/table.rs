//! The list of incidents.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::delivery::mark;
use super::folds;
use super::text::{clip, count, thousands, time, width};
use crate::model::{HumanDuration, Incident, IncidentState};
use crate::store::Page;

/// Rows in all: more than a screen is no list but a search.
const ROWS: usize = 40;

/// The incidents in columns of fixed width, in the order given: number, severity, state, age,
/// alerts, owner, title. Lines are at most about 120 units wide. `pages`: those that nobody has
/// acknowledged. `all`: resolved ones are among them.
pub fn incidents_table(incidents: &[Incident], pages: &[Page], now: DateTime<Utc>, all: bool) -> String {
    if incidents.is_empty() {
        return if all { "no incident in the last 24 hours" } else { "no open incident" }.to_owned();
    }
    let mut rows = vec![["", "SEV", "STATE", "AGE", "ALERTS", "OWNER", "WHAT"].map(str::to_owned)];
    rows.extend(incidents.iter().take(ROWS).map(|incident| row(incident, pages, now)));
    let mut widths = [0; 7];
    for row in &rows {
        for (width_of, cell) in widths.iter_mut().zip(row) {
            *width_of = width(cell).max(*width_of);
        }
    }
    let mut lines: Vec<String> = rows.iter().map(|row| line(row, &widths)).collect();
    if incidents.len() > ROWS {
        lines.push(format!("… {} more", count((incidents.len() - ROWS) as u64, "incident")));
    }
    lines.join("\n")
}

/// What is said where a filter leaves nothing. `others`: all that it left out. A team that is
/// misspelt shows in it.
pub fn none_of_those(others: &[Incident]) -> String {
    const TEAMS: usize = 10;
    if others.is_empty() {
        return "no open incident".to_owned();
    }
    let teams: BTreeSet<&str> = others.iter().map(|incident| incident.team.as_str()).collect();
    let named: Vec<String> = teams.iter().take(TEAMS).map(|team| clip(team, 40)).collect();
    let more = if teams.len() > TEAMS { ", ..." } else { "" };
    format!(
        "no such incident; there {} {} without the filter, of the teams: {}{more}",
        if others.len() == 1 { "is" } else { "are" },
        count(others.len() as u64, "incident"),
        named.join(", ")
    )
}

fn row(incident: &Incident, pages: &[Page], now: DateTime<Utc>) -> [String; 7] {
    let until = incident.resolved_at.filter(|_| incident.state == IncidentState::Resolved).unwrap_or(now);
    let age = HumanDuration((until - incident.opened_at).to_std().unwrap_or_default());
    [
        incident.id.to_string(),
        incident.severity.to_string(),
        incident.state.to_string(),
        age.to_string(),
        thousands(incident.open_episodes),
        incident.owner.as_ref().map_or("-".to_owned(), |owner| clip(owner, 16)),
        clip(
            &format!(
                "{}{}{}{}",
                mark(incident.id, pages, now),
                folds::mark(incident.id, pages),
                held(incident),
                incident.title
            ),
            70,
        ),
    ]
}

/// That a maintenance window covers it.
fn held(incident: &Incident) -> String {
    let until = incident.held_until.filter(|_| !incident.is_over());
    until.map(|until| format!("(held until {}) ", time(until))).unwrap_or_default()
}

fn line(row: &[String; 7], widths: &[usize; 7]) -> String {
    let mut line = String::new();
    for (cell, longest) in row.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(longest - width(cell) + 2));
    }
    line.trim_end().to_owned()
}
