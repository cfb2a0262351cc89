//! Reading episodes, incidents and pages, and the two transactions that change them.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteRow;

use super::apply::apply;
use super::effects::{enqueue_card, insert_page};
use super::rows::{self, from_json, get, get_time, get_time_or, json, micros};
use super::{SqliteStore, failed};
use crate::model::{Episode, EpisodeId, Incident, IncidentId, PageId, RunEvent, RunId, SignalId};
use crate::store::{
    AlertCount, Applied, Counts, Decision, EpisodeHead, IncidentEvent, IncidentFilter, IncidentStore, IncidentView,
    NewPage, Page, StoreError, TimelineEntry, TimelineWhat,
};

/// One step into the index for each fingerprint, however often that fired before.
pub(super) const LATEST_EPISODES: &str =
    "SELECT episode.id, fingerprint, incident_id, starts_at, closed_at FROM json_each(?1) AS asked JOIN episode
     ON episode.id = (SELECT id FROM episode WHERE fingerprint = asked.value AND source = ?2
                      ORDER BY starts_at DESC LIMIT 1)";

pub(super) const EPISODES: &str = "
    SELECT * FROM (SELECT * FROM episode WHERE incident_id = ?1 AND closed_at IS NULL ORDER BY id DESC LIMIT ?2)
    UNION ALL
    SELECT * FROM (SELECT * FROM episode WHERE incident_id = ?1 AND closed_at IS NOT NULL
                   ORDER BY closed_at DESC, id DESC LIMIT ?2)
    LIMIT ?2";

pub(super) const LATEST_BY_GROUPING: &str =
    "SELECT MAX(id) FROM incident WHERE grouping IN (SELECT value FROM json_each(?1)) GROUP BY grouping";

pub(super) const COUNTS: &str = "SELECT (SELECT COUNT(*) FROM signal WHERE processed_at IS NULL) AS signals,
     (SELECT COALESCE(SUM(open_episodes), 0) FROM incident WHERE state <> 'resolved') AS episodes,
     (SELECT COUNT(*) FROM run WHERE outcome IS NULL) AS runs,
     (SELECT COUNT(*) FROM outbox WHERE due_at IS NOT NULL) AS deliveries,
     (SELECT COUNT(*) FROM page WHERE acknowledged_at IS NULL) AS pages";

/// What is open, and what has been resolved since: two short looks instead of one at all that ever was.
pub(super) const RESOLVED_SINCE: &str = "id IN (SELECT id FROM incident WHERE state <> 'resolved'
     UNION ALL SELECT id FROM incident WHERE resolved_at >= ?1)";

pub(super) const TOUCHING: &str = "opened_at < ?2 AND id IN (SELECT id FROM incident WHERE state <> 'resolved'
     UNION ALL SELECT id FROM incident WHERE resolved_at >= ?1)";

#[async_trait]
impl IncidentStore for SqliteStore {
    async fn latest_episodes(
        &self,
        source: &str,
        fingerprints: &[&str],
    ) -> Result<HashMap<String, EpisodeHead>, StoreError> {
        let rows = sqlx::query(LATEST_EPISODES)
            .bind(json(&fingerprints)?)
            .bind(source)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read episodes"))?;
        rows.iter()
            .map(|row| {
                let head = EpisodeHead {
                    id: EpisodeId(get(row, "id")?),
                    incident: IncidentId(get(row, "incident_id")?),
                    starts_at: get_time(row, "starts_at")?,
                    closed_at: get_time_or(row, "closed_at")?,
                };
                Ok((get(row, "fingerprint")?, head))
            })
            .collect()
    }

    async fn incidents_by_grouping(&self, groupings: &[&str]) -> Result<HashMap<String, IncidentView>, StoreError> {
        let sql = format!("SELECT {} FROM incident WHERE id IN ({LATEST_BY_GROUPING})", rows::INCIDENT);
        let found = sqlx::query(AssertSqlSafe(sql))
            .bind(json(&groupings)?)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read incidents"))?;
        let views = self.with_runs(&found).await?;
        Ok(views.into_iter().map(|view| (view.incident.grouping.clone(), view)).collect())
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
            "SELECT id, incident_id, playbook, target_key, created_at, ended_at, outcome FROM run
             WHERE playbook = ? AND target_key = ? AND created_at >= ? ORDER BY id DESC",
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
        let (now, sinks) = (self.now(), self.sinks.clone());
        let applied = self
            .write("apply a decision", move |connection| {
                Box::pin(async move { apply(connection, now, &sinks, signal, decision).await })
            })
            .await?;
        self.bells.decisions.ring();
        self.bells.runs.ring();
        self.bells.outbox.ring();
        Ok(applied)
    }

    async fn due_pages(&self, now: DateTime<Utc>) -> Result<(Vec<Incident>, Option<DateTime<Utc>>), StoreError> {
        let sql = format!("SELECT {} FROM incident WHERE page_at <= ? ORDER BY page_at", rows::INCIDENT);
        let due = sqlx::query(AssertSqlSafe(sql))
            .bind(micros(now))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read the due pages"))?;
        let next = sqlx::query("SELECT MIN(page_at) AS next FROM incident WHERE page_at > ?")
            .bind(micros(now))
            .fetch_one(&self.reads)
            .await
            .map_err(failed("read the next page"))?;
        Ok((due.iter().map(rows::incident).collect::<Result<_, _>>()?, get_time_or(&next, "next")?))
    }

    async fn page_now(&self, incident: IncidentId, page: NewPage) -> Result<bool, StoreError> {
        let (now, sinks) = (self.now(), self.sinks.clone());
        let paged = self.write("page", move |connection| {
            Box::pin(async move {
                let due = sqlx::query("UPDATE incident SET page_at = NULL WHERE id = ? AND page_at <= ?")
                    .bind(incident.0)
                    .bind(now)
                    .execute(&mut *connection)
                    .await
                    .map_err(failed("page"))?;
                if due.rows_affected() == 0 {
                    return Ok(false);
                }
                enqueue_card(connection, now, &sinks, incident).await?;
                insert_page(connection, now, &sinks, incident, &page).await
            })
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
        let (condition, from, to) = match filter {
            IncidentFilter::Unresolved => ("state <> 'resolved'", 0, 0),
            IncidentFilter::ResolvedSince(since) => (RESOLVED_SINCE, micros(since), 0),
            IncidentFilter::Touching { from, to } => (TOUCHING, micros(from), micros(to)),
        };
        let sql = format!("SELECT {}, ?1, ?2 FROM incident WHERE {condition} ORDER BY severity, id", rows::INCIDENT);
        let found = sqlx::query(AssertSqlSafe(sql))
            .bind(from)
            .bind(to)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read incidents"))?;
        found.iter().map(rows::incident).collect()
    }

    async fn episodes(&self, incident: IncidentId, limit: usize) -> Result<Vec<Episode>, StoreError> {
        let found = sqlx::query(EPISODES)
            .bind(incident.0)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read episodes"))?;
        found.iter().map(rows::episode).collect()
    }

    async fn timeline(&self, incident: IncidentId) -> Result<Vec<TimelineEntry>, StoreError> {
        // At the same instant the incident's own events come first: a run is opened before it is claimed.
        let found = sqlx::query(
            "SELECT at, 0 AS sort, id AS n, NULL AS run_id, event FROM incident_event WHERE incident_id = ?1
             UNION ALL
             SELECT run_event.at, 1, run_event.seq, run_event.run_id, run_event.event
             FROM run JOIN run_event ON run_event.run_id = run.id WHERE run.incident_id = ?1
             ORDER BY at, sort, run_id, n",
        )
        .bind(incident.0)
        .fetch_all(&self.reads)
        .await
        .map_err(failed("read a timeline"))?;
        found.iter().map(timeline_entry).collect()
    }

    async fn page(&self, id: PageId) -> Result<Option<Page>, StoreError> {
        let row = sqlx::query("SELECT * FROM page WHERE id = ?")
            .bind(id.0)
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read a page"))?;
        row.as_ref().map(rows::page).transpose()
    }

    async fn pages(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Page>, StoreError> {
        let found = sqlx::query("SELECT * FROM page WHERE created_at >= ? AND created_at < ? ORDER BY id")
            .bind(micros(from))
            .bind(micros(to))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read pages"))?;
        found.iter().map(rows::page).collect()
    }

    async fn alert_counts(
        &self,
        team: Option<&str>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<AlertCount>, StoreError> {
        let found = sqlx::query(
            "SELECT alert, COUNT(*) AS episodes, COUNT(DISTINCT incident_id) AS incidents,
                 COUNT(DISTINCT CASE WHEN incident.playbook IS NULL THEN incident_id END) AS uncovered
             FROM episode JOIN incident ON incident.id = episode.incident_id
             WHERE episode.opened_at >= ?1 AND episode.opened_at < ?2 AND (?3 IS NULL OR incident.team = ?3)
             GROUP BY alert ORDER BY episodes DESC, alert LIMIT ?4",
        )
        .bind(micros(from))
        .bind(micros(to))
        .bind(team.map(str::to_owned))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.reads)
        .await
        .map_err(failed("count alerts"))?;
        let count = |row: &SqliteRow, column| Ok(get::<i64>(row, column)?.unsigned_abs());
        found
            .iter()
            .map(|row| {
                Ok(AlertCount {
                    alert: get(row, "alert")?,
                    episodes: count(row, "episodes")?,
                    incidents: count(row, "incidents")?,
                    uncovered: count(row, "uncovered")?,
                })
            })
            .collect()
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let row = sqlx::query(COUNTS).fetch_one(&self.reads).await.map_err(failed("count"))?;
        let groups = sqlx::query(
            "SELECT state, severity, COUNT(*) AS n FROM incident WHERE state <> 'resolved' GROUP BY state, severity",
        )
        .fetch_all(&self.reads)
        .await
        .map_err(failed("count incidents"))?;
        let count = |row: &SqliteRow, column| Ok(get::<i64>(row, column)?.unsigned_abs());
        let mut incidents = BTreeMap::new();
        for group in &groups {
            incidents.insert((get(group, "state")?, get(group, "severity")?), count(group, "n")?);
        }
        Ok(Counts {
            pending_signals: count(&row, "signals")?,
            open_episodes: count(&row, "episodes")?,
            incidents,
            runs_under_way: count(&row, "runs")?,
            deliveries_waiting: count(&row, "deliveries")?,
            unacknowledged_pages: count(&row, "pages")?,
        })
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
        Ok(incidents
            .into_iter()
            .map(|incident| {
                let runs = by_incident.remove(&incident.id).unwrap_or_default();
                IncidentView { incident, runs }
            })
            .collect())
    }
}

fn timeline_entry(row: &SqliteRow) -> Result<TimelineEntry, StoreError> {
    let text: &str = get(row, "event")?;
    let what = match get::<Option<i64>>(row, "run_id")? {
        Some(run) => TimelineWhat::Run(RunId(run), from_json("run event", text).unwrap_or(RunEvent::Unknown)),
        None => TimelineWhat::Incident(from_json("incident event", text).unwrap_or(IncidentEvent::Unknown)),
    };
    Ok(TimelineEntry { at: get_time(row, "at")?, what })
}
