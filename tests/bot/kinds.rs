//! Conversations about objects of kinds that Kubernetes does not bring.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, Verb, build};
use dogwatch::model::*;
use serde_json::{Value, json};

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP, shop};

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

/// A window covers an object however its kind is written.
#[tokio::test]
async fn a_window_covers_what_it_means() {
    for cover in [
        "Deployment/shop/web",
        "Deployment.apps/shop/web",
        "Deployment.v1.apps/shop/*",
        "deployments.apps/shop/web",
        "deployments/shop/web",
        "deployment/shop/w*",
    ] {
        let mut bot = Bot::begins(&[SHOP], shop()).await;
        bot.prometheus.follows("shop_latency", || Some(0.4));
        let said = bot.types("anna", &format!("/silence {cover} --for 2h moving the shop")).await;
        assert!(said.starts_with("WIN-1: "), "{said}");
        bot.fires("ShopSlow", &[("severity", "critical")]).await;
        bot.passes(minutes(30)).await;
        assert!(bot.runs().await.is_empty(), "{cover}");
        bot.pages([]).await;
    }
    for cover in ["Deployment.example.com/shop/web", "StatefulSet.apps/shop/web"] {
        let mut bot = Bot::begins(&[SHOP], shop()).await;
        bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
        bot.types("anna", &format!("/silence {cover} --for 2h moving the shop")).await;
        bot.fires("ShopSlow", &[]).await;
        bot.does(UP).await;
    }
}

#[tokio::test]
async fn a_window_covers_what_kubernetes_does_not_bring() {
    for cover in ["Certificate.v1.cert-manager.io/web/*", "certificates.cert-manager.io/web/shop-tls"] {
        let mut bot = Bot::begins(&[RENEWAL], [definitions(), resources()].concat()).await;
        bot.types("anna", &format!("/silence {cover} --for 2h the issuer moves")).await;
        bot.fires("CertificateNotReady", &LABELS).await;
        bot.passes(minutes(30)).await;
        assert!(bot.runs().await.is_empty(), "{cover}");
        bot.pages([]).await;
    }
}

/// Looks at an autoscaler for a while, in the version that it names.
fn looks(name: &str, kind: &str) -> String {
    format!(
        "apiVersion: dogwatch/v1
kind: Playbook
metadata: {{ name: {name}, version: 1.0.0, owner: shop }}
summary: an autoscaler is at its end
severity: S2
autonomy: observe
page_by: 2h
triggers: [{{ alert: {name} }}]
target: {{ kind: {kind}, from: alert }}
diagnose:
  - wait: 10m
escalate:
  - page: {{ message: \"{{{{because}}}}\" }}
"
    )
}

/// The version says how an object is read: it is one incident, one run at a time, and whoever takes
/// it has it.
#[tokio::test]
async fn an_object_is_the_same_one_in_another_version() {
    let (one, other) =
        (looks("one", "HorizontalPodAutoscaler"), looks("other", "HorizontalPodAutoscaler.v1.autoscaling"));
    let hpa = || [shop(), vec![build::hpa("shop", "web", 2, 8)]].concat();
    let labels = [("namespace", "shop"), ("horizontalpodautoscaler", "web")];
    let mut bot = Bot::begins(&[&one, &other], hpa()).await;
    bot.fires("one", &labels).await;
    bot.fires("other", &labels).await;
    bot.passes(minutes(1)).await;
    let at_work: Vec<Run> = bot.runs().await.into_iter().filter(|run| run.outcome.is_none()).collect();
    assert_eq!(at_work.len(), 1);
    assert_eq!(bot.incident(1).await.open_episodes, 2);
    bot.types("ada", "/take INC-1").await;
    bot.passes(minutes(30)).await;
    assert!(bot.runs().await.iter().all(|run| run.outcome == Some(Outcome::Cancelled)));

    // Read in the version that it names, it is the same object to a window.
    let mut bot = Bot::begins(&[&other], hpa()).await;
    bot.types("anna", "/silence HorizontalPodAutoscaler/shop/web --for 2h a new limit").await;
    bot.fires("other", &labels).await;
    bot.passes(minutes(5)).await;
    assert!(bot.runs().await.is_empty());
}

const TRIAGE: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: triage, version: 1.0.0, owner: shop }
summary: the shop has no certificate
severity: S2
autonomy: observe
page_by: 2h
triggers:
  - alert: ShopInsecure
target: { kind: Deployment, namespace: shop, name: web }
diagnose:
  - wait: 10m
  - choose:
      - branch: it runs
        when: target.spec.replicas > 0
        hand_over_to: { playbook: renewal, target: "Certificate.cert-manager.io/web/shop-tls" }
      - otherwise: it is off
        escalate: nobody knows why
escalate:
  - page: { message: "{{because}}" }
"#;

/// What a run was pinned to may name kinds of which nobody has told since the start.
#[tokio::test]
async fn a_run_goes_on_with_kinds_that_are_told_of_later() {
    for kind in ["certificates.cert-manager.io", "Certificate.v1.cert-manager.io", "Certificate.cert-manager.io"] {
        let renewal = RENEWAL.replace("kind: Certificate.cert-manager.io, from", &format!("kind: {kind}, from"));
        let mut bot = Bot::begins(&[TRIAGE, &renewal], shop()).await;
        bot.fires("ShopInsecure", &[]).await;
        bot.has_no_playbooks();
        bot.cluster.load([definitions(), resources()].concat()).unwrap();
        bot.is_restarted().await;
        bot.passes(minutes(11)).await;
        assert_eq!(bot.ends(Outcome::Escalated).await, BECAUSE, "{kind}");
        let keys: Vec<String> = bot.runs().await.into_iter().map(|run| run.target.key()).collect();
        assert_eq!(keys, ["Deployment/shop/web", "Certificate.cert-manager.io/web/shop-tls"]);
    }
}

/// A hand-over may write the kind as it likes.
#[tokio::test]
async fn a_kind_is_handed_over_in_any_spelling() {
    for kind in ["Deployment", "Deployment.apps", "deployments.v1.apps"] {
        let target = format!("{{ playbook: shop-slow, target: \"{kind}/shop/web\" }}");
        let triage = crate::hand_over::TRIAGE.replace("{ playbook: shop-slow }", &target);
        let mut bot = Bot::begins(&[&triage, SHOP], shop()).await;
        bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.4), Some(0.02)]);
        bot.fires("ShopSick", &[]).await;
        bot.does(UP).await;
    }
}
