//! What comes next in an incident, and who has to do it.

use super::text::{clip, count, moment, time};
use crate::model::{Approval, ApprovalState, Incident, IncidentState, Phase, Run, RunEvent};
use crate::store::{TimelineEntry, TimelineWhat};

/// One line for each move that is due, the bot's own and people's.
pub(super) fn next_moves(
    incident: &Incident,
    runs: &[Run],
    timeline: &[TimelineEntry],
    approvals: &[Approval],
) -> Vec<String> {
    if incident.state == IncidentState::Resolved {
        return vec!["nothing, it is resolved".to_owned()];
    }
    let mut moves = Vec::new();
    for approval in approvals.iter().filter(|approval| approval.state == ApprovalState::Open) {
        let id = approval.id;
        let who = match (approval.terms.is_usual(), approval.progress()) {
            (true, _) => "a person answers".to_owned(),
            (false, Some(progress)) => format!("{} answer ({progress} so far)", clip(&approval.terms.whom(), 300)),
            (false, None) => format!("{} answers", clip(&approval.terms.whom(), 300)),
        };
        moves.push(format!("{who} by {}: /approve {id} or /deny {id}", time(approval.expires_at)));
    }
    let under_way: Vec<&Run> = runs.iter().filter(|run| run.outcome.is_none()).collect();
    moves.extend(under_way.iter().filter_map(|run| run_move(run, timeline)));
    if let Some(at) = incident.page_at {
        let unless = match incident.state {
            IncidentState::Mitigated => "unless its alerts resolve, or somebody acknowledges it, before",
            _ => "unless somebody acknowledges it before",
        };
        let how = if incident.severity.pages() { "paged" } else { "asked in chat" };
        moves.push(format!("team {} is {how} at {}, {unless}", incident.team, moment(at)));
    }
    if let Some(until) = incident.held_until {
        let what = "its maintenance window ends, and what still fires then pages; /windows lists them";
        moves.push(format!("at {} {what}", moment(until)));
    }
    match (incident.state, &incident.owner) {
        (IncidentState::Open, _) if under_way.is_empty() => {
            moves.push(format!("somebody of team {} looks at it: /ack {}", incident.team, incident.id));
        }
        (IncidentState::Acknowledged, Some(owner)) => {
            moves.push(format!("{} works on it: /resolve {} when it is over", clip(owner, 80), incident.id));
        }
        (IncidentState::Mitigated, _) => {
            let alerts = match incident.open_episodes {
                0 => "no alert fires any more".to_owned(),
                n => format!("{} must still resolve", count(n, "alert")),
            };
            moves.push(format!("{alerts}; /resolve {} closes it", incident.id));
        }
        _ => {}
    }
    moves
}

/// What a run under way does next. `None` when it waits for an answer, which is a person's move.
fn run_move(run: &Run, timeline: &[TimelineEntry]) -> Option<String> {
    let mut phase = Phase::Diagnose;
    let mut last = None;
    for entry in timeline {
        if let TimelineWhat::Run(id, event) = &entry.what
            && *id == run.id
        {
            if let RunEvent::Entered { phase: entered, .. } = event {
                phase = *entered;
            }
            if let RunEvent::DiagnosedAnew { .. } = event {
                phase = Phase::Diagnose;
            }
            if !matches!(event, RunEvent::Claimed { .. }) {
                last = Some(event);
            }
        }
    }
    let id = run.id;
    Some(match last {
        Some(RunEvent::ApprovalAsked { .. }) => return None,
        Some(RunEvent::Waiting { until, because, .. }) => {
            format!("{id} goes on at {}: {}", time(*until), clip(because, 200))
        }
        Some(RunEvent::SourceAsked { again_at: Some(again_at), .. }) => {
            format!("{id} asks again at {} whether its alert still fires", time(*again_at))
        }
        Some(RunEvent::Verifying { look_at, give_up_at, .. }) => {
            format!("{id} looks at {} whether it helped, and gives up at {}", time(*look_at), time(*give_up_at))
        }
        Some(RunEvent::Watching { step, give_up_at, .. }) => {
            format!("{id} watches {step}, until {} at the latest", time(*give_up_at))
        }
        Some(RunEvent::Watched { step, .. }) => format!("{id} watches {step}"),
        _ => format!("{id} goes on ({phase})"),
    })
}
