//! Who covers for whoever is on call by the rotation.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::model::{Layer, Override, OverrideId};

/// An override to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOverride {
    pub team: String,
    pub layer: Layer,
    pub member: String,
    pub whom: Option<String>,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub reason: String,
    pub by: String,
    pub via: String,
}

/// Overrides, also those that are over: who was on call then is told by them.
#[async_trait]
pub trait OverrideStore: Send + Sync {
    /// Those that were to last until after `since`, in the order in which they were made: the
    /// newest, up to `MOST_OVERRIDES`. One that cannot be read is left out.
    async fn overrides_since(&self, since: DateTime<Utc>) -> Result<Vec<Override>, StoreError>;

    /// # Errors
    /// Also when its row cannot be read.
    async fn override_of(&self, id: OverrideId) -> Result<Option<Override>, StoreError>;

    /// The number that the next override has, unless another one is kept before.
    async fn next_override_id(&self) -> Result<OverrideId, StoreError>;
}

/// As many are read: a team that covers each other each day for a year makes 365.
pub const MOST_OVERRIDES: usize = 10_000;
