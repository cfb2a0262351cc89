//! What is to be told, as it is now and in no receiver's own form.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::message::{Button, Colour, PageText};
use crate::model::{Incident, PageEvent};
use crate::store::{DeliverySubject, Standing, TicketFacts, TicketPlace};

/// One thing to tell. Its texts are plain, on lines of bounded length, and hold no control characters and no secrets
/// (see [`crate::message`]); whoever shows them escapes what his medium would take for markup.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    pub kind: ParcelKind,
    /// Stable over retries and unique over subjects: by it a receiver tells a repetition.
    pub key: String,
    /// What a receiver that keeps incidents of its own calls this one: the same for each level of a
    /// page, another one when it comes back or is worse, and unique over databases. Empty where
    /// `kind` is none of a page.
    pub pager_key: String,
    /// What is told of a page; `None` where it is none.
    pub event: Option<PageEvent>,
    /// How the page stands, if it is one.
    pub standing: Option<Standing>,
    /// In one line, what came of a page that somebody has, or that is over.
    pub outcome: Option<String>,
    /// The receiver's own id of what this replaces; `None`: it is new there.
    pub previous: Option<String>,
    /// The receiver's own id of the incident's message, to which a page, a notice or a question belongs.
    pub thread: Option<String>,
    pub at: DateTime<Utc>,
    /// What it is about.
    pub incident: Incident,
    /// The team that is paged; else the one that owns the incident.
    pub team: String,
    /// One line, at most 240 units.
    pub title: String,
    /// A page's is as long as the sink has room ([`super::Sink::room`]); at most 3,900 units for
    /// everything else.
    pub body: String,
    /// A page in its parts, of which the body is made; also that of a notice which stands for one
    /// where nobody is paged.
    pub page: Option<PageText>,
    pub colour: Colour,
    /// What a person may press, at most five. Empty: nothing, also where there were buttons before.
    pub buttons: Vec<Button>,
    /// Who is called. Empty for a page: nobody is on call.
    pub mention: Vec<Contact>,
    /// Whom a page calls and why them, in a line for whoever asks later; `None` where it is none.
    pub called: Option<String>,
    /// What is done to a ticket, if it is one.
    pub ticket: Option<TicketLetter>,
    /// What is filed, if it is work.
    pub work: Option<WorkLetter>,
    /// Where the team is paged, by the receiver's own name of it; `None`: where everything else
    /// goes.
    pub channel: Option<String>,
}

/// The sorts of parcels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParcelKind {
    /// Somebody on call must acknowledge it.
    Page,
    /// The incident's own message, made once and edited from then on.
    Card,
    /// A question.
    Approval,
    Notice,
    /// An issue in a tracker: made once, and kept up to date from then on.
    Ticket,
}

impl ParcelKind {
    /// What a delivery's subject becomes.
    pub(super) fn of(subject: &DeliverySubject) -> Self {
        match subject {
            DeliverySubject::Page { .. } => ParcelKind::Page,
            DeliverySubject::Card { .. } => ParcelKind::Card,
            DeliverySubject::Approval { .. } => ParcelKind::Approval,
            DeliverySubject::Notice { .. } | DeliverySubject::Announcement { .. } => ParcelKind::Notice,
            DeliverySubject::Ticket { .. } => ParcelKind::Ticket,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            ParcelKind::Page => "page",
            ParcelKind::Card => "card",
            ParcelKind::Approval => "approval",
            ParcelKind::Notice => "notice",
            ParcelKind::Ticket => "ticket",
        }
    }
}

/// What is done to a ticket: it is made, commented, closed or opened again.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketLetter {
    /// By what it is found, whoever made it.
    pub marker: String,
    /// Since when something may have been made or written there of which nobody heard; `None`:
    /// nothing, and there is nothing to look for.
    pub tried_at: Option<DateTime<Utc>>,
    /// So many answers were lost since.
    pub lost: u32,
    /// How many comments there are, and by what the next one is found.
    pub comments: u32,
    pub comment_marker: String,
    /// Where it lies; `None`: it is not known to be made.
    pub place: Option<TicketPlace>,
    /// Whether its incident goes on in it.
    pub open: bool,
    /// What became of it since it was told last, a line for each.
    pub news: Vec<String>,
    /// How it stands, a line for each: for one that is found, of which nobody knows what it says.
    pub standing: Vec<String>,
    /// What it is told with this.
    pub facts: TicketFacts,
}

impl TicketLetter {
    fn may_make(&self) -> bool {
        self.place.is_none() || !self.news.is_empty()
    }
}

/// Work that is filed once, and stays when its incident is over.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkLetter {
    /// By what it is found, whoever made it.
    pub marker: String,
    /// As of a [`TicketLetter`].
    pub tried_at: Option<DateTime<Utc>>,
    pub lost: u32,
    /// By what a comment is found that says that it was seen again.
    pub comment_marker: String,
    pub title: String,
    /// What is to be done, as it stands in the playbook.
    pub text: String,
    /// Where it comes from, a line for each.
    pub origin: Vec<String>,
    /// Where the same was filed before.
    pub before: Option<TicketPlace>,
    /// For so long since then it is not filed again, though somebody has closed it.
    pub again: Duration,
    pub facts: TicketFacts,
}

impl Parcel {
    /// Whether something may be made of it that is there twice if it is made twice.
    pub(super) fn may_make(&self) -> bool {
        self.work.is_some() || self.ticket.as_ref().is_some_and(TicketLetter::may_make)
    }

    /// So many answers were lost since it was tried first.
    pub(super) fn lost(&self) -> u32 {
        let work = self.work.as_ref().map(|letter| letter.lost);
        work.or(self.ticket.as_ref().map(|letter| letter.lost)).unwrap_or_default()
    }
}

/// Somebody on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    /// By what the receiver knows them; `None`: can be named there, but not called.
    pub address: Option<String>,
    /// Acknowledges the page in their name: for what they alone can read.
    pub ack_url: Option<String>,
}
