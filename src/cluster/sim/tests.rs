//! The controllers, the faults and the loading of the simulated cluster. What it has in common with a real one is
//! held by `tests/contract`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};

use super::build::*;
use super::{Fault, SimCluster, Verb};
use crate::clock::{Clock, ManualClock};
use crate::cluster::{Cluster, ClusterError, Delete, ListQuery, Object, Patch};
use crate::model::ObjectKey;

struct Stand {
    sim: SimCluster,
    clock: Arc<ManualClock>,
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 12, 0, 0).unwrap()
}

fn stand(objects: Vec<Object>) -> Stand {
    let clock = Arc::new(ManualClock::new(noon()));
    let sim = SimCluster::from_objects(clock.clone(), objects).unwrap();
    Stand { sim, clock }
}

fn key(kind: &str, name: &str) -> ObjectKey {
    ObjectKey::new(kind, "shop", name)
}

impl Stand {
    fn passes(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.sim.turn();
    }

    fn object(&self, kind: &str, name: &str) -> Object {
        let namespace = if matches!(kind, "PersistentVolume" | "StorageClass" | "Node") { "" } else { "shop" };
        let key = ObjectKey::new(kind, namespace, name);
        self.sim.object(&key).unwrap_or_else(|| panic!("{key} is not there"))
    }

    fn is_there(&self, kind: &str, name: &str) -> bool {
        self.sim.object(&key(kind, name)).is_some()
    }

    fn pods(&self) -> Vec<Object> {
        self.sim.objects("Pod", "shop")
    }

    /// `wanted/ready` of a workload, as its status says.
    fn ready(&self, kind: &str, name: &str) -> String {
        let object = self.object(kind, name);
        let number = |pointer| object.number(pointer).unwrap_or(0);
        format!("{}/{}", number("/status/readyReplicas"), number("/status/replicas"))
    }

    /// Reason and message of the Events about an object, in order.
    fn events(&self, name: &str) -> Vec<String> {
        let mut events = self.sim.objects("Event", "shop");
        events.retain(|event| event.text("/involvedObject/name") == name);
        events.sort_by_key(|event| event.text("/firstTimestamp").to_owned());
        events.iter().map(|event| format!("{}: {}", event.text("/reason"), event.text("/message"))).collect()
    }

    fn change(&self, kind: &str, name: &str, patch: Value) -> Object {
        self.sim.change(&key(kind, name), &patch, "kubectl").unwrap()
    }

    fn patch(&self, kind: &str, name: &str, body: Value) -> Patch {
        let object = self.object(kind, name);
        Patch {
            key: object.key(),
            subresource: None,
            body,
            uid: object.uid().to_owned(),
            resource_version: Some(object.resource_version().to_owned()),
            field_manager: "dogwatch-run-7-x".into(),
            dry_run: false,
        }
    }

    fn scale(&self, kind: &str, name: &str, replicas: i64) -> Patch {
        let patch = self.patch(kind, name, json!({ "spec": { "replicas": replicas } }));
        Patch { subresource: Some("scale"), ..patch }
    }
}

#[tokio::test]
async fn a_scaled_deployment_becomes_ready_in_a_few_seconds() {
    let world = stand(vec![deployment("shop", "web", 2)]);
    assert_eq!(world.ready("Deployment", "web"), "2/2");
    assert_eq!(world.sim.turn(), None, "nothing is due in a cluster at rest");

    world.sim.patch(&world.scale("Deployment", "web", 4)).await.unwrap();
    let web = world.object("Deployment", "web");
    assert_eq!((web.number("/metadata/generation"), web.number("/status/observedGeneration")), (Some(2), Some(1)));
    assert_eq!(world.sim.turn(), Some(noon() + Duration::from_secs(1)));

    world.passes(1);
    let web = world.object("Deployment", "web");
    assert_eq!(web.number("/status/observedGeneration"), Some(2));
    assert_eq!(
        (world.ready("Deployment", "web").as_str(), web.number("/status/unavailableReplicas")),
        ("2/4", Some(2))
    );
    world.passes(3);
    assert_eq!(world.ready("Deployment", "web"), "4/4");
    let web = world.object("Deployment", "web");
    assert_eq!(web.at("/status/unavailableReplicas"), None);
    let manager = web.field_manager(&["spec", "replicas"]).unwrap();
    assert_eq!(manager.name, "dogwatch-run-7-x");
    assert!(world.pods().iter().all(|pod| pod.text("/metadata/ownerReferences/0/kind") == "ReplicaSet"));

    world.sim.patch(&world.scale("Deployment", "web", 1)).await.unwrap();
    world.passes(1);
    assert_eq!(world.ready("Deployment", "web"), "1/1");
    world.passes(5);
    assert_eq!(world.pods().len(), 1);
    let set = world.pods()[0].text("/metadata/ownerReferences/0/name").to_owned();
    let said = world.events("web");
    assert_eq!(said[0], format!("ScalingReplicaSet: Scaled up replica set {set} from 2 to 4"));
}

#[test]
fn a_new_template_rolls_out() {
    let world = stand(vec![deployment("shop", "web", 2)]);
    let old: Vec<String> = world.pods().iter().map(|pod| pod.name().to_owned()).collect();
    let annotation = json!({ "kubectl.kubernetes.io/restartedAt": "now" });
    world.change("Deployment", "web", json!({ "spec": { "template": { "metadata": { "annotations": annotation } } } }));
    world.passes(2);
    assert_eq!(world.ready("Deployment", "web"), "2/4", "the old pods stay until the new ones are ready");
    world.passes(10);
    assert_eq!(world.ready("Deployment", "web"), "2/2");
    let pods = world.pods();
    assert_eq!(pods.len(), 2);
    assert!(pods.iter().all(|pod| !old.contains(&pod.name().to_owned())));
    assert!(pods.iter().all(|pod| pod.annotation("kubectl.kubernetes.io/restartedAt") == Some("now")));
    assert_eq!(world.sim.objects("ReplicaSet", "shop").len(), 2);
}

#[test]
fn a_stateful_set_goes_one_by_one() {
    let template = json!([{
        "metadata": { "name": "data" },
        "spec": { "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": { "requests": { "storage": "1Gi" } } },
    }]);
    let mut set = statefulset("shop", "pg", 1).with(&json!({ "spec": { "volumeClaimTemplates": template } }));
    set.0["spec"]["template"]["spec"]["volumes"] =
        json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "data-pg-0" } }]);
    let world = stand(vec![storage_class("fast", true), set]);
    assert_eq!(world.ready("StatefulSet", "pg"), "1/1");
    assert_eq!(world.object("PersistentVolumeClaim", "data-pg-0").text("/status/phase"), "Bound");

    world.change("StatefulSet", "pg", json!({ "spec": { "replicas": 3 } }));
    world.passes(2);
    assert!(world.is_there("Pod", "pg-1") && !world.is_there("Pod", "pg-2"), "pg-2 waits for pg-1");
    assert!(world.is_there("PersistentVolumeClaim", "data-pg-1"));
    world.passes(20);
    assert_eq!(world.ready("StatefulSet", "pg"), "3/3");

    world.change(
        "StatefulSet",
        "pg",
        json!({ "spec": { "template": { "metadata": { "annotations": { "a": "b" } } } } }),
    );
    world.passes(2);
    assert!(
        world.object("Pod", "pg-2").is_going() && !world.object("Pod", "pg-1").is_going(),
        "the last one goes first"
    );
    world.passes(60);
    assert_eq!(world.ready("StatefulSet", "pg"), "3/3");
    assert!(world.pods().iter().all(|pod| pod.annotation("a") == Some("b")));

    world.change("StatefulSet", "pg", json!({ "spec": { "replicas": 1 } }));
    world.passes(30);
    assert_eq!(world.pods().len(), 1);
    assert!(world.is_there("PersistentVolumeClaim", "data-pg-2"), "claims outlive their pods");
}

#[test]
fn a_scaled_stateful_set_keeps_its_pods_whatever_its_revision_was_called() {
    let mut set = statefulset("shop", "pg", 1);
    set.0["status"]["updateRevision"] = "pg-846cd79c6c".into();
    let world = stand(vec![set.clone(), owned_by(pod("shop", "pg-0", "pg"), &set)]);
    let uid = world.object("Pod", "pg-0").uid().to_owned();
    world.change("StatefulSet", "pg", json!({ "spec": { "replicas": 2 } }));
    world.passes(20);
    assert_eq!(world.ready("StatefulSet", "pg"), "2/2");
    assert_eq!(world.object("Pod", "pg-0").uid(), uid);
}

#[test]
fn what_is_deleted_comes_back_with_its_owner_and_goes_with_it() {
    let world = stand(vec![deployment("shop", "web", 2), pod("shop", "lone", "lone")]);
    let name = world.pods()[1].name().to_owned();
    world.sim.remove(&key("Pod", &name));
    assert!(world.object("Pod", &name).is_going());
    world.passes(2);
    assert!(!world.is_there("Pod", &name));
    world.passes(5);
    assert_eq!(world.ready("Deployment", "web"), "2/2");

    world.sim.remove(&key("Deployment", "web"));
    world.passes(10);
    let left: Vec<_> = world.pods().iter().map(|pod| pod.name().to_owned()).collect();
    assert_eq!(left, ["lone"]);
    assert!(world.sim.objects("ReplicaSet", "shop").is_empty());
}

#[test]
fn a_deployment_can_be_replaced_by_one_of_the_same_name() {
    let world = stand(vec![deployment("shop", "web", 2)]);
    let old = world.object("Deployment", "web").uid().to_owned();
    world.sim.remove(&key("Deployment", "web"));
    world.sim.apply(&deployment("shop", "web", 2), "kubectl").unwrap();
    assert_ne!(world.object("Deployment", "web").uid(), old);
    world.passes(30);
    assert_eq!(world.ready("Deployment", "web"), "2/2");
    assert_eq!((world.pods().len(), world.sim.objects("ReplicaSet", "shop").len()), (2, 1));
}

/// Objects as a case may give them: with the least that makes them what they are.
#[test]
fn bare_objects_break_nothing() {
    let bare = |kind: &str| Object(json!({ "kind": kind, "metadata": { "name": "bare", "namespace": "shop" } }));
    let kinds = ["Deployment", "StatefulSet", "ReplicaSet", "Pod", "PersistentVolumeClaim", "Job", "CronJob", "Event"];
    let mut objects: Vec<Object> = kinds.iter().map(|kind| bare(kind)).collect();
    objects.push(
        pod("shop", "odd", "odd")
            .with(&json!({ "spec": { "containers": null }, "status": { "containerStatuses": null } })),
    );
    let world = stand(objects);
    for (kind, name) in [("Deployment", "bare"), ("StatefulSet", "bare"), ("Pod", "bare"), ("Pod", "odd")] {
        world.sim.fault(Fault::CrashLoop { workload: key(kind, name) });
    }
    world.sim.fault(Fault::JobFails { job: key("Job", "bare") });
    world.passes(3600);
    for kind in kinds {
        assert!(world.is_there(kind, "bare"), "{kind}");
        world.sim.remove(&key(kind, "bare"));
    }
    world.passes(60);
    assert!(kinds.iter().all(|kind| !world.is_there(kind, "bare")));
}

#[test]
fn crash_looping_pods_can_be_seen() {
    let world = stand(vec![deployment("shop", "web", 2)]);
    let fault = Fault::CrashLoop { workload: key("Deployment", "web") };
    world.sim.fault(fault.clone());
    world.sim.turn();
    assert_eq!(world.ready("Deployment", "web"), "0/2");
    let available = |world: &Stand| {
        let web = world.object("Deployment", "web");
        let conditions = web.at("/status/conditions").unwrap().as_array().unwrap().clone();
        conditions.iter().find(|it| it["type"] == "Available").unwrap()["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(available(&world), "False");
    let container = |world: &Stand, field: &str| {
        world.pods()[0].at(&format!("/status/containerStatuses/0/{field}")).cloned().unwrap()
    };
    assert_eq!(container(&world, "state/waiting/reason"), "CrashLoopBackOff");
    assert_eq!(container(&world, "restartCount"), 1);
    // 10, 20, 40 s and so on, never more than 5 min.
    world.passes(70);
    assert_eq!(container(&world, "restartCount"), 4);
    world.passes(3600);
    let restarts = container(&world, "restartCount").as_i64().unwrap();
    assert!((14..=19).contains(&restarts), "{restarts}");
    let name = world.pods()[0].name().to_owned();
    assert_eq!(world.events(&name).len(), 1, "the same thing told again is counted");

    world.change("Deployment", "web", json!({ "spec": { "replicas": 3 } }));
    world.passes(10);
    assert_eq!(world.ready("Deployment", "web"), "0/3", "new pods crash as well");
    world.sim.heal(&fault);
    world.passes(301);
    assert_eq!((world.ready("Deployment", "web").as_str(), available(&world).as_str()), ("3/3", "True"));
}

#[test]
fn pods_may_never_become_ready() {
    let world = stand(vec![deployment("shop", "web", 1)]);
    world.sim.fault(Fault::NeverReady { workload: key("Deployment", "web") });
    world.change("Deployment", "web", json!({ "spec": { "replicas": 3 } }));
    world.passes(600);
    assert_eq!(world.ready("Deployment", "web"), "1/3");
}

#[test]
fn pods_wait_for_a_node() {
    let world = stand(vec![node("a"), deployment("shop", "web", 1)]);
    assert_eq!(world.pods()[0].text("/spec/nodeName"), "a");
    let node = ObjectKey::new("Node", "", "a");
    world.sim.change(&node, &json!({ "spec": { "unschedulable": true } }), "kubectl").unwrap();
    world.change("Deployment", "web", json!({ "spec": { "replicas": 2 } }));
    world.passes(20);
    assert_eq!(world.ready("Deployment", "web"), "1/2");
    let pending = world.pods().into_iter().find(|pod| pod.text("/status/phase") == "Pending").unwrap();
    assert_eq!(world.events(pending.name()), ["FailedScheduling: 0/1 nodes are available."]);
    world.sim.change(&node, &json!({ "spec": { "unschedulable": null } }), "kubectl").unwrap();
    world.passes(5);
    assert_eq!(world.ready("Deployment", "web"), "2/2");
}

#[test]
fn a_claim_without_its_class_waits_for_it() {
    let world = stand(vec![pending_pvc("shop", "data", "fast", "1Gi")]);
    world.passes(7200);
    let claim = world.object("PersistentVolumeClaim", "data");
    assert_eq!(claim.text("/status/phase"), "Pending");
    let told = "ProvisioningFailed: storageclass.storage.k8s.io \"fast\" not found";
    assert_eq!(world.events("data"), [told]);
    let event = world.sim.objects("Event", "shop").remove(0);
    assert!(event.number("/count").unwrap() > 20);
    assert_eq!(event.text("/lastTimestamp"), "2026-03-02T14:00:00Z");

    world.sim.apply(&storage_class("fast", true), "kubectl").unwrap();
    world.passes(5);
    let claim = world.object("PersistentVolumeClaim", "data");
    assert_eq!((claim.text("/status/phase"), claim.text("/status/capacity/storage")), ("Bound", "1Gi"));
    let volume = world.object("PersistentVolume", claim.text("/spec/volumeName"));
    assert_eq!(volume.text("/spec/claimRef/uid"), claim.uid());
    world.passes(7200);
    assert!(world.events("data").is_empty(), "what was told two hours ago is forgotten");
}

#[test]
fn a_claim_waits_for_its_first_consumer_where_its_class_says_so() {
    let class = storage_class("local", true).with(&json!({ "volumeBindingMode": "WaitForFirstConsumer" }));
    let world = stand(vec![class, pending_pvc("shop", "data", "local", "1Gi")]);
    world.passes(60);
    assert_eq!(world.object("PersistentVolumeClaim", "data").text("/status/phase"), "Pending");
    assert_eq!(world.events("data"), ["WaitForFirstConsumer: waiting for first consumer to be created before binding"]);

    let consumer = using_claim(pod("shop", "pg-0", "pg"), "data").with(&json!({ "spec": { "nodeName": null } }));
    world.sim.apply(&consumer, "kubectl").unwrap();
    world.passes(10);
    assert_eq!(world.object("PersistentVolumeClaim", "data").text("/status/phase"), "Bound");
    assert_eq!(world.object("Pod", "pg-0").text("/status/phase"), "Running");

    world.sim.remove(&key("PersistentVolumeClaim", "data"));
    world.passes(60);
    assert!(world.object("PersistentVolumeClaim", "data").is_going(), "a pod uses it");
    let volume = world.object("PersistentVolumeClaim", "data").text("/spec/volumeName").to_owned();
    world.sim.remove(&key("Pod", "pg-0"));
    world.passes(10);
    assert!(!world.is_there("PersistentVolumeClaim", "data"));
    assert_eq!(world.sim.object(&ObjectKey::new("PersistentVolume", "", volume)), None, "its class says Delete");
}

#[test]
fn a_claim_takes_the_smallest_volume_that_fits() {
    let class = storage_class("static", false).with(&json!({ "provisioner": "kubernetes.io/no-provisioner" }));
    let world =
        stand(vec![class, pv("large", "static", "9Gi"), pv("small", "static", "2Gi"), pv("tiny", "static", "500Mi")]);
    world.sim.apply(&pending_pvc("shop", "data", "static", "1Gi"), "kubectl").unwrap();
    world.sim.apply(&pending_pvc("shop", "more", "static", "1Gi"), "kubectl").unwrap();
    world.sim.apply(&pending_pvc("shop", "none", "static", "1Gi"), "kubectl").unwrap();
    world.passes(5);
    let volume = |name| world.object("PersistentVolumeClaim", name).text("/spec/volumeName").to_owned();
    assert_eq!((volume("data").as_str(), volume("more").as_str(), volume("none").as_str()), ("small", "large", ""));
    world.sim.apply(&pv("late", "static", "1Gi"), "kubectl").unwrap();
    world.passes(5);
    assert_eq!(volume("none"), "late");
}

#[test]
fn a_claim_that_names_a_volume_waits_for_that_one() {
    let naming = |name: &str, volume: &str| {
        pending_pvc("shop", name, "fast", "1Gi").with(&json!({ "spec": { "volumeName": volume } }))
    };
    let world = stand(vec![storage_class("fast", true), naming("data", "restored"), naming("large", "tiny")]);
    world.passes(3600);
    let phase = |name| world.object("PersistentVolumeClaim", name).text("/status/phase").to_owned();
    assert_eq!(phase("data"), "Pending", "none is made in its place");
    assert!(world.events("data").is_empty(), "and the cluster says nothing about it");
    world.sim.apply(&pv("tiny", "fast", "500Mi"), "kubectl").unwrap();
    world.sim.apply(&pv("restored", "fast", "2Gi"), "kubectl").unwrap();
    world.passes(5);
    assert_eq!((phase("data").as_str(), phase("large").as_str()), ("Bound", "Pending"));
    assert_eq!(
        world.events("large"),
        ["VolumeMismatch: Cannot bind to requested volume \"tiny\": requested PV is too small"]
    );
}

#[tokio::test]
async fn a_claim_grows_in_steps() {
    let world = stand(vec![storage_class("fast", true), pvc("shop", "data", "fast", "10Gi")]);
    assert_eq!(world.sim.turn(), None);
    let grow = json!({ "spec": { "resources": { "requests": { "storage": "12Gi" } } } });
    world.sim.patch(&world.patch("PersistentVolumeClaim", "data", grow)).await.unwrap();
    let state = |world: &Stand| {
        let claim = world.object("PersistentVolumeClaim", "data");
        format!("{} {}", claim.text("/status/capacity/storage"), claim.text("/status/conditions/0/type"))
    };
    assert_eq!(state(&world), "10Gi ");
    world.passes(1);
    assert_eq!(state(&world), "10Gi Resizing");
    world.passes(4);
    assert_eq!(state(&world), "10Gi FileSystemResizePending");
    world.passes(6);
    assert_eq!(state(&world), "12Gi ");
    assert_eq!(world.sim.turn().map(|next| next > world.clock.now()), Some(true));
}

#[tokio::test]
async fn a_claim_may_never_grow() {
    let world = stand(vec![storage_class("fast", true), pvc("shop", "data", "fast", "10Gi")]);
    let fault = Fault::ClaimNeverGrows { claim: key("PersistentVolumeClaim", "data") };
    world.sim.fault(fault.clone());
    let grow = json!({ "spec": { "resources": { "requests": { "storage": "12Gi" } } } });
    world.sim.patch(&world.patch("PersistentVolumeClaim", "data", grow)).await.unwrap();
    world.passes(3600);
    assert_eq!(world.object("PersistentVolumeClaim", "data").text("/status/capacity/storage"), "10Gi");
    world.sim.heal(&fault);
    world.passes(20);
    assert_eq!(world.object("PersistentVolumeClaim", "data").text("/status/capacity/storage"), "12Gi");
}

#[test]
fn a_job_runs_to_its_end() {
    let world = stand(vec![job("shop", "backup")]);
    world.passes(29);
    let backup = world.object("Job", "backup");
    assert_eq!((backup.number("/status/active"), backup.number("/status/ready")), (Some(1), Some(1)));
    world.passes(2);
    let backup = world.object("Job", "backup");
    assert_eq!((backup.at("/status/active"), backup.number("/status/succeeded")), (None, Some(1)));
    assert_eq!(backup.text("/status/conditions/1/type"), "Complete");
    assert_eq!(world.pods()[0].text("/status/phase"), "Succeeded");
}

#[tokio::test]
async fn a_job_that_hangs_can_be_replaced_by_one_that_does_not() {
    let world = stand(vec![job("shop", "backup")]);
    world.sim.fault(Fault::JobHangs { job: key("Job", "backup"), times: 1 });
    world.passes(86_400);
    let hung = world.object("Job", "backup");
    assert_eq!(hung.number("/status/active"), Some(1));

    let delete = Delete { key: hung.key(), uid: hung.uid().into(), wait_for_dependents: true, dry_run: false };
    world.sim.delete(&delete).await.unwrap();
    assert!(world.object("Job", "backup").is_going());
    let again = world.sim.create(&hung, "dogwatch-run-7-start", false).await;
    assert!(matches!(again, Err(ClusterError::AlreadyExists(_))));
    world.passes(1);
    assert!(world.object("Job", "backup").is_going() && world.pods().len() == 1, "its pod has not stopped yet");
    world.passes(3);
    assert!(!world.is_there("Job", "backup") && world.pods().is_empty());

    world.sim.create(&hung, "dogwatch-run-7-start", false).await.unwrap();
    world.passes(60);
    assert_eq!(world.object("Job", "backup").number("/status/succeeded"), Some(1));
}

#[test]
fn a_job_fails_by_its_pods_or_by_its_deadline() {
    let slow = job("shop", "slow").with(&json!({ "spec": { "activeDeadlineSeconds": 10 } }));
    let retried = job("shop", "retried").with(&json!({ "spec": { "backoffLimit": 2 } }));
    let brief = job("shop", "brief").with(&json!({ "spec": { "ttlSecondsAfterFinished": 100 } }));
    let world = stand(vec![slow, retried, brief]);
    world.sim.fault(Fault::JobFails { job: key("Job", "retried") });
    world.passes(120);
    let reason = |name| {
        let job = world.object("Job", name);
        assert_eq!(job.text("/status/conditions/1/type"), "Failed");
        job.text("/status/conditions/1/reason").to_owned()
    };
    assert_eq!((reason("slow").as_str(), reason("retried").as_str()), ("DeadlineExceeded", "BackoffLimitExceeded"));
    assert_eq!(world.object("Job", "retried").number("/status/failed"), Some(3));
    assert!(world.is_there("Job", "brief"));
    world.passes(60);
    assert!(!world.is_there("Job", "brief"));
}

/// What is given is believed.
#[test]
fn a_job_that_is_given_with_no_pod_that_is_ready_has_one_that_never_starts() {
    let waits = job("shop", "waits")
        .with(&json!({ "status": { "startTime": "2026-03-02T12:00:00Z", "active": 1, "ready": 0 } }));
    let runs = job("shop", "runs")
        .with(&json!({ "status": { "startTime": "2026-03-02T12:00:00Z", "active": 1, "ready": 1 } }));
    let world = stand(vec![waits, runs]);
    world.passes(86_400);
    assert_eq!(world.object("Job", "waits").number("/status/ready"), Some(0));
    assert_eq!(world.object("Job", "waits").number("/status/active"), Some(1));
    assert_eq!(world.object("Job", "runs").number("/status/succeeded"), Some(1));
}

#[test]
fn a_long_time_passes_in_order() {
    let world = stand(vec![deployment("shop", "web", 1)]);
    world.change("Deployment", "web", json!({ "spec": { "replicas": 2 } }));
    world.passes(86_400);
    let young = world.pods().into_iter().max_by_key(|pod| pod.text("/metadata/creationTimestamp").to_owned()).unwrap();
    assert_eq!(young.text("/metadata/creationTimestamp"), "2026-03-02T12:00:01Z", "not when somebody looked");
    assert_eq!(world.ready("Deployment", "web"), "2/2");
}

#[test]
fn what_is_given_is_believed() {
    let half = deployment("shop", "half", 4).with(&json!({ "status": { "readyReplicas": 2 } }));
    let frozen = pod("shop", "stuck", "x").with(&json!({ "status": { "phase": "Pending", "conditions": null } }));
    let going = pod("shop", "going", "x").with(&json!({ "metadata": { "deletionTimestamp": "2026-03-02T09:00:00Z" } }));
    let managed =
        configmap("shop", "managed", &[("a", "1")]).with(&json!({ "metadata": { "uid": "given", "managedFields": [{
        "manager": "helm", "operation": "Apply", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": { "f:data": { "f:a": {} } },
    }] } }));
    let old = event(&half, "Warning", "Old", "long ago", "2020-01-01T00:00:00Z");
    let running =
        job("shop", "running").with(&json!({ "status": { "startTime": "2026-03-02T03:00:00Z", "active": 1 } }));
    let growing = pvc("shop", "growing", "fast", "10Gi")
        .with(&json!({ "spec": { "resources": { "requests": { "storage": "20Gi" } } } }));
    let world = stand(vec![half, frozen, going, managed, old, running, growing]);
    assert_eq!(world.ready("Deployment", "half"), "2/4");
    assert_eq!(world.object("PersistentVolumeClaim", "growing").text("/status/capacity/storage"), "10Gi");
    world.passes(20);
    assert_eq!(world.object("Job", "running").number("/status/active"), Some(1));
    assert_eq!(world.object("Job", "running").text("/status/startTime"), "2026-03-02T03:00:00Z");
    world.passes(600);
    assert_eq!(world.ready("Deployment", "half"), "2/4");
    assert_eq!(world.object("Pod", "stuck").text("/status/phase"), "Pending");
    assert!(world.object("Pod", "going").is_going());
    assert_eq!(world.object("Event", "half.old").text("/message"), "long ago");
    let managed = world.object("ConfigMap", "managed");
    assert_eq!((managed.uid(), managed.field_manager(&["data", "a"]).unwrap().name.as_str()), ("given", "helm"));

    // A pod that is not ready is replaced by one that is.
    let sick = world.pods().into_iter().find(|pod| {
        pod.label("app") == Some("half")
            && pod.text("/status/containerStatuses/0/ready") != "true"
            && pod.at("/status/containerStatuses/0/ready") == Some(&json!(false))
    });
    world.sim.remove(&sick.unwrap().key());
    world.passes(10);
    assert_eq!(world.ready("Deployment", "half"), "3/4");
}

#[test]
fn owners_are_found_by_their_names_and_namespaces_are_made() {
    let set = statefulset("shop", "pg", 1);
    let world = stand(vec![owned_by(pod("shop", "pg-0", "pg"), &set), set]);
    let pod = world.object("Pod", "pg-0");
    assert_eq!(pod.text("/metadata/ownerReferences/0/uid"), world.object("StatefulSet", "pg").uid());
    assert_eq!(world.pods().len(), 1);
    assert!(world.sim.object(&ObjectKey::new("Namespace", "", "shop")).is_some());
    assert_eq!(world.sim.turn(), None);
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(noon()));
    let load = |objects| SimCluster::from_objects(clock.clone(), objects).err().map(|error| error.to_string());
    let secret = Object(json!({ "kind": "Secret", "metadata": { "name": "x" } }));
    assert!(load(vec![secret]).unwrap().contains("`Secret` is not known"));
    assert!(load(vec![node("a"), node("a")]).unwrap().contains("node/a exists already"));
    assert!(load(vec![node("A_b")]).unwrap().contains("lowercase"));
    assert!(load(vec![Object(json!({ "kind": "Node" }))]).unwrap().contains("no name"));
    let broken = node("a").with(&json!({ "status": { "conditions": "x" } }));
    assert!(load(vec![broken]).unwrap().contains("load node/a: status.conditions must be a list of objects"));
}

#[tokio::test]
async fn requests_fail_as_often_as_told() {
    let world = stand(vec![configmap("shop", "a", &[("k", "1")])]);
    let get = async || world.sim.get(&key("ConfigMap", "a")).await;
    world.sim.fault(Fault::Unavailable { verb: Verb::Get, kind: "ConfigMap".into(), times: 2 });
    for _ in 0..2 {
        assert!(matches!(get().await, Err(ClusterError::Unavailable { .. })));
    }
    assert!(get().await.is_ok());
    world.sim.fault(Fault::Unavailable { verb: Verb::Get, kind: String::new(), times: 1 });
    assert!(world.sim.version().await.is_err());

    let patch = world.patch("ConfigMap", "a", json!({ "data": { "k": "2" } }));
    world.sim.fault(Fault::Conflict { times: 1 });
    assert!(matches!(world.sim.patch(&patch).await, Err(ClusterError::Conflict { .. })));
    assert_eq!(world.object("ConfigMap", "a").text("/data/k"), "1");

    let fault = Fault::Forbidden { verb: Verb::Patch, kind: "ConfigMap".into() };
    let access = crate::cluster::Kind::find("ConfigMap").unwrap().access("patch", "", "shop");
    world.sim.fault(fault.clone());
    assert!(matches!(world.sim.patch(&patch).await, Err(ClusterError::Forbidden { .. })));
    assert_eq!(world.sim.allowed(&access).await, Ok(false));
    world.sim.heal(&fault);
    assert_eq!(world.sim.allowed(&access).await, Ok(true));
    assert!(world.sim.writes().is_empty());

    world.sim.fault(Fault::AnswerLost { verb: Verb::Patch, kind: "ConfigMap".into(), times: 1 });
    let lost = world.sim.patch(&patch).await;
    assert!(matches!(lost, Err(ClusterError::Unavailable { .. })));
    assert_eq!(world.object("ConfigMap", "a").text("/data/k"), "2", "it took effect");
    assert_eq!(world.sim.writes().len(), 1);
}

#[tokio::test]
async fn mutations_are_on_record() {
    let world = stand(vec![deployment("shop", "web", 1)]);
    let dry = Patch { dry_run: true, ..world.scale("Deployment", "web", 3) };
    world.sim.patch(&dry).await.unwrap();
    world.passes(5);
    world.sim.patch(&world.scale("Deployment", "web", 2)).await.unwrap();
    let stale = Patch { resource_version: Some("1".into()), ..world.scale("Deployment", "web", 9) };
    assert!(world.sim.patch(&stale).await.is_err());
    world.change("Deployment", "web", json!({ "metadata": { "labels": { "by": "somebody else" } } }));
    world.sim.create(&configmap("shop", "a", &[]), "dogwatch", false).await.unwrap();
    let a = world.object("ConfigMap", "a");
    let delete = Delete { key: a.key(), uid: a.uid().into(), wait_for_dependents: false, dry_run: false };
    world.sim.delete(&delete).await.unwrap();

    let told: Vec<String> = world
        .sim
        .writes()
        .iter()
        .map(|it| {
            let dry = if it.dry_run { " (dry run)" } else { "" };
            format!("{} {} {} by {}{dry}", it.verb.as_str(), it.key, it.subresource, it.field_manager)
        })
        .collect();
    assert_eq!(
        told,
        [
            "patch deployment/web in shop scale by dogwatch-run-7-x (dry run)",
            "patch deployment/web in shop scale by dogwatch-run-7-x",
            "create configmap/a in shop  by dogwatch",
            "delete configmap/a in shop  by ",
        ]
    );
    assert_eq!(world.sim.writes()[1].body, json!({ "spec": { "replicas": 2 } }));
    assert_eq!(world.sim.writes()[1].at, noon() + Duration::from_secs(5));
}

#[test]
fn faults_are_written_as_they_are_called() {
    let fault: Fault = serde_json::from_value(
        json!({ "crash_loop": { "workload": { "kind": "Deployment", "namespace": "a", "name": "b" } } }),
    )
    .unwrap();
    assert_eq!(fault, Fault::CrashLoop { workload: ObjectKey::new("Deployment", "a", "b") });
    let fault: Fault = serde_json::from_value(json!({ "unavailable": { "verb": "patch" } })).unwrap();
    assert_eq!(fault, Fault::Unavailable { verb: Verb::Patch, kind: String::new(), times: 1 });
}

/// Each builder's objects are such as the API server takes.
#[tokio::test]
async fn what_is_built_is_valid() {
    let world = stand(vec![]);
    let set = statefulset("shop", "pg", 1);
    for object in [
        deployment("shop", "web", 1),
        owned_by(using_claim(pod("shop", "pg-0", "pg"), "data"), &set),
        set,
        pvc("shop", "data", "fast", "1Gi"),
        pending_pvc("shop", "pending", "fast", "1Gi"),
        pv("volume", "fast", "1Gi"),
        storage_class("fast", true),
        node("a"),
        job("shop", "backup"),
        cronjob("shop", "backup", "15 3 * * *"),
        event(&node("a"), "Warning", "Broken", "it is broken", "2026-03-02T12:00:00Z"),
        configmap("shop", "settings", &[("a", "b")]),
        hpa("shop", "web", 1, 5),
    ] {
        assert_eq!(super::schema::unknown_fields(object.kind(), &object.0), Ok(vec![]), "{}", object.key());
        let namespace = Object(json!({ "kind": "Namespace", "metadata": { "name": "shop" } }));
        world.sim.apply(&namespace, "kubectl").unwrap();
        let created = world.sim.create(&object, "kubectl", false).await;
        assert!(created.is_ok(), "{created:?}");
    }
}

/// Ten thousand databases: StatefulSet, Pod, claim and CronJob each.
pub(super) fn fleet(databases: usize) -> Vec<Object> {
    let mut objects = vec![storage_class("fast", true), node("a"), deployment("kube-system", "coredns", 4)];
    for number in 0..databases {
        let name = format!("pg-{number}");
        let set = statefulset("databases", &name, 1);
        let claim = format!("data-{name}-0");
        let pod = using_claim(pod("databases", &format!("{name}-0"), &name), &claim);
        objects.push(owned_by(pod, &set));
        objects.push(set);
        objects.push(pvc("databases", &claim, "fast", "10Gi"));
        objects.push(cronjob("databases", &format!("{name}-backup"), "15 3 * * *"));
    }
    objects
}

#[tokio::test]
async fn a_fleet_is_at_rest_and_its_objects_are_found() {
    let clock = Arc::new(ManualClock::new(noon()));
    let sim = SimCluster::from_objects(clock.clone(), fleet(500)).unwrap();
    assert_eq!(sim.turn(), None);
    assert_eq!(sim.objects("Pod", "databases").len(), 500);
    let query = ListQuery { kind: "Pod".into(), labels: "app=pg-77".into(), limit: 1, ..ListQuery::default() };
    assert_eq!(sim.list(&query).await.unwrap()[0].name(), "pg-77-0");
    sim.remove(&ObjectKey::new("Pod", "databases", "pg-77-0"));
    clock.advance(Duration::from_secs(10));
    sim.turn();
    let pod = sim.object(&ObjectKey::new("Pod", "databases", "pg-77-0")).unwrap();
    assert_eq!((pod.text("/status/phase"), pod.is_going()), ("Running", false));
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Move {
        Scale(&'static str, i64),
        Restart(&'static str),
        LosePod(usize),
        Crash(&'static str),
        Heal(&'static str),
        Recreate,
        Pass(u64),
    }

    const WORKLOADS: [&str; 2] = ["Deployment", "StatefulSet"];

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let kind = prop::sample::select(WORKLOADS.to_vec());
        prop::collection::vec(
            prop_oneof![
                (kind.clone(), 0..5_i64).prop_map(|(kind, replicas)| Move::Scale(kind, replicas)),
                kind.clone().prop_map(Move::Restart),
                (0..8_usize).prop_map(Move::LosePod),
                kind.clone().prop_map(Move::Crash),
                kind.prop_map(Move::Heal),
                Just(Move::Recreate),
                (0..40_u64).prop_map(Move::Pass),
            ],
            1..25,
        )
    }

    fn crash(kind: &str) -> Fault {
        Fault::CrashLoop { workload: key(kind, "web") }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Whatever happens to the workloads: when nothing is wrong any more, they are as wanted, and at rest.
        #[test]
        fn workloads_come_to_what_is_wanted(moves in moves()) {
            let world = stand(vec![deployment("shop", "web", 2), statefulset("shop", "web", 2)]);
            let mut restarts = 0;
            for step in &moves {
                match step {
                    Move::Scale(kind, replicas) => {
                        world.change(kind, "web", json!({ "spec": { "replicas": replicas } }));
                    }
                    Move::Restart(kind) => {
                        restarts += 1;
                        let annotations = json!({ "restart": restarts.to_string() });
                        world.change(kind, "web", json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } }));
                    }
                    Move::LosePod(which) => {
                        if let Some(pod) = world.pods().get(*which) {
                            world.sim.remove(&pod.key());
                        }
                    }
                    Move::Crash(kind) => world.sim.fault(crash(kind)),
                    Move::Heal(kind) => world.sim.heal(&crash(kind)),
                    Move::Recreate => {
                        world.sim.remove(&key("Deployment", "web"));
                        world.sim.apply(&deployment("shop", "web", 3), "kubectl").unwrap();
                    }
                    Move::Pass(seconds) => world.passes(*seconds),
                }
            }
            WORKLOADS.iter().for_each(|kind| world.sim.heal(&crash(kind)));
            // A crashed container waits for up to five minutes.
            world.passes(1800);
            let mut wanted = 0;
            for kind in WORKLOADS {
                let workload = world.object(kind, "web");
                let replicas = workload.number("/spec/replicas").unwrap();
                prop_assert_eq!(world.ready(kind, "web"), format!("{replicas}/{replicas}"), "{}: {:?}", kind, workload);
                prop_assert_eq!(workload.number("/status/observedGeneration"), workload.number("/metadata/generation"));
                wanted += replicas;
            }
            let pods = world.pods();
            prop_assert_eq!(pods.len() as i64, wanted);
            let version = |kind| world.object(kind, "web").resource_version().to_owned();
            let before = WORKLOADS.map(version);
            world.passes(86_400);
            prop_assert_eq!(WORKLOADS.map(version), before, "they are at rest");
        }
    }
}

#[test]
fn pods_of_a_deployment_that_was_replaced_while_it_went_down_are_collected() {
    let world = stand(vec![deployment("shop", "web", 2), statefulset("shop", "web", 2)]);
    let replace = || {
        world.sim.remove(&key("Deployment", "web"));
        world.sim.apply(&deployment("shop", "web", 3), "kubectl").unwrap();
    };
    replace();
    world.passes(4);
    world.change("Deployment", "web", json!({ "spec": { "replicas": 0 } }));
    world.sim.fault(Fault::CrashLoop { workload: key("Deployment", "web") });
    replace();
    world.sim.heal(&Fault::CrashLoop { workload: key("Deployment", "web") });
    world.passes(1800);
    let names: Vec<String> = world.pods().iter().map(|pod| pod.name().to_owned()).collect();
    assert_eq!(names.len(), 5, "{names:#?}");
}
