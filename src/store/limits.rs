//! Breakers and stopped ramps, as people ask for them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::model::{Breaker, StoppedRamp};

/// Playbooks of which no run changes anything until a person says so.
#[async_trait]
pub trait BreakerStore: Send + Sync {
    /// Those that are open, by playbook.
    async fn breakers(&self) -> Result<Vec<Breaker>, StoreError>;

    /// The ramps that are stopped then, by playbook; of one whose breaker is open, that alone
    /// counts.
    async fn stopped_ramps(&self, now: DateTime<Utc>) -> Result<Vec<StoppedRamp>, StoreError>;
}
