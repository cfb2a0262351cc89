//! Tickets.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{Incident, IncidentId, RunId, TicketId};
use crate::store::{NewPage, NewTicket, PageReason, StoreError, TicketPlace};

/// A ticket, for what is told of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) struct TicketRow {
    pub id: TicketId,
    pub incident: IncidentId,
    pub sink: String,
    /// Why a person is needed; `None`: it cannot be read.
    pub reason: Option<PageReason>,
    pub text: Option<String>,
    /// `None`: it is not known to be made.
    pub place: Option<TicketPlace>,
    /// When something was told there last.
    pub told_at: Option<DateTime<Utc>>,
    /// When it is tried again, as it failed last or nobody knows what came of it.
    pub retry_at: Option<DateTime<Utc>>,
    /// That it cannot be brought there is told; and that it is refused.
    pub is_in_trouble: bool,
    pub is_refused: bool,
    /// That it lies elsewhere than where its sink makes tickets now is told.
    pub is_told_left: bool,
    /// The work that it stands for: which run has filed it, and its title.
    pub work: Option<(RunId, String)>,
}

/// Work of one key in one tracker, as it is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct SameWork {
    pub id: TicketId,
    pub incident: IncidentId,
    /// It is not known to be made, and is tried on.
    pub is_on_its_way: bool,
}

#[async_trait]
pub(in crate::store) trait TicketTable {
    /// Makes it; `None`: the incident has one of that sink.
    async fn insert_ticket(
        &mut self,
        incident: &Incident,
        sink: &str,
        page: &NewPage,
        at: DateTime<Utc>,
    ) -> Result<Option<TicketId>, StoreError>;

    /// Gives it another reason and text.
    async fn update_ticket(&mut self, id: TicketId, page: &NewPage) -> Result<(), StoreError>;

    /// Files work; `same_as`: it is one with that, which is on its way.
    async fn insert_work(
        &mut self,
        (incident, run): (IncidentId, RunId),
        sink: &str,
        new: &NewTicket,
        same_as: Option<TicketId>,
        at: DateTime<Utc>,
    ) -> Result<TicketId, StoreError>;

    /// The newest work of that key there, but for what was given up before it was made; of that
    /// incident, where it has some.
    async fn same_work(&mut self, sink: &str, key: &str, incident: IncidentId) -> Result<Option<SameWork>, StoreError>;

    /// How many were filed there since for the first time.
    async fn filed_since(&mut self, sink: &str, since: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Whoever has asked for the same work while it was on its way.
    async fn one_with(&mut self, id: TicketId) -> Result<Vec<TicketRow>, StoreError>;

    /// Those that stand for an incident or for what is part of it, in order.
    async fn tickets_of(&mut self, incident: IncidentId) -> Result<Vec<TicketRow>, StoreError>;

    async fn ticket_row(&mut self, id: TicketId) -> Result<Option<TicketRow>, StoreError>;

    /// It is about to be tried, and until then it is tried no more.
    async fn save_tried(&mut self, id: TicketId, at: DateTime<Utc>, until: DateTime<Utc>) -> Result<(), StoreError>;

    /// Another attempt was in vain; `is_lost`: nobody knows whether it was done.
    async fn save_ticket_failure(&mut self, id: TicketId, at: DateTime<Utc>, is_lost: bool) -> Result<(), StoreError>;

    /// What was tried is known: nothing is in doubt, or in trouble.
    async fn save_ticket_arrival(&mut self, id: TicketId) -> Result<(), StoreError>;

    /// It is told that it cannot be brought there.
    async fn save_trouble(&mut self, id: TicketId, at: DateTime<Utc>, is_refusal: bool) -> Result<(), StoreError>;

    /// It is told that it lies elsewhere.
    async fn save_left(&mut self, id: TicketId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Nothing is taken for that sink before `until`.
    async fn hold_sink(&mut self, sink: &str, until: DateTime<Utc>, because: &str) -> Result<(), StoreError>;
}
