//! What waits, moved when the wall clock was set.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection as _, SqliteConnection};

use super::rows::get_time_or;
use super::tables::SqliteTables;
use super::{SqliteStore, failed};
use crate::store::transaction::{self, Tx, move_what_waits};
use crate::store::{Bells, ClockStore, Sinks, StoreError};

/// A clock that is behind by less was read in another order than it was written, and not set.
const SET_BACK: TimeDelta = TimeDelta::seconds(1);

#[async_trait]
impl ClockStore for SqliteStore {
    async fn move_what_waits(&self, by: TimeDelta) -> Result<(), StoreError> {
        self.transact("move what waits", move |mut tx| {
            // The clock follows once this is durable.
            tx.now += by;
            Box::pin(async move { transaction::move_what_waits(&mut tx, by).await })
        })
        .await?;
        let Bells { signals, decisions, runs, outbox, heartbeats, overrides, clock } = &self.bells;
        for bell in [signals, decisions, runs, outbox, heartbeats, overrides, clock] {
            bell.ring();
        }
        Ok(())
    }
}

/// What waits waits for a time that the last process knew. When the clock is behind that process
/// now, it was set back meanwhile, and what waits would wait for that much longer. (A clock that
/// was set forth cannot be told from a process that was away.)
pub(super) async fn catch_up(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    sinks: &Sinks,
) -> Result<(), StoreError> {
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
    let Some(last) = get_time_or(&row, "at")? else { return Ok(()) };
    let by = now - last;
    if by > -SET_BACK {
        return Ok(());
    }
    tracing::warn!(was = %last, %now, "the clock is behind what it was when the database was written last; \
        what waits is moved by as much");
    // All of it or nothing: a death in the middle would leave some moved, and all taken for moved.
    let mut transaction = connection.begin().await.map_err(failed("begin to move what waits"))?;
    let mut tables = SqliteTables(&mut transaction);
    move_what_waits(&mut Tx { tables: &mut tables, now, sinks }, by).await?;
    transaction.commit().await.map_err(failed("keep that what waits was moved"))
}
