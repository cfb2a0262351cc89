//! The way through a playbook's tree: where a run stands, by what its log says of each step.

use super::state::RunState;
use super::status::Status;
use crate::action::{Action, Verb};
use crate::model::{Phase, StepAddress};
use crate::playbook::{Block, Playbook, Step, StepKind};

/// A step at which a run stands.
#[derive(Debug, Clone)]
pub struct StepAt<'p> {
    pub step: &'p Step,
    /// Its address in this run.
    pub address: StepAddress,
    /// As [`crate::action::StepContext::tag`].
    pub tag: Option<String>,
    /// The steps of the `atomic` group that it is one of.
    group: &'p [Step],
}

impl<'p> StepAt<'p> {
    fn new(playbook: &'p Playbook, step: &'p Step, group: &'p [Step]) -> Self {
        let address = step.address.clone();
        let first = playbook.steps(Phase::Mitigate).find(|step| creates(step));
        let is_first = first.is_some_and(|first| first.address == address);
        let tag = (creates(step) && !is_first).then(|| address.tag());
        Self { step, address, tag, group }
    }

    /// Whether it belongs to an `atomic` group whose first mutation was made: that is finished, whatever happens.
    pub fn is_in_begun_group(&self, state: &RunState) -> bool {
        self.group.iter().any(|step| state.is_made(&step.address))
    }

    /// Nothing is left to do there.
    fn is_over(&self, state: &RunState) -> bool {
        match state.status(&self.address) {
            Some(Status::Finished { .. }) => true,
            Some(Status::Made { .. }) => self.step.verify.is_none(),
            _ => false,
        }
    }
}

fn creates(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Action(Action::Mutate(action)) if action.verb() == Verb::Create)
}

/// The steps of a phase, in the order in which they run.
pub fn steps_of<'p>(playbook: &'p Playbook, phase: Phase) -> impl Iterator<Item = StepAt<'p>> {
    playbook.blocks(phase).iter().flat_map(move |block| {
        let group: &[Step] = match block {
            Block::Step(_) => &[],
            Block::Atomic(steps) => steps,
        };
        block.steps().map(move |step| StepAt::new(playbook, step, group))
    })
}

/// The first step of the phase that is not over.
pub fn next_step<'p>(playbook: &'p Playbook, phase: Phase, state: &RunState) -> Option<StepAt<'p>> {
    steps_of(playbook, phase).find(|at| !at.is_over(state))
}

/// The step with that id.
pub fn find<'p>(playbook: &'p Playbook, id: &str) -> Option<StepAt<'p>> {
    let phases = [Phase::Diagnose, Phase::Mitigate, Phase::Escalate].into_iter();
    phases.flat_map(|phase| steps_of(playbook, phase)).find(|at| at.step.id() == Some(id))
}
