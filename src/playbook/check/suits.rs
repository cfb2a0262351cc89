//! Whether the actions go with the target.

use super::Checker;
use super::blocks::BlockDraft;
use super::steps::Draft;
use crate::diagnostics::Code;
use crate::model::kind_identity;
use crate::playbook::document::StepKind;

/// An action that works on the target alone must know what to do with its kind.
pub(super) fn check(checker: &mut Checker<'_>, kind: &str, phases: [&Vec<BlockDraft>; 3]) {
    for block in phases.into_iter().flatten() {
        of_block(checker, kind, block);
    }
}

fn of_block(checker: &mut Checker<'_>, kind: &str, block: &BlockDraft) {
    match block {
        BlockDraft::Choose(choose) => {
            for block in choose.branches.iter().flat_map(|branch| &branch.blocks) {
                of_block(checker, kind, block);
            }
        }
        // What its steps work on is the item's own target.
        BlockDraft::ForEach(each) => {
            of_steps(checker, kind, each.guard.iter());
            let kind = each.kind.as_deref().unwrap_or(kind);
            each.blocks.iter().for_each(|block| of_block(checker, kind, block));
        }
        BlockDraft::Step(_) | BlockDraft::Atomic(_) => of_steps(checker, kind, block.steps()),
    }
}

fn of_steps<'d>(checker: &mut Checker<'_>, kind: &str, drafts: impl Iterator<Item = &'d Draft>) {
    for step in drafts.filter_map(|draft| draft.step.as_ref()) {
        let StepKind::Action(action) = &step.kind else { continue };
        let action = action.describe();
        let targets = action.targets();
        if targets.is_empty() || targets.iter().any(|known| known.as_str() == kind_identity(kind)) {
            continue;
        }
        let (name, known) =
            (action.name(), targets.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(" or "));
        let message = format!("`{name}` does nothing with a {kind}, which is the target");
        let at = checker.source.find(step.at, name);
        checker.rule(Code::WrongTarget, at, message, format!("take another action, or a target of the kind {known}"));
    }
}
