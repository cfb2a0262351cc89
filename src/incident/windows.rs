//! What follows where a maintenance window covers an alert, and at its end.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::affected::{Affected, Asking};
use super::notification::Decider;
use super::opening::severity_of;
use super::spell::{Spell, Want, note};
use super::view::Seen;
use super::work::{Work, open_run, why_not_run};
use super::{Coverage, IncidentRules, cover};
use crate::model::{
    Alert, AlertStatus, Coverable, EpisodeId, IncidentId, IncidentState, Severity, Window, WindowId, covering,
};
use crate::playbook::Catalog;
use crate::store::{
    Change, Decision, IncidentEvent, IncidentRef, IncidentView, NewPage, OpenAlert, PageReason, Store, StoreError,
    holds_back,
};

/// An alert that fires on, which no window covers any more.
pub(super) struct Released<'a> {
    alert: &'a Alert,
    seen: &'a Seen,
    episode: EpisodeId,
    incident: IncidentId,
}

impl Spell<'_> {
    /// Whether windows cover all of it so far, and nobody has taken it.
    pub(super) fn is_held(&self) -> bool {
        let incident = self.known.map(|view| &view.incident);
        incident.is_some_and(|known| known.held_until.is_some() && known.state == IncidentState::Open)
    }

    /// Whether nobody was called for it before.
    pub(super) fn is_nobodys(&self) -> bool {
        self.known.is_none() || self.begins.is_some() || self.is_held()
    }
}

/// The window that covers an alert.
pub(super) fn window_of<'a>(decider: &Decider<'a>, alert: &Alert, seen: &Seen) -> Option<&'a Window> {
    let (source, labels, object) = (decider.came.source, &alert.labels, &seen.causes.own.key);
    covering(&decider.view.windows, Coverable { source, labels, object })
}

/// Says which windows cover what joins: no run is opened for it.
pub(super) fn hold_back<'a>(decider: &mut Decider<'a>, spell: &Spell<'a>, wants: &[Want<'a>]) {
    let incident = spell.incident;
    let is_whole = spell.is_nobodys() && wants.iter().all(|want| want.window.is_some());
    for (window, (until, alerts)) in &spell.covered {
        let (window, until, alerts) = (*window, *until, *alerts);
        decider.changes.push(Change::HoldBack { incident, window, until, alerts, is_whole });
    }
    for want in wants {
        let (Some(window), Coverage::Covered { playbook, target, .. }) = (want.window, want.coverage) else {
            continue;
        };
        let because = format!("{window} covers {target}");
        note(decider, incident, IncidentEvent::RunNotOpened { playbook: playbook.name.clone(), because });
    }
}

/// An alert is told again that a window held back, and that none covers any more: what it asks
/// for is still to be run. Somebody was paged about it at the window's end.
pub(super) fn release<'a>(decider: &mut Decider<'a>, alert: &'a Alert, seen: &'a Seen) {
    let Some(episode) = decider.view.episodes.get(&alert.fingerprint) else { return };
    let is_held = episode.closed_at.is_none() && episode.held_by.is_some();
    let is_it = alert.in_order || alert.starts_at == episode.starts_at;
    if is_held && is_it && window_of(decider, alert, seen).is_none() {
        let (episode, incident) = (episode.id, decider.whole_of(episode.incident));
        decider.released.push(Released { alert, seen, episode, incident });
    }
}

/// Opens the runs that those ask for. Where something else happens to the incident as well,
/// they wait until they are told once more.
pub(super) fn let_go(decider: &mut Decider<'_>) {
    let mut work: BTreeMap<IncidentId, Work> = BTreeMap::new();
    let mut asked = BTreeSet::new();
    let mut episodes = Vec::new();
    for Released { alert, seen, episode, incident: id } in std::mem::take(&mut decider.released) {
        let incident = IncidentRef::Existing(id);
        let Some(view) = decider.view.incidents.get(&id) else { continue };
        if decider.spells.contains_key(&incident) || view.incident.is_over() {
            continue;
        }
        episodes.push(episode);
        let Coverage::Covered { playbook, target, inputs } = &seen.coverage else { continue };
        if !asked.insert((id, playbook.name.as_str(), target)) {
            continue;
        }
        let is_late = view.incident.state == IncidentState::Mitigated;
        let work = work.entry(id).or_insert_with(|| Work::of(Some(view), is_late));
        match why_not_run(decider, playbook, target, work) {
            None => {
                open_run(decider, incident, alert, (playbook, target, inputs));
                work.begins(playbook, target);
            }
            Some(not_run) => {
                let (playbook, because) = (playbook.name.clone(), not_run.because);
                note(decider, incident, IncidentEvent::RunNotOpened { playbook, because });
            }
        }
    }
    if !episodes.is_empty() {
        decider.changes.push(Change::Release { episodes });
    }
}

/// That windows hold back what a run left, if they cover all that fires.
pub(super) async fn hold(
    store: &dyn Store,
    view: &IncidentView,
    now: DateTime<Utc>,
) -> Result<Option<Change>, StoreError> {
    let windows = store.windows_at(now).await?;
    if windows.is_empty() || view.incident.is_over() {
        return Ok(None);
    }
    let alerts = store.open_alerts(view.incident.id).await?;
    let incident = IncidentRef::Existing(view.incident.id);
    let is_whole = view.incident.state == IncidentState::Open && view.unanswered.is_empty();
    Ok(holds_back(&windows, &alerts).map(|window| Change::HoldBack {
        incident,
        window: window.id,
        until: window.ends_at,
        alerts: alerts.len() as u64,
        is_whole,
    }))
}

/// What a window held back of one incident.
struct Held {
    view: IncidentView,
    alerts: Vec<OpenAlert>,
    /// Of the worst of the alerts that no window covers now.
    worst: Option<Severity>,
    /// What all that no window covers is about.
    affected: Affected,
}

/// Reads what the window held back, and decides what follows from its end.
pub(super) async fn window_ended(
    store: &dyn Store,
    catalog: &Catalog,
    rules: &IncidentRules,
    id: WindowId,
    now: DateTime<Utc>,
) -> Result<Decision, StoreError> {
    let Some(window) = store.window(id).await?.filter(|window| window.told_at.is_none()) else {
        return Ok(Decision::default());
    };
    let windows = store.windows_at(now).await?;
    let incidents: BTreeSet<IncidentId> = store.held_by(&[id]).await?.into_iter().map(|held| held.incident).collect();
    let incidents: Vec<IncidentId> = incidents.into_iter().collect();
    let mut held = Vec::new();
    for view in store.incident_views(&incidents).await? {
        let alerts = store.open_alerts(view.incident.id).await?;
        // Whoever was called for the others is not called again.
        let was_held = |alert: &&OpenAlert| {
            window.scope.covers(alert.coverable()) && covering(&windows, alert.coverable()).is_none()
        };
        let open = alerts.iter().filter(was_held);
        let worst = open.map(|alert| rated(catalog, rules, alert, now)).min();
        let asking = Asking { store, rules, windows: &windows, but: &[] };
        let affected = asking.affected(&alerts, view.incident.severity);
        held.push(Held { view, alerts, worst, affected });
    }
    Ok(decide_window_ended(rules, &window, &windows, &held, now))
}

/// How bad it was found to be; of what an earlier version took in, by its labels alone.
fn rated(catalog: &Catalog, rules: &IncidentRules, open: &OpenAlert, now: DateTime<Utc>) -> Severity {
    if let Some(severity) = open.severity {
        return severity;
    }
    let alert = Alert {
        given: None,
        in_order: false,
        fingerprint: String::new(),
        status: AlertStatus::Firing,
        labels: open.labels.clone(),
        annotations: BTreeMap::new(),
        starts_at: now,
        ends_at: None,
        generator_url: String::new(),
    };
    let (coverage, _) = cover(catalog, rules, "", &alert);
    severity_of(rules, &coverage, &alert)
}

/// What other windows hold on to of an incident that none covers as a whole: their ends ask for it.
fn held_on(incident: IncidentRef, active: &[Window], open: &[OpenAlert]) -> Vec<Change> {
    let mut by_window: BTreeMap<WindowId, (DateTime<Utc>, u64)> = BTreeMap::new();
    for window in open.iter().filter_map(|alert| covering(active, alert.coverable())) {
        by_window.entry(window.id).or_insert((window.ends_at, 0)).1 += 1;
    }
    let hold = |(window, (until, alerts))| Change::HoldBack { incident, window, until, alerts, is_whole: false };
    by_window.into_iter().map(hold).collect()
}

/// What still fires, and is covered by nothing else, pages where its severity does.
fn decide_window_ended(
    rules: &IncidentRules,
    window: &Window,
    active: &[Window],
    held: &[Held],
    now: DateTime<Utc>,
) -> Decision {
    let mut changes = Vec::new();
    for Held { view, alerts: open, worst, affected } in held.iter().filter(|held| !held.view.incident.is_over()) {
        let known = &view.incident;
        let incident = IncidentRef::Existing(known.id);
        let (alerts, by) = (open.len() as u64, window.ended_by.clone());
        changes.push(Change::Note { incident, event: IncidentEvent::WindowEnded { window: window.id, by, alerts } });
        if let Some(next) = holds_back(active, open) {
            let (window, until, is_whole) = (next.id, next.ends_at, known.held_until.is_some());
            changes.push(Change::HoldBack { incident, window, until, alerts, is_whole });
            continue;
        }
        changes.push(Change::HoldOver { incident });
        changes.extend(held_on(incident, active, open));
        let Some(worst) = *worst else { continue };
        let told = known.severity.worst(worst);
        let raised = Affected::raise([affected].into_iter(), &rules.blast_radius, told);
        let raised = raised.filter(|_| known.state != IncidentState::Mitigated);
        let severity = raised.map_or(told, |raised| raised.to);
        if severity != known.severity {
            let because = format!("what {} held back", window.id);
            let by_itself = IncidentEvent::Severity { from: known.severity, to: severity, because };
            let event = raised.map_or(by_itself, |raised| raised.event(known.severity));
            changes.push(Change::Severity { incident, severity });
            changes.push(Change::Note { incident, event });
        }
        // Whoever took it meanwhile has it, unless it turns out to be worse.
        let is_taken = known.state == IncidentState::Acknowledged && severity == known.severity;
        if is_taken {
            continue;
        }
        let reason = PageReason::WindowEnded { window: window.id, alerts };
        let page = NewPage { level: 1, team: known.team.clone(), reason, text: None };
        if !rules.page_for.pages(&known.team, severity, now) {
            changes.push(Change::Ticket { incident, page });
            continue;
        }
        if known.state == IncidentState::Mitigated {
            let because = format!("its alerts still fire at the end of {}", window.id);
            changes.push(Change::Reopen { incident });
            changes.push(Change::Note { incident, event: IncidentEvent::Reopened { because } });
        }
        changes.push(Change::Page { incident, page });
    }
    changes.push(Change::WindowTold { window: window.id });
    Decision { changes, reply: None }
}
