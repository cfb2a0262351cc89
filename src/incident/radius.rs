//! How much is affected: so many objects make an incident worse than its alerts say.

use chrono::{DateTime, Utc};

use super::IncidentRules;
use super::affected::{Affected, Asking, Counting};
use super::notification::Decider;
use super::spell::{Spell, Want, page_by};
use crate::model::{IncidentId, IncidentState, Severity};
use crate::playbook::Catalog;
use crate::store::{
    Change, Decision, IncidentEvent, IncidentRef, IncidentView, NewPage, PageReason, Store, StoreError,
};

/// What so many objects make of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised {
    pub from: Severity,
    pub to: Severity,
    /// So many that are as bad as what the step is taken from.
    pub objects: u64,
    /// From so many on.
    pub least: u64,
}

impl Raised {
    /// The line of the timeline; `from`: what the incident was before.
    pub(super) fn event(&self, from: Severity) -> IncidentEvent {
        let Self { to, objects, least, .. } = *self;
        let because = format!("{objects} objects are affected (blast_radius.{to} is {least})");
        IncidentEvent::Severity { from, to, because }
    }
}

/// Has the worst of what joins stand for how much is affected. What windows cover does not
/// count, nor does late news of what was mitigated.
///
/// A storm tells of one alert after the other, and in each of them this is asked: so what is
/// affected is counted only where the alerts alone could be enough.
pub(super) fn raise<'a>(decider: &mut Decider<'a>, spell: &mut Spell<'a>, wants: &mut [Want<'a>]) {
    let known = spell.known.map(|view| &view.incident);
    let is_late = known.is_some_and(|known| known.state == IncidentState::Mitigated) && spell.begins.is_none();
    let Some(worst) = wants.iter_mut().find(|want| want.window.is_none()).filter(|_| !is_late) else { return };
    let before = known.filter(|known| known.state != IncidentState::Resolved);
    let from = before.map_or(worst.severity, |known| known.severity.worst(worst.severity));
    let there: Vec<IncidentId> = before.iter().map(|known| known.id).chain(spell.parts.iter().copied()).collect();
    let affected = there.iter().filter_map(|id| decider.view.affected.get(id));
    let raised = Affected::raise(affected.chain([&spell.affected]), &decider.rules.blast_radius, from);
    let is_wide = match decider.view.counting {
        Counting::Alerts => {
            let open = there.iter().filter_map(|id| decider.view.incidents.get(id));
            let open: u64 = open.map(|view| view.incident.open_episodes).sum();
            let least = decider.rules.blast_radius.least(from);
            least.is_some_and(|least| open + spell.affected.count() >= least)
        }
        Counting::Objects | Counting::Uncovered => raised.is_some(),
    };
    if is_wide {
        decider.wide.extend(there);
    }
    if let Some(raised) = raised {
        worst.severity = raised.to;
        spell.raised = Some(raised);
        wants.sort_by_key(|want| want.severity);
    }
}

/// Incidents that become one otherwise than by what joins: a person puts them together, or runs
/// stopped for the same reason.
pub(super) struct PutTogether<'a> {
    pub store: &'a dyn Store,
    pub catalog: &'a Catalog,
    pub rules: &'a IncidentRules,
    pub now: DateTime<Utc>,
}

impl PutTogether<'_> {
    /// Has the whole be as bad as so many objects make it. `decision`: what of `parts` becomes part
    /// of
    /// `whole`.
    pub async fn merged<'v>(
        &self,
        mut decision: Decision,
        whole: &'v IncidentView,
        parts: impl Iterator<Item = &'v IncidentView>,
    ) -> Result<Decision, StoreError> {
        let is_merged = |view: &&IncidentView| {
            let into_it = |change: &Change| matches!(change, Change::Merge { from, .. } if *from == view.incident.id);
            decision.changes.iter().any(into_it)
        };
        let parts: Vec<&IncidentView> = parts.filter(is_merged).collect();
        if parts.is_empty() {
            return Ok(decision);
        }
        if let Some(raised) = self.raised(whole, &parts).await? {
            decision.changes.extend(self.follows(whole, &parts, &raised));
            if let Some(reply) = &mut decision.reply {
                let (id, Raised { to, objects, .. }) = (whole.incident.id, raised);
                reply.text.push_str(&format!("\n{id} is {to} now, as {objects} objects are affected"));
            }
        }
        Ok(decision)
    }

    /// What follows where the incident has become about so much.
    pub async fn found(&self, view: &IncidentView) -> Result<Vec<Change>, StoreError> {
        let raised = self.raised(view, &[]).await?;
        Ok(raised.map_or_else(Vec::new, |raised| self.follows(view, &[], &raised)))
    }

    async fn raised(&self, whole: &IncidentView, parts: &[&IncidentView]) -> Result<Option<Raised>, StoreError> {
        let all = || std::iter::once(whole).chain(parts.iter().copied()).map(|view| &view.incident);
        let radius = &self.rules.blast_radius;
        let open: u64 = all().map(|incident| incident.open_episodes).sum();
        // What was mitigated and fires on pages at its time.
        let is_open = !matches!(whole.incident.state, IncidentState::Mitigated | IncidentState::Resolved);
        let from = all().fold(whole.incident.severity, |worst, part| worst.worst(part.severity));
        if !is_open || radius.least(from).is_none_or(|least| open < least) {
            return Ok(None);
        }
        let windows = self.store.windows_at(self.now).await?;
        let asking = Asking { store: self.store, rules: self.rules, windows: &windows, but: &[] };
        let mut counting = Counting::Alerts;
        let mut raised = None;
        while let Some(closer) = counting.closer(&windows) {
            let affected = asking.of(all().map(|incident| (incident.id, incident.severity)), closer).await?;
            raised = Affected::raise(affected.values(), radius, from);
            if raised.is_none() {
                break;
            }
            counting = closer;
        }
        Ok(raised)
    }

    /// Somebody is called for it as for what becomes worse.
    fn follows(&self, whole: &IncidentView, parts: &[&IncidentView], raised: &Raised) -> Vec<Change> {
        let known = &whole.incident;
        let (incident, severity) = (IncidentRef::Existing(known.id), raised.to);
        let page = |reason| NewPage { level: 1, team: known.team.clone(), reason, text: None };
        let playbook = known.playbook.as_deref().and_then(|name| self.catalog.get(name));
        let call = match playbook {
            _ if severity == Severity::S1 => Some(Change::Page { incident, page: page(PageReason::SeverityOne) }),
            // A run may be at it.
            Some(playbook) => page_by(playbook, severity).map(|after| {
                let before = parts.iter().filter_map(|part| part.incident.page_at).chain(known.page_at).min();
                let at = self.now + after;
                Change::PageAt { incident, at: Some(before.map_or(at, |before| before.min(at))) }
            }),
            None if self.rules.page_for.pages(&known.team, severity, self.now) => {
                Some(Change::Page { incident, page: page(PageReason::Uncovered) })
            }
            None => Some(Change::Ticket { incident, page: page(PageReason::Uncovered) }),
        };
        let told = Change::Note { incident, event: raised.event(raised.from) };
        [Change::Severity { incident, severity }, told].into_iter().chain(call).collect()
    }
}
