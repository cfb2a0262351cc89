//! `k8s.annotate`.

use serde_json::json;

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::sim::{Fault, Verb, build};

pub(super) const MARK: &str = "k8s.annotate: { key: example.com/drain, value: now }";

pub(super) fn about_web() -> Edge {
    Edge::about(vec![build::deployment("shop", "web", 2)])
}

fn annotated(edge: &Edge) -> Option<String> {
    edge.live(&edge.target).annotation("example.com/drain").map(str::to_owned)
}

#[tokio::test]
async fn an_annotation_is_set_and_taken_away_again() {
    let edge = about_web();
    let made = edge.intends(MARK).await;
    let output = edge.makes(MARK, &made).await.unwrap();
    assert_eq!(output.summary, "annotate deployment/web in shop example.com/drain (none) -> now");
    assert_eq!((field(&output, "from"), field(&output, "to")), (&json!(null), &json!("now")));
    assert_eq!(annotated(&edge).as_deref(), Some("now"));
    let Plan::Unneeded(again) = edge.would(MARK).await.unwrap() else { panic!() };
    assert_eq!(again.summary, "example.com/drain of deployment/web in shop is now already");

    let Plan::Do(back) = edge.takes_back(MARK, &made).await.unwrap() else { panic!() };
    assert!(matches!(edge.doubts(MARK, &back).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(MARK, &back).await.unwrap_err();
    assert!(matches!(edge.doubts(MARK, &back).await, Doubt::Done(_)));
    assert_eq!(annotated(&edge), None);
    let Plan::Unneeded(_) = edge.takes_back(MARK, &made).await.unwrap() else { panic!() };
}

#[tokio::test]
async fn what_somebody_has_set_since_is_theirs() {
    let edge = about_web();
    let made = edge.intends(MARK).await;
    edge.makes(MARK, &made).await.unwrap();
    let theirs = json!({ "metadata": { "annotations": { "example.com/drain": "later" } } });
    edge.cluster.change(&edge.target, &theirs, "kubectl-annotate").unwrap();
    let why = needs_human(edge.takes_back(MARK, &made).await);
    assert!(
        why.contains("example.com/drain of deployment/web in shop is") && why.contains("`kubectl-annotate`"),
        "{why}"
    );
    let Doubt::Unclear(why) = edge.doubts(MARK, &made).await else { panic!() };
    assert!(why.contains("while this was under way"), "{why}");
}

#[tokio::test]
async fn what_a_repository_keeps_is_changed_there() {
    let kept = json!({ "metadata": {
        "annotations": { "example.com/drain": "never" },
        "managedFields": [{
            "manager": "argocd-controller", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-05-01T11:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": { "f:metadata": { "f:annotations": { "f:example.com/drain": {} } } },
        }],
    } });
    let edge = Edge::about(vec![build::deployment("shop", "web", 2).with(&kept)]);
    assert!(needs_human(edge.would(MARK).await).contains("is kept by Argo CD"));
}
