//! What a ticket is told, from what is true now.

use crate::message::{self, Card, Colour, TicketChange};
use crate::model::{Incident, PageId, TicketId};
use crate::notify::render::{Renderer, or_blank};
use crate::notify::{Parcel, ParcelKind, TicketLetter, WorkLetter};
use crate::store::{Page, StoreError, Ticket, TicketSite, Work};

impl Renderer {
    /// `None` when there is nothing to tell.
    pub(in crate::notify) async fn ticket(
        &self,
        site: Option<&TicketSite>,
        id: TicketId,
    ) -> Result<Option<Parcel>, StoreError> {
        let Some(ticket) = self.store.ticket(id).await? else { return Ok(None) };
        let Some(incident) = self.store.incident(ticket.incident).await? else { return Ok(None) };
        if let Some(work) = &ticket.work {
            return self.work(site, &ticket, work, incident).await;
        }
        let runs = or_blank(self.store.runs_of(incident.id).await)?;
        let timeline = or_blank(self.store.timeline(incident.id).await)?;
        let change = TicketChange { ticket: &ticket, incident: &incident, runs: &runs, timeline: &timeline };
        let open = !ticket.replaced && !incident.is_over();
        let comments = ticket.place.as_ref().map_or(0, |place| place.comments);
        // One that lies where its tracker makes none any more is left there. Its mark may be in the
        // new place all the same: that was renamed, or is one of before.
        let (place, left) = match &ticket.place {
            Some(place) if place.is_elsewhere(site) => (None, Some(ticket.created_at)),
            place => (place.as_ref(), None),
        };
        let news = place.map(|place| message::ticket_news(&place.told, &change)).unwrap_or_default();
        if place.is_some_and(|place| place.open == open && news.is_empty()) {
            return Ok(None);
        }
        let letter = TicketLetter {
            marker: ticket.marker(None),
            // A clock that was set back since must not hide it from whoever looks for it.
            tried_at: left.or(ticket.tried_at).map(|at| at.min(self.clock.now())),
            lost: ticket.lost,
            comments,
            comment_marker: ticket.marker(Some(comments + 1)),
            place: place.cloned(),
            open,
            news,
            standing: message::ticket_standing(&change),
            facts: message::ticket_facts(&change),
        };
        let page = as_page(&ticket, incident.severity);
        let text = self.page_text(&incident, &page).await?;
        let (incident_id, title) = (incident.id, text.title.clone());
        let card = Card { incident: incident_id, title, colour: Colour::Amber, lines: Vec::new(), buttons: Vec::new() };
        let mut parcel = self.parcel_of(ParcelKind::Ticket, incident, card);
        parcel.key.clone_from(&letter.marker);
        parcel.team = message::clip(&ticket.team, 80);
        parcel.body = text.body(message::Room::Whole).text;
        parcel.page = Some(text);
        parcel.ticket = Some(letter);
        Ok(Some(parcel))
    }

    /// Work is filed once: what was brought there says no more.
    async fn work(
        &self,
        site: Option<&TicketSite>,
        ticket: &Ticket,
        work: &Work,
        incident: Incident,
    ) -> Result<Option<Parcel>, StoreError> {
        if ticket.place.is_some() {
            return Ok(None);
        }
        let runs = or_blank(self.store.runs_of(incident.id).await)?;
        let run = runs.iter().find(|run| run.id == work.run);
        let facts = message::ticket_facts(&TicketChange { ticket, incident: &incident, runs: &[], timeline: &[] });
        let letter = WorkLetter {
            marker: ticket.marker(None),
            tried_at: ticket.tried_at.map(|at| at.min(self.clock.now())),
            lost: ticket.lost,
            comment_marker: ticket.marker(Some(1)),
            title: message::work_title(&work.title),
            text: ticket.text.clone().unwrap_or_default(),
            origin: message::work_origin(ticket.made_for, &incident, run),
            // What lies where the tracker makes none any more is not there for whoever looks.
            before: work.before.clone().filter(|place| !place.is_elsewhere(site)),
            again: work.again,
            facts,
        };
        let (incident_id, title) = (incident.id, letter.title.clone());
        let card = Card { incident: incident_id, title, colour: Colour::Grey, lines: Vec::new(), buttons: Vec::new() };
        let mut parcel = self.parcel_of(ParcelKind::Ticket, incident, card);
        parcel.key.clone_from(&letter.marker);
        parcel.team = message::clip(&ticket.team, 80);
        parcel.body = message::work_text(&letter.text).join("\n");
        parcel.work = Some(letter);
        Ok(Some(parcel))
    }
}

/// What a ticket says is what a page of it would.
fn as_page(ticket: &Ticket, severity: crate::model::Severity) -> Page {
    Page {
        fold: None,
        id: PageId(0),
        incident: ticket.incident,
        made_for: ticket.made_for,
        level: 1,
        team: ticket.team.clone(),
        reason: ticket.reason.clone(),
        text: ticket.text.clone(),
        severity,
        asked: false,
        by_name: false,
        called: Vec::new(),
        created_at: ticket.created_at,
        arrived_at: None,
        acknowledged_at: None,
        answered: false,
        has_news: false,
        key: String::new(),
        pager_key: String::new(),
        outdone: false,
        earlier: false,
        deliveries: Vec::new(),
    }
}
