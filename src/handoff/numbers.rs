//! The shift in numbers.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Timelike as _, Utc};
use chrono_tz::Tz;

use super::summarise::ShiftRecords;
use super::summary::Numbers;
use crate::model::{HumanDuration, Incident, Outcome, PageBudget, RunEvent};
use crate::oncall::OnCall;
use crate::store::{IncidentEvent, Page, TimelineWhat};

pub(super) fn count(facts: &ShiftRecords, oncall: &OnCall, budget: Option<PageBudget>) -> Numbers {
    let shift = facts.shift;
    let in_shift = |at: Option<DateTime<Utc>>| at.is_some_and(|at| shift.contains(at));
    let resolved: Vec<&Incident> =
        facts.view.incidents.iter().filter(|incident| in_shift(incident.resolved_at)).collect();
    let paged: BTreeSet<_> = facts.view.pages.iter().map(|page| page.incident).collect();
    let to_ack: Vec<Duration> = facts.view.pages.iter().filter_map(time_to_ack).collect();
    let to_resolve: Vec<Duration> =
        resolved.iter().filter_map(|incident| (incident.resolved_at? - incident.opened_at).to_std().ok()).collect();
    let closed = facts.closed().count();
    let fixed_alone = facts.closed().filter(|incident| fixed_alone(facts, incident)).count();
    let budget = budget.map(|budget| budget.of_shift((shift.to - shift.from).to_std().unwrap_or_default()));
    Numbers {
        opened: facts.view.incidents.iter().filter(|incident| shift.contains(incident.opened_at)).count(),
        resolved: resolved.len(),
        pages: facts.view.pages.len(),
        paged_incidents: paged.len(),
        budget,
        over_budget: budget.is_some_and(|budget| paged.len() > budget),
        folded: facts.view.folded.len(),
        mtta: mean(&to_ack),
        acknowledged: to_ack.len(),
        mttr: mean(&to_resolve),
        night_pages: facts.view.pages.iter().filter(|page| is_night(facts, oncall, page.created_at)).count(),
        closed,
        fixed_alone,
        fixed_alone_percent: (fixed_alone * 100).checked_div(closed),
    }
}

/// How long a page waited for a person. A resolution closes pages, too, but nobody answered those.
/// Between times that a clock was set back from, nobody knows how long it was.
fn time_to_ack(page: &Page) -> Option<Duration> {
    let acknowledged_at = page.acknowledged_at.filter(|_| page.answered)?;
    (acknowledged_at - page.created_at).to_std().ok()
}

fn mean(times: &[Duration]) -> Option<String> {
    let count = u32::try_from(times.len()).ok().filter(|count| *count > 0)?;
    let mean = times.iter().sum::<Duration>() / count;
    Some(HumanDuration(Duration::from_secs(mean.as_secs())).to_string())
}

/// Between 22:00 and 07:00 for whoever was on call then.
fn is_night(facts: &ShiftRecords, oncall: &OnCall, at: DateTime<Utc>) -> bool {
    let member = oncall.who(&facts.team, at).ok().flatten().map(|watch| watch.member);
    let zone: Tz = member.and_then(|member| member.time_zone).unwrap_or(facts.zone);
    let hour = at.with_timezone(&zone).hour();
    !(7..22).contains(&hour)
}

/// Whether a run fixed it before any person did anything about it, and nobody was paged.
fn fixed_alone(facts: &ShiftRecords, incident: &Incident) -> bool {
    let Some(timeline) = facts.timelines.get(&incident.id) else { return false };
    for entry in timeline {
        match &entry.what {
            TimelineWhat::Run(_, RunEvent::Ended { outcome: Outcome::Fixed, .. })
            | TimelineWhat::Incident(IncidentEvent::RunEnded { outcome: Outcome::Fixed, .. }) => return true,
            TimelineWhat::Run(_, RunEvent::CancelAsked { .. })
            | TimelineWhat::Incident(
                IncidentEvent::Paged { .. }
                | IncidentEvent::Called { .. }
                | IncidentEvent::Acknowledged { .. }
                | IncidentEvent::Answered { .. },
            ) => return false,
            TimelineWhat::Run(..) | TimelineWhat::Incident(_) => {}
        }
    }
    false
}
