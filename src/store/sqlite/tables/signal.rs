//! The front door's queue.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::{Lane, SignalId};
use crate::store::rules::KnownSignal;
use crate::store::sqlite::rows::{get, lane_number, micros};
use crate::store::transaction::{SignalRow, SignalTable};
use crate::store::{CommandReply, StoreError};

#[async_trait]
impl SignalTable for SqliteTables<'_> {
    async fn known_signal(&mut self, source: &str, key: &str) -> Result<Option<KnownSignal>, StoreError> {
        let query = sqlx::query(
            "SELECT id, said, processed_at IS NOT NULL AS is_worked_on, ends_seen < (SELECT ends FROM tally) AS ended_since
             FROM signal WHERE source = ? AND key = ?",
        );
        let row = self.maybe("look for a signal", query.bind(source.to_owned()).bind(key.to_owned())).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(KnownSignal {
            id: SignalId(get(&row, "id")?),
            said: get(&row, "said")?,
            is_worked_on: get(&row, "is_worked_on")?,
            ended_since: get(&row, "ended_since")?,
        }))
    }

    async fn count_delivery(&mut self, id: SignalId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE signal SET deliveries = deliveries + 1, last_at = ? WHERE id = ?");
        self.execute("count a delivery", query.bind(micros(at)).bind(id.0)).await?;
        Ok(())
    }

    async fn insert_signal(&mut self, row: &SignalRow) -> Result<Option<SignalId>, StoreError> {
        let query = sqlx::query(
            "INSERT INTO signal (source, key, received_at, last_at, body, lane, said, not_before)
             VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING RETURNING id",
        )
        .bind(row.source.clone())
        .bind(row.key.clone())
        .bind(micros(row.received_at))
        .bind(row.body.clone())
        .bind(lane_number(row.lane))
        .bind(row.said.clone())
        .bind(row.not_before.map(micros));
        let inserted = self.maybe("accept a signal", query).await?;
        inserted.map(|row| Ok(SignalId(get(&row, "id")?))).transpose()
    }

    async fn queue_again(&mut self, id: SignalId, body: &str, lane: Lane) -> Result<SignalId, StoreError> {
        let query = sqlx::query(
            "UPDATE signal SET id = (SELECT MAX(id) + 1 FROM signal), body = ?2, lane = ?3, processed_at = NULL, tries = 0
             WHERE id = ?1 RETURNING id",
        )
        .bind(id.0)
        .bind(body.to_owned())
        .bind(lane_number(lane));
        Ok(SignalId(get(&self.one("accept a signal again", query).await?, "id")?))
    }

    async fn keep_pieces(&mut self, id: SignalId, pieces: Vec<String>) -> Result<(), StoreError> {
        for (n, piece) in (1_i64..).zip(pieces) {
            let query = sqlx::query("INSERT INTO signal_piece (signal_id, n, body) VALUES (?, ?, ?)");
            self.execute("keep a piece of a signal", query.bind(id.0).bind(n).bind(piece)).await?;
        }
        Ok(())
    }

    async fn next_piece(&mut self, id: SignalId) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "DELETE FROM signal_piece WHERE signal_id = ?1
                 AND n = (SELECT MIN(n) FROM signal_piece WHERE signal_id = ?1) RETURNING body",
        );
        let piece = self.maybe("take the next piece of a signal", query.bind(id.0)).await?;
        let Some(piece) = piece else { return Ok(false) };
        let body: String = get(&piece, "body")?;
        let query = sqlx::query("UPDATE signal SET body = ?, tries = 0 WHERE id = ?");
        self.execute("go on to the next piece of a signal", query.bind(body).bind(id.0)).await?;
        Ok(true)
    }

    async fn finish_signal(
        &mut self,
        id: SignalId,
        at: DateTime<Utc>,
        reply: Option<&CommandReply>,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "UPDATE signal SET processed_at = ?, body = '', reply = ?, declined = ?, tries = 0,
                 ends_seen = (SELECT ends FROM tally) WHERE id = ? AND processed_at IS NULL",
        )
        .bind(micros(at))
        .bind(reply.map(|reply| reply.text.clone()))
        .bind(reply.is_some_and(|reply| !reply.granted))
        .bind(id.0);
        Ok(self.execute("mark a signal as worked on", query).await?.rows_affected() > 0)
    }

    async fn count_ends(&mut self, ends: u64) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE tally SET ends = ends + ?");
        self.execute("count ends", query.bind(i64::try_from(ends).unwrap_or(i64::MAX))).await?;
        Ok(())
    }

    async fn signal_body(&mut self, id: SignalId) -> Result<Vec<u8>, StoreError> {
        let query = sqlx::query("SELECT CAST(body AS BLOB) AS body FROM signal WHERE id = ?");
        let row = self.maybe("read a signal's body", query.bind(id.0)).await?;
        Ok(row.map(|row| get(&row, "body")).transpose()?.unwrap_or_default())
    }

    async fn keep_aside(&mut self, id: SignalId, body: &str, because: &str) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "UPDATE signal SET body = CAST(?1 AS TEXT), set_aside = ?2 WHERE id = ?3 AND processed_at IS NOT NULL",
        );
        let query = query.bind(body.to_owned()).bind(because.to_owned()).bind(id.0);
        Ok(self.execute("set a signal aside", query).await?.rows_affected() > 0)
    }

    async fn keep_piece_aside(
        &mut self,
        id: SignalId,
        at: DateTime<Utc>,
        body: &str,
        because: &str,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO signal (source, key, received_at, body, last_at, lane, processed_at, set_aside)
             SELECT source, key || ' piece ' || (SELECT MAX(id) FROM signal), received_at, CAST(?1 AS TEXT), last_at, lane, ?4, ?2
             FROM signal WHERE id = ?3",
        );
        let query = query.bind(body.to_owned()).bind(because.to_owned()).bind(id.0).bind(micros(at));
        self.execute("set a piece of a signal aside", query).await?;
        Ok(())
    }
}
