//! What waits, moved when the wall clock was set.

use async_trait::async_trait;
use chrono::TimeDelta;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, SqliteConnection};

use super::effects::{enqueue_approval, note};
use super::rows::{get, time};
use super::runs::insert_event;
use super::{Sinks, SqliteStore, failed};
use crate::model::{ApprovalId, HumanDuration, IncidentId, RunEvent, RunId};
use crate::store::{Bells, ClockStore, IncidentEvent, StoreError};

/// A clock that is behind by less was read in another order than it was written, and not set.
const SET_BACK: TimeDelta = TimeDelta::seconds(1);

#[async_trait]
impl ClockStore for SqliteStore {
    async fn move_what_waits(&self, by: TimeDelta) -> Result<(), StoreError> {
        let (now, by) = (self.now(), micros(by));
        let sinks = self.sinks.clone();
        self.write("move what waits", move |connection| {
            Box::pin(async move { move_all(connection, now + by, by, &sinks).await })
        })
        .await?;
        let Bells { signals, decisions, runs, outbox, clock } = &self.bells;
        for bell in [signals, decisions, runs, outbox, clock] {
            bell.ring();
        }
        Ok(())
    }
}

/// What waits waits for a time that the last process knew. When the clock is behind that process
/// now, it was set back meanwhile, and what waits would wait for that much longer. (A clock that
/// was set forth cannot be told from a process that was away.)
pub(super) async fn catch_up(connection: &mut SqliteConnection, now: i64, sinks: &Sinks) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT MAX(at) AS at FROM (
             SELECT at FROM (SELECT at FROM clock_move ORDER BY id DESC LIMIT 1)
             UNION ALL
             SELECT received_at FROM (SELECT id, received_at FROM signal ORDER BY id DESC LIMIT 1)
             WHERE id > (SELECT COALESCE(MAX(last_signal), 0) FROM clock_move)
             UNION ALL
             SELECT at FROM (SELECT id, at FROM incident_event ORDER BY id DESC LIMIT 1)
             WHERE id > (SELECT COALESCE(MAX(last_incident_event), 0) FROM clock_move))",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed("read what time it was last"))?;
    let Some(last) = get::<Option<i64>>(&row, "at")? else { return Ok(()) };
    let by = TimeDelta::microseconds(now - last);
    if by > -SET_BACK {
        return Ok(());
    }
    tracing::warn!(was = %time(last), now = %time(now), "the clock is behind what it was when the database was written last; \
        what waits is moved by as much");
    // All of it or nothing: a death in the middle would leave some moved, and all taken for moved.
    let mut transaction = connection.begin().await.map_err(failed("begin to move what waits"))?;
    move_all(&mut transaction, now, micros(by), sinks).await?;
    transaction.commit().await.map_err(failed("keep that what waits was moved"))
}

fn micros(by: TimeDelta) -> i64 {
    by.num_microseconds().unwrap_or(if by < TimeDelta::zero() { i64::MIN / 4 } else { i64::MAX / 4 })
}

/// `now` is what the clock says from now on.
async fn move_all(connection: &mut SqliteConnection, now: i64, by: i64, sinks: &Sinks) -> Result<(), StoreError> {
    // Before anything is told by the new time.
    sqlx::query(
        "INSERT INTO clock_move (at, by, last_signal, last_incident_event, last_episode)
         VALUES (?1, ?2, (SELECT COALESCE(MAX(id), 0) FROM signal), (SELECT COALESCE(MAX(id), 0) FROM incident_event),
             (SELECT COALESCE(MAX(id), 0) FROM episode))",
    )
    .bind(now)
    .bind(by)
    .execute(&mut *connection)
    .await
    .map_err(failed("remember that the clock was set"))?;
    tell(connection, now, by).await?;
    move_runs(connection, now, by).await?;
    for sql in [
        "UPDATE incident SET page_at = page_at + ?1 WHERE page_at IS NOT NULL",
        "UPDATE outbox SET due_at = due_at + ?1 WHERE due_at IS NOT NULL",
        "UPDATE signal SET not_before = not_before + ?1 WHERE not_before IS NOT NULL AND processed_at IS NULL",
    ] {
        sqlx::query(sql).bind(by).execute(&mut *connection).await.map_err(failed("move what waits"))?;
    }
    let asked = sqlx::query("UPDATE approval SET expires_at = expires_at + ?1 WHERE state = 'open' RETURNING id")
        .bind(by)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("move the ends of questions"))?;
    for row in &asked {
        // It says until when it may be answered.
        enqueue_approval(connection, now, sinks, ApprovalId(get(row, "id")?)).await?;
    }
    Ok(())
}

/// On the timelines of the incidents for which something waits.
async fn tell(connection: &mut SqliteConnection, now: i64, by: i64) -> Result<(), StoreError> {
    let incidents = sqlx::query(
        "SELECT id FROM incident WHERE page_at IS NOT NULL
         UNION SELECT incident_id FROM run WHERE outcome IS NULL ORDER BY 1",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed("read for whom something waits"))?;
    let way = if by < 0 { "back" } else { "forward" };
    let lasting = HumanDuration(std::time::Duration::from_micros(by.unsigned_abs()));
    for row in &incidents {
        let text = format!("the clock was set {way} by {lasting}; what waits for a time was moved with it");
        note(connection, now, IncidentId(get(row, "id")?), &IncidentEvent::Remark { text }).await?;
    }
    Ok(())
}

/// A run's log holds times too: those that stand before this record are read as moved.
async fn move_runs(connection: &mut SqliteConnection, now: i64, by: i64) -> Result<(), StoreError> {
    let moved = sqlx::query(
        "UPDATE run SET wake_at = wake_at + ?1, lease_until = lease_until + ?1, length = length + 1
         WHERE outcome IS NULL RETURNING id, epoch, length",
    )
    .bind(by)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed("move the timers of runs"))?;
    let record = RunEvent::ClockMoved { by_micros: by };
    let position = |row: &SqliteRow| Ok((RunId(get(row, "id")?), get(row, "epoch")?, get(row, "length")?));
    for row in &moved {
        let (run, epoch, length) = position(row)?;
        insert_event(connection, run, length, epoch, now, &record).await?;
    }
    sqlx::query(
        "UPDATE run SET created_moved = created_moved + ?1,
             ended_moved = CASE WHEN ended_at IS NULL THEN 0 ELSE ended_moved + ?1 END
         WHERE created_at >= ?2",
    )
    .bind(by)
    .bind(now - LONGEST_LIMIT.num_microseconds().unwrap_or(i64::MAX) - by.abs())
    .execute(connection)
    .await
    .map_err(failed("move what limits count"))?;
    Ok(())
}

/// How far back a playbook's limits look, at the most: what is older is not moved, as there may be
/// years of it.
const LONGEST_LIMIT: TimeDelta = TimeDelta::days(92);
