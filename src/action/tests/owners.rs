//! `k8s.owners`, and the changes that ask the same.

use serde_json::{Value, json};

use super::{Edge, field, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::build;

pub(super) const OF_REPLICAS: &str = "k8s.owners: { field: spec.replicas }";
const SCALE: &str = "k8s.scale: { by: 50%, max: 10 }";

fn coredns() -> Object {
    build::deployment("kube-system", "coredns", 4)
}

fn proportional() -> Vec<Object> {
    let args = ["/cluster-proportional-autoscaler", "--configmap=dns-params", "--target=Deployment/coredns"];
    let container = json!({ "name": "autoscaler", "image": "cpa:1", "command": args });
    let deployment = build::deployment("kube-system", "dns-autoscaler", 1)
        .with(&json!({ "spec": { "template": { "spec": { "containers": [container] } } } }));
    vec![deployment, build::configmap("kube-system", "dns-params", &[("linear", r#"{"min":2}"#)])]
}

/// A number that an autoscaler and a person have set.
pub(super) fn argued_about() -> Edge {
    let edge = Edge::about(vec![coredns(), build::hpa("kube-system", "dns", 2, 20)]);
    let target = json!({ "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "coredns" } } });
    let hpa = crate::model::ObjectKey::new("HorizontalPodAutoscaler", "kube-system", "dns");
    edge.cluster.change(&hpa, &target, "kubectl").unwrap();
    edge.cluster.change(&edge.target, &json!({ "spec": { "replicas": 5 } }), "kubectl-edit").unwrap();
    edge
}

/// The names of those that would put it back, and of all.
fn who(output: &crate::action::Output) -> (Vec<&str>, usize) {
    let all = field(output, "deciders").as_array().unwrap();
    let certain = all.iter().filter(|it| it["certain"] == json!(true));
    (certain.map(|it| it["who"].as_str().unwrap()).collect(), all.len())
}

#[tokio::test]
async fn an_autoscaler_decides_and_a_person_has_written() {
    let edge = argued_about();
    let output = edge.reads(OF_REPLICAS).await.unwrap();
    assert_eq!(who(&output), (vec!["horizontalpodautoscaler/dns in kube-system"], 2));
    assert_eq!(field(&output, "count"), &json!(1));
    assert_eq!(
        output.summary,
        "spec.replicas of deployment/coredns in kube-system is decided by horizontalpodautoscaler/dns in kube-system: change its \
         minReplicas or maxReplicas (its target)"
    );
    let paused = edge.reads("k8s.owners: { field: spec.paused }").await.unwrap();
    assert_eq!(paused.summary, "nobody is known to decide spec.paused of deployment/coredns in kube-system");
}

#[tokio::test]
async fn two_that_decide_one_number_are_named_and_nothing_is_changed() {
    let objects = [vec![coredns(), build::hpa("kube-system", "coredns", 2, 20)], proportional()].concat();
    let edge = Edge::about(objects);
    let both =
        "horizontalpodautoscaler/coredns in kube-system and deployment/dns-autoscaler in kube-system both decide";
    let output = edge.reads(OF_REPLICAS).await.unwrap();
    assert_eq!(field(&output, "count"), &json!(2));
    assert!(output.summary.starts_with(both), "{}", output.summary);
    let why = needs_human(edge.would(SCALE).await);
    assert!(why.starts_with(both), "{why}");
    assert!(edge.written().is_empty());
}

/// A Deployment with these labels, the field set by that manager in that way.
fn kept(labels: Value, manager: &str, operation: &str) -> Edge {
    let entry = json!({
        "manager": manager, "operation": operation, "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:replicas": {} } },
    });
    Edge::about(vec![coredns().with(&json!({ "metadata": { "labels": labels, "managedFields": [entry] } }))])
}

#[tokio::test]
async fn whoever_keeps_the_number_is_left_alone() {
    let reconcile = json!({ "addonmanager.kubernetes.io/mode": "Reconcile" });
    for (labels, manager, operation, name) in [
        (json!({}), "fleetagent", "Apply", "Fleet"),
        (json!({}), "gardener-resource-manager", "Update", "Gardener"),
        (json!({}), "acme-deployer", "Apply", "`acme-deployer`"),
        (json!({}), "dns-operator", "Update", "`dns-operator`"),
        (reconcile, "kubectl-client-side-apply", "Update", "the add-on manager"),
    ] {
        let edge = kept(labels, manager, operation);
        let why = needs_human(edge.would(SCALE).await);
        assert!(
            why.contains("spec.replicas of deployment/coredns in kube-system is kept by") && why.contains(name),
            "{why}"
        );
        assert_eq!(field(&edge.reads(OF_REPLICAS).await.unwrap(), "count"), &json!(1), "{manager}");
        assert!(edge.written().is_empty());
    }
    for (manager, operation) in [("kubectl", "Apply"), ("helm", "Update"), ("python-requests", "Update")] {
        let edge = kept(json!({ "app.kubernetes.io/managed-by": "Helm" }), manager, operation);
        edge.does(SCALE).await;
    }
}
