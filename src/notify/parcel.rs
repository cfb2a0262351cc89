//! What is to be told, as it is now and in no receiver's own form.

use chrono::{DateTime, Utc};

use crate::message::{Button, Colour, PageText};
use crate::model::Incident;
use crate::oncall::{DiscordChannel, DiscordUser};
use crate::store::DeliverySubject;

/// One thing to tell. Its texts are plain, on lines of bounded length, and hold no control characters and no secrets
/// (see [`crate::message`]); whoever shows them escapes what his medium would take for markup.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    pub kind: ParcelKind,
    /// Stable over retries and unique over subjects: by it a receiver tells a repetition.
    pub key: String,
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
    /// Where the team is paged; `None`: where everything else goes.
    pub channel: Option<DiscordChannel>,
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
}

impl ParcelKind {
    /// What a delivery's subject becomes.
    pub(super) fn of(subject: &DeliverySubject) -> Self {
        match subject {
            DeliverySubject::Page { .. } => ParcelKind::Page,
            DeliverySubject::Card { .. } => ParcelKind::Card,
            DeliverySubject::Approval { .. } => ParcelKind::Approval,
            DeliverySubject::Notice { .. } => ParcelKind::Notice,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            ParcelKind::Page => "page",
            ParcelKind::Card => "card",
            ParcelKind::Approval => "approval",
            ParcelKind::Notice => "notice",
        }
    }
}

/// Somebody on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    /// `None`: can be named, but not mentioned there.
    pub discord: Option<DiscordUser>,
}
