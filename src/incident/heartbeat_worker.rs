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

/// How it stands with one that came last at `last_at`, `None`: never. `up`: how long this process has listened.
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

/// News, if there is any: `known` is the last incident of the heartbeat.
fn news(
    rule: &HeartbeatRule,
    last: Option<&Heartbeat>,
    stands: &Stands,
    known: Option<&IncidentView>,
) -> Option<HeartbeatNews> {
    let is_open = known.is_some_and(|view| view.incident.state != IncidentState::Resolved);
    match stands {
        Stands::Missing if !is_open => Some(HeartbeatNews::Missing {
            last_at: last.map(|heartbeat| heartbeat.last_at),
            within: rule.within.as_secs(),
            severity: rule.severity,
            team: rule.team.clone(),
        }),
        Stands::Waited { .. } | Stands::Came if is_open => Some(HeartbeatNews::Back),
        Stands::Missing | Stands::Waited { .. } | Stands::Came => None,
    }
}

/// A signal that tells it once: `beats` is how often it came before.
fn signal(key: &HeartbeatKey, name: &str, beats: u64, news: HeartbeatNews, now: DateTime<Utc>) -> Signal {
    let what = match &news {
        HeartbeatNews::Missing { .. } => "missing",
        HeartbeatNews::Back => "back",
    };
    Signal {
        source: "heartbeat".into(),
        key: format!("{}/{} is {what} after {beats}", key.source, key.key),
        received_at: now,
        body: SignalBody::Heartbeat { key: key.clone(), name: name.to_owned(), news },
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
        let mut looked_at: Vec<(&HeartbeatRule, HeartbeatKey, String, Option<&Heartbeat>, Stands)> = Vec::new();
        for Expected { rule, from_the_first } in &self.expected {
            let of_rule: Vec<&Heartbeat> = all.iter().filter(|heartbeat| rule.is_about(heartbeat)).collect();
            for heartbeat in &of_rule {
                let stands = stands(rule, Some(heartbeat), up, now);
                looked_at.push((rule, heartbeat.key.clone(), heartbeat.name.clone(), Some(heartbeat), stands));
            }
            let name = rule.alert.clone().unwrap_or_else(|| rule.source.clone());
            if of_rule.is_empty() && *from_the_first {
                looked_at.push((rule, never(rule), name, None, stands(rule, None, up, now)));
            } else if let Some(first) = of_rule.first() {
                looked_at.push((rule, never(rule), name, Some(first), Stands::Came));
            }
        }
        let groupings: Vec<String> = looked_at.iter().map(|(_, key, ..)| grouping_of_heartbeat(key)).collect();
        let asked: Vec<&str> = groupings.iter().map(String::as_str).collect();
        let known: HashMap<String, IncidentView> = self.store.incidents_by_grouping(&asked).await?;
        let mut next: Option<DateTime<Utc>> = None;
        let mut told = false;
        for ((rule, key, name, last, stands), grouping) in looked_at.iter().zip(&groupings) {
            if let Some(news) = news(rule, *last, stands, known.get(grouping)) {
                let beats = last.map_or(0, |heartbeat| heartbeat.beats);
                let accepted = self.store.accept(&signal(key, name, beats, news, now)).await?;
                told |= matches!(accepted, Accepted::New(_));
            }
            if let Stands::Waited { until } = stands {
                next = Some(next.map_or(*until, |before| before.min(*until)));
            }
        }
        Ok(if told { Turn::Worked } else { Turn::Idle { until: next } })
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
        let waited = Stands::Waited { until: morning() };
        assert_eq!(news(&rule(), Some(&came(1, false)), &waited, None), None);
        let missing = news(&rule(), Some(&came(20, false)), &Stands::Missing, None);
        assert!(matches!(missing, Some(HeartbeatNews::Missing { within: 600, .. })), "{missing:?}");
    }
}
