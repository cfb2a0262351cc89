//! What is asked when nobody knows yet what is wrong: rollouts, Services, quotas, images, usage.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Edge, field};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, build};

/// A rollout whose new pods never become ready, beside a pod whose image is not there.
pub(super) fn of_broken_image() -> Edge {
    let edge = Edge::about(vec![build::deployment("shop", "web", 3)]);
    edge.passes(Duration::from_secs(3600));
    edge.cluster.fault(Fault::NeverReady { workload: edge.target.clone() });
    let template = json!({ "spec": { "containers": [{ "name": "main", "image": "registry.example/web:2" }] } });
    edge.cluster.change(&edge.target, &json!({ "spec": { "template": template } }), "kubectl-set").unwrap();
    edge.passes(Duration::from_secs(300));
    edge
}

#[tokio::test]
async fn a_rollout_is_followed_from_its_begin_to_its_end() {
    let edge = of_broken_image();
    let status = edge.reads("k8s.rollout_status: {}").await.unwrap();
    assert_eq!(field(&status, "state"), &json!("progressing"));
    assert_eq!(field(&status, "revision"), &json!("2"));
    assert!(!field(&status, "bad_pods").as_array().unwrap().is_empty(), "{status:?}");

    let fine = Edge::about(vec![build::deployment("shop", "web", 3)]);
    fine.passes(Duration::from_secs(600));
    let status = fine.reads("k8s.rollout_status: {}").await.unwrap();
    assert_eq!(
        status.summary,
        "deployment/web in shop is complete: of 3 pods 3 are of the present template, 3 ready, 3 available"
    );
    assert_eq!((field(&status, "because"), field(&status, "bad_pods")), (&json!(""), &json!([])));
}

#[tokio::test]
async fn a_set_waits_for_its_first_pod_that_is_not_ready() {
    let edge = Edge::about(vec![build::statefulset("shop", "db", 3)]);
    edge.passes(Duration::from_secs(600));
    let complete = edge.reads("k8s.rollout_status: {}").await.unwrap();
    assert_eq!(field(&complete, "state"), &json!("complete"), "{}", complete.summary);
    edge.cluster.fault(Fault::NeverReady { workload: edge.target.clone() });
    let template = json!({ "spec": { "containers": [{ "name": "main", "image": "registry.example/db:2" }] } });
    edge.cluster.change(&edge.target, &json!({ "spec": { "template": template } }), "kubectl-set").unwrap();
    edge.passes(Duration::from_secs(1800));
    let stuck = edge.reads("k8s.rollout_status: {}").await.unwrap();
    assert_eq!(field(&stuck, "state"), &json!("stuck"), "{}", stuck.summary);
    assert!(field(&stuck, "because").as_str().unwrap().starts_with("db-2: "), "{}", stuck.summary);
}

fn service(selector: Value) -> Object {
    Object(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": "shop", "name": "web" },
        "spec": { "selector": selector, "ports": [{ "port": 80, "targetPort": 8080 }] },
    }))
}

/// A Service with one pod that takes requests.
pub(super) fn of_service() -> Edge {
    let slice = Object(json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": { "namespace": "shop", "name": "web-1", "labels": { "kubernetes.io/service-name": "web" } },
        "addressType": "IPv4", "ports": [{ "port": 8080 }],
        "endpoints": [{
            "addresses": ["10.0.0.7"], "conditions": { "ready": true }, "nodeName": "n1", "zone": "z1",
            "targetRef": { "kind": "Pod", "namespace": "shop", "name": "web-1" },
        }],
    }));
    let edge = Edge::about(vec![service(json!({ "app": "web" })), slice, build::pod("shop", "web-1", "web")]);
    edge.passes(Duration::from_secs(60));
    edge
}

#[tokio::test]
async fn a_service_tells_where_its_requests_go() {
    let edge = of_service();
    let output = edge.reads("k8s.endpoints: {}").await.unwrap();
    assert_eq!((field(&output, "ready"), field(&output, "selects")), (&json!(1), &json!(1)));
    assert_eq!(output.summary, "service/web in shop has 1 addresses that are ready, and 0 that are not");

    let lost = Edge::about(vec![service(json!({ "app": "shop" })), build::pod("shop", "web-1", "web")]);
    let output = lost.reads("k8s.endpoints: { name: web }").await.unwrap();
    assert_eq!(field(&output, "because"), &json!("its selector app=shop matches no pod"));
    let absent = lost.reads("k8s.endpoints: { name: other }").await.unwrap_err();
    assert_eq!(absent.message, "service/other in shop is not there");
    let pod = Edge::about(vec![build::pod("shop", "web-1", "web")]);
    assert!(pod.reads("k8s.endpoints: {}").await.unwrap_err().message.contains("is no Service"));
}

/// A namespace with a quota that is used up, and a limit range.
pub(super) fn of_full_namespace() -> Edge {
    let quota = Object(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "namespace": "shop", "name": "compute" },
        "spec": { "hard": { "pods": "2" } },
        "status": { "hard": { "pods": "2" }, "used": { "pods": "2" } },
    }));
    let range = Object(json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": { "namespace": "shop", "name": "small" },
        "spec": { "limits": [{ "type": "Container", "max": { "memory": "1Gi" } }] },
    }));
    Edge::about(vec![build::deployment("shop", "web", 2), quota, range])
}

#[tokio::test]
async fn a_full_quota_is_named() {
    let edge = of_full_namespace();
    let output = edge.reads("k8s.quota: {}").await.unwrap();
    assert_eq!(output.summary, "nothing is left in shop of pods of compute");
    assert_eq!(field(&output, "limits")[0]["max"], json!("1Gi"));
    let elsewhere = edge.reads("k8s.quota: { namespace: infra }").await.unwrap();
    assert_eq!(elsewhere.summary, "no quota in infra");
    let error = super::super::registry::tests::error("k8s.quota: { namespace: '{{inputs.ns}}' }");
    assert!(error.contains("`namespace` must be written out"), "{error}");
}

#[tokio::test]
async fn the_images_of_a_workload_are_counted() {
    let output = of_broken_image().reads("k8s.images: {}").await.unwrap();
    let images: Vec<&str> =
        field(&output, "images").as_array().unwrap().iter().map(|it| it["image"].as_str().unwrap()).collect();
    assert!(images.contains(&"registry.example/web:2"), "{images:?}");
    assert_eq!(field(&output, "not_pulled"), &json!(0));
}

fn measured(kind: &str, name: &str, body: Value) -> Object {
    let mut metadata = json!({ "name": name, "labels": { "app": "web" } });
    if kind == "PodMetrics" {
        metadata["namespace"] = json!("shop");
    }
    Object(json!({ "apiVersion": "metrics.k8s.io/v1beta1", "kind": kind, "metadata": metadata })).with(&body)
}

/// A workload of one pod whose usage is known.
pub(super) fn of_measured() -> Edge {
    let set = build::statefulset("shop", "web", 1);
    let usage = json!({ "containers": [{ "name": "main", "usage": { "cpu": "250m", "memory": "512Mi" } }] });
    let limits = json!({ "cpu": "500m", "memory": "1Gi" });
    let containers = json!([{ "name": "main", "image": "web:1", "resources": { "limits": limits } }]);
    let set = set.with(&json!({ "spec": { "template": { "spec": { "containers": containers } } } }));
    let edge = Edge::about(vec![set, measured("PodMetrics", "web-0", usage)]);
    edge.passes(Duration::from_secs(600));
    edge
}

#[tokio::test]
async fn what_is_used_is_told_beside_what_may_be() {
    let output = of_measured().reads("k8s.top: {}").await.unwrap();
    assert_eq!((field(&output, "cpu_share"), field(&output, "memory_share")), (&json!(0.5), &json!(0.5)));
    let usage = json!({ "usage": { "cpu": "1", "memory": "1Gi" } });
    let node = Edge::about(vec![build::node("a"), measured("NodeMetrics", "a", usage)]);
    assert_eq!(field(&node.reads("k8s.top: {}").await.unwrap(), "cpu"), &json!(1.0));
}

#[tokio::test]
async fn without_metrics_server_that_is_what_is_said() {
    for target in [build::deployment("shop", "web", 1), build::node("a"), build::pod("shop", "web-1", "web")] {
        let error = Edge::about(vec![target]).reads("k8s.top: {}").await.unwrap_err();
        assert!(error.message.contains("metrics-server is missing"), "{error}");
    }
}
