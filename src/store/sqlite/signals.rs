//! The front door's queue.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::rows::{from_json, get, get_time_or, json, micros, time};
use super::set_aside::set_aside;
use super::{SqliteStore, failed};
use crate::model::{Lane, Signal, SignalBody, SignalId, redact};
use crate::store::{
    Accepted, Applied, CommandReply, Decision, Delivered, DeliveredPart, PendingSignal, SignalStore, StoreError,
    identity,
};

pub(super) const PENDING: &str = "SELECT id, source, key, last_at, body FROM signal
     WHERE processed_at IS NULL AND (not_before IS NULL OR not_before <= ?) ORDER BY id LIMIT ?";

/// By urgency: the first of the first lane that is not empty.
pub(super) const NEXT: &str = "SELECT id, source, key, last_at, body, tries FROM signal
     WHERE processed_at IS NULL AND (not_before IS NULL OR not_before <= ?) ORDER BY lane, id LIMIT 1";

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
        let came = Came {
            source: signal.source.clone(),
            key: identity(&signal.key).into_owned(),
            at: micros(signal.received_at),
            lane: signal.lane(),
            may_end: signal.may_end(),
            said: signal.said().map(|digest| digest.as_str().to_owned()),
            pieces: vec![json(&signal.body)?],
        };
        // Only a notification tells of a state that may have come back; a command is one wish, however often it is sent.
        let tells_of_a_state = matches!(signal.body, SignalBody::Notification(_));
        let accepted = self.write_or_refuse("accept a signal", move |connection| {
            Box::pin(async move { let_in(connection, came, tells_of_a_state).await })
        });
        let accepted = accepted.await?;
        self.bells.signals.ring();
        Ok(accepted)
    }

    async fn accept_delivery(&self, delivered: Delivered) -> Result<Vec<Accepted>, StoreError> {
        let accepted = self.write_or_refuse("accept a delivery", move |connection| {
            Box::pin(async move {
                let mut accepted = Vec::with_capacity(delivered.parts.len());
                for DeliveredPart { key, lane, may_end, pieces } in delivered.parts {
                    let (source, at) = (delivered.source.clone(), micros(delivered.received_at));
                    let came = Came { source, key, at, lane, may_end, said: None, pieces };
                    accepted.push(let_in(connection, came, true).await?);
                }
                Ok(accepted)
            })
        });
        let accepted = accepted.await?;
        self.bells.signals.ring();
        Ok(accepted)
    }

    async fn next_signal(&self, in_order: bool) -> Result<Option<PendingSignal>, StoreError> {
        let row = sqlx::query(if in_order { OLDEST } else { NEXT })
            .bind(self.now())
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read the next signal"))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(PendingSignal {
            id: SignalId(get(&row, "id")?),
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

/// What is let in.
struct Came {
    source: String,
    key: String,
    at: i64,
    lane: Lane,
    /// Episodes may end by it.
    may_end: bool,
    said: Option<String>,
    pieces: Vec<String>,
}

async fn let_in(connection: &mut SqliteConnection, came: Came, tells_of_a_state: bool) -> Result<Accepted, StoreError> {
    let known = sqlx::query(
        "UPDATE signal SET deliveries = deliveries + 1, last_at = ?3 WHERE source = ?1 AND key = ?2 RETURNING id, said",
    )
    .bind(&came.source)
    .bind(&came.key)
    .bind(came.at)
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed("look for a signal"))?;
    let Some(known) = known else {
        let key = came.key.clone();
        return Ok(Accepted::New(take_in(connection, came, key).await?));
    };
    let id = SignalId(get(&known, "id")?);
    if came.said.is_some() && get::<Option<String>>(&known, "said")? != came.said {
        return Ok(Accepted::Other(id));
    }
    if !tells_of_a_state {
        return Ok(Accepted::Again(id));
    }
    Ok(Accepted::Again(tell_again(connection, came).await?))
}

/// What the key of a signal's second row ends with, which stands behind an end while the first
/// waits before it.
const AGAIN: &str = " again";

/// The rows of a notification, with that first that may be moved: one that is worked on, else the last.
pub(super) const TOLD: &str = "SELECT id, processed_at IS NULL AS waits FROM signal
     WHERE source = ? AND key IN (?, ?) ORDER BY waits, id DESC";

/// Puts a known notification in line once more, where its state may have been another one since it
/// was told last. Which came first is told by the numbers: a signal that waits has changed nothing
/// yet, but will have by the time that this one is worked on.
async fn tell_again(connection: &mut SqliteConnection, came: Came) -> Result<SignalId, StoreError> {
    let again = format!("{}{AGAIN}", came.key);
    let rows = sqlx::query(TOLD)
        .bind(&came.source)
        .bind(&came.key)
        .bind(&again)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("look for a signal's places in line"))?;
    let places = rows.iter().map(|row| Ok((get(row, "id")?, get(row, "waits")?)));
    let places: Vec<(i64, bool)> = places.collect::<Result<_, StoreError>>()?;
    let last = places.iter().map(|(id, _)| *id).max().unwrap_or_default();
    // What ends something may be followed by any firing; what only fires, by what may end that.
    let since = sqlx::query(if came.may_end {
        "SELECT MAX(id) > ? AS is_past FROM signal"
    } else {
        "SELECT last_end > ? AS is_past FROM tally"
    })
    .bind(last)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed("look for what came in since"))?;
    if !get::<bool>(&since, "is_past")? {
        return Ok(SignalId(last));
    }
    match places.as_slice() {
        // It keeps its place, as others may wait for what it tells first.
        [(_, true)] | [] => take_in(connection, came, again).await,
        [(place, _), ..] => move_to_end(connection, came, *place).await,
    }
}

async fn take_in(connection: &mut SqliteConnection, came: Came, key: String) -> Result<SignalId, StoreError> {
    let mut pieces = came.pieces.into_iter();
    let row = sqlx::query(
        "INSERT INTO signal (source, key, received_at, body, last_at, lane, said) VALUES (?1, ?2, ?3, ?4, ?3, ?5, ?6)
         RETURNING id",
    )
    .bind(came.source)
    .bind(key)
    .bind(came.at)
    .bind(pieces.next().unwrap_or_default())
    .bind(lane_number(came.lane))
    .bind(came.said)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed("accept a signal"))?;
    let id = SignalId(get(&row, "id")?);
    keep_pieces(connection, id, pieces).await?;
    remember_end(connection, id, came.may_end).await?;
    Ok(id)
}

/// Its place in line is that of what comes now. Whoever works on it at its old place is fenced off.
async fn move_to_end(connection: &mut SqliteConnection, came: Came, place: i64) -> Result<SignalId, StoreError> {
    sqlx::query("DELETE FROM signal_piece WHERE signal_id = ?")
        .bind(place)
        .execute(&mut *connection)
        .await
        .map_err(failed("drop the pieces of a signal"))?;
    let mut pieces = came.pieces.into_iter();
    let row = sqlx::query(
        "UPDATE signal SET id = (SELECT MAX(id) + 1 FROM signal), body = ?2, lane = ?3, last_at = ?4, processed_at = NULL,
             tries = 0 WHERE id = ?1 RETURNING id",
    )
    .bind(place)
    .bind(pieces.next().unwrap_or_default())
    .bind(lane_number(came.lane))
    .bind(came.at)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed("accept a signal again"))?;
    let id = SignalId(get(&row, "id")?);
    keep_pieces(connection, id, pieces).await?;
    remember_end(connection, id, came.may_end).await?;
    Ok(id)
}

async fn remember_end(connection: &mut SqliteConnection, id: SignalId, may_end: bool) -> Result<(), StoreError> {
    if may_end {
        sqlx::query("UPDATE tally SET last_end = ?")
            .bind(id.0)
            .execute(connection)
            .await
            .map_err(failed("remember what may end something"))?;
    }
    Ok(())
}

async fn keep_pieces(
    connection: &mut SqliteConnection,
    signal: SignalId,
    pieces: impl Iterator<Item = String>,
) -> Result<(), StoreError> {
    for (n, piece) in (1_i64..).zip(pieces) {
        sqlx::query("INSERT INTO signal_piece (signal_id, n, body) VALUES (?, ?, ?)")
            .bind(signal.0)
            .bind(n)
            .bind(piece)
            .execute(&mut *connection)
            .await
            .map_err(failed("keep a piece of a signal"))?;
    }
    Ok(())
}

/// Puts the next piece in the place of the one that was worked on; `false` when that was the last.
/// What came of the piece is in the same transaction: whoever dies goes on where it ended.
pub(super) async fn next_piece(connection: &mut SqliteConnection, signal: SignalId) -> Result<bool, StoreError> {
    let piece = sqlx::query(
        "DELETE FROM signal_piece WHERE signal_id = ?1
             AND n = (SELECT MIN(n) FROM signal_piece WHERE signal_id = ?1) RETURNING body",
    )
    .bind(signal.0)
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed("take the next piece of a signal"))?;
    let Some(piece) = piece else { return Ok(false) };
    let body: String = get(&piece, "body")?;
    sqlx::query("UPDATE signal SET body = ?, tries = 0 WHERE id = ?")
        .bind(body)
        .bind(signal.0)
        .execute(connection)
        .await
        .map_err(failed("go on to the next piece of a signal"))?;
    Ok(true)
}

pub(super) fn lane_number(lane: Lane) -> i64 {
    match lane {
        Lane::People => 0,
        Lane::Urgent => 1,
        Lane::Usual => 2,
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
