//! Overrides, as they are read.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::rows::{from_word, get, get_time, get_time_or, micros, readable};
use super::{SqliteStore, failed};
use crate::model::{Override, OverrideId};
use crate::store::overrides::MOST_OVERRIDES;
use crate::store::{OverrideStore, StoreError};

pub(super) const SINCE: &str = "SELECT * FROM oncall_override WHERE until_at > ? ORDER BY until_at DESC LIMIT ?";

const NEXT_ID: &str = "SELECT COALESCE(MAX(id), 0) + 1 AS next FROM oncall_override";

#[async_trait]
impl OverrideStore for SqliteStore {
    async fn overrides_since(&self, since: DateTime<Utc>) -> Result<Vec<Override>, StoreError> {
        let query = sqlx::query(SINCE).bind(micros(since)).bind(i64::try_from(MOST_OVERRIDES).unwrap_or(i64::MAX));
        let found = query.fetch_all(&self.reads).await.map_err(failed("read the overrides"))?;
        let mut overrides = readable(&found, kept);
        overrides.sort_by_key(|kept| kept.id);
        Ok(overrides)
    }

    async fn override_of(&self, id: OverrideId) -> Result<Option<Override>, StoreError> {
        let query = sqlx::query("SELECT * FROM oncall_override WHERE id = ?").bind(id.0);
        let row = query.fetch_optional(&self.reads).await.map_err(failed("read an override"))?;
        row.as_ref().map(kept).transpose()
    }

    async fn next_override_id(&self) -> Result<OverrideId, StoreError> {
        let row = sqlx::query(NEXT_ID).fetch_one(&self.reads).await.map_err(failed("count the overrides"))?;
        Ok(OverrideId(get(&row, "next")?))
    }
}

fn kept(row: &SqliteRow) -> Result<Override, StoreError> {
    let ended_at = get_time_or(row, "ended_at")?;
    let ended_by: Option<String> = get(row, "ended_by")?;
    Ok(Override {
        id: OverrideId(get(row, "id")?),
        team: get(row, "team")?,
        layer: from_word("override's layer", get(row, "layer")?)?,
        member: get(row, "member")?,
        whom: get(row, "whom")?,
        from: get_time(row, "from_at")?,
        until: get_time(row, "until_at")?,
        reason: get(row, "reason")?,
        by: get(row, "by")?,
        via: get(row, "via")?,
        made_at: get_time(row, "made_at")?,
        ended: ended_at.map(|at| (at, ended_by.unwrap_or_default())),
    })
}
