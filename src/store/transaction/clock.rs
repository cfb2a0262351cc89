//! Moving what waits, when the wall clock was set.

use chrono::{DateTime, TimeDelta, Utc};

use super::Tx;
use crate::model::{HumanDuration, RunEvent};
use crate::store::{IncidentEvent, StoreError};

/// How far back a playbook's limits look, at the most: what is older is not moved, as there may be
/// years of it.
const LONGEST_LIMIT: TimeDelta = TimeDelta::days(92);

/// Moves all that waits for a time by `by`. The transaction's `now` is what the clock says from now
/// on.
pub(in crate::store) async fn move_what_waits(tx: &mut Tx<'_>, by: TimeDelta) -> Result<(), StoreError> {
    // Before anything is told by the new time.
    tx.tables.remember_move(tx.now, by).await?;
    let way = if by < TimeDelta::zero() { "back" } else { "forward" };
    let lasting = HumanDuration(by.abs().to_std().unwrap_or_default());
    for incident in tx.tables.incidents_that_wait().await? {
        let text = format!("the clock was set {way} by {lasting}; what waits for a time was moved with it");
        tx.note(incident, &IncidentEvent::Remark { text }).await?;
    }
    // A run's log holds times too: those that stand before this record are read as moved.
    let record = RunEvent::ClockMoved { by_micros: by.num_microseconds().unwrap_or(i64::MAX) };
    for end in tx.tables.move_runs(by).await? {
        tx.tables.insert_record(end, tx.now, &record).await?;
    }
    let back = LONGEST_LIMIT.checked_add(&by.abs()).unwrap_or(TimeDelta::MAX);
    let since = tx.now.checked_sub_signed(back).unwrap_or(DateTime::<Utc>::MIN_UTC);
    tx.tables.move_history(since, by).await?;
    tx.tables.move_timers(by).await?;
    // Each says until when it may be answered.
    for question in tx.tables.move_questions(by).await? {
        tx.send_question(question).await?;
    }
    Ok(())
}
