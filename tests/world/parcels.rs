//! What a sink is given, for what a conversation does not come to.

use chrono::DateTime;
use dogwatch::message::{Colour, PageText, Room};
use dogwatch::model::*;
use dogwatch::notify::{Parcel, ParcelKind};
use dogwatch::store::NewIncident;

/// A page of S1 that says so much in its parts, and is new to its receiver.
pub fn page(page: PageText) -> Parcel {
    let incident = NewIncident {
        grouping: Grouping::SetAside,
        gathers: Vec::new(),
        shares: Vec::new(),
        title: "the disk is slow".into(),
        severity: Severity::S1,
        target: None,
        team: "platform".into(),
        playbook: None,
    };
    Parcel {
        kind: ParcelKind::Page,
        key: "dogwatch-INC-7-1-1-S1".into(),
        pager_key: "dogwatch-3f9a1c2e-INC-7-1-S1".into(),
        event: Some(PageEvent::Trigger),
        standing: None,
        outcome: None,
        previous: None,
        thread: None,
        at: DateTime::UNIX_EPOCH,
        incident: incident.opened(IncidentId(7), DateTime::UNIX_EPOCH),
        team: "platform".into(),
        title: "[S1] INC-7 the disk is slow".into(),
        body: page.body(Room::Units(64_000)).text,
        page: Some(page),
        ticket: None,
        work: None,
        colour: Colour::Red,
        buttons: Vec::new(),
        mention: Vec::new(),
        called: None,
        channel: None,
    }
}
