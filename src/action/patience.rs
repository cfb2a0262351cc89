//! How long an action may wait for somebody else's answer.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::model::HumanDuration;

/// A read of the engine's ends after 30 s.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(25);

/// # Errors
/// When an answer could not come so late.
pub(super) fn check_timeout(timeout: HumanDuration) -> Result<(), String> {
    if TIMEOUTS.contains(&timeout.0) {
        return Ok(());
    }
    let [least, most] = [*TIMEOUTS.start(), *TIMEOUTS.end()].map(HumanDuration);
    Err(format!("`timeout: {timeout}` is not from {least} to {most}"))
}
