//! When a ticket is told what changed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::Incident;
use crate::store::TicketPlace;

/// How often a ticket is told at the most of what need not be known at once: whoever watches it
/// gets a mail for each comment.
const TOLD_EVERY: TimeDelta = TimeDelta::minutes(5);

/// At once where it opens, closes or becomes worse; else minutes after it was told last. What was
/// never made is tried at its own time.
pub(in crate::store) fn ticket_due_at(
    place: Option<&TicketPlace>,
    told_at: Option<DateTime<Utc>>,
    incident: &Incident,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let Some(place) = place else { return now + TOLD_EVERY };
    let told = &place.told;
    if place.open == incident.is_over() || incident.severity < told.severity || incident.spell != told.spell {
        return now;
    }
    // A clock that was set back makes nobody wait longer.
    told_at.map_or(now, |told_at| (told_at + TOLD_EVERY).clamp(now, now + TOLD_EVERY))
}
