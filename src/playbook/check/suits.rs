//! Whether the actions go with the target.

use super::Checker;
use super::blocks::BlockDraft;
use super::steps::Draft;
use crate::action::{FieldPath, Patchable, why_never};
use crate::diagnostics::Code;
use crate::model::kind_identity;
use crate::playbook::document::{Step, StepKind, TargetKind};

/// An action that works on the target alone must know what to do with its kind.
pub(super) fn check(checker: &mut Checker<'_>, target: &[TargetKind], phases: [&Vec<BlockDraft>; 3]) {
    let kinds: Vec<&str> = target.iter().map(|target| target.kind.as_str()).collect();
    for block in phases.into_iter().flatten() {
        of_block(checker, &kinds, block);
    }
}

/// `kinds`: each of them may be what the steps are about.
fn of_block(checker: &mut Checker<'_>, kinds: &[&str], block: &BlockDraft) {
    match block {
        BlockDraft::Choose(choose) => {
            for block in choose.branches.iter().flat_map(|branch| &branch.blocks) {
                of_block(checker, kinds, block);
            }
        }
        // What its steps work on is the item's own target.
        BlockDraft::ForEach(each) => {
            of_steps(checker, kinds, each.guard.iter());
            let own: Vec<&str> = each.kind.as_deref().into_iter().collect();
            let kinds = if own.is_empty() { kinds } else { &own };
            each.blocks.iter().for_each(|block| of_block(checker, kinds, block));
        }
        BlockDraft::Step(_) | BlockDraft::Atomic(_) => of_steps(checker, kinds, block.steps()),
    }
}

fn of_steps<'d>(checker: &mut Checker<'_>, kinds: &[&str], drafts: impl Iterator<Item = &'d Draft>) {
    for step in drafts.filter_map(|draft| draft.step.as_ref()) {
        let StepKind::Action(action) = &step.kind else { continue };
        let action = action.describe();
        if let Some(field) = action.patched() {
            may_be_patched(checker, kinds, step, field);
        }
        let targets = action.targets();
        let suits = |kind: &str| targets.iter().any(|known| known.id() == kind_identity(kind));
        let unsuited: Vec<&str> = kinds.iter().copied().filter(|kind| !suits(kind)).collect();
        if targets.is_empty() || unsuited.is_empty() {
            continue;
        }
        let (name, known) =
            (action.name(), targets.iter().map(|known| format!("`{}`", known.id())).collect::<Vec<_>>().join(" or "));
        let which = if kinds.len() > 1 { "the target may be" } else { "is the target" };
        let message = format!("`{name}` does nothing with a {}, which {which}", unsuited.join(" or a "));
        let at = checker.source.find(step.at, name);
        checker.rule(Code::WrongTarget, at, message, format!("take another action, or a target of the kind {known}"));
    }
}

/// What no bot changes is a mistake; what some may is for their configuration to say, which is not
/// known here.
fn may_be_patched(checker: &mut Checker<'_>, kinds: &[&str], step: &Step, field: &FieldPath) {
    let at = checker.source.find(step.at, "field");
    if let Some(why) = kinds.iter().find_map(|kind| why_never(kind, field)) {
        let remedy = "take the action that it names, or leave the step to people".to_owned();
        checker.rule(Code::FieldNotAllowed, at, why, remedy);
        return;
    }
    let each_bot = Patchable::default();
    if let Some(why) = kinds.iter().find_map(|kind| each_bot.refusal(kind, field, checker.kinds)) {
        let remedy = "check it with `--config`, which says whether it is allowed".to_owned();
        checker.warning(Code::FieldNotAllowed, at, why, remedy);
    }
}
