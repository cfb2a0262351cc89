//! Functions beside CEL's own, by the names and meanings that Kubernetes gives them: texts, regular
//! expressions, lists, sets, versions. Each is bounded in what it makes of what it gets.

mod lists;
mod sets;
mod texts;
mod versions;

use cel::common::types::{CelBool, CelList, CelString};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use super::operators::{number, readable, same};

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

/// What tells plain values apart without comparing each with each.
#[derive(PartialEq, Eq, Hash)]
enum Plain {
    Number(u64),
    Text(String),
    Truth(bool),
}

/// Values, as a set.
#[derive(Default)]
struct Set<'b, 'v> {
    plain: std::collections::HashSet<Plain>,
    /// Lists and objects are compared each with each.
    others: Vec<&'b (dyn Val + 'v)>,
}

/// So many lists and objects of a set are compared.
const MOST_OTHERS: usize = 50;

impl<'b, 'v> Set<'b, 'v> {
    fn of(entries: &[&'b (dyn Val + 'v)]) -> Result<Self, ExecutionError> {
        let mut set = Self::default();
        for entry in entries {
            set.insert(*entry)?;
        }
        Ok(set)
    }

    /// Whether it was not there.
    fn insert(&mut self, entry: &'b (dyn Val + 'v)) -> Result<bool, ExecutionError> {
        if let Some(plain) = plain(entry) {
            return Ok(self.plain.insert(plain));
        }
        if self.others.iter().any(|known| same(*known, entry)) {
            return Ok(false);
        }
        if self.others.len() >= MOST_OTHERS {
            return Err(readable(format!("no more than {MOST_OTHERS} lists and objects are compared with each other")));
        }
        self.others.push(entry);
        Ok(true)
    }

    fn has(&self, entry: &dyn Val) -> bool {
        match plain(entry) {
            Some(plain) => self.plain.contains(&plain),
            None => self.others.iter().any(|known| same(*known, entry)),
        }
    }
}

/// `None`: it is a list, an object, or something of its own.
fn plain(value: &dyn Val) -> Option<Plain> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return Some(Plain::Text(text.inner().to_owned()));
    }
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return Some(Plain::Truth(*truth.inner()));
    }
    // 1 and 1.0 are the same, and so are 0.0 and -0.0.
    number(value).map(|number| Plain::Number((number + 0.0).to_bits()))
}
