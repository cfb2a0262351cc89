//! How much is affected, as it is read.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::rows::{get, json, readable};
use super::windows::open_alert;
use super::words::have_changed;
use super::{SqliteStore, failed};
use crate::model::{Digest, EpisodeId, IncidentId, Severity};
use crate::store::{AffectedStore, CountedObject, Firing, OpenAlert, StoreError};

/// From the index alone, in its order: no label is read, and nothing is sorted.
pub(super) const OBJECTS: &str = "SELECT incident_id, counted_as, MIN(severity) AS severity
     FROM json_each(?1) AS asked JOIN episode INDEXED BY episode_counted ON incident_id = asked.value
     WHERE closed_at IS NULL AND counted_as IS NOT NULL AND severity <= ?2
         AND episode.id NOT IN (SELECT value FROM json_each(?3))
         AND (held_by IS NULL OR held_by NOT IN (SELECT value FROM json_each(?4)))
     GROUP BY incident_id, counted_as";

/// What nobody has rated may be as bad as any.
macro_rules! select_firing {
    ($from:literal, $which:literal) => {
        concat!(
            "SELECT id, source, alert, labels, object, severity FROM ",
            $from,
            " WHERE incident_id = ?1 AND closed_at IS NULL AND id > ?2 AND COALESCE(severity, '') <= ?3
                 AND id NOT IN (SELECT value FROM json_each(?4))
                 AND (held_by IS NULL OR held_by NOT IN (SELECT value FROM json_each(?5)))",
            $which,
            " ORDER BY id LIMIT ?6"
        )
    };
}

pub(super) const FIRING: &str = select_firing!("episode", "");

/// Few, if any: they are found without a look at the others.
pub(super) const UNCOUNTED: &str = select_firing!("episode INDEXED BY episode_counted", " AND counted_as IS NULL");

#[async_trait]
impl AffectedStore for SqliteStore {
    async fn objects_in(
        &self,
        incidents: &[IncidentId],
        firing: Firing<'_>,
    ) -> Result<Vec<(IncidentId, CountedObject)>, StoreError> {
        let query = sqlx::query(OBJECTS).bind(json(&incidents)?).bind(firing.mildest.to_string());
        let query = query.bind(json(&firing.but)?).bind(json(&firing.windows)?);
        let found = query.fetch_all(&self.reads).await.map_err(failed("read what is affected"))?;
        let read = |row: &SqliteRow| {
            // A word that is none is taken for the worst: it counts.
            let severity = get::<&str>(row, "severity")?.parse().unwrap_or(Severity::S1);
            Ok((IncidentId(get(row, "incident_id")?), CountedObject { key: get(row, "counted_as")?, severity }))
        };
        Ok(readable(&found, read))
    }

    async fn firing_in(
        &self,
        incident: IncidentId,
        firing: Firing<'_>,
        (after, limit): (EpisodeId, usize),
    ) -> Result<Vec<(EpisodeId, OpenAlert)>, StoreError> {
        let sql = if firing.is_uncounted { UNCOUNTED } else { FIRING };
        let query = sqlx::query(sql).bind(incident.0).bind(after.0).bind(firing.mildest.to_string());
        let query = query.bind(json(&firing.but)?).bind(json(&firing.windows)?);
        let query = query.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let found = query.fetch_all(&self.reads).await.map_err(failed("read what fires in an incident"))?;
        Ok(readable(&found, |row| Ok((EpisodeId(get(row, "id")?), open_alert(row)?))))
    }

    async fn counts_by(&self, words: &Digest) -> Result<(), StoreError> {
        self.forget_counts(words).await
    }
}

impl SqliteStore {
    /// What is over is counted anew when it fires again.
    async fn forget_counts(&self, words: &Digest) -> Result<(), StoreError> {
        let words = words.as_str().to_owned();
        self.write("say how objects are counted", move |connection| {
            Box::pin(async move {
                let what = "say how objects are counted";
                let keep = "INSERT INTO counted_by (only_one, words) VALUES (1, ?1)
                    ON CONFLICT (only_one) DO UPDATE SET words = ?1 WHERE words <> ?1";
                if have_changed(connection, what, keep, words).await? {
                    sqlx::query("UPDATE episode SET counted_as = NULL WHERE closed_at IS NULL")
                        .execute(&mut *connection)
                        .await
                        .map_err(failed(what))?;
                }
                Ok(())
            })
        })
        .await
    }
}
