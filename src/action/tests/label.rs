//! `k8s.label`.

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::FailureClass;

pub(super) const MARK: &str = "k8s.label: { key: example.com/inspect, value: now }";

pub(super) fn about_web() -> Edge {
    Edge::about(vec![build::deployment("shop", "web", 2)])
}

fn labelled(edge: &Edge) -> Option<String> {
    edge.live(&edge.target).label("example.com/inspect").map(str::to_owned)
}

fn selecting(kind: &str, version: &str, spec: Value) -> Object {
    let metadata = json!({ "namespace": "shop", "name": "inspect" });
    json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec }).into()
}

#[tokio::test]
async fn a_label_is_set_and_taken_away_again() {
    let edge = about_web();
    let made = edge.intends(MARK).await;
    let output = edge.makes(MARK, &made).await.unwrap();
    assert_eq!(output.summary, "label deployment/web in shop example.com/inspect (none) -> now");
    assert_eq!((field(&output, "from"), field(&output, "to")), (&json!(null), &json!("now")));
    assert_eq!(labelled(&edge).as_deref(), Some("now"));
    assert!(matches!(edge.would(MARK).await, Ok(Plan::Unneeded(_))));

    let Plan::Do(back) = edge.takes_back(MARK, &made).await.unwrap() else { panic!() };
    assert!(matches!(edge.doubts(MARK, &back).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(MARK, &back).await.unwrap_err();
    assert!(matches!(edge.doubts(MARK, &back).await, Doubt::Done(_)));
    assert_eq!(labelled(&edge), None);
    assert!(matches!(edge.takes_back(MARK, &made).await, Ok(Plan::Unneeded(_))));
}

#[tokio::test]
async fn what_something_selects_by_is_not_set() {
    let by = json!({ "matchLabels": { "example.com/inspect": "now" } });
    for selects in [
        selecting("Service", "v1", json!({ "selector": { "example.com/inspect": "now" } })),
        selecting("PodDisruptionBudget", "policy/v1", json!({ "selector": by, "minAvailable": 1 })),
        selecting("NetworkPolicy", "networking.k8s.io/v1", json!({ "podSelector": by })),
    ] {
        let what = selects.key();
        let edge = Edge::about(vec![build::deployment("shop", "web", 2), selects]);
        let error = edge.would(MARK).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Fail);
        assert!(error.message.starts_with(&format!("{what} selects by the label `example.com/inspect`")), "{error}");
        assert!(edge.written().is_empty());
    }
    let other = selecting("Service", "v1", json!({ "selector": { "app": "web" } }));
    let edge = Edge::about(vec![build::deployment("shop", "web", 2), other]);
    edge.does(MARK).await;
}

#[tokio::test]
async fn of_a_node_all_namespaces_are_asked() {
    let picks = json!({ "spec": { "template": { "spec": { "nodeSelector": { "example.com/inspect": "now" } } } } });
    let edge = Edge::about(vec![build::node("a"), build::deployment("shop", "web", 1).with(&picks)]);
    assert!(edge.would(MARK).await.unwrap_err().message.contains("deployment/web in shop selects by the label"));
    let edge = Edge::about(vec![build::node("a"), build::deployment("shop", "web", 1)]);
    edge.does(MARK).await;
}

#[tokio::test]
async fn what_somebody_has_set_since_is_theirs() {
    let edge = about_web();
    let made = edge.intends(MARK).await;
    edge.makes(MARK, &made).await.unwrap();
    let theirs = json!({ "metadata": { "labels": { "example.com/inspect": "later" } } });
    edge.cluster.change(&edge.target, &theirs, "kubectl-label").unwrap();
    assert!(needs_human(edge.takes_back(MARK, &made).await).contains("`kubectl-label`"));
    let Doubt::Unclear(why) = edge.doubts(MARK, &made).await else { panic!() };
    assert!(why.contains("while this was under way"), "{why}");
}
