//! A tracker that does not take a ticket: when somebody must know.

use chrono::{DateTime, TimeDelta, Utc};

use crate::message::clip;
use crate::model::TicketId;
use crate::notify::SinkError;
use crate::store::{Store, StoreError};

/// What passes by itself within this is no news.
const PASSES_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// So many attempts in a row take about as long.
const MANY: u32 = 10;

/// Tells on the timeline, once, that a ticket is not brought to its tracker: at once where somebody
/// must change something, and where it is given up; else when it has lasted for a while.
pub(in crate::notify) async fn tell(
    store: &dyn Store,
    (id, attempts): (TicketId, u32),
    error: &SinkError,
    retry_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(ticket) = store.ticket(id).await? else { return Ok(()) };
    let lasts = match ticket.place {
        None => now - ticket.created_at >= PASSES_WITHIN,
        Some(_) => attempts >= MANY,
    };
    if !error.is_refusal() && !lasts && retry_at.is_some() {
        return Ok(());
    }
    let tracker = ticket.tracker();
    let what = if ticket.place.is_some() { "told what changed" } else { "made" };
    let next = if retry_at.is_some() { "it is tried on" } else { "it is tried no more" };
    let text = format!("its ticket in {tracker} cannot be {what}: {}; {next}", clip(&error.to_string(), 400));
    store.ticket_trouble(id, &text).await
}
