//! Freezes, and incidents that somebody works on by hand.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{Freeze, FreezeId, IncidentId, Intent, RunId, SignalId, Target};
use crate::store::{NewFreeze, StoreError};

/// A mutation that was started, and whose outcome is on no log yet.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) struct StartedRow {
    pub run: RunId,
    pub incident: IncidentId,
    pub playbook: String,
    /// `None`: it cannot be read.
    pub target: Option<Target>,
    pub intent: Option<Intent>,
}

#[async_trait]
pub(in crate::store) trait FreezeTable {
    /// Those that hold at that moment, in the order in which they were made.
    async fn freezes_at(&mut self, at: DateTime<Utc>) -> Result<Vec<Freeze>, StoreError>;

    /// # Errors
    /// When there is one of that number.
    async fn insert_freeze(&mut self, id: FreezeId, new: &NewFreeze, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Ends it at that moment, if it lasts longer and nobody has ended it before.
    async fn end_freeze(&mut self, id: FreezeId, at: DateTime<Utc>, by: &str) -> Result<(), StoreError>;

    /// Of the runs that have not ended, in order.
    async fn started_mutations(&mut self) -> Result<Vec<StartedRow>, StoreError>;

    /// Adds a line to the reply of a command that was worked on.
    async fn add_to_reply(&mut self, signal: SignalId, line: &str) -> Result<(), StoreError>;

    /// Whoever works on it by hand is the last who said so.
    async fn save_taken(&mut self, incident: IncidentId, by: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Nobody works on it by hand any more, nor on what is part of it.
    async fn drop_taken(&mut self, incident: IncidentId) -> Result<(), StoreError>;
}
