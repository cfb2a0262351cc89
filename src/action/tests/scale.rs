//! `k8s.scale`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, action, field, mutation, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::{FailureClass, Intent, ObjectKey};

const SCALE: &str = "k8s.scale: { by: 50%, max: 10 }";

fn coredns() -> Object {
    build::deployment("kube-system", "coredns", 4)
}

fn key(kind: &str, name: &str) -> ObjectKey {
    ObjectKey::new(kind, "kube-system", name)
}

fn replicas(edge: &Edge) -> Option<i64> {
    edge.live(&edge.target).number("/spec/replicas")
}

/// The usual dns-autoscaler and its ConfigMap.
fn dns_autoscaler() -> Vec<Object> {
    let args = ["/cluster-proportional-autoscaler", "--configmap=dns-params", "--target=deployment/coredns"];
    let container = json!({ "name": "autoscaler", "image": "cpa:1", "command": args });
    let deployment = build::deployment("kube-system", "dns-autoscaler", 1)
        .with(&json!({ "spec": { "template": { "spec": { "containers": [container] } } } }));
    let linear = r#"{"coresPerReplica":256,"nodesPerReplica":16,"min":2}"#;
    vec![deployment, build::configmap("kube-system", "dns-params", &[("linear", linear)])]
}

#[tokio::test]
async fn half_as_many_more_pods_start() {
    let edge = Edge::about(vec![coredns()]);
    let output = edge.does(SCALE).await;
    assert_eq!(output.summary, "scale deployment/coredns in kube-system 4 -> 6");
    assert_eq!(
        (field(&output, "from"), field(&output, "to"), field(&output, "via")),
        (&json!(4), &json!(6), &json!("scale"))
    );
    edge.passes(Duration::from_secs(60));
    assert_eq!(edge.live(&edge.target).number("/status/readyReplicas"), Some(6));
    assert_eq!(edge.written(), ["patch deployment/coredns in kube-system scale"]);
}

#[tokio::test]
async fn the_cap_comes_from_the_inputs() {
    let edge = Edge::about(vec![coredns()]).with(json!({ "inputs": { "most": 5 } }));
    let scale = "k8s.scale: { by: 50%, max: '{{inputs.most}}' }";
    assert!(edge.does(scale).await.summary.ends_with("4 -> 5"));
    let refused = edge.would(scale).await.unwrap_err();
    assert_eq!(refused.class, FailureClass::Fail);
    assert!(refused.message.contains("the cap is 5"), "{refused}");
}

#[tokio::test]
async fn a_try_changes_nothing() {
    let edge = Edge::about(vec![coredns()]);
    let intent = edge.intends(SCALE).await;
    let scale = action(SCALE).unwrap();
    let output = mutation(&scale).apply(&edge.world(Some(&scale)), &intent, true).await.unwrap();
    assert_eq!(output.summary, "scale deployment/coredns in kube-system 4 -> 6");
    assert_eq!(replicas(&edge), Some(4));
    assert!(edge.written().is_empty());
}

#[tokio::test]
async fn what_changed_meanwhile_is_not_overwritten() {
    let edge = Edge::about(vec![coredns()]);
    let intent = edge.intends(SCALE).await;
    edge.cluster.change(&edge.target, &json!({ "spec": { "replicas": 5 } }), "kubectl-scale").unwrap();
    let error = edge.makes(SCALE, &intent).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry, "{error}");
    assert_eq!(replicas(&edge), Some(5));
    let Doubt::Unclear(why) = edge.doubts(SCALE, &intent).await else { panic!() };
    assert!(
        why.contains("spec.replicas of deployment/coredns in kube-system is 5 now, set by `kubectl-scale`"),
        "{why}"
    );
}

#[tokio::test]
async fn a_conflict_about_something_else_leaves_the_way_open() {
    let edge = Edge::about(vec![coredns()]);
    let intent = edge.intends(SCALE).await;
    edge.cluster.change(&edge.target, &json!({ "metadata": { "labels": { "a": "b" } } }), "kubectl").unwrap();
    assert_eq!(edge.makes(SCALE, &intent).await.unwrap_err().class, FailureClass::Retry);
    let Doubt::NotDone(fresh) = edge.doubts(SCALE, &intent).await else { panic!() };
    assert_ne!(fresh.resource_version, intent.resource_version);
    edge.makes(SCALE, &fresh).await.unwrap();
    assert_eq!(replicas(&edge), Some(6));
}

#[tokio::test]
async fn a_lost_answer_is_found_out_and_not_repeated() {
    let edge = Edge::about(vec![coredns()]);
    let intent = edge.intends(SCALE).await;
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: "Deployment".into(), times: 1 });
    assert_eq!(edge.makes(SCALE, &intent).await.unwrap_err().class, FailureClass::Retry);
    let Doubt::Done(output) = edge.doubts(SCALE, &intent).await else { panic!() };
    assert_eq!(field(&output, "to"), &json!(6));
    assert_eq!(edge.written().len(), 1);
}

#[tokio::test]
async fn a_request_that_never_arrived_is_made_again() {
    let edge = Edge::about(vec![coredns()]);
    let intent = edge.intends(SCALE).await;
    edge.cluster.fault(Fault::Unavailable { verb: Verb::Patch, kind: String::new(), times: 1 });
    assert_eq!(edge.makes(SCALE, &intent).await.unwrap_err().class, FailureClass::Retry);
    let Doubt::NotDone(fresh) = edge.doubts(SCALE, &intent).await else { panic!() };
    edge.makes(SCALE, &fresh).await.unwrap();
    assert_eq!(replicas(&edge), Some(6));
}

#[tokio::test]
async fn another_object_of_the_same_name_is_not_ours() {
    let edge = Edge::about(vec![coredns()]);
    let intent = edge.intends(SCALE).await;
    edge.cluster.remove(&edge.target);
    edge.passes(Duration::from_secs(60));
    assert!(matches!(edge.doubts(SCALE, &intent).await, Doubt::Unclear(_)));
    edge.cluster.apply(&coredns(), "kubectl").unwrap();
    assert!(edge.makes(SCALE, &intent).await.is_err());
    assert_eq!(replicas(&edge), Some(4));
    let Doubt::Unclear(why) = edge.doubts(SCALE, &intent).await else { panic!() };
    assert!(why.contains("was replaced by another of the same name"), "{why}");
}

#[tokio::test]
async fn an_hpa_is_asked_for_more_and_the_deployment_left_alone() {
    let edge = Edge::about(vec![coredns(), build::hpa("kube-system", "coredns", 2, 20)]);
    let output = edge.does(SCALE).await;
    assert_eq!((field(&output, "via"), field(&output, "to")), (&json!("hpa"), &json!(6)));
    let hpa = key("HorizontalPodAutoscaler", "coredns");
    assert_eq!(edge.live(&hpa).number("/spec/minReplicas"), Some(6));
    assert_eq!(replicas(&edge), Some(4));
    assert_eq!(edge.written(), ["patch horizontalpodautoscaler/coredns in kube-system"]);
    let Plan::Unneeded(output) = edge.would(SCALE).await.unwrap() else { panic!() };
    assert!(output.summary.contains("asks for 6 replicas or more already"), "{}", output.summary);
}

#[tokio::test]
async fn the_dns_autoscaler_is_asked_for_more_and_doubt_is_settled_there_too() {
    let edge = Edge::about([vec![coredns()], dns_autoscaler()].concat());
    let intent = edge.intends(SCALE).await;
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: "ConfigMap".into(), times: 1 });
    assert!(edge.makes(SCALE, &intent).await.is_err());
    let Doubt::Done(output) = edge.doubts(SCALE, &intent).await else { panic!() };
    assert_eq!(
        (field(&output, "from"), field(&output, "to"), field(&output, "via")),
        (&json!(2), &json!(6), &json!("autoscaler"))
    );
    let params = edge.live(&key("ConfigMap", "dns-params"));
    let params: Value = serde_json::from_str(params.text("/data/linear")).unwrap();
    assert_eq!(params, json!({ "coresPerReplica": 256, "nodesPerReplica": 16, "min": 6 }));
    assert_eq!(replicas(&edge), Some(4));
}

#[tokio::test]
async fn a_repository_that_keeps_the_number_is_named() {
    let edge = Edge::about(vec![coredns()]);
    edge.cluster.change(&edge.target, &json!({ "spec": { "replicas": 5 } }), "argocd-controller").unwrap();
    let why = needs_human(edge.would(SCALE).await);
    assert!(why.contains("Argo CD") && why.contains("argocd-controller"), "{why}");
    assert!(edge.written().is_empty());
}

#[tokio::test]
async fn hands_off_on_the_target_its_namespace_or_its_autoscaler() {
    let hold = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "migration" } } });
    let held = |keys: &[ObjectKey]| {
        let edge = Edge::about([vec![coredns()], dns_autoscaler()].concat());
        for key in keys {
            edge.cluster.change(key, &hold, "kubectl").unwrap();
        }
        edge
    };
    let namespace = ObjectKey::new("Namespace", "", "kube-system");
    for key in [key("Deployment", "coredns"), namespace, key("ConfigMap", "dns-params")] {
        let why = needs_human(held(std::slice::from_ref(&key)).would(SCALE).await);
        assert!(why.contains(&key.to_string()) && why.contains("dogwatch/hands-off=migration"), "{why}");
    }
    assert!(matches!(held(&[]).would(SCALE).await, Ok(Plan::Do(Intent { .. }))));
}

#[tokio::test]
async fn a_namespace_that_cannot_be_read_is_no_permission() {
    let edge = Edge::about(vec![coredns()]);
    edge.cluster.fault(Fault::Forbidden { verb: Verb::Get, kind: "Namespace".into() });
    assert!(edge.would(SCALE).await.unwrap_err().message.contains("not allowed to get namespace/kube-system"));
}

#[tokio::test]
async fn a_database_is_never_scaled_down() {
    let edge = Edge::about(vec![build::statefulset("databases", "db-17", 3)]);
    assert!(needs_human(edge.would("k8s.scale: { to: 2, max: 5, min: 1 }").await).contains("never automatic"));
    assert!(needs_human(edge.would("k8s.scale: { by: 1, max: 5 }").await).contains("members, not capacity"));
    assert_eq!(edge.does("k8s.scale: { to: 4, max: 5 }").await.summary, "scale statefulset/db-17 in databases 3 -> 4");
}
