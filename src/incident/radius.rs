//! How much is affected: so many objects make an incident worse than its alerts say.

use super::notification::Decider;
use super::spell::{Spell, Want};
use crate::model::{IncidentState, Severity};
use crate::store::IncidentEvent;

/// What so many objects make of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raised {
    pub from: Severity,
    pub to: Severity,
    objects: u64,
    /// From so many on.
    least: u64,
}

impl Raised {
    /// The line of the timeline; `from`: what the incident was before.
    pub fn event(&self, from: Severity) -> IncidentEvent {
        let Self { to, objects, least, .. } = *self;
        let because = format!("{objects} objects are affected (blast_radius.{to} is {least})");
        IncidentEvent::Severity { from, to, because }
    }
}

impl<'a> Decider<'a> {
    /// Has the worst of what joins stand for how much is affected. What windows cover does not
    /// count, nor does late news of what was mitigated.
    pub(super) fn raise(&self, spell: &mut Spell<'a>, wants: &mut [Want<'a>]) {
        let known = spell.known.map(|view| &view.incident);
        let is_late = known.is_some_and(|known| known.state == IncidentState::Mitigated) && spell.begins.is_none();
        let Some(worst) = wants.iter_mut().find(|want| want.window.is_none()).filter(|_| !is_late) else { return };
        let before = known.filter(|known| known.state != IncidentState::Resolved);
        let there = before.and_then(|known| self.view.objects.get(&known.id)).copied().unwrap_or_default();
        let objects = there + spell.gained_objects + spell.new_objects.len() as u64;
        let from = before.map_or(worst.severity, |known| known.severity.worst(worst.severity));
        if let Some((to, least)) = self.rules.blast_radius.raise(from, objects) {
            worst.severity = to;
            spell.raised = Some(Raised { from, to, objects, least });
            wants.sort_by_key(|want| want.severity);
        }
    }
}
