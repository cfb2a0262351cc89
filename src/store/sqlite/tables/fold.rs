//! Pages that are told in others.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::SqliteTables;
use crate::model::{IncidentId, IncidentState, PageId};
use crate::store::StoreError;
use crate::store::rules::Carrier;
use crate::store::sqlite::folds::{OF_CARRIER, spent_budget};
use crate::store::sqlite::rows::{from_json, from_word, get, get_time_or, json, micros, text};
use crate::store::transaction::{FoldRow, FoldTable, NewFold, Shape};

/// What no person is paged for costs no budget. A time that lies ahead is none that was known then.
pub(in crate::store::sqlite) const PAGED_INCIDENTS: &str =
    "SELECT COALESCE(incident.merged_root, incident.id) AS root, MAX(page.id) AS latest
     FROM page JOIN incident ON incident.id = page.incident_id
     WHERE page.team = ?1 AND page.counted_at > ?2 AND page.severity NOT IN ('S3', 'S4') AND page.folded_into IS NULL
         AND COALESCE(incident.merged_root, incident.id) <> ?3
     GROUP BY root ORDER BY latest DESC LIMIT ?4";

pub(in crate::store::sqlite) const CARRIER: &str = "SELECT page.id, carrier.id AS incident
     FROM page JOIN incident AS made ON made.id = page.incident_id
         JOIN incident AS carrier ON carrier.id = COALESCE(made.merged_root, made.id)
     WHERE page.team = ?1 AND page.counted_at > ?2 AND page.shape = ?3 AND page.severity NOT IN ('S3', 'S4')
         AND page.folded_into IS NULL AND carrier.state IN ('open', 'acknowledged') AND carrier.id <> ?4
         AND (made.merged_root IS NOT NULL OR made.spell = page.spell)
     ORDER BY page.counted_at DESC, page.id DESC LIMIT 1";

#[async_trait]
impl FoldTable for SqliteTables<'_> {
    async fn paged_incidents(
        &mut self,
        team: &str,
        since: DateTime<Utc>,
        but: IncidentId,
        most: usize,
    ) -> Result<Vec<IncidentId>, StoreError> {
        let query = sqlx::query(PAGED_INCIDENTS)
            .bind(team.to_owned())
            .bind(micros(since))
            .bind(but.0)
            .bind(i64::try_from(most).unwrap_or(i64::MAX));
        let found = self.all("read for what a team was paged", query).await?;
        found.iter().map(|row| Ok(IncidentId(get(row, "root")?))).collect()
    }

    async fn first_alert(&mut self, incident: IncidentId) -> Result<Option<(String, String)>, StoreError> {
        let query = sqlx::query(
            "SELECT source, alert FROM episode WHERE id = (SELECT MIN(id) FROM episode WHERE incident_id = ?)",
        );
        let row = self.maybe("read with what an incident began", query.bind(incident.0)).await?;
        Ok(row.map(|row| (text(&row, "source"), text(&row, "alert"))))
    }

    async fn carrier_of(
        &mut self,
        shape: Shape<'_>,
        since: DateTime<Utc>,
        but: IncidentId,
    ) -> Result<Option<(PageId, IncidentId)>, StoreError> {
        let query = sqlx::query(CARRIER)
            .bind(shape.team.to_owned())
            .bind(micros(since))
            .bind(shape.shape.to_owned())
            .bind(but.0);
        let row = self.maybe("look for a page that may tell of another", query).await?;
        row.map(|row| Ok((PageId(get(&row, "id")?), IncidentId(get(&row, "incident")?)))).transpose()
    }

    async fn save_shape(&mut self, page: PageId, shape: &str) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE page SET shape = ? WHERE id = ?").bind(shape.to_owned()).bind(page.0);
        self.execute("keep a page's shape", query).await?;
        Ok(())
    }

    async fn save_fold(&mut self, page: PageId, fold: &NewFold, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE page SET folded_into = ?2, folded_until = ?3, folded_by = ?4, folded_at = COALESCE(folded_at, ?5)
             WHERE id = ?1",
        )
        .bind(page.0)
        .bind(fold.into.0)
        .bind(micros(fold.until))
        .bind(json(&fold.spent)?)
        .bind(micros(at));
        self.execute("fold a page into another one", query).await?;
        Ok(())
    }

    async fn fold_into_own(&mut self, incident: IncidentId, page: PageId) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE page SET folded_into = ?2 WHERE folded_into IS NOT NULL AND acknowledged_at IS NULL
                 AND incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1)",
        );
        self.execute("have an incident's own page tell of it", query.bind(incident.0).bind(page.0)).await?;
        Ok(())
    }

    async fn fold_row(&mut self, page: PageId) -> Result<Option<FoldRow>, StoreError> {
        let query = sqlx::query(
            "SELECT page.*, COALESCE(incident.merged_root, incident.id) AS root,
                 carrier.id AS carrier, carrier.state AS carrier_state,
                 made.merged_root IS NOT NULL OR made.spell = into_page.spell AS is_of_this_spell,
                 into_page.acknowledged_at IS NOT NULL AS is_answered
             FROM page JOIN incident ON incident.id = page.incident_id
                 LEFT JOIN page AS into_page ON into_page.id = page.folded_into
                 LEFT JOIN incident AS made ON made.id = into_page.incident_id
                 LEFT JOIN incident AS carrier ON carrier.id = COALESCE(made.merged_root, made.id)
             WHERE page.id = ? AND page.folded_into IS NOT NULL AND page.acknowledged_at IS NULL",
        );
        let row = self.maybe("read a folded page", query.bind(page.0)).await?;
        row.as_ref().map(fold_row).transpose()
    }

    async fn folded_in(&mut self, page: PageId) -> Result<Vec<(PageId, IncidentId)>, StoreError> {
        let found = self.all("read what a page tells of", sqlx::query(OF_CARRIER).bind(page.0)).await?;
        found.iter().map(|row| Ok((PageId(get(row, "page_id")?), IncidentId(get(row, "id")?)))).collect()
    }

    async fn release_fold(&mut self, page: PageId, at: DateTime<Utc>) -> Result<PageId, StoreError> {
        // Its number is that of a page that is made now: pages are counted by their numbers.
        let query = sqlx::query(
            "UPDATE page SET id = (SELECT MAX(id) + 1 FROM page), folded_into = NULL, created_at = ?2, counted_at = ?2,
                 told_at = NULL, told_of = 0, has_news = 0
             WHERE id = ?1 RETURNING id",
        );
        Ok(PageId(get(&self.one("have a folded page go out", query.bind(page.0).bind(micros(at))).await?, "id")?))
    }

    async fn forget_fold(&mut self, page: PageId) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM page WHERE id = ? AND folded_into IS NOT NULL");
        self.execute("forget a folded page", query.bind(page.0)).await?;
        Ok(())
    }
}

/// What cannot be read of it is taken for what has it go out.
fn fold_row(row: &SqliteRow) -> Result<FoldRow, StoreError> {
    let state = |word: &str| from_word("incident's state", word).unwrap_or(IncidentState::Resolved);
    let carrier = match get::<Option<i64>>(row, "carrier")? {
        None => None,
        Some(id) => Some(Carrier {
            incident: IncidentId(id),
            state: state(&text(row, "carrier_state")),
            is_of_this_spell: get(row, "is_of_this_spell")?,
            is_answered: get(row, "is_answered")?,
        }),
    };
    let level: i64 = get(row, "level")?;
    Ok(FoldRow {
        incident: IncidentId(get(row, "root")?),
        into: PageId(get(row, "folded_into")?),
        until: get_time_or(row, "folded_until").ok().flatten().unwrap_or_default(),
        spent: spent_budget(row),
        team: text(row, "team"),
        level: u32::try_from(level).unwrap_or(u32::MAX),
        reason: get(row, "reason").and_then(|text| from_json("page's reason", text)).ok(),
        text: get(row, "text").ok().flatten(),
        carrier,
    })
}
