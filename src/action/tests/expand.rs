//! `k8s.expand_pvc`, and what `k8s.last_change` says about it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::{FailureClass, ObjectKey};

const GROW: &str = "k8s.expand_pvc: { by: 20%, max: 500Gi }";
const ASKED: &str = "k8s.last_change: { field: spec.resources.requests.storage }";

fn claim() -> Object {
    build::pvc("databases", "data-db-17", "ssd", "100Gi")
}

fn about_claim() -> Edge {
    Edge::about(vec![claim(), build::storage_class("ssd", true)])
}

fn asked(edge: &Edge) -> String {
    edge.live(&edge.target).text("/spec/resources/requests/storage").to_owned()
}

#[tokio::test]
async fn a_fifth_more_arrives() {
    let edge = about_claim();
    let output = edge.does(GROW).await;
    assert_eq!(output.summary, "expand persistentvolumeclaim/data-db-17 in databases 100Gi -> 120Gi");
    assert_eq!(
        (field(&output, "from"), field(&output, "to"), field(&output, "class")),
        (&json!("100Gi"), &json!("120Gi"), &json!("ssd"))
    );
    let Plan::Unneeded(waiting) = edge.would(GROW).await.unwrap() else { panic!() };
    assert!(waiting.summary.contains("under way already"), "{}", waiting.summary);
    edge.passes(Duration::from_secs(60));
    assert_eq!(edge.live(&edge.target).text("/status/capacity/storage"), "120Gi");
    assert_eq!(edge.written(), ["patch persistentvolumeclaim/data-db-17 in databases"]);
}

#[tokio::test]
async fn our_own_expansion_is_the_last_change() {
    let edge = about_claim();
    edge.does(GROW).await;
    edge.passes(Duration::from_secs(3 * 3600));
    let change = edge.reads(ASKED).await.unwrap();
    assert_eq!(field(&change, "manager"), &json!("dogwatch-run-7-act"));
    assert_eq!((field(&change, "age_seconds"), field(&change, "at_creation")), (&json!(10_800), &json!(false)));
    let grown = edge.reads("k8s.last_change: { field: status.capacity.storage }").await.unwrap();
    assert!(field(&grown, "age_seconds").as_i64().unwrap() <= 10_800, "{grown:?}");
}

#[tokio::test]
async fn somebody_elses_expansion_is_one_too() {
    let edge = about_claim();
    let patch = json!({ "spec": { "resources": { "requests": { "storage": "150Gi" } } } });
    edge.cluster.change(&edge.target, &patch, "kubectl-edit").unwrap();
    edge.passes(Duration::from_secs(3600));
    let change = edge.reads(ASKED).await.unwrap();
    assert_eq!((field(&change, "manager"), field(&change, "age_seconds")), (&json!("kubectl-edit"), &json!(3_600)));
}

#[tokio::test]
async fn a_claim_that_was_just_made_has_not_changed() {
    let edge = Edge::about(vec![build::storage_class("ssd", true)]);
    let pending = build::pending_pvc("databases", "data-db-18", "ssd", "10Gi");
    edge.cluster.apply(&pending, "kube-controller-manager").unwrap();
    edge.passes(Duration::from_secs(7 * 3600));
    let edge = Edge { target: pending.key(), ..edge };
    let change = edge.reads(ASKED).await.unwrap();
    assert_eq!(field(&change, "at_creation"), &json!(true));
    // Binding it wrote to it once more, a few seconds later.
    assert!((25_100..25_200).contains(&field(&change, "age_seconds").as_i64().unwrap()), "{change:?}");
}

#[tokio::test]
async fn a_lost_answer_is_found_out_whatever_the_spelling() {
    let edge =
        Edge::about(vec![build::pvc("databases", "data-db-17", "ssd", "1000Gi"), build::storage_class("ssd", true)]);
    let grow = "k8s.expand_pvc: { by: 24Gi, max: 2Ti }";
    let intent = edge.intends(grow).await;
    assert_eq!(intent.after, json!("1Ti"));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    assert_eq!(edge.makes(grow, &intent).await.unwrap_err().class, FailureClass::Retry);
    assert!(matches!(edge.doubts(grow, &intent).await, Doubt::Done(_)));
    assert_eq!(edge.written().len(), 1);
}

#[tokio::test]
async fn what_never_arrived_is_made_again_and_what_others_did_is_not() {
    let edge = about_claim();
    let intent = edge.intends(GROW).await;
    assert!(matches!(edge.doubts(GROW, &intent).await, Doubt::NotDone(_)));
    let patch = json!({ "spec": { "resources": { "requests": { "storage": "120Gi" } } } });
    edge.cluster.change(&edge.target, &patch, "kubectl-edit").unwrap();
    let Doubt::Unclear(why) = edge.doubts(GROW, &intent).await else { panic!() };
    assert!(why.contains("set by `kubectl-edit`"), "{why}");
}

#[tokio::test]
async fn a_class_that_forbids_it_or_is_gone_is_for_a_human() {
    let fixed = Edge::about(vec![claim(), build::storage_class("ssd", false)]);
    assert!(needs_human(fixed.would(GROW).await).contains("the storage class `ssd`"));
    let gone = Edge::about(vec![claim()]);
    assert!(needs_human(gone.would(GROW).await).contains("is not there any more"));
}

#[tokio::test]
async fn the_operator_of_a_database_decides_its_size() {
    let set = |owner: Value| {
        let template = json!({ "metadata": { "name": "data" }, "spec": {} });
        build::statefulset("databases", "db", 0).with(&json!({
            "metadata": { "ownerReferences": owner },
            "spec": { "volumeClaimTemplates": [template] },
        }))
    };
    let edge = |owner| Edge::about(vec![claim(), build::storage_class("ssd", true), set(owner)]);
    let operator = json!([{
        "apiVersion": "acid.zalan.do/v1", "kind": "postgresql", "name": "db", "uid": "1", "controller": true,
    }]);
    let why = needs_human(edge(operator).would(GROW).await);
    assert!(
        why.contains("belongs to statefulset/db in databases") && why.contains("is made by postgresql `db`"),
        "{why}"
    );
    assert!(edge(json!([])).would(GROW).await.is_ok());
    // It decides about claims that are made later.
    let of_prometheus = json!([{
        "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "name": "db", "uid": "1", "controller": true,
    }]);
    assert!(edge(of_prometheus).would(GROW).await.is_ok());
}

#[tokio::test]
async fn the_cap_and_hands_off_hold() {
    let edge = about_claim();
    let refused = edge.would("k8s.expand_pvc: { by: 20%, max: 100Gi }").await.unwrap_err();
    assert!(refused.message.contains("the cap is 100Gi"), "{refused}");
    let hold = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "" } } });
    edge.cluster.change(&ObjectKey::new("Namespace", "", "databases"), &hold, "kubectl").unwrap();
    assert!(needs_human(edge.would(GROW).await).contains("namespace/databases"));
    assert_eq!(asked(&edge), "100Gi");
}

#[tokio::test]
async fn a_claim_that_is_gone_is_an_error() {
    let edge = about_claim();
    edge.cluster.remove(&edge.target);
    let going = edge.would(GROW).await.unwrap_err();
    assert_eq!(going.message, "persistentvolumeclaim/data-db-17 in databases is being deleted");
    edge.passes(Duration::from_secs(60));
    let error = edge.would(GROW).await.unwrap_err();
    assert_eq!(error.message, "persistentvolumeclaim/data-db-17 in databases is not there any more");
}
