//! `k8s.patch`.

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::action::registry::tests::{action, error};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::{FailureClass, ObjectKey};

pub(super) const RAISE: &str = "k8s.patch: { field: spec.maxReplicas, by: 25%, max: 20 }";

pub(super) fn about_web() -> Edge {
    Edge::about(vec![build::hpa("shop", "web", 2, 10), build::deployment("shop", "web", 10)])
}

/// KEDA's, of which it makes an autoscaler.
fn scaled_object(scales: Value) -> Object {
    Object(json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "scaleTargetRef": scales, "minReplicaCount": 2, "maxReplicaCount": 10 },
    }))
}

fn web() -> ObjectKey {
    ObjectKey::new("Deployment", "shop", "web")
}

fn hands_off() -> Value {
    json!({ "metadata": { "annotations": { "dogwatch/hands-off": "mine" } } })
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

/// More pods are a change of the workload: whoever wants that left alone is heard at each point.
#[tokio::test]
async fn what_is_scaled_is_left_alone_where_it_says_so() {
    let raise_keda = "k8s.patch: { field: spec.maxReplicaCount, by: 25%, max: 20 }";
    let keda = || vec![scaled_object(json!({ "name": "web" })), build::deployment("shop", "web", 10)];
    let hpa = || vec![build::hpa("shop", "web", 2, 10), build::deployment("shop", "web", 10)];
    for (objects, raise) in [(hpa(), RAISE), (keda(), raise_keda)] {
        let edge = Edge::about(objects);
        let made = edge.intends(raise).await;
        edge.cluster.change(&web(), &hands_off(), "kubectl").unwrap();
        let error = edge.would(raise).await.unwrap_err();
        assert!(error.message.contains("deployment/web in shop is annotated dogwatch/hands-off=mine"), "{error}");
        // A crash between the intent and its request.
        let Doubt::Unclear(why) = edge.doubts(raise, &made).await else { panic!() };
        assert!(why.contains("deployment/web in shop is annotated dogwatch/hands-off=mine"), "{why}");
        let off = json!({ "metadata": { "annotations": { "dogwatch/hands-off": null } } });
        edge.cluster.change(&web(), &off, "kubectl").unwrap();
        let made = edge.intends(raise).await;
        edge.makes(raise, &made).await.unwrap();
        edge.cluster.change(&web(), &hands_off(), "kubectl").unwrap();
        let error = edge.takes_back(raise, &made).await.unwrap_err();
        assert!(error.message.contains("deployment/web in shop is annotated dogwatch/hands-off=mine"), "{error}");
    }
}

#[tokio::test]
async fn of_what_is_no_deployment_or_is_not_there_a_human_decides() {
    let raise_keda = "k8s.patch: { field: spec.maxReplicaCount, by: 25%, max: 20 }";
    let set = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web" });
    let hpa = build::hpa("shop", "web", 2, 10).with(&json!({ "spec": { "scaleTargetRef": set.clone() } }));
    for (object, raise) in [(hpa, RAISE), (scaled_object(set), raise_keda)] {
        let why = needs_human(Edge::about(vec![object]).would(raise).await);
        assert!(why.contains("scales a StatefulSet of apps/v1, and only of a Deployment"), "{why}");
    }
    let why = needs_human(Edge::about(vec![build::hpa("shop", "web", 2, 10)]).would(RAISE).await);
    assert!(why.contains("scales deployment/web in shop, which is not there"), "{why}");
}

/// What has come between the intent and its request is asked for again before it is made.
#[tokio::test]
async fn what_may_not_be_made_any_more_is_not_made_after_a_crash() {
    let unclear = async |change: Value, manager: &str| {
        let edge = about_web();
        let intent = edge.intends(RAISE).await;
        edge.cluster.change(&edge.target, &change, manager).unwrap();
        let Doubt::Unclear(why) = edge.doubts(RAISE, &intent).await else { panic!("{change}") };
        assert!(
            why.ends_with("; was: raise spec.maxReplicas of horizontalpodautoscaler/web in shop 10 -> 13"),
            "{why}"
        );
        why
    };
    let owned = json!({ "metadata": { "ownerReferences": [
        { "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web", "uid": "u9", "controller": true },
    ] } });
    assert!(unclear(owned, "keda").await.contains("is made by ScaledObject `web`"));
    let floor = json!({ "spec": { "minReplicas": 14 } });
    assert!(unclear(floor, "kubectl").await.contains("would be 13, and spec.minReplicas is 14"));
    let other = json!({ "spec": { "scaleTargetRef": { "kind": "StatefulSet" } } });
    assert!(unclear(other, "kubectl").await.contains("scales a StatefulSet"));
}

#[tokio::test]
async fn what_is_allowed_no_more_is_not_made_after_a_crash() {
    let raise = "k8s.patch: { field: data.workers, by: 25%, max: 20 }";
    let edge = Edge::about(vec![build::configmap("shop", "settings", &[("workers", "8")])]);
    let action = action(raise).unwrap();
    let mut world = edge.world(Some(&action));
    world.patchable = crate::action::Patchable::all();
    let mutation = super::mutation(&action);
    let Ok(Plan::Do(intent)) = crate::action::prepare(mutation, &world, edge.context()).await else { panic!() };
    assert!(matches!(mutation.doubt(&world, &intent).await, Ok(Doubt::NotDone(_))));
    world.patchable = crate::action::Patchable::default();
    let Ok(Doubt::Unclear(why)) = mutation.doubt(&world, &intent).await else { panic!() };
    assert!(why.contains("the bot may not change `data.workers` of a ConfigMap"), "{why}");
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
    assert!(why.contains("is changed by `k8s.hpa_set`"), "{why}");
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
        ("field: spec.metrics.0.x, by: 1, max: 9", "a number in it would be an entry of a list"),
        ("field: spec.maxReplicas, by: 1, max: 1k", "`max` is no plain whole number"),
        ("field: spec.maxReplicas, by: 500m, max: 9", "`by` is no plain whole number"),
        ("field: spec.maxReplicas, to: 9, max: 100001", "write a whole number up to 100000 without a unit"),
        ("field: spec.maxReplicaCount, to: 9, max: 20, min: 2000m", "`min` is no plain whole number"),
        ("field: spec.maxReplicas, by: 1, max: '{{alert.labels.max}}'", "`max` takes its number from `alert`"),
        ("field: spec.maxReplicas, by: '{{ alert.annotations.by }}', max: 9", "`by` takes its number from `alert`"),
        ("field: spec.maxReplicas, to: '{{[alert].labels.to}}', max: 9", "`to` takes"),
        ("field: spec.maxReplicas, to: '1{{alert.labels.to}}', max: 20", "`to` takes its number from `alert`"),
        ("field: spec.maxReplicas, to: 9, max: 20, min: '{{target.spec.x}}'", "`min` takes its number from `target`"),
        (
            "field: spec.maxReplicas, by: 1, max: '{{#if inputs.x}}{{alert.labels.max}}{{/if}}'",
            "`max` takes plain holes such as `{{inputs.x}}` only",
        ),
    ] {
        let error = error(&format!("k8s.patch: {{ {arguments} }}"));
        assert!(error.contains(told), "{arguments}: {error}");
    }
    for bounded in ["inputs.max", "cap", "target_max", "inputs.alert", "alerts"] {
        action(&format!("k8s.patch: {{ field: spec.maxReplicas, by: 1, max: '{{{{{bounded}}}}}' }}")).unwrap();
    }
}
