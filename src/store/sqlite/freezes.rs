//! Freezes, as they are read.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::rows::{from_json, get, get_time, get_time_or, json, micros};
use super::{SqliteStore, failed};
use crate::model::{Freeze, FreezeId, FreezeScope, IncidentId};
use crate::store::{FreezeStore, StoreError};

pub(super) const ACTIVE: &str =
    "SELECT * FROM freeze WHERE ended_at IS NULL AND (until_at IS NULL OR until_at > ?1) ORDER BY id";

/// What was taken as a part of an incident is taken with that.
pub(super) const TAKEN: &str = "SELECT COALESCE(incident.merged_root, incident.id) AS id, incident_taken.by
     FROM incident_taken JOIN incident ON incident.id = incident_taken.incident_id
     WHERE COALESCE(incident.merged_root, incident.id) IN (SELECT value FROM json_each(?)) ORDER BY incident_taken.at";

const NEXT_ID: &str = "SELECT COALESCE(MAX(id), 0) + 1 AS next FROM freeze";

#[async_trait]
impl FreezeStore for SqliteStore {
    async fn freezes_at(&self, at: DateTime<Utc>) -> Result<Vec<Freeze>, StoreError> {
        let query = sqlx::query(ACTIVE).bind(micros(at));
        query.fetch_all(&self.reads).await.map_err(failed("read the freezes"))?.iter().map(kept).collect()
    }

    async fn freeze(&self, id: FreezeId) -> Result<Option<Freeze>, StoreError> {
        let query = sqlx::query("SELECT * FROM freeze WHERE id = ?").bind(id.0);
        let row = query.fetch_optional(&self.reads).await.map_err(failed("read a freeze"))?;
        row.as_ref().map(kept).transpose()
    }

    async fn next_freeze_id(&self) -> Result<FreezeId, StoreError> {
        let row = sqlx::query(NEXT_ID).fetch_one(&self.reads).await.map_err(failed("count the freezes"))?;
        Ok(FreezeId(get(&row, "next")?))
    }
}

impl SqliteStore {
    /// Who works on which of these incidents by hand.
    pub(super) async fn taken(&self, ids: &[i64]) -> Result<HashMap<IncidentId, String>, StoreError> {
        let query = sqlx::query(TAKEN).bind(json(&ids)?);
        let found = query.fetch_all(&self.reads).await.map_err(failed("read who took incidents"))?;
        found.iter().map(|row| Ok((IncidentId(get(row, "id")?), get(row, "by")?))).collect()
    }
}

pub(super) fn kept(row: &SqliteRow) -> Result<Freeze, StoreError> {
    let ended_at = get_time_or(row, "ended_at")?;
    let ended_by: Option<String> = get(row, "ended_by")?;
    Ok(Freeze {
        id: FreezeId(get(row, "id")?),
        // A brake that cannot be read holds.
        scope: get(row, "scope").and_then(|text| from_json("freeze's scope", text)).unwrap_or(FreezeScope::All),
        reason: get(row, "reason")?,
        by: get(row, "by")?,
        via: get(row, "via")?,
        made_at: get_time(row, "made_at")?,
        until: get_time_or(row, "until_at")?,
        ended: ended_at.map(|at| (at, ended_by.unwrap_or_default())),
    })
}
