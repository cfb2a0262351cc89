//! What must keep coming.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{Beat, HeartbeatKey};
use crate::store::StoreError;

#[async_trait]
pub(in crate::store) trait HeartbeatTable {
    /// Counts that it came, or keeps that it is over.
    async fn save_beat(&mut self, beat: &Beat, at: DateTime<Utc>) -> Result<(), StoreError>;

    async fn delete_heartbeat(&mut self, key: &HeartbeatKey) -> Result<(), StoreError>;
}
