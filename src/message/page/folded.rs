//! What a page tells of besides its own incident.

use super::{PageFacts, next};
use crate::message::folds::told_besides;
use crate::message::text::clip;
use crate::model::IncidentId;

/// Of more incidents than this, only how many they are is told.
const SHOWN: usize = 10;

/// As many incidents as one line names: it is read on a phone.
const TAKEN: usize = 8;

pub(super) fn folded(facts: &PageFacts<'_>) -> Vec<String> {
    let mut lines: Vec<String> =
        facts.folded.iter().take(SHOWN).map(|(folded, because)| told_besides(folded, because)).collect();
    let more = facts.folded.len().saturating_sub(SHOWN);
    lines.extend((more > 0).then(|| format!("and {more} more: /incidents lists them")));
    lines
}

/// How to take it, and what it tells of besides: one command for all, as the one for itself takes
/// none of those.
pub(super) fn acknowledge(facts: &PageFacts<'_>) -> String {
    let own = next::acknowledge(facts.incident.id);
    if facts.folded.is_empty() {
        return own;
    }
    let others = facts.folded.iter().map(|(folded, _)| folded.incident);
    let ids: Vec<IncidentId> = std::iter::once(facts.incident.id).chain(others).collect();
    let all: Vec<String> = ids.iter().take(TAKEN).map(ToString::to_string).collect();
    let all = all.join(" ");
    let rest = if ids.len() > TAKEN {
        format!(" (/ack --all-of {}: the rest)", clip(&facts.page.team, 30))
    } else {
        String::new()
    };
    format!("/ack {all} takes all of them{rest}; {own} takes none of the others")
}
