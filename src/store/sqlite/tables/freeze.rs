//! Freezes, and incidents that somebody works on by hand.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::{Freeze, FreezeId, IncidentId, RunEvent, RunId, SignalId};
use crate::store::sqlite::freezes::{ACTIVE, kept};
use crate::store::sqlite::rows::{from_json, get, json, micros};
use crate::store::transaction::{FreezeTable, StartedRow};
use crate::store::{NewFreeze, StoreError};

/// The last record of each run under way that says what became of a mutation, where that is that it
/// was started.
pub(in crate::store::sqlite) const STARTED: &str =
    "SELECT run.id, run.incident_id, run.playbook, run.target, last.event
     FROM run JOIN run_event AS last ON last.run_id = run.id AND last.seq = (
         SELECT MAX(seq) FROM run_event WHERE run_id = run.id
             AND json_valid(event) AND event ->> 'kind' IN ('started', 'done', 'failed', 'unneeded'))
     WHERE run.outcome IS NULL AND json_valid(last.event) AND last.event ->> 'kind' = 'started' ORDER BY run.id";

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

    async fn end_freeze(&mut self, id: FreezeId, at: DateTime<Utc>, by: &str) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE freeze SET ended_at = ?2, ended_by = ?3
             WHERE id = ?1 AND ended_at IS NULL AND (until_at IS NULL OR until_at > ?2)",
        );
        self.execute("end a freeze", query.bind(id.0).bind(micros(at)).bind(by.to_owned())).await?;
        Ok(())
    }

    async fn started_mutations(&mut self) -> Result<Vec<StartedRow>, StoreError> {
        let found = self.all("read what was started", sqlx::query(STARTED)).await?;
        let row = |row| -> Result<StartedRow, StoreError> {
            let intent = match serde_json::from_str(get(row, "event")?) {
                Ok(RunEvent::Started { intent, .. }) => Some(intent),
                _ => None,
            };
            Ok(StartedRow {
                run: RunId(get(row, "id")?),
                incident: IncidentId(get(row, "incident_id")?),
                playbook: get(row, "playbook")?,
                target: get(row, "target").and_then(|text| from_json("target", text)).ok(),
                intent,
            })
        };
        found.iter().map(row).collect()
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
