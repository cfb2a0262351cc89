//! What no run may change for a time, as people say so.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::model::{Freeze, FreezeId, FreezeScope, IncidentId};

/// A freeze to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFreeze {
    pub scope: FreezeScope,
    pub reason: String,
    pub by: String,
    pub via: String,
    /// `None`: until somebody ends it.
    pub until: Option<DateTime<Utc>>,
}

/// Whose mutations the answer to a command names, where they were started and nobody knows yet what
/// became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartedOf {
    /// Those that a freeze of this scope would have held up.
    Frozen(FreezeScope),
    /// Those of the incident's runs.
    Incident(IncidentId),
}

/// Freezes, also those that are over.
#[async_trait]
pub trait FreezeStore: Send + Sync {
    /// Those that hold at that moment, in the order in which they were made. One whose scope cannot be
    /// read covers everything.
    async fn freezes_at(&self, at: DateTime<Utc>) -> Result<Vec<Freeze>, StoreError>;

    async fn freeze(&self, id: FreezeId) -> Result<Option<Freeze>, StoreError>;

    /// The number that the next freeze has, unless another one is kept before.
    async fn next_freeze_id(&self) -> Result<FreezeId, StoreError>;

    /// Who works by hand on which of these incidents, or on a part of them.
    async fn taken_by(&self, incidents: &[IncidentId]) -> Result<HashMap<IncidentId, String>, StoreError>;

    /// Announces those that have come to their end by themselves, once each; they are over from
    /// then on. Gives back when the next one ends.
    async fn tell_freezes_over(&self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Has the runs that wait for a person's answer look whether they may go on.
    async fn wake_who_asks(&self) -> Result<(), StoreError>;
}
