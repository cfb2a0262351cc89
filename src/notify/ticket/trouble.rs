//! A tracker that does not take a ticket: when somebody must know.

use chrono::{DateTime, TimeDelta, Utc};

use crate::message::{clip, moment};
use crate::model::TicketId;
use crate::notify::SinkError;
use crate::notify::patience::HELD;
use crate::store::{Store, StoreError, TicketFailure, TicketTrouble};

/// What passes by itself within this is no news.
const PASSES_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// Keeps what an attempt in vain means for the ticket and its tracker. The timeline is told that it
/// is not brought there: at once where somebody must change something, and where it is given up;
/// else when it has lasted for a while.
pub(in crate::notify) async fn tell(
    store: &dyn Store,
    id: TicketId,
    error: &SinkError,
    retry_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(ticket) = store.ticket(id).await? else { return Ok(()) };
    let since = match ticket.place {
        None => ticket.created_at,
        Some(_) => ticket.failing_since.unwrap_or(now),
    };
    let is_refusal = error.is_refusal();
    let is_told = is_refusal || retry_at.is_none() || now - since >= PASSES_WITHIN;
    let trouble = is_told.then(|| {
        let tracker = ticket.tracker();
        let what = if ticket.place.is_some() { "told what changed" } else { "made" };
        let next = if retry_at.is_some() { "it is tried on" } else { "it is tried no more" };
        let error = clip(&with_end(error, now), 400);
        let which = match &ticket.work {
            Some(work) => format!("the ticket \"{}\" in {tracker}", clip(&work.title, 200)),
            None => format!("its ticket in {tracker}"),
        };
        TicketTrouble { text: format!("{which} cannot be {what}: {error}; {next}"), is_refusal }
    });
    let left_alone = left_alone_until(error, now).map(|until| (until, with_end(error, now)));
    let is_lost = matches!(error, SinkError::MayBeDone { .. });
    store.ticket_failed(id, TicketFailure { is_lost, left_alone, trouble }).await
}

/// Until when nothing is sent to the receiver.
fn left_alone_until(error: &SinkError, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    error.asks_to_wait().map(|after| now + after.clamp(*HELD.start(), *HELD.end()))
}

/// The error, behind the time until which its receiver is left alone: lists show the beginning.
pub(in crate::notify) fn with_end(error: &SinkError, now: DateTime<Utc>) -> String {
    match left_alone_until(error, now) {
        Some(until) => format!("left alone until {}: {error}", moment(until)),
        None => error.to_string(),
    }
}
