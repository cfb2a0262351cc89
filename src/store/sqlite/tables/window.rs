//! Maintenance windows, and what they hold back.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::{EpisodeId, IncidentId, Window, WindowId};
use crate::store::sqlite::rows::{get, get_time, json, micros, readable};
use crate::store::sqlite::windows::{ACTIVE, NEXT_ID, OPEN_ALERTS, open_alert, window};
use crate::store::transaction::{Hold, KeptWindow, WindowTable};
use crate::store::windows::MOST_ALERTS;
use crate::store::{NewWindow, OpenAlert, StoreError};

/// Those that last, and those that are named.
pub(in crate::store::sqlite) const BY_KEY: &str =
    "SELECT id, key, ends_at, told_at IS NULL AND ends_at > ?3 AS lasts, ended_by FROM quiet_window
     WHERE told_at IS NULL AND ends_at > ?3 AND substr(key, 1, length(?1)) = ?1
     UNION
     SELECT id, key, ends_at, told_at IS NULL AND ends_at > ?3 AS lasts, ended_by FROM quiet_window
     WHERE key IN (SELECT value FROM json_each(?2)) AND substr(key, 1, length(?1)) = ?1";

#[async_trait]
impl WindowTable for SqliteTables<'_> {
    async fn active_windows(&mut self, at: DateTime<Utc>) -> Result<Vec<Window>, StoreError> {
        let found = self.all("read the windows", sqlx::query(ACTIVE).bind(micros(at))).await?;
        // One that cannot be read covers nothing: somebody is paged.
        Ok(readable(&found, window))
    }

    async fn insert_window(&mut self, id: WindowId, new: &NewWindow, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO quiet_window (id, key, scope, reason, owner, via, made_at, starts_at, ends_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id.0)
        .bind(new.key.clone())
        .bind(json(&new.scope)?)
        .bind(new.reason.clone())
        .bind(new.owner.clone())
        .bind(new.via.clone())
        .bind(micros(at))
        .bind(micros(new.starts_at))
        .bind(micros(new.ends_at));
        self.execute("keep a window", query).await?;
        Ok(())
    }

    async fn next_window_id(&mut self) -> Result<WindowId, StoreError> {
        Ok(WindowId(get(&self.one("count the windows", sqlx::query(NEXT_ID)).await?, "next")?))
    }

    async fn windows_by_key(
        &mut self,
        begins: &str,
        keys: &[&str],
        at: DateTime<Utc>,
    ) -> Result<Vec<KeptWindow>, StoreError> {
        let query = sqlx::query(BY_KEY).bind(begins.to_owned()).bind(json(&keys)?).bind(micros(at));
        let found = self.all("read an origin's windows", query).await?;
        let kept = |row| -> Result<KeptWindow, StoreError> {
            let (id, key) = (WindowId(get(row, "id")?), get(row, "key")?);
            Ok(KeptWindow {
                id,
                key,
                lasts: get(row, "lasts")?,
                ends_at: get_time(row, "ends_at")?,
                ended_by: get(row, "ended_by")?,
            })
        };
        found.iter().map(kept).collect()
    }

    async fn forget_window_key(&mut self, id: WindowId) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE quiet_window SET key = key || ' as W-' || id WHERE id = ?");
        self.execute("let another window have a key", query.bind(id.0)).await?;
        Ok(())
    }

    async fn end_window(&mut self, id: WindowId, at: DateTime<Utc>, by: &str) -> Result<bool, StoreError> {
        let query = sqlx::query("UPDATE quiet_window SET ends_at = ?2, ended_by = ?3 WHERE id = ?1 AND ends_at > ?2");
        let query = query.bind(id.0).bind(micros(at)).bind(by.to_owned());
        Ok(self.execute("end a window", query).await?.rows_affected() > 0)
    }

    async fn save_told_window(&mut self, id: WindowId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE quiet_window SET told_at = ?2 WHERE id = ?1 AND told_at IS NULL");
        self.execute("keep that a window's end was told", query.bind(id.0).bind(micros(at))).await?;
        Ok(())
    }

    async fn add_hold(&mut self, hold: Hold) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO quiet_hold (incident_id, window_id, alerts, pages, is_whole) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET alerts = alerts + ?3, pages = pages + ?4, is_whole = ?5",
        )
        .bind(hold.incident.0)
        .bind(hold.window.0)
        .bind(i64::try_from(hold.alerts).unwrap_or(i64::MAX))
        .bind(i64::try_from(hold.pages).unwrap_or(i64::MAX))
        .bind(hold.is_whole);
        self.execute("keep what a window holds back", query).await?;
        Ok(())
    }

    async fn drop_whole_holds(&mut self, incident: IncidentId) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE quiet_hold SET is_whole = 0 WHERE incident_id = ? AND is_whole");
        self.execute("keep that an incident is held back no more", query.bind(incident.0)).await?;
        Ok(())
    }

    async fn open_alerts(&mut self, incident: IncidentId) -> Result<Vec<OpenAlert>, StoreError> {
        let query = sqlx::query(OPEN_ALERTS).bind(incident.0).bind(i64::try_from(MOST_ALERTS).unwrap_or(i64::MAX));
        let found = self.all("read what fires in an incident", query).await?;
        found.iter().map(open_alert).collect()
    }

    async fn release_episodes(&mut self, ids: &[EpisodeId]) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE episode SET held_by = NULL WHERE id IN (SELECT value FROM json_each(?))");
        self.execute("let go of alerts", query.bind(json(&ids)?)).await?;
        Ok(())
    }
}
