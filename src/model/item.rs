//! One of the many that a loop is about, and what became of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ItemKey, ObjectKey};

/// One of the many that a `foreach` is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub key: ItemKey,
    /// As it was when the list was made.
    pub value: Value,
    /// The object that it is about; `None`: the run's.
    #[serde(default)]
    pub target: Option<ObjectKey>,
}

/// What became of an item that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemOutcome {
    /// All of its steps.
    Done,
    /// It was as wanted already.
    Unneeded,
    Failed,
    /// It was not to be touched at its turn, which says nothing about the others.
    LeftAlone,
}

impl ItemOutcome {
    /// Whether it is for a human.
    pub fn is_bad(self) -> bool {
        self == ItemOutcome::Failed
    }
}

impl fmt::Display for ItemOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ItemOutcome::Done => "done",
            ItemOutcome::Unneeded => "unneeded",
            ItemOutcome::Failed => "failed",
            ItemOutcome::LeftAlone => "left_alone",
        })
    }
}
