//! Maintenance windows, as they are read.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::rows::{self, from_json, from_word, get, get_time, get_time_or, json, micros, readable};
use super::{SqliteStore, failed};
use crate::model::{IncidentId, IncidentState, Target, Window, WindowId};
use crate::store::windows::MOST_ALERTS;
use crate::store::{
    FiringAlert, HeldIncident, NewWindow, OpenAlert, StoreError, WindowOrigin, WindowStore, transaction,
};

/// What has ended, and was told, covers nothing: few are left.
pub(super) const ACTIVE: &str =
    "SELECT * FROM quiet_window WHERE told_at IS NULL AND starts_at <= ?1 AND ends_at > ?1 ORDER BY id";

pub(super) const ENDED: &str = "SELECT * FROM quiet_window WHERE told_at IS NULL AND ends_at <= ? ORDER BY ends_at";

pub(super) const NEXT_ID: &str = "SELECT COALESCE(MAX(id), 0) + 1 AS next FROM quiet_window";

pub(super) const OPEN_ALERTS: &str = "SELECT source, alert, labels, object, severity FROM episode
     WHERE incident_id = ? AND closed_at IS NULL ORDER BY id DESC LIMIT ?";

pub(super) const FIRING: &str = "SELECT source, fingerprint, starts_at, alert, labels, object, severity FROM episode
     WHERE closed_at IS NULL AND (?1 = '[]' OR source IN (SELECT value FROM json_each(?1)))
     ORDER BY +id DESC LIMIT ?2";

/// By the key under which alerts about an object of this cluster are grouped.
pub(super) const FIRING_ABOUT: &str =
    "SELECT source, fingerprint, starts_at, alert, labels, object, severity FROM episode
     WHERE closed_at IS NULL AND object = 'target:' || ?1 AND source = ?2
     ORDER BY +id DESC LIMIT ?3";

pub(super) const OF_INCIDENT: &str = "SELECT * FROM quiet_window WHERE id IN (
         SELECT window_id FROM quiet_hold
         WHERE incident_id IN (SELECT ?1 UNION ALL SELECT id FROM incident WHERE merged_root = ?1))
     ORDER BY id";

const HELD: &str = "SELECT window_id, incident.id, incident.title, incident.severity, incident.state, incident.team,
         incident.open_episodes, SUM(alerts) AS alerts, SUM(pages) AS pages
     FROM quiet_hold JOIN incident AS part ON part.id = quiet_hold.incident_id
         JOIN incident ON incident.id = COALESCE(part.merged_root, part.id)
     WHERE window_id IN (SELECT value FROM json_each(?))
     GROUP BY window_id, incident.id ORDER BY window_id, incident.severity, incident.id";

#[async_trait]
impl WindowStore for SqliteStore {
    async fn windows_at(&self, at: DateTime<Utc>) -> Result<Vec<Window>, StoreError> {
        let query = sqlx::query(ACTIVE).bind(micros(at));
        Ok(readable(&query.fetch_all(&self.reads).await.map_err(failed("read the windows"))?, window))
    }

    async fn windows_since(&self, since: DateTime<Utc>) -> Result<Vec<Window>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM quiet_window WHERE told_at IS NULL OR ends_at >= ? ORDER BY starts_at, id");
        let found = query.bind(micros(since)).fetch_all(&self.reads).await.map_err(failed("read the windows"))?;
        Ok(readable(&found, window))
    }

    async fn window(&self, id: WindowId) -> Result<Option<Window>, StoreError> {
        let query = sqlx::query("SELECT * FROM quiet_window WHERE id = ?").bind(id.0);
        let row = query.fetch_optional(&self.reads).await.map_err(failed("read a window"))?;
        row.as_ref().map(window).transpose()
    }

    async fn windows_of(&self, incident: IncidentId) -> Result<Vec<Window>, StoreError> {
        let query = sqlx::query(OF_INCIDENT).bind(incident.0);
        let found = query.fetch_all(&self.reads).await.map_err(failed("read an incident's windows"))?;
        Ok(readable(&found, window))
    }

    async fn next_window_id(&self) -> Result<WindowId, StoreError> {
        let row = sqlx::query(NEXT_ID).fetch_one(&self.reads).await.map_err(failed("count the windows"))?;
        Ok(WindowId(get(&row, "next")?))
    }

    async fn ended_windows(&self, now: DateTime<Utc>) -> Result<(Vec<Window>, Option<DateTime<Utc>>), StoreError> {
        let ended =
            sqlx::query(ENDED).bind(micros(now)).fetch_all(&self.reads).await.map_err(failed("read ended windows"))?;
        let next = sqlx::query("SELECT MIN(ends_at) AS next FROM quiet_window WHERE told_at IS NULL AND ends_at > ?")
            .bind(micros(now))
            .fetch_one(&self.reads)
            .await
            .map_err(failed("read when the next window ends"))?;
        Ok((readable(&ended, window), get_time_or(&next, "next")?))
    }

    async fn held_by(&self, windows: &[WindowId]) -> Result<Vec<HeldIncident>, StoreError> {
        let query = sqlx::query(HELD).bind(json(&windows)?);
        let found = query.fetch_all(&self.reads).await.map_err(failed("read what windows hold back"))?;
        Ok(readable(&found, held))
    }

    async fn open_alerts(&self, incident: IncidentId) -> Result<Vec<OpenAlert>, StoreError> {
        let query = sqlx::query(OPEN_ALERTS).bind(incident.0).bind(i64::try_from(MOST_ALERTS).unwrap_or(i64::MAX));
        let found = query.fetch_all(&self.reads).await.map_err(failed("read what fires in an incident"))?;
        found.iter().map(open_alert).collect()
    }

    async fn firing(&self, sources: &[String]) -> Result<Vec<FiringAlert>, StoreError> {
        let query = sqlx::query(FIRING).bind(json(&sources)?).bind(i64::try_from(MOST_ALERTS).unwrap_or(i64::MAX));
        let found = query.fetch_all(&self.reads).await.map_err(failed("read what fires"))?;
        Ok(readable(&found, firing))
    }

    async fn firing_about(&self, source: &str, target: &Target) -> Result<Vec<FiringAlert>, StoreError> {
        let query = sqlx::query(FIRING_ABOUT).bind(target.key()).bind(source);
        let query = query.bind(i64::try_from(MOST_ALERTS).unwrap_or(i64::MAX));
        let found = query.fetch_all(&self.reads).await.map_err(failed("read what fires about a target"))?;
        found.iter().map(firing).collect()
    }

    async fn plan_windows(&self, origin: WindowOrigin, planned: Vec<NewWindow>) -> Result<bool, StoreError> {
        let planned = planned.into_iter().map(NewWindow::masked).collect();
        let changed = self.transact("plan windows", move |mut tx| {
            Box::pin(async move { transaction::plan_windows(&mut tx, origin, planned).await })
        });
        let changed = changed.await?;
        if changed {
            self.bells.decisions.ring();
        }
        Ok(changed)
    }
}

pub(super) fn window(row: &SqliteRow) -> Result<Window, StoreError> {
    Ok(Window {
        id: WindowId(get(row, "id")?),
        scope: from_json("window's scope", get(row, "scope")?)?,
        reason: get(row, "reason")?,
        owner: get(row, "owner")?,
        via: get(row, "via")?,
        made_at: get_time(row, "made_at")?,
        starts_at: get_time(row, "starts_at")?,
        ends_at: get_time(row, "ends_at")?,
        ended_by: get(row, "ended_by")?,
        told_at: get_time_or(row, "told_at")?,
    })
}

/// One whose labels cannot be read has none: few windows cover that, and somebody is paged.
pub(super) fn open_alert(row: &SqliteRow) -> Result<OpenAlert, StoreError> {
    let object: Option<String> = get(row, "object")?;
    Ok(OpenAlert {
        source: rows::text(row, "source"),
        alert: rows::text(row, "alert"),
        labels: rows::texts(row, "labels"),
        object: object.unwrap_or_default(),
        severity: get::<Option<&str>>(row, "severity").ok().flatten().and_then(|word| word.parse().ok()),
    })
}

fn firing(row: &SqliteRow) -> Result<FiringAlert, StoreError> {
    let (fingerprint, starts_at) = (get(row, "fingerprint")?, get_time(row, "starts_at")?);
    Ok(FiringAlert { fingerprint, starts_at, alert: open_alert(row)? })
}

fn held(row: &SqliteRow) -> Result<HeldIncident, StoreError> {
    let state = get(row, "state").and_then(|word| from_word("incident's state", word));
    let number = |column| get::<i64>(row, column).map(i64::unsigned_abs);
    Ok(HeldIncident {
        window: WindowId(get(row, "window_id")?),
        incident: IncidentId(get(row, "id")?),
        title: rows::text(row, "title"),
        severity: rows::severity(row),
        state: state.unwrap_or(IncidentState::Open),
        team: rows::text(row, "team"),
        alerts: number("alerts")?,
        pages: number("pages")?,
        firing: number("open_episodes")?,
    })
}
