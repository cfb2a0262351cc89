//! What is known to have changed before somebody was called: most trouble follows a change.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::PageFacts;
use crate::message::text::{clip, moment, time};
use crate::model::{HumanDuration, Incident, RunEvent, RunId};
use crate::store::{IncidentEvent, TimelineEntry, TimelineWhat};

/// What is older has seldom to do with it.
pub const CHANGED_WITHIN: TimeDelta = TimeDelta::hours(2);

/// Another incident of the same object, or of the same alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    pub incident: Incident,
    pub timeline: Vec<TimelineEntry>,
}

/// The newest of them say enough.
const MOST: usize = 12;

/// Changes since two hours before the page, the newest first: earlier incidents, what the bot
/// changed, and what the run saw of others' changes. `run`: the one whose own changes are told
/// elsewhere.
pub(super) fn changed(facts: &PageFacts<'_>, run: Option<RunId>) -> Vec<String> {
    let since = facts.page.created_at - CHANGED_WITHIN;
    let mut changes = of_timeline(facts, run);
    for earlier in facts.earlier {
        changes.extend(of_earlier(earlier));
    }
    if let Some(run) = run {
        changes.extend(seen_by(run, facts.timeline));
    }
    changes.retain(|(at, _)| *at >= since);
    changes.sort_by(|(a, text), (b, other)| b.cmp(a).then_with(|| text.cmp(other)));
    changes.dedup_by(|(a, text), (b, other)| a == b && text == other);
    let lines: Vec<String> =
        changes.into_iter().take(MOST).map(|(at, text)| line(at, &text, facts.page.created_at)).collect();
    if lines.is_empty() { vec!["nothing that the bot knows of".to_owned()] } else { lines }
}

fn line(at: DateTime<Utc>, text: &str, page: DateTime<Utc>) -> String {
    let how_long = match (page - at).to_std() {
        Ok(before) if before.as_secs() >= 60 => {
            format!(", {} before", HumanDuration(std::time::Duration::from_secs(before.as_secs() / 60 * 60)))
        }
        _ => String::new(),
    };
    format!("- {}{how_long}: {}", time(at), clip(text, 300))
}

/// What the incident's other runs changed, and when it was over and opened again. That the page
/// opens it is no news to its reader.
fn of_timeline(facts: &PageFacts<'_>, run: Option<RunId>) -> Vec<(DateTime<Utc>, String)> {
    let mut changes = Vec::new();
    for entry in facts.timeline {
        let text = match &entry.what {
            TimelineWhat::Run(id, RunEvent::Done { summary, .. }) if Some(*id) != run => format!("{id} {summary}"),
            TimelineWhat::Incident(IncidentEvent::Resolved { by, because }) => {
                format!("this incident was resolved by {by}: {because}")
            }
            TimelineWhat::Incident(IncidentEvent::Reopened { because }) if entry.at < facts.page.created_at => {
                format!("this incident was opened again: {because}")
            }
            _ => continue,
        };
        changes.push((entry.at, text));
    }
    changes
}

/// One line for the incident, placed by its end, and one for each change that the bot made for it.
fn of_earlier(earlier: &Earlier) -> Vec<(DateTime<Utc>, String)> {
    let Earlier { incident, timeline } = earlier;
    let end = timeline.iter().rev().find_map(|entry| match &entry.what {
        TimelineWhat::Incident(IncidentEvent::Resolved { by, because }) => Some((entry.at, by, because)),
        _ => None,
    });
    let what = format!("{} ({}; open since {})", incident.id, clip(&incident.title, 120), moment(incident.opened_at));
    let mut changes = vec![match end {
        Some((at, by, because)) => (at, format!("{what} was resolved by {by}: {because}")),
        None => (incident.opened_at, format!("{what} is {}", incident.state)),
    }];
    for entry in timeline {
        if let TimelineWhat::Run(run, RunEvent::Done { summary, .. }) = &entry.what {
            changes.push((entry.at, format!("{run} of {} {summary}", incident.id)));
        }
    }
    changes
}

/// Changes of others that stand in what the run read.
fn seen_by(run: RunId, timeline: &[TimelineEntry]) -> Vec<(DateTime<Utc>, String)> {
    let mut changes = Vec::new();
    for entry in timeline {
        match &entry.what {
            TimelineWhat::Run(id, RunEvent::TargetRead { object: Some(object) }) if *id == run => {
                changes.extend(of_object(object));
            }
            TimelineWhat::Run(id, RunEvent::Read { output, summary, .. }) if *id == run => {
                changes.extend(last_change(output, summary));
                changes.extend(output.get("object").into_iter().flat_map(of_object));
            }
            _ => {}
        }
    }
    changes
}

/// The output of `k8s.last_change`. Our own changes are told by the runs that made them, and what
/// stands since the creation is none.
fn last_change(output: &Value, summary: &str) -> Option<(DateTime<Utc>, String)> {
    let manager = output.get("manager")?.as_str()?;
    if manager.starts_with("dogwatch-") || output.get("at_creation").is_some_and(|first| first == true) {
        return None;
    }
    Some((time_of(output.get("at")?)?, without_age(summary)))
}

/// `spec.replicas was changed 5m ago by helm` counts from when it was read; the line has a time of
/// its own.
fn without_age(summary: &str) -> String {
    let parts = summary.split_once(" ago by ").and_then(|(before, by)| Some((before.rsplit_once(' ')?.0, by)));
    parts.map_or_else(|| summary.to_owned(), |(before, by)| format!("{before} by {by}"))
}

/// What an object itself says: it was made, its pods were restarted by hand, a rollout has come
/// this far.
fn of_object(object: &Value) -> Vec<(DateTime<Utc>, String)> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = format!("{}/{}", text("/kind").to_lowercase(), text("/metadata/name"));
    let at = |pointer: &str| object.pointer(pointer).and_then(time_of);
    let mut changes = Vec::new();
    changes.extend(at("/metadata/creationTimestamp").map(|at| (at, format!("{name} was created"))));
    changes.extend(at("/metadata/deletionTimestamp").map(|at| (at, format!("{name} is being deleted"))));
    let restarted = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
    changes.extend(at(restarted).map(|at| (at, format!("{name} was restarted by kubectl rollout"))));
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    for condition in conditions.filter(|condition| condition.get("type").is_some_and(|sort| sort == "Progressing")) {
        let said = |field| condition.get(field).and_then(Value::as_str).unwrap_or_default();
        let at = ["lastUpdateTime", "lastTransitionTime"].iter().find_map(|field| time_of(condition.get(*field)?));
        changes.extend(at.map(|at| (at, format!("rollout of {name}: {}: {}", said("reason"), said("message")))));
    }
    changes
}

fn time_of(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|at| at.to_utc())
}
