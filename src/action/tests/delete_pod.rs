//! `k8s.delete_pod`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, action, field, mutation, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::{FailureClass, ObjectKey};

pub(super) const DELETE: &str = "k8s.delete_pod: {}";

/// A run about `web-0` of three, which hangs; the others are ready.
pub(super) fn about_web() -> Edge {
    let set = build::statefulset("shop", "web", 3);
    let edge = Edge::about(vec![build::owned_by(build::pod("shop", "web-0", "web"), &set), set]);
    edge.passes(Duration::from_secs(60));
    becomes_unready(&edge, "web-0");
    edge
}

fn becomes_unready(edge: &Edge, name: &str) {
    let unready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "False" }] } });
    edge.cluster.change(&ObjectKey::new("Pod", "shop", name), &unready, "kubelet").unwrap();
}

#[tokio::test]
async fn a_pod_that_hangs_goes_and_another_one_comes() {
    let edge = about_web();
    let before = edge.live(&edge.target).uid().to_owned();
    let output = edge.does(DELETE).await;
    assert_eq!(output.summary, "delete pod/web-0 in shop");
    assert_eq!((field(&output, "uid"), field(&output, "controller")), (&json!(before), &json!("StatefulSet/web")));
    assert!(edge.live(&edge.target).is_going(), "it has its time to stop");
    let Ok(Plan::Unneeded(again)) = edge.would(DELETE).await else { panic!() };
    assert!(again.summary.ends_with("is being deleted already"), "{again:?}");
    edge.passes(Duration::from_secs(60));
    assert_ne!(edge.live(&edge.target).uid(), before);
    assert_eq!(edge.written(), ["delete pod/web-0 in shop"]);
    let error = edge.would(DELETE).await.unwrap_err();
    assert!(error.message.contains("is ready: `k8s.evict`"), "{error}");
}

#[tokio::test]
async fn others_that_do_not_work_hold_it() {
    let edge = about_web();
    becomes_unready(&edge, "web-2");
    let error = edge.would(DELETE).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry);
    assert!(error.message.starts_with("1 of the 2 other pods of StatefulSet `web` are not ready"), "{error}");
    assert!(matches!(edge.would("k8s.delete_pod: { unready_peers: 1 }").await, Ok(Plan::Do(_))));

    // Also those of a Deployment, of which an eviction lets one go that is not ready itself.
    let edge = Edge::about(vec![build::deployment("shop", "web", 2)]);
    edge.passes(Duration::from_secs(60));
    let pods = edge.cluster.objects("Pod", "shop");
    pods.iter().for_each(|pod| becomes_unready(&edge, pod.name()));
    let edge = Edge { target: pods[0].key(), ..edge };
    assert!(matches!(edge.would("k8s.evict: {}").await, Ok(Plan::Do(_))));
    assert_eq!(edge.would(DELETE).await.unwrap_err().class, FailureClass::Retry);
}

#[tokio::test]
async fn what_would_be_lost_with_a_pod_holds_it() {
    let edge = about_web();
    let scratch = json!({ "spec": { "volumes": [{ "name": "scratch", "emptyDir": {} }] } });
    edge.cluster.change(&edge.target, &scratch, "kubectl").unwrap();
    let error = edge.would(DELETE).await.unwrap_err();
    assert_eq!(error.class, FailureClass::HeldUp);
    assert!(error.message.contains("has the volume `scratch`: an emptyDir"), "{error}");
    assert!(matches!(edge.would("k8s.delete_pod: { emptydir: true }").await, Ok(Plan::Do(_))));
}

#[tokio::test]
async fn one_that_does_not_stop_is_left_to_people() {
    let edge = about_web();
    edge.does(DELETE).await;
    let stuck = json!({ "metadata": { "finalizers": ["example.com/holds"] } });
    edge.cluster.change(&edge.target, &stuck, "kubectl").unwrap();
    edge.passes(Duration::from_secs(600));
    assert!(needs_human(edge.would(DELETE).await).contains("should have stopped by"));
    assert_eq!(edge.written().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    let edge = about_web();
    let intent = edge.intends(DELETE).await;
    assert!(matches!(edge.doubts(DELETE, &intent).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Delete, kind: "Pod".into(), times: 1 });
    assert_eq!(edge.makes(DELETE, &intent).await.unwrap_err().class, FailureClass::Retry);
    assert!(matches!(edge.doubts(DELETE, &intent).await, Doubt::Done(_)));
    edge.passes(Duration::from_secs(60));
    // The one that came in its place has its name, and is left alone.
    assert!(matches!(edge.doubts(DELETE, &intent).await, Doubt::Done(_)));
    edge.makes(DELETE, &intent).await.unwrap();
    assert_eq!(edge.written().len(), 1);
}

#[tokio::test]
async fn one_that_works_again_is_not_deleted_and_a_dry_run_asks_the_server() {
    let edge = about_web();
    let intent = edge.intends(DELETE).await;
    let delete = action(DELETE).unwrap();
    mutation(&delete).apply(&edge.world(Some(&delete)), &intent, true).await.unwrap();
    let asked: Vec<bool> = edge.cluster.writes().iter().map(|write| write.dry_run).collect();
    assert_eq!(asked, [true]);
    assert!(!edge.live(&edge.target).is_going());

    let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
    edge.cluster.change(&edge.target, &ready, "kubelet").unwrap();
    let error = edge.makes(DELETE, &intent).await.unwrap_err();
    assert!(error.message.contains("is ready"), "{error}");
    assert!(edge.written().is_empty());
}

/// A member's pod, with the annotation that Patroni keeps its state in.
fn member(name: &str, own: &Value) -> Object {
    build::pod("shop", name, "db").with(&json!({
        "metadata": {
            "labels": { "cluster-name": "db", "application": "patroni", "role": own["role"] },
            "annotations": { "status": own.to_string() },
        },
        "status": { "phase": "Running", "podIP": "10.0.0.9", "startTime": "2026-04-01T00:00:00Z" },
    }))
}

/// A run about `db-1` of two, which is not ready.
fn patroni(config: &str) -> Edge {
    let set = build::statefulset("shop", "db", 2);
    let leader =
        member("db-0", &json!({ "role": "master", "state": "running", "timeline": 3, "xlog_location": 9_000_000 }));
    let replica =
        member("db-1", &json!({ "role": "replica", "state": "running", "timeline": 3, "xlog_location": 9_000_000 }));
    let metadata = json!({ "name": "db-config", "namespace": "shop", "annotations": { "config": config } });
    let kept = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata }).into();
    let edge = Edge::about(vec![build::owned_by(replica, &set), build::owned_by(leader, &set), set, kept]);
    becomes_unready(&edge, "db-1");
    edge
}

#[tokio::test]
async fn of_a_member_patroni_says_whether_it_can_be_spared() {
    let edge = patroni("{}");
    assert_eq!(edge.intends(DELETE).await.summary, "delete pod/db-1 in shop");
    // It does not answer, and another one does.
    edge.cluster.fault(Fault::Unavailable { verb: Verb::Get, kind: "Patroni".into(), times: 1 });
    assert!(matches!(edge.would(DELETE).await, Ok(Plan::Do(_))));
    edge.cluster.fault(Fault::Unavailable { verb: Verb::Get, kind: "Patroni".into(), times: 3 });
    assert_eq!(edge.would(DELETE).await.unwrap_err().class, FailureClass::Retry);

    let edge = patroni(r#"{"pause":true}"#);
    assert!(needs_human(edge.would(DELETE).await).contains("Patroni is paused"));
}

#[tokio::test]
async fn the_leader_is_never_deleted() {
    let edge = patroni("{}");
    becomes_unready(&edge, "db-0");
    let leader = Edge { target: ObjectKey::new("Pod", "shop", "db-0"), ..edge };
    assert!(needs_human(leader.would(DELETE).await).contains("it is the leader of a Patroni cluster"));
    assert!(leader.written().is_empty());
}
