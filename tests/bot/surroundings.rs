//! What alerts have in common is told by the cluster, too; and a cluster that does not say holds up
//! nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dogwatch::clock::{Clock, ManualClock};
use dogwatch::cluster::sim::build;
use dogwatch::cluster::sim::{Fault, Verb};
use dogwatch::cluster::{
    Access, Cluster, ClusterError, Delete, Evict, Kind, KindName, Kinds, ListQuery, Log, LogQuery, Object, Patch,
    SimCluster,
};
use dogwatch::incident::{HomeCluster, IncidentRules};
use dogwatch::metrics::Metrics;
use dogwatch::model::*;
use dogwatch::surroundings::Lookup;
use serde_json::json;

use super::incidents::{Shift, alert, two_in_the_morning};

/// A cluster that counts what it is asked, and may behave badly.
struct Watched {
    cluster: SimCluster,
    asked: AtomicUsize,
    manner: Manner,
    clock: Arc<ManualClock>,
}

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Well,
    /// It never answers, while time passes.
    Hangs,
    /// It takes so long for each answer.
    Takes(Duration),
    /// It answers about another object of that kind.
    Mixes,
}

impl Watched {
    async fn answer(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.manner {
            Manner::Hangs => loop {
                self.clock.advance(Duration::from_millis(100));
                tokio::task::yield_now().await;
            },
            Manner::Takes(time) => self.clock.advance(time),
            Manner::Well | Manner::Mixes => {}
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Cluster for Watched {
    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, ClusterError> {
        self.answer().await;
        if self.manner == Manner::Mixes {
            return Ok(self.cluster.objects(&key.kind, &key.namespace).into_iter().find(|object| object.key() != *key));
        }
        self.cluster.get(key).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Object>, ClusterError> {
        self.answer().await;
        self.cluster.list(query).await
    }

    async fn logs(&self, _: &LogQuery) -> Result<Log, ClusterError> {
        unreachable!("no log is read")
    }

    async fn patch(&self, _: &Patch) -> Result<Object, ClusterError> {
        unreachable!("nothing is changed")
    }

    async fn create(&self, _: &Object, _: &str, _: bool) -> Result<Object, ClusterError> {
        unreachable!("nothing is changed")
    }

    async fn delete(&self, _: &Delete) -> Result<(), ClusterError> {
        unreachable!("nothing is changed")
    }

    async fn evict(&self, _: &Evict) -> Result<(), ClusterError> {
        unreachable!("nothing is changed")
    }

    async fn allowed(&self, _: &Access) -> Result<bool, ClusterError> {
        Ok(true)
    }

    async fn kind(&self, name: &KindName) -> Result<&'static Kind, ClusterError> {
        self.cluster.kind(name).await
    }

    fn kinds(&self) -> Arc<Kinds> {
        self.cluster.kinds()
    }

    async fn version(&self) -> Result<String, ClusterError> {
        Ok("v1".into())
    }
}

struct Place {
    shift: Shift,
    cluster: Arc<Watched>,
    metrics: Arc<Metrics>,
}

impl Place {
    async fn with(objects: Vec<Object>) -> Self {
        Self::of(objects, Manner::Well, IncidentRules::default()).await
    }

    async fn of(objects: Vec<Object>, manner: Manner, rules: IncidentRules) -> Self {
        let mut made = None;
        let metrics = Arc::new(Metrics::new());
        let shift = Shift::looking_up(rules, |clock| {
            let cluster = SimCluster::from_objects(clock.clone(), objects).unwrap();
            let watched = Watched { cluster, asked: AtomicUsize::new(0), manner, clock: clock.clone() };
            let cluster = made.insert(Arc::new(watched)).clone();
            Lookup::new(cluster, clock).counting(metrics.clone())
        });
        Self { shift: shift.await, cluster: made.unwrap(), metrics }
    }

    /// An alert about an object of `db`, delivered by itself.
    async fn fires(&self, name: &str, label: &str, object: &str) {
        let labels = [(label, object), ("namespace", "db"), ("severity", "critical")];
        let alert = alert(name, &labels, self.shift.clock.now(), AlertStatus::Firing);
        self.shift.delivers(&format!("{name} {object}"), vec![alert]).await;
    }

    async fn roots(&self) -> Vec<Incident> {
        self.shift.incidents().await.into_iter().filter(|incident| incident.merged.is_none()).collect()
    }

    /// How the look-ups went, where there were any: `answered 1`.
    fn lookups(&self) -> Vec<String> {
        let text = self.metrics.render(None).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("dogwatch_lookups_total{result=\""));
        let counts = lines.filter(|line| !line.ends_with(" 0"));
        let mut counts: Vec<String> = counts.map(|line| line.replace("\"}", "")).collect();
        counts.sort();
        counts
    }

    async fn told(&self) -> Vec<String> {
        let told = |incident: Incident| format!("{}: {}", incident.open_episodes, incident.grouping);
        self.roots().await.into_iter().map(told).collect()
    }
}

fn on_node(name: &str, node: &str) -> Object {
    build::pod("db", name, "x").with(&json!({ "spec": { "nodeName": node } }))
}

fn node(name: &str, zone: &str) -> Object {
    let labels = json!({ "topology.kubernetes.io/zone": zone });
    Object(json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels } }))
}

fn claim(name: &str, class: &str) -> Object {
    let spec = json!({
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": class,
        "resources": { "requests": { "storage": "1Gi" } },
    });
    let metadata = json!({ "namespace": "db", "name": name });
    Object(json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec }))
}

/// Owned by the object of an operator, which nobody here reads.
fn of_operator(object: Object, name: &str) -> Object {
    let owner = json!({
        "apiVersion": "example.org/v1",
        "kind": "Postgres",
        "name": name,
        "uid": "6d1a0f50-0000-4000-8000-000000000001",
        "controller": true,
    });
    object.with(&json!({ "metadata": { "ownerReferences": [owner] } }))
}

const THREE: [(&str, &str); 3] = [("PostgresDown", "pg-1-0"), ("PodNotReady", "web-0"), ("BackupFailed", "backup-3")];

#[tokio::test]
async fn different_alerts_about_pods_of_one_node_are_one_although_no_label_says_so() {
    let place = Place::with(THREE.map(|(_, pod)| on_node(pod, "n7")).into()).await;
    for (name, pod) in THREE {
        place.fires(name, "pod", pod).await;
    }
    assert_eq!(place.told().await, ["3: they began within minutes on the node n7"]);
}

#[tokio::test]
async fn the_cluster_knows_better_than_a_label_where_a_pod_is() {
    let mut pods: Vec<Object> = THREE.map(|(_, pod)| on_node(pod, "n7")).into();
    pods.push(on_node("far", "n8"));
    let place = Place::with(pods).await;
    for (name, pod) in THREE.into_iter().chain([("DiskSlow", "far")]) {
        // The exporter's node, and the same for all.
        let labels = [("pod", pod), ("namespace", "db"), ("node", "n1"), ("severity", "critical")];
        let alert = alert(name, &labels, place.shift.clock.now(), AlertStatus::Firing);
        place.shift.delivers(pod, vec![alert]).await;
    }
    let told = place.told().await;
    assert!(told.len() == 2 && told[0] == "3: they began within minutes on the node n7", "{told:?}");
}

#[tokio::test]
async fn pods_of_one_stateful_set_are_one_at_once() {
    let place = Place::with(vec![build::statefulset("db", "pg", 3), build::statefulset("db", "my", 1)]).await;
    place.fires("PostgresDown", "pod", "pg-0").await;
    place.fires("ReplicationLags", "pod", "pg-2").await;
    place.fires("MySQLDown", "pod", "my-0").await;
    let roots = place.roots().await;
    assert_eq!(roots.iter().map(|incident| incident.open_episodes).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(place.shift.pages().await.len(), 2, "{:?}", place.shift.pages().await);
}

#[tokio::test]
async fn what_comes_between_a_pod_and_its_owner_is_passed() {
    let place = Place::with(vec![build::deployment("db", "api", 2)]).await;
    let pods = place.cluster.cluster.objects("Pod", "db");
    place.fires("ApiDown", "deployment", "api").await;
    for pod in &pods {
        place.fires("Restarts", "pod", pod.name()).await;
    }
    assert_eq!(place.roots().await.len(), 1, "{:?}", place.told().await);
}

#[tokio::test]
async fn what_an_operator_made_for_one_object_is_one() {
    let sets = ["pg", "pg-pooler"].map(|name| of_operator(build::statefulset("db", name, 1), "main"));
    let place = Place::with(sets.into()).await;
    place.fires("PostgresDown", "statefulset", "pg").await;
    place.fires("PoolerDown", "statefulset", "pg-pooler").await;
    assert_eq!(place.roots().await.len(), 1, "{:?}", place.told().await);
}

#[tokio::test]
async fn what_an_operator_manages_is_told_with_the_operator_where_there_is_one_of_that_name() {
    let managed = json!({ "metadata": { "labels": { "app.kubernetes.io/managed-by": "pg-operator" } } });
    let operator = || build::deployment("ops", "pg-operator", 1);
    let other = build::deployment("ops", "second", 1)
        .with(&json!({ "metadata": { "labels": { "app.kubernetes.io/name": "pg-operator" } } }));
    for (operators, incidents) in [(vec![operator()], 1), (vec![operator(), other], 2), (vec![], 2)] {
        let mut objects = vec![build::statefulset("db", "pg", 1).with(&managed)];
        objects.extend(operators);
        let place = Place::with(objects).await;
        let labels = [("deployment", "pg-operator"), ("namespace", "ops"), ("severity", "critical")];
        place.shift.fires("OperatorDown", &labels).await;
        // The pod has no such label, and its StatefulSet has.
        place.fires("PostgresDown", "pod", "pg-0").await;
        assert_eq!(place.roots().await.len(), incidents, "{:?}", place.told().await);
    }
}

#[tokio::test]
async fn claims_of_one_storage_class_are_one_whatever_their_alerts_are_called() {
    let names = ["ClaimFull", "InodesLow", "ResizeFailed", "ReadOnly", "DiskSlow"];
    let claims = (0..names.len()).map(|n| claim(&format!("disk{n}"), "fast")).collect();
    let place = Place::with(claims).await;
    for (n, name) in names.iter().enumerate() {
        place.fires(name, "persistentvolumeclaim", &format!("disk{n}")).await;
    }
    assert_eq!(place.told().await, ["5: they began within minutes, and share the storage class fast"]);
}

#[tokio::test]
async fn a_claim_belongs_to_the_set_whose_template_it_was_made_from() {
    let templates = json!({ "spec": { "volumeClaimTemplates": [{ "metadata": { "name": "data" } }] } });
    let set = |name: &str| build::statefulset("db", name, 0);
    let place = Place::with(vec![
        set("pg").with(&templates),
        set("other"),
        claim("data-pg-0", "a"),
        claim("data-other-0", "b"),
    ]);
    let place = place.await;
    place.fires("PostgresDown", "statefulset", "pg").await;
    place.fires("OtherDown", "statefulset", "other").await;
    place.fires("ClaimFull", "persistentvolumeclaim", "data-pg-0").await;
    place.fires("InodesLow", "persistentvolumeclaim", "data-other-0").await;
    let open: Vec<u32> = place.roots().await.iter().map(|incident| incident.open_episodes as u32).collect();
    assert_eq!(open, [2, 1, 1], "{:?}", place.told().await);
}

#[tokio::test]
async fn what_is_in_one_zone_is_one_from_eight_on() {
    let mut objects: Vec<Object> = (0..8).map(|n| node(&format!("n{n}"), "zone-b")).collect();
    objects.extend((0..8).map(|n| on_node(&format!("p{n}"), &format!("n{n}"))));
    let place = Place::with(objects).await;
    for n in 0..8 {
        place.fires(&format!("Down{n}"), "pod", &format!("p{n}")).await;
    }
    assert_eq!(place.told().await, ["8: they began within minutes in the zone zone-b"]);
}

/// A critical alert is paged at once; how long that took.
async fn paged_after(place: &Place, name: &str, pod: &str) -> Duration {
    let (began, pages) = (place.shift.clock.now(), place.shift.pages().await.len());
    place.fires(name, "pod", pod).await;
    assert_eq!(place.shift.pages().await.len(), pages + 1, "{name} is paged");
    (place.shift.clock.now() - began).to_std().unwrap()
}

#[tokio::test]
async fn a_cluster_that_hangs_holds_up_one_alert_for_two_seconds_and_then_nobody_for_half_a_minute() {
    let place = Place::of(vec![on_node("a", "n7")], Manner::Hangs, IncidentRules::default()).await;
    let (bound, second) = (Duration::from_secs(2), Duration::from_secs(1));
    assert_eq!(paged_after(&place, "A", "a").await, bound);
    assert_eq!(place.cluster.asked(), 1);
    for n in 0..20 {
        assert_eq!(paged_after(&place, &format!("B{n}"), &format!("b{n}")).await, Duration::ZERO);
        place.shift.clock.advance(second);
    }
    assert_eq!(place.cluster.asked(), 1, "it is left in peace");
    assert_eq!(place.lookups(), ["not_asked 20", "timed_out 1"]);
    place.shift.clock.advance(10 * second);
    assert_eq!(paged_after(&place, "C", "c").await, bound);
    assert_eq!(place.cluster.asked(), 2);
}

#[tokio::test]
async fn a_slow_cluster_does_not_hold_up_a_storm() {
    let pods = (0..50).map(|n| on_node(&format!("p{n}"), "n7")).collect();
    let slow = Manner::Takes(Duration::from_millis(900));
    let place = Place::of(pods, slow, IncidentRules::default()).await;
    let began = place.shift.clock.now();
    for n in 0..50 {
        place.fires(&format!("Down{n}"), "pod", &format!("p{n}")).await;
    }
    let took = (place.shift.clock.now() - began).to_std().unwrap();
    assert!(took < Duration::from_secs(6), "{took:?} for 50 notifications");
}

#[tokio::test]
async fn a_cluster_that_refuses_or_fails_leaves_the_labels() {
    let forbids = Fault::Forbidden { verb: Verb::Get, kind: "Pod".into() };
    let fails = Fault::Unavailable { verb: Verb::Get, kind: String::new(), times: 1_000 };
    for (fault, most, minutes, counted) in [(forbids, 1, 9, "forbidden 1"), (fails, 1, 0, "failed 1")] {
        let place = Place::with(THREE.map(|(_, pod)| on_node(pod, "n7")).into()).await;
        place.cluster.cluster.fault(fault);
        for (name, pod) in THREE {
            assert_eq!(paged_after(&place, name, pod).await, Duration::ZERO);
        }
        assert_eq!(place.roots().await.len(), 3);
        assert!(place.lookups().contains(&counted.to_owned()), "{:?}", place.lookups());
        place.shift.passes(minutes).await;
        place.fires("Later", "pod", "later").await;
        assert!(place.cluster.asked() <= most, "{} questions", place.cluster.asked());
        // By labels as ever.
        for name in ["X", "Y", "Z"] {
            let labels = [("pod", name), ("namespace", "db"), ("node", "n9"), ("severity", "critical")];
            let alert = alert(name, &labels, place.shift.clock.now(), AlertStatus::Firing);
            place.shift.delivers(name, vec![alert]).await;
        }
        let told = place.told().await;
        assert!(told.contains(&"3: they began within minutes on the node n9".to_owned()), "{told:?}");
    }
}

#[tokio::test]
async fn an_answer_about_another_object_is_not_believed() {
    let pods = ["pg-1-0", "web-0", "backup-3"].map(|pod| on_node(pod, "n7"));
    let place = Place::of(pods.into(), Manner::Mixes, IncidentRules::default()).await;
    for (name, pod) in THREE {
        place.fires(name, "pod", pod).await;
    }
    assert_eq!(place.roots().await.len(), 3, "{:?}", place.told().await);
    assert_eq!(place.cluster.asked(), 1, "who answers so is left in peace");
}

#[tokio::test]
async fn one_notification_asks_for_no_more_than_32_objects_and_what_is_known_for_none() {
    let pods = (0..100).map(|n| on_node(&format!("p{n}"), "n7")).collect();
    let place = Place::with(pods).await;
    let now = place.shift.clock.now();
    let alerts = |of: std::ops::Range<usize>| {
        let labels = |n: usize| format!("p{n}");
        let alert = |n| {
            let pod = labels(n);
            alert("Down", &[("pod", &*pod), ("namespace", "db"), ("severity", "critical")], now, AlertStatus::Firing)
        };
        of.map(alert).collect::<Vec<_>>()
    };
    place.shift.delivers("g", alerts(0..100)).await;
    assert_eq!(place.cluster.asked(), 32 + 1, "the pods, and their node once");
    place.shift.clock.advance(Duration::from_secs(300));
    place.shift.delivers("g", alerts(0..90)).await;
    assert_eq!(place.cluster.asked(), 32 + 1, "what fires on has its incident");
}

#[tokio::test]
async fn an_answer_is_good_for_a_minute() {
    let place = Place::with(vec![on_node("a", "n7")]).await;
    for (second, asked) in [(0, 2), (60, 2), (100, 4)] {
        place.shift.clock.set(two_in_the_morning() + Duration::from_secs(second));
        place.fires(&format!("Down{second}"), "pod", "a").await;
        assert_eq!(place.cluster.asked(), asked, "after {second} s");
    }
}

#[tokio::test]
async fn of_another_cluster_and_for_a_source_that_may_say_nothing_nobody_is_asked() {
    let cluster = HomeCluster { name: Some("eu-1".into()), ..HomeCluster::default() };
    let elsewhere = IncidentRules { cluster, ..IncidentRules::default() };
    let may_start = SourceRights { by_source: Default::default(), others: MayStart::Nothing };
    let untrusted = IncidentRules { may_start, ..IncidentRules::default() };
    for rules in [elsewhere, untrusted] {
        let place = Place::of(vec![on_node("a", "n7")], Manner::Well, rules).await;
        place.shift.fires("Down", &[("pod", "a"), ("namespace", "db"), ("cluster", "us-1")]).await;
        assert_eq!((place.cluster.asked(), place.roots().await.len()), (0, 1));
    }
}
