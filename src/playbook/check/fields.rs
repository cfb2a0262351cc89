//! The fields of objects, where an API server says which there are.
//!
//! What is not there is a warning: a cluster may be newer than what is known here. Behind a `?` it
//! would never be noticed, as the default would always stand in.

use super::Checker;
use super::visible::{Visible, Wrong};
use crate::cluster::{FieldAt, Kind, fields_of};
use crate::diagnostics::Code;
use crate::language::{Location, ValueType, closest, list};

/// More are not listed: `kubectl explain` tells them with what they mean.
const MOST_LISTED: usize = 12;

/// Warns of a field that the object at `path` has in no known version.
pub(super) fn warn(checker: &mut Checker<'_>, path: &[String], at: Location, visible: Visible<'_>) {
    if let Some(wrong) = misspelt(checker, path, visible) {
        checker.warning(wrong.code, checker.source.find(at, &wrong.word), wrong.message, wrong.remedy);
    }
}

/// The type of the field at `path`, where all objects that may be meant have it.
pub(super) fn type_of(checker: &Checker<'_>, path: &[&str], visible: Visible<'_>) -> Option<ValueType> {
    let (kinds, path) = object(path, visible)?;
    let mut types = kinds.iter().map(|kind| match checker.kinds.field_at(kind, path) {
        FieldAt::Number => Some(ValueType::Number),
        FieldAt::Text => Some(ValueType::Text),
        FieldAt::Truth => Some(ValueType::Truth),
        FieldAt::Other | FieldAt::Unknown | FieldAt::Missing { .. } => None,
    });
    let first = types.next()??;
    types.all(|other| other == Some(first)).then_some(first)
}

fn misspelt(checker: &Checker<'_>, path: &[String], visible: Visible<'_>) -> Option<Wrong> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (kinds, path) = object(&path, visible)?;
    let mut missing = kinds.iter().map(|kind| match checker.kinds.field_at(kind, path) {
        FieldAt::Missing { depth, known } => Some((depth, known)),
        _ => None,
    });
    let (depth, known) = missing.next()??;
    if !missing.all(|other| other.is_some()) {
        return None;
    }
    let (above, word) = (path[..depth].join("."), path[depth]);
    let named = kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().join(" or a ");
    let of = if above.is_empty() { String::new() } else { format!("`{above}` of ") };
    let by = match above.starts_with("metadata") || kinds.iter().all(|kind| kind.is_built_in()) {
        true => format!("in Kubernetes {}", fields_of()),
        false => "by its definition".to_owned(),
    };
    let message = format!("{of}a {named} has no `{word}` {by}");
    let explain = [kinds[0].plural, &above].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
    let remedy = match closest(word, known.iter().map(String::as_str)) {
        Some(meant) => format!("write `{meant}`"),
        None if known.len() <= MOST_LISTED => format!("there are {}", list(known.iter().map(String::as_str))),
        None => format!("`kubectl explain {explain}` lists what there is"),
    };
    Some(Wrong { code: Code::UnknownName, word: word.to_owned(), message, remedy: Some(remedy) })
}

/// Of what kind the object may be that a path leads into, and the way in it.
fn object<'p>(path: &'p [&'p str], visible: Visible<'_>) -> Option<(Vec<&'static Kind>, &'p [&'p str])> {
    match path {
        // In a loop it may be the item's own.
        ["target", rest @ ..] if !rest.is_empty() && !visible.names.in_loop(visible.region) => {
            let kinds = visible.names.target.clone();
            (!kinds.is_empty()).then_some((kinds, rest))
        }
        [step, "object", rest @ ..] if !rest.is_empty() => {
            let kind = visible.names.step(step).and_then(|step| step.object)?;
            Some((vec![kind], rest))
        }
        _ => None,
    }
}
