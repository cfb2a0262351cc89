//! Breakers, as people ask for them.

use async_trait::async_trait;

use super::StoreError;
use crate::model::Breaker;

/// Playbooks of which no run changes anything until a person says so.
#[async_trait]
pub trait BreakerStore: Send + Sync {
    /// Those that are open, by playbook.
    async fn breakers(&self) -> Result<Vec<Breaker>, StoreError>;
}
