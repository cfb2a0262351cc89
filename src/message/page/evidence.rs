//! What a run saw, and what it did about it.

use crate::message::text::clip;
use crate::message::told::told;
use crate::model::{ConditionKind, ItemOutcome, RunEvent, RunId};
use crate::store::{IncidentEvent, TimelineEntry, TimelineWhat};

/// No run has more to tell than somebody would read.
const MOST: usize = 100;

/// What that run found, and what it did. A page is about one run: what another one found is not
/// what is there now.
pub(super) fn evidence(run: Option<RunId>, timeline: &[TimelineEntry]) -> (Vec<String>, Vec<String>) {
    let (mut found, mut tried) = (Vec::new(), Vec::new());
    let Some(run) = run else { return (found, tried) };
    let of_run = |entry: &TimelineEntry| match &entry.what {
        TimelineWhat::Run(id, _)
        | TimelineWhat::Incident(IncidentEvent::Filed { run: id, .. } | IncidentEvent::NotFiled { run: id, .. }) => {
            *id == run
        }
        TimelineWhat::Incident(_) => false,
    };
    let mut started = Vec::new();
    for entry in timeline {
        if let TimelineWhat::Run(id, RunEvent::Started { step, .. }) = &entry.what
            && *id == run
        {
            started.push(step);
        }
    }
    for (entry, text) in told(timeline).into_iter().filter(|(entry, _)| of_run(entry)) {
        let TimelineWhat::Run(_, event) = &entry.what else {
            tried.push(format!("- {}", clip(&text, 1_000)));
            continue;
        };
        // What was found before is not what it went by.
        if let RunEvent::DiagnosedAnew { .. } = event {
            found.clear();
            continue;
        }
        let list = match event {
            RunEvent::Read { .. }
            | RunEvent::ReadFailed { .. }
            | RunEvent::TargetRead { .. }
            | RunEvent::Chosen { .. }
            | RunEvent::Listed { .. }
            | RunEvent::Checked {
                condition:
                    ConditionKind::DoneIf | ConditionKind::Require | ConditionKind::EscalateIf | ConditionKind::LeaveIf,
                ..
            } => &mut found,
            RunEvent::Failed { step, .. } if !started.contains(&step) => &mut found,
            RunEvent::Failed { .. }
            | RunEvent::ItemEnded { outcome: ItemOutcome::Failed | ItemOutcome::LeftAlone, .. }
            | RunEvent::Started { .. }
            | RunEvent::Done { .. }
            | RunEvent::Unneeded { .. }
            | RunEvent::Stands { .. }
            | RunEvent::Proposed { .. }
            | RunEvent::Filed { .. }
            | RunEvent::Looked { .. } => &mut tried,
            _ => continue,
        };
        if list.len() < MOST {
            list.push(format!("- {}", clip(&text, 300)));
        }
    }
    (found, tried)
}
