//! Tickets.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::SqliteTables;
use crate::model::{Incident, IncidentId, RunId, TicketId};
use crate::store::sqlite::rows::{from_json, get, get_time_or, json, micros};
use crate::store::transaction::{SameWork, TicketRow, TicketTable};
use crate::store::{NewPage, NewTicket, PageReason, StoreError, TicketPlace};

/// A ticket with its delivery.
macro_rules! select_ticket {
    ($condition:literal) => {
        concat!(
            "SELECT ticket.id, incident_id, ticket.sink, reason, text, title, run_id, trouble_at IS NOT NULL AS is_in_trouble,
                 refused AS is_refused, left_at IS NOT NULL AS is_told_left, external_id, delivered_at,
                 CASE WHEN error IS NOT NULL OR tried_at IS NOT NULL THEN due_at END AS retry_at
             FROM ticket LEFT JOIN outbox ON outbox.sink = ticket.sink AND outbox.key = 'TKT-' || ticket.id WHERE ",
            $condition
        )
    };
}

/// Also of what is part of it.
pub(in crate::store::sqlite) const TICKETS_OF: &str = select_ticket!(
    "work_key IS NULL
         AND incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1) ORDER BY ticket.id"
);

/// That of an incident first, then the newest. What is one with another has the delivery of that.
pub(in crate::store::sqlite) const SAME_WORK: &str =
    "SELECT COALESCE(same_as, ticket.id) AS id, external_id IS NULL AS is_on_its_way,
         COALESCE(merged_root, incident.id) AS root
     FROM ticket JOIN incident ON incident.id = incident_id
     LEFT JOIN outbox ON outbox.sink = ticket.sink AND outbox.key = 'TKT-' || COALESCE(same_as, ticket.id)
     WHERE work_key = ?1 AND ticket.sink = ?2 AND (external_id IS NOT NULL OR due_at IS NOT NULL)
     ORDER BY COALESCE(merged_root, incident.id) = ?3 DESC, ticket.id DESC LIMIT 1";

pub(in crate::store::sqlite) const FILED_SINCE: &str =
    "SELECT COUNT(*) AS n FROM ticket WHERE sink = ? AND created_at > ? AND work_key IS NOT NULL AND same_as IS NULL
     AND NOT EXISTS (SELECT 1 FROM ticket AS before
         WHERE before.work_key = ticket.work_key AND before.sink = ticket.sink AND before.id < ticket.id)";

/// Whatever is one with another.
pub(in crate::store::sqlite) const ONE_WITH: &str = select_ticket!("same_as = ? ORDER BY ticket.id");

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

    async fn insert_work(
        &mut self,
        (incident, run): (IncidentId, RunId),
        sink: &str,
        new: &NewTicket,
        same_as: Option<TicketId>,
        at: DateTime<Utc>,
    ) -> Result<TicketId, StoreError> {
        let query = sqlx::query(
            "INSERT INTO ticket (incident_id, sink, team, reason, title, text, work_key, run_id, again, same_as, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(incident.0)
        .bind(sink.to_owned())
        .bind(new.team.clone())
        .bind(json(&PageReason::Escalated { run })?)
        .bind(new.title.clone())
        .bind(new.text.clone())
        .bind(new.key.clone())
        .bind(run.0)
        .bind(i64::try_from(new.again.as_secs()).unwrap_or(i64::MAX))
        .bind(same_as.map(|same| same.0))
        .bind(micros(at));
        Ok(TicketId(get(&self.one("file work", query).await?, "id")?))
    }

    async fn same_work(&mut self, sink: &str, key: &str, incident: IncidentId) -> Result<Option<SameWork>, StoreError> {
        let query = sqlx::query(SAME_WORK).bind(key.to_owned()).bind(sink.to_owned()).bind(incident.0);
        let row = self.maybe("look for the same work", query).await?;
        row.map(|row| {
            Ok(SameWork {
                id: TicketId(get(&row, "id")?),
                incident: IncidentId(get(&row, "root")?),
                is_on_its_way: get(&row, "is_on_its_way")?,
            })
        })
        .transpose()
    }

    async fn filed_since(&mut self, sink: &str, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let query = sqlx::query(FILED_SINCE).bind(sink.to_owned()).bind(micros(since));
        let n: i64 = get(&self.one("count filed work", query).await?, "n")?;
        Ok(u64::try_from(n).unwrap_or_default())
    }

    async fn one_with(&mut self, id: TicketId) -> Result<Vec<TicketRow>, StoreError> {
        let query = sqlx::query(ONE_WITH).bind(id.0);
        self.all("read what is one with a ticket", query).await?.iter().map(read).collect()
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
    let title: Option<String> = get(row, "title").ok().flatten();
    let run: Option<i64> = get(row, "run_id").ok().flatten();
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
        work: run.map(RunId).zip(title),
    })
}
