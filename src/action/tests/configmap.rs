//! `k8s.configmap_patch`.

use serde_json::json;

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::action::{ConfigMapKey, Patchable};
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::FailureClass;

pub(super) const SET: &str = "k8s.configmap_patch: { key: mode, value: read-only }";

/// A ConfigMap of which the bot may set one value.
pub(super) fn about_web() -> Edge {
    let config = build::configmap("shop", "web", &[("mode", "read-write"), ("workers", "4")]);
    let key = ConfigMapKey { namespace: "shop".into(), name: "web".into(), key: "mode".into() };
    Edge { patchable: Patchable::default().and_keys([key]), ..Edge::about(vec![config]) }
}

fn mode(edge: &Edge) -> String {
    edge.live(&edge.target).text("/data/mode").to_owned()
}

#[tokio::test]
async fn one_value_is_set_and_put_back() {
    let edge = about_web();
    let made = edge.intends(SET).await;
    assert!(matches!(edge.doubts(SET, &made).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(SET, &made).await.unwrap_err();
    let Doubt::Done(output) = edge.doubts(SET, &made).await else { panic!() };
    assert_eq!(output.summary, "set mode of configmap/web in shop `read-write` -> `read-only`");
    assert_eq!((field(&output, "from"), field(&output, "to")), (&json!("read-write"), &json!("read-only")));
    assert_eq!((mode(&edge).as_str(), edge.live(&edge.target).text("/data/workers")), ("read-only", "4"));
    assert!(matches!(edge.would(SET).await, Ok(Plan::Unneeded(_))));

    let Ok(Plan::Do(back)) = edge.takes_back(SET, &made).await else { panic!() };
    edge.makes(SET, &back).await.unwrap();
    assert_eq!(mode(&edge), "read-write");
    assert!(matches!(edge.doubts(SET, &back).await, Doubt::Done(_)));
    assert!(matches!(edge.takes_back(SET, &made).await, Ok(Plan::Unneeded(_))));
    let theirs = json!({ "data": { "mode": "off" } });
    edge.cluster.change(&edge.target, &theirs, "kubectl-edit").unwrap();
    assert!(needs_human(edge.takes_back(SET, &made).await).contains("set by `kubectl-edit`"));
}

#[tokio::test]
async fn what_the_configuration_does_not_name_is_not_set() {
    let edge = about_web();
    let error = edge.would("k8s.configmap_patch: { key: workers, value: '8' }").await.unwrap_err();
    assert_eq!(error.class, FailureClass::Fail);
    assert!(
        error.message.contains("`actions: { config_maps: [{ namespace: shop, name: web, key: workers }] }`"),
        "{error}"
    );
    // A restart brought another configuration before it was known what became of it.
    let intent = edge.intends(SET).await;
    let edge = Edge { patchable: Patchable::default(), ..edge };
    let Doubt::Unclear(why) = edge.doubts(SET, &intent).await else { panic!() };
    assert!(why.contains("the bot may not set `mode`"), "{why}");
    assert!(edge.written().is_empty());
}

#[test]
fn by_whom_others_are_let_in_nobody_sets() {
    let key = ConfigMapKey { namespace: "kube-system".into(), name: "aws-auth".into(), key: "mapRoles".into() };
    for of in [Patchable::all(), Patchable::default().and_keys([key.clone()])] {
        assert!(of.key_refusal(&key).unwrap().contains("somebody is let in"));
    }
}
