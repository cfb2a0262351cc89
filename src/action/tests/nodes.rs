//! `k8s.cordon` and `k8s.uncordon`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::FailureClass;

const CORDON: &str = "k8s.cordon: {}";
const UNCORDON: &str = "k8s.uncordon: {}";

fn sick(name: &str) -> Object {
    build::node(name).with(&json!({ "status": { "conditions": [{ "type": "Ready", "status": "Unknown" }] } }))
}

fn three() -> Edge {
    Edge::about(vec![sick("a"), build::node("b"), build::node("c")])
}

fn unschedulable(edge: &Edge) -> Value {
    edge.live(&edge.target).at("/spec/unschedulable").cloned().unwrap_or_default()
}

fn is_ready_again(edge: &Edge) {
    let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
    edge.cluster.change(&edge.target, &ready, "kubelet").unwrap();
}

#[tokio::test]
async fn a_sick_node_is_cordoned_and_taken_into_use_again() {
    let edge = three();
    assert_eq!(edge.does(CORDON).await.summary, "cordon node/a");
    assert_eq!(unschedulable(&edge), json!(true));
    let Ok(Plan::Unneeded(output)) = edge.would(CORDON).await else { panic!() };
    assert_eq!(output.summary, "node/a is cordoned already, by `dogwatch-run-7-act`");

    let refused = edge.would(UNCORDON).await.unwrap_err();
    assert_eq!(
        (refused.class, &*refused.message),
        (FailureClass::Fail, "node/a is not ready: pods that come there would not run")
    );
    is_ready_again(&edge);
    assert_eq!(edge.does(UNCORDON).await.summary, "uncordon node/a");
    assert_eq!(unschedulable(&edge), Value::Null);
    assert!(matches!(edge.would(UNCORDON).await, Ok(Plan::Unneeded(_))));
    assert_eq!(edge.written(), ["patch node/a", "patch node/a"]);
}

#[tokio::test]
async fn what_somebody_else_cordoned_stays_so() {
    let edge = three();
    is_ready_again(&edge);
    edge.cluster.change(&edge.target, &json!({ "spec": { "unschedulable": true } }), "kubectl-cordon").unwrap();
    let why = needs_human(edge.would(UNCORDON).await);
    assert!(why.contains("was cordoned by `kubectl-cordon`, and by no run"), "{why}");
    assert_eq!(edge.does("k8s.uncordon: { of_others: true }").await.summary, "uncordon node/a");
}

#[tokio::test]
async fn one_more_than_the_share_is_left() {
    let mut nodes = vec![sick("a")];
    nodes.extend((0..9).map(|n| build::node(&format!("n{n}"))));
    let edge = Edge::about(nodes);
    let n0 = build::node("n0").key();
    edge.cluster.change(&n0, &json!({ "spec": { "unschedulable": true } }), "kubectl-cordon").unwrap();
    let refused = edge.would(CORDON).await.unwrap_err();
    assert_eq!(refused.class, FailureClass::Fail);
    assert!(
        refused.message.starts_with("1 of 10 nodes are cordoned or not ready already, and the cap is 1"),
        "{refused}"
    );
    assert_eq!(edge.does("k8s.cordon: { at_most: 20% }").await.summary, "cordon node/a");
}

#[tokio::test]
async fn after_a_lost_answer_the_node_tells_what_was_done() {
    for (step, wanted) in [(CORDON, json!(true)), (UNCORDON, Value::Null)] {
        let edge = three();
        if step == UNCORDON {
            edge.does(CORDON).await;
            is_ready_again(&edge);
        }
        let intent = edge.intends(step).await;
        assert!(matches!(edge.doubts(step, &intent).await, Doubt::NotDone(_)), "{step}");
        edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: "Node".into(), times: 1 });
        assert_eq!(edge.makes(step, &intent).await.unwrap_err().class, FailureClass::Retry);
        assert_eq!(unschedulable(&edge), wanted);
        assert!(matches!(edge.doubts(step, &intent).await, Doubt::Done(_)), "{step}");
    }
}

#[tokio::test]
async fn a_cordon_by_somebody_else_in_between_is_for_a_human() {
    let edge = three();
    let intent = edge.intends(CORDON).await;
    edge.cluster.change(&edge.target, &json!({ "spec": { "unschedulable": true } }), "kubectl-cordon").unwrap();
    let Doubt::Unclear(why) = edge.doubts(CORDON, &intent).await else { panic!() };
    assert!(why.contains("set by `kubectl-cordon`"), "{why}");
}

#[tokio::test]
async fn a_cordon_is_taken_back_where_it_is_still_ours() {
    let edge = three();
    let made = edge.intends(CORDON).await;
    edge.makes(CORDON, &made).await.unwrap();
    edge.passes(Duration::from_secs(60));
    let Ok(Plan::Do(intent)) = edge.takes_back(CORDON, &made).await else { panic!() };
    assert_eq!(intent.summary, "uncordon node/a");
    edge.makes(CORDON, &intent).await.unwrap();
    assert_eq!(unschedulable(&edge), Value::Null);
    assert!(matches!(edge.doubts(CORDON, &intent).await, Doubt::Done(_)));
    let Ok(Plan::Unneeded(output)) = edge.takes_back(CORDON, &made).await else { panic!() };
    assert_eq!(output.summary, "node/a takes pods again: somebody has uncordoned it");

    // A person has uncordoned and cordoned it since: it is theirs.
    edge.cluster.change(&edge.target, &json!({ "spec": { "unschedulable": true } }), "kubectl-cordon").unwrap();
    let why = needs_human(edge.takes_back(CORDON, &made).await);
    assert!(why.contains("set by `kubectl-cordon` since it was changed here"), "{why}");
}
