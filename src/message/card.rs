//! The one message of an incident, which is edited as it goes on.

use std::fmt;

use chrono::{DateTime, Utc};

use super::delivery::{needs_a_person, reached_nobody};
use super::folds::folded_line;
use super::next::next_moves;
use super::text::{clip, count, fold, moment, thousands, width};
use super::ticket::{tickets_of, work_of};
use super::timeline::timeline_lines;
use crate::model::{Approval, Command, Incident, IncidentId, IncidentState, Run, Severity};
use crate::store::{Page, TimelineEntry};

/// A message for any medium that has a title, lines, a colour and perhaps buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    pub incident: IncidentId,
    /// At most 240 units ([`width`]): Discord takes 256.
    pub title: String,
    pub colour: Colour,
    /// Joined by line ends, at most 3,900 units: Discord takes 4,096 in a description. An empty line parts sections.
    pub lines: Vec<String>,
    /// At most five: a row of Discord's. Whoever has none shows the lines, which name the commands too.
    pub buttons: Vec<Button>,
}

/// What a click asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    pub style: ButtonStyle,
    pub command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ButtonStyle {
    /// What is expected.
    Primary,
    Secondary,
    /// Yes.
    Success,
    /// No, or what is hard to take back.
    Danger,
}

/// How it looks from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Users are down, or data is at risk, and nobody has it.
    Red,
    /// Open.
    Amber,
    /// A person has it.
    Blue,
    /// It should be over.
    Teal,
    /// Over.
    Green,
    /// A question.
    Violet,
    Grey,
}

impl Colour {
    /// As 0xRRGGBB.
    pub fn rgb(self) -> u32 {
        match self {
            Colour::Red => 0x00d9_2d20,
            Colour::Amber => 0x00e6_8a00,
            Colour::Blue => 0x0027_6ef1,
            Colour::Teal => 0x0012_8c8c,
            Colour::Green => 0x002e_9e4f,
            Colour::Violet => 0x007a_4fd6,
            Colour::Grey => 0x0080_8a94,
        }
    }
}

/// The title and the lines.
impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        self.lines.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}

const TITLE: usize = 240;
const BODY: usize = 3_900;

/// The message of an incident as it is now: what it is about, what happened, and what is next. A long timeline is folded in
/// its middle. `runs`, `approvals` and `pages` are those of the incident.
pub fn card(
    incident: &Incident,
    runs: &[Run],
    timeline: &[TimelineEntry],
    approvals: &[Approval],
    pages: &[Page],
    now: DateTime<Utc>,
) -> Card {
    let mut lines = facts(incident, runs);
    let calls =
        pages.iter().filter_map(|page| reached_nobody(page, now).or_else(|| needs_a_person(page, runs, timeline, now)));
    lines.extend(calls.chain(pages.iter().filter_map(folded_line)).map(|line| clip(&line, 500)));
    lines.extend(tickets_of(timeline).into_iter().map(|url| format!("ticket: {}", clip(&url, 300))));
    lines.extend(work_of(timeline).into_iter().map(|url| format!("filed: {}", clip(&url, 300))));
    let mut end = vec![String::new()];
    end.extend(next_moves(incident, runs, timeline, approvals).iter().map(|next| format!("next: {next}")));
    let happened = timeline_lines(timeline);
    if !happened.is_empty() {
        let used: usize = lines.iter().chain(&end).map(|line| width(line) + 1).sum();
        lines.push(String::new());
        lines.extend(fold(happened, BODY.saturating_sub(used + 2)));
    }
    lines.extend(end);
    Card {
        incident: incident.id,
        title: headline(incident, TITLE),
        colour: colour(incident),
        lines: fold(lines, BODY),
        buttons: buttons(incident),
    }
}

/// `INC-42 S2 open: CoreDNS has too little capacity`.
pub(super) fn headline(incident: &Incident, longest: usize) -> String {
    let start = format!("{} {} {}: ", incident.id, incident.severity, incident.state);
    let left = longest.saturating_sub(width(&start));
    start + &clip(&incident.title, left)
}

fn facts(incident: &Incident, runs: &[Run]) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(target) = &incident.target {
        lines.push(format!("target: {}", clip(&target.to_string(), 300)));
    }
    let owner = incident.owner.as_ref().map_or("nobody yet".to_owned(), |owner| clip(owner, 80));
    lines.push(format!("owner: {owner} (team {})", clip(&incident.team, 80)));
    lines.push(format!("since: {}", moment(incident.opened_at)));
    lines.push(format!(
        "alerts: {} firing, {} in all",
        thousands(incident.open_episodes),
        thousands(incident.episodes)
    ));
    if let Some(until) = incident.held_until.filter(|_| !incident.is_over()) {
        lines.push(format!(
            "held back: a maintenance window covers it until {}, and nobody is paged before",
            moment(until)
        ));
    }
    match (runs.last(), &incident.playbook) {
        (Some(run), _) => {
            let more = if runs.len() > 1 { format!(" of {}", count(runs.len() as u64, "run")) } else { String::new() };
            let state = run.outcome.map_or("under way".to_owned(), |outcome| outcome.to_string());
            lines.push(format!("playbook: {}, {}: {}{more} {state}", run.playbook, run.autonomy, run.id));
        }
        (None, Some(playbook)) => lines.push(format!("playbook: {}, not run", clip(playbook, 80))),
        (None, None) => lines.push("playbook: none knows this alert".to_owned()),
    }
    lines
}

fn colour(incident: &Incident) -> Colour {
    match (incident.state, incident.severity) {
        (IncidentState::Open, Severity::S1) => Colour::Red,
        (IncidentState::Open, Severity::S4) => Colour::Grey,
        (IncidentState::Open, _) => Colour::Amber,
        (IncidentState::Acknowledged, _) => Colour::Blue,
        (IncidentState::Mitigated, _) => Colour::Teal,
        (IncidentState::Resolved, _) => Colour::Green,
    }
}

/// The button that a page has whatever the state of its incident.
pub fn acknowledge(incident: IncidentId) -> Button {
    let command = Command::Ack { incident };
    Button { label: "Acknowledge".into(), style: ButtonStyle::Primary, command }
}

fn buttons(incident: &Incident) -> Vec<Button> {
    let id = incident.id;
    let mut buttons = Vec::new();
    if incident.state == IncidentState::Open || incident.page_at.is_some() {
        buttons.push(acknowledge(id));
    }
    if incident.state != IncidentState::Resolved {
        let command = Command::Resolve { incident: id, note: None };
        buttons.push(Button { label: "Resolve".into(), style: ButtonStyle::Danger, command });
    }
    buttons.push(Button {
        label: "Why?".into(),
        style: ButtonStyle::Secondary,
        command: Command::Why { incident: id },
    });
    buttons
}
