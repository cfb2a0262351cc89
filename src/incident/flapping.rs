//! What comes and goes: it is told once, and held open until it is quiet.

use chrono::{DateTime, TimeDelta, Utc};

use super::IncidentRules;
use crate::model::{Lane, Signal, SignalBody};
use crate::store::{Change, Decision, IncidentEvent, IncidentRef, IncidentView, PageReason};

/// So often within [`WITHIN`], an incident that opens flaps: twice may be a fix that did not hold.
const TIMES: u64 = 3;

const WITHIN: TimeDelta = TimeDelta::hours(2);

/// How often it opened lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flapping {
    pub times: u64,
    pub since: DateTime<Utc>,
}

impl Flapping {
    /// `opens`: once more now.
    pub fn of(view: &IncidentView, opens: bool, now: DateTime<Utc>) -> Option<Self> {
        let lately = || view.openings.iter().copied().filter(|at| now - WITHIN <= *at);
        let times = lately().count() as u64 + u64::from(opens);
        let since = lately().min().unwrap_or(now);
        (times >= TIMES).then_some(Self { times, since })
    }

    /// Whether nobody was told before.
    pub fn is_news(self) -> bool {
        self.times == TIMES
    }

    pub fn reason(self) -> PageReason {
        PageReason::Flapping { times: self.times, since: self.since }
    }
}

/// Nothing of it fires any more: it is over, or held open until it has been quiet for a while.
/// `because`: why it is over, and `by`: who says so.
pub(super) fn decide_over(
    rules: &IncidentRules,
    view: &IncidentView,
    (by, because): (&str, String),
    now: DateTime<Utc>,
) -> Vec<Change> {
    let incident = IncidentRef::Existing(view.incident.id);
    let Some(Flapping { times, since }) = Flapping::of(view, false, now) else {
        let event = IncidentEvent::Resolved { by: by.to_owned(), because };
        return vec![Change::Resolve { incident, by_itself: true }, Change::Note { incident, event }];
    };
    let until = now + rules.reopen_within;
    let text = format!(
        "it flaps: it opened {times} times since {}, and is held open until nothing fires for {} minutes",
        since.format("%H:%M UTC"),
        rules.reopen_within.as_secs() / 60
    );
    let quiet = Signal {
        source: "dogwatch".into(),
        key: format!("{} is quiet since {}", view.incident.id, now.to_rfc3339()),
        received_at: now,
        body: SignalBody::Quiet { incident: view.incident.id, since: now },
    };
    let notes = vec![(incident, IncidentEvent::Remark { text })];
    vec![
        Change::PageAt { incident, at: None },
        Change::Hold { signal: Box::new(quiet), lane: Lane::Usual, until, notes },
    ]
}

/// It was held open, and that time is over.
pub(super) fn decide_quiet(rules: &IncidentRules, view: &IncidentView, since: DateTime<Utc>) -> Decision {
    let incident = &view.incident;
    let fired_since = incident.open_episodes > 0 || incident.last_joined() > since;
    if fired_since || incident.is_over() || !view.runs.is_empty() || view.escalated().is_some() {
        return Decision::default();
    }
    let incident = IncidentRef::Existing(incident.id);
    let because = format!("nothing has fired for {} minutes", rules.reopen_within.as_secs() / 60);
    let event = IncidentEvent::Resolved { by: "dogwatch".into(), because };
    let changes = vec![Change::Resolve { incident, by_itself: true }, Change::Note { incident, event }];
    Decision { changes, reply: None }
}
