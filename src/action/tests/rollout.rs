//! `k8s.rollout_history` and `k8s.rollout_undo`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, action, field, mutation, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::{FailureClass, ObjectKey};

const HISTORY: &str = "k8s.rollout_history: {}";
const UNDO: &str = "k8s.rollout_undo: { to_revision: 1, from_revision: 2 }";
const BACK: &str = "roll deployment/web in shop back, revision 2 (registry.example/web:2) -> 1 (registry.example/web:1); \
     beside images it changes annotation release, env of main";

fn image(container: &str) -> Value {
    json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": container }] } } } })
}

/// A Deployment that ran, and whose second template does not come up.
pub(super) fn broken() -> Edge {
    let edge = Edge::about(vec![build::deployment("shop", "web", 3)]);
    edge.passes(Duration::from_secs(3600));
    edge.cluster.fault(Fault::NeverReady { workload: edge.target.clone() });
    change(
        &edge,
        &json!({ "spec": { "template": {
        "metadata": { "annotations": { "release": "2" } },
        "spec": { "containers": [{ "name": "main", "image": "registry.example/web:2", "env": [{ "name": "A", "value": "1" }] }] },
    } } }),
    );
    edge
}

fn change(edge: &Edge, patch: &Value) {
    edge.cluster.change(&edge.target, patch, "kubectl-set").unwrap();
    edge.passes(Duration::from_secs(600));
}

fn sets(edge: &Edge) -> Vec<(String, String, i64)> {
    let mut sets: Vec<_> = edge
        .cluster
        .objects("ReplicaSet", "shop")
        .iter()
        .map(|set| {
            let number = set.annotation("deployment.kubernetes.io/revision").unwrap_or_default().to_owned();
            let image = set.text("/spec/template/spec/containers/0/image").to_owned();
            (image, number, set.number("/status/readyReplicas").unwrap_or(0))
        })
        .collect();
    sets.sort();
    sets
}

fn template(edge: &Edge) -> Value {
    edge.live(&edge.target).at("/spec/template").unwrap().clone()
}

#[tokio::test]
async fn a_change_that_does_not_come_up_is_told_and_taken_back() {
    let edge = Edge::about(vec![build::deployment("shop", "web", 3)]);
    let before = template(&edge);
    let edge = broken();
    let told = edge.reads(HISTORY).await.unwrap();
    assert_eq!(
        told.summary,
        "revision 2 (registry.example/web:2) since 9m59s, before it 1 (registry.example/web:1), of which 3 pods are available; \
         other annotations of its pods: release"
    );
    assert_eq!((field(&told, "previous"), field(&told, "previous_was_ready")), (&json!(1), &json!(true)));
    assert_ne!(template(&edge), before);

    let output = edge.does(UNDO).await;
    assert_eq!(output.summary, BACK);
    assert_eq!((field(&output, "from"), field(&output, "to")), (&json!(2), &json!(1)));
    assert_eq!(template(&edge), before, "what the second one brought along is gone");
    edge.passes(Duration::from_secs(60));
    let web = "registry.example/web";
    assert_eq!(sets(&edge), [(format!("{web}:1"), "3".into(), 3), (format!("{web}:2"), "2".into(), 0)]);
    let live = edge.live(&edge.target);
    assert_eq!(live.annotation("kubernetes.io/change-cause"), Some("dogwatch-run-7-act: back to revision 1"));
    assert_eq!(live.at("/status/observedGeneration"), live.at("/metadata/generation"));
    assert_eq!(live.number("/status/updatedReplicas"), Some(3));
    assert_eq!(edge.written(), ["patch deployment/web in shop"]);

    let Plan::Unneeded(again) = edge.would("k8s.rollout_undo: { to_revision: 1 }").await.unwrap() else { panic!() };
    assert!(again.summary.contains("has the template of revision 1 already"), "{}", again.summary);
    let told = edge.reads(HISTORY).await.unwrap();
    assert_eq!(field(&told, "revision"), &json!(3));
    assert!(field(&told, "age_seconds").as_i64().unwrap() <= 60, "{told:?}");
}

#[tokio::test]
async fn pods_are_told_apart_by_their_template() {
    let edge = broken();
    let (rollout, pods) = (edge.reads(HISTORY).await.unwrap(), edge.reads("k8s.pods: {}").await.unwrap());
    let items = field(&pods, "items").as_array().unwrap().clone();
    let (new, old): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|pod| &pod["template_hash"] == field(&rollout, "template_hash"));
    assert!(!new.is_empty() && new.iter().all(|pod| pod["ready"] == false), "{new:?}");
    assert!(old.len() == 3 && old.iter().all(|pod| pod["ready"] == true), "{old:?}");
}

#[tokio::test]
async fn a_fix_that_somebody_deploys_meanwhile_is_not_replaced() {
    let edge = broken();
    let intent = edge.intends(UNDO).await;
    change(&edge, &image("registry.example/web:3"));
    let error = edge.makes(UNDO, &intent).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry, "{error}");
    let why = needs_human(edge.would(UNDO).await);
    assert!(why.contains("is at revision 3 (registry.example/web:3), and no longer at 2"), "{why}");
    assert!(edge.written().is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    let edge = broken();
    let intent = edge.intends(UNDO).await;
    assert!(matches!(edge.doubts(UNDO, &intent).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(UNDO, &intent).await.unwrap_err();
    let Doubt::Done(output) = edge.doubts(UNDO, &intent).await else { panic!() };
    assert_eq!(output.summary, BACK);
    change(&edge, &image("registry.example/web:3"));
    let Doubt::Unclear(why) = edge.doubts(UNDO, &intent).await else { panic!() };
    assert!(why.contains("was written by `kubectl-set` while this was under way"), "{why}");
}

#[tokio::test]
async fn a_change_that_only_took_something_away_is_known_again() {
    let added = json!({ "spec": { "template": { "metadata": { "annotations": { "flag": "on" } } } } });
    let edge = Edge::about(vec![build::deployment("shop", "web", 3)]);
    edge.cluster.fault(Fault::NeverReady { workload: edge.target.clone() });
    change(&edge, &added);
    let intent = edge.intends(UNDO).await;
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(UNDO, &intent).await.unwrap_err();
    assert!(matches!(edge.doubts(UNDO, &intent).await, Doubt::Done(_)));
}

#[tokio::test]
async fn a_revision_that_is_cleaned_up_meanwhile_is_an_error() {
    let edge = broken();
    let intent = edge.intends(UNDO).await;
    let set = intent.after["replica_set"].as_str().unwrap();
    edge.cluster.remove(&ObjectKey::new("ReplicaSet", "shop", set));
    edge.passes(Duration::from_secs(60));
    let current = edge.live(&edge.target).resource_version().to_owned();
    let intent = crate::model::Intent { resource_version: current, ..intent };
    let error = edge.makes(UNDO, &intent).await.unwrap_err();
    assert!(error.message.contains("is gone since this was decided"), "{error}");
}

#[tokio::test]
async fn a_dry_run_and_hands_off_change_nothing() {
    let edge = broken();
    let before = template(&edge);
    let intent = edge.intends(UNDO).await;
    let undo = action(UNDO).unwrap();
    let output = mutation(&undo).apply(&edge.world(Some(&undo)), &intent, true).await.unwrap();
    assert_eq!(output.summary, BACK);
    let asked: Vec<(bool, String)> =
        edge.cluster.writes().into_iter().map(|write| (write.dry_run, write.key.to_string())).collect();
    assert_eq!(asked, [(true, "deployment/web in shop".to_owned())]);
    assert_eq!(template(&edge), before);
    assert_eq!(edge.live(&edge.target).annotation("kubernetes.io/change-cause"), None);
    let hold = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "friday" } } });
    edge.cluster.change(&edge.target, &hold, "kubectl").unwrap();
    edge.passes(Duration::from_secs(5));
    assert!(needs_human(edge.would(UNDO).await).contains("dogwatch/hands-off=friday"));
    assert_eq!(template(&edge), before);
    assert!(edge.written().is_empty());
}

#[tokio::test]
async fn what_is_no_deployment_has_no_revisions() {
    let edge = Edge::about(vec![build::statefulset("shop", "db", 1)]);
    assert!(edge.reads(HISTORY).await.unwrap_err().message.contains("only Deployments have"));
    let none: Vec<Object> = edge.cluster.objects("ReplicaSet", "shop");
    assert!(none.is_empty());
}
