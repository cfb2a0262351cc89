//! What a process does with what the last one left, before it works itself.

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, SqliteConnection};

use super::rows::{contacts, from_json, get, micros, severity, urgency_number};
use super::tables::SqliteTables;
use super::{clock_moves, failed, ticket_sites};
use crate::model::PageId;
use crate::store::rules::{Outgoing, Urgency};
use crate::store::transaction::DeliveryTable as _;
use crate::store::{Sinks, StoreError};

/// Pages that the last process had taken, or was about to try again: nobody is at them any more.
const TAKE_OVER: &str = "UPDATE outbox SET due_at = ?1 WHERE urgency = ?2 AND due_at > ?1 AND due_at <= ?1 + 60000000";

/// Pages that reached nobody, and where they were sent. The console calls nobody.
const UNREACHED: &str = "SELECT id, severity, contacts,
         (SELECT json_group_array(sink) FROM outbox WHERE page_id = page.id) AS sinks
     FROM page WHERE acknowledged_at IS NULL AND folded_into IS NULL
     AND NOT EXISTS (SELECT 1 FROM outbox WHERE page_id = page.id AND delivered_at IS NOT NULL AND sink <> 'console')";

/// A time that is no number is greater than each to SQLite: what waits for it would wait for ever,
/// and nobody would hear of it. It has come. (The outbox mends its own whenever it is asked.)
const MEND: [&str; 3] = [
    "UPDATE incident SET page_at = ?1 WHERE page_at IS NOT NULL AND typeof(page_at) <> 'integer'",
    "UPDATE signal SET not_before = ?1 WHERE processed_at IS NULL AND not_before IS NOT NULL AND typeof(not_before) <> 'integer'",
    "UPDATE run SET wake_at = ?1 WHERE outcome IS NULL AND typeof(wake_at) <> 'integer'",
];

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
    for sql in MEND {
        let mend = sqlx::query(sql).bind(micros(now)).execute(&mut *connection);
        mend.await.map_err(failed("mend for when something waits"))?;
    }
    clock_moves::catch_up(connection, now, sinks).await?;
    // The same for pages that it had on their way, by today's clock: one that is tried a
    // little early does no harm.
    sqlx::query(TAKE_OVER)
        .bind(micros(now))
        .bind(urgency_number(Urgency::Page))
        .execute(&mut *connection)
        .await
        .map_err(failed("take over the pages of the last process"))?;
    ticket_sites::follow(connection, now, &sinks.tickets).await?;
    bring_on_their_way(connection, now, sinks).await
}

/// What a page went to may be configured no more, or nothing was: all sinks of today's first entry
/// are told that do not know of it.
async fn bring_on_their_way(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    sinks: &Sinks,
) -> Result<(), StoreError> {
    let what = "bring pages on their way that reached nobody";
    let mut transaction = connection.begin().await.map_err(failed(what))?;
    let unreached = sqlx::query(UNREACHED).fetch_all(&mut *transaction).await.map_err(failed(what))?;
    // What pages nobody was never meant to go anywhere.
    for row in unreached.iter().filter(|row| severity(row).pages()) {
        let order = sinks.order_for(&contacts(row));
        let sent: Vec<String> = from_json("page's sinks", get(row, "sinks")?).unwrap_or_default();
        let page = Outgoing::page(PageId(get(row, "id")?));
        for sink in order.first().iter().filter(|sink| !sent.contains(sink)) {
            SqliteTables(&mut transaction).put(sink, &page, now).await?;
        }
    }
    transaction.commit().await.map_err(failed(what))
}
