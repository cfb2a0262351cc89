//! Overrides.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::OverrideId;
use crate::store::{NewOverride, StoreError};

#[async_trait]
pub(in crate::store) trait OverrideTable {
    /// # Errors
    /// When there is one of that number.
    async fn insert_override(&mut self, id: OverrideId, new: &NewOverride, at: DateTime<Utc>)
    -> Result<(), StoreError>;

    /// Ends it at that moment, if it lasts longer and nobody has ended it before.
    async fn end_override(&mut self, id: OverrideId, at: DateTime<Utc>, by: &str) -> Result<(), StoreError>;
}
