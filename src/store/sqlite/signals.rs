//! The front door's queue.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::rows::{from_json, get, get_time_or, time};
use super::{SqliteStore, failed};
use crate::model::{Digest, Signal, SignalId, redact};
use crate::store::transaction::{self, Incoming};
use crate::store::{
    Accepted, Applied, CommandReply, Decision, Delivered, PendingSignal, SignalStore, StoreError, Whose,
};

pub(super) const PENDING: &str = "SELECT id, source, key, last_at, body FROM signal
     WHERE processed_at IS NULL AND (not_before IS NULL OR not_before <= ?) ORDER BY id LIMIT ?";

/// The first lane that is not empty.
pub(super) const LANE: &str = "SELECT lane FROM signal
     WHERE processed_at IS NULL AND (not_before IS NULL OR not_before <= ?) ORDER BY lane, source, id LIMIT 1";

/// Of the source after that one, in that lane.
pub(super) const NEXT_SOURCE: &str = "SELECT id, source, key, last_at, body, tries FROM signal
     WHERE processed_at IS NULL AND (not_before IS NULL OR not_before <= ?1) AND lane = ?2 AND source > ?3
     ORDER BY source, id LIMIT 1";

/// The oldest.
pub(super) const OLDEST: &str = "SELECT id, source, key, last_at, body, tries FROM signal
     WHERE processed_at IS NULL AND (not_before IS NULL OR not_before <= ?) ORDER BY id LIMIT 1";

const BEGIN: &str = "UPDATE signal SET tries = tries + 1 WHERE processed_at IS NULL
     AND (id = ?1 OR id IN (SELECT id FROM signal WHERE processed_at IS NULL AND not_before IS NULL AND tries = 0 AND id <> ?1
                            ORDER BY lane, id LIMIT ?2))
     RETURNING id";

#[async_trait]
impl SignalStore for SqliteStore {
    async fn accept(&self, signal: &Signal) -> Result<Accepted, StoreError> {
        let incoming = vec![Incoming::signal(signal)?];
        let accepted = self.transact_or_refuse("accept a signal", move |mut tx| {
            Box::pin(async move { transaction::accept(&mut tx, incoming, Vec::new()).await })
        });
        let accepted = accepted.await?;
        self.bells.signals.ring();
        accepted.into_iter().next().ok_or_else(|| StoreError::Failed {
            what: "accept a signal",
            message: "nothing was said of what became of it".into(),
        })
    }

    async fn accept_delivery(&self, mut delivered: Delivered) -> Result<Vec<Accepted>, StoreError> {
        let beats = std::mem::take(&mut delivered.beats);
        let beat = !beats.is_empty();
        let incoming = Incoming::delivery(delivered);
        let accepted = self.transact_or_refuse("accept a delivery", move |mut tx| {
            Box::pin(async move { transaction::accept(&mut tx, incoming, beats).await })
        });
        let accepted = accepted.await?;
        self.bells.signals.ring();
        if beat {
            self.bells.heartbeats.ring();
        }
        Ok(accepted)
    }

    async fn next_signal(&self, whose: Whose<'_>) -> Result<Option<PendingSignal>, StoreError> {
        let row = match whose {
            Whose::Oldest => sqlx::query(OLDEST)
                .bind(self.now())
                .fetch_optional(&self.reads)
                .await
                .map_err(failed("read the oldest signal"))?,
            Whose::InTurn { after } => self.next_in_turn(after).await?,
        };
        let Some(row) = row else { return Ok(None) };
        Ok(Some(PendingSignal {
            id: SignalId(get(&row, "id")?),
            source: get(&row, "source")?,
            tries: u32::try_from(get::<i64>(&row, "tries")?).unwrap_or(u32::MAX),
            signal: read(&row).map_err(|error| error.to_string()),
        }))
    }

    async fn begin_signal(&self, signal: SignalId, more: usize) -> Result<Vec<SignalId>, StoreError> {
        let more = i64::try_from(more).unwrap_or(i64::MAX);
        let begun = self.write("begin a signal", move |connection| {
            Box::pin(async move {
                let rows = sqlx::query(BEGIN)
                    .bind(signal.0)
                    .bind(more)
                    .fetch_all(connection)
                    .await
                    .map_err(failed("begin a signal"))?;
                rows.iter().map(|row| Ok(SignalId(get(row, "id")?))).collect::<Result<Vec<_>, StoreError>>()
            })
        });
        Ok(begun.await?.into_iter().filter(|begun| *begun != signal).collect())
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
        let (decision, because) = (decision.masked()?, redact(because).into_owned());
        let applied = self.transact("set a signal aside", move |mut tx| {
            Box::pin(async move { transaction::set_aside(&mut tx, signal, &because, decision).await })
        });
        let applied = applied.await?;
        self.bells.decisions.ring();
        self.bells.outbox.ring();
        Ok(applied)
    }

    async fn sorts_by(&self, words: &Digest) -> Result<(), StoreError> {
        self.move_lanes(words).await
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

impl SqliteStore {
    async fn next_in_turn(&self, after: &str) -> Result<Option<SqliteRow>, StoreError> {
        let what = "read the next signal";
        let now = self.now();
        let lane = sqlx::query(LANE).bind(now).fetch_optional(&self.reads).await.map_err(failed(what))?;
        let Some(lane) = lane else { return Ok(None) };
        let lane: i64 = get(&lane, "lane")?;
        // After the last source comes the first again.
        for after in [after, ""] {
            let next = sqlx::query(NEXT_SOURCE).bind(now).bind(lane).bind(after.to_owned());
            let next = next.fetch_optional(&self.reads).await.map_err(failed(what))?;
            if next.is_some() {
                return Ok(next);
            }
        }
        Ok(None)
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
