//! What people look at: lists, timelines and numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqlitePool};

use super::rows::{self, from_json, get, get_time, micros};
use super::shifts::{of_teams, of_time};
use super::{escalations, failed, limits, pages};
use crate::metrics::Levels;
use crate::model::{Incident, IncidentId, RunEvent, RunId};
use crate::store::{AlertCount, IncidentEvent, IncidentFilter, StoreError, Teams, TimelineEntry, TimelineWhat};

/// What is open, and what has been resolved since: two short looks instead of one at all that ever was.
pub(super) const RESOLVED_SINCE: &str = "id IN (SELECT id FROM incident WHERE state <> 'resolved'
     UNION ALL SELECT id FROM incident WHERE resolved_at >= ?1)";

pub(super) const TOUCHING: &str = "opened_at < ?2 AND id IN (SELECT id FROM incident WHERE state <> 'resolved'
     UNION ALL SELECT id FROM incident WHERE resolved_at >= ?1)";

pub(super) const LEVELS: &str =
    "SELECT (SELECT COUNT(*) FROM signal WHERE processed_at IS NULL AND not_before IS NULL) AS signals,
     (SELECT COUNT(*) FROM signal WHERE processed_at IS NULL AND not_before IS NOT NULL) AS held,
     (SELECT last_at FROM signal WHERE processed_at IS NULL AND not_before IS NULL ORDER BY id LIMIT 1) AS oldest,
     (SELECT COUNT(*) FROM signal WHERE set_aside IS NOT NULL AND body <> '') AS set_aside,
     (SELECT COALESCE(SUM(open_episodes), 0) FROM incident WHERE state <> 'resolved') AS episodes,
     (SELECT COUNT(*) FROM run WHERE outcome IS NULL) AS runs,
     (SELECT COUNT(*) FROM outbox WHERE due_at IS NOT NULL) AS deliveries,
     (SELECT COUNT(*) FROM page WHERE acknowledged_at IS NULL) AS pages,
     (SELECT COUNT(DISTINCT COALESCE(merged_root, incident.id)) FROM quiet_window
          JOIN quiet_hold ON quiet_window.id = window_id JOIN incident ON incident.id = incident_id
          WHERE told_at IS NULL AND state <> 'resolved') AS held_by_windows,
     (SELECT COUNT(*) FROM freeze WHERE ended_at IS NULL AND told_at IS NULL AND (until_at IS NULL OR until_at > ?)) AS frozen,
     (SELECT COUNT(*) FROM breaker WHERE closed_at IS NULL) AS breakers";

pub(super) async fn incidents(reads: &SqlitePool, filter: IncidentFilter) -> Result<Vec<Incident>, StoreError> {
    let (condition, from, to) = match filter {
        IncidentFilter::Unresolved => ("state <> 'resolved'", 0, 0),
        IncidentFilter::ResolvedSince(since) => (RESOLVED_SINCE, micros(since), 0),
        IncidentFilter::Touching { from, to } => (TOUCHING, micros(from), micros(to)),
    };
    let sql = format!("SELECT {}, ?1, ?2 FROM incident WHERE {condition} ORDER BY severity, id", rows::INCIDENT);
    let found =
        sqlx::query(AssertSqlSafe(sql)).bind(from).bind(to).fetch_all(reads).await.map_err(failed("read incidents"))?;
    found.iter().map(rows::incident).collect()
}

/// Entries are placed by when they would have been told of by today's clock: one that was set back
/// says an earlier time of what came later.
pub(super) async fn timeline(reads: &SqlitePool, incident: IncidentId) -> Result<Vec<TimelineEntry>, StoreError> {
    // The incident's own events, then each run's log: at the same instant, a run is opened before
    // it is claimed.
    let found = sqlx::query(
        "SELECT at, 0 AS sort, id AS n, NULL AS run_id, event,
             (SELECT COALESCE(SUM(by), 0) FROM clock_move WHERE last_incident_event >= incident_event.id) AS moved
         FROM incident_event
         WHERE incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1)
         UNION ALL
         SELECT run_event.at, 1, run_event.seq, run_event.run_id, run_event.event, run.ended_moved
         FROM run JOIN run_event ON run_event.run_id = run.id WHERE run.incident_id = ?1
         ORDER BY sort, run_id, n",
    )
    .bind(incident.0)
    .fetch_all(reads)
    .await
    .map_err(failed("read a timeline"))?;
    let mut placed = Vec::with_capacity(found.len());
    let mut moved_later = (None, TimeDelta::zero());
    for row in found.iter().rev() {
        let entry = timeline_entry(row)?;
        let run = match &entry.what {
            TimelineWhat::Incident(_) => None,
            TimelineWhat::Run(run, _) => Some(*run),
        };
        if moved_later.0 != run {
            moved_later = (run, TimeDelta::zero());
        }
        placed.push((entry.at + TimeDelta::microseconds(get(row, "moved")?) + moved_later.1, entry));
        if let Some((_, TimelineEntry { what: TimelineWhat::Run(_, RunEvent::ClockMoved { by_micros }), .. })) =
            placed.last()
        {
            moved_later.1 += TimeDelta::microseconds(*by_micros);
        }
    }
    placed.reverse();
    placed.sort_by_key(|(at, _)| *at);
    Ok(placed.into_iter().map(|(_, entry)| entry).collect())
}

pub(super) const ALERTS: &str = concat!(
    "SELECT alert, COUNT(*) AS episodes, COUNT(DISTINCT incident_id) AS incidents,
         COUNT(DISTINCT CASE WHEN incident.playbook IS NULL THEN incident_id END) AS uncovered
     FROM episode JOIN incident ON incident.id = episode.incident_id
     WHERE episode.opened_at >= ?3 AND episode.opened_at < ?4 AND ",
    of_teams!("incident"),
    " GROUP BY alert ORDER BY episodes DESC, alert LIMIT ?5"
);

pub(super) async fn alert_counts(
    reads: &SqlitePool,
    teams: &Teams,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<AlertCount>, StoreError> {
    let query = of_time(ALERTS, teams, from, to)?.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let found = query.fetch_all(reads).await.map_err(failed("count alerts"))?;
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

pub(super) async fn levels(reads: &SqlitePool, now: DateTime<Utc>) -> Result<Levels, StoreError> {
    let row = sqlx::query(LEVELS).bind(micros(now)).fetch_one(reads).await.map_err(failed("count"))?;
    let groups = sqlx::query(
        "SELECT state, severity, COUNT(*) AS n FROM incident WHERE state <> 'resolved' GROUP BY state, severity",
    )
    .fetch_all(reads)
    .await
    .map_err(failed("count incidents"))?;
    let count = |row: &SqliteRow, column| Ok(get::<i64>(row, column)?.unsigned_abs());
    let mut incidents = BTreeMap::new();
    for group in &groups {
        incidents.insert((get(group, "state")?, get(group, "severity")?), count(group, "n")?);
    }
    let unanswered = pages::unanswered(reads).await?;
    let undelivered: Vec<_> = unanswered.iter().filter_map(|page| page.reached_nobody_since(now)).collect();
    let calls_due = sqlx::query(escalations::COUNT_DUE)
        .bind(micros(now))
        .fetch_one(reads)
        .await
        .map_err(failed("count the calls that are due"))?;
    let ramps = sqlx::query(limits::STOPPED_RAMPS)
        .bind(micros(now))
        .fetch_all(reads)
        .await
        .map_err(failed("count the ramps that have stopped"))?;
    let heartbeats = sqlx::query("SELECT source, name, last_at FROM heartbeat")
        .fetch_all(reads)
        .await
        .map_err(failed("read the heartbeats"))?;
    let ages = rows::readable(&heartbeats, |row| {
        let ago = age(micros(now), Some(get(row, "last_at")?)).as_secs();
        Ok(((get(row, "source")?, get(row, "name")?), ago))
    });
    let calls = unanswered.iter().filter(|page| page.is_call()).count() as u64;
    let folded = unanswered.iter().filter(|page| page.is_folded());
    let others = folded.clone().filter(|page| page.folded_into() != Some(page.incident));
    let (folded, folded_incidents) =
        (folded.count() as u64, others.map(|page| page.incident).collect::<BTreeSet<_>>().len());
    Ok(Levels {
        pending_signals: count(&row, "signals")?,
        held_signals: count(&row, "held")?,
        oldest_signal_age: age(micros(now), get(&row, "oldest")?),
        set_aside_signals: count(&row, "set_aside")?,
        open_episodes: count(&row, "episodes")?,
        incidents,
        runs_under_way: count(&row, "runs")?,
        deliveries_waiting: count(&row, "deliveries")?,
        unacknowledged_pages: count(&row, "pages")?.saturating_sub(calls + folded),
        undelivered_pages: undelivered.len() as u64,
        undelivered_for: undelivered.iter().min().map_or(0, |since| (now - since).num_seconds().max(0).unsigned_abs()),
        calls_due: count(&calls_due, "due")?,
        held_by_windows: count(&row, "held_by_windows")?,
        frozen: count(&row, "frozen")?,
        breakers: count(&row, "breakers")?,
        stopped_ramps: ramps.len() as u64,
        folded: folded_incidents as u64,
        heartbeats: ages.into_iter().collect(),
    })
}

/// A clock that was set back makes nothing younger than now.
fn age(now: i64, since: Option<i64>) -> Duration {
    let micros = since.map_or(0, |since| now.saturating_sub(since));
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn timeline_entry(row: &SqliteRow) -> Result<TimelineEntry, StoreError> {
    let text: &str = get(row, "event")?;
    let what = match get::<Option<i64>>(row, "run_id")? {
        Some(run) => TimelineWhat::Run(RunId(run), from_json("run event", text).unwrap_or(RunEvent::Unknown)),
        None => TimelineWhat::Incident(from_json("incident event", text).unwrap_or(IncidentEvent::Unknown)),
    };
    Ok(TimelineEntry { at: get_time(row, "at")?, what })
}
