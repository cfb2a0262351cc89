//! Why something was decided, in words.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::text::{clip, count};
use super::timeline::step_name;
use crate::model::{ConditionKind, HumanDuration, Outcome, StepPath};
use crate::store::PageReason;

/// Why somebody is paged, or asked.
pub fn page_reason(reason: &PageReason) -> String {
    match reason {
        PageReason::SeverityOne => "it is S1, which pages at once".to_owned(),
        PageReason::Uncovered => "no playbook knows this alert".to_owned(),
        PageReason::Overdue => "it is not mitigated after the time that its playbook allows".to_owned(),
        PageReason::StillFires { run, outcome: Outcome::Fixed } => {
            format!("its alerts still fire although {run} called it fixed")
        }
        PageReason::StillFires { run, outcome } => format!("its alerts still fire although {run} ended with {outcome}"),
        PageReason::Escalated { run } => format!("{run} needs a person"),
        PageReason::HeartbeatMissing { name, source, last_at, within } => {
            heartbeat_missing(name, source, *last_at, *within)
        }
        PageReason::Joined { alerts } => {
            format!("{} joined since somebody took it", count(*alerts, "alert"))
        }
        PageReason::SetAside { signal, what, because } => format!(
            "{signal} came in and could not be worked on ({}): nothing else follows from it, so look yourself at {}",
            clip(because, 200),
            clip(what, 300)
        ),
        PageReason::NotRun { because } => format!("no playbook was run: {}", clip(because, 300)),
    }
}

fn heartbeat_missing(name: &str, source: &str, last_at: Option<DateTime<Utc>>, within: u64) -> String {
    let within = HumanDuration(Duration::from_secs(within));
    let last = match last_at {
        Some(last_at) => format!("came last at {}", last_at.format("%H:%M:%S UTC on %F")),
        None => "never came".to_owned(),
    };
    format!(
        "the heartbeat {} of {} must come every {within}, and {last}: look whether what sends it still works, as nothing \
         else may be told either",
        clip(name, 100),
        clip(source, 64)
    )
}

/// What a condition came to. `because` is the playbook's own reason for stopping there.
///
/// `expression` is the condition itself, where it is wanted and known: what a playbook says beside it is for when it fails or ends
/// the run.
pub fn condition_text(
    step: &StepPath,
    condition: ConditionKind,
    held: bool,
    because: &str,
    expression: Option<&str>,
) -> String {
    let (step, because) = (step_name(step), clip(because, 300));
    if let Some(expression) = expression.map(|expression| clip(expression, 200)) {
        match (condition, held) {
            (ConditionKind::DoneIf, false) => return format!("not done yet: `{expression}` is false"),
            (ConditionKind::Require, true) => return format!("requirement met: `{expression}`"),
            (ConditionKind::Require, false) => {
                return format!("requirement not met: `{expression}` is false: {because}");
            }
            (ConditionKind::DoneIf, true) | (ConditionKind::When, _) => {}
        }
    }
    match (condition, held) {
        (ConditionKind::DoneIf, true) => format!("done: {because}"),
        (ConditionKind::DoneIf, false) => format!("not done yet (it would be when: {because})"),
        (ConditionKind::Require, true) => format!("requirement met (else: {because})"),
        (ConditionKind::Require, false) => format!("requirement not met: {because}"),
        (ConditionKind::When, true) => format!("{step} applies: {because}"),
        (ConditionKind::When, false) => format!("{step} is skipped: {because}"),
    }
}
