//! By what alerts join incidents, and what these are about.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sqlx::SqlitePool;

use super::failed;
use super::rows::{self, from_json, get, json, micros};
use crate::model::IncidentId;
use crate::store::{ObjectRow, RecentIncident, StoreError, identity};

pub(super) const LATEST_BY_CAUSE: &str = "SELECT cause, COALESCE(merged_root, id) AS root
     FROM (SELECT cause, MAX(incident_id) AS latest FROM incident_cause
           WHERE cause IN (SELECT value FROM json_each(?1)) AND how < 2 GROUP BY cause)
     JOIN incident ON id = latest";

pub(super) const OPEN_BY_OBJECT: &str = "SELECT object, MAX(incident_id) AS incident_id FROM episode
     WHERE object IN (SELECT value FROM json_each(?1)) AND closed_at IS NULL GROUP BY object";

/// Those that are unresolved are few; more of them than are told of here are one page after the
/// other anyway.
pub(super) const RECENT: &str = "SELECT recent, severity, cause, grouping FROM
         (SELECT id AS recent, severity FROM incident
          WHERE state <> 'resolved' AND COALESCE(joined_at, opened_at) >= ? ORDER BY id DESC LIMIT 200)
     JOIN incident_cause ON incident_id = recent WHERE how = 2";

pub(super) const OBJECTS: &str = "SELECT object, MIN(id), alert, labels, COUNT(*) AS open, MIN(starts_at) AS since
     FROM episode WHERE incident_id = ?1 AND closed_at IS NULL GROUP BY object ORDER BY since, object LIMIT ?2";

/// Two steps into the index, however much fires.
pub(super) const OF_MANY: &str = "SELECT id FROM incident WHERE id IN (SELECT value FROM json_each(?1)) AND
     (SELECT object FROM episode WHERE incident_id = incident.id AND closed_at IS NULL ORDER BY object LIMIT 1) IS NOT
     (SELECT object FROM episode WHERE incident_id = incident.id AND closed_at IS NULL ORDER BY object DESC LIMIT 1)";

/// What is asked for by its identity, which is stored otherwise where it holds a secret. A database
/// of before that has it as it was.
pub(super) struct Asked<'a>(HashMap<String, &'a str>);

impl<'a> Asked<'a> {
    pub fn of(raw: &[&'a str]) -> Self {
        let stored = raw.iter().map(|raw| (identity(raw).into_owned(), *raw));
        Self(stored.chain(raw.iter().map(|raw| ((*raw).to_owned(), *raw))).collect())
    }

    pub fn stored(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    pub fn raw(&self, stored: &str) -> String {
        self.0.get(stored).map_or(stored, |raw| raw).to_owned()
    }
}

pub(super) async fn by_object(reads: &SqlitePool, keys: &[&str]) -> Result<HashMap<String, IncidentId>, StoreError> {
    let asked = Asked::of(keys);
    let found = sqlx::query(OPEN_BY_OBJECT)
        .bind(json(&asked.stored())?)
        .fetch_all(reads)
        .await
        .map_err(failed("read what fires about objects"))?;
    found.iter().map(|row| Ok((asked.raw(get(row, "object")?), IncidentId(get(row, "incident_id")?)))).collect()
}

pub(super) async fn recent(reads: &SqlitePool, since: DateTime<Utc>) -> Result<Vec<RecentIncident>, StoreError> {
    let found =
        sqlx::query(RECENT).bind(micros(since)).fetch_all(reads).await.map_err(failed("read what is recent"))?;
    let mut recent: BTreeMap<IncidentId, RecentIncident> = BTreeMap::new();
    for row in &found {
        let id = IncidentId(get(row, "recent")?);
        let one = || RecentIncident { id, severity: rows::severity(row), shares: BTreeMap::new() };
        // One that cannot be read gathers nobody.
        let Ok(grouping) = from_json("grouping", get(row, "grouping")?) else { continue };
        recent.entry(id).or_insert_with(one).shares.insert(get(row, "cause")?, grouping);
    }
    Ok(recent.into_values().collect())
}

pub(super) async fn objects(
    reads: &SqlitePool,
    incident: IncidentId,
    limit: usize,
) -> Result<Vec<ObjectRow>, StoreError> {
    let found = sqlx::query(OBJECTS)
        .bind(incident.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(reads)
        .await
        .map_err(failed("read what an incident is about"))?;
    Ok(rows::readable(&found, rows::object))
}

pub(super) async fn count_objects(reads: &SqlitePool, incident: IncidentId) -> Result<u64, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(DISTINCT COALESCE(object, '')) AS n FROM episode WHERE incident_id = ? AND closed_at IS NULL",
    )
    .bind(incident.0)
    .fetch_one(reads)
    .await
    .map_err(failed("count what an incident is about"))?;
    Ok(get::<i64>(&row, "n")?.unsigned_abs())
}
