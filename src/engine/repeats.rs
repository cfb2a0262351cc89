//! What a run does not do again: a fix that did not hold is for a human to think about, and so is
//! one that did not help.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::drive::Driver;
use super::walk::StepAt;
use crate::action::{ActionError, Mutation};
use crate::model::{HumanDuration, Intent, Outcome, Rate, Remedy};
use crate::playbook::Limits;
use crate::store::{EarlierRemedy, StoreError};

/// Why this is not done, where an alert asks for it. A person who asks knows what was tried.
pub(super) async fn why_not_again(
    driver: &Driver<'_>,
    at: &StepAt<'_>,
    action: &dyn Mutation,
    intent: &Intent,
) -> Result<Option<ActionError>, StoreError> {
    let wanted = remedy(action, intent);
    if let Some(item) = driver.state.another_item_with(&at.address, &wanted) {
        let (what, object) = (&wanted.action, &wanted.object);
        let message = format!("this run has done the same for {item} ({what} for {object}), and does it once");
        return Ok(Some(ActionError::held_up(message)));
    }
    let holds_for = driver.options.fix_holds_for;
    if driver.frame.run.requested_by.is_some() {
        return Ok(None);
    }
    let now = driver.now();
    if let Some(at_most) = at.step.at_most {
        let earlier = driver.store.earlier_remedies(&wanted, driver.frame.run.id, now - at_most.within).await?;
        let is_over = earlier.len() >= at_most.most as usize;
        let last = earlier.first().filter(|_| is_over);
        return Ok(last.map(|last| ActionError::held_up(counted(last, at_most, now))));
    }
    if holds_for.is_zero() {
        return Ok(None);
    }
    let earlier = driver.store.earlier_remedies(&wanted, driver.frame.run.id, now - holds_for).await?;
    let limits = &driver.playbook.limits;
    let again = earlier.iter().find(|earlier| !goes_further(earlier, intent, limits, holds_for));
    Ok(again.map(|earlier| ActionError::held_up(told(earlier, holds_for, now))))
}

/// What the change has in common with the same one made again.
pub(super) fn remedy(action: &dyn Mutation, intent: &Intent) -> Remedy {
    Remedy { action: action.name().to_owned(), object: action.remedied(intent) }
}

/// Whether it is the next step after one that helped, and the playbook's limits speak of several
/// within that time: from 6 to 9 after 4 to 6.
fn goes_further(earlier: &EarlierRemedy, intent: &Intent, limits: &Limits, holds_for: Duration) -> bool {
    let helped = earlier.end.as_ref().is_some_and(|end| end.outcome == Some(Outcome::Fixed));
    let in_steps = limits.runs.is_some_and(|(runs, within)| runs > 1 && within <= holds_for);
    let changes = !intent.before.is_null() && !intent.after.is_null();
    helped && in_steps && changes && earlier.intent.as_ref().is_some_and(|earlier| earlier.after != intent.after)
}

/// Why it is not done once more, where the playbook says how often.
fn counted(last: &EarlierRemedy, at_most: Rate, now: DateTime<Utc>) -> String {
    format!("{}: it is done {at_most} at the most, as the playbook says (`at_most`)", tried(last, now))
}

fn told(earlier: &EarlierRemedy, holds_for: Duration, now: DateTime<Utc>) -> String {
    let tried = tried(earlier, now);
    if earlier.end.is_none() {
        return tried;
    }
    format!("{tried}: it is not done again within {} (`engine.fix_holds_for`)", HumanDuration(holds_for))
}

/// What was done before, and what came of it.
fn tried(earlier: &EarlierRemedy, now: DateTime<Utc>) -> String {
    let what = earlier.intent.as_ref().map_or("what exactly cannot be read", |intent| &intent.summary);
    let (run, at) = (earlier.run, earlier.at.format("%H:%M UTC"));
    let Some(end) = &earlier.end else {
        return format!("{run} did the same at {at} ({what}), and is not over yet");
    };
    let ago = HumanDuration(Duration::from_secs((now - end.at).num_seconds().max(0).unsigned_abs()));
    match end.outcome {
        Some(Outcome::Fixed) => format!("{run} did the same at {at} ({what}), which helped for {ago}"),
        outcome => {
            let because = end.because.trim_end_matches('.');
            let outcome = outcome.map_or("otherwise".to_owned(), |outcome| outcome.to_string());
            format!("{run} tried the same at {at} ({what}) and ended {outcome} {ago} ago ({because})")
        }
    }
}
