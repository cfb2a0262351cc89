//! The declared inputs.

use std::collections::BTreeMap;

use super::Checker;
use crate::diagnostics::Code;
use crate::language::{closest, list};
use crate::playbook::document::{Input, InputKind};
use crate::playbook::load::{RawInput, RawInputs, Text, place};

pub(super) fn check(checker: &mut Checker<'_>, raw: &RawInputs) -> BTreeMap<String, Input> {
    let mut inputs = BTreeMap::new();
    for (name, input) in &raw.inputs {
        if !is_name(&name.value) {
            let message = format!("`{}` cannot be an input's name", name.value);
            checker.error(
                Code::InvalidName,
                place(name),
                message,
                Some("write lowercase letters, digits and `_`".into()),
            );
        }
        if let Some(input) = one(checker, name, input) {
            inputs.insert(name.value.clone(), input);
        }
    }
    inputs
}

fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn one(checker: &mut Checker<'_>, name: &Text, raw: &RawInput) -> Option<Input> {
    let what = format!("the input `{}`", name.value);
    let kind = checker.required(raw.kind.as_ref(), &raw.seen, &what, "type", "string")?;
    let names = InputKind::ALL.map(|(name, _)| name);
    let Some((_, kind)) = InputKind::ALL.into_iter().find(|(name, _)| *name == kind.value) else {
        let remedy = match closest(&kind.value, names) {
            Some(meant) => format!("write `{meant}` instead"),
            None => format!("the types are {}", list(names)),
        };
        checker.error(Code::UnknownValue, place(kind), format!("`{}` is no type of input", kind.value), remedy);
        return None;
    };
    let minimum = bound(checker, kind, raw.minimum.as_ref(), "minimum");
    let maximum = bound(checker, kind, raw.maximum.as_ref(), "maximum");
    if let (Some(minimum), Some(maximum), Some(at)) = (minimum, maximum, &raw.minimum)
        && minimum > maximum
    {
        checker.error(
            Code::Contradiction,
            place(at),
            "the minimum is greater than the maximum",
            Some("swap them".into()),
        );
        return None;
    }
    let words = |checker: &mut Checker<'_>, text: &Option<Text>, field| {
        text.as_ref().and_then(|text| checker.words(text, field).map(str::to_owned))
    };
    let description = words(checker, &raw.description, "description");
    let label = words(checker, &raw.label, "label");
    let mut input = Input { kind, description, label, default: None, minimum, maximum };
    if let Some(default) = &raw.default {
        match input.read(&default.value) {
            Ok(value) => input.default = Some(value),
            Err(message) => checker.error(Code::InvalidValue, place(default), format!("the default {message}"), None),
        }
    }
    Some(input)
}

fn bound(checker: &mut Checker<'_>, kind: InputKind, text: Option<&Text>, field: &str) -> Option<f64> {
    let text = text?;
    if !kind.has_size() {
        let message = format!("a text or a `true` has no {field}");
        checker.error(Code::Misplaced, place(text), message, Some("leave it out".into()));
        return None;
    }
    match kind.read(&text.value) {
        Ok((_, size)) => size,
        Err(message) => {
            checker.error(Code::InvalidValue, place(text), format!("the {field} {message}"), None);
            None
        }
    }
}
