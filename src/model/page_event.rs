//! What becomes of a page, as its receivers hear it.

use serde::{Deserialize, Serialize};

/// One thing that a receiver is told of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageEvent {
    /// Somebody is called.
    Trigger,
    /// There is more to say; nobody is called again.
    Update,
    /// Somebody has it.
    Acknowledge,
    /// It is over.
    Resolve,
}

impl PageEvent {
    pub fn name(self) -> &'static str {
        match self {
            PageEvent::Trigger => "trigger",
            PageEvent::Update => "update",
            PageEvent::Acknowledge => "acknowledge",
            PageEvent::Resolve => "resolve",
        }
    }

    /// Whether it is no call any more, but what came of one.
    pub fn is_end(self) -> bool {
        matches!(self, PageEvent::Acknowledge | PageEvent::Resolve)
    }
}
