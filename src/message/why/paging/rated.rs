//! The rule by which something is as bad as it is: the tier of an object, or that nobody knows it.

use crate::message::text::clip;
use crate::message::why::WhyFacts;
use crate::model::Severity;
use crate::store::{IncidentEvent, TimelineWhat};

/// `S2, as Slow says S3, and tier gold of namespace/db is at_least S2 (severities.tiers)`; `None`
/// where it has become so bad by something else.
pub(super) fn rated(facts: &WhyFacts<'_>, severity: Severity) -> Option<String> {
    let became = facts.timeline.iter().rev().find(
        |entry| matches!(&entry.what, TimelineWhat::Incident(IncidentEvent::Severity { to, .. }) if *to == severity),
    );
    let mut then = facts.timeline.iter().filter(|entry| became.is_none_or(|became| became.at == entry.at));
    then.find_map(|entry| match &entry.what {
        TimelineWhat::Incident(IncidentEvent::Rated { severity: rated, because }) if *rated == severity => {
            Some(format!("{severity}, as {}", clip(because, 300)))
        }
        _ => None,
    })
}
