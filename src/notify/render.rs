//! Making parcels from what is true now.

use std::sync::Arc;

use super::earlier::Recent;
use super::{Parcel, ParcelKind, Sink};
use crate::clock::Clock;
use crate::links::AckLinks;
use crate::message::{self, Card, Colour, PageFacts, PageText, Room};
use crate::model::{Approval, ApprovalState, Concern, Grouping, Incident, IncidentId, PageEvent, PageId, Severity};
use crate::oncall::Roster;
use crate::store::{
    Delivery, DeliveryId, DeliverySubject, FoldedIncident, NewIncident, Page, Standing, Store, StoreError, Told,
    next_event,
};

/// How many of an incident's alerts a page looks at, for examples and links.
const EPISODES: usize = 5;

/// How many of the places that an incident is about a page looks at.
const OBJECTS: usize = 20;

/// Of so many incidents that a page tells of besides its own, it says what their runs found.
const FOLDED: usize = 10;

/// What a call takes of its notice, which is a message of chat.
const CALL: usize = 3_900;

/// How much of an announcement's first line is its title.
const TITLE: usize = 240;

/// How much of a team's name is shown.
pub(super) const TEAM: usize = 80;

/// Reads what a delivery is about, and says it.
pub(super) struct Renderer {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) oncall: Roster,
    recent: Recent,
    /// Who is called when a page's own team cannot be.
    pub default_team: Option<String>,
    pub ack_links: Option<AckLinks>,
}

impl Renderer {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, oncall: Roster) -> Self {
        let recent = Recent::new(store.clone(), clock.clone());
        Self { store, clock, oncall, recent, default_team: None, ack_links: None }
    }

    /// What is to be told; `None` when there is nothing to tell any more.
    pub async fn parcel(&self, sink: &dyn Sink, delivery: &Delivery) -> Result<Option<Parcel>, StoreError> {
        match &delivery.subject {
            DeliverySubject::Page { page } => match self.store.page(*page).await? {
                None => Err(is_gone("page")),
                Some(page) => self.page(sink, delivery, &page).await,
            },
            DeliverySubject::Card { incident } => {
                let Some(incident) = self.store.incident(*incident).await? else { return Ok(None) };
                let card = self.card(&incident).await?;
                let mut parcel = self.parcel_of(ParcelKind::Card, incident, card);
                parcel.key = format!("dogwatch-{}", parcel.incident.id);
                parcel.previous.clone_from(&delivery.external);
                Ok(Some(parcel))
            }
            DeliverySubject::Approval { approval } => match self.store.approval(*approval).await? {
                // A question that was never shown and is none any more needs no answer to it either.
                Some(asked) if asked.state == ApprovalState::Open || delivery.external.is_some() => {
                    self.approval(sink.name(), delivery, &asked).await
                }
                _ => Ok(None),
            },
            DeliverySubject::Ticket { ticket } => self.ticket(sink.site(), *ticket).await,
            DeliverySubject::Announcement { text, is_trouble } => {
                Ok(Some(self.announcement(delivery.id, text, *is_trouble)))
            }
            DeliverySubject::Notice { incident, text } => {
                let Some(incident) = self.store.incident(*incident).await? else { return Ok(None) };
                let card = Card { buttons: Vec::new(), lines: lines(text), ..self.card(&incident).await? };
                let call = self.call(&incident, text).await?;
                let mut parcel = self.parcel_of(ParcelKind::Notice, incident, card);
                if let Some(call) = call {
                    parcel.body = call.body(Room::Units(CALL)).text;
                    parcel.page = Some(call);
                }
                parcel.key = format!("dogwatch-notice-{}", delivery.id.0);
                parcel.thread = self.store.external_message(sink.name(), parcel.incident.id).await?;
                Ok(Some(parcel))
            }
        }
    }

    /// What is about no incident.
    fn announcement(&self, id: DeliveryId, text: &str, is_trouble: bool) -> Parcel {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let (title, severity) = (message::clip(first, TITLE), Severity::S4);
        // What a title has no room for is what to do about it.
        let rest = if title == first { rest } else { text };
        let team = self.default_team.clone().unwrap_or_default();
        let incident = stand_in(title.clone(), severity, team).opened(IncidentId(0), self.clock.now());
        let colour = if is_trouble { Colour::Amber } else { Colour::Grey };
        let card = Card { incident: incident.id, title, lines: lines(rest), colour, buttons: Vec::new() };
        let mut parcel = self.parcel_of(ParcelKind::Notice, incident, card);
        parcel.key = format!("dogwatch-news-{}", id.0);
        parcel
    }

    /// What is told of a page that cannot be read: something must be. `None` when somebody has it.
    pub async fn instead(
        &self,
        sink: &dyn Sink,
        page: PageId,
        told: Option<Told>,
        error: &StoreError,
    ) -> Result<Option<Parcel>, StoreError> {
        let outline = self.store.page_outline(page).await?;
        let is_told = told.is_some_and(|told| told != Told::Perhaps);
        if is_told || outline.as_ref().is_some_and(|outline| outline.is_answered) {
            return Ok(None);
        }
        let known = outline.as_ref().and_then(|outline| outline.incident);
        let severity = outline.as_ref().map_or(Severity::S1, |outline| outline.severity);
        let text = message::damaged_page(page, severity, known, error);
        let team = outline.and_then(|outline| outline.team).or(self.default_team.clone()).unwrap_or_default();
        let new = stand_in(text.title.clone(), severity, team);
        let incident = new.opened(known.unwrap_or(IncidentId(0)), self.clock.now());
        let called = self.called(sink.name(), &incident.team, &incident.team, &Concern::default());
        let (incident_id, title) = (incident.id, text.title.clone());
        let buttons = known.map(message::acknowledge).into_iter().collect();
        let card = Card { incident: incident_id, title, lines: Vec::new(), colour: Colour::Red, buttons };
        let mut parcel = self.parcel_of(ParcelKind::Page, incident, card);
        parcel.pager_key = format!("dogwatch-{}-{page}", self.store.mark());
        (parcel.event, parcel.standing) = (Some(PageEvent::Trigger), Some(Standing::Open));
        parcel.key = format!("dogwatch-{page}");
        Ok(Some(called.with(parcel, text, sink.room())))
    }

    pub(super) fn parcel_of(&self, kind: ParcelKind, incident: Incident, card: Card) -> Parcel {
        Parcel {
            kind,
            key: String::new(),
            pager_key: String::new(),
            event: None,
            standing: None,
            outcome: None,
            previous: None,
            thread: None,
            at: self.clock.now(),
            team: message::clip(&incident.team, TEAM),
            incident,
            title: card.title,
            body: card.lines.join("\n"),
            page: None,
            ticket: None,
            work: None,
            colour: card.colour,
            buttons: card.buttons,
            mention: Vec::new(),
            called: None,
            channel: None,
        }
    }

    /// The incident's message as it is now.
    async fn card(&self, incident: &Incident) -> Result<Card, StoreError> {
        let runs = or_blank(self.store.runs_of(incident.id).await)?;
        let timeline = or_blank(self.store.timeline(incident.id).await)?;
        let approvals = self.store.approvals_of(incident.id).await?;
        let pages = self.store.pages_of(incident.id).await?;
        Ok(message::card(incident, &runs, &timeline, &approvals, &pages, self.clock.now()))
    }

    async fn page(&self, sink: &dyn Sink, delivery: &Delivery, page: &Page) -> Result<Option<Parcel>, StoreError> {
        let incident = self.store.incident(page.incident).await?.ok_or_else(|| is_gone("page's incident"))?;
        let (stands, standing) = (page.stands(), page.stands().in_the(&incident, sink.escalates()));
        // Somebody may have been quicker: calling them again would only cost sleep.
        let Some(event) = next_event(delivery.told, standing, stands, page.has_news, sink.hears_ends()) else {
            return Ok(None);
        };
        let mut text = self.page_text(&incident, page).await?;
        let (part, whole) = (page.made_for, page.incident);
        text.first = (part != whole).then(|| format!("{part} is part of {whole} now: what is said is of that one"));
        let card = self.card(&incident).await?;
        let called = self.called_by(sink.name(), page, &incident.team, &self.about(incident.id).await?);
        let incident_id = incident.id;
        let mut parcel = self.parcel_of(ParcelKind::Page, incident, card);
        parcel.key.clone_from(&page.key);
        parcel.pager_key = format!("dogwatch-{}-{}", self.store.mark(), page.pager_key);
        (parcel.event, parcel.standing) = (Some(event), Some(standing));
        if event.is_end() {
            let timeline = or_blank(self.store.timeline(incident_id).await)?;
            parcel.outcome = message::outcome(event, page, &timeline);
        }
        parcel.previous.clone_from(&delivery.external);
        parcel.thread = self.store.external_message(sink.name(), parcel.incident.id).await?;
        // It may be what a label says, and goes to terminals.
        parcel.team = message::clip(&page.team, TEAM);
        let acknowledge = message::acknowledge(parcel.incident.id);
        if standing == Standing::Open && !parcel.buttons.contains(&acknowledge) {
            // Somebody has the incident, but not what it has become.
            parcel.buttons.insert(0, acknowledge);
        }
        parcel.title.clone_from(&text.title);
        let mut parcel = called.with(parcel, text, sink.room());
        if let Some(links) = self.ack_links.as_ref().filter(|_| standing == Standing::Open) {
            for contact in &mut parcel.mention {
                contact.ack_url = Some(links.url(page.id, &contact.name, page.created_at));
            }
        }
        Ok(Some(parcel))
    }

    /// What an incident is about: nothing, where nobody is an expert.
    async fn about(&self, incident: IncidentId) -> Result<Concern, StoreError> {
        match self.oncall.get().areas() {
            [] => Ok(Concern::default()),
            _ => or_blank(self.store.concern_of(incident).await),
        }
    }

    /// The page, or the call, as it is now.
    pub(super) async fn page_text(&self, incident: &Incident, page: &Page) -> Result<PageText, StoreError> {
        let runs = or_blank(self.store.runs_of(incident.id).await)?;
        let timeline = or_blank(self.store.timeline(incident.id).await)?;
        let mut episodes = or_blank(self.store.episodes(incident.id, EPISODES).await)?;
        // The one that opened the incident, whose name it has, before those that joined.
        episodes.sort_by_key(|episode| (episode.closed_at.is_some(), episode.id));
        let objects = or_blank(self.store.objects_of(incident.id, OBJECTS).await)?;
        let objects_in_all = or_blank(self.store.count_objects(incident.id).await)?;
        let approvals = or_blank(self.store.approvals_of(incident.id).await)?;
        let earlier = self.recent.like(incident).await?;
        let folded = self.folded(page).await?;
        let experts = self.oncall.get().tell_experts(&self.about(incident.id).await?);
        Ok(message::page_text(&PageFacts {
            incident,
            page,
            runs: &runs,
            timeline: &timeline,
            episodes: &episodes,
            objects: &objects,
            objects_in_all,
            approvals: &approvals,
            earlier: &earlier,
            folded: &folded,
            experts: experts.as_deref(),
        }))
    }

    /// The other incidents that the page tells of, each with why a person is needed.
    async fn folded(&self, page: &Page) -> Result<Vec<(FoldedIncident, String)>, StoreError> {
        let mut told = Vec::new();
        for folded in or_blank(self.store.folded_into(page.id).await)? {
            if folded.incident == page.incident {
                continue;
            }
            let because = match &folded.reason {
                // Of the others, what stands there says enough.
                Some(reason) if told.len() < FOLDED => {
                    let runs = or_blank(self.store.runs_of(folded.incident).await)?;
                    let timeline = or_blank(self.store.timeline(folded.incident).await)?;
                    message::why_a_person(reason, &runs, &timeline)
                }
                Some(reason) => message::page_reason(reason),
                None => format!("/why {} tells what can be read of it", folded.incident),
            };
            told.push((folded, because));
        }
        Ok(told)
    }

    /// What a notice says that tells of a call: what the page would say, if its severity paged
    /// anybody. `None`: it tells of none.
    async fn call(&self, incident: &Incident, notice: &str) -> Result<Option<PageText>, StoreError> {
        let pages = or_blank(self.store.pages_of(incident.id).await)?;
        let is_told = |page: &&Page| page.call_text() == notice || page.text.as_deref() == Some(notice);
        let Some(page) = pages.iter().filter(|page| page.is_call()).find(is_told) else { return Ok(None) };
        Ok(Some(PageText { first: Some(page.call_text()), ..self.page_text(incident, page).await? }))
    }

    async fn approval(
        &self,
        sink: &str,
        delivery: &Delivery,
        approval: &Approval,
    ) -> Result<Option<Parcel>, StoreError> {
        let Some(incident) = self.store.incident(approval.incident).await? else { return Ok(None) };
        let run = self.store.run(approval.run).await?;
        let card = message::question(approval, &incident, run.as_ref());
        let mut parcel = self.parcel_of(ParcelKind::Approval, incident, card);
        parcel.key = format!("dogwatch-{}", approval.id);
        parcel.previous.clone_from(&delivery.external);
        parcel.thread = self.store.external_message(sink, parcel.incident.id).await?;
        Ok(Some(parcel))
    }
}

/// What a message says besides: where that cannot be read, it says the rest.
pub(super) fn or_blank<T: Default>(read: Result<T, StoreError>) -> Result<T, StoreError> {
    match read {
        Err(error @ StoreError::Unreadable { .. }) => {
            tracing::warn!(%error, "a message says less than it should");
            Ok(T::default())
        }
        read => read,
    }
}

/// What a parcel is about that is about no incident, or about one that nobody can read.
fn stand_in(title: String, severity: Severity, team: String) -> NewIncident {
    NewIncident {
        grouping: Grouping::SetAside,
        gathers: Vec::new(),
        shares: Vec::new(),
        title,
        severity,
        target: None,
        team,
        playbook: None,
    }
}

fn is_gone(what: &'static str) -> StoreError {
    StoreError::Unreadable { what, message: "its row is gone".to_owned() }
}

/// A playbook's text, in lines that fit.
fn lines(text: &str) -> Vec<String> {
    message::fold(text.lines().map(|line| message::clip(line, 500)).collect(), 3_900)
}
