//! The named transactions, whatever a store is made of. Each reads what it needs of the
//! [`Tables`], decides by the rules of [`super::rules`], and writes what follows. A backend brings
//! the tables and the commit; it decides nothing but what is unique.

mod accept;
mod append;
mod apply;
mod claim;
mod clock;
mod deliver;
mod page;
mod set_aside;
mod tables;

use chrono::{DateTime, Utc};

pub(super) use accept::{Incoming, accept, beat};
pub(super) use append::append;
pub(super) use apply::apply;
pub(super) use claim::claim;
pub(super) use clock::move_what_waits;
pub(super) use deliver::{arrived, failed, take};
pub(super) use page::page_now;
pub(super) use set_aside::set_aside;
pub(super) use tables::{
    ClockTable, DeliveryRow, DeliveryTable, EpisodeEnd, HeartbeatTable, IncidentTable, LogEnd, PageRow, PageTable,
    RunRow, RunTable, SignalRow, SignalTable, Tables, TakenRow,
};

use super::rules::Outgoing;
use super::{InboxItem, IncidentEvent, Sinks, StoreError};
use crate::model::{ApprovalId, Incident, IncidentId, RunId};

/// One transaction under way: all of it is committed, or nothing.
pub(super) struct Tx<'a> {
    pub tables: &'a mut dyn Tables,
    /// One moment for all that happens in it.
    pub now: DateTime<Utc>,
    pub sinks: &'a Sinks,
}

impl Tx<'_> {
    /// Writes a line of the incident's timeline.
    pub(super) async fn note(&mut self, incident: IncidentId, event: &IncidentEvent) -> Result<(), StoreError> {
        self.tables.insert_note(incident, self.now, event).await
    }

    /// Has the incident's message made anew.
    pub(super) async fn send_card(&mut self, incident: IncidentId) -> Result<(), StoreError> {
        self.send_to_chat(&Outgoing::card(incident)).await
    }

    /// Has the question's message made anew: it was asked, answered, or is none any more.
    pub(super) async fn send_question(&mut self, approval: ApprovalId) -> Result<(), StoreError> {
        self.send_to_chat(&Outgoing::question(approval)).await
    }

    async fn send_to_chat(&mut self, outgoing: &Outgoing) -> Result<(), StoreError> {
        for sink in &self.sinks.chat {
            self.tables.put(sink, outgoing, self.now).await?;
        }
        Ok(())
    }

    /// The incident as it is.
    async fn incident(&mut self, id: IncidentId) -> Result<Incident, StoreError> {
        let found = self.tables.incident_row(id).await?;
        found.ok_or_else(|| StoreError::Refused { what: "change an incident", message: format!("there is no {id}") })
    }

    /// Leaves an item in a run's inbox and wakes it. A run that has ended takes nothing.
    async fn send_to_run(&mut self, run: RunId, item: &InboxItem) -> Result<(), StoreError> {
        if self.tables.wake_run(run, self.now).await? {
            self.tables.insert_inbox(run, self.now, item).await?;
        }
        Ok(())
    }
}
