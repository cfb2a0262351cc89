//! Each decision about an incident, with its reason.

mod paging;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::card::headline;
use super::reason::condition_text;
use super::text::{clip, moment, started, thousands, time};
use super::timeline::{step_name, timeline_line};
use crate::model::{ConditionKind, Episode, Incident, Run, RunEvent, Verdict, redact_value};
use crate::store::{IncidentEvent, Page, TimelineEntry, TimelineWhat};

pub use paging::PagingFacts;

/// All that [`why`] explains from.
#[derive(Debug, Clone, Copy)]
pub struct WhyFacts<'a> {
    pub incident: &'a Incident,
    pub runs: &'a [Run],
    pub timeline: &'a [TimelineEntry],
    /// Some of the incident's, the open ones first.
    pub episodes: &'a [Episode],
    /// The incident's, in order.
    pub pages: &'a [Page],
    pub now: DateTime<Utc>,
    pub paging: PagingFacts<'a>,
}

/// Why somebody was paged, or nobody; which alerts and why they belong together; each run's
/// conditions with their outcomes, each change with before and after; what was not done. As long as
/// it takes: whoever shows it folds it ([`super::fit`]).
pub fn why(facts: &WhyFacts<'_>) -> String {
    let mut lines = vec![headline(facts.incident, 240)];
    lines.push(format!("open since {}", moment(facts.incident.opened_at)));
    lines.push(String::new());
    lines.extend(paging::paging(facts));
    lines.push(String::new());
    alerts(facts, &mut lines);
    for run in facts.runs {
        lines.push(String::new());
        run_lines(run, facts.timeline, &mut lines);
    }
    let not_done: Vec<String> = facts.timeline.iter().filter_map(not_done).collect();
    section("not done", not_done, &mut lines);
    let people: Vec<String> =
        facts.timeline.iter().filter(|entry| is_of_people(entry)).filter_map(timeline_line).collect();
    section("people and states", people, &mut lines);
    lines.join("\n")
}

fn section(name: &str, items: Vec<String>, lines: &mut Vec<String>) {
    if !items.is_empty() {
        lines.push(String::new());
        lines.push(format!("{name}:"));
        lines.extend(items.into_iter().map(|item| format!("  {item}")));
    }
}

fn alerts(facts: &WhyFacts<'_>, lines: &mut Vec<String>) {
    let incident = facts.incident;
    lines.push(format!(
        "alerts: {} firing, {} in all",
        thousands(incident.open_episodes),
        thousands(incident.episodes)
    ));
    const SHOWN: usize = 5;
    for episode in facts.episodes.iter().take(SHOWN) {
        let labels: Vec<String> = episode
            .labels
            .iter()
            .filter(|(name, _)| *name != "alertname")
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let end = episode.closed_at.map_or("still firing".to_owned(), |at| format!("until {}", moment(at)));
        lines.push(format!(
            "  {} since {}, {end} ({})",
            clip(&episode.alert, 80),
            started(episode),
            clip(&labels.join(", "), 200)
        ));
    }
    let more = incident.episodes.saturating_sub(SHOWN.min(facts.episodes.len()) as u64);
    if more > 0 && !facts.episodes.is_empty() {
        lines.push(format!("  … {} more", thousands(more)));
    }
    // What a person put together need have nothing else in common.
    let is_by_a_person = |entry: &TimelineEntry| {
        matches!(&entry.what, TimelineWhat::Incident(IncidentEvent::Absorbed { by: Some(_), .. }))
    };
    let besides = if facts.timeline.iter().any(is_by_a_person) { "; a person has put others to them" } else { "" };
    lines.push(format!("together because {}{besides}", clip(&incident.grouping.to_string(), 400)));
    match &incident.playbook {
        Some(playbook) => lines.push(format!("playbook: {}", clip(playbook, 80))),
        None => lines.push("playbook: none has a trigger for these alerts".to_owned()),
    }
}

fn run_lines(run: &Run, timeline: &[TimelineEntry], lines: &mut Vec<String>) {
    let because = match &run.requested_by {
        Some(by) => format!("{} asked for it", clip(by, 80)),
        None => match run.alert.get("planned_at").and_then(Value::as_str) {
            Some(at) => format!("it was planned for {}", clip(at, 40)),
            None => "its alert fired".to_owned(),
        },
    };
    lines.push(format!("{}: playbook {}, {}, because {because}", run.id, run.playbook, run.autonomy));
    lines.push(format!("  target: {}", clip(&run.target.to_string(), 300)));
    if !run.inputs.is_empty() {
        let mut inputs = Value::Object(run.inputs.clone());
        redact_value(&mut inputs);
        lines.push(format!("  inputs: {}", clip(&inputs.to_string(), 300)));
    }
    let mut events = timeline.iter().filter_map(|entry| match &entry.what {
        TimelineWhat::Run(id, event) if *id == run.id => Some((entry, event)),
        _ => None,
    });
    let mut worker = None;
    while let Some((entry, event)) = events.next() {
        let text = match event {
            // Each timer that is due is claimed anew; worth a word is only that somebody else took over.
            RunEvent::Claimed { worker: now, .. } => {
                // The process, without the number of its worker.
                let now = now.rsplit_once('/').map_or(now.as_str(), |(process, _)| process);
                let before = worker.replace(now);
                before
                    .filter(|before| *before != now)
                    .map(|before| format!("{} {} takes over from {}", time(entry.at), clip(now, 60), clip(before, 60)))
            }
            // The look itself says more.
            RunEvent::Verifying { .. } if events.clone().next().is_some() => None,
            // The next answer says as much.
            RunEvent::SourceAsked { again_at: Some(_), .. }
                if events.clone().any(|(_, event)| matches!(event, RunEvent::SourceAsked { .. })) =>
            {
                None
            }
            _ => run_line(event, entry),
        };
        lines.extend(text.map(|text| format!("  {text}")));
    }
    if run.outcome.is_none() {
        lines.push("  … it is under way".to_owned());
    }
}

/// Here every condition is told, and every change with what was there before.
fn run_line(event: &RunEvent, entry: &TimelineEntry) -> Option<String> {
    let text = match event {
        RunEvent::Checked { step, condition, held, because, expression, .. } => {
            let expression =
                Some(expression.as_str()).filter(|expression| !expression.is_empty() && *expression != "true");
            condition_text(step, *condition, *held, because, expression)
        }
        RunEvent::Chosen { step, branch, considered } => {
            let asked = considered.iter().map(|asked| {
                let (branch, expression) = (clip(&asked.branch, 60), clip(&asked.expression, 200));
                match &asked.error {
                    Some(error) => format!("{branch} `{expression}` has no answer ({})", clip(error, 120)),
                    None => format!("{branch} `{expression}` is {}", asked.held),
                }
            });
            let asked: Vec<String> = asked.collect();
            format!("{}: {}, as {}", step_name(step), clip(branch, 80), asked.join("; "))
        }
        RunEvent::Set { values, .. } => {
            let values = values.iter().map(|(name, value)| format!("{} = {}", clip(name, 63), short(value)));
            values.collect::<Vec<_>>().join("; ")
        }
        RunEvent::Started { attempt, intent, .. } => {
            let again = if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
            let (before, after) = (short(&intent.before), short(&intent.after));
            format!("changes{again}: {} (before {before}, after {after})", clip(&intent.summary, 200))
        }
        RunEvent::Done { step, recovered, .. } => {
            let how = if *recovered { "found done after its answer was lost, not done again" } else { "done" };
            format!("{}: {how}", step_name(step))
        }
        RunEvent::Entered { phase, because } => format!("{phase}: {}", clip(because, 200)),
        RunEvent::ApprovalAnswered { approval, verdict: Some(verdict), by, waited, reason } => {
            let verdict = match verdict {
                Verdict::Approve => "approved",
                Verdict::Deny => "denied",
            };
            let waited = waited.map(|waited| format!(", which lay there for {waited}")).unwrap_or_default();
            let reason = reason.as_ref().map(|reason| format!(": {}", clip(reason, 300))).unwrap_or_default();
            format!("{approval} is {verdict} by {}{waited}{reason}", clip(by, 400))
        }
        RunEvent::Told { page: true, team, text, .. } => format!("calls team {team}: {}", clip(text, 300)),
        _ => return timeline_line(entry),
    };
    Some(format!("{} {text}", time(entry.at)))
}

/// A value of the cluster, short.
fn short(value: &Value) -> String {
    let mut value = value.clone();
    redact_value(&mut value);
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => clip(&text, 80),
        other => clip(&other.to_string(), 120),
    }
}

fn not_done(entry: &TimelineEntry) -> Option<String> {
    match &entry.what {
        TimelineWhat::Incident(
            IncidentEvent::RunNotOpened { .. }
            | IncidentEvent::Held { .. }
            | IncidentEvent::HeldBack { .. }
            | IncidentEvent::NotFiled { .. },
        )
        | TimelineWhat::Run(
            _,
            RunEvent::Proposed { .. }
            | RunEvent::Unneeded { .. }
            | RunEvent::Checked { condition: ConditionKind::When, held: false, .. },
        ) => timeline_line(entry),
        _ => None,
    }
}

fn is_of_people(entry: &TimelineEntry) -> bool {
    matches!(
        &entry.what,
        TimelineWhat::Incident(
            IncidentEvent::Opened { .. }
                | IncidentEvent::Severity { .. }
                | IncidentEvent::Rated { .. }
                | IncidentEvent::Acknowledged { .. }
                | IncidentEvent::Mitigated { .. }
                | IncidentEvent::Resolved { .. }
                | IncidentEvent::Reopened { .. }
                | IncidentEvent::Answered { .. }
                | IncidentEvent::Gathered { .. }
                | IncidentEvent::Absorbed { .. }
                | IncidentEvent::Merged { .. }
                | IncidentEvent::Split { .. }
                | IncidentEvent::SplitOff { .. }
                | IncidentEvent::Told { .. }
                | IncidentEvent::Folded { .. }
                | IncidentEvent::FoldedAnew { .. }
                | IncidentEvent::Unfolded { .. }
                | IncidentEvent::Carries { .. }
                | IncidentEvent::Ticketed { .. }
                | IncidentEvent::Filed { .. }
                | IncidentEvent::WindowEnded { .. }
                | IncidentEvent::Cut { .. }
                | IncidentEvent::Damaged { .. }
                | IncidentEvent::Remark { .. }
        )
    )
}
