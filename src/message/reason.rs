//! Why something was decided, in words.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::text::{clip, count, later, moment};
use super::timeline::step_name;
use super::told::told;
use crate::model::{ConditionKind, HumanDuration, Outcome, Phase, Run, RunEvent, RunId, SourceAnswer, StepAddress};
use crate::store::{IncidentEvent, PageReason, TimelineEntry, TimelineWhat};

/// Why somebody is paged, or asked.
pub fn page_reason(reason: &PageReason) -> String {
    match reason {
        PageReason::SeverityOne => "it is S1, which pages at once".to_owned(),
        PageReason::Uncovered => "no playbook knows this alert".to_owned(),
        PageReason::Overdue => "it is not mitigated after the time that its playbook allows".to_owned(),
        PageReason::StillFires { run, outcome: Outcome::Fixed } => {
            format!("its alerts still fire although {run} called it fixed")
        }
        PageReason::StillFires { run, outcome } => format!("its alerts still fire although {run} ended with {outcome}"),
        PageReason::Escalated { run } => format!("{run} needs a person"),
        PageReason::HeartbeatMissing { name, source, last_at, within } => {
            heartbeat_missing(name, source, *last_at, *within)
        }
        PageReason::Flapping { times, since } => format!(
            "it flaps: it began {times} times since {}, so it is told once and held open until it is quiet",
            moment(*since)
        ),
        PageReason::Joined { alerts } => {
            format!("{} joined since somebody took it", count(*alerts, "alert"))
        }
        PageReason::SetAside { signal, what, because } => format!(
            "{signal} came in and could not be worked on ({}): nothing else follows from it, so look yourself at {}",
            clip(because, 200),
            clip(what, 300)
        ),
        PageReason::WindowEnded { window, alerts } => {
            format!("{window} has ended, which held it back, and {} still {}", count(*alerts, "alert"), fire(*alerts))
        }
        PageReason::NotRun { because } => format!("no playbook was run: {}", clip(because, 300)),
        PageReason::Untouched { by, since } => format!(
            "{} has it since {}, nobody has done anything about it since then, and it still fires: /ack says that it is \
             worked on",
            clip(by, NAME),
            clock(*since)
        ),
        PageReason::Unanswered { of, .. } => called_again(reason, Some(page_reason(of))),
        PageReason::Asked { of, .. } | PageReason::Assigned { of, .. } => {
            called_again(reason, of.as_deref().map(page_reason))
        }
        PageReason::Test { by } => {
            format!("this is a test, and nothing is wrong: {} wants to know whether you are reached", clip(by, NAME))
        }
        PageReason::CallOverdue { since } => {
            format!("somebody was to be called at {}, and the bot did not come to it", moment(*since))
        }
    }
}

/// Why one more is called about what somebody was called for before. `first`: why that was.
fn called_again(reason: &PageReason, first: Option<String>) -> String {
    let noted = |note: &Option<String>| note.as_ref().map(|note| format!(": {}", clip(note, 300))).unwrap_or_default();
    let why = match reason {
        PageReason::Unanswered { page, made_at, .. } => {
            format!("nobody has acknowledged {page}, made at {}", clock(*made_at))
        }
        PageReason::Asked { by, note, .. } => format!("{} asks for you{}", clip(by, NAME), noted(note)),
        PageReason::Assigned { by, to, note, .. } => {
            format!("{} gives it to {}{}", clip(by, NAME), clip(to, NAME), noted(note))
        }
        other => return page_reason(other),
    };
    match first {
        // What somebody asks for comes before what is known anyway.
        Some(first) if matches!(reason, PageReason::Asked { .. } | PageReason::Assigned { .. }) => {
            format!("{why}; {first}")
        }
        Some(first) => format!("{first}; {why}"),
        None => why,
    }
}

/// The time of day: calls are minutes apart.
fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%M UTC").to_string()
}

/// No name of somebody takes more than this.
const NAME: usize = 80;

/// The same with what a run has to do with it: that one needs a person says nothing without why.
/// `runs` and `timeline` are the incident's, as far as they are known.
pub fn why_a_person(reason: &PageReason, runs: &[Run], timeline: &[TimelineEntry]) -> String {
    let known = |id: RunId| runs.iter().find(|run| run.id == id);
    match reason {
        PageReason::Escalated { run } => match escalation(*run, known(*run), timeline) {
            Some(because) => format!("{} stopped and needs a person: {because}", named(*run, known(*run))),
            None => format!("{}, and has not said why", page_reason(reason)),
        },
        PageReason::StillFires { run, .. } => {
            let because = known(*run).and_then(|run| run.because.as_deref());
            let because = because.map(|because| format!(": {}", clip(because, BECAUSE))).unwrap_or_default();
            format!("{}{because}", page_reason(reason))
        }
        PageReason::Overdue | PageReason::SeverityOne | PageReason::WindowEnded { .. } => {
            let run = runs.last().map_or_else(|| no_run(timeline), |run| standing(run, timeline));
            format!("{}; {run}", page_reason(reason))
        }
        PageReason::Unanswered { of, .. } => called_again(reason, Some(why_a_person(of, runs, timeline))),
        PageReason::Asked { of, .. } | PageReason::Assigned { of, .. } => {
            called_again(reason, of.as_deref().map(|of| why_a_person(of, runs, timeline)))
        }
        PageReason::Uncovered
        | PageReason::CallOverdue { .. }
        | PageReason::Test { .. }
        | PageReason::Untouched { .. }
        | PageReason::Joined { .. }
        | PageReason::Flapping { .. }
        | PageReason::NotRun { .. }
        | PageReason::HeartbeatMissing { .. }
        | PageReason::SetAside { .. } => page_reason(reason),
    }
}

/// What so many alerts do.
fn fire(alerts: u64) -> &'static str {
    if alerts == 1 { "fires" } else { "fire" }
}

/// No reason of a run takes more than this.
const BECAUSE: usize = 600;

/// `RUN-7 of coredns-saturated`.
fn named(id: RunId, run: Option<&Run>) -> String {
    run.map_or_else(|| id.to_string(), |run| format!("{id} of {}", clip(&run.playbook.name, 80)))
}

/// Why a run escalated: as it ended or, as it pages before, as it began to.
fn escalation(id: RunId, run: Option<&Run>, timeline: &[TimelineEntry]) -> Option<String> {
    let entered = timeline.iter().rev().find_map(|entry| match &entry.what {
        TimelineWhat::Run(of, RunEvent::Entered { phase: Phase::Escalate, because }) if *of == id => Some(because),
        _ => None,
    });
    let ended = run.filter(|run| run.outcome == Some(Outcome::Escalated)).and_then(|run| run.because.as_ref());
    ended.or(entered).filter(|because| !because.is_empty()).map(|because| clip(because, BECAUSE))
}

/// Why nothing is at work.
fn no_run(timeline: &[TimelineEntry]) -> String {
    let why = timeline.iter().rev().find_map(|entry| match &entry.what {
        TimelineWhat::Incident(IncidentEvent::RunNotOpened { playbook, because }) => Some((playbook, because)),
        _ => None,
    });
    match why {
        Some((playbook, because)) => format!("playbook {} was not run: {}", clip(playbook, 80), clip(because, BECAUSE)),
        None => "no playbook is run for it".to_owned(),
    }
}

/// What a run has come to by now.
fn standing(run: &Run, timeline: &[TimelineEntry]) -> String {
    let name = named(run.id, Some(run));
    match (run.outcome, &run.because) {
        (Some(outcome), because) => {
            let because = because.as_deref().map(|because| format!(": {}", clip(because, BECAUSE))).unwrap_or_default();
            format!("{name} ended: {outcome}{because}")
        }
        (None, _) => {
            let of_it = |what: &TimelineWhat| matches!(what, TimelineWhat::Run(id, _) if *id == run.id);
            let last = told(timeline).into_iter().rev().find(|(entry, _)| of_it(&entry.what));
            let last = last.map(|(_, text)| format!(": {}", clip(&text, BECAUSE))).unwrap_or_default();
            format!("{name} is still at work{last}")
        }
    }
}

fn heartbeat_missing(name: &str, source: &str, last_at: Option<DateTime<Utc>>, within: u64) -> String {
    let within = HumanDuration(Duration::from_secs(within));
    let last = match last_at {
        Some(last_at) => format!("came last at {}", last_at.format("%H:%M:%S UTC on %F")),
        None => "never came".to_owned(),
    };
    format!(
        "the heartbeat {} of {} must come every {within}, and {last}: look whether what sends it still works, as nothing \
         else may be told either",
        clip(name, 100),
        clip(source, 64)
    )
}

/// What the source of an alert that is old news says of it. `again_at`: when it is asked again.
pub(super) fn source_text(
    waited: HumanDuration,
    answer: &SourceAnswer,
    again_at: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
) -> String {
    let says = match (answer, again_at) {
        (SourceAnswer::Fires { alert }, _) => format!("its source says that {} still fires", clip(alert, 80)),
        (SourceAnswer::NotListed, Some(again_at)) => format!(
            "its source does not list its alert, and is asked again at {}, as it may have been away, too",
            later(again_at, at)
        ),
        (SourceAnswer::NotListed, None) => "its source says that its alert fires no more".to_owned(),
        (SourceAnswer::NotAsked { because }, _) => {
            format!("its source could not be asked whether its alert still fires: {}", clip(because, 200))
        }
    };
    format!("nobody went on with it for {waited}; {says}")
}

/// What a condition came to. `because` is the playbook's own reason for stopping there.
///
/// `expression` is the condition itself, where it is wanted and known: what a playbook says beside it is for when it fails or ends
/// the run.
pub fn condition_text(
    step: &StepAddress,
    condition: ConditionKind,
    held: bool,
    because: &str,
    expression: Option<&str>,
) -> String {
    let (step, because) = (step_name(step), clip(because, 300));
    if let Some(expression) = expression.map(|expression| clip(expression, 200)) {
        match (condition, held) {
            (ConditionKind::DoneIf, false) => return format!("not done yet: `{expression}` is false"),
            (ConditionKind::Require, true) => return format!("requirement met: `{expression}`"),
            (ConditionKind::Require, false) => {
                return format!("requirement not met: `{expression}` is false: {because}");
            }
            (ConditionKind::EscalateIf, true) => return format!("a person is needed: `{expression}`: {because}"),
            (ConditionKind::EscalateIf, false) => return format!("no reason to escalate: `{expression}` is false"),
            (ConditionKind::LeaveIf, false) => return format!("no reason to leave it alone: `{expression}` is false"),
            (ConditionKind::DoneIf | ConditionKind::LeaveIf, true) | (ConditionKind::When, _) => {}
        }
    }
    match (condition, held) {
        (ConditionKind::DoneIf, true) => format!("done: {because}"),
        (ConditionKind::DoneIf, false) => format!("not done yet (it would be when: {because})"),
        (ConditionKind::Require, true) => format!("requirement met (else: {because})"),
        (ConditionKind::Require, false) => format!("requirement not met: {because}"),
        (ConditionKind::EscalateIf, true) => format!("a person is needed: {because}"),
        (ConditionKind::EscalateIf, false) => format!("no reason to escalate (it would be one when: {because})"),
        (ConditionKind::LeaveIf, true) => format!("left alone: {because}"),
        (ConditionKind::LeaveIf, false) => format!("no reason to leave it alone (it would be one when: {because})"),
        (ConditionKind::When, true) => format!("{step} applies: {because}"),
        (ConditionKind::When, false) => format!("{step} is skipped: {because}"),
    }
}
