//! The life of an episode: what a firing and an end mean for it, whoever tells them, in whatever
//! order, how often.
//!
//! | the alert's last episode | a firing with | means |
//! | --- | --- | --- |
//! | none | any start | it opens |
//! | open | a known start, or an earlier one | nothing: it fires for longer than we knew |
//! | open | a later start | it fires anew: its end was never told |
//! | over | an unknown start | another opens |
//! | over | the start of one before the last | nothing: an echo |
//! | over | its own start, told before its end was | nothing: a peer was late |
//! | over | its own start, within `stale_within` of its end | held until then: perhaps an echo |
//! | over | its own start, later, or held so long | again: Alertmanager had lost sight of it |
//!
//! | the alert's last episode | an end with | means |
//! | --- | --- | --- |
//! | none | any start | nothing |
//! | open or over | its own start | it is over; told again, it settles what was held |
//! | open or over | the start of one before the last | nothing: a peer was late |
//! | open or over | an earlier unknown start, an end before its own | nothing: it began since |
//! | open or over | another unknown start | it is over: Alertmanager has moved its start |
//!
//! Starts are compared with each other only, as all of them are the sender's; what was told first
//! is told by the numbers of signals. An alert whose sender repeats no start (`in_order`) is told
//! apart by that order alone, and becomes worse where its labels say so.

use chrono::{DateTime, TimeDelta, Utc};

use super::IncidentRules;
use super::notification::Decider;
use super::opening::describe;
use crate::model::{Alert, Incident, IncidentState, Severity};
use crate::store::{EpisodeHead, IncidentView};

/// What a firing means for the alert's episodes.
pub(super) enum Firing {
    /// It is known, or older than what is known.
    Nothing,
    New,
    Again(EpisodeHead),
    /// With another start than the one that is open: its end was never told.
    Anew(EpisodeHead),
    /// Its severity is worse than that of the episode that is open.
    Worse(EpisodeHead),
    /// Nothing but the time can tell whether it is an echo.
    Held {
        until: DateTime<Utc>,
    },
}

impl Firing {
    /// What whoever reads the timeline must know of it.
    pub(super) fn remark(&self, rules: &IncidentRules, alert: &Alert) -> Option<String> {
        match self {
            // Alertmanager may not tell of ends at all (`send_resolved`): the new start is what it
            // tells.
            Firing::Anew(before) => Some(format!(
                "{} fires anew since {}; the end of its firing since {} was never told",
                describe(rules, alert),
                alert.starts_at,
                before.starts_at
            )),
            Firing::Worse(_) => Some(format!(
                "{} is worse now: {}",
                describe(rules, alert),
                alert.label("severity").unwrap_or("no severity")
            )),
            Firing::Nothing | Firing::New | Firing::Again(_) | Firing::Held { .. } => None,
        }
    }
}

impl Firing {
    /// The start of the episode that it opens. One that became worse needs another one than before,
    /// which its sender does not tell.
    pub(super) fn starts_at(&self, alert: &Alert, received_at: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Firing::Worse(before) => received_at.max(before.starts_at + TimeDelta::microseconds(1)),
            _ => alert.starts_at,
        }
    }
}

pub(super) fn firing_means(decider: &Decider<'_>, alert: &Alert) -> Firing {
    let Some(episode) = decider.view.episodes.get(&alert.fingerprint) else { return Firing::New };
    let is_known = decider.view.known.contains(&(alert.fingerprint.clone(), alert.starts_at));
    // By equality: a sender's clock may have been set back, and ours too.
    let is_latest = alert.starts_at == episode.starts_at || Some(alert.starts_at) == episode.ended_start;
    if alert.in_order {
        return match episode.closed_at {
            None if decider.view.worse.contains(&alert.fingerprint) => Firing::Worse(episode.clone()),
            None => Firing::Nothing,
            // It came in before the end that was worked on first.
            Some(_) if episode.ended_by.is_some_and(|end| decider.came.signal < end) => Firing::Nothing,
            Some(_) if is_known => Firing::Again(episode.clone()),
            Some(_) => Firing::New,
        };
    }
    match episode.closed_at {
        // An earlier start of what is open: a second Prometheus says that it fires for longer.
        // Both starts are by the sender's clock, and it is open either way.
        None if is_known || alert.starts_at < episode.starts_at => Firing::Nothing,
        None => Firing::Anew(episode.clone()),
        // An echo of a firing before the last.
        Some(_) if is_known && !is_latest => Firing::Nothing,
        Some(_) if !is_latest => Firing::New,
        // A peer told it before another one told the end, and we look at it only now.
        Some(_) if episode.ended_by.is_some_and(|end| decider.came.signal < end) => Firing::Nothing,
        // The same start after its end: a late delivery by another peer, which tells the end
        // too before long; or Alertmanager had lost sight of an alert that has fired all the
        // time, and tells of it once in hours.
        Some(closed_at) if !decider.came.is_held && decider.now < closed_at + decider.rules.stale_within => {
            // A clock that was set back makes nobody wait longer.
            Firing::Held {
                until: (closed_at + decider.rules.stale_within).min(decider.now + decider.rules.stale_within),
            }
        }
        Some(_) => Firing::Again(episode.clone()),
    }
}

/// What an end means: which episode is over by it, and the start that it was told with where
/// that is another than the episode's.
pub(super) fn end_means<'d>(
    decider: &'d Decider<'_>,
    alert: &Alert,
) -> Option<(&'d EpisodeHead, Option<DateTime<Utc>>)> {
    let episode = decider.view.episodes.get(&alert.fingerprint)?;
    // The start does not tell which one is over: Alertmanager moves it back when a second
    // Prometheus says that the alert fires for longer.
    let ended_before = alert.ends_at.is_none_or(|ends_at| ends_at <= episode.starts_at);
    let is_latest = alert.starts_at == episode.starts_at || Some(alert.starts_at) == episode.ended_start;
    let is_known = decider.view.known.contains(&(alert.fingerprint.clone(), alert.starts_at));
    let is_of_another = !is_latest && (is_known || (alert.starts_at < episode.starts_at && ended_before));
    let start = (!alert.in_order && alert.starts_at != episode.starts_at).then_some(alert.starts_at);
    (alert.in_order || !is_of_another).then_some((episode, start))
}

/// Why an alert that joins reopens the incident; `None` when it is open anyway, or when what joins
/// is late news of what was mitigated already, and no worse than that: Alertmanager tells the rest
/// of a storm one group_interval after its first alerts.
pub(super) fn reopens(view: &IncidentView, source: &str, alert: &Alert, severity: Severity) -> Option<String> {
    let incident = &view.incident;
    let is_old_news = match incident.state {
        IncidentState::Open | IncidentState::Acknowledged => return None,
        // Only the sender knows when it began, so its clock is asked, and never held against ours.
        IncidentState::Mitigated => {
            let is_before = |latest: &DateTime<Utc>| alert.starts_at <= *latest;
            severity >= incident.severity && view.mitigated_starts.get(source).is_some_and(is_before)
        }
        IncidentState::Resolved => false,
    };
    (!is_old_news).then(|| format!("{} fires again", alert.name()))
}

/// How long ago somebody must have taken or mitigated what fires anew for it to be theirs no more.
pub(super) fn anew(incident: &Incident, alert: &Alert, now: DateTime<Utc>, rules: &IncidentRules) -> Option<String> {
    let taken = match incident.state {
        IncidentState::Open => return None,
        IncidentState::Acknowledged => incident.acknowledged_at,
        IncidentState::Mitigated => incident.mitigated_at,
        IncidentState::Resolved => None,
    };
    // A time that lies ahead was told by a clock that was set back since: how long ago it was,
    // nobody knows.
    let is_long_ago = taken.is_none_or(|taken| taken > now || now >= taken + rules.reopen_within);
    is_long_ago.then(|| format!("{} fires anew", alert.name()))
}
