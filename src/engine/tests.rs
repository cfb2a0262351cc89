//! Logs that versions before this one wrote.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Next, RunState, StepAt, plan};
use crate::model::{Autonomy, ConditionKind, Outcome, Phase, RunEvent, StepAddress};
use crate::playbook::Playbook;

/// What the first version wrote of the runs of its own tests.
#[derive(Deserialize)]
struct Recorded {
    playbooks: BTreeMap<String, String>,
    runs: Vec<RecordedRun>,
}

#[derive(Deserialize)]
struct RecordedRun {
    playbook: String,
    autonomy: Autonomy,
    log: Vec<(DateTime<Utc>, RunEvent)>,
}

fn recorded() -> Recorded {
    let recorded = include_str!("../../tests/fixtures/run_logs/v0.1.0.json");
    serde_json::from_str(recorded).unwrap()
}

/// What an engine at work writes by itself next, as far as the plan says it: which record, of which
/// step.
fn follows(next: &Next<'_>) -> Vec<(&'static str, Option<StepAddress>)> {
    let of = |names: &[&'static str], at: &StepAt<'_>| -> Vec<_> {
        names.iter().map(|name| (*name, Some(at.address.clone()))).collect()
    };
    match next {
        Next::ReadTarget => vec![("target_read", None), ("failed", None)],
        Next::Evaluate { at, .. } => of(&["checked", "failed"], at),
        Next::Choose { at } => vec![("chosen", Some(at.address.clone()))],
        Next::List { at } => vec![("listed", Some(at.address.clone())), ("failed", Some(at.address.clone()))],
        Next::Wave { address, .. } => vec![("wave", Some(address.clone()))],
        Next::ReadItem { address, .. } => {
            vec![("item_read", Some(address.clone())), ("failed", Some(address.clone()))]
        }
        Next::EndItem { address, .. } => vec![("item_ended", Some(address.clone()))],
        Next::Set { at, .. } => of(&["set", "failed"], at),
        Next::Read { at, .. } => of(&["read", "failed"], at),
        Next::GoWithout { address, .. } => vec![("read_failed", Some(address.clone()))],
        Next::BeginWatch { at, .. } => of(&["watching"], at),
        Next::Watch { at, .. } => of(&["watched", "read", "failed"], at),
        Next::Wait { at, .. } => of(&["waiting"], at),
        Next::EndWait { at } => of(&["waited"], at),
        Next::Skip { address, .. } => vec![("skipped", Some(address.clone()))],
        Next::Propose => vec![("proposed", None)],
        Next::AskSource { .. } => vec![("source_asked", None)],
        Next::Ask { at } => [vec![("approval_asked", None)], of(&["failed"], at)].concat(),
        Next::Expire { .. } => vec![("approval_answered", None)],
        // The target is read anew first.
        Next::Act { at, .. } => {
            [vec![("target_read", None)], of(&["started", "done", "unneeded", "failed", "waiting"], at)].concat()
        }
        Next::HandOver { at, .. } => of(&["handed_over", "failed"], at),
        Next::TakeBack { at, .. } => of(&["started", "done", "unneeded", "failed", "waiting"], at),
        Next::Stand { address, .. } => vec![("stands", Some(address.clone()))],
        Next::Doubt { at, .. } => of(&["started", "done", "failed", "waiting"], at),
        Next::BeginVerify { at, .. } => of(&["verifying"], at),
        Next::Look { at, .. } => of(&["looked"], at),
        Next::Tell { at, .. } => of(&["told"], at),
        Next::Enter { .. } => vec![("entered", None)],
        Next::End { .. } => vec![("ended", None)],
        Next::Park { .. } | Next::Nothing => Vec::new(),
    }
}

/// Records that come from outside, or follow another one in the same append.
fn is_given(before: Option<&RunEvent>, event: &RunEvent) -> bool {
    let is_from_outside = matches!(
        event,
        RunEvent::Claimed { .. }
            | RunEvent::AlertResolved
            | RunEvent::CancelAsked { .. }
            | RunEvent::ClockMoved { .. }
            | RunEvent::Unknown
            | RunEvent::ApprovalAnswered { verdict: Some(_), .. }
    );
    let is_in_one_append = matches!(
        (before, event),
        (
            Some(RunEvent::TargetRead { .. }),
            RunEvent::Started { .. }
                | RunEvent::Unneeded { .. }
                | RunEvent::Failed { .. }
                | RunEvent::Waiting { .. }
        ) | (Some(RunEvent::Failed { .. }), RunEvent::Waiting { .. })
            // A mutation that was begun is made at once.
            | (Some(RunEvent::Started { .. }), RunEvent::Done { .. } | RunEvent::Failed { .. } | RunEvent::Waiting { .. })
            // What was approved has changed.
            | (Some(RunEvent::ApprovalAnswered { .. }), RunEvent::Entered { .. })
    );
    is_from_outside || is_in_one_append
}

/// Each record that a version before wrote is what this one would write there, of the same step: a
/// run that is under way when it starts goes on as it would have.
#[test]
fn recorded_logs_come_to_what_they_came_to() {
    let recorded = recorded();
    assert!(recorded.runs.len() >= 30);
    for (number, run) in recorded.runs.iter().enumerate() {
        let source = &recorded.playbooks[&run.playbook];
        let playbook = Playbook::parse(Path::new("recorded.yaml"), source).unwrap();
        // A bot that only observes goes less far than its playbook.
        let observes = run.log.iter().any(|(_, event)| matches!(event, RunEvent::Proposed { .. }));
        let autonomy = if observes { run.autonomy.min(Autonomy::Suggest) } else { run.autonomy };
        let mut state = RunState::default();
        let mut before = None;
        for (index, (at, event)) in run.log.iter().enumerate() {
            if !is_given(before, event) {
                let next = plan(&playbook, autonomy, &state, *at);
                let follows = follows(&next);
                let is_right = follows
                    .iter()
                    .any(|(name, step)| *name == event.name() && (step.is_none() || step.as_ref() == event.step()));
                assert!(is_right, "run {number}, record {index}: {event:?} is there, and {next:?} is planned");
                if let (Next::Evaluate { kind, .. }, RunEvent::Checked { condition, .. }) = (&next, event) {
                    assert_eq!(kind, condition);
                    assert!(*kind != ConditionKind::When || state.status(event.step().unwrap()).is_none());
                }
            }
            let trouble = state.trouble.clone();
            state.take(*at, event);
            let trouble = state.trouble.clone().filter(|now| Some(now) != trouble.as_ref()).unwrap_or_default();
            assert!(!trouble.contains("its log"), "run {number}, record {index}: {event:?}: {trouble}");
            before = Some(event);
        }
        let Some((_, RunEvent::Ended { outcome, .. })) = run.log.last() else { continue };
        assert_eq!(state.ended, Some(*outcome));
    }
}

/// A record that cannot follow is for a human, and changes nothing.
#[test]
fn a_record_that_cannot_follow_is_trouble() {
    let recorded = recorded();
    let at = DateTime::UNIX_EPOCH;
    let mut told = std::collections::BTreeSet::new();
    for run in &recorded.runs {
        for (index, (_, event)) in run.log.iter().enumerate() {
            let mut log = run.log.clone();
            log.truncate(index + 1);
            let mut state = RunState::of(&log, None);
            let (trouble, steps) = (state.trouble.clone(), state.steps.clone());
            // The same once more: nothing but a wait, a verify and an attempt begins twice.
            state.take(at, event);
            let may_repeat = matches!(
                event,
                RunEvent::Waiting { .. }
                    | RunEvent::Verifying { .. }
                    | RunEvent::Started { .. }
                    | RunEvent::Looked { .. }
                    | RunEvent::Checked { condition: ConditionKind::When, held: true, .. }
            );
            if event.step().is_none() || may_repeat {
                continue;
            }
            let now = state.trouble.clone().unwrap_or_default();
            assert!(now.contains("its log says of it"), "{event:?}: {now:?} (before: {trouble:?})");
            assert_eq!(state.steps, steps, "{event:?}");
            told.insert(event.name());
        }
    }
    let told: Vec<&str> = told.into_iter().collect();
    assert!(told.len() >= 7, "{told:?}");
}

/// A run that has written what cannot be goes no way but to a human, and ends.
#[test]
fn a_run_with_a_log_that_cannot_be_ends_with_a_human() {
    let recorded = recorded();
    let run = recorded.runs.iter().find(|run| run.log.iter().any(|(_, event)| event.name() == "read")).unwrap();
    let playbook = Playbook::parse(Path::new("recorded.yaml"), &recorded.playbooks[&run.playbook]).unwrap();
    let read = run.log.iter().position(|(_, event)| event.name() == "read").unwrap();
    let mut state = RunState::of(&run.log[..=read], None);
    let (at, twice) = &run.log[read];
    state.take(*at, twice);
    let next = plan(&playbook, run.autonomy, &state, *at);
    assert!(matches!(next, Next::Enter { phase: Phase::Escalate, .. }), "{next:?}");
    state.take(*at, &RunEvent::Entered { phase: Phase::Escalate, because: "trouble".into() });
    let next = plan(&playbook, run.autonomy, &state, *at);
    assert!(matches!(next, Next::End { outcome: Outcome::Escalated, .. }), "{next:?}");
}
