//! Pages: which are due, and making one.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, SqliteConnection, SqlitePool};

use super::effects::{enqueue_card, insert_page};
use super::rows::{self, get_time_or, micros};
use super::{Sinks, failed};
use crate::model::{Incident, IncidentId, PageId};
use crate::store::{NewPage, Page, StoreError};

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
    Ok((due.iter().map(rows::incident).collect::<Result<_, _>>()?, get_time_or(&next, "next")?))
}

/// Pages for an incident whose time has come: once, as that takes the time away.
pub(super) async fn page_now(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    incident: IncidentId,
    page: &NewPage,
) -> Result<bool, StoreError> {
    let due = sqlx::query("UPDATE incident SET page_at = NULL WHERE id = ? AND page_at <= ?")
        .bind(incident.0)
        .bind(now)
        .execute(&mut *connection)
        .await
        .map_err(failed("page"))?;
    if due.rows_affected() == 0 {
        return Ok(false);
    }
    enqueue_card(connection, now, sinks, incident).await?;
    insert_page(connection, now, sinks, incident, page).await
}

pub(super) async fn by_id(reads: &SqlitePool, id: PageId) -> Result<Option<Page>, StoreError> {
    let row = sqlx::query("SELECT * FROM page WHERE id = ?")
        .bind(id.0)
        .fetch_optional(reads)
        .await
        .map_err(failed("read a page"))?;
    row.as_ref().map(rows::page).transpose()
}

pub(super) async fn between(
    reads: &SqlitePool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Page>, StoreError> {
    let found = sqlx::query("SELECT * FROM page WHERE created_at >= ? AND created_at < ? ORDER BY id")
        .bind(micros(from))
        .bind(micros(to))
        .fetch_all(reads)
        .await
        .map_err(failed("read pages"))?;
    found.iter().map(rows::page).collect()
}
