//! What one incident needs after a notification: a timeline, a severity, runs, and somebody who knows.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::affected::Affected;
use super::flapping::{Flapping, decide_over};
use super::notification::{Decider, MOST_REMARKS};
use super::opening::{new_incident, team_of};
use super::radius::{Raised, raise};
use super::windows::hold_back;
use super::work::{NotRun, Work, has_not_run, open_run, why_not_run};
use super::{Coverage, Rating};
use crate::model::{Alert, IncidentId, IncidentState, Severity, Target, Window, WindowId};
use crate::playbook::Playbook;
use crate::store::{Change, InboxItem, IncidentEvent, IncidentRef, IncidentView, NewIncident, NewPage, PageReason};

/// What happens to one incident in this decision.
pub(super) struct Spell<'a> {
    pub incident: IncidentRef,
    pub known: Option<&'a IncidentView>,
    /// Which of the changes opens it, if it is new.
    pub opened_by: Option<usize>,
    /// Why it is (re)opened now; `None` when it was open before.
    pub begins: Option<String>,
    /// The worst alert of each playbook and target, and of those that no playbook knows.
    wants: BTreeMap<Asks<'a>, Want<'a>>,
    /// Episodes that join, by alert name: how many, and one of them as an example.
    pub joined: BTreeMap<String, (u64, String)>,
    pub closed: u64,
    /// What fires in incidents that turn out to be part of it.
    pub gained: u64,
    /// Those incidents.
    pub parts: Vec<IncidentId>,
    /// What joins is about, but for what windows cover.
    pub affected: Affected,
    /// So much is affected that it is worse than its alerts.
    pub raised: Option<Raised>,
    pub remarks: Vec<String>,
    /// Why what joins is as bad as it is.
    ratings: Vec<(Severity, String)>,
    /// Alerts that join and are covered, by the maintenance window.
    pub covered: BTreeMap<WindowId, (DateTime<Utc>, u64)>,
}

/// For what alerts ask alike: the window that covers them, the playbook and the target.
type Asks<'a> = (Option<WindowId>, Option<&'a str>, Option<&'a Target>);

/// An alert that joins, and what it asks for.
#[derive(Clone, Copy)]
pub(super) struct Want<'a> {
    pub coverage: &'a Coverage,
    pub alert: &'a Alert,
    pub severity: Severity,
    /// The maintenance window that covers it: it asks for nothing now.
    pub window: Option<WindowId>,
}

/// Who is to know, and when.
#[derive(Default)]
struct Call {
    page: Option<NewPage>,
    at: Option<DateTime<Utc>>,
    /// What its team's tracker is told, where nobody is called.
    ticket: Option<NewPage>,
}

impl<'a> Spell<'a> {
    pub fn new(incident: IncidentRef, known: Option<&'a IncidentView>) -> Self {
        Self {
            incident,
            known,
            opened_by: None,
            begins: None,
            wants: BTreeMap::new(),
            joined: BTreeMap::new(),
            closed: 0,
            gained: 0,
            parts: Vec::new(),
            affected: Affected::default(),
            raised: None,
            remarks: Vec::new(),
            ratings: Vec::new(),
            covered: BTreeMap::new(),
        }
    }

    pub fn wants(&mut self, coverage: &'a Coverage, alert: &'a Alert, severity: Severity, window: Option<&Window>) {
        if let Some(window) = window {
            self.covered.entry(window.id).or_insert((window.ends_at, 0)).1 += 1;
        }
        let window = window.map(|window| window.id);
        let of = (window, coverage.playbook().map(|playbook| playbook.name.as_str()), coverage.target());
        let want = Want { coverage, alert, severity, window };
        self.wants.entry(of).and_modify(|worst| worst.take_worse(want)).or_insert(want);
    }

    /// Has the timeline say why what joins is as bad as it is, where something decided that.
    pub fn rated(&mut self, rating: &Rating) {
        let Some(because) = rating.because.as_ref().filter(|_| !rating.is_lasting || self.begins.is_some()) else {
            return;
        };
        let rated = (rating.severity, because.clone());
        if self.ratings.len() < MOST_REMARKS && !self.ratings.contains(&rated) {
            self.ratings.push(rated);
        }
    }

    /// The worst first: it says what the incident is called, and its playbook has the target before
    /// others.
    fn worst_first(&self) -> Vec<Want<'a>> {
        let mut wants: Vec<Want<'a>> = self.wants.values().copied().collect();
        wants.sort_by_key(|want| want.severity);
        wants
    }
}

impl<'a> Want<'a> {
    fn take_worse(&mut self, other: Want<'a>) {
        if other.severity < self.severity {
            *self = other;
        }
    }
}

pub(super) fn finish_spell<'a>(decider: &mut Decider<'a>, mut spell: Spell<'a>) {
    let incident = spell.incident;
    let mut all = spell.worst_first();
    raise(decider, &mut spell, &mut all);
    let wants: Vec<Want<'a>> = all.iter().filter(|want| want.window.is_none()).copied().collect();
    // What is covered makes nothing worse that somebody is called for.
    open(decider, &spell, if spell.is_nobodys() { &all } else { &wants });
    let joined: u64 = spell.joined.values().map(|(count, _)| count).sum();
    for (alert, (count, example)) in std::mem::take(&mut spell.joined) {
        note(decider, incident, IncidentEvent::Joined { alert, count, example });
    }
    for text in std::mem::take(&mut spell.remarks) {
        note(decider, incident, IncidentEvent::Remark { text });
    }
    for (severity, because) in std::mem::take(&mut spell.ratings) {
        note(decider, incident, IncidentEvent::Rated { severity, because });
    }
    hold_back(decider, &spell, &all);
    attend(decider, &spell, &wants, joined);
    if spell.closed > 0
        && let Some(view) = spell.known
    {
        let open = (view.incident.open_episodes + spell.gained + joined).saturating_sub(spell.closed);
        note(decider, incident, IncidentEvent::Cleared { count: spell.closed, open });
        if open == 0 {
            cleared(decider, view);
        }
    }
}

/// Opens it, and says how bad it is by the worst of what joins.
fn open<'a>(decider: &mut Decider<'a>, spell: &Spell<'a>, wants: &[Want<'a>]) {
    let (incident, Some(worst)) = (spell.incident, wants.first()) else { return };
    if let Some(Change::OpenIncident(new)) = spell.opened_by.and_then(|at| decider.changes.get_mut(at)) {
        let NewIncident { grouping, gathers, shares, .. } = new.clone();
        let called = new_incident(decider.rules, grouping, worst.alert, worst.coverage);
        *new = NewIncident { gathers, shares, severity: worst.severity, ..called };
    }
    if let Some(because) = spell.begins.clone() {
        if spell.known.is_some() {
            decider.changes.push(Change::Reopen { incident });
            note(decider, incident, IncidentEvent::Reopened { because });
        } else {
            note(decider, incident, IncidentEvent::Opened { because });
        }
    }
    let Some(before) = spell.known.map(|view| &view.incident) else {
        if let Some(raised) = &spell.raised {
            note(decider, incident, raised.event(raised.from));
        }
        return;
    };
    let severity = match before.state {
        // What is over is over: it opens again as bad as what fires now.
        IncidentState::Resolved => worst.severity,
        _ => before.severity.worst(worst.severity),
    };
    if severity != before.severity {
        decider.changes.push(Change::Severity { incident, severity });
        note(
            decider,
            incident,
            match spell.raised.as_ref().filter(|raised| raised.to == severity) {
                Some(raised) => raised.event(before.severity),
                None => {
                    let because = format!("{} fires", worst.alert.name());
                    IncidentEvent::Severity { from: before.severity, to: severity, because }
                }
            },
        );
    }
}

/// Opens the runs that the alerts ask for, and sees to it that somebody hears of them.
fn attend<'a>(decider: &mut Decider<'a>, spell: &Spell<'a>, wants: &[Want<'a>], joined: u64) {
    // What windows cover, and what is over, asks for nothing.
    if wants.is_empty() {
        return;
    }
    let (incident, known) = (spell.incident, spell.known);
    // The first that no window covers finds the incident as if it began.
    let wakes = spell.is_held();
    if wakes {
        decider.changes.push(Change::HoldOver { incident });
    }
    let begins = spell.begins.is_some() || wakes;
    let is_late = known.is_some_and(|view| view.incident.state == IncidentState::Mitigated) && !begins;
    let mut work = Work::of(known, is_late);
    let mut call = Call::default();
    let mut worse = false;
    for want in wants {
        let is_worse = known.is_some_and(|view| want.severity < view.incident.severity);
        let asks_for_a_run = begins || known.is_some_and(|view| has_not_run(decider, view, want.coverage));
        if asks_for_a_run || is_worse {
            answer(decider, incident, want, asks_for_a_run, &mut work, &mut call);
        }
        worse |= is_worse;
    }
    if let Some(page) = call.ticket.take() {
        decider.changes.push(Change::Ticket { incident, page });
    }
    // What is no worse than what somebody has already calls nobody else.
    let is_taken = known.is_some_and(|view| view.incident.state != IncidentState::Open);
    if is_taken && !begins && !worse {
        return tell(decider, spell, wants, joined);
    }
    if let Some(flapping) = known.filter(|_| begins).and_then(|view| Flapping::of(view, true, decider.now)) {
        return tell_flapping(decider, incident, flapping, wants, &call);
    }
    let before = known.and_then(|view| view.incident.page_at).filter(|_| !begins);
    let change = match call {
        Call { page: Some(page), .. } => Change::Page { incident, page },
        Call { at, .. } if begins => Change::PageAt { incident, at },
        // Without a time before, it was paged for what it was before.
        Call { at: Some(at), .. } if worse || before.is_some() => {
            Change::PageAt { incident, at: Some(before.map_or(at, |before| before.min(at))) }
        }
        Call { .. } => return tell(decider, spell, wants, joined),
    };
    decider.changes.push(change);
}

/// One that flaps is told as that, once; then only if it fires on for as long as nobody may be
/// at it.
fn tell_flapping<'a>(
    decider: &mut Decider<'a>,
    incident: IncidentRef,
    flapping: Flapping,
    wants: &[Want<'a>],
    call: &Call,
) {
    let Some(worst) = wants.first().filter(|_| call.page.is_some() || call.at.is_some()) else { return };
    decider.changes.push(if flapping.is_news() {
        let team = team_of(decider.rules, worst.coverage, worst.alert);
        Change::Page { incident, page: NewPage { level: 1, team, reason: flapping.reason(), text: None } }
    } else {
        Change::PageAt { incident, at: worst.severity.ack_within().map(|within| decider.now + within) }
    });
}

/// Whoever was paged hears of what joins: a join must not hide it. At once where users are
/// down, and where somebody has taken what there was before.
fn tell<'a>(decider: &mut Decider<'a>, spell: &Spell<'a>, wants: &[Want<'a>], joined: u64) {
    let (Some(view), Some(worst)) = (spell.known, wants.first()) else { return };
    let is_taken = view.incident.state == IncidentState::Acknowledged;
    let reason = PageReason::Joined { alerts: joined };
    let page = NewPage { level: 1, team: view.incident.team.clone(), reason, text: None };
    let at_once = worst.severity == Severity::S1 || is_taken;
    decider.changes.push(Change::Tell { incident: spell.incident, at_once, page });
}

/// What one alert, standing for all of its playbook, asks for.
fn answer<'a>(
    decider: &mut Decider<'a>,
    incident: IncidentRef,
    want: &Want<'a>,
    asks_for_a_run: bool,
    work: &mut Work,
    call: &mut Call,
) {
    let Want { coverage, alert, severity, .. } = *want;
    let team = team_of(decider.rules, coverage, alert);
    let page = |reason| NewPage { level: 1, team: team.clone(), reason, text: None };
    let mut reason = (severity == Severity::S1).then_some(PageReason::SeverityOne);
    match coverage {
        Coverage::Covered { playbook, target, inputs } => {
            match why_not_run(decider, playbook, target, work) {
                _ if !asks_for_a_run => {}
                None => {
                    open_run(decider, incident, alert, (playbook, target, inputs));
                    work.begins(playbook, target);
                }
                Some(NotRun { because, is_over_limit }) => {
                    let playbook = playbook.name.clone();
                    note(decider, incident, IncidentEvent::RunNotOpened { playbook, because: because.clone() });
                    // While another one is at work, its outcome and `page_by` call somebody, if that is needed.
                    if is_over_limit {
                        reason.get_or_insert(PageReason::NotRun { because });
                    }
                }
            }
            if let Some(after) = page_by(playbook, severity) {
                // It was to be counted from when it came in.
                let told_at = if decider.came.is_held { decider.now } else { decider.came.received_at };
                let at = (told_at.min(decider.now) + after).max(decider.now);
                call.at = Some(call.at.map_or(at, |before| before.min(at)));
            }
        }
        Coverage::Unusable { playbook, because } | Coverage::Elsewhere { playbook: Some(playbook), because, .. } => {
            let event = IncidentEvent::RunNotOpened { playbook: playbook.name.clone(), because: because.clone() };
            note(decider, incident, event);
            reason.get_or_insert(PageReason::NotRun { because: because.clone() });
        }
        Coverage::Uncovered | Coverage::Elsewhere { playbook: None, .. }
            if decider.rules.page_for.pages(&team, severity, decider.now) =>
        {
            reason.get_or_insert(PageReason::Uncovered);
        }
        // They wait for the next business day: seen in chat and in the handoff, and as a ticket.
        Coverage::Uncovered | Coverage::Elsewhere { playbook: None, .. } => {
            call.ticket.get_or_insert_with(|| page(PageReason::Uncovered));
        }
    }
    if call.page.is_none() {
        call.page = reason.map(page);
    }
}

/// All alerts of the incident are over.
fn cleared(decider: &mut Decider<'_>, view: &IncidentView) {
    let incident = IncidentRef::Existing(view.incident.id);
    if view.incident.state == IncidentState::Resolved {
        return;
    }
    if let Some(run) = view.escalated() {
        let text = format!("it stays open: {run} needs a person, and nobody has looked at it");
        note(decider, incident, IncidentEvent::Remark { text });
    } else if view.runs.is_empty() {
        let because = "all its alerts have resolved".to_owned();
        decider.changes.extend(decide_over(decider.rules, view, (decider.came.source, because), decider.now));
    }
    if view.incident.state == IncidentState::Mitigated {
        // It was set in case they fire on.
        decider.changes.push(Change::PageAt { incident, at: None });
    }
    for run in &view.runs {
        decider.changes.push(Change::ToRun { run: run.id, item: InboxItem::AlertResolved });
    }
}

pub(super) fn note(decider: &mut Decider<'_>, incident: IncidentRef, event: IncidentEvent) {
    let note = Change::Note { incident, event };
    // What is so for each of many targets is said once.
    if decider.changes.last() != Some(&note) {
        decider.changes.push(note);
    }
}

/// How far an unanswered incident may go: the playbook's word, else what the severity obliges to.
pub(super) fn page_by(playbook: &Playbook, severity: Severity) -> Option<Duration> {
    playbook.page_by.or_else(|| severity.ack_within())
}
