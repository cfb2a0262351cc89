//! Why something is so, and who can act on it.

use super::Checker;
use super::visible::Visible;
use crate::diagnostics::Code;
use crate::language::Template;
use crate::model::ActingRole;
use crate::playbook::load::{RawStep, Text, What, instead, place};

pub(super) fn because(
    checker: &mut Checker<'_>,
    raw: &mut RawStep,
    what: Option<&What>,
    sees: Visible<'_>,
) -> Option<Template> {
    let text = raw.because.take()?;
    if !is_reason(checker, &text) {
        return None;
    }
    if raw.when.is_none() && what.is_some_and(|what| !is_condition(what)) {
        let message = "`because` gives the reason of a condition, and this step has none";
        checker.error(Code::Misplaced, place(&text), message, Some("leave it out".into()));
        return None;
    }
    checker.template(&text, Visible { now: false, ..sees })
}

/// Whether that is a reason, and not the answer to another question.
pub(super) fn is_reason(checker: &mut Checker<'_>, text: &Text) -> bool {
    let words = text.value.trim();
    let is_none = words.is_empty()
        || ["true", "false", "yes", "no", "on", "off", "null", "~"].iter().any(|word| words.eq_ignore_ascii_case(word));
    !is_none
        || !checker.rule(
            Code::NoReason,
            place(text),
            if words.is_empty() { "an empty text is no reason".to_owned() } else { format!("`{words}` is no reason") },
            Some("write why, in words: whoever is called reads it first".to_owned()),
        )
}

pub(super) fn is_condition(what: &What) -> bool {
    matches!(what, What::DoneIf(_) | What::Require(_) | What::EscalateIf(_) | What::LeaveIf(_))
}

/// Who can act where the step escalates.
pub(super) fn role(
    checker: &mut Checker<'_>,
    raw: &mut RawStep,
    what: Option<&What>,
    sees: Visible<'_>,
) -> Option<Template> {
    let text = raw.role.take()?;
    let escalates = matches!(what?, What::Require(_) | What::EscalateIf(_) | What::End { escalates: true, .. });
    if !escalates {
        is_misplaced(checker, &text);
        return None;
    }
    if !text.value.contains("{{") && ActingRole::of_word(text.value.trim()).is_none() {
        let remedy = instead(&text.value, ActingRole::ALL.map(ActingRole::word), "the roles are");
        checker.error(Code::UnknownValue, place(&text), format!("`{}` is no role", text.value), Some(remedy));
        return None;
    }
    checker.template(&text, Visible { now: false, ..sees })
}

pub(super) fn is_misplaced(checker: &mut Checker<'_>, role: &Text) {
    let message = "`role` says who can act where a run escalates, and this does not";
    let remedy = "put it beside `escalate`, `escalate_if` or `require`, or leave it out";
    checker.error(Code::Misplaced, place(role), message, Some(remedy.into()));
}
