//! What was told of a page, to whom, and what the receiver answered.

use chrono::{DateTime, Utc};

use crate::model::{PageEvent, PageId};

/// One attempt to tell a receiver something of a page, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub event: PageEvent,
    /// Whom it calls by the schedule of that moment, and why them.
    pub called: String,
}

/// Attempts that followed each other and were alike. Of one delivery, a few at the beginning and at
/// the end are kept as they were, and those between are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageAttempts {
    pub page: PageId,
    pub sink: String,
    pub event: PageEvent,
    pub called: String,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    /// They stand for all between the first and the last of their delivery, whatever each was and
    /// came to.
    pub others: bool,
    /// At least one.
    pub attempts: u32,
    /// What each of them came to; `None`: the receiver took it.
    pub error: Option<String>,
}
