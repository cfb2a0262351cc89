//! How one step goes on: a pure function of what its log says of it, and of the time.

use chrono::{DateTime, Utc};

use super::ask_source::Heard;
use super::asking::is_asked_before;
use super::plan::{Next, finish};
use super::state::{Approval, RunState};
use super::status::Status;
use super::walk::StepAt;
use super::watch;
use crate::action::Action;
use crate::model::{Autonomy, ConditionKind, FailureClass, HumanDuration, Phase, SourceAnswer, StepAddress};
use crate::playbook::{Playbook, StepKind};

/// For how long nobody went on with it, if somebody was to be called within that time.
pub fn left_alone(playbook: &Playbook, state: &RunState) -> Option<HumanDuration> {
    let page_by = playbook.page_by.or_else(|| playbook.severity.ack_within())?;
    let left_alone = state.left_alone.to_std().ok()?;
    (left_alone > page_by).then_some(HumanDuration(left_alone))
}

/// What is known of whether a run's alert still fires.
#[derive(Debug, Clone, Copy)]
pub enum News {
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

pub fn news(playbook: &Playbook, state: &RunState) -> News {
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
pub struct InStep {
    /// A group was begun, and is finished.
    pub in_group: bool,
    /// The alert's end is one of this, too.
    pub heeds_the_end: bool,
    pub news: News,
}

/// A mutation whose fate is open: how that is found out.
pub fn doubt<'p>(at: &StepAt<'p>, state: &RunState, now: DateTime<Utc>) -> Option<Next<'p>> {
    let Some(Status::Started { tried, intent, since, look_at }) = state.status(&at.address) else { return None };
    let StepKind::Action(Action::Mutate(action)) = &at.step.kind else { return None };
    if let Some(look_at) = look_at.filter(|look_at| now < *look_at) {
        return Some(Next::Park { until: look_at });
    }
    let (attempt, intent, since) = (tried.attempts, intent.clone(), *since);
    Some(Next::Doubt { at: at.clone(), action: action.as_ref(), attempt, intent, since })
}

/// Why a read failed for good without which the run goes on. That its `when` could not be decided
/// is another failure.
pub fn fails_without_harm(at: &StepAt<'_>, state: &RunState) -> Option<String> {
    match state.status(&at.address) {
        Some(Status::Failed { error, tried, .. })
            if at.step.goes_on_without && (tried.wanted || at.step.when.is_none()) =>
        {
            Some(error.clone())
        }
        _ => None,
    }
}

/// What comes next at it.
pub fn in_step<'p>(
    at: StepAt<'p>,
    phase: Phase,
    autonomy: Autonomy,
    state: &RunState,
    now: DateTime<Utc>,
    InStep { in_group, heeds_the_end, news }: InStep,
) -> Next<'p> {
    let step = at.step;
    if let Some(error) = fails_without_harm(&at, state) {
        return Next::GoWithout { address: at.address, error };
    }
    let is_wanted = match state.status(&at.address) {
        Some(Status::Failed { error, .. }) if phase == Phase::Escalate => {
            return Next::Skip { address: at.address, because: error.clone() };
        }
        Some(Status::Failed { class, error, tried, .. }) => return give_up(&at, *class, error, tried.attempts),
        Some(Status::Waiting { until, .. }) if now < *until => return Next::Park { until: *until },
        Some(Status::Waiting { .. }) if matches!(step.kind, StepKind::Wait(_)) => return Next::EndWait { at },
        Some(Status::Made { at: made_at }) => return begin_verify(at, *made_at),
        Some(Status::Verifying { look_at, .. }) if now < *look_at => return Next::Park { until: *look_at },
        Some(Status::Verifying { look_at, give_up_at, last, holds_since, .. }) => {
            return go_on_verifying(at, (*look_at, *give_up_at), last.as_ref(), *holds_since);
        }
        Some(Status::Ready { tried } | Status::Waiting { tried, .. }) => tried.wanted,
        Some(Status::Watching(_)) => true,
        // Handled before the trouble and the cancel; what is finished is passed over.
        Some(
            Status::Started { .. } | Status::Chosen { .. } | Status::Listed | Status::Open | Status::Finished { .. },
        )
        | None => false,
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
        StepKind::LeaveIf(condition) => Next::Evaluate { at, kind: ConditionKind::LeaveIf, condition },
        StepKind::Set(values) => Next::Set { at, values },
        StepKind::HandOver(to) => Next::HandOver { at, to },
        StepKind::Wait(lasting) => Next::Wait { at, lasting: *lasting },
        StepKind::Action(Action::Read(action)) => match &step.watch {
            Some(watch) => watch::go_on(at, action.as_ref(), watch, state, now),
            None => Next::Read { at, action: action.as_ref(), attempt: attempts + 1 },
        },
        StepKind::Action(Action::Tell(tell)) => Next::Tell { at, tell },
        StepKind::Action(Action::Mutate(action)) => {
            if state.alert_resolved && heeds_the_end && !in_group {
                return finish(state, "the alert resolved: nothing more is changed".into());
            }
            match (&state.approval, news) {
                // A group that was begun is finished, whatever is asked beside it.
                (Approval::Asked { .. }, News::Fresh) if in_group => {
                    Next::Act { at, action: action.as_ref(), attempt: attempts + 1 }
                }
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
                (Approval::None | Approval::Granted { .. }, News::Fresh)
                    if !in_group && is_asked_before(&at, autonomy, state) =>
                {
                    Next::Ask { at }
                }
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
    (look_at, give_up_at): (DateTime<Utc>, DateTime<Utc>),
    last: Option<&(DateTime<Utc>, String)>,
    holds_since: Option<DateTime<Utc>>,
) -> Next<'p> {
    match (&at.step.verify, last) {
        // The look that this timer was for is done.
        (Some(verify), Some((looked_at, seen))) if *looked_at >= look_at => {
            if *looked_at >= give_up_at {
                let because = format!("{} did not help in time: {seen}", at.address);
                return Next::Enter { phase: Phase::Escalate, because };
            }
            // A look is made when it has held for long enough, too.
            let proved_at = holds_since.zip(verify.lasting).map(|(since, lasting)| since + lasting);
            let regular = *looked_at + verify.every;
            let look_at = proved_at.filter(|at| at > looked_at).map_or(regular, |at| at.min(regular));
            Next::BeginVerify { at, look_at: look_at.min(give_up_at), give_up_at }
        }
        (Some(verify), _) => Next::Look { at, verify },
        (None, _) => Next::Park { until: give_up_at },
    }
}

fn give_up<'p>(at: &StepAt<'_>, class: FailureClass, error: &str, attempts: u32) -> Next<'p> {
    Next::Enter { phase: Phase::Escalate, because: why_given_up(&at.address, class, error, attempts) }
}

/// How a step that failed for good is told of.
pub fn why_given_up(step: &StepAddress, class: FailureClass, error: &str, attempts: u32) -> String {
    let tries = if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
    match class {
        FailureClass::NeedsHuman | FailureClass::LeaveAlone | FailureClass::HeldUp => {
            format!("{step} needs a human{tries}: {error}")
        }
        FailureClass::Retry | FailureClass::Fail => format!("{step} failed{tries}: {error}"),
    }
}
