//! What follows from a notification of Alertmanager.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::IncidentRules;
use super::affected::counted_as;
use super::causes::Keyed;
use super::gather::{Gathering, Group, gather};
use super::left_out::{Body, cut_grouping, damage_grouping};
use super::life::{Firing, anew, end_means, firing_means, reopens};
use super::opening::{describe, new_incident};
use super::spell::{Spell, finish_spell};
use super::view::{Seen, View};
use super::windows::{Released, let_go, release, window_of};
use crate::model::{
    Alert, AlertStatus, Digest, Grouping, IncidentId, IncidentState, Lane, LeftOut, Notification, Signal, SignalBody,
    SignalId,
};
use crate::store::{Change, Decision, EpisodeHead, IncidentEvent, IncidentRef, IncidentView, NewEpisode, NewIncident};

/// Decides what follows. `seen` says for each alert of the notification, in order, which playbook
/// knows it, and what it may have in common with others.
pub fn decide_notification(
    rules: &IncidentRules,
    came: Came<'_>,
    notification: &Notification,
    seen: &[Seen],
    view: &View,
    now: DateTime<Utc>,
) -> Decided {
    let mut decider = Decider {
        rules,
        came,
        view,
        now,
        changes: Vec::new(),
        spells: BTreeMap::new(),
        opened: 0,
        absorbed: BTreeMap::new(),
        held: BTreeMap::new(),
        released: Vec::new(),
        wide: BTreeSet::new(),
    };
    let mut joining = Vec::new();
    for (alert, seen) in notification.alerts.iter().zip(seen) {
        if alert.status == AlertStatus::Firing {
            joining.extend(decider.firing(alert, seen));
        }
    }
    decider.join(joining);
    for alert in notification.alerts.iter().filter(|alert| alert.status == AlertStatus::Resolved) {
        decider.resolved(alert);
    }
    let_go(&mut decider);
    decider.hold(notification);
    decider.tell_left_out(notification);
    decider.finish()
}

/// What follows, by what is known.
#[derive(Debug)]
pub struct Decided {
    pub decision: Decision,
    /// Something else may follow where it is counted more closely what is affected in these.
    pub wide: BTreeSet<IncidentId>,
}

/// From where, and when.
#[derive(Debug, Clone, Copy)]
pub struct Came<'a> {
    pub source: &'a str,
    /// Its place among all that came in. What was held has that of the end that it was held after:
    /// any end that was told since settles it, also one that waited when it was held.
    pub signal: SignalId,
    pub received_at: DateTime<Utc>,
    /// Nobody vouches for who sent it.
    pub unauthenticated: bool,
    /// It was put off as a possible echo, and this is its time.
    pub is_held: bool,
    /// Nobody has told it: its source, when asked, listed the alerts no more.
    pub is_unlisted: bool,
}

/// How the keys of such signals begin.
pub(super) const HELD: &str = "held after ";

/// The end that a signal with that key was held after.
pub(super) fn held_after(key: &str) -> Option<SignalId> {
    let (end, _) = key.strip_prefix(HELD)?.strip_prefix("SIG-")?.split_once(':')?;
    end.parse().ok().map(SignalId)
}

pub(super) struct Decider<'a> {
    pub rules: &'a IncidentRules,
    pub came: Came<'a>,
    pub view: &'a View,
    pub now: DateTime<Utc>,
    pub changes: Vec<Change>,
    pub(super) spells: BTreeMap<IncidentRef, Spell<'a>>,
    opened: usize,
    /// Incidents that turn out to be part of another one in this decision.
    absorbed: BTreeMap<IncidentId, &'a IncidentView>,
    /// Alerts that may be echoes, by the time when they are decided about.
    held: BTreeMap<DateTime<Utc>, Vec<&'a Alert>>,
    /// Episodes that no maintenance window covers any more.
    pub(super) released: Vec<Released<'a>>,
    /// Incidents in which enough may be affected to make one worse.
    pub(super) wide: BTreeSet<IncidentId>,
}

/// An alert that fires, and goes into an incident.
struct Joining<'a> {
    alert: &'a Alert,
    seen: &'a Seen,
    firing: Firing,
}

impl<'a> Decider<'a> {
    /// What the alert comes to, if it joins an incident.
    fn firing(&mut self, alert: &'a Alert, seen: &'a Seen) -> Option<Joining<'a>> {
        let firing = firing_means(self, alert);
        match firing {
            Firing::Nothing => {
                self.retell(alert);
                release(self, alert, seen);
            }
            Firing::Held { until } => self.held.entry(until).or_default().push(alert),
            Firing::New | Firing::Again(_) | Firing::Anew(_) | Firing::Worse(_) => {
                return Some(Joining { alert, seen, firing });
            }
        }
        None
    }

    /// Has each of them join the incident of its cause.
    fn join(&mut self, joining: Vec<Joining<'a>>) {
        let causes: Vec<_> = joining.iter().map(|joining| &joining.seen.causes).collect();
        let mut joinable = self.view.joinable(self.rules, self.now);
        for Joining { alert, seen, .. } in &joining {
            if let Some(incident) = self.view.incident_before(&alert.fingerprint, self.rules, self.now) {
                joinable.own.entry(seen.causes.own.key.clone()).or_insert(incident);
            }
        }
        let Gathering { groups, of } = gather(&causes, &joinable);
        let mut incidents: Vec<Option<IncidentRef>> = vec![None; groups.len()];
        for (joins, group) in joining.into_iter().zip(of) {
            let incident = match incidents[group] {
                Some(incident) => incident,
                None => *incidents[group].insert(self.begin(&groups[group], &joins)),
            };
            self.take_in(incident, joins);
        }
    }

    /// The incident of a group: one that is there, which may take others in, or a new one.
    fn begin(&mut self, group: &Group, first: &Joining<'a>) -> IncidentRef {
        let known = group.incident.and_then(|id| self.view.incidents.get(&id));
        let groupings = |keyed: &BTreeSet<Keyed>| keyed.iter().map(|keyed| keyed.by.clone()).collect::<Vec<_>>();
        let (gathers, shares) = (groupings(&group.gathers), groupings(&group.shares));
        let Some(view) = known else {
            let by = group.by.clone().unwrap_or_else(|| first.seen.causes.own.by.clone());
            let incident = IncidentRef::New(self.opened);
            self.opened += 1;
            let new = new_incident(self.rules, by, first.alert, &first.seen.coverage);
            let severity = first.seen.rating.severity;
            self.changes.push(Change::OpenIncident(NewIncident { severity, gathers, shares, ..new }));
            let mut spell = Spell::new(incident, None);
            spell.opened_by = Some(self.changes.len() - 1);
            self.spells.insert(incident, spell);
            return incident;
        };
        let incident = IncidentRef::Existing(view.incident.id);
        let spell = self.spells.entry(incident).or_insert_with(|| Spell::new(incident, Some(view)));
        if let Some(by) = group.by.clone() {
            self.changes.push(Change::Gather { incident, by: by.clone(), gathers, shares });
            for from in &group.absorbs {
                let because = by.to_string();
                self.changes.push(Change::Merge { from: *from, into: incident, by: None, because });
                self.absorbed.insert(*from, view);
                spell.parts.push(*from);
                spell.gained += self.view.incidents.get(from).map_or(0, |part| part.incident.open_episodes);
            }
        }
        incident
    }

    /// The incident in which what belongs to that one goes on.
    pub(super) fn whole_of(&self, id: IncidentId) -> IncidentId {
        self.absorbed.get(&id).map_or(id, |whole| whole.incident.id)
    }

    fn take_in(&mut self, incident: IncidentRef, joins: Joining<'a>) {
        let Joining { alert, seen, firing } = joins;
        let (rules, now, source) = (self.rules, self.now, self.came.source);
        let window = window_of(self, alert, seen);
        let is_anew = matches!(firing, Firing::Anew(_));
        let Some(spell) = self.spells.get_mut(&incident) else { return };
        let severity = seen.rating.severity;
        if spell.begins.is_none() {
            spell.begins = match spell.known {
                None => Some(format!("{} fires", alert.name())),
                // What is covered takes nothing from whoever has it.
                Some(view) if window.is_some() && view.incident.state == IncidentState::Acknowledged => None,
                Some(view) if is_anew => anew(&view.incident, alert, now, rules),
                Some(view) => reopens(view, source, alert, severity),
            };
        }
        spell.wants(&seen.coverage, alert, severity, window);
        let joined = spell.joined.entry(alert.name().to_owned()).or_insert_with(|| (0, describe(rules, alert)));
        joined.0 += 1;
        for remark in &seen.remarks {
            if !spell.remarks.contains(remark) {
                spell.remarks.push(remark.clone());
            }
        }
        if let Some(text) = firing.remark(rules, alert)
            && spell.remarks.len() < MOST_REMARKS
            && !spell.remarks.contains(&text)
        {
            spell.remarks.push(text);
        }
        spell.rated(&seen.rating);
        let counted_as = counted_as(rules, &seen.causes.own.key, &alert.labels);
        if window.is_none() {
            spell.affected.add(counted_as.clone(), severity);
        }
        let held_by = window.map(|window| window.id);
        let counted_as = Some(counted_as);
        if let Firing::Anew(before) | Firing::Worse(before) = &firing {
            self.end(before, incident);
        }
        let starts_at = firing.starts_at(alert, self.came.received_at);
        self.changes.push(match firing {
            Firing::Again(episode) => Change::ReopenEpisode { incident, episode: episode.id, held_by, counted_as },
            Firing::New | Firing::Anew(_) | Firing::Worse(_) | Firing::Nothing | Firing::Held { .. } => {
                Change::OpenEpisode {
                    incident,
                    episode: NewEpisode {
                        source: self.came.source.to_owned(),
                        fingerprint: alert.fingerprint.clone(),
                        alert: alert.name().to_owned(),
                        object: seen.causes.own.key.clone(),
                        labels: alert.labels.clone(),
                        annotations: alert.annotations.clone(),
                        starts_at,
                        severity: Some(severity),
                        held_by,
                        counted_as,
                    },
                }
            }
        });
    }

    /// The same firing with other texts is no repeat: they are what people read.
    fn retell(&mut self, alert: &Alert) {
        if let Some(episode) = self.view.episodes.get(&alert.fingerprint)
            && episode.closed_at.is_none()
            && (alert.in_order || episode.starts_at == alert.starts_at)
            && episode.annotations != alert.annotations
        {
            let annotations = alert.annotations.clone();
            self.changes.push(Change::Retell { episode: episode.id, annotations });
        }
    }

    /// Puts off what may be an echo, and says so: nothing that came in is dropped without a trace.
    fn hold(&mut self, notification: &Notification) {
        for (until, alerts) in std::mem::take(&mut self.held) {
            let mut told: BTreeMap<(IncidentId, &str), u64> = BTreeMap::new();
            for alert in &alerts {
                if let Some(episode) = self.view.episodes.get(&alert.fingerprint) {
                    *told.entry((self.whole_of(episode.incident), alert.name())).or_default() += 1;
                }
            }
            let notes = told.into_iter().map(|((incident, alert), count)| {
                let event = IncidentEvent::Held { alert: alert.to_owned(), count, until };
                (IncidentRef::Existing(incident), event)
            });
            let fingerprints: BTreeSet<&str> = alerts.iter().map(|alert| alert.fingerprint.as_str()).collect();
            let ends: BTreeSet<i64> = alerts
                .iter()
                .filter_map(|alert| Some(self.view.episodes.get(&alert.fingerprint)?.ended_by?.0))
                .collect();
            let end = ends.last().copied().unwrap_or_default();
            let key = format!("{HELD}SIG-{end}: {}", Digest::of(format!("{fingerprints:?}")).as_str());
            let lane = alerts.first().map_or(Lane::Usual, |alert| Lane::of(alert, &self.rules.severities));
            let alerts = alerts.into_iter().cloned().collect();
            let signal = Signal {
                source: self.came.source.to_owned(),
                key,
                received_at: self.came.received_at,
                body: SignalBody::Notification(Notification { alerts, ..without_alerts(notification) }),
            };
            self.changes.push(Change::Hold { signal: Box::new(signal), lane, until, notes: notes.collect() });
        }
    }

    fn resolved(&mut self, alert: &Alert) {
        let Some((episode, start)) = end_means(self, alert) else { return };
        let (episode, at) = (episode.clone(), self.now);
        let Some(view) = self.view.incidents.get(&self.whole_of(episode.incident)) else { return };
        let incident = IncidentRef::Existing(view.incident.id);
        let close = Change::CloseEpisode { incident, episode: episode.id, at, start };
        if episode.closed_at.is_some() {
            // Told again: a firing that was told in between is settled by it.
            return self.changes.push(close);
        }
        let spell = self.spells.entry(incident).or_insert_with(|| Spell::new(incident, Some(view)));
        spell.closed += 1;
        let told = "Alertmanager lists what it kept quiet no more, and tells no end of it: it is taken as over";
        if self.came.is_unlisted && !spell.remarks.iter().any(|remark| remark == told) {
            spell.remarks.push(told.into());
        }
        self.changes.push(close);
    }

    /// What was left out of a body is told to a person: nobody sends it again. What the sender
    /// leaves out it leaves out each time: once it was told, only more of it is news.
    fn tell_left_out(&mut self, notification: &Notification) {
        let LeftOut { alerts, labels, by_sender, damaged, .. } = notification.left_out;
        let (view, source) = (self.view, self.came.source);
        let known = |grouping: &Grouping| view.of(grouping);
        let body = Body { signal: self.came.signal, source, notification };
        let mut news = Vec::new();
        if alerts + labels > 0 {
            news.push(body.over_the_bounds(known(&Grouping::SetAside)));
        }
        if by_sender > view.cut_told {
            news.push(body.cut(known(&cut_grouping(source))));
        }
        if damaged > 0 && !view.damage_told {
            news.push(body.damaged(known(&damage_grouping(source))));
        }
        for news in news {
            let opens = news.known.is_none();
            self.changes.extend(news.tell(self.rules, self.opened));
            self.opened += usize::from(opens);
        }
        // Whoever looks at what joins must know that it is not all.
        for spell in self.spells.values_mut().filter(|spell| by_sender > 0 && !spell.joined.is_empty()) {
            spell.remarks.push(format!("{by_sender} more alerts of this group were left out by {source}"));
        }
    }

    /// Ends an episode whose place another one takes, which may be in another incident.
    fn end(&mut self, before: &EpisodeHead, joined: IncidentRef) {
        let whole = self.whole_of(before.incident);
        let of = IncidentRef::Existing(whole);
        let close = Change::CloseEpisode { incident: of, episode: before.id, at: self.now, start: None };
        self.changes.push(close);
        if of != joined
            && let Some(view) = self.view.incidents.get(&whole)
        {
            self.spells.entry(of).or_insert_with(|| Spell::new(of, Some(view))).closed += 1;
        }
    }

    fn finish(mut self) -> Decided {
        for (_, spell) in std::mem::take(&mut self.spells) {
            finish_spell(&mut self, spell);
        }
        Decided { decision: Decision { changes: self.changes, reply: None }, wide: self.wide }
    }
}

fn without_alerts(notification: &Notification) -> Notification {
    Notification {
        receiver: notification.receiver.clone(),
        group_key: notification.group_key.clone(),
        truncated: notification.truncated,
        left_out: LeftOut::default(),
        alerts: Vec::new(),
        unauthenticated: notification.unauthenticated,
    }
}

/// Lines of the timeline about single alerts in one decision: a storm is no reason for thousands.
pub(super) const MOST_REMARKS: usize = 20;
