//! The named transactions, whatever a store is made of. Each reads what it needs of the
//! [`Tables`], decides by the rules of [`super::rules`], and writes what follows. A backend brings
//! the tables and the commit; it decides nothing but what is unique.

mod accept;
mod append;
mod apply;
mod claim;
mod clock;
mod deliver;
mod escalation;
mod fold;
mod freezes;
mod limits;
mod merge;
mod page;
mod pagers;
mod remedies;
mod set_aside;
mod stop;
mod tables;
mod ticket;
mod way;
mod windows;
mod work;

use chrono::{DateTime, Utc};

pub(super) use accept::{Incoming, accept, beat};
pub(super) use append::append;
pub(super) use apply::apply;
pub(super) use claim::claim;
pub(super) use clock::move_what_waits;
pub(super) use deliver::{announce, arrived, failed, remember, take};
pub(super) use escalation::escalate;
pub(super) use fold::unfold;
pub(super) use page::page_now;
pub(super) use set_aside::set_aside;
pub(super) use tables::{
    ClockTable, DeliveryRow, DeliveryTable, EpisodeAgain, EpisodeEnd, EscalationTable, FoldRow, FoldTable, FreezeTable,
    HeartbeatTable, Helped, Hold, IncidentTable, KeptWindow, LimitTable, LogEnd, NewFold, OverrideTable, PageRow,
    PageTable, RemedyTable, RunRow, RunTable, SameWork, Shape, SignalRow, SignalTable, Tables, TakenRow, TicketRow,
    TicketTable, ToldPage, UnderWayRow, WindowTable,
};
pub(super) use ticket::{ticket_failed, ticket_tried};
pub(super) use windows::plan_windows;

use super::rules::{Outgoing, continued};
use super::{InboxItem, IncidentEvent, NewRun, Sinks, StoreError};
use crate::model::{ApprovalId, Grouping, Incident, IncidentId, Joins, RunId};

/// One transaction under way: all of it is committed, or nothing.
pub(super) struct Tx<'a> {
    pub tables: &'a mut dyn Tables,
    /// One moment for all that happens in it.
    pub now: DateTime<Utc>,
    pub sinks: &'a Sinks,
}

impl Tx<'_> {
    /// Opens a run, with the texts of all that it may need.
    pub(super) async fn open_run(&mut self, incident: IncidentId, run: &NewRun) -> Result<RunId, StoreError> {
        self.tables.keep_playbook(&run.playbook, &run.playbook_source, self.now).await?;
        for (pin, source) in &run.pins {
            self.tables.keep_playbook(pin, source, self.now).await?;
        }
        self.tables.insert_run(incident, run, self.now).await
    }

    /// Writes a line of the incident's timeline. What goes on from its last line is told in that: a
    /// storm is many bodies of one alert each.
    pub(super) async fn note(&mut self, incident: IncidentId, event: &IncidentEvent) -> Result<(), StoreError> {
        if event.goes_on()
            && let Some((last, at, before)) = self.tables.last_note(incident).await?
            && let Some(both) = continued(&before, event, at, self.now)
        {
            return self.tables.replace_note(last, &both).await;
        }
        self.tables.insert_note(incident, self.now, event).await
    }

    /// Others join it by these: at any time or within minutes, and if enough have it in common.
    async fn keep_causes(
        &mut self,
        incident: IncidentId,
        gathers: &[Grouping],
        shares: &[Grouping],
    ) -> Result<(), StoreError> {
        let gathers = gathers.iter().map(|grouping| (grouping.clone(), grouping.joins()));
        let shares = shares.iter().map(|grouping| (grouping.clone(), Joins::Perhaps));
        self.tables.insert_causes(incident, &gathers.chain(shares).collect::<Vec<_>>()).await
    }

    /// Has the incident's message made anew, and its tickets and the receivers of its pages told.
    pub(super) async fn send_card(&mut self, incident: IncidentId) -> Result<(), StoreError> {
        self.tell_tickets(incident).await?;
        self.tell_pagers(incident).await?;
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

    /// Whether nothing is left to do about it: what is part of another one is over with that.
    async fn is_over(&mut self, id: IncidentId) -> Result<bool, StoreError> {
        let mut found = self.tables.incident_row(id).await?;
        if let Some(root) = found.as_ref().and_then(|incident| incident.merged).map(|merged| merged.root) {
            found = self.tables.incident_row(root).await?;
        }
        Ok(found.is_some_and(|incident| incident.is_over()))
    }

    /// Leaves an item in a run's inbox and wakes it. One that has handed over has it taken by the
    /// run that goes on, and one that has ended otherwise takes nothing.
    async fn send_to_run(&mut self, mut run: RunId, item: &InboxItem) -> Result<(), StoreError> {
        while let Some(next) = self.tables.handed_to(run).await? {
            run = next;
        }
        if self.tables.wake_run(run, self.now).await? {
            self.tables.insert_inbox(run, self.now, item).await?;
        }
        Ok(())
    }
}
