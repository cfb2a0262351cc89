//! `dogwatch test --from RUN-7`: a run of the real bot on the simulated cluster, asked of a server,
//! becomes a case that passes.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use dogwatch::action::{Commands, Patchable, ScriptedPast, World};
use dogwatch::clock::{Clock as _, ManualClock, SystemClock};
use dogwatch::cluster::Object;
use dogwatch::cluster::sim::SimCluster;
use dogwatch::incident::{GroupingRules, IncidentRules};
use dogwatch::model::{
    Alert, AlertStatus, Command, Notification, ObjectKey, Person, Role, Signal, SignalBody, Verdict, Via,
};
use dogwatch::network::{Answer, Certificate, Scripted, ScriptedNetwork};
use dogwatch::patroni::SimPatroni;
use dogwatch::playbook::{Catalog, Playbook};
use dogwatch::prometheus::ScriptedPrometheus;
use dogwatch::rehearse::{Setting, Stage, snapshot};
use dogwatch::sql::ScriptedDatabases;
use dogwatch::store::sqlite::Durability;
use dogwatch::store::{RunStore as _, Sinks};
use dogwatch::web::ScriptedWeb;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::cases::PLAYBOOK;
use super::serving::{self, Serving};
use super::*;

fn front() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "namespace": "web", "name": "front", "creationTimestamp": "2026-01-05T09:00:00Z" },
        "spec": {
            "replicas": 4,
            "selector": { "matchLabels": { "app": "front" } },
            "template": {
                "metadata": { "labels": { "app": "front" } },
                "spec": { "containers": [{
                    "name": "front",
                    "image": "registry.example.com/front:1",
                    "env": [{ "name": "PGPASSWORD", "value": "correct-horse-battery" }],
                }] },
            },
        },
    })
}

fn playbook() -> String {
    let ours = PLAYBOOK.replace("owner: web", "owner: platform").replace("team: web", "team: platform");
    let query = r#"'max(rate(http_seconds_sum{deployment="{{target.metadata.name}}"}[5m]))'"#;
    ours.replace("autonomy: auto", "autonomy: approve").replace(r#""max(rate(http_seconds_sum[5m]))""#, query)
}

/// The same, which looks at the network first.
fn looking() -> String {
    let looks = "diagnose:
  - id: name
    dns.lookup: { name: db.web.svc.cluster.local }
  - id: port
    tcp.connect: { host: db.web.svc, port: 5432 }
  - id: shown
    tls.inspect: { host: db.web.svc, port: 5432, starttls: postgres }
";
    playbook().replacen("diagnose:\n", looks, 1)
}

/// The database has an address, nobody listens there, and its certificate ends in ten days.
fn network(begin: DateTime<Utc>) -> ScriptedNetwork {
    let network = ScriptedNetwork::default();
    let dns = Answer {
        server: ([10, 96, 0, 10], 53).into(),
        code: "NOERROR".into(),
        records: vec!["10.0.0.1".into()],
        ttl: Some(30),
    };
    network.answers_in_turn("dns A db.web", vec![Scripted::Dns(dns)]);
    network.answers_in_turn("tcp db.web.svc:5432", vec![Scripted::Closed]);
    let certificate = Certificate {
        subject: "CN=db".into(),
        issuer: "CN=authority".into(),
        names: vec!["db.web.svc".into()],
        not_before: begin - TimeDelta::days(80),
        not_after: begin + TimeDelta::days(10),
        chain: 2,
        distrust: None,
        version: "TLSv1.3".into(),
    };
    network.answers_in_turn("tls db.web.svc:5432", vec![Scripted::Shows(Box::new(certificate))]);
    network
}

/// The alert fires, ada approves after two minutes, and it helps as soon as six pods are ready.
async fn a_run(database: std::path::PathBuf) {
    let begin = SystemClock::default().now() - TimeDelta::hours(20);
    let clock = Arc::new(ManualClock::new(begin));
    let cluster = SimCluster::from_objects(clock.clone(), vec![Object(front())]).unwrap();
    let prometheus = Arc::new(ScriptedPrometheus::default());
    let seen = cluster.clone();
    prometheus.follows("http_seconds_sum", move || {
        let front = seen.object(&ObjectKey::new("Deployment", "web", "front"));
        let ready = front.and_then(|front| front.at("/status/readyReplicas").and_then(Value::as_i64));
        Some(if ready.unwrap_or_default() >= 6 { 0.0212 } else { 0.4123 })
    });
    let (_catalog, catalog) = watch::channel(Arc::new(Catalog::of(vec![Playbook::from_store(&looking()).unwrap()]).0));
    let rules = IncidentRules {
        grouping: GroupingRules { look_up: false, ..GroupingRules::default() },
        ..IncidentRules::default()
    };
    let (durability, sinks) = (Durability::Full, Sinks::default());
    let (web, network, databases) = (Arc::default(), Arc::new(network(begin)), Arc::default());
    let setting = Setting {
        clock,
        cluster,
        rights: None,
        prometheus,
        web,
        network,
        databases,
        alertmanager: Arc::default(),
        past: Vec::new(),
        catalog,
        rules,
        database,
        durability,
        sinks,
    };
    let stage = Stage::set(setting).await.unwrap();
    let labels = [("alertname", "FrontSlow"), ("namespace", "web"), ("deployment", "front")];
    let body = SignalBody::Notification(Notification {
        receiver: "r".into(),
        group_key: "g".into(),
        truncated: 0,
        left_out: Default::default(),
        unauthenticated: false,
        alerts: vec![Alert {
            given: None,
            in_order: false,
            fingerprint: "5e1f".into(),
            status: AlertStatus::Firing,
            labels: labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            annotations: BTreeMap::new(),
            starts_at: begin,
            ends_at: None,
            generator_url: String::new(),
        }],
    });
    let signal = |key: &str, body| Signal { source: "s".into(), key: key.into(), received_at: stage.clock.now(), body };
    stage.accept(&signal("fires", body)).await.unwrap();
    stage.pass(Duration::from_secs(120)).await.unwrap();
    let approval = stage.store.open_approvals().await.unwrap().remove(0).id;
    let person = Person { name: "ada".into(), via: Via::Console, id: "ada".into(), role: Some(Role::Responder) };
    let command = Command::Approve { approval, verdict: Verdict::Approve, digest: None };
    stage.accept(&signal("yes", SignalBody::Command { person, command })).await.unwrap();
    stage.pass(Duration::from_secs(1_800)).await.unwrap();
    assert!(stage.store.runs_under_way().await.unwrap().is_empty());
    stage.store.close().await;
}

#[test]
fn a_run_becomes_a_case_that_passes() {
    let folder = serving::folder();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(a_run(folder.path().join("dogwatch.db")));
    fs::write(folder.path().join("playbooks/front-slow.yaml"), looking()).unwrap();
    let server = Serving::start_in(folder, &[]);
    let said = server.ask("eve", &["test", "--from", "RUN-1", "--out", "new.yaml"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "", ""));
    let path = server.folder.path().join("new.yaml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("correct-horse-battery"), "{text}");
    let times = regex::Regex::new(r"now-\d+s").unwrap();
    let uids = regex::Regex::new(r"[0-9a-f]{8}-[0-9a-f-]{27}").unwrap();
    insta::assert_snapshot!(uids.replace_all(&times.replace_all(&text, "now-..."), "(uid)"));

    let again = server.ask("eve", &["test", "--from", "RUN-1", "--out", "new.yaml"]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("new.yaml cannot be written"), "{}", again.err);
    let printed = server.ask("eve", &["test", "--from", "1"]);
    assert_eq!(printed.out, text);

    fs::rename(path, server.folder.path().join("playbooks/front-slow.cases.yaml")).unwrap();
    let tested = dogwatch(server.folder.path(), &["test"], &[]);
    assert_eq!((tested.code, tested.err.as_str()), (0, ""), "{}", tested.out);
    assert!(tested.out.contains("1 passed, 0 failed"), "{}", tested.out);

    let unknown = server.ask("eve", &["test", "--from", "RUN-7"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("there is no RUN-7"), "{}", unknown.err);
    fs::remove_file(server.folder.path().join("playbooks/front-slow.yaml")).unwrap();
    let gone = server.ask("eve", &["test", "--from", "RUN-1"]);
    assert_eq!(gone.code, 2);
    assert!(gone.err.contains("in playbooks is called `front-slow`"), "{}", gone.err);
    server.stop();
}

/// What a live cluster has, as the objects of a case.
#[tokio::test]
async fn a_snapshot_has_what_a_playbook_reads_and_no_secret() {
    let begin = SystemClock::default().now();
    let clock = Arc::new(ManualClock::new(begin));
    let cluster = SimCluster::from_objects(clock.clone(), vec![Object(front())]).unwrap();
    cluster.turn();
    let prometheus = Arc::new(ScriptedPrometheus::default());
    prometheus.follows("http_seconds_sum", || Some(0.4));
    let patroni = Arc::new(SimPatroni::new(cluster.clone(), clock.clone()));
    let web = Arc::new(ScriptedWeb::default());
    let world = World {
        cluster: Arc::new(cluster.clone()),
        prometheus: prometheus.clone(),
        patroni,
        web,
        network: Arc::new(ScriptedNetwork::default()),
        databases: Arc::new(ScriptedDatabases::default()),
        alertmanager: Arc::new(dogwatch::alertmanager::NoAlertmanager),
        past: Arc::new(ScriptedPast::default()),
        clock,
        patchable: Patchable::default(),
        commands: Commands::default(),
    };
    let playbook = Playbook::from_store(&playbook()).unwrap();
    let given = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let taken = snapshot(&world, &playbook, &given(&[("namespace", "web"), ("deployment", "front")])).await;
    assert!(taken.is_err(), "its target is told by labels, and nobody gives labels");

    let by_name = self::playbook().replace(
        "namespace: \"{{alert.labels.namespace}}\", name: \"{{alert.labels.deployment}}\"",
        "namespace: web, name: front",
    );
    let playbook = Playbook::from_store(&by_name).unwrap();
    let taken = snapshot(&world, &playbook, &given(&[])).await.unwrap();
    assert_eq!(taken.notes, Vec::<String>::new());
    let kinds: Vec<&str> = taken.objects.iter().filter_map(|object| object["kind"].as_str()).collect();
    assert!(kinds.contains(&"Deployment"), "{kinds:?}");
    let text = json!(taken.objects).to_string();
    assert!(!text.contains("correct-horse-battery") && text.contains("${now-"), "{text}");
    assert_eq!(cluster.writes().len(), 0);
}

#[test]
fn a_snapshot_of_a_cluster_that_is_away_says_so() {
    let folder = serving::folder();
    fs::write(folder.path().join("playbooks/front-slow.yaml"), playbook()).unwrap();
    let said = dogwatch(folder.path(), &["snapshot", "front-slow", "--config", "dogwatch.yaml"], &[]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("no snapshot was taken") && said.err.contains("did not answer"), "{}", said.err);
}
