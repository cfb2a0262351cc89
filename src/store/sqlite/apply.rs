//! Carrying out a decision of the incident module.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::effects::{enqueue_approval, enqueue_card, insert_page, keep_playbook, note, reopen, send_to_run};
use super::rows::{get, json, micros, word};
use super::signals::next_piece;
use super::{Sinks, failed};
use crate::model::{ApprovalState, IncidentId, RunId, SignalId, Verdict};
use crate::store::{Applied, Change, Decision, InboxItem, IncidentEvent, IncidentRef, NewIncident, NewRun, StoreError};

/// Runs `decision` within the open transaction.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    signal: SignalId,
    decision: Decision,
) -> Result<Applied, StoreError> {
    let declined = decision.reply.as_ref().is_some_and(|reply| !reply.granted);
    if !next_piece(connection, signal).await? {
        let worked_on = sqlx::query(
            "UPDATE signal SET processed_at = ?, body = '', reply = ?, declined = ?, tries = 0
             WHERE id = ? AND processed_at IS NULL",
        )
        .bind(now)
        .bind(decision.reply.map(|reply| reply.text))
        .bind(declined)
        .bind(signal.0)
        .execute(&mut *connection)
        .await
        .map_err(failed("mark a signal as worked on"))?;
        if worked_on.rows_affected() == 0 {
            return Err(StoreError::Fenced(format!("{signal} was worked on already")));
        }
    }
    let mut applier = Applier { connection, now, signal, sinks, applied: Applied::default(), touched: BTreeMap::new() };
    let mut changes = decision.changes.into_iter().peekable();
    while let Some(change) = changes.next() {
        // A storm is thousands of equal changes in a row: they are written together.
        match change {
            Change::OpenEpisode { incident, episode } => {
                let mut episodes = vec![(incident, episode)];
                while let Some(Change::OpenEpisode { .. }) = changes.peek() {
                    if let Some(Change::OpenEpisode { incident, episode }) = changes.next() {
                        episodes.push((incident, episode));
                    }
                }
                applier.open_episodes(episodes).await?;
            }
            Change::CloseEpisode { incident, episode, at, start } => {
                let mut closed = vec![(incident, episode)];
                let same = |change: Option<&Change>| {
                    matches!(change, Some(Change::CloseEpisode { at: other, start: told, .. })
                        if (*other, *told) == (at, start))
                };
                while same(changes.peek()) {
                    if let Some(Change::CloseEpisode { incident, episode, .. }) = changes.next() {
                        closed.push((incident, episode));
                    }
                }
                applier.close_episodes(closed, micros(at), start.map(micros)).await?;
            }
            other => applier.change(other).await?,
        }
    }
    applier.finish().await
}

/// A decision under way.
pub(super) struct Applier<'a> {
    pub(super) connection: &'a mut SqliteConnection,
    pub(super) now: i64,
    /// What the decision follows from.
    pub(super) signal: SignalId,
    sinks: &'a Sinks,
    applied: Applied,
    /// Incidents whose message must be made anew, with the change in their number of open and of all episodes.
    pub(super) touched: BTreeMap<IncidentId, (i64, i64)>,
}

impl Applier<'_> {
    pub(super) fn id(&self, incident: IncidentRef) -> Result<IncidentId, StoreError> {
        match incident {
            IncidentRef::Existing(id) => Ok(id),
            IncidentRef::New(n) => self.applied.incidents.get(n).copied().ok_or_else(|| StoreError::Refused {
                what: "apply a decision",
                message: format!("it speaks of its incident number {n}, which it did not open"),
            }),
        }
    }

    pub(super) fn touch(&mut self, incident: IncidentRef) -> Result<IncidentId, StoreError> {
        let id = self.id(incident)?;
        self.touched.entry(id).or_default();
        Ok(id)
    }

    async fn change(&mut self, change: Change) -> Result<(), StoreError> {
        match change {
            Change::OpenIncident(incident) => self.open_incident(incident).await,
            Change::ReopenEpisode { incident, episode } => self.reopen_episode(incident, episode).await,
            Change::Retell { episode, annotations } => {
                sqlx::query("UPDATE episode SET annotations = ? WHERE id = ?")
                    .bind(json(&annotations)?)
                    .bind(episode.0)
                    .execute(&mut *self.connection)
                    .await
                    .map_err(failed("keep what is said of an episode"))?;
                Ok(())
            }
            Change::Acknowledge { incident, by } => {
                let id = self.touch(incident)?;
                self.update(
                    "UPDATE incident SET state = CASE state WHEN 'open' THEN 'acknowledged' ELSE state END, owner = ?3,
                         acknowledged_at = COALESCE(acknowledged_at, ?2), page_at = NULL WHERE id = ?1",
                    id.0,
                    Some(&by),
                )
                .await?;
                self.update(
                    "UPDATE page SET acknowledged_at = COALESCE(acknowledged_at, ?2), has_news = 0,
                         answered = answered OR acknowledged_at IS NULL
                     WHERE incident_id = ?1 AND (acknowledged_at IS NULL OR has_news)",
                    id.0,
                    None,
                )
                .await
            }
            Change::Mitigate { incident } => {
                let id = self.touch(incident)?;
                self.update(
                    // An episode was opened after it started, and so long after that came this moment,
                    // whatever the sender's clock says. Of ours, what it was set by meanwhile is no time.
                    "UPDATE incident SET state = 'mitigated', mitigated_at = ?2, mitigated_starts =
                         (SELECT json_group_object(source, latest) FROM
                              (SELECT source, MAX(starts_at + ?2 - opened_at - COALESCE(
                                   (SELECT SUM(by) FROM clock_move WHERE last_episode >= episode.id), 0)) AS latest
                               FROM episode WHERE incident_id = ?1 GROUP BY source))
                     WHERE id = ?1 AND state <> 'resolved'",
                    id.0,
                    None,
                )
                .await
            }
            Change::Resolve { incident, by_itself } => {
                let id = self.touch(incident)?;
                sqlx::query(
                    "UPDATE episode SET closed_at = ?2, end_told_at = ?2, ended_by = ?3, ended_start = NULL
                     WHERE incident_id = ?1 AND closed_at IS NULL",
                )
                .bind(id.0)
                .bind(self.now)
                .bind(self.signal.0)
                .execute(&mut *self.connection)
                .await
                .map_err(failed("close episodes"))?;
                self.update(
                    "UPDATE incident SET state = 'resolved', resolved_at = ?2, page_at = NULL, open_episodes = 0
                     WHERE id = ?1",
                    id.0,
                    None,
                )
                .await?;
                self.touched.insert(id, (0, self.touched.get(&id).map_or(0, |(_, all)| *all)));
                let pages = if by_itself {
                    "UPDATE page SET acknowledged_at = ?2, has_news = 0
                     WHERE incident_id = ?1 AND acknowledged_at IS NULL
                         AND (SELECT COUNT(*) = 0 OR COUNT(delivered_at) > 0 FROM outbox
                              WHERE urgency = 0 AND key = 'PAGE-' || page.id)"
                } else {
                    "UPDATE page SET acknowledged_at = COALESCE(acknowledged_at, ?2), has_news = 0
                     WHERE incident_id = ?1 AND (acknowledged_at IS NULL OR has_news)"
                };
                self.update(pages, id.0, None).await
            }
            Change::Reopen { incident } => {
                let id = self.touch(incident)?;
                reopen(self.connection, id).await
            }
            Change::Severity { incident, severity } => {
                let id = self.touch(incident)?;
                let severity = severity.to_string();
                self.update("UPDATE incident SET severity = ?3 WHERE id = ?1", id.0, Some(&severity)).await
            }
            Change::PageAt { incident, at } => {
                let id = self.touch(incident)?;
                sqlx::query("UPDATE incident SET page_at = ? WHERE id = ?")
                    .bind(at.map(micros))
                    .bind(id.0)
                    .execute(&mut *self.connection)
                    .await
                    .map_err(failed("set a page's time"))?;
                Ok(())
            }
            Change::Page { incident, page } => {
                let id = self.touch(incident)?;
                insert_page(self.connection, self.now, self.sinks, id, &page).await?;
                Ok(())
            }
            Change::OpenRun { incident, run } => self.open_run(incident, *run).await,
            Change::ToRun { run, item } => send_to_run(self.connection, self.now, run, &item).await,
            Change::Vote { approval, person, verdict } => self.vote(approval.0, person, verdict).await,
            Change::Note { incident, event } => {
                let id = self.touch(incident)?;
                note(self.connection, self.now, id, &event).await
            }
            Change::OpenEpisode { incident, episode } => self.open_episodes(vec![(incident, episode)]).await,
            Change::CloseEpisode { incident, episode, at, start } => {
                self.close_episodes(vec![(incident, episode)], micros(at), start.map(micros)).await
            }
            Change::Hold { signal, until, notes } => self.hold(&signal, micros(until), notes).await,
        }
    }

    /// A statement over `?1` (an id), `?2` (now) and, where given, `?3`.
    async fn update(&mut self, sql: &'static str, id: i64, third: Option<&str>) -> Result<(), StoreError> {
        let mut query = sqlx::query(sql).bind(id).bind(self.now);
        if let Some(third) = third {
            query = query.bind(third.to_owned());
        }
        query.execute(&mut *self.connection).await.map_err(failed("update an incident"))?;
        Ok(())
    }

    async fn open_incident(&mut self, incident: NewIncident) -> Result<(), StoreError> {
        let row = sqlx::query(
            "INSERT INTO incident (grouping, title, severity, state, target, team, playbook, opened_at)
             VALUES (?, ?, ?, 'open', ?, ?, ?, ?) RETURNING id",
        )
        .bind(incident.grouping)
        .bind(incident.title)
        .bind(incident.severity.to_string())
        .bind(incident.target.as_ref().map(json).transpose()?)
        .bind(incident.team)
        .bind(incident.playbook)
        .bind(self.now)
        .fetch_one(&mut *self.connection)
        .await
        .map_err(failed("open an incident"))?;
        let id = IncidentId(get(&row, "id")?);
        self.applied.incidents.push(id);
        self.touched.entry(id).or_default();
        Ok(())
    }

    async fn open_run(&mut self, incident: IncidentRef, run: NewRun) -> Result<(), StoreError> {
        let incident = self.touch(incident)?;
        keep_playbook(self.connection, self.now, &run.playbook, &run.playbook_source).await?;
        let because = run.requested_by.as_ref().map_or("its alert fires".to_owned(), |by| format!("{by} asked for it"));
        let row = sqlx::query(
            "INSERT INTO run (incident_id, playbook, version, digest, target, target_key, inputs, alert, autonomy,
                 requested_by, created_at, wake_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11) RETURNING id",
        )
        .bind(incident.0)
        .bind(&run.playbook.name)
        .bind(run.playbook.version)
        .bind(run.playbook.digest.as_str().to_owned())
        .bind(json(&run.target)?)
        .bind(run.target.key())
        .bind(json(&run.inputs)?)
        .bind(json(&run.alert)?)
        .bind(word(&run.autonomy)?)
        .bind(run.requested_by)
        .bind(self.now)
        .fetch_one(&mut *self.connection)
        .await
        .map_err(failed("open a run"))?;
        let id = RunId(get(&row, "id")?);
        self.applied.runs.push(id);
        let event = IncidentEvent::RunOpened {
            run: id,
            playbook: run.playbook.name,
            digest: run.playbook.digest.short().to_owned(),
            because,
        };
        note(self.connection, self.now, incident, &event).await
    }

    /// Counts the answer and, as one answer is enough, closes the question and tells the run.
    async fn vote(&mut self, approval: i64, person: String, verdict: Verdict) -> Result<(), StoreError> {
        let voted = sqlx::query(
            "INSERT INTO vote (approval_id, person, verdict, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(approval)
        .bind(&person)
        .bind(word(&verdict)?)
        .bind(self.now)
        .execute(&mut *self.connection)
        .await
        .map_err(failed("count a vote"))?;
        if voted.rows_affected() == 0 {
            return Ok(());
        }
        let state = match verdict {
            Verdict::Approve => ApprovalState::Approved,
            Verdict::Deny => ApprovalState::Denied,
        };
        let row = sqlx::query(
            "UPDATE approval SET state = ?, answered_by = ? WHERE id = ? AND state = 'open' RETURNING run_id, incident_id",
        )
        .bind(word(&state)?)
        .bind(&person)
        .bind(approval)
        .fetch_optional(&mut *self.connection)
        .await
        .map_err(failed("answer an approval"))?;
        let Some(row) = row else { return Ok(()) };
        let approval = crate::model::ApprovalId(approval);
        let (run, incident) = (RunId(get(&row, "run_id")?), IncidentId(get(&row, "incident_id")?));
        self.touched.entry(incident).or_default();
        let item = InboxItem::Answer { approval, verdict, by: person.clone() };
        send_to_run(self.connection, self.now, run, &item).await?;
        note(self.connection, self.now, incident, &IncidentEvent::Answered { approval, verdict, by: person }).await?;
        enqueue_approval(self.connection, self.now, self.sinks, approval).await
    }

    async fn finish(mut self) -> Result<Applied, StoreError> {
        for (incident, (open, all)) in std::mem::take(&mut self.touched) {
            sqlx::query(
                "UPDATE incident SET open_episodes = MAX(0, open_episodes + ?), episodes = episodes + ? WHERE id = ?",
            )
            .bind(open)
            .bind(all)
            .bind(incident.0)
            .execute(&mut *self.connection)
            .await
            .map_err(failed("count an incident's episodes"))?;
            enqueue_card(self.connection, self.now, self.sinks, incident).await?;
        }
        Ok(self.applied)
    }
}
