//! Pages that are told in others, as they are read.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::rows::{self, from_json, from_word, get, get_time, get_time_or, json, micros, readable, text};
use super::{SqliteStore, failed};
use crate::model::{IncidentId, IncidentState, PageId};
use crate::store::{Fold, FoldStore, FoldedIncident, SpentBudget, StoreError, transaction};

/// By how things stand, as `rules::unfolding` decides: a page that nobody waits for any more, or
/// whose carrier is over, is due, whatever ended it.
pub(super) const DUE: &str = "SELECT page.id FROM page JOIN incident AS mine ON mine.id = page.incident_id
         JOIN incident AS subject ON subject.id = COALESCE(mine.merged_root, mine.id)
         LEFT JOIN page AS into_page ON into_page.id = page.folded_into
         LEFT JOIN incident AS made ON made.id = into_page.incident_id
         LEFT JOIN incident AS carrier ON carrier.id = COALESCE(made.merged_root, made.id)
     WHERE page.folded_into IS NOT NULL AND page.acknowledged_at IS NULL AND (
         subject.state IN ('acknowledged', 'resolved') OR carrier.id IS NULL
         OR (carrier.id <> subject.id AND (subject.severity = 'S1' OR carrier.state NOT IN ('open', 'acknowledged')
             OR (made.merged_root IS NULL AND made.spell <> into_page.spell)))
         OR ((carrier.id <> subject.id OR into_page.acknowledged_at IS NOT NULL)
             AND (typeof(page.folded_until) <> 'integer' OR page.folded_until <= ?)))
     ORDER BY page.folded_at, page.id";

pub(super) const NEXT: &str = "SELECT MIN(folded_until) AS next FROM page
     WHERE folded_into IS NOT NULL AND acknowledged_at IS NULL AND folded_until > ?";

/// What people read of a folded page and its incident.
macro_rules! select_folded {
    ($($end:tt)+) => {
        concat!(
            "SELECT page.id AS page_id, page.team AS page_team, page.reason, page.folded_at, page.folded_into, page.answered,
                 incident.id, incident.title, incident.severity, incident.state, incident.open_episodes,
                 (SELECT COALESCE(carrier.merged_root, carrier.id) FROM page AS into_page
                      JOIN incident AS carrier ON carrier.id = into_page.incident_id
                  WHERE into_page.id = page.folded_into) AS into_incident
             FROM page JOIN incident AS made ON made.id = page.incident_id
                 JOIN incident ON incident.id = COALESCE(made.merged_root, made.id)
             WHERE ",
            $($end)+
        )
    };
}
pub(super) use select_folded;

pub(super) const OF_CARRIER: &str = select_folded!(
    "page.folded_into = ? AND page.folded_into IS NOT NULL AND page.acknowledged_at IS NULL
     ORDER BY page.folded_at, page.id"
);

pub(super) const CARRIED: &str = "SELECT DISTINCT carrier.id AS by_incident, subject.id AS id
     FROM page JOIN page AS into_page ON into_page.id = page.folded_into
         JOIN incident AS mine ON mine.id = page.incident_id
         JOIN incident AS subject ON subject.id = COALESCE(mine.merged_root, mine.id)
         JOIN incident AS made ON made.id = into_page.incident_id
         JOIN incident AS carrier ON carrier.id = COALESCE(made.merged_root, made.id)
     WHERE page.folded_into IS NOT NULL AND page.acknowledged_at IS NULL AND carrier.id <> subject.id
         AND carrier.id IN (SELECT value FROM json_each(?)) ORDER BY carrier.id, subject.id";

#[async_trait]
impl FoldStore for SqliteStore {
    async fn due_folds(&self, now: DateTime<Utc>) -> Result<(Vec<PageId>, Option<DateTime<Utc>>), StoreError> {
        let due = sqlx::query(DUE).bind(micros(now));
        let due = due.fetch_all(&self.reads).await.map_err(failed("read the folded pages that are due"))?;
        let next = sqlx::query(NEXT).bind(micros(now));
        let next = next.fetch_one(&self.reads).await.map_err(failed("read when the next folded page is due"))?;
        let ids = due.iter().map(|row| Ok(PageId(get(row, "id")?))).collect::<Result<_, StoreError>>()?;
        Ok((ids, get_time_or(&next, "next").unwrap_or_default()))
    }

    async fn unfold(&self, page: PageId) -> Result<bool, StoreError> {
        let unfolded = self.transact("have a folded page go out", move |mut tx| {
            Box::pin(async move { transaction::unfold(&mut tx, page).await })
        });
        let unfolded = unfolded.await?;
        self.bells.outbox.ring();
        Ok(unfolded)
    }

    async fn folded_into(&self, page: PageId) -> Result<Vec<FoldedIncident>, StoreError> {
        let query = sqlx::query(OF_CARRIER).bind(page.0);
        let found = query.fetch_all(&self.reads).await.map_err(failed("read what a page tells of"))?;
        Ok(readable(&found, folded))
    }
}

pub(super) fn folded(row: &SqliteRow) -> Result<FoldedIncident, StoreError> {
    let state = get(row, "state").and_then(|word| from_word("incident's state", word));
    Ok(FoldedIncident {
        page: PageId(get(row, "page_id")?),
        incident: IncidentId(get(row, "id")?),
        title: text(row, "title"),
        severity: rows::severity(row),
        state: state.unwrap_or(IncidentState::Open),
        team: text(row, "page_team"),
        reason: get(row, "reason").and_then(|text| from_json("page's reason", text)).ok(),
        at: get_time(row, "folded_at")?,
        into: get::<Option<i64>>(row, "into_incident")?.map(IncidentId),
        answered: get(row, "answered")?,
        firing: get::<i64>(row, "open_episodes")?.unsigned_abs(),
    })
}

/// That a page is told in another one; `None`: it never was. `made_for` counts where the one that
/// tells of it cannot be found.
pub(super) fn fold(row: &SqliteRow, made_for: IncidentId) -> Option<Fold> {
    let id = |column| get::<Option<i64>>(row, column).ok().flatten();
    let time = |column| get_time_or(row, column).ok().flatten();
    let is_folded = id("folded_into").is_some();
    let at = time("folded_at").or(is_folded.then(DateTime::default))?;
    let into = is_folded.then(|| id("carrier").map_or(made_for, IncidentId));
    Some(Fold { into, at, until: time("folded_until").unwrap_or_default(), spent: spent_budget(row) })
}

/// What cannot be read of it is left blank.
pub(super) fn spent_budget(row: &SqliteRow) -> SpentBudget {
    from_json("spent budget", &text(row, "folded_by")).unwrap_or_default()
}

impl SqliteStore {
    /// What the pages of these incidents tell of others.
    pub(super) async fn carried(&self, ids: &[i64]) -> Result<HashMap<IncidentId, Vec<IncidentId>>, StoreError> {
        let query = sqlx::query(CARRIED).bind(json(&ids)?);
        let rows = query.fetch_all(&self.reads).await.map_err(failed("read what pages tell of"))?;
        let mut carried: HashMap<IncidentId, Vec<IncidentId>> = HashMap::new();
        for row in &rows {
            let (by, incident) = (IncidentId(get(row, "by_incident")?), IncidentId(get(row, "id")?));
            carried.entry(by).or_default().push(incident);
        }
        Ok(carried)
    }
}
