//! The way through a playbook's tree: where a run stands, by what its log says of each step.

use super::state::RunState;
use super::status::Status;
use crate::action::{Action, ChangeKind};
use crate::model::{Phase, StepAddress};
use crate::playbook::{Block, Choose, Playbook, Step, StepKind};

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

/// A `choose` at which a run stands.
#[derive(Debug, Clone)]
pub struct ChooseAt<'p> {
    pub choose: &'p Choose,
    /// Its address in this run.
    pub address: StepAddress,
}

/// What comes next in the tree.
#[derive(Debug, Clone)]
pub enum Place<'p> {
    Step(StepAt<'p>),
    Choose(ChooseAt<'p>),
}

impl<'p> StepAt<'p> {
    pub(super) fn new(playbook: &'p Playbook, step: &'p Step, group: &'p [Step]) -> Self {
        let address = step.address.clone();
        let first = playbook.steps(Phase::Mitigate).find(|step| creates(step));
        let is_first = first.is_some_and(|first| first.address == address);
        let tag = (creates(step) && !is_first).then(|| address.tag());
        Self { step, address, tag, group }
    }

    /// Whether it belongs to an `atomic` group that has changed something: that is finished, whatever
    /// happens. One that was found unneeded has changed nothing.
    pub fn is_in_begun_group(&self, state: &RunState) -> bool {
        self.group.iter().any(|step| state.changed.contains(&step.address))
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

impl Place<'_> {
    pub fn address(&self) -> &StepAddress {
        match self {
            Place::Step(at) => &at.address,
            Place::Choose(at) => &at.address,
        }
    }
}

fn creates(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Action(Action::Mutate(action)) if action.change_kind() == ChangeKind::Create)
}

/// The blocks of the branch that was chosen; `None`: none was yet.
pub fn chosen<'p>(choose: &'p Choose, state: &RunState) -> Option<&'p [Block]> {
    let Some(Status::Chosen { branch }) = state.status(&choose.address) else { return None };
    // One that is not known is no branch without steps: it is chosen again, which cannot follow,
    // and so is for a human.
    choose.branches.iter().find(|known| known.name == *branch).map(|branch| branch.blocks.as_slice())
}

/// The first place of the phase at which something is left to do.
pub fn next_place<'p>(playbook: &'p Playbook, phase: Phase, state: &RunState) -> Option<Place<'p>> {
    next_in(playbook, playbook.blocks(phase), state)
}

fn next_in<'p>(playbook: &'p Playbook, blocks: &'p [Block], state: &RunState) -> Option<Place<'p>> {
    let open = |step: &'p Step, group: &'p [Step]| {
        let at = StepAt::new(playbook, step, group);
        (!at.is_over(state)).then_some(Place::Step(at))
    };
    blocks.iter().find_map(|block| match block {
        Block::Step(step) => open(step, &[]),
        Block::Atomic(steps) => steps.iter().find_map(|step| open(step, steps)),
        Block::Choose(choose) => match chosen(choose, state) {
            Some(blocks) => next_in(playbook, blocks, state),
            None if state.is_finished(&choose.address) => None,
            None => Some(Place::Choose(ChooseAt { choose, address: choose.address.clone() })),
        },
    })
}

/// The step with that id.
pub fn find<'p>(playbook: &'p Playbook, id: &str) -> Option<StepAt<'p>> {
    playbook.step_by_id(id).map(|step| StepAt::new(playbook, step, &[]))
}
