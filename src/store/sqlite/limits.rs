//! Breakers and stopped ramps, as they are read.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::rows::{get, get_time, micros, readable, text};
use super::{SqliteStore, failed};
use crate::model::{Breaker, RunId, StoppedRamp};
use crate::store::{BreakerStore, StoreError};

pub(super) const OPEN: &str =
    "SELECT playbook, opened_at, because FROM breaker WHERE playbook = ? AND closed_at IS NULL";

pub(super) const ALL_OPEN: &str =
    "SELECT playbook, opened_at, because FROM breaker WHERE closed_at IS NULL ORDER BY playbook";

/// Of what was under way when a person closed the breaker, nothing counts.
pub(super) const STOPPED_RAMPS: &str =
    "SELECT playbook, run_id, ended_at, MAX(stops_until) AS stops_until FROM mitigation
     WHERE stops_until > ?1
       AND NOT EXISTS (SELECT 1 FROM breaker WHERE breaker.playbook = mitigation.playbook
                       AND (closed_at IS NULL OR closed_at > at))
     GROUP BY playbook ORDER BY playbook";

#[async_trait]
impl BreakerStore for SqliteStore {
    async fn breakers(&self) -> Result<Vec<Breaker>, StoreError> {
        let found = sqlx::query(ALL_OPEN).fetch_all(&self.reads).await.map_err(failed("read the breakers"))?;
        Ok(found.iter().map(breaker).collect())
    }

    async fn stopped_ramps(&self, now: DateTime<Utc>) -> Result<Vec<StoppedRamp>, StoreError> {
        let query = sqlx::query(STOPPED_RAMPS).bind(micros(now));
        let found = query.fetch_all(&self.reads).await.map_err(failed("read the ramps that have stopped"))?;
        Ok(readable(&found, |row| {
            let (since, until) = (get_time(row, "ended_at")?, get_time(row, "stops_until")?);
            Ok(StoppedRamp { playbook: text(row, "playbook"), run: RunId(get(row, "run_id")?), since, until })
        }))
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
