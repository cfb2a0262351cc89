//! Claiming and reading runs.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::rows::{self, get, get_time, get_time_or, micros};
use super::{SqliteStore, failed, past, remedies};
use crate::model::{Approval, ApprovalId, Digest, IncidentId, PastRun, PlaybookRef, Remedy, Run, RunEvent, RunId};
use crate::store::{Append, Appended, ClaimedRun, EarlierRemedy, LogPosition, RunStore, StoreError, transaction};

pub(super) const UNDER_WAY: &str = "SELECT * FROM run WHERE outcome IS NULL ORDER BY id";

pub(super) const NEXT_DUE: &str =
    "SELECT MIN(MAX(wake_at, COALESCE(lease_until, wake_at))) AS due FROM run WHERE outcome IS NULL";

#[async_trait]
impl RunStore for SqliteStore {
    async fn claim_run(&self, worker: &str, lease: Duration) -> Result<Option<ClaimedRun>, StoreError> {
        let worker = worker.to_owned();
        let claimed = self.transact("claim a run", move |mut tx| {
            Box::pin(async move { transaction::claim(&mut tx, &worker, lease).await })
        });
        let claimed = claimed.await?;
        if claimed.ended {
            self.bells.signals.ring();
            self.bells.outbox.ring();
        }
        let Some(mut claimed) = claimed.run else { return Ok(None) };
        // The lease is ours: nobody else appends while we read, and the writer need not wait for a long log.
        claimed.log = self.run_log(claimed.run.id).await?;
        Ok(Some(claimed))
    }

    async fn next_run_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row =
            sqlx::query(NEXT_DUE).fetch_one(&self.reads).await.map_err(failed("read when the next run is due"))?;
        get_time_or(&row, "due")
    }

    async fn append(&self, at: LogPosition, records: Append) -> Result<Appended, StoreError> {
        let records = records.masked();
        let (ends, parks) = (records.end.is_some(), records.park_until.is_some());
        let pages = !records.pages.is_empty();
        let appended = self.transact("append to a run", move |mut tx| {
            Box::pin(async move { transaction::append(&mut tx, at, records).await })
        });
        let appended = appended.await?;
        self.bells.outbox.ring();
        if pages {
            // One that is folded has a time of its own.
            self.bells.decisions.ring();
        }
        if ends {
            self.bells.signals.ring();
        }
        if ends || parks {
            // Its locks are free, or its timer is set: who rests until another time must look again.
            self.bells.runs.ring();
        }
        Ok(appended)
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        let row = sqlx::query("SELECT * FROM run WHERE id = ?")
            .bind(id.0)
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read a run"))?;
        row.as_ref().map(rows::run_to_look_at).transpose()
    }

    async fn runs_of(&self, incident: IncidentId) -> Result<Vec<Run>, StoreError> {
        let found = sqlx::query("SELECT * FROM run WHERE incident_id = ? ORDER BY id")
            .bind(incident.0)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read the runs of an incident"))?;
        found.iter().map(rows::run_to_look_at).collect()
    }

    async fn runs_ended(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Run>, StoreError> {
        let found = sqlx::query("SELECT * FROM run WHERE ended_at >= ? AND ended_at < ? ORDER BY ended_at, id")
            .bind(micros(from))
            .bind(micros(to))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read the runs of a shift"))?;
        found.iter().map(rows::run_to_look_at).collect()
    }

    async fn runs_under_way(&self) -> Result<Vec<Run>, StoreError> {
        let found = sqlx::query(UNDER_WAY).fetch_all(&self.reads).await.map_err(failed("read the runs under way"))?;
        found.iter().map(rows::run_to_look_at).collect()
    }

    async fn run_log(&self, id: RunId) -> Result<Vec<(DateTime<Utc>, RunEvent)>, StoreError> {
        let found = sqlx::query("SELECT at, event FROM run_event WHERE run_id = ? ORDER BY seq")
            .bind(id.0)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read a run's log"))?;
        found.iter().map(|row| Ok((get_time(row, "at")?, event(get(row, "event")?)))).collect()
    }

    async fn runs_about(
        &self,
        target_key: &str,
        since: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<PastRun>, StoreError> {
        past::runs_about(&self.reads, target_key, since, limit).await
    }

    async fn earlier_remedies(
        &self,
        remedy: &Remedy,
        not: RunId,
        since: DateTime<Utc>,
    ) -> Result<Vec<EarlierRemedy>, StoreError> {
        remedies::earlier(&self.reads, remedy, not, since).await
    }

    async fn approval(&self, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
        let row = sqlx::query(concat!(rows::approvals!(), " WHERE id = ?"))
            .bind(id.0)
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read an approval"))?;
        row.as_ref().map(rows::approval).transpose()
    }

    async fn approvals_of(&self, incident: IncidentId) -> Result<Vec<Approval>, StoreError> {
        let found = sqlx::query(concat!(rows::approvals!(), " WHERE incident_id = ? AND state = 'open' ORDER BY id"))
            .bind(incident.0)
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read an incident's open questions"))?;
        found.iter().map(rows::approval).collect()
    }

    async fn open_approvals(&self) -> Result<Vec<Approval>, StoreError> {
        let found = sqlx::query(concat!(rows::approvals!(), " WHERE state = 'open' ORDER BY id"))
            .fetch_all(&self.reads)
            .await
            .map_err(failed("read the open approvals"))?;
        Ok(rows::readable(&found, rows::approval))
    }

    async fn keep_playbook(&self, playbook: &PlaybookRef, source: &str) -> Result<(), StoreError> {
        let (playbook, source) = (playbook.clone(), source.to_owned());
        self.transact("keep a playbook", move |tx| {
            Box::pin(async move { tx.tables.keep_playbook(&playbook, &source, tx.now).await })
        })
        .await
    }

    async fn playbook_source(&self, digest: &Digest) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT source FROM playbook WHERE digest = ?")
            .bind(digest.as_str().to_owned())
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read a playbook"))?;
        row.map(|row| get(&row, "source")).transpose()
    }
}

/// A record of the log. One that cannot be read is `Unknown`, which escalates: a run must never hang on its own log.
fn event(text: &str) -> RunEvent {
    serde_json::from_str(text).unwrap_or(RunEvent::Unknown)
}
