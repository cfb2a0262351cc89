//! What a run does next: a pure function of its playbook, the fold of its log, and the time.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::in_step::{InStep, News, doubt, in_step, news};
use super::loops::{self, Loop};
use super::state::RunState;
use super::status::Status;
use super::undo;
use super::walk::{ChooseAt, LoopAt, Place, StepAt, next_place};
use crate::action::{Mutation, Read, Tell};
use crate::language::Expression;
use crate::model::{
    Autonomy, ConditionKind, HumanDuration, Intent, ItemKey, ItemOutcome, ObjectKey, Outcome, Phase, StepAddress,
};
use crate::playbook::{Condition, HandOver, Playbook, Verify, Watch};

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
    /// Make the list of a loop.
    List {
        at: LoopAt<'p>,
    },
    /// These items of a loop begin.
    Wave {
        address: StepAddress,
        keys: Vec<ItemKey>,
    },
    /// Read what an item is about.
    ReadItem {
        address: StepAddress,
        target: ObjectKey,
    },
    EndItem {
        address: StepAddress,
        outcome: ItemOutcome,
        because: String,
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
    /// A read failed for good, and is not needed.
    GoWithout {
        address: StepAddress,
        error: String,
    },
    /// Record the timer of a read that is repeated.
    BeginWatch {
        at: StepAt<'p>,
        watch: &'p Watch,
    },
    /// Repeat it.
    Watch {
        at: StepAt<'p>,
        action: &'p dyn Read,
        watch: &'p Watch,
    },
    /// Another playbook goes on.
    HandOver {
        at: StepAt<'p>,
        to: &'p HandOver,
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
    /// Put back what a step replaced.
    TakeBack {
        at: StepAt<'p>,
        action: &'p dyn Mutation,
        made: Box<Intent>,
        attempt: u32,
    },
    /// Record that a change which was to be taken back stands.
    Stand {
        address: StepAddress,
        because: String,
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
    if let Some(next) = undo::in_doubt(playbook, state, now) {
        return next;
    }
    if phase == Phase::Escalate {
        // What has the run escalate at once leaves that for now.
        let entered = Next::Enter { phase: Phase::Escalate, because: String::new() };
        return match undo::before(playbook, &[], state, now, entered) {
            Next::Enter { .. } => escalate(playbook, state, now),
            undo => undo,
        };
    }
    let next = go_on(playbook, phase, autonomy, state, now);
    undo::before(playbook, &[], state, now, next)
}

/// What comes next in the diagnosis and in the mitigation, but for what is taken back.
fn go_on<'p>(
    playbook: &'p Playbook,
    phase: Phase,
    autonomy: Autonomy,
    state: &RunState,
    now: DateTime<Utc>,
) -> Next<'p> {
    let place = next_place(playbook, phase, state);
    let at = match &place {
        Some(Place::Step(at)) => Some(at),
        Some(Place::Choose(_) | Place::Loop(_)) | None => None,
    };
    // A mutation whose fate is open comes before everything else, also before a cancel.
    if let Some(next) = at.and_then(|at| doubt(at, state, now)) {
        return next;
    }
    if let Some(Place::Loop(at)) = &place
        && let Some(listed) = state.listed(&at.address)
    {
        return loops::plan(playbook, at.clone(), listed, state, autonomy, now);
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
        return finish_or_escalate(state, done.clone());
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
        Some(Place::Loop(at)) => list(at, state),
        Some(Place::Step(at)) => {
            let may_change = autonomy >= Autonomy::Approve && !in_group;
            let news = if may_change { news(playbook, state) } else { News::Fresh };
            in_step(at, phase, autonomy, state, now, InStep { in_group, heeds_the_end: true, news })
        }
        None if phase == Phase::Diagnose => after_diagnose(autonomy, state),
        None => finish_or_escalate(state, "every step of the mitigation is done".into()),
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

/// Where nothing was changed and a loop has left something alone, there is something to do.
fn finish_or_escalate<'p>(state: &RunState, because: String) -> Next<'p> {
    let has_left = |listed: &Loop| listed.address.phase() == Phase::Mitigate && listed.has_left();
    match finish(state, because) {
        Next::End { outcome: Outcome::NothingToDo, because } if state.loops.iter().any(has_left) => {
            Next::Enter { phase: Phase::Escalate, because }
        }
        next => next,
    }
}

/// It is told what a loop has left alone.
pub fn finish<'p>(state: &RunState, because: String) -> Next<'p> {
    let left = state.loops.iter().filter(|listed| listed.has_left()).map(Loop::told);
    let because = std::iter::once(because).chain(left).collect::<Vec<_>>().join("; ");
    if state.mutated {
        Next::End { outcome: Outcome::Fixed, because }
    } else {
        Next::End { outcome: Outcome::NothingToDo, because }
    }
}

/// A list that cannot be made is for a human.
fn list<'p>(at: LoopAt<'p>, state: &RunState) -> Next<'p> {
    match state.status(&at.address) {
        Some(Status::Failed { error, .. }) => {
            Next::Enter { phase: Phase::Escalate, because: format!("{} failed: {error}", at.address) }
        }
        _ => Next::List { at },
    }
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
        // The check refuses it.
        Some(Place::Loop(at)) => {
            return Next::Skip { address: at.address, because: "a loop has no place here".to_owned() };
        }
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
    in_step(
        at,
        Phase::Escalate,
        Autonomy::Auto,
        state,
        now,
        InStep { in_group: false, heeds_the_end: true, news: News::Fresh },
    )
}
