//! Incidents, their episodes and their timelines.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite};

use super::SqliteTables;
use crate::model::{EpisodeId, Grouping, Incident, IncidentId, IncidentState, Joins};
use crate::store::sqlite::failed;
use crate::store::sqlite::rows::{self, from_json, get, get_time, joins_number, json, micros, word};
use crate::store::transaction::{EpisodeAgain, EpisodeEnd, IncidentTable};
use crate::store::{IncidentEvent, NewEpisode, NewIncident, StoreError, stored_grouping};

/// SQLite takes 32,766 parameters in a statement; an episode has 12.
const ROWS: usize = 1_000;

#[async_trait]
impl IncidentTable for SqliteTables<'_> {
    async fn alert_names(&mut self, id: IncidentId) -> Result<Vec<(String, Option<String>)>, StoreError> {
        let found = self.all("read an incident's alerts", sqlx::query(rows::ALERT_NAMES).bind(id.0)).await?;
        Ok(found.iter().filter_map(rows::alert_name).collect())
    }

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
        let (key, shown) = stored_grouping(&new.grouping);
        let query = sqlx::query(
            "INSERT INTO incident (grouping, grouped_by, title, severity, state, target, team, playbook, opened_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(key)
        .bind(json(&shown)?)
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
                 page_at = ?8, spell = ?9, open_episodes = ?10, episodes = ?11, joined_at = ?12, team = ?13,
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
        .bind(i64::try_from(incident.episodes).unwrap_or(i64::MAX))
        .bind(incident.joined_at.map(micros))
        .bind(incident.team.clone());
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
                "INSERT INTO episode (source, fingerprint, incident_id, alert, object, labels, annotations, starts_at, opened_at,
                     severity, held_by, counted_as) ",
            );
            insert.push_values(chunk.iter().zip(documents), |mut row, ((id, episode), (labels, annotations))| {
                row.push_bind(&episode.source)
                    .push_bind(&episode.fingerprint)
                    .push_bind(id.0)
                    .push_bind(&episode.alert)
                    .push_bind(&episode.object)
                    .push_bind(labels)
                    .push_bind(annotations)
                    .push_bind(micros(episode.starts_at))
                    .push_bind(micros(at))
                    .push_bind(episode.severity.map(|severity| severity.to_string()))
                    .push_bind(episode.held_by.map(|window| window.0))
                    .push_bind(episode.counted_as.as_ref().filter(|_| episode.severity.is_some()));
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

    async fn reopen_episode(
        &mut self,
        id: EpisodeId,
        incident: IncidentId,
        again: EpisodeAgain,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE episode SET closed_at = NULL, end_told_at = NULL, ended_by = NULL, ended_start = NULL, held_by = ?3,
                 counted_as = CASE WHEN severity IS NOT NULL THEN ?4 END, came_from = CASE WHEN incident_id = ?1 THEN came_from END, incident_id = ?1 WHERE id = ?2",
        );
        let query = query.bind(incident.0).bind(id.0).bind(again.held_by.map(|window| window.0)).bind(again.counted_as);
        self.execute("reopen an episode", query).await?;
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

    async fn insert_causes(&mut self, incident: IncidentId, causes: &[(Grouping, Joins)]) -> Result<(), StoreError> {
        for chunk in causes.chunks(ROWS) {
            let rows: Vec<_> = chunk.iter().map(|(grouping, joins)| (stored_grouping(grouping), joins)).collect();
            let mut insert =
                QueryBuilder::<Sqlite>::new("INSERT INTO incident_cause (cause, incident_id, how, grouping) ");
            insert.push_values(&rows, |mut row, ((key, shown), joins)| {
                let shown = serde_json::to_string(shown).unwrap_or_default();
                row.push_bind(key).push_bind(incident.0).push_bind(joins_number(**joins)).push_bind(shown);
            });
            insert.push(" ON CONFLICT DO UPDATE SET how = MIN(how, excluded.how)");
            insert.build().execute(&mut *self.0).await.map_err(failed("keep by what others join"))?;
        }
        Ok(())
    }

    async fn set_apart(&mut self, incident: IncidentId) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM incident_cause WHERE incident_id = ? AND how > ?");
        let query = query.bind(incident.0).bind(joins_number(Joins::Always));
        self.execute("set an incident apart", query).await?;
        let query = sqlx::query("UPDATE incident SET apart = 1 WHERE id = ?");
        self.execute("set an incident apart", query.bind(incident.0)).await?;
        Ok(())
    }

    async fn save_grouping(&mut self, incident: IncidentId, by: &Grouping) -> Result<(), StoreError> {
        let (key, shown) = stored_grouping(by);
        let query = sqlx::query("UPDATE incident SET grouping = ?, grouped_by = ? WHERE id = ?");
        self.execute("keep what is in common", query.bind(key).bind(json(&shown)?).bind(incident.0)).await?;
        Ok(())
    }

    async fn move_all(&mut self, from: IncidentId, into: IncidentId) -> Result<(u64, u64), StoreError> {
        let counts = "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE closed_at IS NULL) AS open FROM episode WHERE incident_id = ?";
        let row = self.one("count what moves", sqlx::query(counts).bind(from.0)).await?;
        for moves in [
            "UPDATE episode SET incident_id = ?2, came_from = COALESCE(came_from, ?1) WHERE incident_id = ?1",
            "UPDATE run SET incident_id = ?2, came_from = COALESCE(came_from, ?1) WHERE incident_id = ?1",
            "UPDATE approval SET incident_id = ?2 WHERE incident_id = ?1",
        ] {
            self.execute("merge incidents", sqlx::query(moves).bind(from.0).bind(into.0)).await?;
        }
        counted(&row)
    }

    async fn move_object(
        &mut self,
        from: IncidentId,
        into: IncidentId,
        object: &str,
    ) -> Result<(u64, u64), StoreError> {
        let counts = "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE closed_at IS NULL) AS open FROM episode
                      WHERE incident_id = ? AND object = ?";
        let row = self.one("count what moves", sqlx::query(counts).bind(from.0).bind(object.to_owned())).await?;
        for moves in [
            "UPDATE episode SET incident_id = ?2, came_from = NULL WHERE incident_id = ?1 AND object = ?3",
            "UPDATE run SET incident_id = ?2, came_from = NULL WHERE incident_id = ?1 AND 'target:' || target_key = ?3",
        ] {
            let query = sqlx::query(moves).bind(from.0).bind(into.0).bind(object.to_owned());
            self.execute("split an incident", query).await?;
        }
        self.approvals_go_with_their_runs(into).await?;
        counted(&row)
    }

    async fn move_back(&mut self, members: &[IncidentId], to: IncidentId) -> Result<(u64, u64), StoreError> {
        let members = json(&members)?;
        let counts = "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE closed_at IS NULL) AS open FROM episode
                      WHERE came_from IN (SELECT value FROM json_each(?))";
        let row = self.one("count what moves back", sqlx::query(counts).bind(members.clone())).await?;
        for moves in [
            "UPDATE episode SET incident_id = ?1, came_from = NULLIF(came_from, ?1)
             WHERE came_from IN (SELECT value FROM json_each(?2))",
            "UPDATE run SET incident_id = ?1, came_from = NULLIF(came_from, ?1)
             WHERE came_from IN (SELECT value FROM json_each(?2))",
        ] {
            self.execute("split an incident", sqlx::query(moves).bind(to.0).bind(members.clone())).await?;
        }
        self.approvals_go_with_their_runs(to).await?;
        counted(&row)
    }

    async fn members(&mut self, incident: IncidentId) -> Result<Vec<IncidentId>, StoreError> {
        let query = sqlx::query(
            "WITH RECURSIVE member(id, depth) AS (
                 VALUES (?, 0)
                 UNION SELECT incident.id, depth + 1 FROM incident JOIN member ON incident.merged_into = member.id)
             SELECT id FROM member ORDER BY depth, id",
        );
        let found = self.all("read what is part of an incident", query.bind(incident.0)).await?;
        found.iter().map(|row| Ok(IncidentId(get(row, "id")?))).collect()
    }

    async fn save_merged(
        &mut self,
        members: &[IncidentId],
        into: Option<IncidentId>,
        root: Option<IncidentId>,
    ) -> Result<(), StoreError> {
        let Some(first) = members.first() else { return Ok(()) };
        let query = sqlx::query("UPDATE incident SET merged_into = ?, merged_root = ? WHERE id = ?");
        let query = query.bind(into.map(|id| id.0)).bind(root.map(|id| id.0)).bind(first.0);
        self.execute("keep what an incident is part of", query).await?;
        let query =
            sqlx::query("UPDATE incident SET merged_root = ? WHERE id IN (SELECT value FROM json_each(?)) AND id <> ?");
        let query = query.bind(root.unwrap_or(*first).0).bind(json(&members)?).bind(first.0);
        self.execute("keep what incidents are part of", query).await?;
        Ok(())
    }

    async fn last_note(
        &mut self,
        incident: IncidentId,
    ) -> Result<Option<(i64, DateTime<Utc>, IncidentEvent)>, StoreError> {
        let query =
            sqlx::query("SELECT id, at, event FROM incident_event WHERE incident_id = ? ORDER BY id DESC LIMIT 1");
        let Some(row) = self.maybe("read the timeline's end", query.bind(incident.0)).await? else { return Ok(None) };
        let event = get(&row, "event").and_then(|text| from_json("incident event", text));
        Ok(Some((get(&row, "id")?, get_time(&row, "at")?, event.unwrap_or(IncidentEvent::Unknown))))
    }

    async fn replace_note(&mut self, note: i64, event: &IncidentEvent) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE incident_event SET event = ? WHERE id = ?");
        self.execute("add to the timeline's end", query.bind(json(event)?).bind(note)).await?;
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

impl SqliteTables<'_> {
    async fn approvals_go_with_their_runs(&mut self, incident: IncidentId) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE approval SET incident_id = ?1 WHERE run_id IN (SELECT id FROM run WHERE incident_id = ?1)",
        );
        self.execute("split an incident's questions", query.bind(incident.0)).await?;
        Ok(())
    }
}

/// How many of the episodes are open, and how many there are.
fn counted(row: &SqliteRow) -> Result<(u64, u64), StoreError> {
    Ok((get::<i64>(row, "open")?.unsigned_abs(), get::<i64>(row, "n")?.unsigned_abs()))
}
