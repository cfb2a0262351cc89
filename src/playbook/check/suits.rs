//! Whether the actions go with the target.

use super::Checker;
use super::blocks::BlockDraft;
use crate::diagnostics::Code;
use crate::playbook::document::StepKind;

/// An action that works on the target alone must know what to do with its kind.
pub(super) fn check(checker: &mut Checker<'_>, kind: &str, phases: [&Vec<BlockDraft>; 3]) {
    let drafts = phases.into_iter().flatten().flat_map(BlockDraft::steps);
    for step in drafts.filter_map(|draft| draft.step.as_ref()) {
        let StepKind::Action(action) = &step.kind else { continue };
        let action = action.describe();
        let targets = action.targets();
        if targets.is_empty() || targets.iter().any(|known| known.as_str() == kind) {
            continue;
        }
        let (name, known) =
            (action.name(), targets.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(" or "));
        let message = format!("`{name}` does nothing with a {kind}, which is the target");
        let at = checker.source.find(step.at, name);
        checker.rule(Code::WrongTarget, at, message, format!("take another action, or a target of the kind {known}"));
    }
}
