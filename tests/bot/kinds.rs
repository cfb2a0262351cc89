//! Conversations about objects of kinds that Kubernetes does not bring.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, Verb};
use dogwatch::model::*;
use serde_json::{Value, json};

use crate::bot::{Bot, minutes};

const RENEWAL: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: renewal, version: 1.0.0, owner: shop }
summary: a certificate is not renewed
severity: S2
autonomy: observe
page_by: 2h
triggers:
  - alert: CertificateNotReady
target: { kind: Certificate.cert-manager.io, from: alert, label: name }
diagnose:
  - id: issuer
    k8s.get: { kind: clusterissuers.cert-manager.io, name: "{{target.spec.issuerRef.name}}" }
  - id: requests
    k8s.list: { kind: CertificateRequest.v1.cert-manager.io, labels: "of={{target.metadata.name}}" }
  - escalate_if: issuer.object.status.conditions.exists(c, c.type == 'Ready' && c.status != 'True')
    because: "the issuer {{issuer.object.metadata.name}} is not ready, and {{requests.count}} requests wait for it"
escalate:
  - page: { message: "{{because}}" }
"#;

fn defines(kind: &str, plural: &str, scope: &str) -> Object {
    let version = json!({ "name": "v1", "served": true, "storage": true });
    Object(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.cert-manager.io") },
        "spec": {
            "group": "cert-manager.io", "scope": scope, "versions": [version],
            "names": { "kind": kind, "plural": plural },
        },
    }))
}

pub fn definitions() -> Vec<Object> {
    vec![
        defines("Certificate", "certificates", "Namespaced"),
        defines("CertificateRequest", "certificaterequests", "Namespaced"),
        defines("ClusterIssuer", "clusterissuers", "Cluster"),
    ]
}

fn of(kind: &str, metadata: Value, more: Value) -> Object {
    let object = json!({ "apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": metadata });
    Object(object).with(&more)
}

fn resources() -> Vec<Object> {
    let certificate = json!({ "name": "shop-tls", "namespace": "web" });
    let request = json!({ "name": "shop-tls-1", "namespace": "web", "labels": { "of": "shop-tls" } });
    let failing = json!({ "status": { "conditions": [{ "type": "Ready", "status": "False" }] } });
    vec![
        of("Certificate", certificate, json!({ "spec": { "issuerRef": { "name": "letsencrypt" } } })),
        of("CertificateRequest", request, json!({})),
        of("ClusterIssuer", json!({ "name": "letsencrypt" }), failing),
    ]
}

const LABELS: [(&str, &str); 2] = [("namespace", "web"), ("name", "shop-tls")];
const BECAUSE: &str = "the issuer letsencrypt is not ready, and 1 requests wait for it";

#[tokio::test]
async fn a_run_is_about_a_certificate() {
    let mut bot = Bot::begins(&[RENEWAL], [definitions(), resources()].concat()).await;
    bot.fires("CertificateNotReady", &LABELS).await;
    assert_eq!(bot.ends(Outcome::Escalated).await, BECAUSE);
    let run = bot.runs().await.remove(0);
    assert_eq!(run.target.key(), "Certificate.cert-manager.io/web/shop-tls");
    assert_eq!(run.target.to_string(), "certificate.cert-manager.io/shop-tls in web");
}

#[tokio::test]
async fn a_kind_may_come_after_the_bot() {
    let mut bot = Bot::begins(&[RENEWAL], vec![]).await;
    // Nobody knows yet what the alert is about: a human is told.
    bot.fires("CertificateNotReady", &LABELS).await;
    bot.passes(minutes(1)).await;
    assert!(bot.runs().await.is_empty());
    bot.cluster.load([definitions(), resources()].concat()).unwrap();
    bot.resolves("CertificateNotReady", &LABELS).await;
    bot.passes(minutes(30)).await;
    bot.fires("CertificateNotReady", &LABELS).await;
    assert_eq!(bot.ends(Outcome::Escalated).await, BECAUSE);
}

/// What the cluster does not say, for a while, is asked again.
#[tokio::test]
async fn a_cluster_that_is_away_tells_later() {
    let mut bot = Bot::begins(&[RENEWAL], vec![]).await;
    bot.cluster.load([definitions(), resources()].concat()).unwrap();
    let away = Fault::Unavailable { verb: Verb::Get, kind: "Certificate.cert-manager.io".into(), times: 2 };
    bot.cluster.fault(away);
    bot.passes(minutes(5)).await;
    bot.fires("CertificateNotReady", &LABELS).await;
    assert_eq!(bot.ends(Outcome::Escalated).await, BECAUSE);
}
