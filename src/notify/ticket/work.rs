//! Work that is filed once: made, or found open and told that it was seen again. Nothing closes it
//! but a person.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Issue, SKEW, Tracker, marked, shown_url};
use crate::message::{work_body, work_comment};
use crate::model::IncidentId;
use crate::notify::{SinkError, WorkLetter};
use crate::store::{FiledWork, TicketPlace, TicketSite};

/// Whoever watches it gets a mail for each comment: that it is still so need not be told more
/// often.
const TOLD_EVERY: TimeDelta = TimeDelta::days(1);

/// Files it, unless the same is open, or was closed lately. Where it is then.
pub(super) async fn file<T: Tracker>(
    tracker: &T,
    letter: &WorkLetter,
    incident: IncidentId,
    now: DateTime<Utc>,
) -> Result<TicketPlace, SinkError> {
    if let Some(tried_at) = letter.tried_at
        && let Some(issue) = tracker.find(&letter.marker, tried_at - SKEW).await?
    {
        return Ok(made(issue, letter, tracker.site(), now));
    }
    if let Some(before) = &letter.before
        && let Some(issue) = tracker.issue(&before.id).await?
        && (issue.open || is_too_early(before, letter, now))
    {
        let mut place = seen_again(before, letter, now);
        place.open = issue.open;
        if issue.open && is_told(before, now) {
            comment(tracker, letter, incident, &mut place, now).await?;
        } else if !issue.open {
            place.work = place.work.map(|work| FiledWork { again_at: Some(work.at + letter.again), ..work });
        }
        return Ok(place);
    }
    let before = letter.before.as_ref().map(|before| format!("filed before: {}", before.shown()));
    let origin: Vec<String> = letter.origin.iter().cloned().chain(before).collect();
    let body = marked(&work_body(&letter.text, &origin, incident), &letter.marker);
    Ok(made(tracker.create(&letter.title, &body).await?, letter, tracker.site(), now))
}

/// That it was seen again, once: a comment that an earlier attempt wrote is that one.
async fn comment<T: Tracker>(
    tracker: &T,
    letter: &WorkLetter,
    incident: IncidentId,
    place: &mut TicketPlace,
    now: DateTime<Utc>,
) -> Result<(), SinkError> {
    let is_there = match letter.tried_at {
        Some(at) => tracker.find_comment(&place.id, &letter.comment_marker, Some(at - SKEW)).await?.is_some(),
        None => false,
    };
    if !is_there {
        let times = place.work.as_ref().map_or(1, |work| work.times);
        let text = work_comment(&letter.text, &letter.origin, incident, times);
        tracker.comment(&place.id, &marked(&text, &letter.comment_marker)).await?;
    }
    place.comments += 1;
    place.work = place.work.take().map(|work| FiledWork { told_at: now, ..work });
    Ok(())
}

fn made(issue: Issue, letter: &WorkLetter, site: &TicketSite, now: DateTime<Utc>) -> TicketPlace {
    TicketPlace {
        id: issue.id,
        url: issue.url.and_then(|url| shown_url(&url)),
        open: issue.open,
        comments: 0,
        written_at: issue.created_at,
        told: letter.facts.clone(),
        site: Some(site.clone()),
        work: Some(FiledWork { at: now, told_at: now, times: 1, again_at: None }),
    }
}

/// It is where it was filed before, and was asked for once more.
pub(super) fn seen_again(before: &TicketPlace, letter: &WorkLetter, now: DateTime<Utc>) -> TicketPlace {
    let work = before.work.clone().unwrap_or(FiledWork { at: now, told_at: now, times: 1, again_at: None });
    let work = FiledWork { times: work.times.saturating_add(1), again_at: None, ..work };
    TicketPlace { told: letter.facts.clone(), work: Some(work), ..before.clone() }
}

/// It was filed so lately that it is not filed again, whatever became of it.
pub(super) fn is_too_early(before: &TicketPlace, letter: &WorkLetter, now: DateTime<Utc>) -> bool {
    before.work.as_ref().is_some_and(|work| now < work.at + letter.again)
}

/// It is told that it was seen again. A clock that was set back makes nobody silent.
pub(super) fn is_told(before: &TicketPlace, now: DateTime<Utc>) -> bool {
    before.work.as_ref().is_none_or(|work| (now - work.told_at).abs() >= TOLD_EVERY)
}
