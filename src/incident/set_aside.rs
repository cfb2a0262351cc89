//! What follows from a signal that cannot be worked on: a person hears of it, as nothing else will come of it.

use super::IncidentRules;
use super::commands::decline;
use super::news::News;
use super::opening::describe;
use crate::model::{
    AlertStatus, Grouping, IncidentState, Notification, Severity, Signal, SignalBody, SignalId, to_the_minute,
};
use crate::store::{Decision, IncidentEvent, IncidentView, PageReason};

/// Decides what follows instead. `signal`: `None` when it is what cannot be read. `known`: the last
/// incident of [`Grouping::SetAside`]; whoever has acknowledged that one has not seen this, and it
/// is opened anew then.
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
        Some(Signal { body: SignalBody::Quiet { incident, .. }, .. }) => {
            (Severity::S3, format!("that {incident} is quiet: resolve it if it is over"))
        }
        Some(Signal { body: SignalBody::Heartbeat { key, name, .. }, .. }) => {
            (Severity::S1, format!("news of the heartbeat {name} of {}", key.source))
        }
        Some(Signal { body: SignalBody::WindowEnded { window }, .. }) => {
            (Severity::S1, format!("the end of {window}: what it held back and still fires was told to nobody"))
        }
        Some(Signal { body: SignalBody::Planned { playbook, at }, .. }) => {
            (Severity::S3, format!("that {playbook} was planned for {}", to_the_minute(*at)))
        }
        None => (Severity::S2, "its source: it cannot be read, so nobody knows what was in it".to_owned()),
    };
    let news = News {
        grouping: Grouping::SetAside,
        known: known.filter(|view| view.incident.state == IncidentState::Open),
        title: "what came in could not be worked on, and was set aside",
        severity,
        opened_because: "nothing else follows from what was set aside",
        event: IncidentEvent::Remark { text: format!("{id} was set aside: {because}; in it: {what}") },
        reason: PageReason::SetAside { signal: id, what, because: because.to_owned() },
    };
    Decision { changes: news.tell(rules, 0), reply: None }
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
