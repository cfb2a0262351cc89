//! Groups of steps that are finished once they were begun.

use super::{Block, Playbook, Step, StepKind};
use crate::action::Action;
use crate::model::{Phase, StepAddress};

impl Playbook {
    /// The mutations of each `atomic` group, in order.
    pub fn groups(&self) -> Vec<Vec<StepAddress>> {
        let mut groups = Vec::new();
        collect(self.blocks(Phase::Mitigate), &mut groups);
        let changes = |step: &&Step| matches!(step.kind, StepKind::Action(Action::Mutate(_)));
        groups.into_iter().map(|steps| steps.iter().filter(changes).map(|step| step.address.clone()).collect()).collect()
    }
}

fn collect<'p>(blocks: &'p [Block], groups: &mut Vec<&'p [Step]>) {
    for block in blocks {
        match block {
            Block::Step(_) => {}
            Block::Atomic(steps) => groups.push(steps),
            Block::Choose(choose) => choose.branches.iter().for_each(|branch| collect(&branch.blocks, groups)),
        }
    }
}
