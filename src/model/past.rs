//! What was done before.

use chrono::{DateTime, Utc};

use super::{Outcome, RunId};

/// A run that was about an object before, or still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    pub run: RunId,
    pub playbook: String,
    pub began: DateTime<Utc>,
    /// `None`: it is under way.
    pub ended: Option<DateTime<Utc>>,
    pub outcome: Option<Outcome>,
    pub because: Option<String>,
    /// Who asked for it; `None`: an alert did.
    pub requested_by: Option<String>,
    /// What it changed, in words, in order.
    pub changed: Vec<String>,
}
