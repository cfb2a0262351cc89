//! What a shift hands over, and the handoffs that were written.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::rows::{get, get_time, micros};
use super::{SqliteStore, failed, shifts};
use crate::store::{HandoffRecord, HandoffStore, ShiftView, StoreError, Teams};

#[async_trait]
impl HandoffStore for SqliteStore {
    async fn shift_view(&self, teams: &Teams, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<ShiftView, StoreError> {
        shifts::view(&self.reads, teams, from, to).await
    }

    async fn keep_handoff(&self, record: &HandoffRecord) -> Result<bool, StoreError> {
        let record = record.clone();
        self.write("remember a handoff", move |connection| {
            Box::pin(async move {
                let kept = sqlx::query(
                    "INSERT INTO handoff (team, shift_from, shift_to, path, written_at) VALUES (?, ?, ?, ?, ?)
                     ON CONFLICT DO NOTHING",
                )
                .bind(record.team)
                .bind(micros(record.from))
                .bind(micros(record.to))
                .bind(record.path)
                .bind(micros(record.written_at))
                .execute(connection)
                .await
                .map_err(failed("remember a handoff"))?;
                Ok(kept.rows_affected() > 0)
            })
        })
        .await
    }

    async fn last_handoff(&self, team: &str) -> Result<Option<HandoffRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM handoff WHERE team = ? AND shift_to <= ? ORDER BY shift_to DESC LIMIT 1")
            .bind(team)
            .bind(self.now())
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read the last handoff"))?;
        row.map(|row| {
            Ok(HandoffRecord {
                team: get(&row, "team")?,
                from: get_time(&row, "shift_from")?,
                to: get_time(&row, "shift_to")?,
                path: get(&row, "path")?,
                written_at: get_time(&row, "written_at")?,
            })
        })
        .transpose()
    }
}
