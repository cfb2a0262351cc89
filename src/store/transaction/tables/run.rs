//! Runs, their logs, inboxes, locks and questions.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{
    Approval, ApprovalId, ApprovalState, IncidentId, Outcome, PlaybookRef, Run, RunEvent, RunId, Target, Verdict,
};
use crate::store::{Ask, InboxItem, LogPosition, NewRun, RunHead, StoreError};

/// Where a run's log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct LogEnd {
    pub incident: IncidentId,
    pub epoch: i64,
    pub length: i64,
    pub has_ended: bool,
}

/// A run that was claimed.
pub(in crate::store) struct RunRow {
    pub at: LogPosition,
    pub incident: IncidentId,
    /// How many claims in a row, this one included, appended nothing but `claimed`.
    pub fruitless: u32,
    /// What it is; or why that cannot be read.
    pub run: Result<Run, StoreError>,
}

#[async_trait]
pub(in crate::store) trait RunTable {
    /// Keeps a playbook's text, by its digest. Repeating it changes nothing.
    async fn keep_playbook(
        &mut self,
        playbook: &PlaybookRef,
        source: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    async fn playbook_text(&mut self, playbook: &PlaybookRef) -> Result<Option<String>, StoreError>;

    /// The runs of that playbook on that target which were opened since then; the last one first.
    async fn run_history(
        &mut self,
        playbook: &str,
        target_key: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<RunHead>, StoreError>;

    /// A run under way on that target, other than this one, with its playbook.
    async fn at_work_on(&mut self, target_key: &str, other_than: RunId) -> Result<Option<(RunId, String)>, StoreError>;

    /// The run to which that one was handed over.
    async fn handed_to(&mut self, run: RunId) -> Result<Option<RunId>, StoreError>;

    async fn insert_run(&mut self, incident: IncidentId, run: &NewRun, at: DateTime<Utc>) -> Result<RunId, StoreError>;

    /// Takes the lease of the run that is due longest, and makes room for one record.
    async fn take_due_run(
        &mut self,
        worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<RunRow>, StoreError>;

    /// What it runs, and on what; `None` when that cannot be read.
    async fn run_subject(&mut self, run: RunId) -> Result<Option<(String, Target)>, StoreError>;

    /// Keeps for which reason it needs a person, in common with others.
    async fn save_stop(&mut self, run: RunId, key: &str) -> Result<(), StoreError>;

    /// An unresolved incident other than `of` that something joined since, in which a run stopped
    /// for that reason: the first. None that a person has set apart, nor where `of` is such a one.
    async fn stopped_alike(
        &mut self,
        key: &str,
        of: IncidentId,
        since: DateTime<Utc>,
    ) -> Result<Option<IncidentId>, StoreError>;

    /// Whether another run of the incident stopped for the same reason as this one.
    async fn stopped_alike_in(&mut self, run: RunId, incident: IncidentId) -> Result<bool, StoreError>;

    async fn log_end(&mut self, run: RunId) -> Result<Option<LogEnd>, StoreError>;

    /// The log is longer by so many records, and the lease lasts until then (`None`: as long as
    /// before).
    async fn extend_log(
        &mut self,
        run: RunId,
        records: i64,
        lease_until: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError>;

    async fn insert_record(&mut self, at: LogPosition, time: DateTime<Utc>, event: &RunEvent)
    -> Result<(), StoreError>;

    /// Gives up the lease, and has the run due at that time.
    async fn park_run(&mut self, run: RunId, wake_at: DateTime<Utc>) -> Result<(), StoreError>;

    /// It has an outcome; nobody holds it any more, nor it any lock, and its inbox is gone.
    async fn end_run(
        &mut self,
        run: RunId,
        outcome: Outcome,
        because: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// A brake held it before it began any change.
    async fn save_held(&mut self, run: RunId) -> Result<(), StoreError>;

    /// Has it due now, if it is not before; `false` when it has ended.
    async fn wake_run(&mut self, run: RunId, at: DateTime<Utc>) -> Result<bool, StoreError>;

    async fn inbox(&mut self, run: RunId) -> Result<Vec<(i64, InboxItem)>, StoreError>;

    async fn insert_inbox(&mut self, run: RunId, at: DateTime<Utc>, item: &InboxItem) -> Result<(), StoreError>;

    async fn delete_inbox(&mut self, run: RunId, items: &[i64]) -> Result<(), StoreError>;

    /// The first of these locks, in the order of their keys, that another run holds.
    async fn lock_of_another(&mut self, run: RunId, keys: &[String]) -> Result<Option<(String, RunId)>, StoreError>;

    async fn take_locks(&mut self, run: RunId, keys: &[String], at: DateTime<Utc>) -> Result<(), StoreError>;

    async fn insert_approval(
        &mut self,
        run: RunId,
        incident: IncidentId,
        ask: &Ask,
        at: DateTime<Utc>,
    ) -> Result<ApprovalId, StoreError>;

    async fn approval_row(&mut self, id: ApprovalId) -> Result<Option<Approval>, StoreError>;

    /// The person's answer, in the place of one that they gave before.
    async fn insert_vote(
        &mut self,
        approval: ApprovalId,
        person: &str,
        verdict: Verdict,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    async fn close_approval(
        &mut self,
        id: ApprovalId,
        state: ApprovalState,
        answered_by: Option<&str>,
        reason: Option<&str>,
    ) -> Result<(), StoreError>;

    /// Those of a run that nobody has answered.
    async fn open_approvals_of(&mut self, run: RunId) -> Result<Vec<ApprovalId>, StoreError>;
}
