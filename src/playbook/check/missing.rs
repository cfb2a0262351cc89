//! Evidence that may be missing: what a read with `on_error: go_on` leaves.

use super::Checker;
use super::names::{Found, Named};
use super::visible::{Visible, Wrong};
use crate::action::Action;
use crate::diagnostics::Code;
use crate::language::{Expression, Reference};
use crate::playbook::load::{Text, What, place};

/// The one thing that `on_error` can say.
pub(super) const GO_ON: &str = "go_on";

/// What such a read has when it failed.
pub(super) const ERROR: &str = "error";

pub(super) fn on_error_fits(checker: &mut Checker<'_>, on_error: &Text, what: &What) {
    let at = place(on_error);
    match what {
        What::Action(Action::Mutate(_)) => {
            let message = "`on_error` belongs to a step that reads: a change is never optional";
            checker.error(Code::Misplaced, at, message, Some("leave it out".into()));
        }
        What::Action(Action::Read(_)) if on_error.value == GO_ON => {}
        What::Action(Action::Read(_)) => {
            let message = format!("`on_error` cannot be `{}`", on_error.value);
            let remedy = "write `on_error: go_on`, or leave it out: then the run escalates";
            checker.error(Code::UnknownValue, at, message, Some(remedy.into()));
        }
        _ => checker.error(Code::Misplaced, at, "`on_error` belongs to a step that reads", Some("leave it out".into())),
    }
}

/// The fields that are taken for granted of a read that may have failed: the condition would have
/// no answer just when the evidence is missing.
pub(super) fn taken_for_granted(expression: &Expression, visible: Visible<'_>) -> Vec<Wrong> {
    let references = expression.references();
    let granted = references.iter().filter(|reference| reference.required > 1);
    granted
        .filter_map(|reference| {
            let (step, field) = optional(reference, visible)?;
            let is_asked =
                |asked: &&Reference| asked.name() == step.id && asked.required < 2 && asked.field() == Some(field);
            if asks_for_error(expression, step) || references.iter().any(|asked| is_asked(&asked)) {
                return None;
            }
            let id = &step.id;
            let message = format!("`{id}.{field}` is not there when `{id}` fails, which may be (`on_error: go_on`)");
            let remedy = Some(format!("ask for that first: `!has({id}.{ERROR}) && ...`"));
            Some(Wrong { code: Code::MissingEvidence, word: field.to_owned(), message, remedy })
        })
        .collect()
}

/// Warns where a read that failed counts as one that found something, in what decides.
pub(super) fn taken_for_an_answer(
    checker: &mut Checker<'_>,
    expression: &Expression,
    text: &Text,
    visible: Visible<'_>,
) {
    // There a human waits for whatever is known.
    if visible.is_lenient {
        return;
    }
    let defaulted = expression.defaulted();
    let found = defaulted.iter().find_map(|reference| {
        let (step, field) = optional(reference, visible)?;
        (!asks_for_error(expression, step)).then_some((step, field))
    });
    if let Some((step, field)) = found {
        let id = &step.id;
        let message = format!("when `{id}` fails, `orValue` decides: not knowing would count as an answer");
        let at = checker.source.find(place(text), field);
        let remedy = format!("ask for that as well: `has({id}.{ERROR})` says that nothing is known");
        checker.warning(Code::MissingEvidence, at, message, remedy);
    }
}

fn asks_for_error(expression: &Expression, step: &Named) -> bool {
    expression.references().iter().any(|asked| asked.name() == step.id && asked.field() == Some(ERROR))
}

/// The read that may have failed, and the field of it that a name stands for.
fn optional<'v>(reference: &'v Reference, visible: Visible<'v>) -> Option<(&'v Named, &'v str)> {
    let field = reference.field().filter(|field| ![ERROR, "summary"].contains(field))?;
    match visible.find(reference.name()) {
        Found::Yes(step) | Found::OtherBranch(step) | Found::SomeBranches(step) => {
            step.may_fail.then_some((step, field))
        }
        Found::Later(_) | Found::InLoop(_) | Found::Nowhere => None,
    }
}
