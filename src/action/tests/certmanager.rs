//! `certmanager.renew`.

use serde_json::json;

use super::{Doubt, Edge, Plan, field};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb};

pub(super) const RENEW: &str = "certmanager.renew: {}";

/// A certificate whose renewal has failed five times.
pub(super) fn about_web() -> Edge {
    let version = json!({ "name": "v1", "served": true, "storage": true, "subresources": { "status": {} } });
    let definition = Object(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "certificates.cert-manager.io" },
        "spec": {
            "group": "cert-manager.io", "scope": "Namespaced", "versions": [version],
            "names": { "kind": "Certificate", "plural": "certificates" },
        },
    }));
    let certificate = Object(json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": { "namespace": "shop", "name": "web" },
        "status": {
            "conditions": [{ "type": "Ready", "status": "False" }],
            "failedIssuanceAttempts": 5, "lastFailureTime": "2026-01-01T00:00:00Z", "revision": 3,
        },
    }));
    Edge::about(vec![certificate, definition])
}

#[tokio::test]
async fn a_certificate_is_asked_for_once_whatever_became_of_the_answer() {
    let edge = about_web();
    let made = edge.intends(RENEW).await;
    assert!(matches!(edge.doubts(RENEW, &made).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    edge.makes(RENEW, &made).await.unwrap_err();
    let Doubt::Done(output) = edge.doubts(RENEW, &made).await else { panic!() };
    assert_eq!((field(&output, "revision_before"), field(&output, "failures_before")), (&json!(3), &json!(5)));
    let live = edge.live(&edge.target);
    let issuing = json!({
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "Asked for by dogwatch-run-7-act",
        "lastTransitionTime": made.after,
    });
    let conditions = live.at("/status/conditions").unwrap();
    assert_eq!(conditions[0], json!({ "type": "Ready", "status": "False" }));
    let asked = |name: &str| (name.to_owned(), conditions[1][name].clone());
    let wanted: Vec<_> = issuing.as_object().unwrap().clone().into_iter().collect();
    assert_eq!(wanted.iter().map(|(name, _)| asked(name)).collect::<Vec<_>>(), wanted);

    let Plan::Unneeded(again) = edge.would(RENEW).await.unwrap() else { panic!() };
    assert_eq!(again.summary, "certificate.cert-manager.io/web in shop is being issued already");
    // cert-manager has failed once more, and says so.
    let failed = json!({ "status": { "conditions": [], "failedIssuanceAttempts": 6 } });
    edge.cluster.change(&edge.target, &failed, "cert-manager").unwrap();
    assert!(matches!(edge.doubts(RENEW, &made).await, Doubt::Done(_)));
}

#[tokio::test]
async fn what_changed_since_it_was_decided_is_decided_anew() {
    let edge = about_web();
    let made = edge.intends(RENEW).await;
    let renewed = json!({ "status": { "revision": 4 } });
    edge.cluster.change(&edge.target, &renewed, "cert-manager").unwrap();
    let error = edge.makes(RENEW, &made).await.unwrap_err();
    assert!(error.message.contains("resourceVersion"), "{error}");
}
