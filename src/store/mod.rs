//! What must not be forgotten. A store offers named transactions, never a pool: each method is one, and what it says
//! it did is durable when it returns.
//!
//! What a transaction decides stands in `rules`, as pure functions; `transaction` reads, asks them,
//! and writes, over the tables that a backend brings. SQLite is the embedded default ([`sqlite`]);
//! PostgreSQL, for several replicas, will stand beside it with the same migration numbers.

mod attempts;
mod counted;
mod decision;
mod error;
mod escalations;
mod folds;
mod freezes;
mod happened;
mod limits;
mod log;
mod masking;
mod outbox;
mod overrides;
mod page_order;
mod paging;
mod playbooks;
mod queue;
mod reach;
mod records;
mod rules;
mod sinks;
pub mod sqlite;
mod standing;
#[cfg(test)]
#[path = "../../tests/world/story/mod.rs"]
pub(crate) mod story;
mod tickets;
mod transaction;
mod windows;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

pub use attempts::{Attempt, PageAttempts};
pub use counted::{AffectedStore, CountedObject, Firing};
pub use decision::{
    Applied, Change, CommandReply, Decision, InboxItem, IncidentRef, NewEpisode, NewIncident, NewRun, NewVote,
};
pub use error::StoreError;
pub use escalations::{Before, Escalated, Escalation, EscalationStore, EscalationWhy, NextCall};
pub use folds::{Fold, FoldStore, FoldedIncident, SpentBudget};
pub use freezes::{FreezeStore, NewFreeze, StartedOf};
pub use happened::IncidentEvent;
pub use limits::BreakerStore;
pub use log::{Append, Appended, Ask, ClaimedRun, Guard, HandOver, LogPosition};
pub use masking::{identity, masked_body, stored_grouping, unfit_to_act_on};
pub use outbox::OutboxStore;
pub use overrides::{NewOverride, OverrideStore};
pub use page_order::PageOrder;
pub use paging::{DuePage, NewPage, PageReason};
pub use playbooks::{KeptPlaybook, PlaybookRuns, PlaybookStore};
pub use queue::{Accepted, Delivered, DeliveredPart, PendingSignal, Whose};
pub use reach::{PageDelivery, Reach};
pub use records::{
    AlertCount, Delivery, DeliveryId, DeliverySubject, EarlierRemedy, EpisodeHead, HandoffRecord, IncidentFilter,
    IncidentView, ObjectRow, Page, PageOutline, RecentIncident, RunEnd, RunHead, ShiftView, Teams, TimelineEntry,
    TimelineWhat,
};
pub use rules::{Groups, OverLimit, holds_back};
pub use sinks::Sinks;
pub use standing::{PageStands, Standing, Told, next_event};
pub use tickets::{
    FiledWork, NewTicket, Ticket, TicketFacts, TicketFailure, TicketPlace, TicketSinks, TicketSite, TicketStore,
    TicketTrouble, Work,
};
pub use windows::{FiringAlert, HeldIncident, NewWindow, OpenAlert, WindowOrigin, WindowStore};

use crate::metrics::{Levels, PagesMade};
use crate::model::{
    Approval, ApprovalId, Beat, Concern, Digest, Episode, EpisodeId, Heartbeat, HeartbeatKey, Incident, IncidentId,
    PageId, PastRun, PlaybookRef, Remedy, Run, RunEvent, RunId, Signal, SignalId,
};
use crate::worker::Bell;

/// The front door and its queue: what came in, before anything was decided about it.
#[async_trait]
pub trait SignalStore: Send + Sync {
    /// Makes the signal durable. The same (source, key) again changes nothing but a counter, unless
    /// it is a notification and what may end an episode came in since it was told last: then it is
    /// worked on once more, in its place behind that, as it may tell that the alert fires again.
    /// One that tells of ends is worked on again after anything else. A command with a known key
    /// that says something else is [`Accepted::Other`], and is not taken in.
    async fn accept(&self, signal: &Signal) -> Result<Accepted, StoreError>;

    /// Makes all of a delivery durable, a signal for each of its parts, in one transaction. As with
    /// [`SignalStore::accept`], the same again changes nothing.
    async fn accept_delivery(&self, delivered: Delivered) -> Result<Vec<Accepted>, StoreError>;

    /// The signal whose turn it is.
    async fn next_signal(&self, whose: Whose<'_>) -> Result<Option<PendingSignal>, StoreError>;

    /// Counts that work on it begins, before it does: also when the process dies of it. Up to
    /// `more` others that come next and were never tried are counted with it, and given back: those
    /// need not be counted again by whoever goes on to them. What was tried before is counted
    /// alone, so that nobody is taken for the cause of another one's death more than once.
    async fn begin_signal(&self, signal: SignalId, more: usize) -> Result<Vec<SignalId>, StoreError>;

    /// The oldest signals that nobody has worked on and whose time has come, in the order in which they came.
    ///
    /// # Errors
    /// [`StoreError::UnreadableSignal`] when one of them cannot be read; with a limit of 1 it is the one whose turn it is.
    async fn pending_signals(&self, limit: usize) -> Result<Vec<(SignalId, Signal)>, StoreError>;

    /// Alerts are sorted into lanes by these words from now on. When they are others than before,
    /// the alerts that wait go first, so that nothing that comes now overtakes what was told before
    /// it. Repeating it changes nothing.
    async fn sorts_by(&self, words: &Digest) -> Result<(), StoreError>;

    /// When the next signal that was put off is to be worked on.
    async fn next_signal_due(&self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Takes a signal out of the queue that cannot be worked on, and carries out what is decided instead. Its body and `because` are
    /// kept. All or nothing; a signal that was worked on already gives [`StoreError::Fenced`] and changes nothing.
    async fn set_aside(&self, signal: SignalId, because: &str, decision: Decision) -> Result<Applied, StoreError>;

    /// The answer to a command's signal: `None` while it has not been worked on.
    async fn reply(&self, signal: SignalId) -> Result<Option<CommandReply>, StoreError>;
}

/// Episodes, incidents and pages.
#[async_trait]
pub trait IncidentStore: Send + Sync {
    /// The latest episode of each of these alerts, by fingerprint; alerts that never fired are left out.
    async fn latest_episodes(
        &self,
        source: &str,
        fingerprints: &[&str],
    ) -> Result<HashMap<String, EpisodeHead>, StoreError>;

    /// Those of these firings (fingerprint and start) that are known.
    async fn known_firings(
        &self,
        source: &str,
        firings: &[(&str, DateTime<Utc>)],
    ) -> Result<HashSet<(String, DateTime<Utc>)>, StoreError>;

    /// The labels that an episode was opened with.
    async fn labels_of(&self, episode: EpisodeId) -> Result<BTreeMap<String, String>, StoreError>;

    /// The latest incident that alerts join by each of these keys of groupings, with its runs that
    /// are under way; keys without one are left out. One that was merged is the one that it is part
    /// of.
    async fn incidents_by_grouping(&self, keys: &[&str]) -> Result<HashMap<String, IncidentView>, StoreError>;

    /// The number that the next incident has. Whoever works on signals opens incidents, and nobody
    /// else does.
    async fn next_incident_id(&self) -> Result<IncidentId, StoreError>;

    /// The unresolved incident that each of these objects has something firing in, by the key of
    /// the object.
    async fn incidents_by_object(&self, keys: &[&str]) -> Result<HashMap<String, IncidentId>, StoreError>;

    /// The unresolved incidents that something joined at or after `since`, and that may have
    /// something in common with others: the newest, up to 200.
    async fn recent_incidents(&self, since: DateTime<Utc>) -> Result<Vec<RecentIncident>, StoreError>;

    /// What fires in an incident, by what it is about, the oldest first.
    async fn objects_of(&self, incident: IncidentId, limit: usize) -> Result<Vec<ObjectRow>, StoreError>;

    /// About how many things something fires in it.
    async fn count_objects(&self, incident: IncidentId) -> Result<u64, StoreError>;

    /// Those incidents, with their runs that are under way.
    async fn incident_views(&self, ids: &[IncidentId]) -> Result<Vec<IncidentView>, StoreError>;

    /// The runs of that playbook on that target that began at or after `since`, the newest first.
    async fn run_history(
        &self,
        playbook: &str,
        target_key: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<RunHead>, StoreError>;

    /// Carries out a decision about a signal, marks the signal as worked on and keeps the reply. All or nothing; a signal
    /// that was worked on already gives [`StoreError::Fenced`] and changes nothing.
    async fn apply(&self, signal: SignalId, decision: Decision) -> Result<Applied, StoreError>;

    /// Incidents whose time to page has come, and the next such time after `now`.
    async fn due_pages(&self, now: DateTime<Utc>) -> Result<(Vec<Incident>, Option<DateTime<Utc>>), StoreError>;

    /// Pages for an incident whose time has come, on the condition that `page_at` is still in the
    /// past and its state is still the one that was decided about.
    async fn page_now(&self, incident: IncidentId, due: DuePage) -> Result<bool, StoreError>;

    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError>;
    async fn incidents(&self, filter: IncidentFilter) -> Result<Vec<Incident>, StoreError>;

    /// Some of the incident's episodes, the open ones first, then those that were closed last.
    async fn episodes(&self, incident: IncidentId, limit: usize) -> Result<Vec<Episode>, StoreError>;

    /// What the incident is about; nothing, if there is none.
    async fn concern_of(&self, incident: IncidentId) -> Result<Concern, StoreError>;

    /// Everything that happened to an incident, its runs' logs included, in order.
    async fn timeline(&self, incident: IncidentId) -> Result<Vec<TimelineEntry>, StoreError>;

    /// The incident's pages, in order.
    async fn pages_of(&self, incident: IncidentId) -> Result<Vec<Page>, StoreError>;

    /// What was told of these pages, to whom, and what came of it, in order.
    async fn page_attempts(&self, incident: IncidentId) -> Result<Vec<PageAttempts>, StoreError>;
    /// All pages that nobody has acknowledged, in order.
    async fn unanswered_pages(&self) -> Result<Vec<Page>, StoreError>;
    async fn page(&self, id: PageId) -> Result<Option<Page>, StoreError>;
    /// What is left of a page that cannot be read; `None` when its row is gone.
    async fn page_outline(&self, id: PageId) -> Result<Option<PageOutline>, StoreError>;
    /// Pages that were made in `from..to`, in order.
    async fn pages(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Page>, StoreError>;

    /// How many pages were made after the one with this number; it is a step into the table's end.
    async fn pages_made(&self, after: PageId) -> Result<PagesMade, StoreError>;

    /// How often each alert of the teams' incidents fired in `from..to`, the noisiest first.
    async fn alert_counts(
        &self,
        teams: &Teams,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<AlertCount>, StoreError>;

    /// How much there is of what, now.
    async fn levels(&self) -> Result<Levels, StoreError>;
}

/// Runs and their logs.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Takes the lease of the run that is due longest, appends `claimed`, and gives all that is needed to go on.
    /// `None` when nothing is due.
    async fn claim_run(&self, worker: &str, lease: Duration) -> Result<Option<ClaimedRun>, StoreError>;

    /// When the next run is due (in the past when one is waiting for a worker).
    async fn next_run_due(&self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Appends to the log of a run and does all that belongs to it in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost: the epoch or the length of the log is not as expected.
    async fn append(&self, at: LogPosition, append: Append) -> Result<Appended, StoreError>;

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError>;
    async fn runs_of(&self, incident: IncidentId) -> Result<Vec<Run>, StoreError>;
    /// Runs that ended in `from..to`, in order.
    async fn runs_ended(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Run>, StoreError>;
    /// Runs that have not ended.
    async fn runs_under_way(&self) -> Result<Vec<Run>, StoreError>;
    async fn run_log(&self, id: RunId) -> Result<Vec<(DateTime<Utc>, RunEvent)>, StoreError>;
    /// The runs about that target (its [`key`](crate::model::Target::key)) that began at or after
    /// `since`, whatever their playbook, the newest first, so many at the most.
    async fn runs_about(
        &self,
        target_key: &str,
        since: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<PastRun>, StoreError>;

    /// The changes of that sort that runs other than this one made, or may have made, and that have
    /// not ended or did so at or after `since`: the latest, up to 20.
    async fn earlier_remedies(
        &self,
        remedy: &Remedy,
        not: RunId,
        since: DateTime<Utc>,
    ) -> Result<Vec<EarlierRemedy>, StoreError>;

    async fn approval(&self, id: ApprovalId) -> Result<Option<Approval>, StoreError>;
    /// Those of an incident that nobody has answered, in order.
    async fn approvals_of(&self, incident: IncidentId) -> Result<Vec<Approval>, StoreError>;
    /// All approvals that nobody has answered.
    async fn open_approvals(&self) -> Result<Vec<Approval>, StoreError>;

    /// Keeps a playbook's text, by its digest. Repeating it changes nothing.
    async fn keep_playbook(&self, playbook: &PlaybookRef, source: &str) -> Result<(), StoreError>;
    async fn playbook_source(&self, digest: &Digest) -> Result<Option<String>, StoreError>;
}

/// What must keep coming.
#[async_trait]
pub trait HeartbeatStore: Send + Sync {
    /// They came, or are over: how they stand is durable when it returns.
    async fn beat(&self, beats: Vec<Beat>) -> Result<(), StoreError>;

    /// All that ever came and was not forgotten, in order.
    async fn heartbeats(&self) -> Result<Vec<Heartbeat>, StoreError>;

    /// Nobody waits for it any longer. Repeating it changes nothing.
    async fn forget_heartbeat(&self, key: &HeartbeatKey) -> Result<(), StoreError>;
}

/// What waits for a time.
#[async_trait]
pub trait ClockStore: Send + Sync {
    /// Moves all that waits for a time by `by`, as the wall clock was set by as much, and tells so
    /// on the timelines of those for whom something waits. History keeps its times. The caller's
    /// clock follows once this is durable, and nobody may be at work meanwhile: a time that was
    /// worked out before, and is written after it, would be off by as much.
    async fn move_what_waits(&self, by: TimeDelta) -> Result<(), StoreError>;
}

/// What a shift hands over, and the handoffs that were written.
#[async_trait]
pub trait HandoffStore: Send + Sync {
    /// What a shift of these teams from `from` to `to` leaves, and what happened in it. The shift
    /// may go on still.
    async fn shift_view(&self, teams: &Teams, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<ShiftView, StoreError>;

    /// Remembers a handoff; `false` when the one of that team and shift was remembered already.
    async fn keep_handoff(&self, record: &HandoffRecord) -> Result<bool, StoreError>;
    /// The newest handoff of a team whose shift has ended: one of a shift to come was written by a
    /// clock that was ahead.
    async fn last_handoff(&self, team: &str) -> Result<Option<HandoffRecord>, StoreError>;
}

/// The whole store.
pub trait Store:
    SignalStore
    + IncidentStore
    + AffectedStore
    + RunStore
    + OutboxStore
    + HandoffStore
    + HeartbeatStore
    + ClockStore
    + WindowStore
    + FoldStore
    + EscalationStore
    + TicketStore
    + OverrideStore
    + FreezeStore
    + BreakerStore
    + PlaybookStore
    + 'static
{
    /// Rung after each commit that leaves something to do.
    fn bells(&self) -> &Bells;

    /// Eight hexadecimal digits that tell what it keeps from what every other one does.
    fn mark(&self) -> &str;

    /// Why nothing can be written at the moment, as far as the last attempts tell.
    fn trouble(&self) -> Option<StoreTrouble> {
        None
    }
}

/// Why a store cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreTrouble {
    pub why: String,
    /// On the monotonic clock.
    pub since: Duration,
    /// Whether a new process may do better. It does not where a disk is full.
    pub restart_helps: bool,
}

/// Who is to look again.
#[derive(Debug, Default)]
pub struct Bells {
    /// Signals came in.
    pub signals: Bell,
    /// Signals were worked on: replies are there, and pages may be due at another time.
    pub decisions: Bell,
    /// Runs were opened or woken.
    pub runs: Bell,
    /// Deliveries are due.
    pub outbox: Bell,
    /// What must keep coming came, or is over.
    pub heartbeats: Bell,
    /// An override was made or ended: somebody else is on call.
    pub overrides: Bell,
    /// The clock was set, or somebody else is on call: what is due by the calendar is due at
    /// another time.
    pub clock: Bell,
}
