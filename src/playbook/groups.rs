//! Groups of steps that are finished once they were begun.

use super::{Block, Playbook, Step, StepKind};
use crate::action::Action;
use crate::model::{Phase, RunEvent, StepAddress};

impl Playbook {
    /// The mutations that are still to be made of `atomic` groups that were begun, by a run's records.
    pub fn left_of_groups<'a>(&self, log: impl IntoIterator<Item = &'a RunEvent>) -> Vec<&StepAddress> {
        let made: Vec<&StepAddress> = log
            .into_iter()
            .filter_map(|event| match event {
                RunEvent::Done { step, .. } | RunEvent::Unneeded { step, .. } => Some(step),
                _ => None,
            })
            .collect();
        let changes = |step: &&Step| matches!(step.kind, StepKind::Action(Action::Mutate(_)));
        let is_made = |step: &&Step| made.contains(&&step.address);
        let mut groups = Vec::new();
        collect(self.blocks(Phase::Mitigate), &mut groups);
        groups
            .into_iter()
            .filter(|steps| steps.iter().any(|step| is_made(&step)))
            .flat_map(|steps| steps.iter().filter(changes).filter(|step| !is_made(step)))
            .map(|step| &step.address)
            .collect()
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
