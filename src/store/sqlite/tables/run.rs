//! Runs, their logs, inboxes, locks and questions.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteTables;
use crate::model::{
    Approval, ApprovalId, ApprovalState, IncidentId, Outcome, PlaybookRef, RunEvent, RunId, Target, Verdict,
};
use crate::store::sqlite::rows::{self, from_json, get, json, micros, micros_after, word};
use crate::store::transaction::{LogEnd, RunRow, RunTable};
use crate::store::{Ask, InboxItem, LogPosition, NewRun, RunHead, StoreError, identity};

pub(in crate::store::sqlite) const CLAIM: &str =
    "UPDATE run SET epoch = epoch + 1, worker = ?1, lease_until = ?3, length = length + 1, fruitless = fruitless + 1
     WHERE id = (SELECT id FROM run
                 WHERE outcome IS NULL AND wake_at <= ?2 AND (lease_until IS NULL OR lease_until <= ?2)
                 ORDER BY wake_at, id LIMIT 1)
     RETURNING *";

/// What limits count: the runs of a playbook on a target since then, the last one first.
pub(in crate::store::sqlite) const HISTORY: &str =
    "SELECT id, incident_id, playbook, target_key, outcome, held, requested_by,
         created_at + created_moved AS created_at, ended_at + ended_moved AS ended_at
     FROM run WHERE playbook = ? AND target_key = ? AND created_at + created_moved >= ? ORDER BY id DESC";

pub(in crate::store::sqlite) const AT_WORK: &str =
    "SELECT id, playbook FROM run WHERE outcome IS NULL AND +target_key = ?1 AND id <> ?2 ORDER BY id LIMIT 1";

pub(in crate::store::sqlite) const HANDED_TO: &str =
    "SELECT next.id FROM run JOIN run AS next ON next.incident_id = run.incident_id
         AND next.handed_over = run.handed_over + 1 AND next.id > run.id
     WHERE run.id = ? AND run.outcome = 'handed_over' ORDER BY next.id LIMIT 1";

#[async_trait]
impl RunTable for SqliteTables<'_> {
    async fn keep_playbook(
        &mut self,
        playbook: &PlaybookRef,
        source: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO playbook (digest, name, version, source, first_seen) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(playbook.digest.as_str().to_owned())
        .bind(playbook.name.clone())
        .bind(playbook.version.clone())
        .bind(source.to_owned())
        .bind(micros(at));
        self.execute("keep a playbook", query).await?;
        Ok(())
    }

    async fn playbook_text(&mut self, playbook: &PlaybookRef) -> Result<Option<String>, StoreError> {
        let query = sqlx::query("SELECT source FROM playbook WHERE digest = ?");
        let row = self.maybe("read a playbook", query.bind(playbook.digest.as_str().to_owned())).await?;
        row.map(|row| get(&row, "source")).transpose()
    }

    async fn run_history(
        &mut self,
        playbook: &str,
        target_key: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<RunHead>, StoreError> {
        let query = sqlx::query(HISTORY).bind(playbook.to_owned()).bind(target_key.to_owned()).bind(micros(since));
        self.all("read the history of runs", query).await?.iter().map(rows::run_head).collect()
    }

    async fn at_work_on(&mut self, target_key: &str, other_than: RunId) -> Result<Option<(RunId, String)>, StoreError> {
        let query = sqlx::query(AT_WORK).bind(target_key.to_owned()).bind(other_than.0);
        let row = self.maybe("look who is at work on a target", query).await?;
        row.map(|row| Ok((RunId(get(&row, "id")?), get(&row, "playbook")?))).transpose()
    }

    async fn handed_to(&mut self, run: RunId) -> Result<Option<RunId>, StoreError> {
        let query = sqlx::query(HANDED_TO);
        let row = self.maybe("look to whom a run was handed over", query.bind(run.0)).await?;
        row.map(|row| Ok(RunId(get(&row, "id")?))).transpose()
    }

    async fn insert_run(&mut self, incident: IncidentId, run: &NewRun, at: DateTime<Utc>) -> Result<RunId, StoreError> {
        let query = sqlx::query(
            "INSERT INTO run (incident_id, playbook, version, digest, target, target_key, inputs, alert, autonomy,
                 requested_by, created_at, wake_at, alert_waited, pins, handed_over)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14) RETURNING id",
        )
        .bind(incident.0)
        .bind(run.playbook.name.clone())
        .bind(run.playbook.version.clone())
        .bind(run.playbook.digest.as_str().to_owned())
        .bind(json(&run.target)?)
        .bind(run.target.key())
        .bind(json(&run.inputs)?)
        .bind(json(&run.alert)?)
        .bind(word(&run.autonomy)?)
        .bind(run.requested_by.clone())
        .bind(micros(at))
        .bind(run.alert_waited.map(|waited| i64::try_from(waited.as_micros()).unwrap_or(i64::MAX)))
        .bind(json(&run.pins.iter().map(|(pin, _)| pin).collect::<Vec<_>>())?)
        .bind(i64::from(run.handed_over));
        Ok(RunId(get(&self.one("open a run", query).await?, "id")?))
    }

    async fn take_due_run(
        &mut self,
        worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<RunRow>, StoreError> {
        let query = sqlx::query(CLAIM).bind(worker.to_owned()).bind(micros(now)).bind(micros(until));
        let Some(row) = self.maybe("claim a run", query).await? else { return Ok(None) };
        Ok(Some(RunRow {
            at: LogPosition { run: RunId(get(&row, "id")?), epoch: get(&row, "epoch")?, length: get(&row, "length")? },
            incident: IncidentId(get(&row, "incident_id")?),
            fruitless: u32::try_from(get::<i64>(&row, "fruitless")?).unwrap_or(u32::MAX),
            run: rows::run(&row),
        }))
    }

    async fn run_subject(&mut self, run: RunId) -> Result<Option<(String, Target)>, StoreError> {
        let query = sqlx::query("SELECT playbook, target FROM run WHERE id = ?");
        let Some(row) = self.maybe("read what a run is about", query.bind(run.0)).await? else { return Ok(None) };
        let target = get(&row, "target").and_then(|text| from_json("target", text));
        Ok(target.ok().map(|target| Ok((get(&row, "playbook")?, target))).transpose()?)
    }

    async fn save_stop(&mut self, run: RunId, key: &str) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE run SET stopped = ? WHERE id = ?");
        self.execute("keep why a run stopped", query.bind(identity(key).into_owned()).bind(run.0)).await?;
        Ok(())
    }

    async fn stopped_alike(
        &mut self,
        key: &str,
        of: IncidentId,
        since: DateTime<Utc>,
    ) -> Result<Option<IncidentId>, StoreError> {
        let query = sqlx::query(
            "SELECT incident.id FROM run JOIN incident ON incident.id = run.incident_id
             WHERE stopped = ?1 AND incident.id <> ?2 AND state <> 'resolved' AND apart = 0
                 AND COALESCE(joined_at, opened_at) >= ?3 AND (SELECT apart FROM incident WHERE id = ?2) = 0
             ORDER BY run.id LIMIT 1",
        );
        let query = query.bind(identity(key).into_owned()).bind(of.0).bind(micros(since));
        let row = self.maybe("look who stopped alike", query).await?;
        row.map(|row| Ok(IncidentId(get(&row, "id")?))).transpose()
    }

    async fn stopped_alike_in(&mut self, run: RunId, incident: IncidentId) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "SELECT EXISTS (SELECT 1 FROM run AS other JOIN run ON run.stopped = other.stopped
                            WHERE run.id = ?1 AND other.id <> ?1 AND other.incident_id = ?2) AS before",
        );
        get(&self.one("look who stopped before", query.bind(run.0).bind(incident.0)).await?, "before")
    }

    async fn log_end(&mut self, run: RunId) -> Result<Option<LogEnd>, StoreError> {
        let query =
            sqlx::query("SELECT incident_id, epoch, length, outcome IS NOT NULL AS has_ended FROM run WHERE id = ?");
        let Some(row) = self.maybe("read where a run's log ends", query.bind(run.0)).await? else { return Ok(None) };
        Ok(Some(LogEnd {
            incident: IncidentId(get(&row, "incident_id")?),
            epoch: get(&row, "epoch")?,
            length: get(&row, "length")?,
            has_ended: get(&row, "has_ended")?,
        }))
    }

    async fn extend_log(
        &mut self,
        run: RunId,
        records: i64,
        lease_until: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE run SET length = length + ?2, fruitless = 0, lease_until = COALESCE(?3, lease_until) WHERE id = ?1",
        );
        self.execute("append to a run", query.bind(run.0).bind(records).bind(lease_until.map(micros))).await?;
        Ok(())
    }

    async fn insert_record(
        &mut self,
        at: LogPosition,
        time: DateTime<Utc>,
        event: &RunEvent,
    ) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT INTO run_event (run_id, seq, epoch, at, event) VALUES (?, ?, ?, ?, ?)")
            .bind(at.run.0)
            .bind(at.length)
            .bind(at.epoch)
            .bind(micros(time))
            .bind(json(event)?);
        self.execute("append to a run's log", query).await?;
        Ok(())
    }

    async fn park_run(&mut self, run: RunId, wake_at: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE run SET wake_at = ?, lease_until = NULL, worker = NULL WHERE id = ?");
        self.execute("park a run", query.bind(micros_after(wake_at)).bind(run.0)).await?;
        Ok(())
    }

    async fn end_run(
        &mut self,
        run: RunId,
        outcome: Outcome,
        because: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE run SET outcome = ?, because = ?, ended_at = ?, lease_until = NULL, worker = NULL WHERE id = ?",
        )
        .bind(word(&outcome)?)
        .bind(because.to_owned())
        .bind(micros(at))
        .bind(run.0);
        self.execute("end a run", query).await?;
        for sql in ["DELETE FROM target_lock WHERE run_id = ?", "DELETE FROM run_inbox WHERE run_id = ?"] {
            self.execute("end a run", sqlx::query(sql).bind(run.0)).await?;
        }
        Ok(())
    }

    async fn save_held(&mut self, run: RunId) -> Result<(), StoreError> {
        self.execute("keep that a run was held", sqlx::query("UPDATE run SET held = 1 WHERE id = ?").bind(run.0))
            .await?;
        Ok(())
    }

    async fn wake_run(&mut self, run: RunId, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let query = sqlx::query("UPDATE run SET wake_at = MIN(wake_at, ?) WHERE id = ? AND outcome IS NULL");
        Ok(self.execute("wake a run", query.bind(micros(at)).bind(run.0)).await?.rows_affected() > 0)
    }

    /// An item that cannot be read is `Unknown`, which escalates, as in the log.
    async fn inbox(&mut self, run: RunId) -> Result<Vec<(i64, InboxItem)>, StoreError> {
        let query = sqlx::query("SELECT id, item FROM run_inbox WHERE run_id = ? ORDER BY id");
        let found = self.all("read a run's inbox", query.bind(run.0)).await?;
        let item = |text: &str| serde_json::from_str(text).unwrap_or(InboxItem::Unknown);
        found.iter().map(|row| Ok((get(row, "id")?, item(get(row, "item")?)))).collect()
    }

    async fn insert_inbox(&mut self, run: RunId, at: DateTime<Utc>, item: &InboxItem) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT INTO run_inbox (run_id, at, item) VALUES (?, ?, ?)");
        self.execute("fill a run's inbox", query.bind(run.0).bind(micros(at)).bind(json(item)?)).await?;
        Ok(())
    }

    async fn delete_inbox(&mut self, run: RunId, items: &[i64]) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM run_inbox WHERE run_id = ? AND id IN (SELECT value FROM json_each(?))");
        self.execute("empty a run's inbox", query.bind(run.0).bind(json(&items)?)).await?;
        Ok(())
    }

    async fn lock_of_another(&mut self, run: RunId, keys: &[String]) -> Result<Option<(String, RunId)>, StoreError> {
        let query = sqlx::query(
            "SELECT target_key, run_id FROM target_lock
             WHERE target_key IN (SELECT value FROM json_each(?)) AND run_id <> ? ORDER BY target_key LIMIT 1",
        );
        let row = self.maybe("look at locks", query.bind(json(&keys)?).bind(run.0)).await?;
        row.map(|row| Ok((get(&row, "target_key")?, RunId(get(&row, "run_id")?)))).transpose()
    }

    async fn take_locks(&mut self, run: RunId, keys: &[String], at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut keys = keys.to_vec();
        keys.sort();
        for key in keys {
            let query = sqlx::query(
                "INSERT INTO target_lock (target_key, run_id, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            );
            self.execute("take a lock", query.bind(key).bind(run.0).bind(micros(at))).await?;
        }
        Ok(())
    }

    async fn insert_approval(
        &mut self,
        run: RunId,
        incident: IncidentId,
        ask: &Ask,
        at: DateTime<Utc>,
    ) -> Result<ApprovalId, StoreError> {
        let query = sqlx::query(
            "INSERT INTO approval (run_id, incident_id, preview, digest, state, asked_at, expires_at, terms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(run.0)
        .bind(incident.0)
        .bind(json(&ask.preview)?)
        .bind(ask.preview.digest().as_str().to_owned())
        .bind(word(&ApprovalState::Open)?)
        .bind(micros(at))
        .bind(micros(ask.expires_at))
        .bind(json(&ask.terms)?);
        Ok(ApprovalId(get(&self.one("ask for an approval", query).await?, "id")?))
    }

    async fn approval_row(&mut self, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
        let query = sqlx::query(concat!(rows::approvals!(), " WHERE id = ?"));
        let row = self.maybe("read an approval", query.bind(id.0)).await?;
        row.as_ref().map(rows::approval).transpose()
    }

    async fn insert_vote(
        &mut self,
        approval: ApprovalId,
        person: &str,
        verdict: Verdict,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO vote (approval_id, person, verdict, at) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET verdict = excluded.verdict, at = excluded.at",
        )
        .bind(approval.0)
        .bind(person.to_owned())
        .bind(word(&verdict)?)
        .bind(micros(at));
        self.execute("count a vote", query).await?;
        Ok(())
    }

    async fn close_approval(
        &mut self,
        id: ApprovalId,
        state: ApprovalState,
        answered_by: Option<&str>,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE approval SET state = ?, answered_by = ?, reason = ? WHERE id = ?");
        let (by, reason) = (answered_by.map(str::to_owned), reason.map(str::to_owned));
        let query = query.bind(word(&state)?).bind(by).bind(reason).bind(id.0);
        self.execute("close a question", query).await?;
        Ok(())
    }

    async fn open_approvals_of(&mut self, run: RunId) -> Result<Vec<ApprovalId>, StoreError> {
        let query = sqlx::query("SELECT id FROM approval WHERE run_id = ? AND state = 'open' ORDER BY id");
        let found = self.all("read the questions of a run", query.bind(run.0)).await?;
        found.iter().map(|row| Ok(ApprovalId(get(row, "id")?))).collect()
    }
}
