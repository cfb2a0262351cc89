//! `k8s.suspend_cronjob` and `k8s.resume_cronjob`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::sim::{Fault, Verb, build};

pub(super) const SUSPEND: &str = "k8s.suspend_cronjob: {}";
pub(super) const RESUME: &str = "k8s.resume_cronjob: {}";

pub(super) fn about_backup() -> Edge {
    Edge::about(vec![build::cronjob("databases", "backup", "0 1 * * *")])
}

fn suspended(edge: &Edge) -> Value {
    edge.live(&edge.target).at("/spec/suspend").cloned().unwrap_or_default()
}

fn somebody_sets(edge: &Edge, suspend: bool) {
    edge.cluster.change(&edge.target, &json!({ "spec": { "suspend": suspend } }), "kubectl-patch").unwrap();
}

#[tokio::test]
async fn a_cronjob_is_suspended_and_resumed() {
    let edge = about_backup();
    let output = edge.does(SUSPEND).await;
    assert_eq!(output.summary, "suspend cronjob/backup in databases");
    assert_eq!((suspended(&edge), field(&output, "suspended")), (json!(true), &json!(true)));
    let Ok(Plan::Unneeded(again)) = edge.would(SUSPEND).await else { panic!() };
    assert_eq!(again.summary, "cronjob/backup in databases is suspended already, by `dogwatch-run-7-act`");

    let output = edge.does(RESUME).await;
    assert!(output.summary.contains("the last run that was missed may start at once"), "{}", output.summary);
    assert_eq!((suspended(&edge), field(&output, "suspended")), (json!(false), &json!(false)));
    assert!(matches!(edge.would(RESUME).await, Ok(Plan::Unneeded(_))));
    assert_eq!(edge.written(), ["patch cronjob/backup in databases", "patch cronjob/backup in databases"]);
}

#[tokio::test]
async fn what_somebody_else_suspended_stays_so_unless_that_is_said() {
    let edge = about_backup();
    somebody_sets(&edge, true);
    assert!(needs_human(edge.would(RESUME).await).contains("was suspended by `kubectl-patch`, and by no run"));
    edge.does("k8s.resume_cronjob: { whoever: true }").await;
    assert_eq!(suspended(&edge), json!(false));
}

#[tokio::test]
async fn after_a_lost_answer_the_cronjob_tells_what_was_done() {
    for (step, wanted) in [(SUSPEND, json!(true)), (RESUME, json!(false))] {
        let edge = about_backup();
        if step == RESUME {
            edge.does(SUSPEND).await;
        }
        let intent = edge.intends(step).await;
        assert!(matches!(edge.doubts(step, &intent).await, Doubt::NotDone(_)), "{step}");
        edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: "CronJob".into(), times: 1 });
        edge.makes(step, &intent).await.unwrap_err();
        assert_eq!(suspended(&edge), wanted);
        assert!(matches!(edge.doubts(step, &intent).await, Doubt::Done(_)), "{step}");
    }
    let edge = about_backup();
    let intent = edge.intends(SUSPEND).await;
    somebody_sets(&edge, true);
    let Doubt::Unclear(why) = edge.doubts(SUSPEND, &intent).await else { panic!() };
    assert!(why.contains("set by `kubectl-patch`"), "{why}");
}

#[tokio::test]
async fn each_is_taken_back_by_the_other_where_nobody_has_written_it_since() {
    for (step, first, told) in [(SUSPEND, None, "resume cronjob"), (RESUME, Some(SUSPEND), "suspend cronjob")] {
        let edge = about_backup();
        if let Some(first) = first {
            edge.does(first).await;
        }
        let before = suspended(&edge);
        let made = edge.intends(step).await;
        edge.makes(step, &made).await.unwrap();
        edge.passes(Duration::from_secs(60));
        let Ok(Plan::Do(back)) = edge.takes_back(step, &made).await else { panic!("{step}") };
        assert!(back.summary.starts_with(told), "{}", back.summary);
        assert!(matches!(edge.doubts(step, &back).await, Doubt::NotDone(_)), "{step}");
        edge.makes(step, &back).await.unwrap();
        assert_eq!(suspended(&edge), before, "{step}");
        assert!(matches!(edge.doubts(step, &back).await, Doubt::Done(_)), "{step}");
        assert!(matches!(edge.takes_back(step, &made).await, Ok(Plan::Unneeded(_))), "{step}");

        // Somebody has done it again since: it is theirs.
        somebody_sets(&edge, before == json!(false));
        let why = needs_human(edge.takes_back(step, &made).await);
        assert!(why.contains("set by `kubectl-patch` since it was changed here"), "{step}: {why}");
    }
}
