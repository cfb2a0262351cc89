//! Pages.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::{Incident, IncidentId, PageId};
use crate::store::rules::{MadePage, WaitingPage};
use crate::store::sqlite::rows::{contacts, from_json, get, get_time, get_time_or, json, micros};
use crate::store::transaction::{PageRow, PageTable};
use crate::store::{NewPage, StoreError};

#[async_trait]
impl PageTable for SqliteTables<'_> {
    async fn made_page(&mut self, incident: &Incident, level: u32) -> Result<Option<MadePage>, StoreError> {
        let query = sqlx::query(
            "SELECT id, reason, text, folded_into, acknowledged_at IS NOT NULL AS acknowledged FROM page
             WHERE incident_id = ? AND spell = ? AND level = ? AND severity = ?",
        )
        .bind(incident.id.0)
        .bind(incident.spell)
        .bind(level)
        .bind(incident.severity.to_string());
        let Some(row) = self.maybe("look for a page", query).await? else { return Ok(None) };
        Ok(Some(MadePage {
            id: PageId(get(&row, "id")?),
            reason: get(&row, "reason").and_then(|text| from_json("page's reason", text)).ok(),
            text: get(&row, "text").ok().flatten(),
            folded_into: get::<Option<i64>>(&row, "folded_into")?.map(PageId),
            is_acknowledged: get(&row, "acknowledged")?,
        }))
    }

    async fn insert_page(
        &mut self,
        incident: &Incident,
        page: &NewPage,
        at: DateTime<Utc>,
    ) -> Result<PageId, StoreError> {
        let query = sqlx::query(
            "INSERT INTO page (incident_id, spell, level, severity, team, reason, text, created_at, counted_at, asked)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9) RETURNING id",
        )
        .bind(incident.id.0)
        .bind(incident.spell)
        .bind(page.level)
        .bind(incident.severity.to_string())
        .bind(page.team.clone())
        .bind(json(&page.reason)?)
        .bind(page.text.clone())
        .bind(micros(at))
        .bind(page.reason.is_asked_for());
        Ok(PageId(get(&self.one("make a page", query).await?, "id")?))
    }

    async fn update_page(&mut self, id: PageId, page: &NewPage, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE page SET reason = ?, text = ?, updated_at = ?, has_news = 1 WHERE id = ?")
            .bind(json(&page.reason)?)
            .bind(page.text.clone())
            .bind(micros(at))
            .bind(id.0);
        self.execute("update a page", query).await?;
        Ok(())
    }

    async fn waiting_pages(&mut self, incident: IncidentId) -> Result<Vec<WaitingPage>, StoreError> {
        let query = sqlx::query(
            "SELECT page.id, page.acknowledged_at IS NOT NULL AS acknowledged, COUNT(outbox.id) AS deliveries,
                 COUNT(outbox.delivered_at) AS arrived
             FROM page LEFT JOIN outbox ON outbox.page_id = page.id
             WHERE page.incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1)
                 AND (page.acknowledged_at IS NULL OR page.has_news) GROUP BY page.id ORDER BY page.id",
        );
        let found = self.all("read the pages that wait", query.bind(incident.0)).await?;
        let waiting = |row| {
            Ok(WaitingPage {
                id: PageId(get(row, "id")?),
                acknowledged: get(row, "acknowledged")?,
                deliveries: get::<i64>(row, "deliveries")?.unsigned_abs(),
                arrived: get::<i64>(row, "arrived")?.unsigned_abs(),
            })
        };
        found.iter().map(waiting).collect()
    }

    async fn close_pages(&mut self, ids: &[PageId], at: DateTime<Utc>, by_a_person: bool) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE page SET acknowledged_at = COALESCE(acknowledged_at, ?1), has_news = 0,
                 answered = answered OR (?2 AND acknowledged_at IS NULL)
             WHERE id IN (SELECT value FROM json_each(?3))",
        );
        self.execute("close pages", query.bind(micros(at)).bind(by_a_person).bind(json(&ids)?)).await?;
        Ok(())
    }

    async fn told_of(&mut self, id: PageId) -> Result<(Option<DateTime<Utc>>, u64), StoreError> {
        let query = sqlx::query("SELECT told_at, told_of FROM page WHERE id = ?");
        let row = self.one("read what a page's receivers know", query.bind(id.0)).await?;
        Ok((get_time_or(&row, "told_at")?, get::<i64>(&row, "told_of")?.unsigned_abs()))
    }

    async fn save_told(&mut self, id: PageId, at: DateTime<Utc>, alerts: u64) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE page SET told_at = ?, told_of = ?, has_news = 1 WHERE id = ?");
        let query = query.bind(micros(at)).bind(i64::try_from(alerts).unwrap_or(i64::MAX)).bind(id.0);
        self.execute("keep what a page's receivers know", query).await?;
        Ok(())
    }

    async fn sinks_of_page(&mut self, id: PageId) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query("SELECT sink FROM outbox WHERE page_id = ? ORDER BY id");
        let found = self.all("read where a page went", query.bind(id.0)).await?;
        found.iter().map(|row| get(row, "sink")).collect()
    }

    async fn save_contacts(&mut self, id: PageId, contacts: &[BTreeSet<String>]) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE page SET contacts = ? WHERE id = ?").bind(json(&contacts)?).bind(id.0);
        self.execute("keep where people want to be called", query).await?;
        Ok(())
    }

    async fn save_by_name(&mut self, id: PageId) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE page SET by_name = 1 WHERE id = ?").bind(id.0);
        self.execute("keep that a page calls by name", query).await?;
        Ok(())
    }

    async fn contacts_of(&mut self, id: PageId) -> Result<Vec<BTreeSet<String>>, StoreError> {
        let query = sqlx::query("SELECT contacts FROM page WHERE id = ?").bind(id.0);
        let row = self.maybe("read where people want to be called", query).await?;
        Ok(row.as_ref().map(contacts).unwrap_or_default())
    }

    async fn reached_by_page(&mut self, id: PageId) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query("SELECT sink FROM outbox WHERE page_id = ? AND delivered_at IS NOT NULL ORDER BY id");
        let found = self.all("read where a page arrived", query.bind(id.0)).await?;
        found.iter().map(|row| get(row, "sink")).collect()
    }

    async fn page_row(&mut self, id: PageId) -> Result<Option<PageRow>, StoreError> {
        let query = sqlx::query(
            "SELECT incident_id, created_at, acknowledged_at IS NOT NULL AS acknowledged, by_name FROM page
             WHERE id = ? AND EXISTS (SELECT 1 FROM incident WHERE id = page.incident_id)",
        );
        let row = self.maybe("read a delivery's page", query.bind(id.0)).await?;
        let Some(row) = row else { return Ok(None) };
        let page = || {
            Ok(PageRow {
                incident: IncidentId(get(&row, "incident_id")?),
                made_at: get_time(&row, "created_at")?,
                acknowledged: get(&row, "acknowledged")?,
                by_name: get(&row, "by_name").unwrap_or_default(),
            })
        };
        Ok(page().inspect_err(|error: &StoreError| tracing::warn!(%error, "a page's delivery is told of nowhere")).ok())
    }
}
