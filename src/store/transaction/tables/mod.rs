//! What a backend reads and writes within a transaction. No method decides: each does what it
//! says, to the rows that it names. Rows that are read stay as they are until the end of the
//! transaction, as nobody else writes them meanwhile.

mod clock;
mod delivery;
mod escalation;
mod fold;
mod freeze;
mod heartbeat;
mod limit;
mod overrides;
mod remedy;
mod run;
mod ticket;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{EpisodeId, Grouping, Incident, IncidentId, Joins, Lane, PageId, SignalId, TicketId, WindowId};
use crate::store::rules::{MadePage, Newest, Place, WaitingPage};
use crate::store::{
    CommandReply, DeliveryId, DeliverySubject, IncidentEvent, NewEpisode, NewIncident, NewPage, StoreError, Told,
};

pub(in crate::store) use clock::ClockTable;
pub(in crate::store) use delivery::{DeliveryTable, ToldPage};
pub(in crate::store) use escalation::EscalationTable;
pub(in crate::store) use fold::{FoldRow, FoldTable, NewFold, Shape};
pub(in crate::store) use freeze::{FreezeTable, UnderWayRow};
pub(in crate::store) use heartbeat::HeartbeatTable;
pub(in crate::store) use limit::{Helped, LimitTable};
pub(in crate::store) use overrides::OverrideTable;
pub(in crate::store) use remedy::RemedyTable;
pub(in crate::store) use run::{LogEnd, RunRow, RunTable};
pub(in crate::store) use ticket::{SameWork, TicketRow, TicketTable};
pub(in crate::store) use window::{Hold, KeptWindow, WindowTable};

/// All tables of a store.
pub(in crate::store) trait Tables:
    SignalTable
    + IncidentTable
    + PageTable
    + FoldTable
    + EscalationTable
    + RemedyTable
    + LimitTable
    + RunTable
    + DeliveryTable
    + ClockTable
    + HeartbeatTable
    + WindowTable
    + TicketTable
    + OverrideTable
    + FreezeTable
    + Send
{
}

/// A signal to let in.
#[derive(Debug, Clone)]
pub(in crate::store) struct SignalRow {
    pub source: String,
    pub key: String,
    pub received_at: DateTime<Utc>,
    pub lane: Lane,
    /// What a command says, by digest.
    pub said: Option<String>,
    /// JSON.
    pub body: String,
    /// It is not worked on before.
    pub not_before: Option<DateTime<Utc>>,
}

#[async_trait]
pub(in crate::store) trait SignalTable {
    /// What is there of that source and key, and what it says, by digest, if it is a command. It is
    /// counted that it came once more.
    async fn count_delivery(
        &mut self,
        source: &str,
        key: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<(SignalId, Option<String>)>, StoreError>;

    /// The rows of these keys.
    async fn places(&mut self, source: &str, keys: &[&str]) -> Result<Vec<Place>, StoreError>;

    async fn newest(&mut self) -> Result<Newest, StoreError>;

    /// Episodes may end by that signal.
    async fn remember_end(&mut self, id: SignalId) -> Result<(), StoreError>;

    /// `None`: there is one of that source and key.
    async fn insert_signal(&mut self, row: &SignalRow) -> Result<Option<SignalId>, StoreError>;

    /// Has it worked on as what came in last, without the pieces that it had. Its number changes:
    /// whoever works on it at its old place is fenced off.
    async fn queue_again(
        &mut self,
        id: SignalId,
        body: &str,
        lane: Lane,
        at: DateTime<Utc>,
    ) -> Result<SignalId, StoreError>;

    /// Keeps what is to be worked on after the signal's own body, in order.
    async fn keep_pieces(&mut self, id: SignalId, pieces: Vec<String>) -> Result<(), StoreError>;

    /// Puts the next piece in the place of the one that was worked on; `false` when that was the
    /// last.
    async fn next_piece(&mut self, id: SignalId) -> Result<bool, StoreError>;

    /// Marks it as worked on, drops its body and keeps the reply; `false` when it was before.
    async fn finish_signal(
        &mut self,
        id: SignalId,
        at: DateTime<Utc>,
        reply: Option<&CommandReply>,
    ) -> Result<bool, StoreError>;

    /// The body as it lies there: it may be what cannot be read.
    async fn signal_body(&mut self, id: SignalId) -> Result<Vec<u8>, StoreError>;

    /// Keeps why a signal that counts as worked on was not, and what it said; `false` when it has
    /// more pieces, and goes on with those.
    async fn keep_aside(&mut self, id: SignalId, body: &str, because: &str) -> Result<bool, StoreError>;

    /// The same for one piece of it, as a signal of its own.
    async fn keep_piece_aside(
        &mut self,
        id: SignalId,
        at: DateTime<Utc>,
        body: &str,
        because: &str,
    ) -> Result<(), StoreError>;
}

/// How episodes end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct EpisodeEnd {
    pub at: DateTime<Utc>,
    /// The signal that told it.
    pub by: SignalId,
    /// The start that it was told with, where it is another than the episode's.
    pub start: Option<DateTime<Utc>>,
}

/// What an episode is when it fires again.
pub(in crate::store) struct EpisodeAgain {
    /// The maintenance window that covers it.
    pub held_by: Option<WindowId>,
    pub counted_as: Option<String>,
}

#[async_trait]
pub(in crate::store) trait IncidentTable {
    /// Its alerts by name, with the namespace that their labels say.
    async fn alert_names(&mut self, id: IncidentId) -> Result<Vec<(String, Option<String>)>, StoreError>;

    async fn incident_row(&mut self, id: IncidentId) -> Result<Option<Incident>, StoreError>;

    /// Whose it is, also when nothing else of it can be read.
    async fn team_of(&mut self, id: IncidentId) -> Result<String, StoreError>;

    async fn insert_incident(&mut self, new: NewIncident, at: DateTime<Utc>) -> Result<Incident, StoreError>;

    /// Keeps the latest start that lies before the incident's mitigation at `at`, by each source's
    /// own clock: an episode was opened after it started, and so long after that came this moment,
    /// whatever the source's clock says.
    async fn keep_mitigated_starts(&mut self, id: IncidentId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Writes what changes in an incident's life: not what it is about, nor when it was opened.
    async fn save_incident(&mut self, incident: &Incident) -> Result<(), StoreError>;

    /// # Errors
    /// [`StoreError::Refused`] when there is one of that source, fingerprint and start.
    async fn insert_episodes(
        &mut self,
        at: DateTime<Utc>,
        episodes: &[(IncidentId, NewEpisode)],
    ) -> Result<(), StoreError>;

    /// Whose it is, if it has ended.
    async fn ended_episode(&mut self, id: EpisodeId) -> Result<Option<IncidentId>, StoreError>;

    async fn reopen_episode(
        &mut self,
        id: EpisodeId,
        incident: IncidentId,
        again: EpisodeAgain,
    ) -> Result<(), StoreError>;

    /// Ends them, also those that have ended; gives back how many were open.
    async fn end_episodes(&mut self, ids: &[EpisodeId], end: EpisodeEnd) -> Result<u64, StoreError>;

    /// Ends those of an incident that are open; gives back how many.
    async fn end_episodes_of(&mut self, incident: IncidentId, end: EpisodeEnd) -> Result<u64, StoreError>;

    /// What is said of it now.
    async fn save_annotations(
        &mut self,
        id: EpisodeId,
        annotations: &BTreeMap<String, String>,
    ) -> Result<(), StoreError>;

    /// Others join it by these; what is there of the same key stays, unless it says less.
    async fn insert_causes(&mut self, incident: IncidentId, causes: &[(Grouping, Joins)]) -> Result<(), StoreError>;

    /// A person says that it is no part of another one: nobody joins it any more by what it has in
    /// common with others, nor it them.
    async fn set_apart(&mut self, incident: IncidentId) -> Result<(), StoreError>;

    /// What makes it one incident.
    async fn save_grouping(&mut self, incident: IncidentId, by: &Grouping) -> Result<(), StoreError>;

    /// Moves the episodes and runs of one incident to another one, and remembers from where they
    /// came; gives back how many of the episodes are open, and how many there are.
    async fn move_all(&mut self, from: IncidentId, into: IncidentId) -> Result<(u64, u64), StoreError>;

    /// The same with what fires or ran about one object.
    async fn move_object(&mut self, from: IncidentId, into: IncidentId, object: &str)
    -> Result<(u64, u64), StoreError>;

    /// Moves back what came from one of `members`, of which `to` is the first.
    async fn move_back(&mut self, members: &[IncidentId], to: IncidentId) -> Result<(u64, u64), StoreError>;

    /// Those that were put into it, and into those, itself first.
    async fn members(&mut self, incident: IncidentId) -> Result<Vec<IncidentId>, StoreError>;

    /// Where all that concerns them is told from now on; the first of them was put into `into`.
    async fn save_merged(
        &mut self,
        members: &[IncidentId],
        into: Option<IncidentId>,
        root: Option<IncidentId>,
    ) -> Result<(), StoreError>;

    /// The last line of an incident's timeline, with its number.
    async fn last_note(
        &mut self,
        incident: IncidentId,
    ) -> Result<Option<(i64, DateTime<Utc>, IncidentEvent)>, StoreError>;

    async fn replace_note(&mut self, note: i64, event: &IncidentEvent) -> Result<(), StoreError>;

    async fn insert_note(
        &mut self,
        incident: IncidentId,
        at: DateTime<Utc>,
        event: &IncidentEvent,
    ) -> Result<(), StoreError>;
}

#[async_trait]
pub(in crate::store) trait PageTable {
    /// The page of the incident as it is now: of its spell and severity, at that level.
    async fn made_page(&mut self, incident: &Incident, level: u32) -> Result<Option<MadePage>, StoreError>;

    async fn insert_page(
        &mut self,
        incident: &Incident,
        page: &NewPage,
        at: DateTime<Utc>,
    ) -> Result<PageId, StoreError>;

    /// Gives it another reason and text.
    async fn update_page(&mut self, id: PageId, page: &NewPage, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// When its receivers were told last that more joined, and how many alerts there were then.
    async fn told_of(&mut self, id: PageId) -> Result<(Option<DateTime<Utc>>, u64), StoreError>;

    /// Its receivers are told that there is more.
    async fn save_told(&mut self, id: PageId, at: DateTime<Utc>, alerts: u64) -> Result<(), StoreError>;

    /// Those of an incident, and of those that are part of it, that nobody has acknowledged, or
    /// that say more since.
    async fn waiting_pages(&mut self, incident: IncidentId) -> Result<Vec<WaitingPage>, StoreError>;

    /// Nobody need look at them any more. `by_a_person`: somebody has answered.
    async fn close_pages(&mut self, ids: &[PageId], at: DateTime<Utc>, by_a_person: bool) -> Result<(), StoreError>;

    /// Where it went, or is to go.
    async fn sinks_of_page(&mut self, id: PageId) -> Result<Vec<String>, StoreError>;

    /// Each of those whom it calls wants to be called there.
    async fn save_contacts(&mut self, id: PageId, contacts: &[BTreeSet<String>]) -> Result<(), StoreError>;

    /// It calls people by name whom no receiver's own policy knows.
    async fn save_by_name(&mut self, id: PageId) -> Result<(), StoreError>;

    /// Empty: as usual, or it cannot be read.
    async fn contacts_of(&mut self, id: PageId) -> Result<Vec<BTreeSet<String>>, StoreError>;

    /// Where it has arrived.
    async fn reached_by_page(&mut self, id: PageId) -> Result<Vec<String>, StoreError>;

    /// `None`: it is gone, or so damaged that there is nowhere to tell of it. What became of its
    /// delivery is kept all the same: it would be sent again and again.
    async fn page_row(&mut self, id: PageId) -> Result<Option<PageRow>, StoreError>;
}

/// A page, for what becomes of its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct PageRow {
    pub incident: IncidentId,
    pub made_at: DateTime<Utc>,
    pub acknowledged: bool,
    /// As [`Page::by_name`](crate::store::Page::by_name).
    pub by_name: bool,
}

/// A row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct DeliveryRow {
    pub sink: String,
    /// The page that it is of, if it is one.
    pub page: Option<PageId>,
    /// The ticket that it is of, if it is one.
    pub ticket: Option<TicketId>,
    /// How often it was tried in vain since it last arrived.
    pub attempts: u32,
    /// It changed since it was taken.
    pub changed: bool,
}

/// A delivery that was taken.
#[derive(Debug)]
pub(in crate::store) struct TakenRow {
    pub id: DeliveryId,
    pub sink: String,
    pub key: String,
    pub attempts: u32,
    pub external: Option<String>,
    pub told: Option<Told>,
    /// What it is about; or why that cannot be read.
    pub subject: Result<DeliverySubject, StoreError>,
}
