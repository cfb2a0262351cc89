//! What conditions, branches and looks came to.

use serde::{Deserialize, Serialize};

/// Which condition a [`RunEvent::Checked`](super::RunEvent::Checked) is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionKind {
    DoneIf,
    Require,
    When,
    EscalateIf,
    LeaveIf,
}

impl ConditionKind {
    /// Whether the run escalates when the condition holds, or does not.
    pub fn escalates(self, held: bool) -> bool {
        matches!((self, held), (Self::Require, false) | (Self::EscalateIf, true))
    }
}

/// A branch's condition that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    pub branch: String,
    /// On one line.
    pub expression: String,
    pub held: bool,
    /// Why it had no answer, where it counts as not held all the same: a human waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a look saw, of a verify or a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// `until` holds.
    Good,
    /// `until` holds, and has yet to hold for longer.
    Holds,
    /// Not yet.
    NotYet,
    /// `fail_if` holds: no use in waiting.
    Bad,
}
