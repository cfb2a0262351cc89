//! Groups of steps that are finished once they were begun.

use super::{Block, Playbook, Step, StepKind};
use crate::action::Action;
use crate::model::{Phase, StepAddress};

impl Playbook {
    /// The `atomic` groups, and the steps of one item of each loop, in order.
    pub fn groups(&self) -> Vec<(Option<StepAddress>, Vec<StepAddress>)> {
        let mut groups = Vec::new();
        collect(self.blocks(Phase::Mitigate), &mut groups);
        groups
    }
}

fn collect(blocks: &[Block], groups: &mut Vec<(Option<StepAddress>, Vec<StepAddress>)>) {
    for block in blocks {
        match block {
            Block::Step(_) => {}
            Block::Atomic(steps) => groups.push((None, changes(steps.iter()))),
            Block::Choose(choose) => choose.branches.iter().for_each(|branch| collect(&branch.blocks, groups)),
            Block::ForEach(each) => {
                groups.push((Some(each.address.clone()), changes(each.blocks.iter().flat_map(Block::steps))));
            }
        }
    }
}

fn changes<'p>(steps: impl Iterator<Item = &'p Step>) -> Vec<StepAddress> {
    let changes = |step: &&Step| matches!(step.kind, StepKind::Action(Action::Mutate(_)));
    steps.filter(changes).map(|step| step.address.clone()).collect()
}
