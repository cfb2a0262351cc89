//! Lines of a timeline that go on from the one before.

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::IncidentEvent;

/// For so long after its beginning, a line is added to.
const GOES_ON: TimeDelta = TimeDelta::minutes(1);

impl IncidentEvent {
    /// Whether it may be told in one line with what is like it.
    pub(in crate::store) fn goes_on(&self) -> bool {
        matches!(
            self,
            Self::Joined { .. }
                | Self::Cleared { .. }
                | Self::RunNotOpened { .. }
                | Self::Told { .. }
                | Self::Carries { .. }
        )
    }
}

/// Both in one line: alerts of one name that join one after the other, ends, and what is repeated.
/// `begun_at`: when the first was told. `None`: they are lines of their own.
pub(in crate::store) fn continued(
    before: &IncidentEvent,
    event: &IncidentEvent,
    begun_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<IncidentEvent> {
    use IncidentEvent::{Carries, Cleared, Joined, RunNotOpened, Told};
    // A clock that was set back since begins a line of its own.
    if now < begun_at || now >= begun_at + GOES_ON {
        return None;
    }
    match (before, event) {
        (Joined { alert, count, example }, Joined { alert: other, count: more, .. }) if alert == other => {
            Some(Joined { alert: alert.clone(), count: count + more, example: example.clone() })
        }
        (Cleared { count, .. }, Cleared { count: more, open }) => Some(Cleared { count: count + more, open: *open }),
        (RunNotOpened { .. }, RunNotOpened { .. }) if before == event => Some(event.clone()),
        (Told { .. }, Told { .. }) => Some(event.clone()),
        (Carries { incidents }, Carries { incidents: more }) => {
            Some(Carries { incidents: incidents.iter().chain(more).copied().collect() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(alert: &str, count: u64, example: &str) -> IncidentEvent {
        IncidentEvent::Joined { alert: alert.into(), count, example: example.into() }
    }

    #[test]
    fn alerts_of_one_name_are_counted_in_one_line_for_a_minute() {
        let begun = DateTime::UNIX_EPOCH;
        let (a, b) = (joined("A", 2, "first"), joined("A", 3, "second"));
        let later = |seconds| begun + TimeDelta::seconds(seconds);
        assert_eq!(continued(&a, &b, begun, later(59)), Some(joined("A", 5, "first")));
        assert_eq!(continued(&a, &b, begun, later(60)), None);
        assert_eq!(continued(&a, &b, begun, later(-1)), None, "the clock was set back");
        assert_eq!(continued(&a, &joined("B", 1, "other"), begun, begun), None);
        let cleared = |count, open| IncidentEvent::Cleared { count, open };
        assert_eq!(continued(&cleared(1, 4), &cleared(2, 2), begun, begun), Some(cleared(3, 2)));
        assert_eq!(continued(&a, &cleared(1, 1), begun, begun), None);
    }
}
