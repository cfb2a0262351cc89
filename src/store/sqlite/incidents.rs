//! What a decision reads of episodes, incidents and runs, and carrying it out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteRow;

use super::rows::{self, from_json, get, get_time, get_time_or, json, micros};
use super::{SqliteStore, failed, pages, reports};
use crate::metrics::{Levels, PagesMade};
use crate::model::{Episode, EpisodeId, Incident, IncidentId, PageId, SignalId, WindowId};
use crate::store::{
    AlertCount, Applied, Decision, DuePage, EpisodeHead, IncidentFilter, IncidentStore, IncidentView, ObjectRow, Page,
    PageOutline, PageReason, RecentIncident, StoreError, Teams, TimelineEntry, identity, transaction,
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

pub(super) const LATEST_BY_CAUSE: &str = "SELECT cause, COALESCE(merged_root, id) AS root
     FROM (SELECT cause, MAX(incident_id) AS latest FROM incident_cause
           WHERE cause IN (SELECT value FROM json_each(?1)) AND how < 2 GROUP BY cause)
     JOIN incident ON id = latest";

pub(super) const OPEN_BY_OBJECT: &str = "SELECT object, MAX(incident_id) AS incident_id FROM episode
     WHERE object IN (SELECT value FROM json_each(?1)) AND closed_at IS NULL GROUP BY object";

/// Those that are unresolved are few; more of them than are told of here are one page after the
/// other anyway.
pub(super) const RECENT: &str = "SELECT recent, severity, cause, grouping FROM
         (SELECT id AS recent, severity FROM incident
          WHERE state <> 'resolved' AND COALESCE(joined_at, opened_at) >= ? ORDER BY id DESC LIMIT 200)
     JOIN incident_cause ON incident_id = recent WHERE how = 2";

pub(super) const OBJECTS: &str = "SELECT object, MIN(id), alert, labels, COUNT(*) AS open, MIN(starts_at) AS since
     FROM episode WHERE incident_id = ?1 AND closed_at IS NULL GROUP BY object ORDER BY since, object LIMIT ?2";

/// Two steps into the index, however much fires.
pub(super) const OF_MANY: &str = "SELECT id FROM incident WHERE id IN (SELECT value FROM json_each(?1)) AND
     (SELECT object FROM episode WHERE incident_id = incident.id AND closed_at IS NULL ORDER BY object LIMIT 1) IS NOT
     (SELECT object FROM episode WHERE incident_id = incident.id AND closed_at IS NULL ORDER BY object DESC LIMIT 1)";

/// What is asked for by its identity, which is stored otherwise where it holds a secret. A database
/// of before that has it as it was.
struct Asked<'a>(HashMap<String, &'a str>);

impl<'a> Asked<'a> {
    fn of(raw: &[&'a str]) -> Self {
        let stored = raw.iter().map(|raw| (identity(raw).into_owned(), *raw));
        Self(stored.chain(raw.iter().map(|raw| ((*raw).to_owned(), *raw))).collect())
    }

    fn stored(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    fn raw(&self, stored: &str) -> String {
        self.0.get(stored).map_or(stored, |raw| raw).to_owned()
    }
}

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

    async fn incidents_by_grouping(&self, keys: &[&str]) -> Result<HashMap<String, IncidentView>, StoreError> {
        let asked = Asked::of(keys);
        let found = sqlx::query(LATEST_BY_CAUSE)
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
        let asked = Asked::of(keys);
        let found = sqlx::query(OPEN_BY_OBJECT)
            .bind(json(&asked.stored())?)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read what fires about objects"))?;
        found.iter().map(|row| Ok((asked.raw(get(row, "object")?), IncidentId(get(row, "incident_id")?)))).collect()
    }

    async fn recent_incidents(&self, since: DateTime<Utc>) -> Result<Vec<RecentIncident>, StoreError> {
        let found = sqlx::query(RECENT)
            .bind(micros(since))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read what is recent"))?;
        let mut recent: BTreeMap<IncidentId, RecentIncident> = BTreeMap::new();
        for row in &found {
            let id = IncidentId(get(row, "recent")?);
            let one = || RecentIncident { id, severity: rows::severity(row), shares: BTreeMap::new() };
            // One that cannot be read gathers nobody.
            let Ok(grouping) = from_json("grouping", get(row, "grouping")?) else { continue };
            recent.entry(id).or_insert_with(one).shares.insert(get(row, "cause")?, grouping);
        }
        Ok(recent.into_values().collect())
    }

    async fn objects_of(&self, incident: IncidentId, limit: usize) -> Result<Vec<ObjectRow>, StoreError> {
        let found = sqlx::query(OBJECTS)
            .bind(incident.0)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read what an incident is about"))?;
        Ok(rows::readable(&found, rows::object))
    }

    async fn count_objects(&self, incident: IncidentId) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(DISTINCT COALESCE(object, '')) AS n FROM episode WHERE incident_id = ? AND closed_at IS NULL",
        )
        .bind(incident.0)
        .fetch_one(&self.reads)
        .await
        .map_err(failed("count what an incident is about"))?;
        Ok(get::<i64>(&row, "n")?.unsigned_abs())
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
        let found = sqlx::query(
            "SELECT id, incident_id, playbook, target_key, outcome,
                 created_at + created_moved AS created_at, ended_at + ended_moved AS ended_at
             FROM run WHERE playbook = ? AND target_key = ? AND created_at + created_moved >= ? ORDER BY id DESC",
        )
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
        let applied = self.transact("apply a decision", move |mut tx| {
            Box::pin(async move { transaction::apply(&mut tx, signal, decision).await })
        });
        let applied = applied.await?;
        self.bells.decisions.ring();
        self.bells.runs.ring();
        self.bells.outbox.ring();
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

    async fn timeline(&self, incident: IncidentId) -> Result<Vec<TimelineEntry>, StoreError> {
        reports::timeline(&self.reads, incident).await
    }

    async fn pages_of(&self, incident: IncidentId) -> Result<Vec<Page>, StoreError> {
        pages::of_incident(&self.reads, incident).await
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
            "SELECT id, incident_id, playbook, target_key, created_at, ended_at, outcome FROM run
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
        let recent_targets = self.recent_targets(&ids).await?;
        let many = sqlx::query(OF_MANY)
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
                let is_of_many = many.contains(&incident.id.0);
                Ok(IncidentView { incident, runs, unanswered, mitigated_starts, recent_targets, is_of_many })
            })
            .collect()
    }

    /// On which targets runs were opened for these incidents within the last hour.
    async fn recent_targets(&self, ids: &[i64]) -> Result<HashMap<IncidentId, Vec<String>>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT incident_id, target_key FROM run
             WHERE incident_id IN (SELECT value FROM json_each(?)) AND created_at + created_moved >= ?",
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
