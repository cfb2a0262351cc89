//! Functions beside CEL's own, by the names and meanings that Kubernetes gives them: texts, regular
//! expressions, lists, sets, versions. Each is bounded in what it makes of what it gets.

mod lists;
mod sets;
mod texts;
mod versions;

use cel::common::types::{CelList, CelString};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use super::operators::readable;

type Values<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// Functions that are called with their arguments in brackets.
pub(super) const FUNCTIONS: [&str; 5] = ["isSemver", "semver", "sets.contains", "sets.equivalent", "sets.intersects"];
/// Functions that are called on a value.
pub(super) const METHODS: [&str; 21] = [
    "compareTo",
    "distinct",
    "find",
    "findAll",
    "indexOf",
    "isGreaterThan",
    "isLessThan",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "major",
    "max",
    "min",
    "minor",
    "patch",
    "replace",
    "split",
    "substring",
    "sum",
    "trim",
    "upperAscii",
];

/// The longest text that a function gives.
const LONGEST_TEXT: usize = 64 * 1024;

pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    texts::declare(env)?;
    lists::declare(env)?;
    sets::declare(env)?;
    versions::declare(env)
}

fn text<'b>(args: &'b Values<'_, '_>, n: usize) -> Result<&'b str, ExecutionError> {
    let found = args.get(n).and_then(|arg| arg.downcast_ref::<CelString>());
    found.map(CelString::inner).ok_or_else(|| readable("a text is needed".to_owned()))
}

fn answer<'b, 'v>(function: &str, text: String) -> Answer<'b, 'v> {
    if text.len() > LONGEST_TEXT {
        return Err(readable(format!("`{function}` gives more than {} KiB", LONGEST_TEXT / 1024)));
    }
    Ok(CowVal::owned(CelString::from(text)))
}

fn list_of<'b, 'v>(texts: impl IntoIterator<Item = String>) -> CowVal<'b, 'v> {
    let texts = texts.into_iter().map(|text| Box::new(CelString::from(text)) as Box<dyn Val + 'v>);
    CowVal::owned(CelList::from(texts.collect::<Vec<_>>()))
}

/// The entries of a list.
fn entries<'b, 'v>(list: &'b (dyn Val + 'v)) -> Result<Vec<&'b (dyn Val + 'v)>, ExecutionError> {
    let list = list.as_iterable().ok_or_else(|| readable("a list is needed".to_owned()))?;
    let mut entries = Vec::new();
    let mut left = list.iter();
    while let Some(entry) = left.next() {
        entries.push(entry);
    }
    Ok(entries)
}
