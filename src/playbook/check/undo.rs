//! Whether a change can be taken back as its step says.

use super::Checker;
use crate::diagnostics::{Code, closest};
use crate::model::Undo;
use crate::playbook::document::StepKind;
use crate::playbook::load::{Text, place};

/// What `undo` says of a step that does that. `None`: it says nothing that could be done.
pub(super) fn check(checker: &mut Checker<'_>, written: &Text, kind: Option<&StepKind>) -> Option<Undo> {
    let Some(undo) = Undo::of(&written.value) else {
        let remedy = match closest(&written.value, Undo::WORDS) {
            Some(meant) => format!("write `{meant}` instead"),
            None => "write `never`, `unless_verified` or `at_end`".to_owned(),
        };
        checker.error(
            Code::InvalidValue,
            place(written),
            format!("`{}` is no way to undo", written.value),
            Some(remedy),
        );
        return None;
    };
    let Some(StepKind::Action(crate::action::Action::Mutate(action))) = kind else { return Some(undo) };
    if undo != Undo::Never && action.declaration().way_back.is_none() {
        let message = format!("`{}` has no way back", action.name());
        checker.error(Code::InvalidValue, place(written), message, Some("write `undo: never`, or leave it out".into()));
        return None;
    }
    Some(undo)
}
