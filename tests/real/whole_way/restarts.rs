//! Pods that hang: their workload is restarted, and one of them is deleted.

use serde_json::{Value, json};

use super::rollouts::alert;
use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::{wait_for, wait_until};

const RESTART: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: restart-web, version: 1.0.0, owner: platform }
summary: the web hangs
severity: S3
autonomy: auto
page_by: 1h
triggers: [{ alert: WebHangs }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: restart
    k8s.rollout_restart: {}
    retry: { for: 1m }
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

#[tokio::test]
async fn a_deployment_is_restarted_once_with_just_the_printed_rights() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    let namespace = site.web().await;
    let before = site.uids_of_web(&namespace).await;
    site.runs_also("restart-web", RESTART).await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    alertmanager.post_alerts(&alert("WebHangs", &namespace)).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains("2 pods are replaced"), "{why}");
    assert_eq!(site.mutations(&namespace).await, ["patch deployments/web 200"]);
    let web = site.deployment(&namespace).await;
    let at = web.pointer("/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt");
    assert!(at.and_then(Value::as_str).is_some_and(|at| at.ends_with('Z')), "{at:?}");
    wait_until(SOON, "all pods are others", async || {
        let after = site.uids_of_web(&namespace).await;
        after.len() == 2 && after.iter().all(|uid| !before.contains(uid))
    })
    .await;
}

/// Of one that has hung since it started: it is named by the alert.
const DELETE: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: delete-pod, version: 1.0.0, owner: platform }
summary: a pod of the web hangs
severity: S3
autonomy: auto
page_by: 1h
triggers: [{ alert: PodHangs }]
target: { kind: Pod, from: alert }
diagnose:
  - id: there
    k8s.get: { kind: Pod, name: \"{{target.metadata.name}}\", optional: true }
mitigate:
  - id: delete
    k8s.delete_pod: {}
    retry: { for: 1m }
    verify: { query: there, until: \"!found || object.metadata.uid != delete.uid\", every: 1s, within: 2m }
escalate:
  - page: { message: \"{{because}}\" }
";

#[tokio::test]
async fn a_pod_that_hangs_is_deleted_by_its_uid_and_with_its_time_to_stop() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    let namespace = site.web().await;
    site.runs_also("delete-pod", DELETE).await;
    let pod = site.pod_that_hangs(&namespace).await;
    let (name, uid) = (pod["metadata"]["name"].as_str().expect("a name"), &pod["metadata"]["uid"]);
    let alertmanager = site.alertmanager(Version::V0_34).await;
    let labels = json!({ "alertname": "PodHangs", "severity": "warning", "namespace": namespace, "pod": name });
    alertmanager.post_alerts(&json!([{ "labels": labels }])).await;
    site.told("INC-1", "fixed").await;
    let audit = site.cluster.audit().await.within(&namespace);
    let made: Vec<_> = audit.mutations().into_iter().filter(|request| request.succeeded()).collect();
    assert_eq!(made.iter().map(ToString::to_string).collect::<Vec<_>>(), [format!("delete pods/{name} 200")]);
    let asked = &made[0].request_object;
    assert_eq!(asked.pointer("/preconditions/uid"), Some(uid), "{asked}");
    assert_eq!(asked.pointer("/gracePeriodSeconds"), None, "{asked}");
}

impl Site {
    /// A third one, that finds no node: it is not ready, and the two others are.
    async fn pod_that_hangs(&self, namespace: &str) -> Value {
        let admin = &self.cluster.admin;
        let before = self.uids_of_web(namespace).await;
        admin.patch("/api/v1/nodes/node-1", json!({ "spec": { "unschedulable": true } })).await;
        let web = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");
        admin.patch(&web, json!({ "spec": { "replicas": 3 } })).await;
        let pods = format!("/api/v1/namespaces/{namespace}/pods?labelSelector=app%3Dweb");
        wait_for(SOON, "a third pod", async || {
            let items = admin.get(&pods).await["items"].as_array()?.clone();
            items.into_iter().find(|pod| !before.iter().any(|uid| pod["metadata"]["uid"] == **uid))
        })
        .await
    }

    async fn uids_of_web(&self, namespace: &str) -> Vec<String> {
        let pods = format!("/api/v1/namespaces/{namespace}/pods?labelSelector=app%3Dweb");
        let listed = self.cluster.admin.get(&pods).await;
        let uids = listed["items"].as_array().into_iter().flatten().filter_map(|pod| pod["metadata"]["uid"].as_str());
        uids.map(str::to_owned).collect()
    }
}
