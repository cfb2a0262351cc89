//! `k8s.hpa_set`.

use serde_json::json;

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::{FailureClass, ObjectKey};

pub(super) const FLOOR: &str = "k8s.hpa_set: { bound: min, by: 50%, max: 8 }";
const CEILING: &str = "k8s.hpa_set: { bound: max, to: 12, max: 20 }";

/// An autoscaler from 4 to 10, with 5 replicas.
fn hpa() -> Object {
    build::hpa("shop", "web", 4, 10).with(&json!({ "status": { "currentReplicas": 5, "desiredReplicas": 5 } }))
}

pub(super) fn about_web() -> Edge {
    Edge::about(vec![hpa(), build::deployment("shop", "web", 5)])
}

fn bounds(edge: &Edge) -> (Option<i64>, Option<i64>) {
    let live = edge.live(&edge.target);
    (live.number("/spec/minReplicas"), live.number("/spec/maxReplicas"))
}

#[tokio::test]
async fn both_bounds_are_set_and_put_back() {
    for (step, summary, set) in [
        (FLOOR, "raise minReplicas of horizontalpodautoscaler/web in shop 4 -> 6", (Some(6), Some(10))),
        (CEILING, "raise maxReplicas of horizontalpodautoscaler/web in shop 10 -> 12", (Some(4), Some(12))),
    ] {
        let edge = about_web();
        let made = edge.intends(step).await;
        let output = edge.makes(step, &made).await.unwrap();
        assert_eq!(output.summary, summary);
        assert_eq!(bounds(&edge), set);
        assert_eq!(field(&output, "to"), &made.after);

        let Ok(Plan::Do(back)) = edge.takes_back(step, &made).await else { panic!("{step}") };
        assert!(back.summary.starts_with("lower m"), "{}", back.summary);
        edge.makes(step, &back).await.unwrap();
        assert_eq!(bounds(&edge), (Some(4), Some(10)));
        assert!(matches!(edge.doubts(step, &back).await, Doubt::Done(_)));
        let Ok(Plan::Unneeded(again)) = edge.takes_back(step, &made).await else { panic!("{step}") };
        assert!(again.summary.ends_with("is as it was: somebody has put it back"), "{}", again.summary);
        assert_eq!(edge.written().len(), 2);
    }
}

#[tokio::test]
async fn what_the_load_asked_for_meanwhile_is_not_taken_away() {
    let edge = about_web();
    let made = edge.intends(CEILING).await;
    edge.makes(CEILING, &made).await.unwrap();
    let grown = json!({ "status": { "currentReplicas": 11, "desiredReplicas": 12 } });
    edge.cluster.change(&edge.target, &grown, "kube-controller-manager").unwrap();
    let error = edge.takes_back(CEILING, &made).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Fail);
    assert!(error.message.contains("would be 10, and there are or shall be 12 replicas now"), "{error}");

    let theirs = json!({ "spec": { "maxReplicas": 30 } });
    edge.cluster.change(&edge.target, &theirs, "kubectl-edit").unwrap();
    assert!(needs_human(edge.takes_back(CEILING, &made).await).contains("set by `kubectl-edit`"));
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    let edge = about_web();
    let intent = edge.intends(FLOOR).await;
    assert!(matches!(edge.doubts(FLOOR, &intent).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(FLOOR, &intent).await.unwrap_err();
    let Doubt::Done(output) = edge.doubts(FLOOR, &intent).await else { panic!() };
    assert_eq!(output.summary, intent.summary);

    // It was not done, and would cross the other bound by now.
    let edge = about_web();
    let intent = edge.intends(FLOOR).await;
    edge.cluster.change(&edge.target, &json!({ "spec": { "maxReplicas": 5 } }), "kubectl-edit").unwrap();
    let Doubt::Unclear(why) = edge.doubts(FLOOR, &intent).await else { panic!() };
    assert!(why.contains("above its maxReplicas of 5"), "{why}");
}

#[tokio::test]
async fn whose_pods_they_are_is_asked_of_the_cluster() {
    let edge = about_web();
    let web = ObjectKey::new("Deployment", "shop", "web");
    let hold = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "friday" } } });
    edge.cluster.change(&web, &hold, "kubectl").unwrap();
    assert!(needs_human(edge.would(FLOOR).await).contains("dogwatch/hands-off=friday"));

    let mut other = build::hpa("shop", "other", 1, 3);
    other.0["spec"]["scaleTargetRef"]["name"] = json!("web");
    let edge = Edge::about(vec![hpa(), other, build::deployment("shop", "web", 5)]);
    assert!(needs_human(edge.would(FLOOR).await).contains("both decide how many replicas deployment/web in shop has"));

    let mut of_set = hpa();
    of_set.0["spec"]["scaleTargetRef"]["kind"] = json!("StatefulSet");
    let edge = Edge::about(vec![of_set, build::statefulset("shop", "web", 5)]);
    assert!(needs_human(edge.would(FLOOR).await).contains("scales a StatefulSet of apps/v1"));
    assert!(edge.written().is_empty());
}
