//! Who is asked before something is changed.

use std::time::Duration;

use super::{Block, Playbook};
use crate::language::Template;
use crate::model::Approvers;

/// Who is asked before something is changed.
#[derive(Debug)]
pub struct ApprovalRule {
    /// So many must say yes.
    pub people: u32,
    /// `None`: the team that owns the playbook.
    pub of: Option<Approvers>,
    /// How long the question stays open; `None`: as the engine has it.
    pub within: Option<Duration>,
    /// Whether the yes of whoever asked for the run counts.
    pub requester_may: bool,
    /// What is asked, in words.
    pub question: Option<Template>,
}

impl Playbook {
    /// Who is asked, by each rule that it has.
    pub fn approvals(&self) -> Vec<&ApprovalRule> {
        fn of_block(block: &Block) -> Vec<&ApprovalRule> {
            match block {
                Block::Step(step) => Vec::from_iter(&step.approval),
                Block::Atomic(steps) => steps.iter().filter_map(|step| step.approval.as_ref()).collect(),
                Block::Choose(choose) => {
                    choose.branches.iter().flat_map(|branch| branch.blocks.iter().flat_map(of_block)).collect()
                }
                Block::ForEach(each) => Vec::from_iter(&each.approval),
            }
        }
        self.approval.iter().chain(self.mitigate.iter().flat_map(of_block)).collect()
    }
}
