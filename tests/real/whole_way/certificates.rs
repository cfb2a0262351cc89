//! A certificate of cert-manager: kinds that Kubernetes does not bring, and a change of a status.

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::wait_until;

#[tokio::test]
async fn a_certificate_that_waits_after_failures_is_asked_for_anew() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    site.prometheus.exports("certmanager_controller_sync_call_count{controller=\"certificates-issuing\"} 7");
    site.prometheus.wait_for("certmanager_controller_sync_call_count").await;
    let namespace = site.has_cert_manager().await;
    // Kinds that are new are found within a minute, or at the start.
    site.restart_bot().await;
    let alertmanager = site.alertmanager(Version::V0_34).await;

    alertmanager.post_alerts(&alert(&namespace)).await;
    let is_asked = async || {
        let certificate = site.cluster.admin.get(&path(&namespace)).await;
        let conditions = certificate["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let asked = conditions.iter().find(|it| it["type"] == "Issuing" && it["status"] == "True");
        asked.is_some_and(|it| it["reason"] == "ManuallyTriggered" && it["observedGeneration"] == 1)
            && conditions.iter().any(|it| it["type"] == "Ready")
    };
    wait_until(SOON, "the condition that has cert-manager issue it", is_asked).await;
    // What cert-manager does then.
    let issued = json!({
        "conditions": [{ "type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": "2026-05-01T00:00:00Z" }],
        "notAfter": "2126-05-01T00:00:00Z", "renewalTime": "2126-04-01T00:00:00Z", "revision": 4,
        "failedIssuanceAttempts": null, "lastFailureTime": null,
    });
    site.cluster.admin.patch_status(&path(&namespace), issued).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains("renew certificate.cert-manager.io/web"), "{why}");
    assert_eq!(site.mutations(&namespace).await, ["patch certificates/web/status 200"]);
}

impl Site {
    /// A namespace with a certificate whose renewal has failed, and a cert-manager that runs.
    async fn has_cert_manager(&self) -> String {
        let admin = &self.cluster.admin;
        for (group, kind, plural, scope) in [
            ("cert-manager.io", "Certificate", "certificates", "Namespaced"),
            ("cert-manager.io", "CertificateRequest", "certificaterequests", "Namespaced"),
            ("cert-manager.io", "Issuer", "issuers", "Namespaced"),
            ("cert-manager.io", "ClusterIssuer", "clusterissuers", "Cluster"),
            ("acme.cert-manager.io", "Challenge", "challenges", "Namespaced"),
        ] {
            admin.apply(definition(group, kind, plural, scope)).await;
            let path = format!("/apis/{group}/v1/{plural}");
            wait_until(SOON, kind, async || admin.is_healthy(&path).await).await;
        }
        admin.apply(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "cert-manager" } })).await;
        let container = json!({ "name": "controller", "image": "registry.example/cert-manager-controller:1" });
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "cert-manager", "namespace": "cert-manager" },
            "spec": {
                "selector": { "matchLabels": { "app": "cert-manager" } },
                "template": { "metadata": { "labels": { "app": "cert-manager" } }, "spec": { "containers": [container] } },
            },
        });
        admin.apply(deployment).await;
        let at = "/apis/apps/v1/namespaces/cert-manager/deployments/cert-manager";
        wait_until(SOON, "cert-manager runs", async || admin.get(at).await["status"]["availableReplicas"] == 1).await;

        let ready = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
        let issuer =
            json!({ "apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": { "name": "ca" } });
        admin.apply(issuer).await;
        admin.patch_status("/apis/cert-manager.io/v1/clusterissuers/ca", ready).await;
        let namespace = self.cluster.namespace("certificates").await;
        let spec = json!({ "secretName": "web", "dnsNames": ["web.example.com"], "issuerRef": { "name": "ca", "kind": "ClusterIssuer" } });
        let certificate = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
            "metadata": { "name": "web", "namespace": namespace }, "spec": spec,
        });
        admin.apply(certificate).await;
        let failed = json!({
            "conditions": [{ "type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": "2026-05-01T00:00:00Z" }],
            "notAfter": "2026-08-01T00:00:00Z", "renewalTime": "2026-07-01T00:00:00Z", "revision": 3,
            "failedIssuanceAttempts": 5, "lastFailureTime": "2026-07-20T00:00:00Z",
        });
        admin.patch_status(&path(&namespace), failed).await;
        namespace
    }
}

/// As cert-manager's own documentation describes it, with only those fields that are written here.
fn definition(group: &str, kind: &str, plural: &str, scope: &str) -> Value {
    let text = json!({ "type": "string" });
    let condition = json!({
        "type": "object",
        "required": ["type", "status"],
        "properties": {
            "type": text, "status": { "type": "string", "enum": ["True", "False", "Unknown"] }, "reason": text, "message": text,
            "lastTransitionTime": { "type": "string", "format": "date-time" }, "observedGeneration": { "type": "integer", "format": "int64" },
        },
    });
    let status = json!({
        "type": "object",
        "properties": {
            "conditions": {
                "type": "array", "items": condition, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
            },
            "notAfter": { "type": "string", "format": "date-time" },
            "renewalTime": { "type": "string", "format": "date-time" },
            "lastFailureTime": { "type": "string", "format": "date-time" },
            "failedIssuanceAttempts": { "type": "integer" },
            "revision": { "type": "integer" },
        },
    });
    let spec = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let schema = json!({ "openAPIV3Schema": { "type": "object", "properties": { "spec": spec, "status": status } } });
    let version =
        json!({ "name": "v1", "served": true, "storage": true, "schema": schema, "subresources": { "status": {} } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
        },
        "spec": {
            "group": group,
            "scope": scope,
            "names": { "kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase() },
            "versions": [version],
        },
    })
}

fn path(namespace: &str) -> String {
    format!("/apis/cert-manager.io/v1/namespaces/{namespace}/certificates/web")
}

fn alert(namespace: &str) -> Value {
    let labels = json!({
        "alertname": "CertManagerCertExpirySoon", "severity": "warning", "name": "web",
        "exported_namespace": namespace, "namespace": "cert-manager",
    });
    json!([{ "labels": labels }])
}
