//! What follows from the end of a run.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::IncidentRules;
use super::flapping::decide_over;
use crate::model::{IncidentState, Outcome, RunId};
use crate::store::{Change, Decision, IncidentEvent, IncidentRef, IncidentView};

/// A run that has ended.
pub(super) struct End<'a> {
    pub run: RunId,
    pub outcome: Outcome,
    pub because: &'a str,
    /// How long the incident may go unanswered, by the run's playbook; `None`: until the next business day.
    pub page_by: Option<Duration>,
}

/// Decides what follows.
pub(super) fn decide_run_ended(
    rules: &IncidentRules,
    view: &IncidentView,
    end: &End<'_>,
    now: DateTime<Utc>,
) -> Decision {
    let End { run, outcome, because, .. } = *end;
    let incident = IncidentRef::Existing(view.incident.id);
    let mut changes =
        vec![Change::Note { incident, event: IncidentEvent::RunEnded { run, outcome, because: because.to_owned() } }];
    let over = view.incident.state == IncidentState::Resolved;
    let helped = matches!(outcome, Outcome::Fixed | Outcome::NothingToDo);
    let others_under_way = view.runs.iter().any(|other| other.id != run);
    if helped && !over && view.is_of_many {
        // It helped one of many, and what fires about the others goes on.
        changes.extend(others_wait(rules, view, end, others_under_way, now));
    } else if helped && !over {
        changes.push(Change::Mitigate { incident });
        changes.push(Change::Note { incident, event: IncidentEvent::Mitigated { because: because.to_owned() } });
        changes.extend(page_at(rules, view, end, now).map(|at| Change::PageAt { incident, at }));
    }
    // What escalated stays open until a human has looked at it, also when its alerts are over by then.
    let needs_nobody = outcome != Outcome::Escalated && view.escalated().is_none();
    if needs_nobody && !over && view.incident.open_episodes == 0 && !others_under_way {
        let because = match outcome {
            Outcome::Fixed => format!("{run} fixed it, and no alert fires"),
            _ => format!("{run} ended ({outcome}), and no alert fires"),
        };
        changes.extend(decide_over(rules, view, ("dogwatch", because), now));
    }
    Decision { changes, reply: None }
}

/// When somebody is called about the others once the last run has ended: nobody else is at them.
fn others_wait(
    rules: &IncidentRules,
    view: &IncidentView,
    end: &End<'_>,
    others_under_way: bool,
    now: DateTime<Utc>,
) -> Option<Change> {
    let incident = &view.incident;
    let is_taken = incident.owner.is_some() || !view.unanswered.is_empty() || incident.page_at.is_some();
    (!others_under_way && !is_taken).then(|| Change::PageAt {
        incident: IncidentRef::Existing(incident.id),
        at: Some(now + end.page_by.unwrap_or_default().max(rules.stale_within)),
    })
}

/// When somebody is called after all if the alerts fire on: a run can be mistaken, and an alert is what counts. `None`: as
/// it was before.
fn page_at(
    rules: &IncidentRules,
    view: &IncidentView,
    end: &End<'_>,
    now: DateTime<Utc>,
) -> Option<Option<DateTime<Utc>>> {
    let incident = &view.incident;
    if incident.open_episodes == 0 {
        return Some(None);
    }
    // Having found nothing to do makes nobody wait longer, and calls nobody who is at it.
    if end.outcome == Outcome::NothingToDo && (incident.page_at.is_some() || incident.owner.is_some()) {
        return None;
    }
    // The news of what was fixed is on its way for a while.
    Some(end.page_by.map(|page_by| now + page_by.max(rules.stale_within)))
}
