//! The front door's queue.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::rows::{from_json, get, get_time_or, json, micros, time};
use super::set_aside::set_aside;
use super::{SqliteStore, failed};
use crate::model::{Signal, SignalBody, SignalId, redact};
use crate::store::{Accepted, Applied, CommandReply, Decision, SignalStore, StoreError, identity};

pub(super) const PENDING: &str = "SELECT id, source, key, last_at, body FROM signal
     WHERE processed_at IS NULL AND (not_before IS NULL OR not_before <= ?) ORDER BY id LIMIT ?";

#[async_trait]
impl SignalStore for SqliteStore {
    async fn accept(&self, signal: &Signal) -> Result<Accepted, StoreError> {
        let body = json(&signal.body)?;
        // Only a notification tells of a state that may have come back; a command is one wish, however often it is sent.
        let tells_of_a_state = matches!(signal.body, SignalBody::Notification(_));
        let (source, key, at) = (signal.source.clone(), identity(&signal.key).into_owned(), micros(signal.received_at));
        let accepted = self.write_or_refuse("accept a signal", move |connection| {
            Box::pin(async move {
                // The body is stored anew only when it is to be worked on again.
                let row = sqlx::query(
                    "INSERT INTO signal (source, key, received_at, body, last_at) VALUES (?1, ?2, ?3, ?4, ?3)
                     ON CONFLICT (source, key) DO UPDATE SET
                         deliveries = deliveries + 1,
                         last_at = excluded.last_at,
                         body = CASE WHEN ?5 AND EXISTS (SELECT 1 FROM episode WHERE closed_at >= signal.processed_at)
                                THEN excluded.body ELSE body END,
                         processed_at = CASE WHEN ?5 AND EXISTS (SELECT 1 FROM episode WHERE closed_at >= signal.processed_at)
                                THEN NULL ELSE processed_at END
                     RETURNING id, deliveries",
                )
                .bind(source)
                .bind(key)
                .bind(at)
                .bind(body)
                .bind(tells_of_a_state)
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
            .bind(self.now())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read the pending signals"))?;
        rows.iter()
            .map(|row| {
                let id = SignalId(get(row, "id")?);
                let signal =
                    read(row).map_err(|error| StoreError::UnreadableSignal { id, message: error.to_string() })?;
                Ok((id, signal))
            })
            .collect()
    }

    async fn set_aside(&self, signal: SignalId, because: &str, decision: Decision) -> Result<Applied, StoreError> {
        let (now, sinks, because) = (self.now(), self.sinks.clone(), redact(because).into_owned());
        let decision = decision.masked()?;
        let applied = self.write("set a signal aside", move |connection| {
            Box::pin(async move { set_aside(connection, now, &sinks, signal, because, decision).await })
        });
        let applied = applied.await?;
        self.bells.decisions.ring();
        self.bells.outbox.ring();
        Ok(applied)
    }

    async fn next_signal_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = sqlx::query("SELECT MIN(not_before) AS due FROM signal WHERE processed_at IS NULL")
            .fetch_one(&self.reads)
            .await
            .map_err(failed("read when the next signal is due"))?;
        get_time_or(&row, "due")
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

fn read(row: &SqliteRow) -> Result<Signal, StoreError> {
    Ok(Signal {
        source: get(row, "source")?,
        key: get(row, "key")?,
        received_at: time(get(row, "last_at")?),
        body: from_json("signal", get(row, "body")?)?,
    })
}
