//! Breakers, as they are read.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::rows::{get_time, text};
use super::{SqliteStore, failed};
use crate::model::Breaker;
use crate::store::{BreakerStore, StoreError};

pub(super) const OPEN: &str = "SELECT playbook, opened_at, because FROM breaker WHERE playbook = ? AND closed_at IS NULL";

pub(super) const ALL_OPEN: &str =
    "SELECT playbook, opened_at, because FROM breaker WHERE closed_at IS NULL ORDER BY playbook";

#[async_trait]
impl BreakerStore for SqliteStore {
    async fn breakers(&self) -> Result<Vec<Breaker>, StoreError> {
        let found = sqlx::query(ALL_OPEN).fetch_all(&self.reads).await.map_err(failed("read the breakers"))?;
        Ok(found.iter().map(breaker).collect())
    }
}

/// One that cannot be read is open all the same.
pub(super) fn breaker(row: &SqliteRow) -> Breaker {
    Breaker {
        playbook: text(row, "playbook"),
        opened_at: get_time(row, "opened_at").unwrap_or_default(),
        because: text(row, "because"),
    }
}
