//! Making tickets, and telling them what became of their incidents.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{TicketRow, Tx};
use crate::model::{Incident, IncidentId, TicketId};
use crate::store::rules::{MadePage, Outgoing, Second, second_reason_after, ticket_due_at};
use crate::store::tickets::tracker;
use crate::store::{
    IncidentEvent, NewPage, PageReason, StoreError, TicketFailure, TicketPlace, TicketSite, TicketTrouble,
};

impl Tx<'_> {
    /// Has the tracker of the page's team get a ticket of it, if the team has one. There is one for
    /// each incident and tracker: what is there, also of what is part of the incident, says more.
    pub(super) async fn ticket(&mut self, incident: &Incident, page: &NewPage) -> Result<(), StoreError> {
        let Some(sink) = self.sinks.tickets.of(&page.team).map(str::to_owned) else { return Ok(()) };
        let there = self.tables.tickets_of(incident.id).await?;
        let of_sink = || there.iter().filter(|row| row.sink == sink);
        let Some(row) = of_sink().find(|row| row.incident == incident.id).or_else(|| of_sink().next()) else {
            if let Some(ticket) = self.tables.insert_ticket(incident, &sink, page, self.now).await? {
                self.tables.put(&sink, &Outgoing::ticket(ticket), self.now).await?;
            }
            return Ok(());
        };
        if second_reason_after(row.reason.as_ref(), row.text.as_deref(), page) == Second::Updates {
            self.tables.update_ticket(row.id, page).await?;
            let row = row.clone();
            self.put_ticket(&row, self.now).await?;
        }
        Ok(())
    }

    /// Has the tickets told that something changed in the incident. What there is to tell is found
    /// out when they are, and may be nothing.
    pub(super) async fn tell_tickets(&mut self, id: IncidentId) -> Result<(), StoreError> {
        let rows = self.tables.tickets_of(id).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let Some(mut incident) = self.tables.incident_row(id).await? else { return Ok(()) };
        if let Some(merged) = incident.merged
            && let Some(whole) = self.tables.incident_row(merged.root).await?
        {
            incident = whole;
        }
        for row in rows {
            let due_at = ticket_due_at(row.place.as_ref(), row.told_at, &incident, self.now);
            self.put_ticket(&row, due_at).await?;
        }
        Ok(())
    }

    /// Has a ticket told at that time. A tracker that is away, or may show later what is in doubt,
    /// is asked no earlier for that.
    async fn put_ticket(&mut self, row: &TicketRow, due_at: DateTime<Utc>) -> Result<(), StoreError> {
        let due_at = row.retry_at.map_or(due_at, |retry_at| retry_at.max(due_at));
        self.tables.put(&row.sink, &Outgoing::ticket(row.id), due_at).await
    }

    /// Makes a ticket for what was taken apart, if it is open, pages nobody, and has none. Also in
    /// hours in which its team is paged for it: nobody is, as somebody is at it.
    /// `called`: what it was called for.
    pub(super) async fn ticket_apart(
        &mut self,
        incident: &mut Incident,
        called: Option<MadePage>,
        because: String,
    ) -> Result<(), StoreError> {
        if incident.is_over() || incident.severity.pages() || !self.tables.tickets_of(incident.id).await?.is_empty() {
            return Ok(());
        }
        let (reason, text) = called.map_or((None, None), |called| (called.reason, called.text));
        let reason = reason.unwrap_or(PageReason::NotRun { because });
        let page = NewPage { level: 1, team: incident.team.clone(), reason, text };
        if self.holds_back(incident, &page).await? {
            return Ok(());
        }
        self.ticket(incident, &page).await
    }

    /// It was told; the first time, the timeline says where it is. `external`: `None` where it
    /// needs no ticket.
    pub(super) async fn ticket_arrives(&mut self, id: TicketId, external: Option<&str>) -> Result<(), StoreError> {
        let Some(row) = self.tables.ticket_row(id).await? else { return Ok(()) };
        let place = external.and_then(TicketPlace::parse);
        let site = match &place {
            Some(place) => place.site.clone(),
            None => self.sinks.tickets.sites.get(&row.sink).cloned(),
        };
        self.tell_left(&row, site.as_ref()).await?;
        let Some(place) = place else { return Ok(()) };
        if row.work.is_some() {
            return self.work_arrives(row, place).await;
        }
        let is_known = |before: &TicketPlace| before.shown() == place.shown() && !before.is_elsewhere(site.as_ref());
        if !row.place.as_ref().is_some_and(is_known) {
            let root = self.root_of(&row).await?;
            let event =
                IncidentEvent::Ticketed { sink: tracker(&row.sink).to_owned(), ticket: place.id, url: place.url };
            self.note(root, &event).await?;
            self.send_to_chat(&Outgoing::card(root)).await?;
        }
        self.tables.save_ticket_arrival(id).await
    }

    /// Tells, once, that what is where the sink makes no tickets any more is left as it is.
    async fn tell_left(&mut self, row: &TicketRow, site: Option<&TicketSite>) -> Result<(), StoreError> {
        let Some((place, site)) = row.place.as_ref().zip(site) else { return Ok(()) };
        if row.is_told_left || !place.is_elsewhere(Some(site)) {
            return Ok(());
        }
        self.tables.save_left(row.id, self.now).await?;
        let (tracker, before) = (tracker(&row.sink), place.shown());
        let text = format!("{tracker} has its tickets in {} now: no more is written to {before}", site.shown);
        let root = self.root_of(row).await?;
        self.note(root, &IncidentEvent::Remark { text }).await
    }

    /// The incident in which it is told.
    pub(super) async fn root_of(&mut self, row: &TicketRow) -> Result<IncidentId, StoreError> {
        let incident = self.tables.incident_row(row.incident).await?;
        Ok(incident.map_or(row.incident, |incident| incident.root()))
    }
}

/// Something is about to be made in its tracker.
pub(in crate::store) async fn ticket_tried(tx: &mut Tx<'_>, id: TicketId, hold: Duration) -> Result<(), StoreError> {
    tx.tables.save_tried(id, tx.now, tx.now + hold).await
}

/// An attempt was in vain: the tracker is left alone if it wants to be, and the timeline told what
/// it is to know.
pub(in crate::store) async fn ticket_failed(
    tx: &mut Tx<'_>,
    id: TicketId,
    failure: TicketFailure,
) -> Result<(), StoreError> {
    let Some(row) = tx.tables.ticket_row(id).await? else { return Ok(()) };
    tx.tables.save_ticket_failure(id, tx.now, failure.is_lost).await?;
    if let Some((until, because)) = &failure.left_alone {
        tx.tables.hold_sink(&row.sink, *until, because).await?;
    }
    let Some(TicketTrouble { text, is_refusal }) = failure.trouble else { return Ok(()) };
    if row.is_in_trouble && (row.is_refused || !is_refusal) {
        return Ok(());
    }
    tx.tables.save_trouble(id, tx.now, is_refusal).await?;
    let root = tx.root_of(&row).await?;
    tx.note(root, &IncidentEvent::Remark { text }).await?;
    tx.send_to_chat(&Outgoing::card(root)).await
}
