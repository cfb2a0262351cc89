//! What must keep coming, as it came last.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::rows::{get, get_time, readable};
use super::{SqliteStore, failed};
use crate::model::{Beat, Heartbeat, HeartbeatKey};
use crate::store::{HeartbeatStore, StoreError, transaction};

#[async_trait]
impl HeartbeatStore for SqliteStore {
    async fn beat(&self, beats: Vec<Beat>) -> Result<(), StoreError> {
        self.transact_or_refuse("keep a heartbeat", move |mut tx| {
            Box::pin(async move { transaction::beat(&mut tx, beats).await })
        })
        .await?;
        self.bells.heartbeats.ring();
        Ok(())
    }

    async fn heartbeats(&self) -> Result<Vec<Heartbeat>, StoreError> {
        let found = sqlx::query("SELECT * FROM heartbeat ORDER BY source, name, key")
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read the heartbeats"))?;
        Ok(readable(&found, heartbeat))
    }

    async fn forget_heartbeat(&self, key: &HeartbeatKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.transact("forget a heartbeat", move |tx| Box::pin(async move { tx.tables.delete_heartbeat(&key).await }))
            .await?;
        self.bells.heartbeats.ring();
        Ok(())
    }
}

fn heartbeat(row: &SqliteRow) -> Result<Heartbeat, StoreError> {
    Ok(Heartbeat {
        key: HeartbeatKey { source: get(row, "source")?, key: get(row, "key")? },
        alert: get(row, "alert")?,
        name: get(row, "name")?,
        beats: get::<i64>(row, "beats")?.unsigned_abs(),
        last_at: get_time(row, "last_at")?,
        is_over: get(row, "is_over")?,
    })
}
