//! What an earlier version left is opened, migrated, and gone on with.
//! `tests/fixtures/database/README.md` says what is in it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use dogwatch::clock::{Clock, ManualClock};
use dogwatch::incident::{IncidentRules, SignalWorker};
use dogwatch::intake::{command_signal, parse_notification};
use dogwatch::model::*;
use dogwatch::playbook::Catalog;
use dogwatch::store::*;
use dogwatch::worker::{Worker, settle};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::watch;

use crate::story::{SqlitePlace, Story, sinks};

struct Recorded {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    workers: Vec<Arc<dyn Worker>>,
    _catalog: watch::Sender<Arc<Catalog>>,
    _story: Story,
}

impl Recorded {
    /// A quarter of an hour after it was left.
    async fn open() -> Self {
        Self::open_with(None).await
    }

    /// The same, with something else left in it.
    async fn open_with(sql: Option<&'static str>) -> Self {
        let place = SqlitePlace::new();
        let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/database/v0.1.0.sqlite");
        std::fs::copy(recorded, place.file()).unwrap();
        if let Some(sql) = sql {
            let mut before = SqliteConnectOptions::new().filename(place.file()).connect().await.unwrap();
            sqlx::raw_sql(sql).execute(&mut before).await.unwrap();
            before.close().await.unwrap();
        }
        let at = Utc.with_ymd_and_hms(2026, 11, 28, 14, 30, 0).unwrap();
        let story = Story::begins(place, at, sinks(&["console"], &["webhook"])).await;
        let (store, clock) = (story.store.clone(), story.clock.clone());
        let (sender, catalog) = watch::channel(Arc::new(Catalog::of(Vec::new()).0));
        let worker = SignalWorker::new(store.clone(), catalog, IncidentRules::default(), clock.clone(), Arc::default());
        Self { store, clock, workers: vec![Arc::new(worker)], _catalog: sender, _story: story }
    }

    async fn settles(&self) {
        settle(&self.workers).await.unwrap();
    }

    async fn delivers(&self, name: &str, labels: serde_json::Value, fingerprint: Option<&str>, ends_at: Option<&str>) {
        let mut labels = labels;
        labels["alertname"] = json!(name);
        let mut alert = json!({
            "status": if ends_at.is_some() { "resolved" } else { "firing" },
            "labels": labels,
            "startsAt": "2026-11-28T08:00:00Z",
            "endsAt": ends_at.unwrap_or("0001-01-01T00:00:00Z"),
        });
        if let Some(fingerprint) = fingerprint {
            alert["fingerprint"] = json!(fingerprint);
        }
        let group = format!("{{}}:{{alertname=\"{name}\"}}");
        let body = json!({ "version": "4", "groupKey": group, "receiver": "dogwatch", "alerts": [alert] });
        let delivered = parse_notification("alertmanager", self.clock.now(), body.to_string().as_bytes()).unwrap();
        self.store.accept_delivery(delivered).await.unwrap();
        self.settles().await;
    }

    /// `state open/all` of an incident's episodes.
    async fn told(&self, incident: i64) -> String {
        let incident = self.store.incident(IncidentId(incident)).await.unwrap().unwrap();
        format!("{} {}/{}", incident.state, incident.open_episodes, incident.episodes)
    }
}

#[tokio::test]
async fn open_episodes_keep_their_incidents_and_close() {
    let recorded = Recorded::open().await;
    recorded.settles().await;
    let before = recorded.store.incidents(IncidentFilter::Unresolved).await.unwrap().len();
    let alerts = [
        (1, "DiskFull", json!({ "instance": "db-1", "severity": "critical" }), Some("3b9f1e0c55aa7d01"), "open"),
        (2, "DiskSlow", json!({ "instance": "db-2", "severity": "warning" }), None, "open"),
        (3, "Heartbeat", json!({ "source": "grafana", "severity": "warning" }), Some("not-hex-at-all"), "open"),
        (4, "QueueLong", json!({ "queue": "mail", "severity": "critical" }), Some("00000000000000a1"), "acknowledged"),
        (5, "Calm", json!({ "severity": "info" }), Some("00000000000000b1"), "mitigated"),
    ];
    for (incident, name, labels, given, state) in &alerts {
        recorded.delivers(name, labels.clone(), *given, None).await;
        assert_eq!(recorded.told(*incident).await, format!("{state} 1/1"), "{name}");
    }
    assert_eq!(recorded.store.incidents(IncidentFilter::Unresolved).await.unwrap().len(), before, "nothing is new");
    for (incident, name, labels, given, _) in &alerts {
        recorded.delivers(name, labels.clone(), *given, Some("2026-11-28T13:45:00Z")).await;
        assert_eq!(recorded.told(*incident).await, "resolved 0/1", "{name}");
    }
}

#[tokio::test]
async fn another_alert_under_the_name_of_an_open_one_is_new() {
    let recorded = Recorded::open().await;
    recorded.settles().await;
    let before = recorded.store.incidents(IncidentFilter::Unresolved).await.unwrap().len();
    let other = json!({ "source": "another", "severity": "warning" });
    recorded.delivers("Clock", other.clone(), Some("not-hex-at-all"), None).await;
    assert_eq!(recorded.store.incidents(IncidentFilter::Unresolved).await.unwrap().len(), before + 1);
    recorded.delivers("Clock", other, Some("not-hex-at-all"), Some("2026-11-28T13:45:00Z")).await;
    assert_eq!(recorded.told(3).await, "open 1/1", "its end is not that of the other");
}

#[tokio::test]
async fn what_waited_is_worked_on_and_what_was_under_way_goes_on() {
    let recorded = Recorded::open().await;
    let levels = recorded.store.levels().await.unwrap();
    assert!(levels.pending_signals > 0, "{levels:?}");
    assert!(levels.oldest_signal_age > Duration::from_secs(600), "{levels:?}");
    assert_eq!((levels.held_signals, levels.set_aside_signals), (1, 1));
    recorded.settles().await;
    let levels = recorded.store.levels().await.unwrap();
    assert_eq!((levels.pending_signals, levels.held_signals, levels.set_aside_signals), (0, 0, 1));
    assert_eq!(levels.oldest_signal_age, Duration::ZERO);
    // It was told again after its end, and nobody told the end once more.
    assert_eq!(recorded.told(6).await, "open 1/1");
    let claimed = recorded.store.claim_run("after", Duration::from_secs(60)).await.unwrap().expect("the run in doubt");
    assert!(claimed.log.iter().any(|(_, event)| matches!(event, RunEvent::Started { .. })));
    let page = recorded.store.take_deliveries(&["webhook"], 100, Duration::from_secs(60)).await.unwrap();
    assert!(page.iter().any(|delivery| matches!(delivery.subject, DeliverySubject::Page { page: PageId(1) })));
}

#[tokio::test]
async fn a_key_that_an_earlier_version_took_is_not_answered_for_something_else() {
    let recorded = Recorded::open().await;
    let id = "r-responder".to_owned();
    let person = Person { name: id.clone(), via: Via::Api, id, role: Some(Role::Responder) };
    let resolve = Command::Resolve { incident: IncidentId(1), note: None };
    let at: DateTime<Utc> = recorded.clock.now();
    let signal = command_signal(&person, resolve, Some("r-responder:ack-4".into()), at);
    assert!(matches!(recorded.store.accept(&signal).await.unwrap(), Accepted::Other(_)));
}

#[tokio::test]
async fn what_an_earlier_version_told_by_times_is_kept() {
    let recorded = Recorded::open_with(Some(
        "UPDATE page SET acknowledged_at = created_at + 1, updated_at = created_at + 2 WHERE incident_id = 1;
         UPDATE page SET acknowledged_at = created_at + 2, updated_at = created_at + 1 WHERE incident_id = 2;
         UPDATE incident_event SET event = 'damaged' WHERE incident_id = 2",
    ))
    .await;
    let page = async |incident| recorded.store.pages_of(IncidentId(incident)).await.unwrap().remove(0);
    let (news, closed, answered) = (page(1).await, page(2).await, page(4).await);
    assert_eq!((news.has_news, news.answered), (true, false));
    assert_eq!((closed.has_news, closed.answered), (false, false));
    assert_eq!((answered.has_news, answered.answered), (false, true), "{answered:?}");
    let mitigated = recorded.store.incident_views(&[IncidentId(5)]).await.unwrap().remove(0);
    let (began, mitigated_at) = (mitigated.incident.opened_at, mitigated.incident.mitigated_at.unwrap());
    let latest = mitigated.mitigated_starts.values().next().unwrap();
    let episode = recorded.store.episodes(IncidentId(5), 1).await.unwrap().remove(0);
    assert_eq!(*latest - episode.starts_at, mitigated_at - began, "as long after its first alert began");
}

/// What an earlier version took in was not counted by its object.
#[tokio::test]
async fn what_is_affected_is_told_by_the_labels_that_were_kept() {
    let recorded = Recorded::open().await;
    let firing = Firing { but: &[], mildest: Severity::S2, windows: &[], is_uncounted: true };
    let open: Vec<IncidentId> = (1..=5).map(IncidentId).collect();
    assert!(recorded.store.objects_in(&open, firing).await.unwrap().is_empty());
    for incident in open {
        let found = recorded.store.firing_in(incident, firing, (EpisodeId(0), 10)).await.unwrap();
        let told: Vec<_> = found.iter().map(|(_, alert)| (alert.severity, alert.labels.is_empty())).collect();
        assert_eq!(told, [(None, false)], "{incident}");
    }
}
