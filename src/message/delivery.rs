//! Where a page went, and whether it has reached anybody.

use chrono::{DateTime, Utc};

use super::reason::why_a_person;
use super::text::{clip, count, moment};
use crate::model::{IncidentId, Run};
use crate::store::{Page, PageDelivery, Reach, TimelineEntry};

/// No error takes more than this, whatever the receiver says.
pub(super) const LONGEST: usize = 160;

/// `PAGE-5 has reached nobody since 2025-03-01 02:13:00 UTC: webhook: 4 attempts, the last: 503;
/// next at ...`. `None`: it has reached somebody, or is on its way.
pub fn reached_nobody(page: &Page, now: DateTime<Utc>) -> Option<String> {
    let since = page.reached_nobody_since(now)?;
    let ways: Vec<String> = page.deliveries.iter().map(way).collect();
    let ways = if ways.is_empty() { "no sink for pages is configured".to_owned() } else { ways.join("; ") };
    Some(format!("{} has reached nobody since {}: {ways}", page.id, moment(since)))
}

/// `waits for team databases: RUN-7 needs a person: the disk is full`. `None`: it is a page, or
/// somebody has acknowledged it. `runs` and `timeline` are those of its incident, as far as they
/// are known.
pub fn needs_a_person(page: &Page, runs: &[Run], timeline: &[TimelineEntry], now: DateTime<Utc>) -> Option<String> {
    let text = page.text.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    let calls = page.reach(now) == Reach::Chat;
    calls.then(|| {
        format!("waits for team {}: {}{text}", clip(&page.team, 80), why_a_person(&page.reason, runs, timeline))
    })
}

/// What the list of incidents says before the title.
pub(super) fn mark(incident: IncidentId, pages: &[Page], now: DateTime<Utc>) -> &'static str {
    let stands =
        |reach: fn(Reach) -> bool| pages.iter().any(|page| page.incident == incident && reach(page.reach(now)));
    if stands(|reach| matches!(reach, Reach::Nobody { .. })) {
        "REACHED NOBODY: "
    } else if stands(|reach| reach == Reach::Chat) {
        "NEEDS A PERSON: "
    } else {
        ""
    }
}

/// One line for each sink that a page went to, and one for what comes of it where that is nothing.
pub(super) fn ways(page: &Page, now: DateTime<Utc>) -> Vec<String> {
    page.deliveries.iter().map(way).chain(comes_of_it(page, now)).collect()
}

/// Where a page has not reached somebody.
pub(super) fn comes_of_it(page: &Page, now: DateTime<Utc>) -> Option<String> {
    match page.reach(now) {
        Reach::Nobody { since } if page.deliveries.is_empty() => {
            Some(format!("it has reached nobody since {}: no sink for pages is configured", moment(since)))
        }
        Reach::Nobody { since } => Some(format!("it has reached nobody since {}", moment(since))),
        Reach::Chat => Some(
            "it pages nobody: it stands in chat, the list and the handoff until somebody acknowledges it".to_owned(),
        ),
        Reach::OnItsWay => Some("it is on its way".to_owned()),
        Reach::Folded | Reach::Somebody => None,
    }
}

pub(super) fn way(delivery: &PageDelivery) -> String {
    let sink = clip(&delivery.sink, 40);
    if let Some(at) = delivery.delivered_at {
        return format!("{sink}: delivered at {}", moment(at));
    }
    let tried = match delivery.attempts {
        0 => "not tried yet".to_owned(),
        n => count(u64::from(n), "attempt"),
    };
    let error =
        delivery.error.as_deref().map(|error| format!(", the last: {}", clip(error, LONGEST))).unwrap_or_default();
    format!("{sink}: {tried}{error}; {}", end(delivery))
}

/// When it is tried next.
pub(super) fn end(delivery: &PageDelivery) -> String {
    delivery.due_at.map_or("not tried any more".to_owned(), |at| format!("next at {}", moment(at)))
}
