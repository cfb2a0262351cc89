//! Overrides.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::OverrideId;
use crate::store::sqlite::rows::{micros, word};
use crate::store::transaction::OverrideTable;
use crate::store::{NewOverride, StoreError};

#[async_trait]
impl OverrideTable for SqliteTables<'_> {
    async fn insert_override(
        &mut self,
        id: OverrideId,
        new: &NewOverride,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO oncall_override (id, team, layer, member, whom, from_at, until_at, reason, by, via, made_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id.0)
        .bind(new.team.clone())
        .bind(word(&new.layer)?)
        .bind(new.member.clone())
        .bind(new.whom.clone())
        .bind(micros(new.from))
        .bind(micros(new.until))
        .bind(new.reason.clone())
        .bind(new.by.clone())
        .bind(new.via.clone())
        .bind(micros(at));
        self.execute("keep an override", query).await?;
        Ok(())
    }

    async fn end_override(&mut self, id: OverrideId, at: DateTime<Utc>, by: &str) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE oncall_override SET ended_at = ?2, ended_by = ?3
             WHERE id = ?1 AND ended_at IS NULL AND until_at > ?2",
        );
        self.execute("end an override", query.bind(id.0).bind(micros(at)).bind(by.to_owned())).await?;
        Ok(())
    }
}
