//! `k8s.evict`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::{FailureClass, ObjectKey};

const EVICT: &str = "k8s.evict: {}";

fn budget(name: &str, spec: &Value) -> Object {
    Object(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "namespace": "shop", "name": name },
        "spec": { "selector": { "matchLabels": { "app": "web" } } },
    }))
    .with(&json!({ "spec": spec }))
}

/// A run about `web-0` of three, which are all ready, and what else there is.
fn web(others: Vec<Object>) -> Edge {
    let set = build::statefulset("shop", "web", 3);
    let mut objects = vec![build::owned_by(build::pod("shop", "web-0", "web"), &set), set];
    objects.extend(others);
    let edge = Edge::about(objects);
    edge.passes(Duration::from_secs(60));
    edge
}

fn other(edge: &Edge, name: &str) -> Object {
    edge.live(&ObjectKey::new("Pod", "shop", name))
}

fn becomes_unready(edge: &Edge, name: &str) {
    let unready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "False" }] } });
    edge.cluster.change(&other(edge, name).key(), &unready, "kubelet").unwrap();
}

#[tokio::test]
async fn a_pod_goes_and_another_one_comes() {
    let edge = web(vec![]);
    let before = edge.live(&edge.target).uid().to_owned();
    let output = edge.does(EVICT).await;
    assert_eq!(output.summary, "evict pod/web-0 in shop");
    assert_eq!((field(&output, "node"), field(&output, "controller")), (&json!("node"), &json!("StatefulSet/web")));
    let Ok(Plan::Unneeded(output)) = edge.would(EVICT).await else { panic!() };
    assert!(output.summary.ends_with("is being deleted already"), "{output:?}");
    edge.passes(Duration::from_secs(60));
    assert_ne!(edge.live(&edge.target).uid(), before);
    assert_eq!(edge.written(), ["create pod/web-0 in shop eviction"]);
}

#[tokio::test]
async fn a_budget_that_says_no_is_asked_again() {
    for (spec, needed) in [
        (json!({ "minAvailable": 3 }), 3),
        (json!({ "minAvailable": "100%" }), 3),
        (json!({ "maxUnavailable": 0 }), 3),
        (json!({ "maxUnavailable": "0%" }), 3),
    ] {
        let edge = web(vec![budget("web", &spec)]);
        let intent = edge.intends(EVICT).await;
        let error = edge.makes(EVICT, &intent).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Retry, "{spec}: {error}");
        let told = format!("The disruption budget web needs {needed} healthy pods and has 3 currently");
        assert!(error.message.contains(&told), "{spec}: {error}");
        assert!(matches!(edge.doubts(EVICT, &intent).await, Doubt::NotDone(_)));
        assert_eq!(edge.written(), [] as [&str; 0]);

        let fewer = json!({ "spec": { "minAvailable": 2, "maxUnavailable": null } });
        edge.cluster.change(&budget("web", &json!({})).key(), &fewer, "kubectl").unwrap();
        edge.makes(EVICT, &intent).await.unwrap();
        assert!(edge.live(&edge.target).is_going());
    }
}

#[tokio::test]
async fn a_budget_counts_what_is_well() {
    let edge = web(vec![budget("web", &json!({ "maxUnavailable": 1 }))]);
    becomes_unready(&edge, "web-1");
    let intent = edge.intends("k8s.evict: { unready_peers: 2 }").await;
    let error = edge.makes(EVICT, &intent).await.unwrap_err();
    assert!(error.message.contains("needs 2 healthy pods and has 2 currently"), "{error}");

    // One that is not ready itself takes nothing away from those that are,
    becomes_unready(&edge, "web-0");
    let error = edge.makes(EVICT, &intent).await.unwrap_err();
    assert!(error.message.contains("has 1 currently"), "as long as enough of them are: {error}");
    // or whatever the others do, where the budget says so.
    let always = json!({ "spec": { "unhealthyPodEvictionPolicy": "AlwaysAllow" } });
    edge.cluster.change(&budget("web", &json!({})).key(), &always, "kubectl").unwrap();
    edge.makes(EVICT, &intent).await.unwrap();
}

#[tokio::test]
async fn two_budgets_are_nobodys_to_decide_between() {
    let edge = web(vec![budget("one", &json!({ "minAvailable": 1 })), budget("two", &json!({ "minAvailable": 1 }))]);
    let intent = edge.intends(EVICT).await;
    let error = edge.makes(EVICT, &intent).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Fail);
    assert!(error.message.contains("more than one PodDisruptionBudget"), "{error}");
}

#[tokio::test]
async fn without_a_budget_one_goes_at_a_time() {
    let edge = web(vec![]);
    becomes_unready(&edge, "web-2");
    let error = edge.would(EVICT).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry);
    assert!(error.message.starts_with("1 of the 2 other pods of StatefulSet `web` are not ready"), "{error}");
    assert!(matches!(edge.would("k8s.evict: { unready_peers: 1 }").await, Ok(Plan::Do(_))));
}

#[tokio::test]
async fn one_that_is_missing_holds_the_others() {
    let edge = web(vec![]);
    let three = edge.live(&ObjectKey::new("StatefulSet", "shop", "web")).number("/spec/replicas");
    assert_eq!(three, Some(3));
    edge.does(EVICT).await;
    let next = Edge { target: ObjectKey::new("Pod", "shop", "web-1"), ..edge };
    let error = next.would(EVICT).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry, "{error}");
    // And so does a node that takes none: what was evicted does not come back.
    next.cluster.remove(&ObjectKey::new("Pod", "shop", "web-0"));
    let error = next.would(EVICT).await.unwrap_err();
    assert!(
        error.message.starts_with("1 of the 2 other pods of StatefulSet `web` are not ready, or not there"),
        "{error}"
    );
}

#[tokio::test]
async fn what_would_be_lost_with_a_pod_holds_it() {
    let edge = web(vec![]);
    let scratch = json!({ "spec": { "volumes": [{ "name": "scratch", "emptyDir": {} }] } });
    edge.cluster.change(&edge.target, &scratch, "kubectl").unwrap();
    let error = edge.would(EVICT).await.unwrap_err();
    assert_eq!(error.class, FailureClass::HeldUp);
    assert!(error.message.contains("has the volume `scratch`: an emptyDir"), "{error}");
    assert!(matches!(edge.would("k8s.evict: { emptydir: true }").await, Ok(Plan::Do(_))));
}

#[tokio::test]
async fn a_leader_and_what_is_on_one_node_stay() {
    let edge = web(vec![]);
    edge.cluster
        .change(&edge.target, &json!({ "metadata": { "labels": { "cnpg.io/instanceRole": "primary" } } }), "cnpg")
        .unwrap();
    assert!(needs_human(edge.would(EVICT).await).contains("leader of a Patroni cluster"));

    let terms =
        json!([{ "matchExpressions": [{ "key": "kubernetes.io/hostname", "operator": "In", "values": ["node"] }] }]);
    let volume = build::pv("pvc-shop-data", "local", "10Gi")
        .with(&json!({ "spec": { "nodeAffinity": { "required": { "nodeSelectorTerms": terms } } } }));
    let claim = build::pvc("shop", "data", "local", "10Gi");
    let set = build::statefulset("shop", "web", 1);
    let pod = build::using_claim(build::owned_by(build::pod("shop", "web-0", "web"), &set), "data");
    let edge = Edge::about(vec![pod, set, volume, claim]);
    let error = edge.would(EVICT).await.unwrap_err();
    assert_eq!(error.class, FailureClass::HeldUp);
    assert!(error.message.contains("which exists on node `node` alone: it could start nowhere else"), "{error}");
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    let edge = web(vec![]);
    let intent = edge.intends(EVICT).await;
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Create, kind: "Pod".into(), times: 1 });
    assert_eq!(edge.makes(EVICT, &intent).await.unwrap_err().class, FailureClass::Retry);
    assert!(matches!(edge.doubts(EVICT, &intent).await, Doubt::Done(_)));
    edge.passes(Duration::from_secs(60));
    // The one that came in its place has its name, and is another.
    assert!(matches!(edge.doubts(EVICT, &intent).await, Doubt::Done(_)));
    let error = edge.makes(EVICT, &intent).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry, "its UID is another: {error}");
    assert_eq!(edge.written().len(), 1);
}
