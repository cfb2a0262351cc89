//! What goes into the outbox: by what it is told apart, and how urgent it is.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::model::{ApprovalId, Digest, IncidentId, PageId, RunId, TicketId};
use crate::store::DeliverySubject;

/// By what a sink's deliveries are told apart. What changes while it waits is told once, as it is
/// then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum DeliveryKey {
    Page(PageId),
    Card(IncidentId),
    Question(ApprovalId),
    /// What is told in chat of a page that pages nobody.
    Call(PageId),
    Ticket(TicketId),
    /// The n-th of the run's record with that number.
    Notice {
        run: RunId,
        record: i64,
        n: usize,
    },
    /// Of the bot itself.
    Announcement {
        at: DateTime<Utc>,
        text: Digest,
    },
}

impl fmt::Display for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeliveryKey::Page(page) => page.fmt(f),
            DeliveryKey::Card(incident) => incident.fmt(f),
            DeliveryKey::Question(approval) => approval.fmt(f),
            DeliveryKey::Ticket(ticket) => ticket.fmt(f),
            DeliveryKey::Call(page) => write!(f, "CALL-{}", page.0),
            DeliveryKey::Notice { run, record, n } => write!(f, "{run}-{record}-{n}"),
            DeliveryKey::Announcement { at, text } => write!(f, "NEWS-{}-{text}", at.timestamp_micros()),
        }
    }
}

impl DeliveryKey {
    /// What a delivery is about, by the key that it was put under; `None` where only its own row
    /// says it.
    pub fn subject(key: &str) -> Option<DeliverySubject> {
        let (sort, _) = key.split_once('-')?;
        match sort {
            "PAGE" => key.parse().ok().map(|page| DeliverySubject::Page { page }),
            "INC" => key.parse().ok().map(|incident| DeliverySubject::Card { incident }),
            "TKT" => key.parse().ok().map(|ticket| DeliverySubject::Ticket { ticket }),
            "APR" => key.parse().ok().map(|approval| DeliverySubject::Approval { approval }),
            _ => None,
        }
    }
}

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) enum Urgency {
    /// Somebody is called.
    Page,
    /// Somebody is asked, or told something once.
    Message,
    /// What can be looked up, as it is now.
    Card,
}

/// Something to bring to a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Outgoing {
    pub key: DeliveryKey,
    pub subject: DeliverySubject,
}

impl Outgoing {
    pub fn page(page: PageId) -> Self {
        Self { key: DeliveryKey::Page(page), subject: DeliverySubject::Page { page } }
    }

    pub fn card(incident: IncidentId) -> Self {
        Self { key: DeliveryKey::Card(incident), subject: DeliverySubject::Card { incident } }
    }

    pub fn question(approval: ApprovalId) -> Self {
        Self { key: DeliveryKey::Question(approval), subject: DeliverySubject::Approval { approval } }
    }

    /// A text that the run's record with that number brings, and the n-th of those.
    pub fn notice(incident: IncidentId, text: String, run: RunId, record: i64, n: usize) -> Self {
        Self { key: DeliveryKey::Notice { run, record, n }, subject: DeliverySubject::Notice { incident, text } }
    }

    /// That a person is needed for what pages nobody.
    pub fn call(page: PageId, incident: IncidentId, text: String) -> Self {
        Self { key: DeliveryKey::Call(page), subject: DeliverySubject::Notice { incident, text } }
    }

    pub fn ticket(ticket: TicketId) -> Self {
        Self { key: DeliveryKey::Ticket(ticket), subject: DeliverySubject::Ticket { ticket } }
    }

    /// What the bot says of itself.
    pub fn announcement(text: String, is_trouble: bool, at: DateTime<Utc>) -> Self {
        let key = DeliveryKey::Announcement { at, text: Digest::of(&text) };
        Self { key, subject: DeliverySubject::Announcement { text, is_trouble } }
    }

    pub fn urgency(&self) -> Urgency {
        match self.subject {
            DeliverySubject::Page { .. } => Urgency::Page,
            DeliverySubject::Approval { .. }
            | DeliverySubject::Notice { .. }
            | DeliverySubject::Ticket { .. }
            | DeliverySubject::Announcement { .. } => Urgency::Message,
            DeliverySubject::Card { .. } => Urgency::Card,
        }
    }

    /// The page that it is of, if it is one.
    pub fn page_id(&self) -> Option<PageId> {
        match self.subject {
            DeliverySubject::Page { page } => Some(page),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of earlier versions are found by their keys.
    #[test]
    fn keys_stay_what_they_were() {
        let key = |outgoing: Outgoing| outgoing.key.to_string();
        assert_eq!(key(Outgoing::page(PageId(7))), "PAGE-7");
        assert_eq!(key(Outgoing::card(IncidentId(7))), "INC-7");
        assert_eq!(key(Outgoing::question(ApprovalId(7))), "APR-7");
        assert_eq!(key(Outgoing::notice(IncidentId(7), "text".into(), RunId(3), 12, 0)), "RUN-3-12-0");
    }

    #[test]
    fn a_key_says_what_it_is_about() {
        let (page, card, question) =
            (Outgoing::page(PageId(7)), Outgoing::card(IncidentId(7)), Outgoing::question(ApprovalId(7)));
        for outgoing in [page, card, question, Outgoing::ticket(TicketId(7))] {
            assert_eq!(DeliveryKey::subject(&outgoing.key.to_string()), Some(outgoing.subject));
        }
        assert_eq!(DeliveryKey::subject("RUN-3-12-0"), None, "the text is nowhere else");
        assert_eq!(DeliveryKey::subject("PAGE-x"), None);
    }

    #[test]
    fn an_announcement_is_told_apart_by_its_moment_and_text() {
        let key =
            |text: &str, at| Outgoing::announcement(text.into(), false, DateTime::UNIX_EPOCH + at).key.to_string();
        let (now, later) = (chrono::TimeDelta::zero(), chrono::TimeDelta::seconds(1));
        assert_eq!(key("text", now), key("text", now));
        assert!(key("text", now) != key("other", now) && key("text", now) != key("text", later));
        assert_eq!(DeliveryKey::subject(&key("text", now)), None, "the text is nowhere else");
    }

    #[test]
    fn a_call_is_no_page() {
        let call = Outgoing::call(PageId(7), IncidentId(3), "text".into());
        assert_eq!((call.key.to_string(), call.page_id(), call.urgency()), ("CALL-7".into(), None, Urgency::Message));
    }

    #[test]
    fn pages_go_first() {
        assert!(Urgency::Page < Urgency::Message && Urgency::Message < Urgency::Card);
    }
}
