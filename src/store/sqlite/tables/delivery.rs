//! The outbox.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::sqlite::SqliteRow;

use super::SqliteTables;
use crate::model::{IncidentId, PageId};
use crate::store::rules::{DeliveryKey, Outgoing};
use crate::store::sqlite::rows::{from_json, get, json, micros, urgency_number};
use crate::store::transaction::{DeliveryRow, DeliveryTable, TakenRow, ToldPage};
use crate::store::{Attempt, DeliveryId, DeliverySubject, PageStands, Standing, StoreError, Told};

/// The urgent before the others, and the new before what has failed: behind a receiver that is down
/// and takes its time with each, a new page would wait for all that came before it. Of pages, those
/// that call somebody come before what is told of others, and the worst come first. Not what goes
/// to a sink that wants to be left alone.
pub(in crate::store::sqlite) const TAKE: &str = "UPDATE outbox SET due_at = ?2, taken = version,
         told = CASE WHEN page_id IS NULL THEN NULL WHEN told IS NULL THEN 'taken' WHEN told = 'taken' THEN 'tried' ELSE told END
     WHERE id IN (SELECT id FROM outbox
                  WHERE due_at <= ?1 AND sink IN (SELECT value FROM json_each(?3)) AND sink NOT IN (SELECT sink FROM sink_hold)
                  ORDER BY urgency, attempts > 0, told IN ('open', 'acknowledged', 'over'),
                      (SELECT severity FROM page WHERE page.id = outbox.page_id), due_at, id LIMIT ?4)
     RETURNING id, sink, key, subject, attempts, external_id, urgency, told,
         (SELECT severity FROM page WHERE page.id = outbox.page_id) AS severity";

/// A time that is none, or is too far away to be one: SQLite takes a text for greater than each
/// number, so that what has one would never be due.
pub(in crate::store::sqlite) const MEND: &str =
    "UPDATE outbox SET due_at = ?1 WHERE due_at > ?2 AND sink IN (SELECT value FROM json_each(?3))";

/// Attempts between the first five of a delivery and the last twenty. An error with a number of its
/// own is never like the one before, and would fill the database while a receiver is away.
pub(in crate::store::sqlite) const BETWEEN: &str =
    "SELECT COUNT(*) AS rows, MIN(id) AS first, MAX(id) AS last, SUM(attempts) AS attempts, MAX(last_at) AS last_at
     FROM page_attempt WHERE outbox_id = ?1
         AND id > (SELECT id FROM page_attempt WHERE outbox_id = ?1 ORDER BY id LIMIT 1 OFFSET 4)
         AND id < (SELECT id FROM page_attempt WHERE outbox_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET 19)";

impl SqliteTables<'_> {
    /// Has one row stand for all those between.
    async fn count_others(&mut self, id: DeliveryId) -> Result<(), StoreError> {
        let between = self.one("look for attempts to count", sqlx::query(BETWEEN).bind(id.0)).await?;
        if get::<i64>(&between, "rows")? < 2 {
            return Ok(());
        }
        let (first, last): (i64, i64) = (get(&between, "first")?, get(&between, "last")?);
        let counted = sqlx::query(
            "UPDATE page_attempt SET others = 1, called = '', error = NULL, attempts = ?2, last_at = ?3 WHERE id = ?1",
        );
        let (attempts, last_at): (i64, i64) = (get(&between, "attempts")?, get(&between, "last_at")?);
        self.execute("count other attempts", counted.bind(first).bind(attempts).bind(last_at)).await?;
        let counted = sqlx::query("DELETE FROM page_attempt WHERE outbox_id = ? AND id > ? AND id <= ?");
        self.execute("forget counted attempts", counted.bind(id.0).bind(first).bind(last)).await?;
        Ok(())
    }
}

#[async_trait]
impl DeliveryTable for SqliteTables<'_> {
    async fn put(&mut self, sink: &str, outgoing: &Outgoing, due_at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO outbox (sink, key, subject, page_id, urgency, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (sink, key) DO UPDATE SET
                 version = version + 1, attempts = 0, due_at = MIN(COALESCE(due_at, excluded.due_at), excluded.due_at)",
        )
        .bind(sink.to_owned())
        .bind(outgoing.key.to_string())
        .bind(json(&outgoing.subject)?)
        .bind(outgoing.page_id().map(|page| page.0))
        .bind(urgency_number(outgoing.urgency()))
        .bind(micros(due_at));
        self.execute("fill the outbox", query).await?;
        Ok(())
    }

    async fn put_also(&mut self, id: DeliveryId, sink: &str, due_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "INSERT INTO outbox (sink, key, subject, page_id, urgency, due_at)
             SELECT ?2, key, subject, page_id, urgency, ?3 FROM outbox WHERE id = ?1 ON CONFLICT DO NOTHING",
        );
        let query = query.bind(id.0).bind(sink.to_owned()).bind(micros(due_at));
        Ok(self.execute("bring it to another sink", query).await?.rows_affected() > 0)
    }

    async fn take_due(
        &mut self,
        sinks: &[String],
        limit: usize,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<TakenRow>, StoreError> {
        let over = sqlx::query("DELETE FROM sink_hold WHERE NOT (until > ? AND until <= ?)");
        self.execute("forget that a sink is left alone", over.bind(micros(now)).bind(latest(now))).await?;
        let mend = sqlx::query(MEND).bind(micros(now)).bind(latest(now)).bind(json(&sinks)?);
        let mended = self.execute("mend when deliveries are due", mend).await?.rows_affected();
        if mended > 0 {
            tracing::error!(?sinks, mended, "when deliveries are due cannot be read; they are brought now");
        }
        let query = sqlx::query(TAKE)
            .bind(micros(now))
            .bind(micros(until))
            .bind(json(&sinks)?)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let found = self.all("take deliveries", query).await?;
        let mut taken = Vec::with_capacity(found.len());
        for row in &found {
            let urgency: i64 = get(row, "urgency").unwrap_or_default();
            let severity: String = get::<Option<String>>(row, "severity").ok().flatten().unwrap_or_default();
            taken.push(((urgency, severity), read(row)?));
        }
        // What an UPDATE returns is in no order.
        taken.sort_by(|((urgency, severity), row), ((other_urgency, other_severity), other)| {
            let is_told = |row: &TakenRow| matches!(row.told, Some(Told::Of(_)));
            let key = (urgency, row.attempts > 0, is_told(row), severity, row.id.0);
            key.cmp(&(other_urgency, other.attempts > 0, is_told(other), other_severity, other.id.0))
        });
        Ok(taken.into_iter().map(|(_, row)| row).collect())
    }

    async fn mend_delivery(&mut self, id: DeliveryId, subject: &DeliverySubject) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE outbox SET subject = ? WHERE id = ?");
        self.execute("mend a delivery", query.bind(json(subject)?).bind(id.0)).await?;
        Ok(())
    }

    async fn delivery_row(&mut self, id: DeliveryId) -> Result<Option<DeliveryRow>, StoreError> {
        let query =
            sqlx::query("SELECT sink, key, page_id, attempts, version <> taken AS changed FROM outbox WHERE id = ?");
        let row = self.maybe("read a delivery", query.bind(id.0)).await?;
        let Some(row) = row else { return Ok(None) };
        let ticket = match DeliveryKey::subject(get(&row, "key")?) {
            Some(DeliverySubject::Ticket { ticket }) => Some(ticket),
            _ => None,
        };
        Ok(Some(DeliveryRow {
            ticket,
            sink: get(&row, "sink")?,
            page: get::<Option<i64>>(&row, "page_id")?.map(PageId),
            attempts: attempts(&row),
            changed: get(&row, "changed")?,
        }))
    }

    async fn save_attempt(
        &mut self,
        id: DeliveryId,
        attempt: &Attempt,
        at: DateTime<Utc>,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        let (event, called) = (attempt.event.name(), attempt.called.clone());
        let alike = sqlx::query(
            "UPDATE page_attempt SET attempts = attempts + 1, last_at = ?4
             WHERE id = (SELECT MAX(id) FROM page_attempt WHERE outbox_id = ?1)
                 AND event = ?2 AND called = ?3 AND error IS ?5",
        );
        let error = error.map(str::to_owned);
        let alike = alike.bind(id.0).bind(event).bind(called.clone()).bind(micros(at)).bind(error.clone());
        if self.execute("count an attempt", alike).await?.rows_affected() > 0 {
            return Ok(());
        }
        let new = sqlx::query(
            "INSERT INTO page_attempt (outbox_id, event, called, first_at, last_at, error)
             SELECT id, ?2, ?3, ?4, ?4, ?5 FROM outbox WHERE id = ?1",
        );
        let new = new.bind(id.0).bind(event).bind(called).bind(micros(at)).bind(error);
        self.execute("remember an attempt", new).await?;
        self.count_others(id).await
    }

    async fn save_arrival(
        &mut self,
        id: DeliveryId,
        at: DateTime<Utc>,
        external: Option<&str>,
        told: Option<Standing>,
        due_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        // A page has reached its receiver once it came first: what follows is told of it.
        let query = sqlx::query(
            "UPDATE outbox SET due_at = ?, attempts = 0, error = NULL,
                 delivered_at = COALESCE(CASE WHEN page_id IS NOT NULL THEN delivered_at END, ?),
                 external_id = COALESCE(?, external_id), told = COALESCE(?, NULLIF(told, 'taken')) WHERE id = ?",
        )
        .bind(due_at.map(micros))
        .bind(micros(at))
        .bind(external.map(str::to_owned))
        .bind(told.map(Standing::word))
        .bind(id.0);
        self.execute("note a delivery", query).await?;
        Ok(())
    }

    async fn told_pages(&mut self, incident: IncidentId) -> Result<Vec<ToldPage>, StoreError> {
        let query = sqlx::query(
            "SELECT page.id, outbox.sink, outbox.told, page.acknowledged_at IS NOT NULL AS acknowledged, page.answered,
                 EXISTS (SELECT 1 FROM page AS worse WHERE worse.incident_id = page.incident_id AND worse.spell = page.spell
                         AND worse.severity < page.severity AND worse.folded_into IS NULL) AS outdone,
                 page.spell < (SELECT spell FROM incident WHERE id = page.incident_id) AS earlier
             FROM page JOIN outbox ON outbox.page_id = page.id
             WHERE page.incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1)
                 AND outbox.told IS NOT NULL AND outbox.due_at IS NULL ORDER BY page.id",
        );
        let found = self.all("read what receivers know of pages", query.bind(incident.0)).await?;
        let mut pages = Vec::new();
        for row in &found {
            let Some(told) = told(row) else { continue };
            let stands = PageStands {
                acknowledged: get(row, "acknowledged")?,
                answered: get(row, "answered")?,
                outdone: get(row, "outdone")?,
                earlier: get(row, "earlier")?,
            };
            pages.push(ToldPage { page: PageId(get(row, "id")?), sink: get(row, "sink")?, told, stands });
        }
        Ok(pages)
    }

    async fn close_told(&mut self, incident: IncidentId, sinks: &BTreeSet<String>) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE outbox SET told = 'closed' WHERE told IN ('open', 'acknowledged')
                 AND sink IN (SELECT value FROM json_each(?2)) AND page_id IN (
                     SELECT id FROM page
                     WHERE incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1))",
        );
        self.execute("keep that a receiver has closed it", query.bind(incident.0).bind(json(sinks)?)).await?;
        Ok(())
    }

    async fn hasten_failed(&mut self, sink: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE outbox SET due_at = ?1 WHERE id IN (
                 SELECT id FROM outbox WHERE due_at > ?1 AND sink = ?2 AND attempts > 0 AND page_id IS NOT NULL
                 ORDER BY (SELECT severity FROM page WHERE page.id = outbox.page_id), id LIMIT 8)",
        );
        self.execute("hasten what failed", query.bind(micros(now)).bind(sink.to_owned())).await?;
        Ok(())
    }

    async fn save_failure(
        &mut self,
        id: DeliveryId,
        error: &str,
        due_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        // What was refused for good has told nothing.
        let query = sqlx::query(
            "UPDATE outbox SET due_at = ?1, attempts = attempts + 1, error = ?2,
                 told = CASE WHEN ?1 IS NULL AND told IN ('taken', 'tried') THEN NULL ELSE told END WHERE id = ?3",
        )
        .bind(due_at.map(micros))
        .bind(error.to_owned())
        .bind(id.0);
        self.execute("note a failed delivery", query).await?;
        Ok(())
    }
}

/// No delivery waits for longer: what says so is damaged.
pub(in crate::store::sqlite) fn latest(now: DateTime<Utc>) -> i64 {
    micros(now + TimeDelta::days(1))
}

fn read(row: &SqliteRow) -> Result<TakenRow, StoreError> {
    Ok(TakenRow {
        id: DeliveryId(get(row, "id")?),
        sink: get(row, "sink")?,
        key: get(row, "key")?,
        attempts: attempts(row),
        external: get(row, "external_id").ok().flatten(),
        told: told(row),
        subject: get(row, "subject").and_then(|subject| from_json("delivery", subject)),
    })
}

fn told(row: &SqliteRow) -> Option<Told> {
    let text: Option<String> = get(row, "told").unwrap_or_else(|_| Some(String::new()));
    text.as_deref().and_then(Told::read)
}

fn attempts(row: &SqliteRow) -> u32 {
    u32::try_from(get::<i64>(row, "attempts").unwrap_or_default()).unwrap_or(u32::MAX)
}
