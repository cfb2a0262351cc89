//! `k8s.rollout_pause` and `k8s.rollout_resume`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::FailureClass;

pub(super) const PAUSE: &str = "k8s.rollout_pause: {}";
pub(super) const RESUME: &str = "k8s.rollout_resume: {}";

/// A Deployment whose second template is being rolled out.
pub(super) fn about_web() -> Edge {
    super::rollout::broken()
}

fn paused(edge: &Edge) -> Value {
    edge.live(&edge.target).at("/spec/paused").cloned().unwrap_or_default()
}

fn somebody_sets(edge: &Edge, paused: Value) {
    edge.cluster.change(&edge.target, &json!({ "spec": { "paused": paused } }), "kubectl-rollout").unwrap();
}

#[tokio::test]
async fn a_rollout_is_paused_and_goes_on() {
    let edge = about_web();
    let output = edge.does(PAUSE).await;
    assert!(output.summary.starts_with("pause deployment/web in shop: 3 of 3 pods"), "{}", output.summary);
    assert_eq!((paused(&edge), field(&output, "paused")), (json!(true), &json!(true)));
    let Ok(Plan::Unneeded(again)) = edge.would(PAUSE).await else { panic!() };
    assert_eq!(again.summary, "deployment/web in shop is paused already, by `dogwatch-run-7-act`");

    let output = edge.does(RESUME).await;
    assert!(output.summary.starts_with("resume deployment/web in shop"), "{}", output.summary);
    assert_eq!((paused(&edge), field(&output, "paused")), (Value::Null, &json!(false)));
    assert!(matches!(edge.would(RESUME).await, Ok(Plan::Unneeded(_))));
    assert_eq!(edge.written(), ["patch deployment/web in shop", "patch deployment/web in shop"]);
}

#[tokio::test]
async fn what_somebody_else_paused_stays_so_unless_that_is_said() {
    let edge = about_web();
    somebody_sets(&edge, json!(true));
    assert!(needs_human(edge.would(RESUME).await).contains("was paused by `kubectl-rollout`, and by no run"));
    edge.does("k8s.rollout_resume: { whoever: true }").await;
    assert_eq!(paused(&edge), Value::Null);
}

#[tokio::test]
async fn what_cannot_be_paused_or_rolls_nothing_out_is_left() {
    let edge = Edge::about(vec![build::statefulset("shop", "db", 2)]);
    for step in [PAUSE, RESUME] {
        assert!(needs_human(edge.would(step).await).contains("a StatefulSet is held by the `partition`"), "{step}");
    }
    let edge = Edge::about(vec![build::deployment("shop", "web", 2)]);
    edge.passes(Duration::from_secs(60));
    let error = edge.would(PAUSE).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Fail);
    assert!(error.message.contains("is being rolled out: paused, it would keep back"), "{error}");
}

#[tokio::test]
async fn after_a_lost_answer_the_deployment_tells_what_was_done() {
    for (step, wanted) in [(PAUSE, json!(true)), (RESUME, Value::Null)] {
        let edge = about_web();
        if step == RESUME {
            edge.does(PAUSE).await;
        }
        let intent = edge.intends(step).await;
        assert!(matches!(edge.doubts(step, &intent).await, Doubt::NotDone(_)), "{step}");
        edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: "Deployment".into(), times: 1 });
        edge.makes(step, &intent).await.unwrap_err();
        assert_eq!(paused(&edge), wanted);
        assert!(matches!(edge.doubts(step, &intent).await, Doubt::Done(_)), "{step}");
    }
    let edge = about_web();
    let intent = edge.intends(PAUSE).await;
    somebody_sets(&edge, json!(true));
    let Doubt::Unclear(why) = edge.doubts(PAUSE, &intent).await else { panic!() };
    assert!(why.contains("set by `kubectl-rollout`"), "{why}");
}

#[tokio::test]
async fn each_is_taken_back_by_the_other_where_nothing_was_written_since() {
    for (step, first) in [(PAUSE, None), (RESUME, Some(PAUSE))] {
        let edge = about_web();
        if let Some(first) = first {
            edge.does(first).await;
        }
        let before = paused(&edge);
        let made = edge.intends(step).await;
        edge.makes(step, &made).await.unwrap();
        edge.passes(Duration::from_secs(60));
        let Ok(Plan::Do(back)) = edge.takes_back(step, &made).await else { panic!("{step}") };
        assert!(matches!(edge.doubts(step, &back).await, Doubt::NotDone(_)), "{step}");
        edge.makes(step, &back).await.unwrap();
        assert_eq!(paused(&edge), before, "{step}");
        assert!(matches!(edge.doubts(step, &back).await, Doubt::Done(_)), "{step}");
        assert!(matches!(edge.takes_back(step, &made).await, Ok(Plan::Unneeded(_))), "{step}");
    }
}

#[tokio::test]
async fn what_somebody_has_set_since_is_theirs() {
    let edge = about_web();
    let made = edge.intends(PAUSE).await;
    edge.makes(PAUSE, &made).await.unwrap();
    somebody_sets(&edge, Value::Null);
    somebody_sets(&edge, json!(true));
    assert!(needs_human(edge.takes_back(PAUSE, &made).await).contains("set by `kubectl-rollout`"));

    // Nothing says who resumed it: but more was written into its spec than the run did.
    let edge = about_web();
    edge.does(PAUSE).await;
    let made = edge.intends(RESUME).await;
    edge.makes(RESUME, &made).await.unwrap();
    somebody_sets(&edge, json!(true));
    somebody_sets(&edge, Value::Null);
    let why = needs_human(edge.takes_back(RESUME, &made).await);
    assert!(why.contains("since it was changed here"), "{why}");
}
