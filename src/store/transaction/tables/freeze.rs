//! Freezes, and incidents that somebody works on by hand.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{Digest, Freeze, FreezeId, IncidentId, RunEvent, RunId, SignalId, Target};
use crate::store::{NewFreeze, StoreError};

/// A run that has not ended.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) struct UnderWayRow {
    pub run: RunId,
    pub incident: IncidentId,
    pub playbook: String,
    pub digest: Digest,
    /// `None`: it cannot be read.
    pub target: Option<Target>,
}

#[async_trait]
pub(in crate::store) trait FreezeTable {
    /// Those that hold at that moment, in the order in which they were made.
    async fn freezes_at(&mut self, at: DateTime<Utc>) -> Result<Vec<Freeze>, StoreError>;

    /// # Errors
    /// When there is one of that number.
    async fn insert_freeze(&mut self, id: FreezeId, new: &NewFreeze, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Ends it at that moment; `false`: it was over before.
    async fn end_freeze(&mut self, id: FreezeId, at: DateTime<Utc>, by: &str) -> Result<bool, StoreError>;

    /// Those that have come to their end by themselves, and nobody was told.
    async fn freezes_over(&mut self, at: DateTime<Utc>) -> Result<Vec<Freeze>, StoreError>;

    async fn save_freeze_told(&mut self, id: FreezeId, at: DateTime<Utc>) -> Result<(), StoreError>;

    async fn freeze_row(&mut self, id: FreezeId) -> Result<Option<Freeze>, StoreError>;

    /// The runs that have not ended, in order.
    async fn under_way(&mut self) -> Result<Vec<UnderWayRow>, StoreError>;

    /// What the run's log says of its mutations, in order; what cannot be read is
    /// [`RunEvent::Unknown`].
    async fn mutation_records(&mut self, run: RunId) -> Result<Vec<RunEvent>, StoreError>;

    /// Has the runs due now that wait for a person's answer.
    async fn wake_who_asks(&mut self, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Adds a line to the reply of a command that was worked on.
    async fn add_to_reply(&mut self, signal: SignalId, line: &str) -> Result<(), StoreError>;

    /// Who works on the incident by hand, as a part of it or as a whole.
    async fn taken_by(&mut self, incident: IncidentId) -> Result<Option<String>, StoreError>;

    /// The runs of the incident that have not ended, with who asked for them.
    async fn runs_at_work(&mut self, incident: IncidentId) -> Result<Vec<(RunId, Option<String>)>, StoreError>;

    /// Whoever works on it by hand is the last who said so.
    async fn save_taken(&mut self, incident: IncidentId, by: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Nobody works on it by hand any more, nor on what is part of it.
    async fn drop_taken(&mut self, incident: IncidentId) -> Result<(), StoreError>;
}
