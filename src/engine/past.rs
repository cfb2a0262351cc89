//! What the bot did before, from its store.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::action::Past;
use crate::model::{PastRun, Target};
use crate::store::Store;

/// What the store knows, and behind it what is older.
pub struct StoredPast {
    store: Arc<dyn Store>,
    older: Arc<dyn Past>,
}

impl StoredPast {
    pub fn new(store: Arc<dyn Store>, older: Arc<dyn Past>) -> Self {
        Self { store, older }
    }
}

#[async_trait]
impl Past for StoredPast {
    async fn runs(&self, target: &Target, since: DateTime<Utc>, limit: usize) -> Result<Vec<PastRun>, String> {
        let found = self.store.runs_about(&target.key(), since, limit).await;
        let mut found = found.map_err(|error| format!("what was done before cannot be told: {error}"))?;
        let older = self.older.runs(target, since, limit.saturating_sub(found.len())).await?;
        found.extend(older);
        Ok(found)
    }
}
