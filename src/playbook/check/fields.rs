//! The fields of objects, where an API server says which there are, and those of the entries of
//! lists.
//!
//! What is not there is a warning: a cluster may be newer than what is known here. Behind a `?` it
//! would never be noticed, as the default would always stand in.

use super::Checker;
use super::names::{Named, Output};
use super::visible::{Visible, Wrong, wrong};
use crate::cluster::{FieldAt, Kind, fields_of};
use crate::diagnostics::Code;
use crate::language::{ENTRY, Location, ValueType, closest, list};

/// More are not listed: `kubectl explain` tells them with what they mean.
const MOST_LISTED: usize = 12;
/// A name may stand for another one, which stands for another one.
const MOST_NAMES: usize = 8;

/// Warns of a field that the object at `path` has in no known version, or that no entry of the list
/// there has.
pub(super) fn warn(checker: &mut Checker<'_>, path: &[String], at: Location, visible: Visible<'_>) {
    let path = origin(path.iter().map(String::as_str).collect(), visible);
    if let Some(wrong) = misspelt(checker, &path, visible).or_else(|| no_entry(&path, visible)) {
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

/// The same path, from the step or the target on that it begins with: a `set` and the item of a
/// loop may be another name for what is there.
fn origin<'p>(mut path: Vec<&'p str>, visible: Visible<'p>) -> Vec<&'p str> {
    for _ in 0..MOST_NAMES {
        let Some((name, fields)) = path.split_first() else { break };
        let Some(of) = meaning(name, visible) else { break };
        path = of.iter().map(String::as_str).chain(fields.iter().copied()).collect();
    }
    path
}

/// What a name is, where each that it may be is the same.
fn meaning<'n>(name: &str, visible: Visible<'n>) -> Option<&'n [String]> {
    let is_here = |named: &&Named| named.region.iter().all(|inside| visible.region.contains(inside));
    let called = || visible.names.steps.iter().filter(|named| named.id == name);
    let mut meant = called().filter(|named| !named.is_item || is_here(named));
    let first = meant.next()?.stands_for.as_deref()?;
    meant.all(|other| other.stands_for.as_deref() == Some(first)).then_some(first)
}

fn misspelt(checker: &Checker<'_>, path: &[&str], visible: Visible<'_>) -> Option<Wrong> {
    let (kinds, path) = object(path, visible)?;
    let mut missing = kinds.iter().map(|kind| match checker.kinds.field_at(kind, path) {
        FieldAt::Missing { depth, known } => Some((depth, known)),
        _ => None,
    });
    let (depth, known) = missing.next()??;
    let word = path[depth];
    // A loop over the keys of an object asks for no field.
    if word == ENTRY || !missing.all(|other| other.is_some()) {
        return None;
    }
    let above = path[..depth].join(".").replace(".*", "[]");
    let named = kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().join(" or a ");
    let of = if above.is_empty() { String::new() } else { format!("`{above}` of ") };
    let by = match above.starts_with("metadata") || kinds.iter().all(|kind| kind.is_built_in()) {
        true => format!("in Kubernetes {}", fields_of()),
        false => "by its definition".to_owned(),
    };
    let message = format!("{of}a {named} has no `{word}` {by}");
    let fields = path[..depth].iter().filter(|part| **part != ENTRY);
    let explain = std::iter::once(&kinds[0].plural).chain(fields).copied().collect::<Vec<_>>().join(".");
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
        ["object", rest @ ..] if !rest.is_empty() && is_fresh("object", visible) => {
            Some((vec![visible.asked?.object?], rest))
        }
        ["items", _, rest @ ..] if !rest.is_empty() && is_fresh("items", visible) => {
            Some((vec![visible.asked?.listed?], rest))
        }
        [step, "object", rest @ ..] if !rest.is_empty() => Some((vec![visible.names.step(step)?.object?], rest)),
        [step, "items", _, rest @ ..] if !rest.is_empty() => Some((vec![visible.names.step(step)?.listed?], rest)),
        _ => None,
    }
}

/// Whether the name is a field of the step that is asked again.
fn is_fresh(name: &str, visible: Visible<'_>) -> bool {
    matches!(visible.query, Output::Fields(fields) if fields.iter().any(|field| field.name == name))
}

/// A field that no entry has of a list that an action makes.
fn no_entry(path: &[&str], visible: Visible<'_>) -> Option<Wrong> {
    let (step, named, field) = match path {
        [list, _, field, ..] if is_fresh(list, visible) => (visible.asked?, *list, *field),
        [step, list, _, field, ..] => (visible.names.step(step)?, *list, *field),
        _ => return None,
    };
    let items = step.items.filter(|items| items.name == named)?;
    let known: Vec<&str> = items.entries.iter().map(|entry| entry.name).collect();
    if known.contains(&field) || field == ENTRY {
        return None;
    }
    Some(wrong(field, format!("an entry of `{}.{named}` has no `{field}`", step.id), &known, ""))
}
