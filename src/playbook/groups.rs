//! Groups of steps that are finished once they were begun.

use std::collections::BTreeSet;

use super::{Block, Playbook, Step, StepKind};
use crate::action::Action;
use crate::model::{ItemKey, Phase, RunEvent, StepAddress};

impl Playbook {
    /// The mutations that are still to be made of `atomic` groups that were begun, and of items of
    /// loops, by a run's records.
    pub fn left_of_groups<'a>(&self, log: impl IntoIterator<Item = &'a RunEvent>) -> Vec<StepAddress> {
        let (mut made, mut over) = (Vec::new(), BTreeSet::new());
        for event in log {
            match event {
                RunEvent::Done { step, .. } | RunEvent::Unneeded { step, .. } => made.push(step),
                RunEvent::ItemEnded { step, .. } => drop(over.insert(step.clone())),
                _ => {}
            }
        }
        let changes = |step: &&Step| matches!(step.kind, StepKind::Action(Action::Mutate(_)));
        let mut groups = Vec::new();
        collect(self.blocks(Phase::Mitigate), &mut groups);
        let mut left = Vec::new();
        for (each, group) in groups {
            let is_of_it = |address: &&&StepAddress| group.iter().any(|step| step.address == address.for_all());
            let items: BTreeSet<&[ItemKey]> = made.iter().filter(is_of_it).map(|address| address.items()).collect();
            for items in items {
                if each.is_some_and(|each| over.contains(&each.for_items(items))) {
                    continue;
                }
                for step in group.iter().filter(|step| changes(step)) {
                    let address = step.address.for_items(items);
                    if !made.contains(&&address) && !left.contains(&address) {
                        left.push(address);
                    }
                }
            }
        }
        left
    }
}

/// Steps that belong together; of a loop, those of one item.
type Group<'p> = (Option<&'p StepAddress>, Vec<&'p Step>);

fn collect<'p>(blocks: &'p [Block], groups: &mut Vec<Group<'p>>) {
    for block in blocks {
        match block {
            Block::Step(_) => {}
            Block::Atomic(steps) => groups.push((None, steps.iter().collect())),
            Block::Choose(choose) => choose.branches.iter().for_each(|branch| collect(&branch.blocks, groups)),
            Block::ForEach(each) => {
                groups.push((Some(&each.address), each.blocks.iter().flat_map(Block::steps).collect()));
            }
        }
    }
}
