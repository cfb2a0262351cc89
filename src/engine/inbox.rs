//! What others have left for a run: an end, a stop, an answer.

use chrono::{DateTime, Utc};

use super::anew;
use super::compare::{Compared, compare};
use super::drive::Driver;
use super::preview::{self, Extent};
use super::state::Approval;
use super::timing::ANSWER_IS_OLD;
use crate::model::{ApprovalId, HumanDuration, Phase, Preview, PreviewStep, RunEvent, Verdict, to_the_minute};
use crate::store::{Append, InboxItem, StoreError};

/// Takes in what others left: only records; what follows from them is planned.
pub(super) async fn take_inbox(driver: &mut Driver<'_>) -> Result<(), StoreError> {
    let mut events = Vec::new();
    let mut consumes = Vec::new();
    for (number, item) in std::mem::take(&mut driver.inbox) {
        match item {
            InboxItem::AlertResolved => events.push(RunEvent::AlertResolved),
            InboxItem::Unknown => events.push(RunEvent::Unknown),
            InboxItem::Cancel { by } => events.push(RunEvent::CancelAsked { by }),
            InboxItem::Answer { approval, verdict, by, at, reason } => {
                let now = driver.now();
                let changed = match verdict {
                    Verdict::Approve => changed_since_asked(driver).await,
                    Verdict::Deny => Ok(None),
                };
                let Ok(changed) = changed else {
                    driver.left.push(number);
                    continue;
                };
                if changed.is_none()
                    && let Some(late) = too_late(driver, approval, verdict, &by, at, now)
                {
                    events.extend(late);
                    consumes.push(number);
                    continue;
                }
                let waited = at.and_then(|at| (now - at).to_std().ok()).map(HumanDuration);
                // A moment is the usual way of an answer, and need not be told.
                let waited = waited.filter(|waited| waited.0 >= ANSWER_IS_OLD);
                events.push(RunEvent::ApprovalAnswered { approval, verdict: Some(verdict), by, waited, reason });
                events.extend(changed);
            }
        }
        consumes.push(number);
    }
    if !consumes.is_empty() {
        driver.append(Append { events, consumes, ..Append::default() }).await?;
    }
    Ok(())
}

/// What is recorded of a yes that nobody took in before its question had expired: it is none.
fn too_late(
    driver: &Driver<'_>,
    approval: ApprovalId,
    verdict: Verdict,
    by: &str,
    at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<[RunEvent; 2]> {
    let Approval::Asked { id, expires_at, .. } = &driver.state.approval else { return None };
    // What was given in time and comes in at the usual pace is in time.
    let is_in_time = at.is_some_and(|at| at < *expires_at && now < at + ANSWER_IS_OLD);
    if *id != approval || verdict == Verdict::Deny || now < *expires_at || is_in_time {
        return None;
    }
    let given = at.map(|at| format!(" (given at {})", at.format("%H:%M UTC"))).unwrap_or_default();
    let because = format!(
        "the yes of {by} to {approval}{given} was taken in only after the question had expired at {}",
        to_the_minute(*expires_at)
    );
    let by = "the clock".to_owned();
    let answered = RunEvent::ApprovalAnswered { approval, verdict: None, by, waited: None, reason: None };
    Some([answered, RunEvent::Entered { phase: Phase::Escalate, because }])
}

/// A yes is a yes to what was shown. When the world has moved on, it would be another thing now.
///
/// # Errors
/// The world does not say at the moment, and there is time to ask it again.
async fn changed_since_asked(driver: &Driver<'_>) -> Result<Option<RunEvent>, ()> {
    let Approval::Asked { preview: shown, expires_at, .. } = &driver.state.approval else { return Ok(None) };
    let (frame, state, until) = (&driver.frame, &driver.state, driver.until());
    let now = preview::preview(driver.world, frame, state, driver.playbook, Extent::Decided, until).await;
    let told = |steps: &[PreviewStep]| steps.iter().map(|s| s.summary.clone()).collect::<Vec<_>>().join("; ");
    let because = match compare(shown, &now) {
        Compared::Same => return Ok(None),
        Compared::Unasked(error) if driver.now() < *expires_at => {
            tracing::info!(run = %driver.frame.run.id, error, "an answer waits until its preview can be made again");
            return Err(());
        }
        Compared::Unasked(error) => {
            format!("what was approved ({}) could not be looked at again in time: {error}", told(&shown.steps))
        }
        // Then it is diagnosed again first, and asked again where that comes to something else.
        Compared::Changed if anew::is_due(driver).is_some() => return Ok(None),
        Compared::Changed if is_replaced(shown, &now.preview) => {
            "the target was replaced by another of the same name since it was asked".to_owned()
        }
        Compared::Changed => format!(
            "what was approved ({}) is no longer what it would do ({})",
            told(&shown.steps),
            told(&now.preview.steps)
        ),
    };
    Ok(Some(RunEvent::Entered { phase: Phase::Escalate, because }))
}

/// Whether a step would be done to another object of the same name.
fn is_replaced(shown: &Preview, now: &Preview) -> bool {
    shown.steps.iter().filter(|step| step.uid.is_some()).any(|shown| {
        let now = now.steps.iter().find(|now| now.step == shown.step);
        now.is_some_and(|now| now.uid.is_some() && now.uid != shown.uid)
    })
}
