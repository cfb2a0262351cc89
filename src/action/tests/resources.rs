//! `k8s.set_resources`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::FailureClass;

const RAISE: &str =
    "k8s.set_resources: { container: main, memory: { by: 25%, max: 16Gi }, cpu: { by: 500m, max: '4' } }";

fn limited(workload: Object) -> Object {
    let resources = json!({
        "limits": { "memory": "1Gi", "cpu": "1" }, "requests": { "memory": "1Gi", "cpu": "250m" },
    });
    let container = json!({ "name": "main", "image": "registry.example/web:1", "resources": resources });
    workload.with(&json!({ "spec": { "template": { "spec": { "containers": [container] } } } }))
}

pub(super) fn about_web() -> Edge {
    Edge::about(vec![limited(build::deployment("shop", "web", 2))])
}

fn resources(object: &Object, at: &str) -> Value {
    object.at(&format!("{at}/containers/0/resources")).unwrap().clone()
}

#[tokio::test]
async fn all_pods_get_the_higher_limit() {
    let edge = about_web();
    let output = edge.does(RAISE).await;
    assert_eq!(
        output.summary,
        "raise the limits of main in deployment/web in shop: memory 1Gi -> 1280Mi, the request with it; cpu 1 -> 1500m"
    );
    assert_eq!((field(&output, "memory_to"), field(&output, "cpu_from")), (&json!("1280Mi"), &json!("1")));
    edge.passes(Duration::from_secs(60));
    let wanted =
        json!({ "limits": { "memory": "1280Mi", "cpu": "1500m" }, "requests": { "memory": "1280Mi", "cpu": "250m" } });
    let pods = edge.cluster.objects("Pod", "shop");
    assert!(pods.len() == 2 && pods.iter().all(|pod| resources(pod, "/spec") == wanted), "{pods:?}");
    assert_eq!(edge.written(), ["patch deployment/web in shop"]);
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    let edge = about_web();
    let intent = edge.intends(RAISE).await;
    assert!(matches!(edge.doubts(RAISE, &intent).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(RAISE, &intent).await.unwrap_err();
    let Doubt::Done(output) = edge.doubts(RAISE, &intent).await else { panic!() };
    assert_eq!(output.summary, intent.summary);
    let theirs = limited(build::deployment("shop", "web", 2));
    edge.cluster.change(&edge.target, &json!({ "spec": theirs.0["spec"] }), "kubectl-edit").unwrap();
    let Doubt::NotDone(_) = edge.doubts(RAISE, &intent).await else { panic!("somebody has put it back") };
}

#[tokio::test]
async fn a_change_in_between_is_a_conflict() {
    let edge = about_web();
    let intent = edge.intends(RAISE).await;
    let newer = json!({ "spec": { "template": { "metadata": { "annotations": { "release": "2" } } } } });
    edge.cluster.change(&edge.target, &newer, "kubectl").unwrap();
    let error = edge.makes(RAISE, &intent).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry, "{error}");
    assert!(edge.written().is_empty());
}

#[tokio::test]
async fn it_goes_back_where_it_is_as_the_step_left_it() {
    let edge = about_web();
    let before = resources(&edge.live(&edge.target), "/spec/template/spec");
    let made = edge.intends(RAISE).await;
    edge.makes(RAISE, &made).await.unwrap();
    edge.passes(Duration::from_secs(60));
    let Plan::Do(back) = edge.takes_back(RAISE, &made).await.unwrap() else { panic!() };
    assert_eq!(
        back.summary,
        "lower the limits of main in deployment/web in shop: memory 1280Mi -> 1Gi, the request with it; cpu 1500m -> 1"
    );
    edge.makes(RAISE, &back).await.unwrap();
    assert_eq!(resources(&edge.live(&edge.target), "/spec/template/spec"), before);
    let Plan::Unneeded(again) = edge.takes_back(RAISE, &made).await.unwrap() else { panic!() };
    assert!(again.summary.contains("has its former limits again"), "{}", again.summary);
}

#[tokio::test]
async fn what_somebody_has_set_since_is_theirs() {
    let edge = about_web();
    let made = edge.intends(RAISE).await;
    edge.makes(RAISE, &made).await.unwrap();
    let mut theirs = edge.live(&edge.target).at("/spec/template/spec/containers").unwrap().clone();
    theirs[0]["resources"]["limits"]["memory"] = json!("2Gi");
    let theirs = json!({ "spec": { "template": { "spec": { "containers": theirs } } } });
    edge.cluster.change(&edge.target, &theirs, "kubectl-edit").unwrap();
    let why = needs_human(edge.takes_back(RAISE, &made).await);
    assert!(
        why.contains("what main has of deployment/web in shop is") && why.contains("since it was changed here"),
        "{why}"
    );
}

#[tokio::test]
async fn who_else_decides_is_asked_of_the_cluster() {
    let autoscaler = Object(json!({
        "apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler",
        "metadata": { "namespace": "shop", "name": "web" },
        "spec": { "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
    }));
    let edge = Edge::about(vec![limited(build::deployment("shop", "web", 2)), autoscaler]);
    assert!(needs_human(edge.would(RAISE).await).contains("sets what main in deployment/web in shop gets"));

    let spilo = json!({ "spec": { "template": { "metadata": { "labels": { "application": "spilo", "spilo-role": "replica" } } } } });
    let edge = Edge::about(vec![limited(build::statefulset("shop", "db", 2)).with(&spilo)]);
    assert!(needs_human(edge.would(RAISE).await).contains("a Patroni cluster's (pod/db-0 in shop)"));

    let range = Object(json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": { "namespace": "shop", "name": "small" },
        "spec": { "limits": [{ "type": "Container", "max": { "memory": "1Gi" } }] },
    }));
    let edge = Edge::about(vec![limited(build::deployment("shop", "web", 2)), range]);
    assert!(
        edge.would(RAISE).await.unwrap_err().message.contains("limitrange/small in shop lets a container have 1Gi")
    );
}
