//! A store for tests, filled through its own API: what the tests of others tell stories with.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use serde_json::{Map, Value, json};

use super::sqlite::{Durability, SqliteStore};
use super::*;
use crate::clock::{Clock as _, ManualClock};
use crate::model::{Autonomy, ObjectKey, Outcome, Person, Role, SignalBody, Target, Via};

/// A store on a file of its own, and the clock that it goes by.
pub(crate) struct Fixture {
    pub clock: Arc<ManualClock>,
    pub store: Arc<SqliteStore>,
    pub dir: tempfile::TempDir,
    logs: Mutex<HashMap<RunId, LogPosition>>,
    signals: Mutex<u32>,
}

/// A day on which nothing special happens, 08:00 UTC.
pub(crate) fn morning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 8, 0, 0).unwrap()
}

impl Fixture {
    pub async fn new(chat: &[&str], pages: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(morning()));
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let sinks = Sinks { chat: names(chat), pages: names(pages) };
        let path = dir.path().join("dogwatch.db");
        let store = SqliteStore::open(&path, Durability::None, clock.clone(), sinks).await.unwrap();
        Self { clock, store: Arc::new(store), dir, logs: Mutex::default(), signals: Mutex::default() }
    }

    pub fn passes(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }

    /// Takes in a signal and carries out what is decided about it.
    pub async fn decide(&self, changes: Vec<Change>) -> Applied {
        let number = {
            let mut signals = self.signals.lock().unwrap();
            *signals += 1;
            *signals
        };
        let person = Person { name: "test".into(), via: Via::Api, id: "test".into(), role: Some(Role::Admin) };
        let signal = Signal {
            source: "test".into(),
            key: number.to_string(),
            received_at: self.clock.now(),
            body: SignalBody::Command { person, command: crate::model::Command::Help },
        };
        let id = self.store.accept(&signal).await.unwrap().id();
        self.store.apply(id, Decision { changes, reply: None }).await.unwrap()
    }

    /// Opens an incident with `alerts` firing of the alert `alert`.
    pub async fn incident(&self, severity: Severity, title: &str, alert: &str, alerts: usize) -> IncidentId {
        self.incident_of("platform", severity, title, alert, alerts, Some("coredns-saturated")).await
    }

    pub async fn incident_of(
        &self,
        team: &str,
        severity: Severity,
        title: &str,
        alert: &str,
        alerts: usize,
        playbook: Option<&str>,
    ) -> IncidentId {
        let new = NewIncident {
            grouping: format!("target:{title}"),
            title: title.into(),
            severity,
            target: playbook.map(|_| target()),
            team: team.into(),
            playbook: playbook.map(str::to_owned),
        };
        let incident = IncidentRef::New(0);
        let mut changes = vec![Change::OpenIncident(new)];
        changes.extend((0..alerts).map(|n| Change::OpenEpisode {
            incident,
            episode: NewEpisode {
                source: "alertmanager".into(),
                fingerprint: format!("{title}-{alert}-{n}-{}", self.clock.now()),
                alert: alert.into(),
                labels: BTreeMap::from([("alertname".into(), alert.into())]),
                annotations: BTreeMap::new(),
                starts_at: self.clock.now(),
            },
        }));
        changes.push(Change::Note { incident, event: IncidentEvent::Opened { because: format!("{alert} fires") } });
        self.decide(changes).await.incidents[0]
    }

    pub async fn page(&self, incident: IncidentId, reason: PageReason) {
        let incident = IncidentRef::Existing(incident);
        let page = NewPage { level: 1, team: "platform".into(), reason, text: None };
        self.decide(vec![Change::Page { incident, page }]).await;
    }

    pub async fn ack(&self, incident: IncidentId, by: &str) {
        let incident = IncidentRef::Existing(incident);
        let event = IncidentEvent::Acknowledged { by: by.into() };
        self.decide(vec![Change::Acknowledge { incident, by: by.into() }, Change::Note { incident, event }]).await;
    }

    pub async fn resolve(&self, incident: IncidentId, by: &str) {
        let incident = IncidentRef::Existing(incident);
        let event = IncidentEvent::Resolved { by: by.into(), because: "its alerts resolved".into() };
        self.decide(vec![Change::Resolve { incident, by_itself: false }, Change::Note { incident, event }]).await;
    }

    pub async fn opens_run(&self, incident: IncidentId, playbook: &str) -> RunId {
        let run = NewRun {
            playbook: PlaybookRef { name: playbook.into(), version: "1.0.0".into(), digest: Digest::of(playbook) },
            playbook_source: playbook.into(),
            target: target(),
            inputs: Map::new(),
            alert: Value::Null,
            autonomy: Autonomy::Auto,
            requested_by: None,
            because: "its alert fires".into(),
        };
        let incident = IncidentRef::Existing(incident);
        self.decide(vec![Change::OpenRun { incident, run: Box::new(run) }]).await.runs[0]
    }

    /// Appends to a run's log, as the worker that holds it.
    pub async fn logs(&self, run: RunId, append: Append) {
        loop {
            let known = self.logs.lock().unwrap().get(&run).copied();
            if let Some(at) = known {
                let appended = self.store.append(at, append).await.unwrap();
                let Appended::Done { at, .. } = appended else { panic!("refused: {appended:?}") };
                self.logs.lock().unwrap().insert(run, at);
                return;
            }
            let claimed = self.store.claim_run("test", Duration::from_secs(60)).await.unwrap();
            let claimed = claimed.unwrap_or_else(|| panic!("{run} is not due"));
            self.logs.lock().unwrap().insert(claimed.run.id, claimed.at);
        }
    }

    /// A mutation on the run's log, from its start to its end.
    pub async fn mutates(&self, run: RunId, step: &str, summary: &str, before: Value, after: Value) {
        let step = crate::model::StepPath(step.into());
        let intent = crate::model::Intent {
            summary: summary.into(),
            object: target(),
            uid: "u".into(),
            resource_version: "1".into(),
            before,
            after,
            marker: "m".into(),
        };
        let deadline = self.clock.now() + Duration::from_secs(30);
        let started = RunEvent::Started { step: step.clone(), attempt: 1, intent, deadline };
        let done = RunEvent::Done {
            step,
            attempt: 1,
            output: json!({}),
            summary: format!("{summary}: done"),
            recovered: false,
        };
        self.logs(run, Append { events: vec![started, done], ..Append::default() }).await;
    }

    pub async fn ends(&self, run: RunId, outcome: Outcome, because: &str) {
        let event = RunEvent::Ended { outcome, because: because.into() };
        let end = Some((outcome, because.to_owned()));
        self.logs(run, Append { events: vec![event], end, ..Append::default() }).await;
    }
}

fn target() -> Target {
    ObjectKey::new("Deployment", "kube-system", "coredns")
}
