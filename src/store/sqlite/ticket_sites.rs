//! Tickets whose sinks make them elsewhere since the last process.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::failed;
use super::rows::{json, micros};
use crate::store::{StoreError, TicketSinks};

/// What an earlier version made was made where its sink makes tickets now.
const STAMP: &str = "UPDATE outbox SET external_id = json_set(external_id, '$.site', json(?2))
     WHERE sink = ?1 AND key LIKE 'TKT-%'
       AND CASE WHEN json_valid(external_id) THEN json_extract(external_id, '$.site') IS NULL END";

/// Tickets of incidents that go on, and that lie elsewhere: each is looked at once.
const MOVE: &str = "UPDATE outbox SET due_at = MIN(COALESCE(due_at, ?3), ?3), version = version + 1, attempts = 0
     WHERE sink = ?1 AND key LIKE 'TKT-%'
       AND CASE WHEN json_valid(external_id) THEN json_extract(external_id, '$.site.key') <> ?2 END
       AND EXISTS (SELECT 1 FROM ticket JOIN incident AS own ON own.id = ticket.incident_id
                   JOIN incident AS root ON root.id = COALESCE(own.merged_root, own.id)
                   WHERE 'TKT-' || ticket.id = outbox.key AND left_at IS NULL AND work_key IS NULL
                       AND root.state <> 'resolved')";

/// Has the tickets of open incidents follow their sinks.
pub(super) async fn follow(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    tickets: &TicketSinks,
) -> Result<(), StoreError> {
    let what = failed("have tickets follow their sinks");
    for (sink, site) in &tickets.sites {
        let stamp = sqlx::query(STAMP).bind(sink.clone()).bind(json(site)?);
        stamp.execute(&mut *connection).await.map_err(&what)?;
        let moves = sqlx::query(MOVE).bind(sink.clone()).bind(site.key.clone()).bind(micros(now));
        moves.execute(&mut *connection).await.map_err(&what)?;
    }
    Ok(())
}
