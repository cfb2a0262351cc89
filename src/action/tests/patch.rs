//! `k8s.patch`.

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::action::registry::tests::error;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::FailureClass;

pub(super) const RAISE: &str = "k8s.patch: { field: spec.maxReplicas, by: 25%, max: 20 }";

pub(super) fn about_web() -> Edge {
    Edge::about(vec![build::hpa("shop", "web", 2, 10)])
}

fn most(edge: &Edge) -> Value {
    edge.live(&edge.target).at("/spec/maxReplicas").unwrap().clone()
}

#[tokio::test]
async fn a_ceiling_is_raised_and_nothing_else() {
    let edge = about_web();
    let before = edge.live(&edge.target);
    let output = edge.does(RAISE).await;
    assert_eq!(output.summary, "raise spec.maxReplicas of horizontalpodautoscaler/web in shop 10 -> 13");
    assert_eq!((field(&output, "from"), field(&output, "to")), (&json!(10), &json!(13)));
    let after = edge.live(&edge.target).with(&json!({ "spec": { "maxReplicas": 10 } }));
    assert_eq!(after.at("/spec"), before.at("/spec"));
    assert_eq!(edge.written(), ["patch horizontalpodautoscaler/web in shop"]);
}

#[tokio::test]
async fn a_lost_answer_is_found_out_by_its_mark() {
    let edge = about_web();
    let intent = edge.intends(RAISE).await;
    assert!(matches!(edge.doubts(RAISE, &intent).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(RAISE, &intent).await.unwrap_err();
    let Doubt::Done(output) = edge.doubts(RAISE, &intent).await else { panic!() };
    assert_eq!(output.summary, intent.summary);
    // Somebody else's 13 is not ours.
    for number in [12, 13] {
        edge.cluster.change(&edge.target, &json!({ "spec": { "maxReplicas": number } }), "kubectl-edit").unwrap();
        edge.passes(std::time::Duration::from_secs(1));
    }
    let Doubt::Unclear(why) = edge.doubts(RAISE, &intent).await else { panic!() };
    assert!(why.contains("spec.maxReplicas of horizontalpodautoscaler/web in shop is 13 now, set by `kubectl-edit`"));
}

#[tokio::test]
async fn a_change_in_between_is_a_conflict() {
    let edge = about_web();
    let intent = edge.intends(RAISE).await;
    edge.cluster.change(&edge.target, &json!({ "spec": { "minReplicas": 3 } }), "kubectl").unwrap();
    let error = edge.makes(RAISE, &intent).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry, "{error}");
    assert!(edge.written().is_empty());
}

#[tokio::test]
async fn it_goes_back_where_it_is_as_the_step_left_it() {
    let edge = about_web();
    let made = edge.intends(RAISE).await;
    edge.makes(RAISE, &made).await.unwrap();
    let Plan::Do(back) = edge.takes_back(RAISE, &made).await.unwrap() else { panic!() };
    assert_eq!(back.summary, "lower spec.maxReplicas of horizontalpodautoscaler/web in shop 13 -> 10");
    edge.makes(RAISE, &back).await.unwrap();
    assert_eq!(most(&edge), json!(10));
    let Plan::Unneeded(again) = edge.takes_back(RAISE, &made).await.unwrap() else { panic!() };
    assert!(again.summary.ends_with("is 10 again: somebody has put it back"), "{}", again.summary);
}

#[tokio::test]
async fn what_somebody_has_set_since_is_theirs() {
    let edge = about_web();
    let made = edge.intends(RAISE).await;
    edge.makes(RAISE, &made).await.unwrap();
    edge.cluster.change(&edge.target, &json!({ "spec": { "maxReplicas": 30 } }), "kubectl-edit").unwrap();
    let why = needs_human(edge.takes_back(RAISE, &made).await);
    assert!(why.contains("is 30 now, set by `kubectl-edit` since it was changed here"), "{why}");
    edge.cluster.change(&edge.target, &json!({ "spec": { "minReplicas": 12 } }), "kubectl-edit").unwrap();
    let why = needs_human(edge.takes_back(RAISE, &made).await);
    assert!(why.contains("would be 10, and spec.minReplicas is 12"), "{why}");
}

#[tokio::test]
async fn what_nobody_allows_is_refused_and_what_has_an_action_is_named() {
    let told = async |edge: &Edge, yaml: &str| edge.would(yaml).await.unwrap_err().message;
    let edge = about_web();
    let why =
        told(&edge, "k8s.patch: { field: spec.behavior.scaleUp.stabilizationWindowSeconds, by: 1, max: 9 }").await;
    assert!(why.contains("whoever runs it allows that in dogwatch.yaml"), "{why}");
    let why = told(&edge, "k8s.patch: { field: spec.minReplicas, by: 1, max: 9 }").await;
    assert!(why.contains("is changed by `k8s.scale`"), "{why}");
    let web = Edge::about(vec![build::deployment("shop", "web", 2)]);
    let why = told(&web, "k8s.patch: { field: spec.replicas, by: 1, max: 9 }").await;
    assert!(why.contains("is changed by `k8s.scale`"), "{why}");
    assert!(edge.written().is_empty() && web.written().is_empty());
}

#[test]
fn a_step_that_contradicts_itself_does_not_load() {
    for (arguments, told) in [
        ("field: spec.maxReplicas, max: 9", "say how much: `by: 25%` or `to: 20`"),
        ("field: spec.maxReplicas, by: 1, to: 2, max: 9", "`by` and `to` are both given"),
        ("field: spec.maxReplicas, by: 1", "missing field `max`"),
        ("field: spec.maxReplicas, by: 1, max: 9, min: 2", "`by` only raises"),
        ("field: spec.maxReplicas, to: 10, max: 9", "`to: 10` is beyond `max: 9`"),
        ("field: spec.maxReplicas, to: 5, max: 9, min: 6", "`min: 6` is beyond `to: 5`"),
        ("field: spec.maxReplicas, to: '{{inputs.to}}', max: 9, min: 10", "`min: 10` is beyond `max: 9`"),
        ("field: spec.maxReplicas, to: 0, max: 9", "`0` is no number or quantity above 0"),
        ("field: spec.maxReplicas, by: -1, max: 9", "`-1` is no growth of a number"),
        ("field: 'spec.metrics[0].x', by: 1, max: 9", "is no path of a field"),
        ("field: '{{inputs.field}}', by: 1, max: 9", "`field` must be written out"),
    ] {
        let error = error(&format!("k8s.patch: {{ {arguments} }}"));
        assert!(error.contains(told), "{arguments}: {error}");
    }
}
