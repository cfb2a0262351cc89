//! What came of a page, in one line.

use super::clip;
use super::told::told;
use crate::model::PageEvent;
use crate::store::{IncidentEvent, Page, TimelineEntry, TimelineWhat};

/// A longer one is cut: it stands in subjects and notifications.
const LONGEST: usize = 240;

/// What an end is told as; `None` where nothing has ended.
pub fn outcome(event: PageEvent, page: &Page, timeline: &[TimelineEntry]) -> Option<String> {
    let text = match event {
        PageEvent::Trigger | PageEvent::Update => return None,
        PageEvent::Acknowledge => last(timeline, |what| matches!(what, IncidentEvent::Acknowledged { .. }))
            .unwrap_or_else(|| "somebody has it".to_owned()),
        PageEvent::Resolve if page.outdone => "it became worse, and another page tells of that".to_owned(),
        PageEvent::Resolve => {
            let is_end =
                |what: &IncidentEvent| matches!(what, IncidentEvent::Resolved { .. } | IncidentEvent::Mitigated { .. });
            last(timeline, is_end).unwrap_or_else(|| "nothing fires any more".to_owned())
        }
    };
    Some(clip(&text, LONGEST))
}

fn last(timeline: &[TimelineEntry], is: impl Fn(&IncidentEvent) -> bool) -> Option<String> {
    let is = |entry: &&TimelineEntry| matches!(&entry.what, TimelineWhat::Incident(what) if is(what));
    let entry = timeline.iter().rev().find(is)?;
    told(std::slice::from_ref(entry)).pop().map(|(_, text)| text)
}
