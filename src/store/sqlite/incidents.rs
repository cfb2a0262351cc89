//! What a decision reads of episodes, incidents and runs, and carrying it out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteRow;

use super::groupings::Asked;
use super::rows::{self, from_json, get, get_time, get_time_or, json, micros};
use super::tables::HISTORY;
use super::{SqliteStore, failed, groupings, pages, reports};
use crate::metrics::{Levels, PagesMade};
use crate::model::{Concern, Episode, EpisodeId, Incident, IncidentId, PageId, SignalId, WindowId};
use crate::store::{
    AlertCount, Applied, Change, Decision, DuePage, EpisodeHead, IncidentFilter, IncidentStore, IncidentView,
    ObjectRow, Page, PageAttempts, PageOutline, PageReason, RecentIncident, StoreError, Teams, TimelineEntry, identity,
    transaction,
};

/// One step into the index for each fingerprint, however often that fired before.
pub(super) const LATEST_EPISODES: &str =
    "SELECT episode.id, fingerprint, incident_id, starts_at, ended_by, ended_start, annotations, held_by,
         closed_at + COALESCE((SELECT SUM(by) FROM clock_move WHERE last_signal >= ended_by), 0) AS closed_at
     FROM json_each(?1) AS asked JOIN episode
     ON episode.id = (SELECT MAX(id) FROM episode WHERE fingerprint = asked.value AND source = ?2)";

/// By the whole key of the index.
pub(super) const KNOWN_FIRINGS: &str = "SELECT fingerprint, starts_at FROM json_each(?1) AS asked JOIN episode
     ON fingerprint = asked.value ->> 0 AND source = ?2 AND starts_at = asked.value ->> 1";

pub(super) const EPISODES: &str = "
    SELECT * FROM (SELECT * FROM episode WHERE incident_id = ?1 AND closed_at IS NULL ORDER BY id DESC LIMIT ?2)
    UNION ALL
    SELECT * FROM (SELECT * FROM episode WHERE incident_id = ?1 AND closed_at IS NOT NULL
                   ORDER BY closed_at DESC, id DESC LIMIT ?2)
    LIMIT ?2";

#[async_trait]
impl IncidentStore for SqliteStore {
    async fn latest_episodes(
        &self,
        source: &str,
        fingerprints: &[&str],
    ) -> Result<HashMap<String, EpisodeHead>, StoreError> {
        let asked = Asked::of(fingerprints);
        let found = sqlx::query(LATEST_EPISODES)
            .bind(json(&asked.stored())?)
            .bind(source)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read episodes"))?;
        // An alert whose last episode cannot be read fires anew: somebody hears of it then.
        let read = |row: &SqliteRow| {
            let head = EpisodeHead {
                id: EpisodeId(get(row, "id")?),
                incident: IncidentId(get(row, "incident_id")?),
                starts_at: get_time(row, "starts_at")?,
                closed_at: get_time_or(row, "closed_at")?,
                ended_by: get::<Option<i64>>(row, "ended_by")?.map(SignalId),
                ended_start: get_time_or(row, "ended_start")?,
                // What is told now is written over what cannot be read.
                annotations: rows::texts(row, "annotations"),
                held_by: get::<Option<i64>>(row, "held_by")?.map(WindowId),
            };
            Ok((asked.raw(get(row, "fingerprint")?), head))
        };
        Ok(rows::readable(&found, read).into_iter().collect())
    }

    async fn known_firings(
        &self,
        source: &str,
        firings: &[(&str, DateTime<Utc>)],
    ) -> Result<HashSet<(String, DateTime<Utc>)>, StoreError> {
        let names = Asked::of(&firings.iter().map(|(fingerprint, _)| *fingerprint).collect::<Vec<_>>());
        let asked: Vec<(String, i64)> = firings
            .iter()
            .flat_map(|(raw, start)| [identity(raw).into_owned(), (*raw).to_owned()].map(|name| (name, micros(*start))))
            .collect();
        let rows = sqlx::query(KNOWN_FIRINGS)
            .bind(json(&asked)?)
            .bind(source)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read firings"))?;
        rows.iter().map(|row| Ok((names.raw(get(row, "fingerprint")?), get_time(row, "starts_at")?))).collect()
    }

    async fn labels_of(&self, episode: EpisodeId) -> Result<BTreeMap<String, String>, StoreError> {
        let row = sqlx::query("SELECT labels FROM episode WHERE id = ?")
            .bind(episode.0)
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read an episode's labels"))?;
        Ok(row.map_or_else(BTreeMap::new, |row| rows::texts(&row, "labels")))
    }

    async fn next_incident_id(&self) -> Result<IncidentId, StoreError> {
        let row = sqlx::query("SELECT COALESCE(MAX(id), 0) + 1 AS next FROM incident")
            .fetch_one(&self.reads)
            .await
            .map_err(failed("count the incidents"))?;
        Ok(IncidentId(get(&row, "next")?))
    }

    async fn incidents_by_grouping(&self, keys: &[&str]) -> Result<HashMap<String, IncidentView>, StoreError> {
        let asked = Asked::of(keys);
        let found = sqlx::query(groupings::LATEST_BY_CAUSE)
            .bind(json(&asked.stored())?)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read what alerts join"))?;
        let by_key = |row| Ok((asked.raw(get(row, "cause")?), IncidentId(get(row, "root")?)));
        let by_key: Vec<(String, IncidentId)> = found.iter().map(by_key).collect::<Result<_, _>>()?;
        let ids: BTreeSet<IncidentId> = by_key.iter().map(|(_, id)| *id).collect();
        let views = self.incident_views(&ids.into_iter().collect::<Vec<_>>()).await?;
        let views: HashMap<IncidentId, IncidentView> = views.into_iter().map(|view| (view.incident.id, view)).collect();
        Ok(by_key.into_iter().filter_map(|(key, id)| Some((key, views.get(&id)?.clone()))).collect())
    }

    async fn incidents_by_object(&self, keys: &[&str]) -> Result<HashMap<String, IncidentId>, StoreError> {
        groupings::by_object(&self.reads, keys).await
    }

    async fn recent_incidents(&self, since: DateTime<Utc>) -> Result<Vec<RecentIncident>, StoreError> {
        groupings::recent(&self.reads, since).await
    }

    async fn objects_of(&self, incident: IncidentId, limit: usize) -> Result<Vec<ObjectRow>, StoreError> {
        groupings::objects(&self.reads, incident, limit).await
    }

    async fn count_objects(&self, incident: IncidentId) -> Result<u64, StoreError> {
        groupings::count_objects(&self.reads, incident).await
    }

    async fn incident_views(&self, ids: &[IncidentId]) -> Result<Vec<IncidentView>, StoreError> {
        let sql =
            format!("SELECT {} FROM incident WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", rows::INCIDENT);
        let found = sqlx::query(AssertSqlSafe(sql))
            .bind(json(&ids)?)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read incidents"))?;
        self.with_runs(&found).await
    }

    async fn run_history(
        &self,
        playbook: &str,
        target_key: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<crate::store::RunHead>, StoreError> {
        let found = sqlx::query(HISTORY)
            .bind(playbook)
            .bind(target_key)
            .bind(micros(since))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read the history of runs"))?;
        found.iter().map(rows::run_head).collect()
    }

    async fn apply(&self, signal: SignalId, decision: Decision) -> Result<Applied, StoreError> {
        let decision = decision.masked()?;
        let is_override = |change: &Change| matches!(change, Change::KeepOverride { .. } | Change::EndOverride { .. });
        let covers = decision.changes.iter().any(is_override);
        let applied = self.transact("apply a decision", move |mut tx| {
            Box::pin(async move { transaction::apply(&mut tx, signal, decision).await })
        });
        let applied = applied.await?;
        self.bells.decisions.ring();
        self.bells.runs.ring();
        self.bells.outbox.ring();
        if covers {
            self.bells.overrides.ring();
        }
        Ok(applied)
    }

    async fn due_pages(&self, now: DateTime<Utc>) -> Result<(Vec<Incident>, Option<DateTime<Utc>>), StoreError> {
        pages::due(&self.reads, now).await
    }

    async fn page_now(&self, incident: IncidentId, due: DuePage) -> Result<bool, StoreError> {
        let due = DuePage { page: due.page.masked(), ..due };
        let paged = self.transact("page", move |mut tx| {
            Box::pin(async move { transaction::page_now(&mut tx, incident, due).await })
        });
        let paged = paged.await?;
        self.bells.outbox.ring();
        Ok(paged)
    }

    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        let sql = format!("SELECT {} FROM incident WHERE id = ?", rows::INCIDENT);
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(id.0)
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read an incident"))?;
        row.as_ref().map(rows::incident).transpose()
    }

    async fn incidents(&self, filter: IncidentFilter) -> Result<Vec<Incident>, StoreError> {
        reports::incidents(&self.reads, filter).await
    }

    async fn episodes(&self, incident: IncidentId, limit: usize) -> Result<Vec<Episode>, StoreError> {
        let found = sqlx::query(EPISODES)
            .bind(incident.0)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read episodes"))?;
        Ok(rows::readable(&found, rows::episode))
    }

    async fn concern_of(&self, incident: IncidentId) -> Result<Concern, StoreError> {
        let Some(of) = self.incident(incident).await? else { return Ok(Concern::default()) };
        let found = sqlx::query(rows::ALERT_NAMES).bind(incident.0).fetch_all(&self.reads).await;
        let found = found.map_err(failed("read what an incident is about"))?;
        Ok(Concern::of(&of, found.iter().filter_map(rows::alert_name)))
    }

    async fn timeline(&self, incident: IncidentId) -> Result<Vec<TimelineEntry>, StoreError> {
        reports::timeline(&self.reads, incident).await
    }

    async fn pages_of(&self, incident: IncidentId) -> Result<Vec<Page>, StoreError> {
        pages::of_incident(&self.reads, incident).await
    }

    async fn page_attempts(&self, incident: IncidentId) -> Result<Vec<PageAttempts>, StoreError> {
        pages::attempts(&self.reads, incident).await
    }

    async fn unanswered_pages(&self) -> Result<Vec<Page>, StoreError> {
        pages::unanswered(&self.reads).await
    }

    async fn page(&self, id: PageId) -> Result<Option<Page>, StoreError> {
        pages::by_id(&self.reads, id).await
    }

    async fn page_outline(&self, id: PageId) -> Result<Option<PageOutline>, StoreError> {
        pages::outline(&self.reads, id).await
    }

    async fn pages(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Page>, StoreError> {
        pages::between(&self.reads, from, to).await
    }

    async fn pages_made(&self, after: PageId) -> Result<PagesMade, StoreError> {
        pages::made(&self.reads, after).await
    }

    async fn alert_counts(
        &self,
        teams: &Teams,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<AlertCount>, StoreError> {
        reports::alert_counts(&self.reads, teams, from, to, limit).await
    }

    async fn levels(&self) -> Result<Levels, StoreError> {
        reports::levels(&self.reads, self.clock.now()).await
    }
}

impl SqliteStore {
    async fn with_runs(&self, found: &[SqliteRow]) -> Result<Vec<IncidentView>, StoreError> {
        let incidents: Vec<Incident> = found.iter().map(rows::incident).collect::<Result<_, _>>()?;
        let ids: Vec<i64> = incidents.iter().map(|incident| incident.id.0).collect();
        let runs = sqlx::query(
            "SELECT id, incident_id, playbook, target_key, created_at, ended_at, outcome, held, requested_by FROM run
             WHERE outcome IS NULL AND incident_id IN (SELECT value FROM json_each(?)) ORDER BY id",
        )
        .bind(json(&ids)?)
        .fetch_all(&self.reads)
        .await
        .map_err(failed("read the runs of incidents"))?;
        let mut by_incident: HashMap<IncidentId, Vec<_>> = HashMap::new();
        for row in &runs {
            let head = rows::run_head(row)?;
            by_incident.entry(head.incident).or_default().push(head);
        }
        let pages = sqlx::query(
            "SELECT COALESCE(merged_root, incident.id) AS incident_id, reason FROM page JOIN incident ON incident.id = page.incident_id
             WHERE page.acknowledged_at IS NULL AND page.incident_id IN
                 (SELECT value FROM json_each(?1) UNION ALL
                  SELECT id FROM incident WHERE merged_root IN (SELECT value FROM json_each(?1))) ORDER BY page.id",
        )
        .bind(json(&ids)?)
        .fetch_all(&self.reads)
        .await
        .map_err(failed("read the pages of incidents"))?;
        let mut unanswered: HashMap<IncidentId, Vec<PageReason>> = HashMap::new();
        let read = |row: &SqliteRow| {
            Ok((IncidentId(get(row, "incident_id")?), from_json("page's reason", get(row, "reason")?)?))
        };
        for (incident, reason) in rows::readable(&pages, read) {
            unanswered.entry(incident).or_default().push(reason);
        }
        let mut carries = self.carried(&ids).await?;
        let recent_targets = self.recent_targets(&ids).await?;
        let mut openings = self.openings(&incidents).await?;
        let mut taken = self.taken(&ids).await?;
        let many = sqlx::query(groupings::OF_MANY)
            .bind(json(&ids)?)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read what incidents are about"))?;
        let many: HashSet<i64> = many.iter().map(|row| get(row, "id")).collect::<Result<_, _>>()?;
        incidents
            .into_iter()
            .zip(found)
            .map(|(incident, row)| {
                let runs = by_incident.remove(&incident.id).unwrap_or_default();
                let unanswered = unanswered.remove(&incident.id).unwrap_or_default();
                let mitigated_starts = rows::mitigated_starts(row);
                let recent_targets = recent_targets.get(&incident.id).cloned().unwrap_or_default();
                let taken_by = taken.remove(&incident.id);
                let is_of_many = many.contains(&incident.id.0);
                let openings = openings.remove(&incident.id).unwrap_or_default();
                let carries = carries.remove(&incident.id).unwrap_or_default();
                Ok(IncidentView {
                    incident,
                    runs,
                    unanswered,
                    carries,
                    mitigated_starts,
                    recent_targets,
                    openings,
                    is_of_many,
                    taken_by,
                })
            })
            .collect()
    }

    /// When those were opened that were opened again.
    async fn openings(&self, incidents: &[Incident]) -> Result<HashMap<IncidentId, Vec<DateTime<Utc>>>, StoreError> {
        let again: Vec<i64> = incidents.iter().filter(|it| it.spell > 1).map(|it| it.id.0).collect();
        let mut openings: HashMap<IncidentId, Vec<DateTime<Utc>>> = HashMap::new();
        if again.is_empty() {
            return Ok(openings);
        }
        let rows = sqlx::query(
            "SELECT incident_id, at FROM incident_event WHERE incident_id IN (SELECT value FROM json_each(?))
                 AND json_valid(event) AND event ->> 'kind' IN ('opened', 'reopened')",
        )
        .bind(json(&again)?)
        .fetch_all(&self.reads)
        .await
        .map_err(failed("read how often incidents were opened"))?;
        for row in &rows {
            openings.entry(IncidentId(get(row, "incident_id")?)).or_default().push(get_time(row, "at")?);
        }
        Ok(openings)
    }

    /// On which targets runs were opened for these incidents within the last hour.
    async fn recent_targets(&self, ids: &[i64]) -> Result<HashMap<IncidentId, Vec<String>>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT incident_id, target_key FROM run
             WHERE incident_id IN (SELECT value FROM json_each(?)) AND created_at + created_moved >= ? AND NOT held",
        )
        .bind(json(&ids)?)
        .bind(micros(self.clock.now() - TimeDelta::hours(1)))
        .fetch_all(&self.reads)
        .await
        .map_err(failed("read what ran for incidents"))?;
        let mut targets: HashMap<IncidentId, Vec<String>> = HashMap::new();
        for row in &rows {
            targets.entry(IncidentId(get(row, "incident_id")?)).or_default().push(get(row, "target_key")?);
        }
        Ok(targets)
    }
}
