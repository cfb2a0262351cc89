//! Labels and annotations that say something of an object, its owner and its namespace.

use crate::model::ObjectKey;

/// What one object says under one of the names that are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub value: String,
    pub of: ObjectKey,
}

/// What is said of an object: by itself, then by its owner, then by its namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    pub found: Vec<Mark>,
    /// The cluster has said all that it has to say.
    pub is_settled: bool,
}
