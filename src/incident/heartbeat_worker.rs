//! The watchdog for what must keep coming.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::heartbeat::grouping_of_heartbeat;
use crate::clock::Clock;
use crate::model::{Heartbeat, HeartbeatKey, HeartbeatNews, HeartbeatRule, IncidentState, Signal, SignalBody};
use crate::store::{Accepted, IncidentView, Store};
use crate::worker::{Turn, TurnError, Worker};

/// A rule, and whether the heartbeat is missed that never came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub rule: HeartbeatRule,
    /// Somebody has configured it: it must come.
    pub from_the_first: bool,
}

/// Lets news of heartbeats in through the front door.
pub struct HeartbeatWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    expected: Vec<Expected>,
    /// On the monotonic clock. What came while nobody was there to hear it is waited for anew.
    started: Duration,
}

impl HeartbeatWorker {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, expected: Vec<Expected>) -> Self {
        let started = clock.monotonic();
        Self { store, clock, expected, started }
    }
}

/// How a heartbeat stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stands {
    /// It is waited for until then.
    Waited {
        until: DateTime<Utc>,
    },
    /// It came at last, and is waited for by its own name from now on.
    Came,
    Missing,
}

/// One that never came is known by its rule.
fn never(rule: &HeartbeatRule) -> HeartbeatKey {
    let alert = rule.alert.as_deref().unwrap_or_default();
    HeartbeatKey { source: rule.source.clone(), key: format!("never: {alert}") }
}

/// How it stands with one that came last at `last_at`, `None`: never. `up`: how long this process
/// has listened.
fn stands(rule: &HeartbeatRule, last: Option<&Heartbeat>, up: Duration, now: DateTime<Utc>) -> Stands {
    let within = TimeDelta::from_std(rule.within).unwrap_or(TimeDelta::MAX);
    let listened = now + within - TimeDelta::from_std(up).unwrap_or(TimeDelta::MAX);
    let until = match last {
        // Its sender knows, and so do we.
        Some(heartbeat) if heartbeat.is_over => now,
        Some(heartbeat) => (heartbeat.last_at + within).max(listened),
        None => listened,
    };
    if until <= now { Stands::Missing } else { Stands::Waited { until } }
}

/// A heartbeat that a rule is about.
struct Watched<'a> {
    rule: &'a HeartbeatRule,
    key: HeartbeatKey,
    name: String,
    /// As it came last; `None`: it never came.
    last: Option<&'a Heartbeat>,
    stands: Stands,
}

/// All that the rules are about: each that ever came, and those that never did.
fn watched<'a>(expected: &'a [Expected], all: &'a [Heartbeat], up: Duration, now: DateTime<Utc>) -> Vec<Watched<'a>> {
    let mut watched = Vec::new();
    for Expected { rule, from_the_first } in expected {
        let came = || all.iter().filter(|heartbeat| rule.is_about(heartbeat));
        watched.extend(came().map(|heartbeat| Watched {
            rule,
            key: heartbeat.key.clone(),
            name: heartbeat.name.clone(),
            last: Some(heartbeat),
            stands: stands(rule, Some(heartbeat), up, now),
        }));
        let first = came().next();
        if first.is_some() || *from_the_first {
            let name = rule.alert.clone().unwrap_or_else(|| rule.source.clone());
            let stands = if first.is_some() { Stands::Came } else { stands(rule, None, up, now) };
            watched.push(Watched { rule, key: never(rule), name, last: first, stands });
        }
    }
    watched
}

impl Watched<'_> {
    /// News, if there is any. `known`: the last incident of the heartbeat.
    fn news(&self, known: Option<&IncidentView>) -> Option<HeartbeatNews> {
        let is_open = known.is_some_and(|view| view.incident.state != IncidentState::Resolved);
        match self.stands {
            Stands::Missing if !is_open => Some(HeartbeatNews::Missing {
                last_at: self.last.map(|heartbeat| heartbeat.last_at),
                within: self.rule.within.as_secs(),
                severity: self.rule.severity,
                team: self.rule.team.clone(),
            }),
            Stands::Waited { .. } | Stands::Came if is_open => Some(HeartbeatNews::Back),
            Stands::Missing | Stands::Waited { .. } | Stands::Came => None,
        }
    }

    /// A signal that tells it once: its key holds how often the heartbeat came before.
    fn signal(&self, news: HeartbeatNews, now: DateTime<Utc>) -> Signal {
        let HeartbeatKey { source, key } = &self.key;
        let what = match &news {
            HeartbeatNews::Missing { .. } => "missing",
            HeartbeatNews::Back => "back",
        };
        let beats = self.last.map_or(0, |heartbeat| heartbeat.beats);
        Signal {
            source: "heartbeat".into(),
            key: format!("{source}/{key} is {what} after {beats}"),
            received_at: now,
            body: SignalBody::Heartbeat { key: self.key.clone(), name: self.name.clone(), news },
        }
    }
}

#[async_trait]
impl Worker for HeartbeatWorker {
    fn name(&self) -> &'static str {
        "heartbeats"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().heartbeats.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let (now, up) = (self.clock.now(), self.clock.monotonic().saturating_sub(self.started));
        let all = self.store.heartbeats().await?;
        let watched = watched(&self.expected, &all, up, now);
        let groupings: Vec<String> = watched.iter().map(|watched| grouping_of_heartbeat(&watched.key).key()).collect();
        let asked: Vec<&str> = groupings.iter().map(String::as_str).collect();
        let known: HashMap<String, IncidentView> = self.store.incidents_by_grouping(&asked).await?;
        let mut told = false;
        for (watched, grouping) in watched.iter().zip(&groupings) {
            let Some(news) = watched.news(known.get(grouping)) else { continue };
            told |= matches!(self.store.accept(&watched.signal(news, now)).await?, Accepted::New(_));
        }
        let until = watched.iter().filter_map(|watched| match watched.stands {
            Stands::Waited { until } => Some(until),
            Stands::Came | Stands::Missing => None,
        });
        Ok(if told { Turn::Worked } else { Turn::Idle { until: until.min() } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Severity;
    use crate::store::story::morning;

    fn rule() -> HeartbeatRule {
        HeartbeatRule {
            source: "alertmanager".into(),
            alert: Some("Watchdog".into()),
            within: Duration::from_secs(600),
            severity: Severity::S1,
            team: None,
        }
    }

    fn came(minutes_ago: i64, is_over: bool) -> Heartbeat {
        Heartbeat {
            key: HeartbeatKey { source: "alertmanager".into(), key: "f".into() },
            alert: Some("Watchdog".into()),
            name: "Watchdog".into(),
            beats: 3,
            last_at: morning() - TimeDelta::minutes(minutes_ago),
            is_over,
        }
    }

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(n * 60)
    }

    #[test]
    fn what_does_not_come_in_time_is_missing() {
        let stands = |last: Option<&Heartbeat>, up| stands(&rule(), last, minutes(up), morning());
        let until = |minutes| Stands::Waited { until: morning() + TimeDelta::minutes(minutes) };
        assert_eq!(stands(Some(&came(4, false)), 60), until(6));
        assert_eq!(stands(Some(&came(10, false)), 60), Stands::Missing);
        assert_eq!(stands(Some(&came(60, false)), 3), until(7), "nobody listened for an hour");
        assert_eq!(stands(Some(&came(1, true)), 0), Stands::Missing, "its sender says so");
        assert_eq!(stands(None, 3), until(7));
        assert_eq!(stands(None, 10), Stands::Missing);
    }

    #[test]
    fn what_is_known_is_no_news() {
        let expected = [Expected { rule: rule(), from_the_first: true }];
        let news = |all: &[Heartbeat]| -> Vec<_> {
            let watched = watched(&expected, all, minutes(60), morning());
            watched.iter().map(|watched| watched.news(None)).collect()
        };
        assert_eq!(news(&[came(1, false)]), [None, None], "it comes, and so came");
        let missing = news(&[came(20, false)]);
        assert!(matches!(missing[..], [Some(HeartbeatNews::Missing { within: 600, .. }), None]), "{missing:?}");
        let never = news(&[]);
        assert!(matches!(never[..], [Some(HeartbeatNews::Missing { last_at: None, .. })]), "{never:?}");
    }
}
