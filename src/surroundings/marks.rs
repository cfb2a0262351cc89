//! Labels and annotations that say something of an object, its owner and its namespace.

use std::fmt;

use crate::cluster::Kind;
use crate::model::{ObjectKey, kind_identity};

/// What one object says under one of the names that are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub value: String,
    pub of: ObjectKey,
}

/// What is said of an object: by itself, then by its owner, then by its namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    found: Vec<Mark>,
    /// How many were found before the first that is missing, and why it is.
    gap: Option<(usize, Missing)>,
}

/// Why one of those who may say something has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// It was not asked, or has not answered in time.
    Unanswered,
    /// The bot may not read it.
    Forbidden(ObjectKey),
    /// It is not there.
    Gone(ObjectKey),
}

impl Marks {
    /// What counts, whatever those say who are missing.
    pub fn certain(&self) -> &[Mark] {
        &self.found[..self.gap.as_ref().map_or(self.found.len(), |(at, _)| *at)]
    }

    /// What counts unless who is missing says otherwise.
    pub fn uncertain(&self) -> &[Mark] {
        &self.found[self.certain().len()..]
    }

    /// Why the first is missing that could have said something.
    pub fn missing(&self) -> Option<&Missing> {
        self.gap.as_ref().map(|(_, why)| why)
    }

    pub(super) fn says(&mut self, of: &ObjectKey, values: &[String]) {
        self.found.extend(values.iter().map(|value| Mark { value: value.clone(), of: of.clone() }));
    }

    pub(super) fn misses(&mut self, why: Missing) {
        self.gap.get_or_insert((self.found.len(), why));
    }
}

/// As it is told of an alert.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Missing::Unanswered => f.write_str("the cluster did not say in time what tier it has"),
            Missing::Forbidden(key) => {
                let kind = kind_identity(&key.kind);
                let plural = Kind::find(&kind).map_or_else(|_| kind.to_string(), Kind::qualified_plural);
                let place = if key.namespace.is_empty() { String::new() } else { format!(" in {}", key.namespace) };
                write!(f, "dogwatch may not get {plural}{place}, and so does not know what tier it has")
            }
            Missing::Gone(key) => write!(f, "{key} is not there to say what tier it has"),
        }
    }
}
