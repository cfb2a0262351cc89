//! Pages, as they are read: which are due, and which were made.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, SqlitePool};

use super::failed;
use super::rows::{self, get, get_time_or, micros};
use crate::metrics::PagesMade;
use crate::model::{Incident, IncidentId, PageId};
use crate::store::{Page, PageAttempts, PageOutline, StoreError};

pub(super) async fn due(
    reads: &SqlitePool,
    now: DateTime<Utc>,
) -> Result<(Vec<Incident>, Option<DateTime<Utc>>), StoreError> {
    let sql = format!("SELECT {} FROM incident WHERE page_at <= ? ORDER BY page_at", rows::INCIDENT);
    let due = sqlx::query(AssertSqlSafe(sql))
        .bind(micros(now))
        .fetch_all(reads)
        .await
        .map_err(failed("read the due pages"))?;
    let next = sqlx::query("SELECT MIN(page_at) AS next FROM incident WHERE page_at > ?")
        .bind(micros(now))
        .fetch_one(reads)
        .await
        .map_err(failed("read the next page"))?;
    Ok((rows::readable(&due, rows::incident), get_time_or(&next, "next")?))
}

/// A page with where it went.
macro_rules! select_page {
    ($condition:literal) => {
        select_page!("", $condition)
    };
    ($index:literal, $($condition:tt)+) => {
        concat!(
            "SELECT page.*, (SELECT merged_root FROM incident WHERE id = page.incident_id) AS root,
                 EXISTS (SELECT 1 FROM page AS worse WHERE worse.incident_id = page.incident_id AND worse.spell = page.spell
                         AND worse.severity < page.severity AND worse.folded_into IS NULL) AS outdone,
                 spell < (SELECT spell FROM incident WHERE id = page.incident_id) AS earlier,
                 (SELECT COALESCE(carrier.merged_root, carrier.id) FROM page AS into_page
                      JOIN incident AS carrier ON carrier.id = into_page.incident_id
                  WHERE into_page.id = page.folded_into) AS carrier,
                 (SELECT json_group_array(json_object('sink', sink, 'attempts', attempts, 'error', error, 'due_at', due_at,
                                                      'delivered_at', delivered_at, 'told', told) ORDER BY id)
                  FROM outbox WHERE page_id = page.id) AS deliveries
             FROM page ",
            $index,
            " WHERE ",
            $($condition)+,
            " ORDER BY id"
        )
    };
}

pub(super) use select_page;

/// Also of what is part of it.
pub(super) const OF_INCIDENT: &str =
    select_page!("incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1)");
pub(super) const UNANSWERED: &str = select_page!("INDEXED BY page_unacknowledged", "acknowledged_at IS NULL");

pub(super) async fn of_incident(reads: &SqlitePool, incident: IncidentId) -> Result<Vec<Page>, StoreError> {
    let found =
        sqlx::query(OF_INCIDENT).bind(incident.0).fetch_all(reads).await.map_err(failed("read an incident's pages"))?;
    Ok(rows::readable(&found, rows::page))
}

/// Also of what is part of it.
pub(super) const ATTEMPTS: &str =
    "SELECT page.id AS page, outbox.sink, event, page_attempt.called, first_at, last_at, page_attempt.attempts, page_attempt.error, others
     FROM page JOIN outbox ON outbox.page_id = page.id JOIN page_attempt ON page_attempt.outbox_id = outbox.id
     WHERE page.incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1)
     ORDER BY page_attempt.id";

pub(super) async fn attempts(reads: &SqlitePool, incident: IncidentId) -> Result<Vec<PageAttempts>, StoreError> {
    let found =
        sqlx::query(ATTEMPTS).bind(incident.0).fetch_all(reads).await.map_err(failed("read how pages were told"))?;
    Ok(rows::readable(&found, rows::page_attempts))
}

pub(super) async fn unanswered(reads: &SqlitePool) -> Result<Vec<Page>, StoreError> {
    let found = sqlx::query(UNANSWERED).fetch_all(reads).await.map_err(failed("read unanswered pages"))?;
    // A damaged row must keep neither the bot from starting nor its watch from looking.
    Ok(rows::readable(&found, rows::page))
}

pub(super) async fn by_id(reads: &SqlitePool, id: PageId) -> Result<Option<Page>, StoreError> {
    let row =
        sqlx::query(select_page!("id = ?")).bind(id.0).fetch_optional(reads).await.map_err(failed("read a page"))?;
    row.as_ref().map(rows::page).transpose()
}

pub(super) async fn outline(reads: &SqlitePool, id: PageId) -> Result<Option<PageOutline>, StoreError> {
    let row = sqlx::query("SELECT incident_id, team, severity, acknowledged_at, has_news FROM page WHERE id = ?")
        .bind(id.0)
        .fetch_optional(reads)
        .await
        .map_err(failed("read a damaged page"))?;
    Ok(row.as_ref().map(rows::page_outline))
}

pub(super) async fn between(
    reads: &SqlitePool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Page>, StoreError> {
    let found = sqlx::query(select_page!("created_at >= ? AND created_at < ?"))
        .bind(micros(from))
        .bind(micros(to))
        .fetch_all(reads)
        .await
        .map_err(failed("read pages"))?;
    Ok(rows::readable(&found, rows::page))
}

pub(super) const MADE: &str = "SELECT team, severity, MAX(id) AS last,
         SUM(severity NOT IN ('S3', 'S4') OR EXISTS (SELECT 1 FROM outbox WHERE page_id = page.id)) AS made
     FROM page WHERE id > ? AND folded_into IS NULL GROUP BY team, severity";

pub(super) async fn made(reads: &SqlitePool, after: PageId) -> Result<PagesMade, StoreError> {
    let groups = sqlx::query(MADE).bind(after.0).fetch_all(reads).await.map_err(failed("count pages"))?;
    let mut made = PagesMade { last: after, by_team_and_severity: BTreeMap::new() };
    for group in &groups {
        made.last = made.last.max(PageId(get(group, "last")?));
        let count = get::<i64>(group, "made")?.unsigned_abs();
        let (Ok(team), Ok(severity)) = (get(group, "team"), get::<String>(group, "severity")) else { continue };
        // Calls are none.
        if count == 0 {
            continue;
        }
        made.by_team_and_severity.insert((team, severity), count);
    }
    Ok(made)
}
