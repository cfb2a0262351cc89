//! What follows from a notification of Alertmanager.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{Coverage, IncidentRules};
use crate::model::{Alert, AlertStatus, Autonomy, Incident, IncidentId, IncidentState, Notification, Severity};
use crate::playbook::{Playbook, alert_value};
use crate::store::{
    Change, Decision, EpisodeHead, InboxItem, IncidentEvent, IncidentRef, IncidentView, NewEpisode, NewIncident,
    NewPage, NewRun, PageReason, RunHead,
};

/// What the store knows that a decision needs.
#[derive(Debug, Default)]
pub struct View {
    /// The latest episode of each alert, by fingerprint.
    pub episodes: HashMap<String, EpisodeHead>,
    /// The latest incident of each grouping, and those that the episodes belong to.
    pub incidents: HashMap<IncidentId, IncidentView>,
    pub by_grouping: HashMap<String, IncidentId>,
    /// Earlier runs, the newest first, by playbook and target key: as far back as the playbook's limits look.
    pub history: HashMap<(String, String), Vec<RunHead>>,
}

/// Decides what follows. `covered` says for each alert of the notification, in order, which playbook knows it.
pub fn decide_notification(
    rules: &IncidentRules,
    source: &str,
    notification: &Notification,
    covered: &[(Coverage, Vec<String>)],
    view: &View,
    now: DateTime<Utc>,
) -> Decision {
    let mut decider = Decider { rules, source, view, now, changes: Vec::new(), spells: BTreeMap::new(), opened: 0 };
    for (alert, (coverage, remarks)) in notification.alerts.iter().zip(covered) {
        match alert.status {
            AlertStatus::Firing => decider.firing(alert, coverage, remarks, &notification.group_key),
            AlertStatus::Resolved => decider.resolved(alert),
        }
    }
    decider.finish()
}

/// What happens to one incident in this decision.
struct Spell<'a> {
    incident: IncidentRef,
    known: Option<&'a IncidentView>,
    /// Why it is (re)opened now; `None` when it was open before.
    begins: Option<String>,
    coverage: Option<(&'a Coverage, &'a Alert)>,
    /// Episodes that join, by alert name: how many, and one of them as an example.
    joined: BTreeMap<String, (u64, String)>,
    closed: u64,
    remarks: Vec<String>,
}

struct Decider<'a> {
    rules: &'a IncidentRules,
    source: &'a str,
    view: &'a View,
    now: DateTime<Utc>,
    changes: Vec<Change>,
    /// By grouping for what joins, by id for what only closes: an incident has one entry.
    spells: BTreeMap<String, Spell<'a>>,
    opened: usize,
}

/// What a firing means for the alert's episodes.
enum Firing {
    /// It is known, or an echo of what is over.
    Nothing,
    New,
    Again(EpisodeHead),
}

impl<'a> Decider<'a> {
    fn firing(&mut self, alert: &'a Alert, coverage: &'a Coverage, remarks: &[String], group_key: &str) {
        let firing = self.firing_means(alert);
        if let Firing::Nothing = firing {
            return;
        }
        let grouping = coverage.grouping(self.source, group_key);
        let spell = self.spell_of(grouping, alert, coverage);
        let joined = spell.joined.entry(alert.name().to_owned()).or_insert_with(|| (0, describe(alert)));
        joined.0 += 1;
        for remark in remarks {
            if !spell.remarks.contains(remark) {
                spell.remarks.push(remark.clone());
            }
        }
        let incident = spell.incident;
        self.changes.push(match firing {
            Firing::Again(episode) => Change::ReopenEpisode { incident, episode: episode.id },
            Firing::New | Firing::Nothing => Change::OpenEpisode {
                incident,
                episode: NewEpisode {
                    source: self.source.to_owned(),
                    fingerprint: alert.fingerprint.clone(),
                    alert: alert.name().to_owned(),
                    labels: alert.labels.clone(),
                    annotations: alert.annotations.clone(),
                    starts_at: alert.starts_at,
                },
            },
        });
    }

    fn firing_means(&self, alert: &Alert) -> Firing {
        let Some(episode) = self.view.episodes.get(&alert.fingerprint) else { return Firing::New };
        match episode.closed_at {
            None => Firing::Nothing,
            Some(_) if alert.starts_at > episode.starts_at => Firing::New,
            // The same start after its end: soon after it is a late delivery by another peer; later on, Alertmanager had
            // lost sight of an alert that has fired all the time.
            Some(closed_at) if self.now < closed_at + self.rules.stale_within => Firing::Nothing,
            Some(_) => Firing::Again(episode.clone()),
        }
    }

    /// The incident that an alert joins: one that is open, one that is reopened, or a new one.
    fn spell_of(&mut self, grouping: String, alert: &'a Alert, coverage: &'a Coverage) -> &mut Spell<'a> {
        // An incident that this decision only closed episodes of is keyed by its grouping too: they meet here.
        let known = self.view.by_grouping.get(&grouping).and_then(|id| self.view.incidents.get(id));
        let (rules, now) = (self.rules, self.now);
        let (changes, opened) = (&mut self.changes, &mut self.opened);
        let spell = self.spells.entry(grouping.clone()).or_insert_with(|| {
            let reusable = known.filter(|view| is_reusable(&view.incident, rules, now));
            let incident = match reusable {
                Some(view) => IncidentRef::Existing(view.incident.id),
                None => {
                    changes.push(Change::OpenIncident(new_incident(rules, grouping, alert, coverage)));
                    *opened += 1;
                    IncidentRef::New(*opened - 1)
                }
            };
            Spell::new(incident, reusable)
        });
        if spell.begins.is_none() {
            spell.begins = match spell.known.map(|view| &view.incident) {
                None => Some(format!("{} fires", alert.name())),
                Some(incident) => reopens(incident, alert),
            };
        }
        spell.coverage.get_or_insert((coverage, alert));
        spell
    }

    fn resolved(&mut self, alert: &Alert) {
        // Before its firing, or without it: there is nothing to close.
        let Some(episode) = self.view.episodes.get(&alert.fingerprint) else { return };
        // A late delivery of an earlier end must not close what began after it.
        if episode.closed_at.is_some() || alert.starts_at < episode.starts_at {
            return;
        }
        let Some(view) = self.view.incidents.get(&episode.incident) else { return };
        let incident = IncidentRef::Existing(view.incident.id);
        let spell =
            self.spells.entry(view.incident.grouping.clone()).or_insert_with(|| Spell::new(incident, Some(view)));
        // Its grouping may have opened another incident since; then this episode belongs to the older one.
        if spell.incident == incident {
            spell.closed += 1;
        }
        self.changes.push(Change::CloseEpisode { incident, episode: episode.id, at: self.now });
    }

    fn finish(mut self) -> Decision {
        for (_, spell) in std::mem::take(&mut self.spells) {
            self.finish_spell(spell);
        }
        Decision { changes: self.changes, reply: None }
    }

    fn finish_spell(&mut self, spell: Spell<'a>) {
        let incident = spell.incident;
        let joined: u64 = spell.joined.values().map(|(count, _)| count).sum();
        if let Some(because) = &spell.begins {
            if spell.known.is_some() {
                self.changes.push(Change::Reopen { incident });
                self.note(incident, IncidentEvent::Reopened { because: because.clone() });
            } else {
                self.note(incident, IncidentEvent::Opened { because: because.clone() });
            }
        }
        for (alert, (count, example)) in spell.joined {
            self.note(incident, IncidentEvent::Joined { alert, count, example });
        }
        for text in spell.remarks {
            self.note(incident, IncidentEvent::Remark { text });
        }
        if spell.begins.is_some()
            && let Some((coverage, alert)) = spell.coverage
        {
            self.begin(incident, spell.known, coverage, alert);
        }
        if spell.closed > 0
            && let Some(view) = spell.known
        {
            let open = (view.incident.open_episodes + joined).saturating_sub(spell.closed);
            self.note(incident, IncidentEvent::Cleared { count: spell.closed, open });
            if open == 0 {
                self.cleared(view);
            }
        }
    }

    /// The first thing that an incident needs when it opens: a run, and somebody who knows.
    fn begin(&mut self, incident: IncidentRef, known: Option<&IncidentView>, coverage: &Coverage, alert: &Alert) {
        let severity = severity_of(coverage, alert);
        let team = team_of(self.rules, coverage, alert);
        let mut page = (severity == Severity::S1).then_some(PageReason::SeverityOne);
        match coverage {
            Coverage::Covered { playbook, target, inputs } => {
                let under_way = known.is_some_and(|view| !view.runs.is_empty());
                match self.over_the_limit(playbook, &target.key()) {
                    _ if under_way => {}
                    Some(because) => {
                        let event =
                            IncidentEvent::RunNotOpened { playbook: playbook.name.clone(), because: because.clone() };
                        self.note(incident, event);
                        page.get_or_insert(PageReason::NotRun { because });
                    }
                    None => {
                        let run = NewRun {
                            playbook: playbook.reference.clone(),
                            playbook_source: playbook.source.to_string(),
                            target: target.clone(),
                            inputs: inputs.clone(),
                            alert: alert_value(alert),
                            autonomy: playbook.autonomy,
                            requested_by: None,
                        };
                        self.changes.push(Change::OpenRun { incident, run: Box::new(run) });
                    }
                }
                if page.is_none() {
                    let at = page_by(playbook, severity).map(|after| self.now + after);
                    self.changes.push(Change::PageAt { incident, at });
                }
            }
            Coverage::Unusable { playbook, because } => {
                let event = IncidentEvent::RunNotOpened { playbook: playbook.name.clone(), because: because.clone() };
                self.note(incident, event);
                page.get_or_insert(PageReason::NotRun { because: because.clone() });
            }
            Coverage::Uncovered if severity <= Severity::S2 => {
                page.get_or_insert(PageReason::Uncovered);
            }
            // S3 and S4 wait for the next business day: seen in chat and in the handoff.
            Coverage::Uncovered => {}
        }
        if let Some(reason) = page {
            self.changes.push(Change::Page { incident, page: NewPage { level: 1, team, reason, text: None } });
        }
    }

    /// All alerts of the incident are over.
    fn cleared(&mut self, view: &IncidentView) {
        let incident = IncidentRef::Existing(view.incident.id);
        if view.incident.state == IncidentState::Resolved {
            return;
        }
        if view.runs.is_empty() {
            self.changes.push(Change::Resolve { incident });
            let because = "all its alerts have resolved".to_owned();
            self.note(incident, IncidentEvent::Resolved { by: self.source.to_owned(), because });
        }
        for run in &view.runs {
            self.changes.push(Change::ToRun { run: run.id, item: InboxItem::AlertResolved });
        }
    }

    fn over_the_limit(&self, playbook: &Playbook, target_key: &str) -> Option<String> {
        let history = self.view.history.get(&(playbook.name.clone(), target_key.to_owned()))?;
        if let Some(under_way) = history.iter().find(|run| run.ended_at.is_none()) {
            return Some(format!("{} of it is under way on this target", under_way.id));
        }
        let limits = &playbook.limits;
        if let Some(cooldown) = limits.cooldown
            && let Some(last) = history.iter().find(|run| run.ended_at.is_some_and(|ended| self.now < ended + cooldown))
        {
            return Some(format!("{} ended less than its cooldown ago", last.id));
        }
        if let Some((most, window)) = limits.runs {
            let recent = history.iter().filter(|run| self.now < run.created_at + window).count();
            if recent >= most as usize {
                return Some(format!("it ran {recent} times on this target within its limit's time"));
            }
        }
        None
    }

    fn note(&mut self, incident: IncidentRef, event: IncidentEvent) {
        self.changes.push(Change::Note { incident, event });
    }
}

impl<'a> Spell<'a> {
    fn new(incident: IncidentRef, known: Option<&'a IncidentView>) -> Self {
        Self { incident, known, begins: None, coverage: None, joined: BTreeMap::new(), closed: 0, remarks: Vec::new() }
    }
}

/// How far an unanswered incident may go: the playbook's word, else what the severity obliges to.
fn page_by(playbook: &Playbook, severity: Severity) -> Option<std::time::Duration> {
    playbook.page_by.or_else(|| severity.ack_within())
}

fn is_reusable(incident: &Incident, rules: &IncidentRules, now: DateTime<Utc>) -> bool {
    match (incident.state, incident.resolved_at) {
        (IncidentState::Resolved, Some(resolved_at)) => now < resolved_at + rules.reopen_within,
        (IncidentState::Resolved, None) => false,
        _ => true,
    }
}

/// Why an alert that joins reopens the incident; `None` when it is open anyway, or when what joins is late news of what was
/// mitigated already: Alertmanager tells the rest of a storm one group_interval after its first alerts.
fn reopens(incident: &Incident, alert: &Alert) -> Option<String> {
    let over = match incident.state {
        IncidentState::Open | IncidentState::Acknowledged => return None,
        IncidentState::Mitigated => incident.mitigated_at,
        IncidentState::Resolved => incident.mitigated_at.or(incident.resolved_at),
    };
    let is_old_news = incident.state == IncidentState::Mitigated && over.is_some_and(|over| alert.starts_at <= over);
    (!is_old_news).then(|| format!("{} fires again", alert.name()))
}

fn new_incident(rules: &IncidentRules, grouping: String, alert: &Alert, coverage: &Coverage) -> NewIncident {
    NewIncident {
        grouping,
        title: title_of(alert, coverage),
        severity: severity_of(coverage, alert),
        target: coverage.target().cloned(),
        team: team_of(rules, coverage, alert),
        playbook: coverage.playbook().map(|playbook| playbook.name.clone()),
    }
}

fn title_of(alert: &Alert, coverage: &Coverage) -> String {
    const LONGEST: usize = 160;
    let title = match coverage {
        Coverage::Covered { playbook, target, .. } => format!("{}: {target}", playbook.summary),
        Coverage::Unusable { .. } | Coverage::Uncovered => {
            match alert.annotations.get("summary").or_else(|| alert.annotations.get("message")) {
                Some(summary) => format!("{}: {summary}", alert.name()),
                None => describe(alert),
            }
        }
    };
    title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

/// An alert in a line: its name and the labels that say where.
pub(super) fn describe(alert: &Alert) -> String {
    const WHERE: [&str; 8] =
        ["namespace", "deployment", "statefulset", "persistentvolumeclaim", "job_name", "pod", "node", "instance"];
    let place: Vec<String> =
        WHERE.iter().filter_map(|name| alert.label(name).map(|value| format!("{name}={value}"))).collect();
    if place.is_empty() { alert.name().to_owned() } else { format!("{} {}", alert.name(), place.join(" ")) }
}

fn severity_of(coverage: &Coverage, alert: &Alert) -> Severity {
    match coverage.playbook() {
        Some(playbook) => playbook.severity,
        None => Severity::hint(alert.label("severity")),
    }
}

fn team_of(rules: &IncidentRules, coverage: &Coverage, alert: &Alert) -> String {
    match (coverage.playbook(), alert.label("team")) {
        (Some(playbook), _) => playbook.owner.clone(),
        (None, Some(team)) if rules.teams.contains(team) => team.to_owned(),
        (None, _) => rules.default_team.clone(),
    }
}

/// How far a run that a person asks for may go: what was asked for is at least asked about.
pub(super) fn autonomy_when_asked(playbook: &Playbook) -> Autonomy {
    playbook.autonomy.max(Autonomy::Approve)
}
