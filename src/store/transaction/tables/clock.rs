//! What waits for a time.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{ApprovalId, IncidentId};
use crate::store::{LogPosition, StoreError};

#[async_trait]
pub(in crate::store) trait ClockTable {
    /// Keeps that the clock was set, and what was written last before it.
    async fn remember_move(&mut self, at: DateTime<Utc>, by: TimeDelta) -> Result<(), StoreError>;

    /// Those for whom something waits for a time.
    async fn incidents_that_wait(&mut self) -> Result<BTreeSet<IncidentId>, StoreError>;

    /// The times of pages, of deliveries, of signals that were put off, and when heartbeats came.
    async fn move_timers(&mut self, by: TimeDelta) -> Result<(), StoreError>;

    /// The ends of open questions; gives back which.
    async fn move_questions(&mut self, by: TimeDelta) -> Result<Vec<ApprovalId>, StoreError>;

    /// The timers of runs under way, and makes room for one record on each log: gives back where.
    async fn move_runs(&mut self, by: TimeDelta) -> Result<Vec<LogPosition>, StoreError>;

    /// What limits count of runs that were opened since.
    async fn move_history(&mut self, since: DateTime<Utc>, by: TimeDelta) -> Result<(), StoreError>;
}
