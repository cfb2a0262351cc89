//! A node that is drained.

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::wait_for;

/// A node that is well is drained, as nobody can make a hollow kubelet say that it is not.
const DRAIN: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: drain-node, version: 1.0.0, owner: platform }
summary: a node is to be drained
severity: S2
autonomy: auto
page_by: 15m
triggers: [{ alert: NodeIsToBeDrained }]
target: { kind: Node, from: alert }
limits: { runs: 2 per 1h, cooldown: 1m }
diagnose:
  - id: pods
    k8s.list: { kind: Pod, fields: "spec.nodeName={{target.metadata.name}}" }
mitigate:
  - id: cordon
    k8s.cordon: {}
    verify: { until: target.spec.?unschedulable.orValue(false), every: 1s, within: 1m }
    undo: at_end
  - id: drain
    foreach: pod in pods.items
    target: { kind: Pod, namespace: "{{pod.metadata.namespace}}", name: "{{pod.metadata.name}}" }
    max: 10
    waves: [1]
    stop_after: 1
    do:
      - id: there
        k8s.get: { kind: Pod, name: "{{pod.metadata.name}}", optional: true }
      - id: evict
        k8s.evict: {}
        retry: { for: 5m }
        verify: { query: there, until: "!found || object.metadata.uid != evict.uid", every: 1s, within: 5m }
escalate:
  - page: { message: "{{because}}" }
"#;

#[tokio::test]
async fn a_node_is_drained_with_just_the_printed_rights_and_takes_pods_again() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-a").await;
    let namespace = site.two_pods_with_a_budget().await;
    let on_a: Vec<Value> = site.pods(&namespace).await;
    assert!(on_a.iter().all(|pod| pod["spec"]["nodeName"] == "node-a"), "{on_a:?}");
    site.cluster.hollow_node("node-b").await;
    site.runs_also("drain-node", DRAIN).await;

    let alertmanager = site.alertmanager(Version::V0_34).await;
    let labels = json!({ "alertname": "NodeIsToBeDrained", "node": "node-a" });
    alertmanager.post_alerts(&json!([{ "labels": labels }])).await;
    wait_for(SOON, "both pods are on the other node", async || {
        let pods = site.pods(&namespace).await;
        let are_there = pods.len() == 2 && pods.iter().all(|pod| pod["spec"]["nodeName"] == "node-b");
        are_there.then_some(())
    })
    .await;
    site.told("INC-1", "fixed").await;

    let audit = site.cluster.audit().await;
    let made: Vec<_> = audit.mutations().into_iter().filter(|request| request.succeeded()).collect();
    let of_nodes_and_pods = made.iter().filter(|request| matches!(request.resource.as_str(), "nodes" | "pods"));
    let told: Vec<String> = of_nodes_and_pods.map(ToString::to_string).collect();
    let mut expected = vec!["patch nodes/node-a 200".to_owned()];
    let names = on_a.iter().map(|pod| pod["metadata"]["name"].as_str().expect("a name"));
    expected.extend(names.map(|name| format!("create pods/{name}/eviction 201")));
    expected.push("patch nodes/node-a 200".to_owned());
    assert_eq!(told, expected);
    for (request, pod) in made.iter().filter(|request| request.subresource == "eviction").zip(&on_a) {
        let precondition = request.request_object.pointer("/deleteOptions/preconditions/uid");
        assert_eq!(precondition, Some(&pod["metadata"]["uid"]), "{:?}", request.request_object);
    }
    let node = site.cluster.admin.get("/api/v1/nodes/node-a").await;
    assert_eq!(node.pointer("/spec/unschedulable"), None, "{node}");
}

impl Site {
    /// Two pods of a Deployment, of which one may be away.
    async fn two_pods_with_a_budget(&self) -> String {
        let namespace = self.cluster.namespace("drained").await;
        let labels = json!({ "app": "web" });
        let pod = json!({ "containers": [{ "name": "main", "image": "registry.example/main:1" }] });
        let deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "namespace": namespace, "name": "web" },
            "spec": {
                "replicas": 2,
                "selector": { "matchLabels": labels },
                "template": { "metadata": { "labels": labels }, "spec": pod },
            },
        });
        self.cluster.admin.apply(deployment).await;
        let budget = json!({
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": { "namespace": namespace, "name": "web" },
            "spec": { "minAvailable": 1, "selector": { "matchLabels": labels } },
        });
        self.cluster.admin.apply(budget).await;
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");
        let is_ready = async || (self.cluster.admin.get(&path).await["status"]["readyReplicas"] == 2).then_some(());
        wait_for(SOON, "both pods are ready", is_ready).await;
        namespace
    }

    /// In the order of their names, as they are listed.
    async fn pods(&self, namespace: &str) -> Vec<Value> {
        let list = self.cluster.admin.get(&format!("/api/v1/namespaces/{namespace}/pods")).await;
        list["items"].as_array().cloned().unwrap_or_default()
    }
}
