//! Who is asked before a change: by which rule of the playbook, and what it takes to say yes.

use std::collections::BTreeSet;
use std::time::Duration;

use super::preview::Outlook;
use super::scope::Frame;
use super::state::{Approval, RunState};
use super::walk::StepAt;
use crate::model::{ApprovalTerms, Approvers, Autonomy, Phase, StepAddress, redact};
use crate::playbook::{ApprovalRule, Block, Playbook};

/// The longest question in words, in characters: what would be changed is shown below it.
const LONGEST: usize = 500;

/// A question that is about to be asked.
pub(super) struct Question<'p> {
    rule: Option<&'p ApprovalRule>,
    /// The step or loop whose own question it is.
    pub before: Option<StepAddress>,
}

/// Whether somebody has to say yes before that change. A question of its own is asked once there,
/// be it for a step or for all items of a loop; what follows it is covered by the same yes, up to
/// the next such question.
pub(super) fn is_asked_before(at: &StepAt<'_>, autonomy: Autonomy, state: &RunState) -> bool {
    match (at.asks_itself(), &state.approval) {
        (Some((_, here)), Approval::Granted { before, .. }) => before.as_ref() != Some(here),
        (Some(_), Approval::None | Approval::Asked { .. }) => true,
        // What a yes was to, and is no more, is asked again.
        (None, Approval::None) => autonomy == Autonomy::Approve || state.asked_before.is_some(),
        (None, Approval::Granted { .. } | Approval::Asked { .. }) => false,
    }
}

impl<'p> Question<'p> {
    pub fn at(playbook: &'p Playbook, at: &StepAt<'p>, state: &RunState) -> Self {
        if let Some((rule, before)) = at.asks_itself() {
            return Self { rule: Some(rule), before: Some(before.clone()) };
        }
        let of_before = state.asked_before.as_ref();
        let rule = of_before.and_then(|before| rule_at(playbook.blocks(Phase::Mitigate), before));
        Self { rule: rule.or(playbook.approval.as_ref()), before: None }
    }

    pub fn within(&self, usual: Duration) -> Duration {
        self.rule.and_then(|rule| rule.within).unwrap_or(usual)
    }

    pub fn terms(
        &self,
        playbook: &Playbook,
        at: &StepAt<'_>,
        (frame, state): (&Frame, &RunState),
        outlook: &Outlook,
    ) -> ApprovalTerms {
        let changed = outlook.intents.values().map(|intent| intent.object.place());
        let namespaces: BTreeSet<&str> = changed.chain([frame.run.target.place()]).collect();
        let usual = ApprovalTerms {
            owner: playbook.owner.clone(),
            namespaces: namespaces.into_iter().map(str::to_owned).collect(),
            ..ApprovalTerms::default()
        };
        let Some(rule) = self.rule else { return usual };
        // A question about a list is about the run, and not about the first of them.
        let scope = frame.scope(state, &at.address.for_all());
        let said = rule.question.as_ref().map(|said| said.render_leniently(&scope));
        ApprovalTerms {
            people: rule.people,
            of: rule.of.clone().unwrap_or_else(|| Approvers::Team(playbook.owner.clone())),
            not_of: frame.run.requested_by.clone().filter(|_| !rule.requester_may),
            question: said.map(|said| redact(&said).chars().take(LONGEST).collect()),
            ..usual
        }
    }
}

fn rule_at<'p>(blocks: &'p [Block], address: &StepAddress) -> Option<&'p ApprovalRule> {
    blocks.iter().find_map(|block| match block {
        Block::Step(step) => step.approval.as_ref().filter(|_| step.address == *address),
        Block::Atomic(steps) => steps.iter().find(|step| step.address == *address)?.approval.as_ref(),
        Block::Choose(choose) => choose.branches.iter().find_map(|branch| rule_at(&branch.blocks, address)),
        Block::ForEach(each) => each.approval.as_ref().filter(|_| each.address == *address),
    })
}
