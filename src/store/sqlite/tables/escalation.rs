//! Who is called next about incidents.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::{Incident, IncidentId, PageId};
use crate::store::sqlite::escalations;
use crate::store::sqlite::rows::{get, json, micros};
use crate::store::transaction::EscalationTable;
use crate::store::{Escalation, StoreError};

#[async_trait]
impl EscalationTable for SqliteTables<'_> {
    async fn escalation(&mut self, incident: IncidentId) -> Result<Option<Escalation>, StoreError> {
        let row = self.maybe("read who is called next", sqlx::query(escalations::OF_INCIDENT).bind(incident.0)).await?;
        row.as_ref().map(escalations::escalation).transpose()
    }

    async fn save_escalation(&mut self, escalation: &Escalation) -> Result<(), StoreError> {
        let Escalation { incident, page, step, why, due_at, held, before } = escalation;
        let query = sqlx::query(
            "INSERT OR REPLACE INTO escalation (incident_id, page_id, step, why, due_at, held, before)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(incident.0)
        .bind(page.map(|page| page.0))
        .bind(step.map(i64::from))
        .bind(json(why)?)
        .bind(due_at.map(micros))
        .bind(*held)
        .bind(before.as_ref().map(json).transpose()?);
        self.execute("keep who is called next", query).await?;
        Ok(())
    }

    async fn drop_escalation(&mut self, incident: IncidentId) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM escalation WHERE incident_id = ?").bind(incident.0);
        self.execute("have nobody else called", query).await?;
        Ok(())
    }

    async fn hasten_held(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE escalation SET due_at = ?1, held = 0 WHERE held AND due_at > ?1");
        self.execute("call those whom a window held back", query.bind(micros(now))).await?;
        Ok(())
    }

    async fn last_level(&mut self, incident: &Incident) -> Result<u32, StoreError> {
        let query = sqlx::query(
            "SELECT COALESCE(MAX(level), 0) AS level FROM page
             WHERE incident_id = ? AND spell = ? AND severity = ? AND folded_into IS NULL",
        )
        .bind(incident.id.0)
        .bind(incident.spell)
        .bind(incident.severity.to_string());
        let level: i64 = get(&self.one("count an incident's pages", query).await?, "level")?;
        Ok(u32::try_from(level).unwrap_or(u32::MAX))
    }

    async fn next_level(&mut self, incident: &Incident) -> Result<u32, StoreError> {
        let query = sqlx::query(
            "SELECT COALESCE(MAX(level), 0) + 1 AS level FROM page WHERE incident_id = ? AND spell = ? AND severity = ?",
        )
        .bind(incident.id.0)
        .bind(incident.spell)
        .bind(incident.severity.to_string());
        let level: i64 = get(&self.one("count an incident's pages", query).await?, "level")?;
        Ok(u32::try_from(level).unwrap_or(u32::MAX))
    }

    async fn last_page(&mut self, incident: IncidentId) -> Result<Option<PageId>, StoreError> {
        let query =
            sqlx::query("SELECT id FROM page WHERE incident_id = ? AND folded_into IS NULL ORDER BY id DESC LIMIT 1");
        let row = self.maybe("read an incident's last page", query.bind(incident.0)).await?;
        row.as_ref().map(|row| get(row, "id").map(PageId)).transpose()
    }

    async fn save_arrived(&mut self, page: PageId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE page SET arrived_at = ? WHERE id = ? AND arrived_at IS NULL");
        self.execute("keep when a page arrived", query.bind(micros(at)).bind(page.0)).await?;
        Ok(())
    }

    async fn save_called(&mut self, page: PageId, people: &[String]) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE page SET called = ? WHERE id = ?").bind(json(&people)?).bind(page.0);
        self.execute("keep who is called", query).await?;
        Ok(())
    }

    async fn waits_for_answer(&mut self, page: PageId) -> Result<bool, StoreError> {
        let query = sqlx::query("SELECT 1 FROM page WHERE id = ? AND acknowledged_at IS NULL").bind(page.0);
        Ok(self.maybe("read whether a page is answered", query).await?.is_some())
    }
}
