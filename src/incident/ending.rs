//! What follows from the end of a run.

use crate::model::{IncidentState, Outcome, RunId};
use crate::store::{Change, Decision, IncidentEvent, IncidentRef, IncidentView};

/// Decides what follows.
pub(super) fn decide_run_ended(view: &IncidentView, run: RunId, outcome: Outcome, because: &str) -> Decision {
    let incident = IncidentRef::Existing(view.incident.id);
    let mut changes =
        vec![Change::Note { incident, event: IncidentEvent::RunEnded { run, outcome, because: because.to_owned() } }];
    let over = view.incident.state == IncidentState::Resolved;
    let helped = matches!(outcome, Outcome::Fixed | Outcome::NothingToDo);
    if helped && !over {
        changes.push(Change::Mitigate { incident });
        changes.push(Change::Note { incident, event: IncidentEvent::Mitigated { because: because.to_owned() } });
    }
    // What escalated stays open until a human has looked at it, also when its alerts are over by then.
    let needs_nobody = outcome != Outcome::Escalated;
    let others_under_way = view.runs.iter().any(|other| other.id != run);
    if needs_nobody && !over && view.incident.open_episodes == 0 && !others_under_way {
        changes.push(Change::Resolve { incident });
        let because = match outcome {
            Outcome::Fixed => format!("{run} fixed it, and no alert fires"),
            _ => format!("{run} ended ({outcome}), and no alert fires"),
        };
        changes.push(Change::Note { incident, event: IncidentEvent::Resolved { by: "dogwatch".into(), because } });
    }
    Decision { changes, reply: None }
}
