//! What a process does with what the last one left, before it works itself.

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, SqliteConnection};

use super::rows::{get, micros, severity, urgency_number};
use super::tables::SqliteTables;
use super::{clock_moves, failed};
use crate::model::PageId;
use crate::store::rules::{Outgoing, Urgency};
use crate::store::transaction::DeliveryTable as _;
use crate::store::{Sinks, StoreError};

/// Pages that the last process had taken, or was about to try again: nobody is at them any more.
const TAKE_OVER: &str = "UPDATE outbox SET due_at = ?1 WHERE urgency = ?2 AND due_at > ?1 AND due_at <= ?1 + 60000000";

/// Pages that reached nobody, and of which the first sink of today's configuration does not know:
/// what they went to may be configured no more, or nothing was.
const LOST: &str = "SELECT id, severity FROM page WHERE acknowledged_at IS NULL AND folded_into IS NULL
     AND NOT EXISTS (SELECT 1 FROM outbox WHERE page_id = page.id AND (sink = ?1 OR delivered_at IS NOT NULL))";

/// Takes over runs and pages, and moves what waits if the clock was set back meanwhile.
pub(super) async fn take_over(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    sinks: &Sinks,
) -> Result<(), StoreError> {
    // Who held a lease held the lock on the file too, and we have it now: nobody works on those
    // runs any more.
    sqlx::query("UPDATE run SET lease_until = NULL, worker = NULL WHERE outcome IS NULL")
        .execute(&mut *connection)
        .await
        .map_err(failed("take over the runs of the last process"))?;
    clock_moves::catch_up(connection, now, sinks).await?;
    // The same for pages that it had on their way, by today's clock: one that is tried a
    // little early does no harm.
    sqlx::query(TAKE_OVER)
        .bind(micros(now))
        .bind(urgency_number(Urgency::Page))
        .execute(&mut *connection)
        .await
        .map_err(failed("take over the pages of the last process"))?;
    let Some(first) = sinks.pages.first() else { return Ok(()) };
    bring_on_their_way(connection, now, first).await
}

async fn bring_on_their_way(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    sink: &str,
) -> Result<(), StoreError> {
    let what = "bring pages on their way that reached nobody";
    let mut transaction = connection.begin().await.map_err(failed(what))?;
    let lost = sqlx::query(LOST).bind(sink.to_owned()).fetch_all(&mut *transaction).await.map_err(failed(what))?;
    // What pages nobody was never meant to go anywhere.
    for row in lost.iter().filter(|row| severity(row).pages()) {
        let page = Outgoing::page(PageId(get(row, "id")?));
        SqliteTables(&mut transaction).put(sink, &page, now).await?;
    }
    transaction.commit().await.map_err(failed(what))
}
