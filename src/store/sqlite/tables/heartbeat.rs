//! What must keep coming.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::{Beat, HeartbeatKey};
use crate::store::StoreError;
use crate::store::sqlite::rows::micros;
use crate::store::transaction::HeartbeatTable;

#[async_trait]
impl HeartbeatTable for SqliteTables<'_> {
    async fn save_beat(&mut self, beat: &Beat, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO heartbeat (source, key, alert, name, last_at, is_over) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (source, key) DO UPDATE SET alert = ?3, name = ?4, is_over = ?6,
                 last_at = CASE WHEN ?6 THEN last_at ELSE ?5 END, beats = beats + NOT ?6",
        )
        .bind(beat.key.source.clone())
        .bind(beat.key.key.clone())
        .bind(beat.alert.clone())
        .bind(beat.name.clone())
        .bind(micros(at))
        .bind(beat.is_over);
        self.execute("keep a heartbeat", query).await?;
        Ok(())
    }

    async fn delete_heartbeat(&mut self, key: &HeartbeatKey) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM heartbeat WHERE source = ? AND key = ?");
        self.execute("forget a heartbeat", query.bind(key.source.clone()).bind(key.key.clone())).await?;
        Ok(())
    }
}
