//! What a run would do, found out without doing it.

use chrono::{DateTime, Utc};

use super::plan::{Next, plan};
use super::scope::Frame;
use super::state::RunState;
use super::timing::READ_TIMEOUT;
use super::{mutate, read};
use crate::action::{Action, Plan, World};
use crate::model::{Autonomy, Outcome, Phase, Preview, PreviewStep, RunEvent, redact};
use crate::playbook::{Playbook, StepKind};

/// Asks every mutating step of the mitigation what it would do now, until then at most.
pub(super) async fn preview(
    world: &World,
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    until: DateTime<Utc>,
) -> Preview {
    let mut steps = Vec::new();
    for step in playbook.steps(Phase::Mitigate) {
        let StepKind::Action(Action::Mutate(action)) = &step.kind else { continue };
        let (summary, certain, diff) = match mutate::prepare(world, frame, state, step, action.as_ref(), until).await {
            Ok(Plan::Do(intent)) => {
                let diff = redact(&format!("- {}\n+ {}", intent.before, intent.after)).into_owned();
                (intent.summary, true, Some(diff))
            }
            Ok(Plan::Unneeded(output)) => (format!("nothing: {}", output.summary), true, None),
            Err(error) => {
                let name = action.as_describe().name();
                (format!("{name}: decided after the steps before it; now: {error}"), false, None)
            }
        };
        steps.push(PreviewStep { step: step.path.clone(), mutating: true, summary, certain, diff });
    }
    Preview { steps }
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
            Next::Evaluate { step, kind, condition } => read::evaluate(world, frame, &state, step, kind, condition),
            Next::Read { step, action, attempt } => match read::read(world, frame, &state, step, action, until).await {
                Ok((output, summary)) => RunEvent::Read { step: step.path.clone(), output, summary },
                Err(error) => {
                    RunEvent::Failed { step: step.path.clone(), attempt, class: error.class, error: error.message }
                }
            },
            Next::EndWait { step } | Next::Wait { step, .. } => RunEvent::Waited { step: step.path.clone() },
            Next::Propose => {
                let preview = preview(world, frame, &state, playbook, until).await;
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
