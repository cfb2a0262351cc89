//! What the engine counts for Prometheus.

use crate::action::Action;
use crate::metrics::{Metrics, MutationResult};
use crate::model::{Phase, RunEvent};
use crate::playbook::{Playbook, StepKind};

/// Counts what became of a change, once it is on the log.
pub(super) fn count(metrics: &Metrics, playbook: &Playbook, event: &RunEvent) {
    let (path, result) = match event {
        RunEvent::Done { step, .. } => (step, MutationResult::Done),
        RunEvent::Unneeded { step, .. } => (step, MutationResult::Unneeded),
        RunEvent::Failed { step, .. } => (step, MutationResult::Failed),
        _ => return,
    };
    // Only this phase changes anything.
    let step = playbook
        .steps(Phase::Mitigate)
        .find(|step| step.address.phase() == path.phase() && step.address.name() == path.name());
    if let Some(StepKind::Action(Action::Mutate(action))) = step.map(|step| &step.kind) {
        metrics.mutation(action.name(), result);
    }
}
