//! Deployments: a change that does not come up goes back, and a container gets a higher limit.

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::{wait_for, wait_until};

/// Nothing but the action, for an alert of its own.
const MORE_MEMORY: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: more-memory, version: 1.0.0, owner: platform }
summary: the web needs more memory
severity: S3
autonomy: auto
page_by: 1h
triggers: [{ alert: WebNeedsMemory }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: raise
    k8s.set_resources: { container: web, memory: { by: 25%, max: 1Gi } }
    verify:
      until: >-
        target.status.observedGeneration == target.metadata.generation
        && target.status.?replicas.orValue(0) == target.spec.replicas
        && target.status.?updatedReplicas.orValue(0) == target.spec.replicas
        && target.status.?availableReplicas.orValue(0) == target.spec.replicas
      settle: 2s
      every: 5s
      within: 2m
escalate:
  - page: { message: \"{{because}}\" }
";

/// A mark that a controller would read. None does, so that it is taken back.
const MARK: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: mark, version: 1.0.0, owner: platform }
summary: the web is to be drained
severity: S3
autonomy: approve
page_by: 1h
triggers: [{ alert: WebMustDrain }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: mark
    k8s.annotate: { key: example.com/drain-requested, value: now }
    approval: { of: databases, within: 10m, question: Drain it? }
    verify:
      until: target.metadata.annotations[?'example.com/drained'].orValue('') == 'true'
      settle: 1s
      every: 5s
      within: 15s
    undo: unless_verified
escalate:
  - page: { message: \"{{because}}\" }
";

#[tokio::test]
async fn a_change_that_does_not_come_up_goes_back_and_a_container_gets_more_memory() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    let namespace = site.web().await;
    let ran = site.deployment(&namespace).await;
    site.breaks_web(&namespace).await;
    let alertmanager = site.alertmanager(Version::V0_34).await;

    alertmanager.post_alerts(&alert("KubeDeploymentRolloutStuck", &namespace)).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains("back, revision 2 (registry.example/web:2) -> 1 (registry.example/web:1)"), "{why}");
    assert_eq!(site.mutations(&namespace).await, ["patch deployments/web 200"]);
    let web = site.deployment(&namespace).await;
    assert_eq!(web["spec"]["template"], ran["spec"]["template"], "nothing of the second one is left");
    let annotations = &web["metadata"]["annotations"];
    assert_eq!(annotations["deployment.kubernetes.io/revision"], "3");
    let cause = annotations["kubernetes.io/change-cause"].as_str().unwrap_or_default();
    assert!(cause.starts_with("dogwatch-run-") && cause.ends_with("-back: back to revision 1"), "{cause}");

    site.runs_also("more-memory", MORE_MEMORY).await;
    alertmanager.post_alerts(&alert("WebNeedsMemory", &namespace)).await;
    // It is about the same Deployment, and so the same incident.
    let why = site.told("INC-1", "RUN-2 fixed").await;
    assert!(why.contains("memory 64Mi -> 80Mi, the request with it"), "{why}");
    assert_eq!(site.mutations(&namespace).await, ["patch deployments/web 200", "patch deployments/web 200"]);
    let wanted = json!({ "limits": { "memory": "80Mi", "cpu": "1" }, "requests": { "memory": "80Mi", "cpu": "10m" } });
    assert_eq!(site.deployment(&namespace).await["spec"]["template"]["spec"]["containers"][0]["resources"], wanted);
}

#[tokio::test]
async fn a_mark_that_nobody_heeds_is_taken_away_again() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    let namespace = site.web().await;
    site.runs_also("mark", MARK).await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    alertmanager.post_alerts(&alert("WebMustDrain", &namespace)).await;
    site.told("INC-1", "asks for approval").await;
    let answer = site.says_to_databases("/approve APR-1").await;
    assert!(!answer.contains("does not take your yes"), "{answer}");
    let mark =
        async || site.deployment(&namespace).await["metadata"]["annotations"]["example.com/drain-requested"].clone();
    wait_until(SOON, "it is marked", async || mark().await == "now").await;
    site.told("INC-1", "escalated").await;
    assert_eq!(mark().await, Value::Null);
    assert_eq!(site.mutations(&namespace).await, ["patch deployments/web 200", "patch deployments/web 200"]);
}

impl Site {
    /// A Deployment of two pods that are ready.
    pub(super) async fn web(&self) -> String {
        let namespace = self.cluster.namespace("rollout").await;
        let resources =
            json!({ "limits": { "memory": "64Mi", "cpu": "1" }, "requests": { "memory": "64Mi", "cpu": "10m" } });
        let deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": "web", "namespace": namespace },
            "spec": {
                "replicas": 2,
                "selector": { "matchLabels": { "app": "web" } },
                "template": {
                    "metadata": { "labels": { "app": "web" } },
                    "spec": { "containers": [{ "name": "web", "image": "registry.example/web:1", "resources": resources }] },
                },
            },
        });
        self.cluster.admin.apply(deployment).await;
        let is_ready = async || self.deployment(&namespace).await["status"]["readyReplicas"] == 2;
        wait_until(SOON, "the web is ready", is_ready).await;
        namespace
    }

    pub(super) async fn deployment(&self, namespace: &str) -> Value {
        self.cluster.admin.get(&path(namespace)).await
    }

    /// Somebody deploys what no node takes; its pods say what a kubelet would say of a missing
    /// image.
    pub(super) async fn breaks_web(&self, namespace: &str) {
        let admin = &self.cluster.admin;
        let mut container = self.deployment(namespace).await["spec"]["template"]["spec"]["containers"][0].clone();
        container["image"] = json!("registry.example/web:2");
        let spec = json!({ "containers": [container], "nodeSelector": { "nowhere": "at-all" } });
        admin.patch(&path(namespace), json!({ "spec": { "template": { "spec": spec } } })).await;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        let new = wait_for(SOON, "the new pod is there", async || {
            let listed = admin.get(&format!("{pods}?labelSelector=app%3Dweb")).await;
            let items = listed["items"].as_array()?.clone();
            let is_new = |pod: &Value| pod["spec"]["containers"][0]["image"] == "registry.example/web:2";
            items.into_iter().find(is_new)?["metadata"]["name"].as_str().map(str::to_owned)
        })
        .await;
        let waiting = json!({
            "name": "web", "image": "registry.example/web:2", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ImagePullBackOff" } },
        });
        admin.patch_status(&format!("{pods}/{new}"), json!({ "containerStatuses": [waiting] })).await;
    }
}

fn path(namespace: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments/web")
}

pub(super) fn alert(name: &str, namespace: &str) -> Value {
    json!([{ "labels": { "alertname": name, "severity": "warning", "namespace": namespace, "deployment": "web" } }])
}
