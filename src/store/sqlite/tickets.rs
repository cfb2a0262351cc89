//! Tickets, as they are read.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteRow;

use super::rows::{self, from_json, get, get_time, get_time_or, json};
use super::{SqliteStore, failed};
use crate::model::{IncidentId, RunId, TicketId};
use crate::store::{StoreError, Ticket, TicketFailure, TicketPlace, TicketStore, Work, transaction};

/// A ticket with its delivery. It is replaced where its incident became part of one that has a
/// ticket in the same tracker. `before`: where the same work was filed before.
pub(super) const TICKET: &str = "SELECT ticket.*, incident.merged_root AS root, external_id,
         COALESCE(CASE WHEN due_at IS NOT NULL THEN because END, error) AS error, MAX(due_at, COALESCE(until, due_at)) AS due_at,
         (SELECT mark FROM identity) AS mark,
         merged_root IS NOT NULL AND EXISTS
             (SELECT 1 FROM ticket AS other
              WHERE other.incident_id = merged_root AND other.sink = ticket.sink AND other.work_key IS NULL) AS replaced,
         (SELECT made.external_id FROM ticket AS before
              JOIN outbox AS made ON made.sink = before.sink AND made.key = 'TKT-' || before.id
              WHERE before.work_key = ticket.work_key AND before.sink = ticket.sink AND before.id < ticket.id
                  AND made.external_id IS NOT NULL
              ORDER BY before.id DESC LIMIT 1) AS before
     FROM ticket JOIN incident ON incident.id = ticket.incident_id
     LEFT JOIN outbox ON outbox.sink = ticket.sink AND outbox.key = 'TKT-' || COALESCE(same_as, ticket.id)
     LEFT JOIN sink_hold ON sink_hold.sink = ticket.sink WHERE ";

#[async_trait]
impl TicketStore for SqliteStore {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        let sql = format!("{TICKET}ticket.id = ?");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.reads).await;
        row.map_err(failed("read a ticket"))?.as_ref().map(ticket).transpose()
    }

    async fn tickets_of(&self, incidents: &[IncidentId]) -> Result<Vec<Ticket>, StoreError> {
        let sql = format!(
            "{TICKET}incident_id IN (SELECT value FROM json_each(?1) UNION
                 SELECT id FROM incident WHERE merged_root IN (SELECT value FROM json_each(?1))) ORDER BY ticket.id"
        );
        let found = sqlx::query(AssertSqlSafe(sql)).bind(json(&incidents)?).fetch_all(&self.reads).await;
        Ok(rows::readable(&found.map_err(failed("read tickets"))?, ticket))
    }

    async fn ticket_tried(&self, id: TicketId, hold: Duration) -> Result<(), StoreError> {
        self.transact("note that a ticket is tried", move |mut tx| {
            Box::pin(async move { transaction::ticket_tried(&mut tx, id, hold).await })
        })
        .await
    }

    async fn ticket_failed(&self, id: TicketId, failure: TicketFailure) -> Result<(), StoreError> {
        let failure = failure.masked();
        self.transact("note a ticket's trouble", move |mut tx| {
            Box::pin(async move { transaction::ticket_failed(&mut tx, id, failure).await })
        })
        .await?;
        self.bells.outbox.ring();
        Ok(())
    }
}

fn ticket(row: &SqliteRow) -> Result<Ticket, StoreError> {
    let made_for = IncidentId(get(row, "incident_id")?);
    let root = get::<Option<i64>>(row, "root").ok().flatten();
    let external: Option<String> = get(row, "external_id").ok().flatten();
    Ok(Ticket {
        id: TicketId(get(row, "id")?),
        incident: root.map_or(made_for, IncidentId),
        made_for,
        sink: get(row, "sink")?,
        team: rows::text(row, "team"),
        reason: from_json("ticket's reason", get(row, "reason")?)?,
        text: get(row, "text")?,
        created_at: get_time(row, "created_at")?,
        replaced: get(row, "replaced")?,
        place: external.as_deref().and_then(TicketPlace::parse),
        error: get(row, "error").ok().flatten(),
        due_at: get_time_or(row, "due_at").ok().flatten(),
        tried_at: get_time_or(row, "tried_at").ok().flatten(),
        lost: get::<i64>(row, "lost").ok().and_then(|lost| u32::try_from(lost).ok()).unwrap_or_default(),
        failing_since: get_time_or(row, "failing_since").ok().flatten(),
        work: work(row)?,
        mark: get(row, "mark")?,
        secret: get(row, "secret")?,
    })
}

fn work(row: &SqliteRow) -> Result<Option<Work>, StoreError> {
    let (Some(title), Some(run)) = (get::<Option<String>>(row, "title")?, get::<Option<i64>>(row, "run_id")?) else {
        return Ok(None);
    };
    let again = get::<Option<i64>>(row, "again")?.and_then(|again| u64::try_from(again).ok()).unwrap_or_default();
    let before: Option<String> = get(row, "before").ok().flatten();
    let before = before.as_deref().and_then(TicketPlace::parse);
    Ok(Some(Work { title, run: RunId(run), again: Duration::from_secs(again), before }))
}
