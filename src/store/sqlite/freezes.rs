//! Freezes, as they are read.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::rows::{from_json, get, get_time, get_time_or, json, micros, text};
use super::{SqliteStore, failed};
use crate::model::{Freeze, FreezeId, FreezeScope, IncidentId};
use crate::store::{FreezeStore, StoreError};

pub(super) const ACTIVE: &str = "SELECT * FROM freeze INDEXED BY freeze_lasting
     WHERE ended_at IS NULL AND told_at IS NULL AND (until_at IS NULL OR until_at > ?1) ORDER BY id";

/// Those that have come to their end, and nobody was told.
pub(super) const OVER: &str =
    "SELECT * FROM freeze WHERE ended_at IS NULL AND told_at IS NULL AND until_at <= ?1 ORDER BY until_at, id";

pub(super) const NEXT_END: &str =
    "SELECT MIN(until_at) AS due FROM freeze WHERE ended_at IS NULL AND told_at IS NULL AND until_at > ?1";

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

    async fn taken_by(&self, incidents: &[IncidentId]) -> Result<HashMap<IncidentId, String>, StoreError> {
        self.taken(&incidents.iter().map(|incident| incident.0).collect::<Vec<_>>()).await
    }

    async fn tell_freezes_over(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let now = micros(self.clock.now());
        let over = sqlx::query(OVER).bind(now).fetch_optional(&self.reads).await.map_err(failed("read the freezes"))?;
        if over.is_some() {
            self.transact("tell that freezes are over", |mut tx| {
                Box::pin(async move { tx.tell_freezes_over().await })
            })
            .await?;
            self.bells.outbox.ring();
        }
        let row = sqlx::query(NEXT_END).bind(now).fetch_one(&self.reads).await.map_err(failed("read the freezes"))?;
        // One that cannot be read lasts until somebody ends it.
        Ok(get_time_or(&row, "due").ok().flatten())
    }

    async fn wake_who_asks(&self) -> Result<(), StoreError> {
        self.transact("wake the runs that ask", |tx| {
            Box::pin(async move { tx.tables.wake_who_asks(tx.now).await })
        })
        .await?;
        self.bells.runs.ring();
        Ok(())
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
    let ended_at = get_time_or(row, "ended_at").ok().flatten();
    Ok(Freeze {
        id: FreezeId(get(row, "id")?),
        // A brake that cannot be read holds, and until somebody ends it.
        scope: get(row, "scope").and_then(|text| from_json("freeze's scope", text)).unwrap_or(FreezeScope::All),
        reason: text(row, "reason"),
        by: text(row, "by"),
        via: text(row, "via"),
        made_at: get_time(row, "made_at").unwrap_or_default(),
        until: get_time_or(row, "until_at").ok().flatten(),
        ended: ended_at.map(|at| (at, text(row, "ended_by"))),
    })
}
