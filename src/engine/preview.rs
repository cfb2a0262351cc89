//! What a run would do, found out without doing it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::plan::{Next, plan};
use super::scope::Frame;
use super::state::RunState;
use super::timing::READ_TIMEOUT;
use super::walk::{StepAt, steps_of};
use super::{mutate, read};
use crate::action::{Action, ActionError, Plan, World};
use crate::model::{
    Autonomy, FailureClass, Intent, Outcome, Phase, Preview, PreviewStep, RunEvent, StepAddress, redact,
};
use crate::playbook::{Playbook, StepKind};

/// What a run would do, and what could not be found out for the moment.
pub(super) struct Outlook {
    pub preview: Preview,
    /// Steps whose object could not be asked, though it may be in a moment.
    pub unasked: BTreeMap<StepAddress, ActionError>,
    /// What is certain to be done, unless a step before it changes that.
    pub intents: BTreeMap<StepAddress, Intent>,
}

/// Asks every mutating step of the mitigation what it would do now, until then at most.
pub(super) async fn preview(
    world: &World,
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    until: DateTime<Utc>,
) -> Outlook {
    let preview = Preview { steps: Vec::new() };
    let mut outlook = Outlook { preview, unasked: BTreeMap::new(), intents: BTreeMap::new() };
    for at in steps_of(playbook, Phase::Mitigate) {
        let StepKind::Action(Action::Mutate(action)) = &at.step.kind else { continue };
        if state.is_finished(&at.address) {
            continue;
        }
        let shown = |summary: String, certain, diff| {
            let summary = redact(&summary).into_owned();
            PreviewStep { step: at.address.clone(), mutating: true, summary, certain, diff }
        };
        let wanted = wanted(world, frame, state, &at);
        if let Wanted::No { when } = wanted {
            outlook.preview.steps.push(shown(format!("nothing: `{when}` does not hold"), true, None));
            continue;
        }
        let mut shown = match mutate::prepare(world, frame, state, &at, action.as_ref(), until).await {
            Ok(Plan::Do(intent)) => {
                let diff = redact(&format!("- {}\n+ {}", intent.before, intent.after)).into_owned();
                let told = shown(intent.summary.clone(), true, Some(diff));
                outlook.intents.insert(at.address.clone(), intent);
                told
            }
            Ok(Plan::Unneeded(output)) => shown(format!("nothing: {}", output.summary), true, None),
            Err(error) => {
                let name = action.name();
                let told = format!("{name}: decided after the steps before it; now: {error}");
                if error.class == FailureClass::Retry {
                    outlook.unasked.insert(at.address.clone(), error);
                }
                shown(told, false, None)
            }
        };
        if let Wanted::Undecided { when } = wanted {
            shown.summary = format!("if `{when}`: {}", shown.summary);
            shown.certain = false;
        }
        outlook.preview.steps.push(shown);
    }
    outlook
}

/// What a step's `when` says now.
enum Wanted<'p> {
    Yes,
    No {
        when: &'p str,
    },
    /// It speaks of what a step before it will have done.
    Undecided {
        when: &'p str,
    },
}

fn wanted<'p>(world: &World, frame: &Frame, state: &RunState, at: &StepAt<'p>) -> Wanted<'p> {
    let Some(when) = at.step.when.as_ref().filter(|_| !state.tried(&at.address).wanted) else { return Wanted::Yes };
    let source = when.expression.source();
    match when.expression.holds(&frame.scope(state), world.clock.now()) {
        Ok(true) => Wanted::Yes,
        Ok(false) => Wanted::No { when: source },
        Err(_) => Wanted::Undecided { when: source },
    }
}

/// How what was shown compares with what would be done now.
#[derive(Debug, PartialEq)]
pub(super) enum Compared {
    Same,
    Changed,
    /// That cannot be told for the moment.
    Unasked(String),
}

/// Whether a yes to `shown` is a yes to what would be done now. Of a step that was shown as uncertain nothing was promised,
/// but of the first: what it does was there to be shown.
pub(super) fn compare(shown: &Preview, now: &Outlook) -> Compared {
    let mut unasked = None;
    for (n, shown) in shown.steps.iter().enumerate() {
        let Some(step) = now.preview.steps.iter().find(|step| step.step == shown.step) else {
            return Compared::Changed;
        };
        match (shown.certain, now.unasked.get(&shown.step)) {
            (true, Some(error)) => unasked = unasked.or(Some(error.message.clone())),
            (true, None) if step != shown => return Compared::Changed,
            (false, None) if n == 0 && step.certain => return Compared::Changed,
            _ => {}
        }
    }
    unasked.map_or(Compared::Same, Compared::Unasked)
}

/// What a rehearsal of a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// What was read and decided, in order.
    pub events: Vec<RunEvent>,
    /// What it would change; `None` when it would not come to that.
    pub preview: Option<Preview>,
    /// How it would end without changing anything; `None` when it would go on to the mitigation.
    pub end: Option<(Outcome, String)>,
}

/// Diagnoses for real and shows the mitigation, with nothing changed and nothing written.
pub async fn rehearse(world: &World, playbook: &Playbook, frame: &Frame) -> Rehearsal {
    let mut state = RunState::default();
    let mut events = Vec::new();
    loop {
        let now = world.clock.now();
        let until = now + READ_TIMEOUT;
        let event = match plan(playbook, Autonomy::Suggest, &state, now) {
            Next::Enter { phase: Phase::Escalate, because } => {
                return Rehearsal { events, preview: None, end: Some((Outcome::Escalated, because)) };
            }
            Next::Enter { phase, because } => RunEvent::Entered { phase, because },
            Next::ReadTarget => match read::read_target(world, frame, until).await {
                Ok(event) => event,
                Err(error) => {
                    return Rehearsal { events, preview: None, end: Some((Outcome::Escalated, error.message)) };
                }
            },
            Next::Evaluate { at, kind, condition } => read::evaluate(world, frame, &state, &at, kind, condition),
            Next::Read { at, action, attempt } => match read::read(world, frame, &state, &at, action, until).await {
                Ok((output, summary)) => RunEvent::Read { step: at.address.clone(), output, summary },
                Err(error) => {
                    RunEvent::Failed { step: at.address.clone(), attempt, class: error.class, error: error.message }
                }
            },
            Next::EndWait { at } | Next::Wait { at, .. } => RunEvent::Waited { step: at.address.clone() },
            Next::Propose => {
                let preview = preview(world, frame, &state, playbook, until).await.preview;
                return Rehearsal { events, preview: Some(preview), end: None };
            }
            Next::End { outcome, because } => {
                return Rehearsal { events, preview: None, end: Some((outcome, because)) };
            }
            // A diagnosis holds no other steps.
            other => {
                let because = format!("the diagnosis cannot be rehearsed beyond {other:?}");
                return Rehearsal { events, preview: None, end: Some((Outcome::Escalated, because)) };
            }
        };
        state.take(now, &event);
        events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(id: &str) -> StepAddress {
        format!("mitigate.{id}").parse().unwrap()
    }

    fn step(path: &str, summary: &str, certain: bool) -> PreviewStep {
        PreviewStep { step: address(path), mutating: true, summary: summary.into(), certain, diff: None }
    }

    fn now(steps: &[PreviewStep], unasked: &[&str]) -> Outlook {
        let lost = |path: &&str| (address(path), ActionError::retry("the connection was lost"));
        let unasked = unasked.iter().map(lost).collect();
        Outlook { preview: Preview { steps: steps.to_vec() }, unasked, intents: BTreeMap::new() }
    }

    #[test]
    fn a_yes_holds_for_what_was_certain() {
        let (one, two) =
            (step("one", "scale 4 -> 6", true), step("two", "create: decided after; now: x is live", false));
        let shown = Preview { steps: vec![one.clone(), two.clone()] };
        assert_eq!(compare(&shown, &now(&[one.clone(), two.clone()], &[])), Compared::Same);
        let other_error = step("two", "create: decided after; now: x is still there", false);
        assert_eq!(compare(&shown, &now(&[one.clone(), other_error], &["two"])), Compared::Same);
        assert_eq!(compare(&shown, &now(&[one, step("two", "create x", true)], &[])), Compared::Same);
        assert_eq!(compare(&shown, &now(&[step("one", "scale 5 -> 8", true), two.clone()], &[])), Compared::Changed);
        let lost = step("one", "scale: decided after; now: the connection was lost", false);
        let unasked = Compared::Unasked("the connection was lost".into());
        assert_eq!(compare(&shown, &now(&[lost.clone(), two.clone()], &["one"])), unasked);
        // It failed for good: that is another thing than what was shown.
        assert_eq!(compare(&shown, &now(&[lost, two], &[])), Compared::Changed);
    }

    #[test]
    fn a_yes_to_a_first_step_that_nobody_saw_is_a_yes_to_nothing() {
        let shown = Preview { steps: vec![step("one", "scale: now: it is held", false)] };
        assert_eq!(compare(&shown, &now(&[step("one", "scale 4 -> 6", true)], &[])), Compared::Changed);
    }
}
