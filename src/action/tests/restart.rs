//! `k8s.rollout_restart`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, action, field, mutation, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::FailureClass;

pub(super) const RESTART: &str = "k8s.rollout_restart: {}";
const OF_BROKEN: &str = "k8s.rollout_restart: { of_broken: true }";

pub(super) fn about_web() -> Edge {
    about(build::deployment("shop", "web", 3))
}

fn about(workload: Object) -> Edge {
    let edge = Edge::about(vec![workload]);
    edge.passes(Duration::from_secs(60));
    edge
}

/// The UIDs of the pods, and when each was said to be restarted.
fn pods(edge: &Edge) -> Vec<(String, Option<String>)> {
    let pods = edge.cluster.objects("Pod", "shop").into_iter();
    let at = |pod: &Object| pod.annotation("kubectl.kubernetes.io/restartedAt").map(str::to_owned);
    pods.map(|pod| (pod.uid().to_owned(), at(&pod))).collect()
}

#[tokio::test]
async fn all_pods_are_replaced_by_others_of_the_same_template() {
    for workload in [build::deployment("shop", "web", 3), build::statefulset("shop", "web", 3)] {
        let edge = about(workload);
        let before = pods(&edge);
        let output = edge.does(RESTART).await;
        assert_eq!(output.summary, format!("restart {}: 3 pods are replaced", edge.target));
        assert_eq!((field(&output, "at"), field(&output, "pods")), (&json!("2026-05-01T12:01:00Z"), &json!(3)));
        edge.passes(Duration::from_secs(600));
        let after = pods(&edge);
        assert_eq!(after.len(), 3);
        assert!(after.iter().all(|(_, at)| at.as_deref() == Some("2026-05-01T12:01:00Z")), "{after:?}");
        assert!(before.iter().all(|(uid, _)| after.iter().all(|(other, _)| other != uid)), "{before:?} {after:?}");
        assert_eq!(edge.written(), [format!("patch {}", edge.target)]);

        let error = edge.would(RESTART).await.unwrap_err();
        assert!(error.message.contains("was restarted 10m ago"), "{error}");
        edge.passes(Duration::from_secs(3_600));
        assert!(matches!(edge.would(RESTART).await, Ok(Plan::Do(_))));
    }
}

#[tokio::test]
async fn a_daemonset_is_restarted_too() {
    let status = json!({
        "observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "updatedNumberScheduled": 2,
        "numberAvailable": 2,
    });
    let workload = build::deployment("shop", "agent", 2);
    let daemonset = Object(json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": { "namespace": "shop", "name": "agent" },
        "spec": { "selector": workload.0["spec"]["selector"], "template": workload.0["spec"]["template"] },
        "status": status,
    }));
    let edge = Edge::about(vec![daemonset]);
    assert_eq!(edge.does(RESTART).await.summary, "restart daemonset/agent in shop: 2 pods are replaced");
    assert_eq!(edge.written(), ["patch daemonset/agent in shop"]);
}

#[tokio::test]
async fn a_rollout_that_does_not_come_up_is_not_gone_on_with() {
    let edge = about_web();
    edge.cluster.fault(Fault::NeverReady { workload: edge.target.clone() });
    let newer = json!({ "spec": { "template": { "metadata": { "annotations": { "release": "2" } } } } });
    edge.cluster.change(&edge.target, &newer, "kubectl-set").unwrap();
    edge.passes(Duration::from_secs(600));
    for yaml in [RESTART, OF_BROKEN] {
        let error = edge.would(yaml).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Retry, "{error}");
        assert!(error.message.starts_with("a rollout of deployment/web in shop is under way"), "{error}");
    }
}

#[tokio::test]
async fn pods_that_hang_are_replaced_where_that_is_said() {
    let edge = about_web();
    let unready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "False" }] } });
    let pod = edge.cluster.objects("Pod", "shop").remove(0);
    edge.cluster.change(&pod.key(), &unready, "kubelet").unwrap();
    edge.passes(Duration::from_secs(1));
    assert!(needs_human(edge.would(RESTART).await).starts_with("2 of 3 pods of deployment/web in shop are available"));
    let output = edge.does(OF_BROKEN).await;
    assert!(output.summary.ends_with("3 pods are replaced, of which 2 are available"), "{}", output.summary);
    edge.passes(Duration::from_secs(60));
    assert_eq!(edge.live(&edge.target).number("/status/availableReplicas"), Some(3));
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    let edge = about_web();
    let intent = edge.intends(RESTART).await;
    assert!(matches!(edge.doubts(RESTART, &intent).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(RESTART, &intent).await.unwrap_err();
    let Doubt::Done(output) = edge.doubts(RESTART, &intent).await else { panic!() };
    assert_eq!(output.summary, intent.summary);
    let theirs = json!({ "kubectl.kubernetes.io/restartedAt": "2026-05-01T12:05:00Z" });
    let theirs = json!({ "spec": { "template": { "metadata": { "annotations": theirs } } } });
    edge.cluster.change(&edge.target, &theirs, "kubectl-rollout").unwrap();
    let Doubt::Unclear(why) = edge.doubts(RESTART, &intent).await else { panic!() };
    assert!(why.contains("set by `kubectl-rollout`"), "{why}");
}

#[tokio::test]
async fn what_was_not_done_is_not_done_where_somebody_is_at_work_by_then() {
    let edge = about_web();
    let intent = edge.intends(RESTART).await;
    edge.cluster.change(&edge.target, &json!({ "spec": { "paused": true } }), "kubectl-rollout").unwrap();
    let Doubt::Unclear(why) = edge.doubts(RESTART, &intent).await else { panic!() };
    assert!(why.contains("is paused") && why.contains("was: restart deployment/web in shop"), "{why}");
    let error = edge.makes(RESTART, &intent).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry, "{error}");
    assert!(edge.written().is_empty());
}

#[tokio::test]
async fn members_of_patroni_and_one_replica_are_left_to_people() {
    let spilo = json!({ "application": "spilo", "cluster-name": "db", "spilo-role": "replica" });
    let labelled = json!({ "spec": { "template": { "metadata": { "labels": spilo } } } });
    let edge = about(build::statefulset("shop", "db", 3).with(&labelled));
    let why = needs_human(edge.would(OF_BROKEN).await);
    assert!(
        why.contains("a Patroni cluster's (pod/db-0 in shop), and a restart of all would lose the leader"),
        "{why}"
    );

    let edge = about(build::statefulset("shop", "db", 1));
    assert!(needs_human(edge.would("k8s.rollout_restart: { outage: true }").await).contains("has one replica"));
    let edge = about(build::deployment("shop", "web", 1));
    let error = edge.would(RESTART).await.unwrap_err();
    assert!(error.message.contains("would be away at once"), "{error}");
    assert!(matches!(edge.would("k8s.rollout_restart: { outage: true }").await, Ok(Plan::Do(_))));
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_there_is_no_way_back() {
    let edge = about_web();
    let before = edge.live(&edge.target).at("/spec/template").cloned();
    let intent = edge.intends(RESTART).await;
    let restart = action(RESTART).unwrap();
    mutation(&restart).apply(&edge.world(Some(&restart)), &intent, true).await.unwrap();
    assert_eq!(edge.live(&edge.target).at("/spec/template").cloned(), before);
    assert!(needs_human::<Plan>(edge.takes_back(RESTART, &intent).await).contains("has no way back"));
    let asked: Vec<Value> = edge.cluster.writes().iter().map(|write| json!(write.dry_run)).collect();
    assert_eq!(asked, [json!(true)]);
}
