//! The front door's queue.

use async_trait::async_trait;

use super::rows::{from_json, get, json, micros, time};
use super::{SqliteStore, failed};
use crate::model::{Signal, SignalId};
use crate::store::{Accepted, CommandReply, SignalStore, StoreError};

pub(super) const PENDING: &str =
    "SELECT id, source, key, last_at, body FROM signal WHERE processed_at IS NULL ORDER BY id LIMIT ?";

#[async_trait]
impl SignalStore for SqliteStore {
    async fn accept(&self, signal: &Signal) -> Result<Accepted, StoreError> {
        let body = json(&signal.body)?;
        let (source, key, at) = (signal.source.clone(), signal.key.clone(), micros(signal.received_at));
        let accepted = self.write_or_refuse("accept a signal", move |connection| {
            Box::pin(async move {
                // The body is stored anew only when it is to be worked on again.
                let row = sqlx::query(
                    "INSERT INTO signal (source, key, received_at, body, last_at) VALUES (?1, ?2, ?3, ?4, ?3)
                     ON CONFLICT (source, key) DO UPDATE SET
                         deliveries = deliveries + 1,
                         last_at = excluded.last_at,
                         body = CASE WHEN EXISTS (SELECT 1 FROM episode WHERE closed_at >= signal.processed_at)
                                THEN excluded.body ELSE body END,
                         processed_at = CASE WHEN EXISTS (SELECT 1 FROM episode WHERE closed_at >= signal.processed_at)
                                THEN NULL ELSE processed_at END
                     RETURNING id, deliveries",
                )
                .bind(source)
                .bind(key)
                .bind(at)
                .bind(body)
                .fetch_one(connection)
                .await
                .map_err(failed("accept a signal"))?;
                let id = SignalId(get(&row, "id")?);
                let deliveries: i64 = get(&row, "deliveries")?;
                Ok(if deliveries == 1 { Accepted::New(id) } else { Accepted::Again(id) })
            })
        });
        let accepted = accepted.await?;
        self.bells.signals.ring();
        Ok(accepted)
    }

    async fn pending_signals(&self, limit: usize) -> Result<Vec<(SignalId, Signal)>, StoreError> {
        let rows = sqlx::query(PENDING)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read the pending signals"))?;
        rows.iter()
            .map(|row| {
                let signal = Signal {
                    source: get(row, "source")?,
                    key: get(row, "key")?,
                    received_at: time(get(row, "last_at")?),
                    body: from_json("signal", get(row, "body")?)?,
                };
                Ok((SignalId(get(row, "id")?), signal))
            })
            .collect()
    }

    async fn reply(&self, signal: SignalId) -> Result<Option<CommandReply>, StoreError> {
        let row = sqlx::query("SELECT reply, declined FROM signal WHERE id = ? AND processed_at IS NOT NULL")
            .bind(signal.0)
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read a reply"))?;
        let Some(row) = row else { return Ok(None) };
        let text = get::<Option<String>>(&row, "reply")?.unwrap_or_default();
        Ok(Some(CommandReply { text, granted: !get::<bool>(&row, "declined")? }))
    }
}
