//! Opening and closing episodes, thousands at a time.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Sqlite};

use super::apply::Applier;
use super::failed;
use super::rows::{get, json, micros};
use crate::model::{EpisodeId, IncidentId};
use crate::store::{IncidentRef, NewEpisode, StoreError};

/// SQLite takes 32,766 parameters in a statement; an episode has 8.
const ROWS: usize = 1_000;

impl Applier<'_> {
    pub(super) async fn open_episodes(&mut self, episodes: Vec<(IncidentRef, NewEpisode)>) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(episodes.len());
        for (incident, episode) in episodes {
            let id = self.id(incident)?;
            let counts = self.touched.entry(id).or_default();
            counts.0 += 1;
            counts.1 += 1;
            let labels = json(&episode.labels)?;
            let annotations = json(&episode.annotations)?;
            rows.push((id, episode, labels, annotations));
        }
        for chunk in rows.chunks(ROWS) {
            let mut insert = QueryBuilder::<Sqlite>::new(
                "INSERT INTO episode (source, fingerprint, incident_id, alert, labels, annotations, starts_at, opened_at) ",
            );
            insert.push_values(chunk, |mut row, (id, episode, labels, annotations)| {
                row.push_bind(&episode.source)
                    .push_bind(&episode.fingerprint)
                    .push_bind(id.0)
                    .push_bind(&episode.alert)
                    .push_bind(labels)
                    .push_bind(annotations)
                    .push_bind(micros(episode.starts_at))
                    .push_bind(self.now);
            });
            insert.build().execute(&mut *self.connection).await.map_err(failed("open episodes"))?;
        }
        Ok(())
    }

    pub(super) async fn reopen_episode(&mut self, incident: IncidentRef, episode: EpisodeId) -> Result<(), StoreError> {
        let id = self.touch(incident)?;
        let before = sqlx::query("SELECT incident_id FROM episode WHERE id = ? AND closed_at IS NOT NULL")
            .bind(episode.0)
            .fetch_optional(&mut *self.connection)
            .await
            .map_err(failed("look at an episode"))?;
        let Some(before) = before else { return Ok(()) };
        let moved = get::<i64>(&before, "incident_id")? != id.0;
        sqlx::query("UPDATE episode SET closed_at = NULL, end_told_at = NULL, ended_by = NULL, ended_start = NULL, incident_id = ? WHERE id = ?")
            .bind(id.0)
            .bind(episode.0)
            .execute(&mut *self.connection)
            .await
            .map_err(failed("reopen an episode"))?;
        let counts = self.touched.entry(id).or_default();
        counts.0 += 1;
        // The incident that it leaves had it, and still says so: its total is history.
        counts.1 += i64::from(moved);
        Ok(())
    }

    pub(super) async fn close_episodes(
        &mut self,
        closed: Vec<(IncidentRef, EpisodeId)>,
        at: i64,
        start: Option<i64>,
    ) -> Result<(), StoreError> {
        let mut by_incident: BTreeMap<IncidentId, Vec<i64>> = BTreeMap::new();
        for (incident, episode) in closed {
            by_incident.entry(self.id(incident)?).or_default().push(episode.0);
        }
        for (incident, episodes) in by_incident {
            let ids = json(&episodes)?;
            let open = sqlx::query(
                "SELECT COUNT(*) AS n FROM episode WHERE closed_at IS NULL AND id IN (SELECT value FROM json_each(?))",
            )
            .bind(&ids)
            .fetch_one(&mut *self.connection)
            .await
            .map_err(failed("count what is open"))?;
            let open: i64 = get(&open, "n")?;
            sqlx::query(
                "UPDATE episode SET closed_at = ?1, end_told_at = ?1, ended_by = ?2, ended_start = ?3
                 WHERE id IN (SELECT value FROM json_each(?4))",
            )
            .bind(at)
            .bind(self.signal.0)
            .bind(start)
            .bind(ids)
            .execute(&mut *self.connection)
            .await
            .map_err(failed("close episodes"))?;
            // What was over already is no news, and its message is as it was.
            if open > 0 {
                self.touched.entry(incident).or_default().0 -= open;
            }
        }
        Ok(())
    }
}
