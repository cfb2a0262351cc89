//! What follows from a signal that cannot be worked on: a person hears of it, as nothing else will come of it.

use std::collections::BTreeSet;

use super::IncidentRules;
use super::commands::decline;
use super::opening::describe;
use crate::model::{AlertStatus, IncidentState, LeftOut, Notification, Severity, Signal, SignalBody, SignalId, redact};
use crate::store::{
    Change, Decision, IncidentEvent, IncidentRef, IncidentView, NewIncident, NewPage, PageReason, TimelineEntry,
    TimelineWhat,
};

/// What makes such signals one incident.
pub(super) const GROUPING: &str = "dogwatch:set-aside";

/// What makes all groups one incident of which a sender leaves alerts out: one setting of it is wrong.
pub(super) fn cut_grouping(source: &str) -> String {
    format!("dogwatch:cut:{source}")
}

/// What makes all damage of a source one incident: something garbles what it sends.
pub(super) fn damage_grouping(source: &str) -> String {
    format!("dogwatch:damaged:{source}")
}

/// A group's name as it stands on the timeline.
fn shown_group(group_key: &str) -> String {
    /// Keys hold all labels that the group is made by.
    const LONGEST: usize = 400;
    let shown = redact(group_key);
    shown[..shown.floor_char_boundary(LONGEST)].to_owned()
}

/// How many alerts of this group were told of as left out, at the most.
pub(super) fn cut_told(group_key: &str, timeline: &[TimelineEntry]) -> u64 {
    let group = shown_group(group_key);
    let told = timeline.iter().filter_map(|entry| match &entry.what {
        TimelineWhat::Incident(IncidentEvent::Cut { group: other, alerts }) if *other == group => Some(*alerts),
        _ => None,
    });
    told.max().unwrap_or_default()
}

/// Whether this damage is what was told before: as many alerts of this group, and nothing else
/// wrong with them.
pub(super) fn damage_is_told(notification: &Notification, timeline: &[TimelineEntry]) -> bool {
    let group = shown_group(&notification.group_key);
    let kinds = |why: &[String]| -> BTreeSet<String> { why.iter().map(|why| kind_of(why)).collect() };
    let wanted = kinds(&shown_damage(&notification.left_out));
    timeline.iter().any(|entry| match &entry.what {
        TimelineWhat::Incident(IncidentEvent::Damaged { group: other, alerts, why }) => {
            *other == group && *alerts >= notification.left_out.damaged && kinds(why).is_superset(&wanted)
        }
        _ => false,
    })
}

fn shown_damage(left_out: &LeftOut) -> Vec<String> {
    left_out.damage.iter().map(|why| redact(why).into_owned()).collect()
}

/// What is wrong without where: the alerts of a group change their places in it.
fn kind_of(why: &str) -> String {
    why.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Decides what follows instead. `signal`: `None` when it is what cannot be read. `known`: the last incident of [`GROUPING`]; whoever
/// has acknowledged that one has not seen this, and it is opened anew then.
pub(super) fn decide_set_aside(
    rules: &IncidentRules,
    id: SignalId,
    signal: Option<&Signal>,
    because: &str,
    known: Option<&IncidentView>,
) -> Decision {
    let (severity, what) = match signal {
        // Whoever gave it is told, and may give it again.
        Some(Signal { body: SignalBody::Command { .. }, .. }) => {
            return decline(format!("that could not be worked on, and nothing was done: {because}"));
        }
        Some(Signal { body: SignalBody::Notification(notification), source, .. }) => {
            alerts_of(rules, source, notification)
        }
        Some(Signal { body: SignalBody::RunEnded { run, outcome, because }, .. }) => {
            (Severity::S2, format!("the end of {run}: {outcome}: {because}"))
        }
        Some(Signal { body: SignalBody::Heartbeat { key, name, .. }, .. }) => {
            (Severity::S1, format!("news of the heartbeat {name} of {}", key.source))
        }
        None => (Severity::S2, "its source: it cannot be read, so nobody knows what was in it".to_owned()),
    };
    let news = News {
        grouping: GROUPING.to_owned(),
        known: known.filter(|view| view.incident.state == IncidentState::Open),
        title: "what came in could not be worked on, and was set aside",
        severity,
        opened_because: "nothing else follows from what was set aside",
        event: IncidentEvent::Remark { text: format!("{id} was set aside: {because}; in it: {what}") },
        reason: PageReason::SetAside { signal: id, what, because: because.to_owned() },
    };
    Decision { changes: tell(rules, 0, news), reply: None }
}

/// What follows from a body that had more than is taken of one. `opened`: how many incidents the
/// decision opens already.
pub(super) fn decide_left_out(
    rules: &IncidentRules,
    id: SignalId,
    source: &str,
    notification: &Notification,
    known: Option<&IncidentView>,
    opened: usize,
) -> Vec<Change> {
    let LeftOut { alerts, labels, .. } = notification.left_out;
    let what = format!("{alerts} alerts and {labels} labels or annotations of {source}");
    let because =
        "one body had more than is taken of one; what fits was taken: group by more labels in alertmanager's route";
    let news = News {
        grouping: GROUPING.to_owned(),
        known: known.filter(|view| view.incident.state == IncidentState::Open),
        title: "what came in was more than is taken at once, and some was left out",
        severity: Severity::S2,
        opened_because: because,
        event: IncidentEvent::Remark { text: format!("of {id} was left out: {what}: {because}") },
        reason: PageReason::SetAside { signal: id, what, because: because.to_owned() },
    };
    tell(rules, opened, news)
}

/// What follows from a group of which its sender leaves more alerts out than was told before. Whoever
/// has that incident knows what to do, and is not called for each group. `known`: the last incident
/// of [`cut_grouping`]. `opened`: how many incidents the decision opens already.
pub(super) fn decide_cut(
    rules: &IncidentRules,
    id: SignalId,
    source: &str,
    notification: &Notification,
    known: Option<&IncidentView>,
    opened: usize,
) -> Vec<Change> {
    let alerts = notification.left_out.by_sender;
    let group = shown_group(&notification.group_key);
    let because = "alertmanager's `max_alerts` cuts the group, and nobody sends the rest: raise it in the receiver";
    let news = News {
        grouping: cut_grouping(source),
        known: known.filter(|view| view.incident.state != IncidentState::Resolved),
        title: "alerts were left out by their sender, and nobody hears of them",
        severity: Severity::S2,
        opened_because: because,
        reason: PageReason::SetAside {
            signal: id,
            what: format!("the {alerts} alerts that {source} left out of the group {group}"),
            because: because.to_owned(),
        },
        event: IncidentEvent::Cut { group, alerts },
    };
    tell(rules, opened, news)
}

/// What follows from alerts that cannot be read. Whoever has that incident knows of it, and is not
/// called each time the same comes in. `known`: the last incident of [`damage_grouping`]. `opened`:
/// how many incidents the decision opens already.
pub(super) fn decide_damaged(
    rules: &IncidentRules,
    id: SignalId,
    source: &str,
    notification: &Notification,
    known: Option<&IncidentView>,
    opened: usize,
) -> Vec<Change> {
    let LeftOut { damaged, .. } = notification.left_out;
    let group = shown_group(&notification.group_key);
    let why = shown_damage(&notification.left_out);
    let because = "what can be read of a body is taken, and nobody sends the rest again: see what sends or forwards it";
    let news = News {
        grouping: damage_grouping(source),
        known: known.filter(|view| view.incident.state != IncidentState::Resolved),
        title: "alerts came in that cannot be read, and nobody hears of them",
        severity: Severity::S2,
        opened_because: because,
        reason: PageReason::SetAside {
            signal: id,
            what: format!(
                "{damaged} alerts of {source} that cannot be read ({})",
                why.first().map_or("nobody knows why", String::as_str)
            ),
            because: because.to_owned(),
        },
        event: IncidentEvent::Damaged { group, alerts: damaged, why },
    };
    tell(rules, opened, news)
}

/// What the default team is to hear of what came in.
struct News<'a> {
    /// The incident that collects such news, if it is one to go on with.
    known: Option<&'a IncidentView>,
    grouping: String,
    title: &'static str,
    severity: Severity,
    opened_because: &'static str,
    event: IncidentEvent,
    reason: PageReason,
}

/// Tells it in the incident that collects such news, and pages. `opened`: how many incidents the
/// decision opens already.
fn tell(rules: &IncidentRules, opened: usize, news: News<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let incident = match news.known {
        Some(view) => IncidentRef::Existing(view.incident.id),
        None => {
            changes.push(Change::OpenIncident(NewIncident {
                grouping: news.grouping,
                title: news.title.to_owned(),
                severity: news.severity,
                target: None,
                team: rules.default_team.clone(),
                playbook: None,
            }));
            let (incident, because) = (IncidentRef::New(opened), news.opened_because.to_owned());
            changes.push(Change::Note { incident, event: IncidentEvent::Opened { because } });
            incident
        }
    };
    changes.push(Change::Note { incident, event: news.event });
    let page = NewPage { level: 1, team: rules.default_team.clone(), reason: news.reason, text: None };
    changes.push(Change::Page { incident, page });
    changes
}

/// The worst severity among the alerts, S2 at least, and some of them in words.
fn alerts_of(rules: &IncidentRules, source: &str, notification: &Notification) -> (Severity, String) {
    const NAMED: usize = 3;
    let firing = || notification.alerts.iter().filter(|alert| alert.status == AlertStatus::Firing);
    let severity = firing().map(|alert| rules.severities.of(alert)).fold(Severity::S2, Ord::min);
    let named: Vec<String> = firing().take(NAMED).map(|alert| describe(rules, alert)).collect();
    let (all, firing) = (notification.alerts.len(), firing().count());
    let mut what = format!("the alerts of {source} ({firing} firing, {} resolved)", all - firing);
    if !named.is_empty() {
        what.push_str(&format!(", such as {}", named.join(", ")));
    }
    (severity, what)
}
