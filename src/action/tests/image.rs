//! `k8s.set_image`.

use std::time::Duration;

use serde_json::json;

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::FailureClass;

pub(super) const SET: &str = "k8s.set_image: { container: main, image: 'registry.example/web:1' }";

/// A Deployment that ran, and whose second image does not come up.
pub(super) fn about_web() -> Edge {
    super::rollout::broken()
}

fn image(edge: &Edge) -> String {
    edge.live(&edge.target).text("/spec/template/spec/containers/0/image").to_owned()
}

#[tokio::test]
async fn the_image_that_is_known_to_run_is_set_and_nothing_else() {
    let edge = about_web();
    let output = edge.does(SET).await;
    assert_eq!(
        output.summary,
        "set the image of main in deployment/web in shop: registry.example/web:2 -> registry.example/web:1; pods of revision 1 run it, \
         which has otherwise: annotation release, env of main"
    );
    assert_eq!((field(&output, "from"), field(&output, "revision")), (&json!("registry.example/web:2"), &json!(1)));
    let live = edge.live(&edge.target);
    assert_eq!(live.text("/spec/template/spec/containers/0/image"), "registry.example/web:1");
    assert_eq!(live.text("/spec/template/spec/containers/0/env/0/name"), "A", "what came with the second one stays");
    assert_eq!(edge.written(), ["patch deployment/web in shop"]);
}

#[tokio::test]
async fn an_image_that_nothing_proves_is_refused_unless_it_is_allowed() {
    let edge = about_web();
    let error = edge.would("k8s.set_image: { container: main, image: 'registry.example/web:9' }").await.unwrap_err();
    assert_eq!(error.class, FailureClass::Fail);
    assert!(error.message.contains("nothing proves that it runs"), "{error}");

    // It ran once, and none of its pods is there to prove it.
    edge.passes(Duration::from_secs(60));
    let edge = Edge::about(vec![build::deployment("shop", "web", 3)]);
    edge.passes(Duration::from_secs(60));
    let newer = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "registry.example/web:2" }] } } } });
    edge.cluster.change(&edge.target, &newer, "kubectl-set").unwrap();
    edge.passes(Duration::from_secs(600));
    assert!(needs_human(edge.would(SET).await).contains("ever ran"));
}

#[tokio::test]
async fn a_lost_answer_is_found_out_and_the_image_is_put_back() {
    let edge = about_web();
    let made = edge.intends(SET).await;
    assert!(matches!(edge.doubts(SET, &made).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(SET, &made).await.unwrap_err();
    assert!(matches!(edge.doubts(SET, &made).await, Doubt::Done(_)));

    let Ok(Plan::Do(back)) = edge.takes_back(SET, &made).await else { panic!() };
    assert!(matches!(edge.doubts(SET, &back).await, Doubt::NotDone(_)));
    edge.makes(SET, &back).await.unwrap();
    assert_eq!(image(&edge), "registry.example/web:2");
    assert!(matches!(edge.doubts(SET, &back).await, Doubt::Done(_)));
    let Ok(Plan::Unneeded(again)) = edge.takes_back(SET, &made).await else { panic!() };
    assert!(again.summary.contains("has its former image again"), "{}", again.summary);

    let edge = about_web();
    let made = edge.intends(SET).await;
    edge.makes(SET, &made).await.unwrap();
    let theirs = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "registry.example/web:3" }] } } } });
    edge.cluster.change(&edge.target, &theirs, "kubectl-set").unwrap();
    assert!(needs_human(edge.takes_back(SET, &made).await).contains("set by `kubectl-set` since it was changed here"));
}
