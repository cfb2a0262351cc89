//! What of a body is not taken in: over the bounds, left out by its sender, or damaged. A person
//! hears of it, as nobody sends it again.

use std::collections::BTreeSet;

use super::news::News;
use crate::model::{Grouping, IncidentState, LeftOut, Notification, Severity, SignalId, redact};
use crate::store::{IncidentEvent, IncidentView, PageReason, TimelineEntry, TimelineWhat};

/// A body of which not all is taken in, and from where it came.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub signal: SignalId,
    pub source: &'a str,
    pub notification: &'a Notification,
}

impl<'a> Body<'a> {
    /// News of what was over the bounds of one body. `known`: the last incident of
    /// [`Grouping::SetAside`].
    pub fn over_the_bounds(self, known: Option<&'a IncidentView>) -> News<'a> {
        let LeftOut { alerts, labels, .. } = self.notification.left_out;
        let what = format!("{alerts} alerts and {labels} labels or annotations of {}", self.source);
        let because =
            "one body had more than is taken of one; what fits was taken: group by more labels in alertmanager's route";
        let id = self.signal;
        News {
            grouping: Grouping::SetAside,
            known: known.filter(|view| view.incident.state == IncidentState::Open),
            title: "what came in was more than is taken at once, and some was left out",
            severity: Severity::S2,
            opened_because: because,
            event: IncidentEvent::Remark { text: format!("of {id} was left out: {what}: {because}") },
            reason: self.reason(what, because),
        }
    }

    /// News of a group of which its sender leaves more alerts out than was told before. Whoever has
    /// that incident knows what to do, and is not called for each group. `known`: the last incident
    /// of [`cut_grouping`].
    pub fn cut(self, known: Option<&'a IncidentView>) -> News<'a> {
        let alerts = self.notification.left_out.by_sender;
        let group = shown_group(&self.notification.group_key);
        let what = format!("the {alerts} alerts that {} left out of the group {group}", self.source);
        let because = "alertmanager's `max_alerts` cuts the group, and nobody sends the rest: raise it in the receiver";
        News {
            grouping: cut_grouping(self.source),
            known: known.filter(|view| view.incident.state != IncidentState::Resolved),
            title: "alerts were left out by their sender, and nobody hears of them",
            severity: Severity::S2,
            opened_because: because,
            event: IncidentEvent::Cut { group, alerts },
            reason: self.reason(what, because),
        }
    }

    /// News of alerts that cannot be read. Whoever has that incident knows of it, and is not called
    /// each time the same comes in. `known`: the last incident of [`damage_grouping`].
    pub fn damaged(self, known: Option<&'a IncidentView>) -> News<'a> {
        let alerts = self.notification.left_out.damaged;
        let group = shown_group(&self.notification.group_key);
        let why = shown_damage(&self.notification.left_out);
        let first = why.first().map_or("nobody knows why", String::as_str);
        let what = format!("{alerts} alerts of {} that cannot be read ({first})", self.source);
        let because =
            "what can be read of a body is taken, and nobody sends the rest again: see what sends or forwards it";
        News {
            grouping: damage_grouping(self.source),
            known: known.filter(|view| view.incident.state != IncidentState::Resolved),
            title: "alerts came in that cannot be read, and nobody hears of them",
            severity: Severity::S2,
            opened_because: because,
            event: IncidentEvent::Damaged { group, alerts, why },
            reason: self.reason(what, because),
        }
    }

    fn reason(self, what: String, because: &str) -> PageReason {
        PageReason::SetAside { signal: self.signal, what, because: because.to_owned() }
    }
}

/// What makes all groups one incident of which a sender leaves alerts out: one setting of it is
/// wrong.
pub(super) fn cut_grouping(source: &str) -> Grouping {
    Grouping::Cut { source: source.to_owned() }
}

/// What makes all damage of a source one incident: something garbles what it sends.
pub(super) fn damage_grouping(source: &str) -> Grouping {
    Grouping::Damaged { source: source.to_owned() }
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
