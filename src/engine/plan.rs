//! What a run does next: a pure function of its playbook, the fold of its log, and the time.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::ask_source::Heard;
use super::state::{Approval, RunState};
use super::status::Status;
use super::walk::{ChooseAt, Place, StepAt, next_place};
use crate::action::{Action, Mutation, Read, Tell};
use crate::language::Expression;
use crate::model::{
    Autonomy, ConditionKind, FailureClass, HumanDuration, Intent, Outcome, Phase, SourceAnswer, StepAddress,
};
use crate::playbook::{Condition, Playbook, StepKind, Verify};

/// The next thing to do.
#[derive(Debug)]
pub enum Next<'p> {
    ReadTarget,
    Evaluate {
        at: StepAt<'p>,
        kind: ConditionKind,
        condition: &'p Condition,
    },
    Read {
        at: StepAt<'p>,
        action: &'p dyn Read,
        attempt: u32,
    },
    Choose {
        at: ChooseAt<'p>,
    },
    /// Record the values of a `set`.
    Set {
        at: StepAt<'p>,
        values: &'p [(String, Expression)],
    },
    /// Record the timer of a `wait`.
    Wait {
        at: StepAt<'p>,
        lasting: Duration,
    },
    /// Record that it is over.
    EndWait {
        at: StepAt<'p>,
    },
    /// Pass over a failed step of the escalation.
    Skip {
        address: StepAddress,
        because: String,
    },
    /// Nothing before then.
    Park {
        until: DateTime<Utc>,
    },
    /// Show what the mitigate phase would do.
    Propose,
    /// Ask the source of its alert whether that still fires: nobody came to the run for so long.
    AskSource {
        waited: HumanDuration,
    },
    /// Ask a human about it, and about all that follows.
    Ask {
        at: StepAt<'p>,
    },
    /// Nobody answered in time.
    Expire {
        approval: crate::model::ApprovalId,
    },
    Act {
        at: StepAt<'p>,
        action: &'p dyn Mutation,
        attempt: u32,
    },
    /// Find out what became of a mutation.
    Doubt {
        at: StepAt<'p>,
        action: &'p dyn Mutation,
        attempt: u32,
        intent: Box<Intent>,
        since: DateTime<Utc>,
    },
    /// Record the timer of a verify.
    BeginVerify {
        at: StepAt<'p>,
        look_at: DateTime<Utc>,
        give_up_at: DateTime<Utc>,
    },
    Look {
        at: StepAt<'p>,
        verify: &'p Verify,
    },
    Tell {
        at: StepAt<'p>,
        tell: &'p Tell,
    },
    Enter {
        phase: Phase,
        because: String,
    },
    End {
        outcome: Outcome,
        because: String,
    },
    /// It has ended.
    Nothing,
}

/// Decides what comes next.
pub fn plan<'p>(playbook: &'p Playbook, autonomy: Autonomy, state: &RunState, now: DateTime<Utc>) -> Next<'p> {
    if state.ended.is_some() {
        return Next::Nothing;
    }
    let Some(phase) = state.phase else {
        return Next::Enter { phase: Phase::Diagnose, because: "the run begins".into() };
    };
    if phase == Phase::Escalate {
        return escalate(playbook, state, now);
    }
    let place = next_place(playbook, phase, state);
    let at = match &place {
        Some(Place::Step(at)) => Some(at),
        Some(Place::Choose(_)) | None => None,
    };
    // A mutation whose fate is open comes before everything else, also before a cancel.
    if let Some(at) = at
        && let Some(Status::Started { tried, intent, since, look_at }) = state.status(&at.address)
        && let StepKind::Action(Action::Mutate(action)) = &at.step.kind
    {
        if let Some(look_at) = look_at.filter(|look_at| now < *look_at) {
            return Next::Park { until: look_at };
        }
        let (attempt, intent, since) = (tried.attempts, intent.clone(), *since);
        return Next::Doubt { at: at.clone(), action: action.as_ref(), attempt, intent, since };
    }
    if let Some(trouble) = &state.trouble {
        return Next::Enter { phase: Phase::Escalate, because: trouble.clone() };
    }
    let in_group = at.is_some_and(|at| at.is_in_begun_group(state));
    let braked_by = state.braked_by.as_ref().filter(|_| phase == Phase::Mitigate);
    if !in_group && let Some(by) = state.cancelled_by.as_ref().or(braked_by) {
        return Next::End { outcome: Outcome::Cancelled, because: format!("{by} stopped it") };
    }
    if let Some(done) = &state.done {
        return finish(state, done.clone());
    }
    if !in_group && state.alert_resolved && !state.mutated {
        let because = "the alert resolved before anything was changed";
        return Next::End { outcome: Outcome::NothingToDo, because: because.into() };
    }
    if !state.target_read {
        return read_target(place.as_ref(), state, now);
    }
    let has_done_nothing = !state.steps.values().any(|status| matches!(status, Status::Finished { .. }));
    if state.object.is_none() && phase == Phase::Diagnose && has_done_nothing {
        return Next::Enter { phase: Phase::Escalate, because: "the target is not there".into() };
    }
    match place {
        Some(Place::Choose(at)) => choose(at, state),
        Some(Place::Step(at)) => {
            let may_change = autonomy >= Autonomy::Approve && !in_group;
            let news = if may_change { news(playbook, state) } else { News::Fresh };
            in_step(at, phase, autonomy, state, now, InStep { in_group, news })
        }
        None if phase == Phase::Diagnose => after_diagnose(autonomy, state),
        None => finish(state, "every step of the mitigation is done".into()),
    }
}

/// A target that cannot be read for the moment is read again, on the account of the first step.
fn read_target<'p>(place: Option<&Place<'_>>, state: &RunState, now: DateTime<Utc>) -> Next<'p> {
    match place.and_then(|place| state.status(place.address())) {
        Some(Status::Waiting { until, .. }) if now < *until => Next::Park { until: *until },
        Some(Status::Failed { error, .. }) => Next::Enter { phase: Phase::Escalate, because: error.clone() },
        _ => Next::ReadTarget,
    }
}

/// The diagnosis is complete, and the mitigation would begin.
fn after_diagnose<'p>(autonomy: Autonomy, state: &RunState) -> Next<'p> {
    let because = |what: &str| format!("the diagnosis is complete; its autonomy is {autonomy}: {what}");
    if let Some(by) = &state.braked_by
        && autonomy > Autonomy::Observe
    {
        let because = format!("what it would do is shown, not done: {by} stops it");
        return match &state.proposed {
            Some(_) => Next::End { outcome: Outcome::Proposed, because },
            None => Next::Propose,
        };
    }
    match autonomy {
        Autonomy::Observe => Next::End { outcome: Outcome::Proposed, because: because("nothing is changed") },
        Autonomy::Suggest if state.proposed.is_some() => {
            Next::End { outcome: Outcome::Proposed, because: because("what it would do is shown, not done") }
        }
        Autonomy::Suggest => Next::Propose,
        Autonomy::Approve | Autonomy::Auto => {
            Next::Enter { phase: Phase::Mitigate, because: "the diagnosis is complete".into() }
        }
    }
}

fn finish<'p>(state: &RunState, because: String) -> Next<'p> {
    if state.mutated {
        Next::End { outcome: Outcome::Fixed, because }
    } else {
        Next::End { outcome: Outcome::NothingToDo, because }
    }
}

/// For how long nobody went on with it, if somebody was to be called within that time.
pub fn left_alone(playbook: &Playbook, state: &RunState) -> Option<HumanDuration> {
    let page_by = playbook.page_by.or_else(|| playbook.severity.ack_within())?;
    let left_alone = state.left_alone.to_std().ok()?;
    (left_alone > page_by).then_some(HumanDuration(left_alone))
}

/// What is known of whether a run's alert still fires.
#[derive(Debug, Clone, Copy)]
enum News {
    /// Nobody need be asked.
    Fresh,
    /// What its alert said, and what a person said to that, is as old.
    Old(HumanDuration),
    /// Its source does not list it at the moment.
    Unlisted { again_at: DateTime<Utc> },
    /// Its source says that it is over.
    Over,
    /// A person has to say whether it is still to be done.
    Unknown,
}

fn news(playbook: &Playbook, state: &RunState) -> News {
    if let Some(waited) = left_alone(playbook, state) {
        return News::Old(waited);
    }
    match &state.heard {
        Some(Heard { answer: SourceAnswer::NotListed, again_at: Some(again_at), .. }) => {
            News::Unlisted { again_at: *again_at }
        }
        Some(Heard { answer: SourceAnswer::NotListed, again_at: None, .. }) => News::Over,
        Some(Heard { answer: SourceAnswer::NotAsked { .. }, .. }) => News::Unknown,
        Some(Heard { answer: SourceAnswer::Fires { .. }, .. }) | None => News::Fresh,
    }
}

/// What the step before it, and the time, make of a step.
#[derive(Debug, Clone, Copy)]
struct InStep {
    /// A group was begun, and is finished.
    in_group: bool,
    news: News,
}

/// A choice that cannot be made is for a human.
fn choose<'p>(at: ChooseAt<'p>, state: &RunState) -> Next<'p> {
    match state.status(&at.address) {
        Some(Status::Failed { error, .. }) => {
            Next::Enter { phase: Phase::Escalate, because: format!("{} failed: {error}", at.address) }
        }
        _ => Next::Choose { at },
    }
}

fn in_step<'p>(
    at: StepAt<'p>,
    phase: Phase,
    autonomy: Autonomy,
    state: &RunState,
    now: DateTime<Utc>,
    InStep { in_group, news }: InStep,
) -> Next<'p> {
    let step = at.step;
    let is_wanted = match state.status(&at.address) {
        Some(Status::Failed { error, .. }) if phase == Phase::Escalate => {
            return Next::Skip { address: at.address, because: error.clone() };
        }
        Some(Status::Failed { class, error, tried }) => return give_up(&at, *class, error, tried.attempts),
        Some(Status::Waiting { until, .. }) if now < *until => return Next::Park { until: *until },
        Some(Status::Waiting { .. }) if matches!(step.kind, StepKind::Wait(_)) => return Next::EndWait { at },
        Some(Status::Made { at: made_at }) => return begin_verify(at, *made_at),
        Some(Status::Verifying { look_at, .. }) if now < *look_at => return Next::Park { until: *look_at },
        Some(Status::Verifying { look_at, give_up_at, last }) => {
            return go_on_verifying(at, *look_at, *give_up_at, last.as_ref());
        }
        Some(Status::Ready { tried } | Status::Waiting { tried, .. }) => tried.wanted,
        // Handled before the trouble and the cancel; what is finished is passed over.
        Some(Status::Started { .. } | Status::Chosen { .. } | Status::Finished { .. }) | None => false,
    };
    let attempts = state.tried(&at.address).attempts;
    if let Some(condition) = &step.when
        && !is_wanted
    {
        return Next::Evaluate { at, kind: ConditionKind::When, condition };
    }
    match &step.kind {
        StepKind::DoneIf(condition) => Next::Evaluate { at, kind: ConditionKind::DoneIf, condition },
        StepKind::Require(condition) => Next::Evaluate { at, kind: ConditionKind::Require, condition },
        StepKind::EscalateIf(condition) => Next::Evaluate { at, kind: ConditionKind::EscalateIf, condition },
        StepKind::Set(values) => Next::Set { at, values },
        StepKind::Wait(lasting) => Next::Wait { at, lasting: *lasting },
        StepKind::Action(Action::Read(action)) => Next::Read { at, action: action.as_ref(), attempt: attempts + 1 },
        StepKind::Action(Action::Tell(tell)) => Next::Tell { at, tell },
        StepKind::Action(Action::Mutate(action)) => {
            if state.alert_resolved && !in_group {
                return finish(state, "the alert resolved: nothing more is changed".into());
            }
            match (&state.approval, news) {
                (Approval::Asked { id, expires_at, .. }, _) if now >= *expires_at => Next::Expire { approval: *id },
                (Approval::Asked { expires_at, .. }, _) => Next::Park { until: *expires_at },
                (_, News::Old(waited)) => Next::AskSource { waited },
                (_, News::Unlisted { again_at }) if now < again_at => Next::Park { until: again_at },
                (_, News::Unlisted { .. }) => Next::AskSource { waited: waited_before(state) },
                (_, News::Over) => {
                    let more = if state.mutated { "more " } else { "" };
                    finish(state, format!("its source says that its alert fires no more: nothing {more}is changed"))
                }
                (_, News::Unknown) => Next::Ask { at },
                // A group that was begun is finished.
                (Approval::None, News::Fresh) if autonomy == Autonomy::Approve && !in_group => Next::Ask { at },
                (Approval::None | Approval::Granted { .. }, News::Fresh) => {
                    Next::Act { at, action: action.as_ref(), attempt: attempts + 1 }
                }
            }
        }
    }
}

/// For how long nobody had come to it when its source was asked first.
fn waited_before(state: &RunState) -> HumanDuration {
    state.heard.as_ref().map(|heard| heard.waited).unwrap_or_default()
}

fn begin_verify<'p>(at: StepAt<'p>, made_at: DateTime<Utc>) -> Next<'p> {
    match &at.step.verify {
        Some(verify) => Next::BeginVerify { at, look_at: made_at + verify.settle, give_up_at: made_at + verify.within },
        // `next_step` passes over a mutation that was made and has no verify: this is not reached.
        None => Next::Park { until: made_at },
    }
}

fn go_on_verifying<'p>(
    at: StepAt<'p>,
    look_at: DateTime<Utc>,
    give_up_at: DateTime<Utc>,
    last: Option<&(DateTime<Utc>, String)>,
) -> Next<'p> {
    match (&at.step.verify, last) {
        // The look that this timer was for is done.
        (Some(verify), Some((looked_at, seen))) if *looked_at >= look_at => {
            if *looked_at >= give_up_at {
                let because = format!("{} did not help in time: {seen}", at.address);
                return Next::Enter { phase: Phase::Escalate, because };
            }
            Next::BeginVerify { at, look_at: (*looked_at + verify.every).min(give_up_at), give_up_at }
        }
        (Some(verify), _) => Next::Look { at, verify },
        (None, _) => Next::Park { until: give_up_at },
    }
}

/// Every step of the escalation is tried, whatever fails on the way: a human is waiting for it. Unless one has come already:
/// whoever stopped the run meanwhile need not be called for it. Who was paged before is, and the run has escalated.
fn escalate<'p>(playbook: &'p Playbook, state: &RunState, now: DateTime<Utc>) -> Next<'p> {
    if let Some(by) = &state.cancelled_by {
        let because = format!("{by} stopped it while it escalated: {}", state.entered_because);
        let outcome = if state.paged { Outcome::Escalated } else { Outcome::Cancelled };
        return Next::End { outcome, because };
    }
    // Whatever wrote that would write it again.
    if let Some(illegal) = &state.illegal {
        return Next::End { outcome: Outcome::Escalated, because: illegal.clone() };
    }
    let at = match next_place(playbook, Phase::Escalate, state) {
        Some(Place::Step(at)) => at,
        Some(Place::Choose(at)) => {
            return match state.status(&at.address) {
                Some(Status::Failed { error, .. }) => {
                    Next::Skip { address: at.address.clone(), because: error.clone() }
                }
                _ => Next::Choose { at },
            };
        }
        None => return Next::End { outcome: Outcome::Escalated, because: state.entered_because.clone() },
    };
    in_step(at, Phase::Escalate, Autonomy::Auto, state, now, InStep { in_group: false, news: News::Fresh })
}

fn give_up<'p>(at: &StepAt<'_>, class: FailureClass, error: &str, attempts: u32) -> Next<'p> {
    let tries = if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
    let because = match class {
        FailureClass::NeedsHuman => format!("{} needs a human{tries}: {error}", at.address),
        FailureClass::Retry | FailureClass::Fail => format!("{} failed{tries}: {error}", at.address),
    };
    Next::Enter { phase: Phase::Escalate, because }
}
