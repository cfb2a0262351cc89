//! The front door's queue.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::{Lane, SignalId};
use crate::store::rules::{Newest, Place};
use crate::store::sqlite::rows::{get, json, lane_number, micros};
use crate::store::transaction::{SignalRow, SignalTable};
use crate::store::{CommandReply, StoreError};

pub(in crate::store::sqlite) const PLACES: &str = "SELECT id, processed_at IS NULL AS waits FROM signal
     WHERE source = ?1 AND key IN (SELECT value FROM json_each(?2)) ORDER BY id";

#[async_trait]
impl SignalTable for SqliteTables<'_> {
    async fn count_delivery(
        &mut self,
        source: &str,
        key: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<(SignalId, Option<String>)>, StoreError> {
        let query = sqlx::query(
            "UPDATE signal SET deliveries = deliveries + 1, last_at = ?3 WHERE source = ?1 AND key = ?2 RETURNING id, said",
        );
        let query = query.bind(source.to_owned()).bind(key.to_owned()).bind(micros(at));
        let known = self.maybe("look for a signal", query).await?;
        known.map(|row| Ok((SignalId(get(&row, "id")?), get(&row, "said")?))).transpose()
    }

    async fn places(&mut self, source: &str, keys: &[&str]) -> Result<Vec<Place>, StoreError> {
        let query = sqlx::query(PLACES).bind(source.to_owned()).bind(json(&keys)?);
        let found = self.all("look for a signal's places in line", query).await?;
        found.iter().map(|row| Ok(Place { id: SignalId(get(row, "id")?), waits: get(row, "waits")? })).collect()
    }

    async fn newest(&mut self) -> Result<Newest, StoreError> {
        let query = sqlx::query("SELECT (SELECT COALESCE(MAX(id), 0) FROM signal) AS signal, last_end FROM tally");
        let row = self.one("look for what came in last", query).await?;
        Ok(Newest { signal: SignalId(get(&row, "signal")?), end: SignalId(get(&row, "last_end")?) })
    }

    async fn remember_end(&mut self, id: SignalId) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE tally SET last_end = ?");
        self.execute("remember what may end something", query.bind(id.0)).await?;
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

    async fn queue_again(
        &mut self,
        id: SignalId,
        body: &str,
        lane: Lane,
        at: DateTime<Utc>,
    ) -> Result<SignalId, StoreError> {
        let query = sqlx::query("DELETE FROM signal_piece WHERE signal_id = ?");
        self.execute("drop the pieces of a signal", query.bind(id.0)).await?;
        let query = sqlx::query(
            "UPDATE signal SET id = (SELECT MAX(id) + 1 FROM signal), body = ?2, lane = ?3, last_at = ?4, processed_at = NULL,
                 tries = 0 WHERE id = ?1 RETURNING id",
        )
        .bind(id.0)
        .bind(body.to_owned())
        .bind(lane_number(lane))
        .bind(micros(at));
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
            "UPDATE signal SET processed_at = ?, body = '', reply = ?, declined = ?, tries = 0
             WHERE id = ? AND processed_at IS NULL",
        )
        .bind(micros(at))
        .bind(reply.map(|reply| reply.text.clone()))
        .bind(reply.is_some_and(|reply| !reply.granted))
        .bind(id.0);
        Ok(self.execute("mark a signal as worked on", query).await?.rows_affected() > 0)
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
