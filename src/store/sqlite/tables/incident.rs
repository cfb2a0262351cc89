//! Incidents, their episodes and their timelines.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite};

use super::SqliteTables;
use crate::model::{EpisodeId, Incident, IncidentId, IncidentState};
use crate::store::sqlite::failed;
use crate::store::sqlite::rows::{self, get, json, micros, word};
use crate::store::transaction::{EpisodeEnd, IncidentTable};
use crate::store::{IncidentEvent, NewEpisode, NewIncident, StoreError};

/// SQLite takes 32,766 parameters in a statement; an episode has 8.
const ROWS: usize = 1_000;

#[async_trait]
impl IncidentTable for SqliteTables<'_> {
    async fn incident_row(&mut self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        let sql = format!("SELECT {} FROM incident WHERE id = ?", rows::INCIDENT);
        let row = self.maybe("read an incident", sqlx::query(AssertSqlSafe(sql)).bind(id.0)).await?;
        row.as_ref().map(rows::incident).transpose()
    }

    async fn team_of(&mut self, id: IncidentId) -> Result<String, StoreError> {
        let query = sqlx::query("SELECT team FROM incident WHERE id = ?");
        get(&self.one("read whose incident it is", query.bind(id.0)).await?, "team")
    }

    async fn insert_incident(&mut self, new: NewIncident, at: DateTime<Utc>) -> Result<Incident, StoreError> {
        let query = sqlx::query(
            "INSERT INTO incident (grouping, title, severity, state, target, team, playbook, opened_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(new.grouping.clone())
        .bind(new.title.clone())
        .bind(new.severity.to_string())
        .bind(word(&IncidentState::Open)?)
        .bind(new.target.as_ref().map(json).transpose()?)
        .bind(new.team.clone())
        .bind(new.playbook.clone())
        .bind(micros(at));
        let id = IncidentId(get(&self.one("open an incident", query).await?, "id")?);
        Ok(new.opened(id, at))
    }

    async fn keep_mitigated_starts(&mut self, id: IncidentId, at: DateTime<Utc>) -> Result<(), StoreError> {
        // Of our clock, what it was set by meanwhile is no time.
        let query = sqlx::query(
            "UPDATE incident SET mitigated_starts =
                 (SELECT json_group_object(source, latest) FROM
                      (SELECT source, MAX(starts_at + ?2 - opened_at - COALESCE(
                           (SELECT SUM(by) FROM clock_move WHERE last_episode >= episode.id), 0)) AS latest
                       FROM episode WHERE incident_id = ?1 GROUP BY source))
             WHERE id = ?1",
        );
        self.execute("keep what was before a mitigation", query.bind(id.0).bind(micros(at))).await?;
        Ok(())
    }

    async fn save_incident(&mut self, incident: &Incident) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE incident SET state = ?2, severity = ?3, owner = ?4, acknowledged_at = ?5, mitigated_at = ?6, resolved_at = ?7,
                 page_at = ?8, spell = ?9, open_episodes = ?10, episodes = ?11,
                 mitigated_starts = CASE WHEN ?6 IS NULL THEN NULL ELSE mitigated_starts END WHERE id = ?1",
        )
        .bind(incident.id.0)
        .bind(word(&incident.state)?)
        .bind(incident.severity.to_string())
        .bind(incident.owner.clone())
        .bind(incident.acknowledged_at.map(micros))
        .bind(incident.mitigated_at.map(micros))
        .bind(incident.resolved_at.map(micros))
        .bind(incident.page_at.map(micros))
        .bind(incident.spell)
        .bind(i64::try_from(incident.open_episodes).unwrap_or(i64::MAX))
        .bind(i64::try_from(incident.episodes).unwrap_or(i64::MAX));
        self.execute("write an incident", query).await?;
        Ok(())
    }

    async fn insert_episodes(
        &mut self,
        at: DateTime<Utc>,
        episodes: &[(IncidentId, NewEpisode)],
    ) -> Result<(), StoreError> {
        for chunk in episodes.chunks(ROWS) {
            let mut documents = Vec::with_capacity(chunk.len());
            for (_, episode) in chunk {
                documents.push((json(&episode.labels)?, json(&episode.annotations)?));
            }
            let mut insert = QueryBuilder::<Sqlite>::new(
                "INSERT INTO episode (source, fingerprint, incident_id, alert, labels, annotations, starts_at, opened_at) ",
            );
            insert.push_values(chunk.iter().zip(documents), |mut row, ((id, episode), (labels, annotations))| {
                row.push_bind(&episode.source)
                    .push_bind(&episode.fingerprint)
                    .push_bind(id.0)
                    .push_bind(&episode.alert)
                    .push_bind(labels)
                    .push_bind(annotations)
                    .push_bind(micros(episode.starts_at))
                    .push_bind(micros(at));
            });
            insert.build().execute(&mut *self.0).await.map_err(failed("open episodes"))?;
        }
        Ok(())
    }

    async fn ended_episode(&mut self, id: EpisodeId) -> Result<Option<IncidentId>, StoreError> {
        let query = sqlx::query("SELECT incident_id FROM episode WHERE id = ? AND closed_at IS NOT NULL");
        let row = self.maybe("look at an episode", query.bind(id.0)).await?;
        row.map(|row| Ok(IncidentId(get(&row, "incident_id")?))).transpose()
    }

    async fn reopen_episode(&mut self, id: EpisodeId, incident: IncidentId) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE episode SET closed_at = NULL, end_told_at = NULL, ended_by = NULL, ended_start = NULL, incident_id = ?
             WHERE id = ?",
        );
        self.execute("reopen an episode", query.bind(incident.0).bind(id.0)).await?;
        Ok(())
    }

    async fn end_episodes(&mut self, ids: &[EpisodeId], end: EpisodeEnd) -> Result<u64, StoreError> {
        let ids = json(&ids)?;
        let query = sqlx::query(
            "SELECT COUNT(*) AS n FROM episode WHERE closed_at IS NULL AND id IN (SELECT value FROM json_each(?))",
        );
        let open: i64 = get(&self.one("count what is open", query.bind(ids.clone())).await?, "n")?;
        let query = sqlx::query(
            "UPDATE episode SET closed_at = ?1, end_told_at = ?1, ended_by = ?2, ended_start = ?3
             WHERE id IN (SELECT value FROM json_each(?4))",
        );
        let query = query.bind(micros(end.at)).bind(end.by.0).bind(end.start.map(micros)).bind(ids);
        self.execute("close episodes", query).await?;
        Ok(open.unsigned_abs())
    }

    async fn end_episodes_of(&mut self, incident: IncidentId, end: EpisodeEnd) -> Result<u64, StoreError> {
        let query = sqlx::query(
            "UPDATE episode SET closed_at = ?1, end_told_at = ?1, ended_by = ?2, ended_start = ?3
             WHERE incident_id = ?4 AND closed_at IS NULL",
        );
        let query = query.bind(micros(end.at)).bind(end.by.0).bind(end.start.map(micros)).bind(incident.0);
        Ok(self.execute("close an incident's episodes", query).await?.rows_affected())
    }

    async fn save_annotations(
        &mut self,
        id: EpisodeId,
        annotations: &BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE episode SET annotations = ? WHERE id = ?");
        self.execute("keep what is said of an episode", query.bind(json(annotations)?).bind(id.0)).await?;
        Ok(())
    }

    async fn insert_note(
        &mut self,
        incident: IncidentId,
        at: DateTime<Utc>,
        event: &IncidentEvent,
    ) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT INTO incident_event (incident_id, at, event) VALUES (?, ?, ?)");
        self.execute("write the timeline", query.bind(incident.0).bind(micros(at)).bind(json(event)?)).await?;
        Ok(())
    }
}
