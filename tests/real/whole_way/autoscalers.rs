//! Autoscalers: a maximum is raised and put back, and one that cannot decide is left as it is.

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::wait_until;

/// Nothing but the action and its way back, for an alert of its own.
const MORE_FOR_A_WHILE: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: more-for-a-while, version: 1.0.0, owner: platform }
summary: the web may have more pods for a while
severity: S3
autonomy: auto
page_by: 1h
triggers: [{ alert: WebNeedsPods }]
target: { kind: HorizontalPodAutoscaler, from: alert }
mitigate:
  - id: raise
    k8s.patch: { field: spec.maxReplicas, by: 25%, max: 10 }
    verify: { until: target.spec.maxReplicas == raise.to, settle: 2s, every: 5s, within: 1m }
    undo: at_end
escalate:
  - page: { message: \"{{because}}\" }
";

/// The least number, for as long as the run goes on.
const WARM: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: warm, version: 1.0.0, owner: platform }
summary: the web is to be warm
severity: S3
autonomy: auto
page_by: 1h
triggers: [{ alert: WebIsCold }]
target: { kind: HorizontalPodAutoscaler, from: alert }
mitigate:
  - id: floor
    k8s.hpa_set: { bound: min, by: 1, max: 2 }
    verify: { until: target.spec.minReplicas == floor.to, settle: 2s, every: 5s, within: 1m }
    undo: at_end
escalate:
  - page: { message: \"{{because}}\" }
";

#[tokio::test]
async fn a_minimum_is_raised_and_put_back_with_just_the_printed_rights() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    let namespace = site.autoscaled_web().await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    site.runs_also("warm", WARM).await;
    alertmanager.post_alerts(&alert("WebIsCold", &namespace)).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains("raise minReplicas of horizontalpodautoscaler/web"), "{why}");
    let patched = "patch horizontalpodautoscalers/web 200";
    assert_eq!(site.mutations(&namespace).await, [patched, patched]);
    assert_eq!(site.autoscaler(&namespace).await["spec"]["minReplicas"], 1, "it is put back");
}

#[tokio::test]
async fn a_maximum_is_raised_and_put_back_and_one_without_metrics_is_left_as_it_is() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    let namespace = site.autoscaled_web().await;
    let alertmanager = site.alertmanager(Version::V0_34).await;

    site.runs_also("more-for-a-while", MORE_FOR_A_WHILE).await;
    alertmanager.post_alerts(&alert("WebNeedsPods", &namespace)).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains("raise spec.maxReplicas of horizontalpodautoscaler/web"), "{why}");
    let patched = "patch horizontalpodautoscalers/web 200";
    assert_eq!(site.mutations(&namespace).await, [patched, patched]);
    assert_eq!(site.autoscaler(&namespace).await["spec"]["maxReplicas"], 2, "it is put back");

    // There is no metrics-server here, and the real controller says so.
    alertmanager.post_alerts(&alert("KubeHpaMaxedOut", &namespace)).await;
    // It is about the same autoscaler, and so the same incident.
    let why = site.told("INC-1", "RUN-2 escalated").await;
    assert!(why.contains("whoever runs metrics-server looks at that"), "{why}");
    assert_eq!(site.mutations(&namespace).await.len(), 2, "nothing more is changed");
}

impl Site {
    /// A Deployment of two pods that are ready, which are all that its autoscaler may have.
    async fn autoscaled_web(&self) -> String {
        let namespace = self.cluster.namespace("autoscaled").await;
        let labels = json!({ "app": "web" });
        let container =
            json!({ "name": "web", "image": "registry.example/web:1", "resources": { "requests": { "cpu": "10m" } } });
        let deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": "web", "namespace": namespace },
            "spec": {
                "replicas": 2,
                "selector": { "matchLabels": labels },
                "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
            },
        });
        self.cluster.admin.apply(deployment).await;
        let autoscaler = json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": "web", "namespace": namespace },
            "spec": {
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "minReplicas": 1,
                "maxReplicas": 2,
                "metrics": [{
                    "type": "Resource",
                    "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 70 } },
                }],
            },
        });
        self.cluster.admin.apply(autoscaler).await;
        let is_blind = async || {
            let status = self.autoscaler(&namespace).await["status"].clone();
            let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
            let is_inactive = |it: &Value| it["type"] == "ScalingActive" && it["status"] == "False";
            status["currentReplicas"] == 2 && conditions.iter().any(is_inactive)
        };
        wait_until(SOON, "the autoscaler says that it gets no metrics", is_blind).await;
        namespace
    }

    async fn autoscaler(&self, namespace: &str) -> Value {
        let path = format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/web");
        self.cluster.admin.get(&path).await
    }
}

fn alert(name: &str, namespace: &str) -> Value {
    let labels = json!({
        "alertname": name, "severity": "warning", "namespace": namespace, "horizontalpodautoscaler": "web",
    });
    json!([{ "labels": labels }])
}
