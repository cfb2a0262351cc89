//! The list of incidents for scripts. Its shape is told in README.md, and stays.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::model::{Incident, redact_value};
use crate::store::{Page, Reach, Ticket};

/// Incidents in all: who has more asks for some of them.
const LISTED: usize = 1_000;

/// The incidents as a document, in the order given. `pages`: those that nobody has acknowledged.
/// `tickets`: those of the incidents. Times are RFC 3339, in UTC.
pub fn incidents_json(incidents: &[Incident], pages: &[Page], tickets: &[Ticket], now: DateTime<Utc>) -> String {
    let listed: Vec<Value> = incidents.iter().take(LISTED).map(|incident| one(incident, pages, tickets, now)).collect();
    let mut document = json!({ "incidents": listed, "left_out": incidents.len().saturating_sub(LISTED) });
    // An older version may have written something down in clear.
    redact_value(&mut document);
    format!("{document:#}")
}

fn one(incident: &Incident, pages: &[Page], tickets: &[Ticket], now: DateTime<Utc>) -> Value {
    let tickets: Vec<Value> = tickets.iter().filter(|ticket| ticket.incident == incident.id).map(ticket).collect();
    let pages: Vec<Value> =
        pages.iter().filter(|page| page.incident == incident.id).map(|page| unanswered(page, now)).collect();
    json!({
        "id": incident.id.to_string(),
        "severity": incident.severity.to_string(),
        "state": incident.state.to_string(),
        "title": incident.title,
        "team": incident.team,
        "owner": incident.owner,
        "target": incident.target,
        "playbook": incident.playbook,
        "opened_at": incident.opened_at,
        "acknowledged_at": incident.acknowledged_at,
        "mitigated_at": incident.mitigated_at,
        "resolved_at": incident.resolved_at,
        "page_at": incident.page_at,
        "held_until": incident.held_until,
        "firing": incident.open_episodes,
        "alerts": incident.episodes,
        "pages": pages,
        "tickets": tickets,
    })
}

fn unanswered(page: &Page, now: DateTime<Utc>) -> Value {
    let reach = match page.reach(now) {
        Reach::Somebody => "delivered",
        Reach::OnItsWay => "on_its_way",
        Reach::Nobody { .. } => "nobody",
        Reach::Chat => "chat",
        Reach::Folded => "folded",
    };
    json!({
        "id": page.id.to_string(),
        "team": page.team,
        "severity": page.severity.to_string(),
        "created_at": page.created_at,
        "reach": reach,
        "folded_into": page.folded_into().map(|into| into.to_string()),
    })
}

fn ticket(ticket: &Ticket) -> Value {
    let place = ticket.place.as_ref();
    let state = match place {
        None => "not_made",
        Some(place) if place.open => "open",
        Some(_) => "closed",
    };
    json!({
        "in": ticket.tracker(),
        "work": ticket.work.as_ref().map(|work| &work.title),
        "state": state,
        "url": place.and_then(|place| place.url.clone()),
    })
}
