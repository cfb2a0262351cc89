//! Making tickets, and telling them what became of their incidents.

use super::{TicketRow, Tx};
use crate::model::{Incident, IncidentId, TicketId};
use crate::store::rules::{Outgoing, Second, second_reason_after, ticket_due_at};
use crate::store::tickets::tracker;
use crate::store::{IncidentEvent, NewPage, StoreError, TicketPlace};

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
            self.tables.put(&sink, &Outgoing::ticket(row.id), self.now).await?;
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
            // A tracker that wants to be left alone, or is away, is asked no earlier for that.
            let due_at = row.retry_at.map_or(due_at, |retry_at| retry_at.max(due_at));
            self.tables.put(&row.sink, &Outgoing::ticket(row.id), due_at).await?;
        }
        Ok(())
    }

    /// It was told; the first time, the timeline says where it is.
    pub(super) async fn ticket_arrives(&mut self, id: TicketId, external: Option<&str>) -> Result<(), StoreError> {
        let Some(row) = self.tables.ticket_row(id).await? else { return Ok(()) };
        let Some(place) = external.and_then(TicketPlace::parse) else { return Ok(()) };
        if row.place.as_ref().is_none_or(|before| before.shown() != place.shown()) {
            let root = self.root_of(&row).await?;
            let event =
                IncidentEvent::Ticketed { sink: tracker(&row.sink).to_owned(), ticket: place.id, url: place.url };
            self.note(root, &event).await?;
            self.send_to_chat(&Outgoing::card(root)).await?;
        }
        if row.is_in_trouble {
            self.tables.save_trouble(id, None).await?;
        }
        Ok(())
    }

    /// The incident in which it is told.
    async fn root_of(&mut self, row: &TicketRow) -> Result<IncidentId, StoreError> {
        let incident = self.tables.incident_row(row.incident).await?;
        Ok(incident.map_or(row.incident, |incident| incident.root()))
    }
}

/// Tells on the timeline, once, that a ticket cannot be brought to its tracker.
pub(in crate::store) async fn ticket_trouble(tx: &mut Tx<'_>, id: TicketId, text: String) -> Result<(), StoreError> {
    let Some(row) = tx.tables.ticket_row(id).await?.filter(|row| !row.is_in_trouble) else { return Ok(()) };
    tx.tables.save_trouble(id, Some(tx.now)).await?;
    let root = tx.root_of(&row).await?;
    tx.note(root, &IncidentEvent::Remark { text }).await?;
    tx.send_to_chat(&Outgoing::card(root)).await
}
