//! A store filled through its own API: what tests tell stories with.
//!
//! The crate's unit tests take this in by path, as the test binaries do: that is why it says
//! `dogwatch` and not `crate`.

#![allow(dead_code, reason = "each test binary uses the part that it needs")]

mod place;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use dogwatch::clock::{Clock as _, ManualClock};
use dogwatch::model::*;
use dogwatch::store::*;
use serde_json::{Map, Value, json};

#[allow(unused_imports, reason = "each test binary uses the part that it needs")]
pub use place::{Place, SqlitePlace, empty_database};

/// How long the story's worker holds a run.
pub const LEASE: Duration = Duration::from_secs(60);

/// A store, the clock that it goes by, and where it lives.
pub struct Story<P = SqlitePlace> {
    pub clock: Arc<ManualClock>,
    pub store: Arc<dyn Store>,
    pub place: P,
    sinks: Sinks,
    decisions: AtomicU32,
    /// Where the logs of the runs end that the story's worker holds.
    held: Mutex<HashMap<RunId, LogPosition>>,
}

/// A day on which nothing special happens, 08:00 UTC.
pub fn morning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 8, 0, 0).unwrap()
}

/// The outbox's sinks, by name; those for pages are told at once.
pub fn sinks(chat: &[&str], pages: &[&str]) -> Sinks {
    let chat = chat.iter().map(|name| (*name).to_owned()).collect();
    Sinks { chat, pages: PageOrder::new([pages.iter().copied()]), ..Sinks::default() }
}

impl Story {
    /// Begins in the morning, on a new SQLite file.
    pub async fn new(chat: &[&str], pages: &[&str]) -> Self {
        Self::begins(SqlitePlace::ready().await, morning(), sinks(chat, pages)).await
    }
}

impl<P: Place> Story<P> {
    pub async fn begins(place: P, at: DateTime<Utc>, sinks: Sinks) -> Self {
        let clock = Arc::new(ManualClock::new(at));
        let store = place.open(clock.clone(), sinks.clone()).await.unwrap();
        Self { clock, store, place, sinks, decisions: AtomicU32::new(0), held: Mutex::default() }
    }

    /// As after a kill: what was committed is there, and nothing else. Whoever holds the store lets
    /// go of it before.
    pub async fn reopens(self) -> Self {
        let sinks = self.sinks.clone();
        self.reopens_with(sinks).await
    }

    /// As [`Story::reopens`], and the new process has these sinks.
    pub async fn reopens_with(self, sinks: Sinks) -> Self {
        let Self { clock, store, place, decisions, .. } = self;
        drop(store);
        place.close().await;
        let store = place.open(clock.clone(), sinks.clone()).await.unwrap();
        Self { clock, store, place, sinks, decisions, held: Mutex::default() }
    }

    pub fn passes(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }

    /// Alertmanager delivers something with that key, and no alert in it.
    pub async fn signal(&self, key: &str) -> SignalId {
        self.signal_of(key, Vec::new()).await
    }

    /// The same, with these alerts in it.
    pub async fn signal_of(&self, key: &str, alerts: Vec<Alert>) -> SignalId {
        let body = SignalBody::Notification(Notification {
            receiver: "dogwatch".into(),
            group_key: "g".into(),
            truncated: 0,
            left_out: LeftOut::default(),
            alerts,
            unauthenticated: false,
        });
        let signal = Signal { source: "alertmanager".into(), key: key.into(), received_at: self.clock.now(), body };
        self.store.accept(&signal).await.unwrap().id()
    }

    /// Takes in a signal and carries out what is decided about it.
    pub async fn decide(&self, changes: Vec<Change>) -> Applied {
        self.decides(changes, None).await.unwrap()
    }

    /// The same, where it may be refused.
    pub async fn tries(&self, changes: Vec<Change>) -> Result<Applied, StoreError> {
        self.decides(changes, None).await
    }

    /// What follows from what a person asks for, who is answered.
    pub async fn asked_by(&self, person: &str, changes: Vec<Change>) -> Applied {
        self.decides(changes, Some(CommandReply::granted(format!("it is done, {person}")))).await.unwrap()
    }

    async fn decides(&self, changes: Vec<Change>, reply: Option<CommandReply>) -> Result<Applied, StoreError> {
        let number = self.decisions.fetch_add(1, Ordering::Relaxed);
        let person = Person { name: "test".into(), via: Via::Api, id: "test".into(), role: Some(Role::Admin) };
        let signal = Signal {
            source: "test".into(),
            key: number.to_string(),
            received_at: self.clock.now(),
            body: SignalBody::Command { person, command: Command::Help },
        };
        let id = self.store.accept(&signal).await.unwrap().id();
        self.store.apply(id, Decision { changes, reply }).await
    }

    /// Opens an incident with `alerts` firing of the alert `alert`: their fingerprints are the
    /// title and a number.
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
            grouping: Grouping::Other { text: format!("target:{title}") },
            gathers: Vec::new(),
            shares: Vec::new(),
            title: title.into(),
            severity,
            target: playbook.map(|_| target("coredns")),
            team: team.into(),
            playbook: playbook.map(str::to_owned),
        };
        let incident = IncidentRef::New(0);
        let mut changes = vec![Change::OpenIncident(new)];
        changes.extend((0..alerts).map(|n| Change::OpenEpisode {
            incident,
            episode: NewEpisode {
                source: "alertmanager".into(),
                fingerprint: format!("{title}-{n}"),
                alert: alert.into(),
                object: format!("target:{title}"),
                labels: BTreeMap::from([("alertname".into(), alert.into())]),
                annotations: BTreeMap::new(),
                starts_at: self.clock.now(),
                severity: None,
                held_by: None,
                counted_as: None,
            },
        }));
        changes.push(Change::Note { incident, event: IncidentEvent::Opened { because: format!("{alert} fires") } });
        self.decide(changes).await.incidents[0]
    }

    /// Pages the incident's team, unless it is paged for that already.
    pub async fn page(&self, incident: IncidentId, reason: PageReason) {
        let team = self.store.incident(incident).await.unwrap().unwrap().team;
        let page = NewPage { level: 1, team, reason, text: None };
        self.decide(vec![Change::Page { incident: IncidentRef::Existing(incident), page }]).await;
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

    /// Its alerts are over, and nobody has looked at it.
    pub async fn resolves_by_itself(&self, incident: IncidentId) {
        self.decide(vec![Change::Resolve { incident: IncidentRef::Existing(incident), by_itself: true }]).await;
    }

    pub async fn opens_run(&self, incident: IncidentId, playbook: &str) -> RunId {
        self.opens_run_on(incident, playbook, target("coredns")).await
    }

    pub async fn opens_run_on(&self, incident: IncidentId, playbook: &str, target: Target) -> RunId {
        let run = NewRun {
            playbook: PlaybookRef { name: playbook.into(), version: "1.0.0".into(), digest: Digest::of(playbook) },
            playbook_source: playbook.into(),
            target,
            inputs: Map::new(),
            alert: Value::Null,
            alert_waited: None,
            autonomy: Autonomy::Auto,
            requested_by: None,
            pins: Vec::new(),
            handed_over: 0,
            because: "its alert fires".into(),
        };
        let incident = IncidentRef::Existing(incident);
        self.decide(vec![Change::OpenRun { incident, run: Box::new(run) }]).await.runs[0]
    }

    /// A worker takes the run that is due longest, if there is one.
    pub async fn claims(&self, worker: &str) -> Option<ClaimedRun> {
        let claimed = self.store.claim_run(worker, LEASE).await.unwrap()?;
        self.held.lock().unwrap().insert(claimed.run.id, claimed.at);
        Some(claimed)
    }

    /// Appends to a run's log, as the worker that holds it.
    pub async fn logs(&self, run: RunId, append: Append) {
        let at = loop {
            let held = self.held.lock().unwrap().get(&run).copied();
            match held {
                Some(at) => break at,
                None => self.claims("test").await.unwrap_or_else(|| panic!("{run} is not due")),
            };
        };
        let appended = self.store.append(at, append).await.unwrap();
        let Appended::Done { at, .. } = appended else { panic!("refused: {appended:?}") };
        self.held.lock().unwrap().insert(run, at);
    }

    /// A mutation on the run's log, from its start to its end.
    pub async fn mutates(&self, run: RunId, step: &str, summary: &str, before: Value, after: Value) {
        let step: StepAddress = step.parse().unwrap();
        let intent = Intent {
            summary: summary.into(),
            object: target("coredns"),
            uid: "u".into(),
            resource_version: "1".into(),
            before,
            after,
            marker: "m".into(),
        };
        let deadline = self.clock.now() + Duration::from_secs(30);
        let remedy = Remedy { action: "k8s.scale".into(), object: intent.object.clone() };
        let remedy = Some(Box::new(remedy));
        let started = RunEvent::Started { step: step.clone(), attempt: 1, intent, deadline, remedy };
        let done = RunEvent::Done {
            step,
            attempt: 1,
            output: json!({}),
            summary: format!("{summary}: done"),
            recovered: false,
        };
        self.logs(run, Append { events: vec![started, done], ..Append::default() }).await;
    }

    /// The run asks whether it may do that.
    pub async fn asks(&self, run: RunId, summary: &str, expires_at: DateTime<Utc>) {
        self.asks_of(run, summary, expires_at, ApprovalTerms::default()).await;
    }

    /// The same, of these people.
    pub async fn asks_of(&self, run: RunId, summary: &str, expires_at: DateTime<Utc>, terms: ApprovalTerms) {
        let step = PreviewStep {
            step: "mitigate.scale".parse().unwrap(),
            mutating: true,
            summary: summary.into(),
            certain: true,
            diff: None,
            uid: None,
            dry_run: None,
            undo: Undo::Never,
        };
        let preview = Preview { steps: vec![step], asks_again: Vec::new() };
        let ask = Ask { preview, expires_at, before: None, terms };
        self.logs(run, Append { ask: Some(ask), ..Append::default() }).await;
    }

    pub async fn ends(&self, run: RunId, outcome: Outcome, because: &str) {
        let event = RunEvent::Ended { outcome, because: because.into() };
        let end = Some((outcome, because.to_owned()));
        self.logs(run, Append { events: vec![event], end, ..Append::default() }).await;
    }
}

/// A Deployment of kube-system.
pub fn target(name: &str) -> Target {
    ObjectKey::new("Deployment", "kube-system", name)
}
