//! When a failed step is tried again.

use chrono::{DateTime, Utc};

use super::timing::{FIRST_BACKOFF, LONGEST_BACKOFF, MUTATION_RETRY_FOR, READ_RETRY_FOR};
use crate::action::Action;
use crate::model::FailureClass;
use crate::playbook::{Step, StepKind};

/// When a failed step is tried again; `None`: not any more. `attempts` counts the one that just
/// failed.
pub(super) fn retry_at(
    step: Option<&Step>,
    class: FailureClass,
    attempts: u32,
    first_failed_at: DateTime<Utc>,
    now: DateTime<Utc>,
    jitter: f64,
) -> Option<DateTime<Utc>> {
    if class != FailureClass::Retry {
        return None;
    }
    let default = match step.map(|step| &step.kind) {
        Some(StepKind::Action(Action::Mutate(_))) => MUTATION_RETRY_FOR,
        _ => READ_RETRY_FOR,
    };
    let doubled = FIRST_BACKOFF.saturating_mul(1 << attempts.saturating_sub(1).min(8)).min(LONGEST_BACKOFF);
    let at = now + doubled.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0);
    (at <= first_failed_at + step.and_then(|step| step.retry_for).unwrap_or(default)).then_some(at)
}
