//! Tickets.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::SqliteTables;
use crate::model::{Incident, IncidentId, TicketId};
use crate::store::sqlite::rows::{from_json, get, get_time_or, json, micros};
use crate::store::transaction::{TicketRow, TicketTable};
use crate::store::{NewPage, StoreError, TicketPlace};

/// A ticket with its delivery.
macro_rules! select_ticket {
    ($condition:literal) => {
        concat!(
            "SELECT ticket.id, incident_id, ticket.sink, reason, text, trouble_at IS NOT NULL AS is_in_trouble,
                 refused AS is_refused, left_at IS NOT NULL AS is_told_left, external_id, delivered_at,
                 CASE WHEN error IS NOT NULL OR tried_at IS NOT NULL THEN due_at END AS retry_at
             FROM ticket LEFT JOIN outbox ON outbox.sink = ticket.sink AND outbox.key = 'TKT-' || ticket.id WHERE ",
            $condition
        )
    };
}

/// Also of what is part of it.
pub(in crate::store::sqlite) const TICKETS_OF: &str = select_ticket!(
    "incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1) ORDER BY ticket.id"
);

#[async_trait]
impl TicketTable for SqliteTables<'_> {
    async fn insert_ticket(
        &mut self,
        incident: &Incident,
        sink: &str,
        page: &NewPage,
        at: DateTime<Utc>,
    ) -> Result<Option<TicketId>, StoreError> {
        let query = sqlx::query(
            "INSERT INTO ticket (incident_id, sink, team, reason, text, created_at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING RETURNING id",
        )
        .bind(incident.id.0)
        .bind(sink.to_owned())
        .bind(page.team.clone())
        .bind(json(&page.reason)?)
        .bind(page.text.clone())
        .bind(micros(at));
        let row = self.maybe("make a ticket", query).await?;
        row.map(|row| Ok(TicketId(get(&row, "id")?))).transpose()
    }

    async fn update_ticket(&mut self, id: TicketId, page: &NewPage) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE ticket SET reason = ?, text = ? WHERE id = ?")
            .bind(json(&page.reason)?)
            .bind(page.text.clone())
            .bind(id.0);
        self.execute("update a ticket", query).await?;
        Ok(())
    }

    async fn tickets_of(&mut self, incident: IncidentId) -> Result<Vec<TicketRow>, StoreError> {
        let query = sqlx::query(TICKETS_OF).bind(incident.0);
        self.all("read an incident's tickets", query).await?.iter().map(read).collect()
    }

    async fn ticket_row(&mut self, id: TicketId) -> Result<Option<TicketRow>, StoreError> {
        let query = sqlx::query(select_ticket!("ticket.id = ?")).bind(id.0);
        self.maybe("read a ticket", query).await?.as_ref().map(read).transpose()
    }

    async fn save_tried(&mut self, id: TicketId, at: DateTime<Utc>, until: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE ticket SET tried_at = COALESCE(tried_at, ?) WHERE id = ?");
        self.execute("note that a ticket is tried", query.bind(micros(at)).bind(id.0)).await?;
        let query = sqlx::query(
            "UPDATE outbox SET due_at = ?1 WHERE due_at IS NOT NULL AND key = 'TKT-' || ?2
                 AND sink = (SELECT sink FROM ticket WHERE id = ?2)",
        );
        self.execute("keep a ticket from being tried", query.bind(micros(until)).bind(id.0)).await?;
        Ok(())
    }

    async fn save_ticket_failure(&mut self, id: TicketId, at: DateTime<Utc>, is_lost: bool) -> Result<(), StoreError> {
        let query =
            sqlx::query("UPDATE ticket SET failing_since = COALESCE(failing_since, ?), lost = lost + ? WHERE id = ?");
        let query = query.bind(micros(at)).bind(i64::from(is_lost)).bind(id.0);
        self.execute("note a ticket's failure", query).await?;
        Ok(())
    }

    async fn save_ticket_arrival(&mut self, id: TicketId) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE ticket SET tried_at = NULL, lost = 0, failing_since = NULL, trouble_at = NULL, refused = 0,
                 left_at = NULL WHERE id = ?",
        );
        self.execute("note where a ticket is", query.bind(id.0)).await?;
        Ok(())
    }

    async fn save_trouble(&mut self, id: TicketId, at: DateTime<Utc>, is_refusal: bool) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE ticket SET trouble_at = ?, refused = ? WHERE id = ?");
        let query = query.bind(micros(at)).bind(is_refusal).bind(id.0);
        self.execute("note a ticket's trouble", query).await?;
        Ok(())
    }

    async fn save_left(&mut self, id: TicketId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE ticket SET left_at = ? WHERE id = ?").bind(micros(at)).bind(id.0);
        self.execute("note that a ticket is left", query).await?;
        Ok(())
    }

    async fn hold_sink(&mut self, sink: &str, until: DateTime<Utc>, because: &str) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO sink_hold (sink, until, because) VALUES (?, ?, ?)
             ON CONFLICT (sink) DO UPDATE SET until = excluded.until, because = excluded.because",
        );
        let query = query.bind(sink.to_owned()).bind(micros(until)).bind(because.to_owned());
        self.execute("leave a sink alone", query).await?;
        Ok(())
    }
}

fn read(row: &SqliteRow) -> Result<TicketRow, StoreError> {
    let external: Option<String> = get(row, "external_id").ok().flatten();
    Ok(TicketRow {
        id: TicketId(get(row, "id")?),
        incident: IncidentId(get(row, "incident_id")?),
        sink: get(row, "sink")?,
        reason: get(row, "reason").and_then(|text| from_json("ticket's reason", text)).ok(),
        text: get(row, "text").ok().flatten(),
        place: external.as_deref().and_then(TicketPlace::parse),
        told_at: get_time_or(row, "delivered_at").ok().flatten(),
        retry_at: get_time_or(row, "retry_at").ok().flatten(),
        is_in_trouble: get(row, "is_in_trouble")?,
        is_refused: get(row, "is_refused").unwrap_or_default(),
        is_told_left: get(row, "is_told_left")?,
    })
}
