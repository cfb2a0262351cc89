//! Freezes, and incidents that somebody works on by hand.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::{Digest, Freeze, FreezeId, IncidentId, RunEvent, RunId, SignalId};
use crate::store::sqlite::freezes::{ACTIVE, OVER, TAKEN, kept};
use crate::store::sqlite::rows::{from_json, get, json, micros};
use crate::store::transaction::{FreezeTable, UnderWayRow};
use crate::store::{NewFreeze, StoreError};

/// Of the runs that have not ended.
pub(in crate::store::sqlite) const UNDER_WAY: &str =
    "SELECT id, incident_id, playbook, digest, target FROM run WHERE outcome IS NULL ORDER BY id";

pub(in crate::store::sqlite) const MUTATION_RECORDS: &str = "SELECT event FROM run_event
     WHERE run_id = ? AND (NOT json_valid(event) OR event ->> 'kind' IN ('started', 'done', 'failed', 'unneeded', 'item_ended'))
     ORDER BY seq";

pub(in crate::store::sqlite) const WAKE_WHO_ASKS: &str = "UPDATE run SET wake_at = MIN(wake_at, ?)
     WHERE outcome IS NULL AND id IN (SELECT run_id FROM approval WHERE state = 'open')";

#[async_trait]
impl FreezeTable for SqliteTables<'_> {
    async fn freezes_at(&mut self, at: DateTime<Utc>) -> Result<Vec<Freeze>, StoreError> {
        let found = self.all("read the freezes", sqlx::query(ACTIVE).bind(micros(at))).await?;
        found.iter().map(kept).collect()
    }

    async fn insert_freeze(&mut self, id: FreezeId, new: &NewFreeze, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO freeze (id, scope, reason, by, via, made_at, until_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id.0)
        .bind(json(&new.scope)?)
        .bind(new.reason.clone())
        .bind(new.by.clone())
        .bind(new.via.clone())
        .bind(micros(at))
        .bind(new.until.map(micros));
        self.execute("keep a freeze", query).await?;
        Ok(())
    }

    async fn end_freeze(&mut self, id: FreezeId, at: DateTime<Utc>, by: &str) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "UPDATE freeze SET ended_at = ?2, ended_by = ?3 WHERE id = ?1 AND ended_at IS NULL AND told_at IS NULL
                 AND (until_at IS NULL OR until_at > ?2)",
        );
        let query = query.bind(id.0).bind(micros(at)).bind(by.to_owned());
        Ok(self.execute("end a freeze", query).await?.rows_affected() > 0)
    }

    async fn freezes_over(&mut self, at: DateTime<Utc>) -> Result<Vec<Freeze>, StoreError> {
        let found = self.all("read the freezes that are over", sqlx::query(OVER).bind(micros(at))).await?;
        found.iter().map(kept).collect()
    }

    async fn save_freeze_told(&mut self, id: FreezeId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE freeze SET told_at = ?2 WHERE id = ?1").bind(id.0).bind(micros(at));
        self.execute("keep that a freeze is over", query).await?;
        Ok(())
    }

    async fn freeze_row(&mut self, id: FreezeId) -> Result<Option<Freeze>, StoreError> {
        let query = sqlx::query("SELECT * FROM freeze WHERE id = ?").bind(id.0);
        self.maybe("read a freeze", query).await?.as_ref().map(kept).transpose()
    }

    async fn under_way(&mut self) -> Result<Vec<UnderWayRow>, StoreError> {
        let found = self.all("read the runs under way", sqlx::query(UNDER_WAY)).await?;
        let row = |row| -> Result<UnderWayRow, StoreError> {
            Ok(UnderWayRow {
                run: RunId(get(row, "id")?),
                incident: IncidentId(get(row, "incident_id")?),
                playbook: get(row, "playbook")?,
                digest: Digest::from_hex(get(row, "digest")?),
                target: get(row, "target").and_then(|text| from_json("target", text)).ok(),
            })
        };
        found.iter().map(row).collect()
    }

    async fn mutation_records(&mut self, run: RunId) -> Result<Vec<RunEvent>, StoreError> {
        let found = self.all("read what a run has begun", sqlx::query(MUTATION_RECORDS).bind(run.0)).await?;
        let event = |row| get::<&str>(row, "event").ok().and_then(|text| serde_json::from_str(text).ok());
        Ok(found.iter().map(|row| event(row).unwrap_or(RunEvent::Unknown)).collect())
    }

    async fn wake_who_asks(&mut self, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.execute("wake the runs that ask", sqlx::query(WAKE_WHO_ASKS).bind(micros(at))).await?;
        Ok(())
    }

    async fn taken_by(&mut self, incident: IncidentId) -> Result<Option<String>, StoreError> {
        let row = self.maybe("read who took an incident", sqlx::query(TAKEN).bind(json(&[incident.0])?)).await?;
        row.map(|row| get(&row, "by")).transpose()
    }

    async fn runs_at_work(&mut self, incident: IncidentId) -> Result<Vec<(RunId, Option<String>)>, StoreError> {
        let query = sqlx::query("SELECT id, requested_by FROM run WHERE incident_id = ? AND outcome IS NULL ORDER BY id");
        let found = self.all("read an incident's runs", query.bind(incident.0)).await?;
        found.iter().map(|row| Ok((RunId(get(row, "id")?), get(row, "requested_by")?))).collect()
    }

    async fn add_to_reply(&mut self, signal: SignalId, line: &str) -> Result<(), StoreError> {
        let query =
            sqlx::query("UPDATE signal SET reply = reply || char(10) || ?2 WHERE id = ?1 AND reply IS NOT NULL");
        self.execute("add to a reply", query.bind(signal.0).bind(line.to_owned())).await?;
        Ok(())
    }

    async fn save_taken(&mut self, incident: IncidentId, by: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO incident_taken (incident_id, by, at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET by = ?2, at = ?3",
        );
        self.execute("keep who took an incident", query.bind(incident.0).bind(by.to_owned()).bind(micros(at))).await?;
        Ok(())
    }

    async fn drop_taken(&mut self, incident: IncidentId) -> Result<(), StoreError> {
        let query = sqlx::query(
            "DELETE FROM incident_taken WHERE incident_id IN
                 (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1)",
        );
        self.execute("give an incident back", query.bind(incident.0)).await?;
        Ok(())
    }
}
