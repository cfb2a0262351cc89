//! What no alert tells of, and the bot itself sees.

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::wait::wait_for;

#[tokio::test]
async fn an_image_that_cannot_be_pulled_and_the_service_behind_it_are_seen_as_one() {
    let mut site = Site::open().await;
    let namespace = site.cluster.namespace("seen").await;
    site.configure_more(&format!(
        "sources: [{{ name: watch, kind: cluster, every: 10s, namespaces: [{namespace}], watches: {{ image_pull: {{ hold: 0s }}, \
         service_without_endpoints: {{ hold: 0s }} }} }}]"
    ))
    .await;
    // What the printed role does not hold, it cannot see.
    site.grant().await;
    let admin = &site.cluster.admin;
    admin.apply(deployment(&namespace)).await;
    let service = json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] });
    let metadata = json!({ "namespace": namespace, "name": "front" });
    admin.apply(json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service })).await;
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let names = wait_for(SOON, "the pods are there", async || {
        let found = admin.get(&pods).await;
        let names: Vec<String> = found["items"]
            .as_array()?
            .iter()
            .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
            .collect();
        (names.len() == 2).then_some(names)
    })
    .await;
    for name in names {
        let waiting = json!({ "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling image" } });
        let container = json!({ "name": "main", "image": "registry.example/web:2", "imageID": "", "ready": false,
            "restartCount": 0, "state": waiting });
        admin.patch_status(&format!("{pods}/{name}"), json!({ "containerStatuses": [container] })).await;
    }
    site.told("INC-1", "DogwatchImagePullBackOff").await;
    site.told("INC-1", "DogwatchServiceWithoutEndpoints").await;
    let incidents = site.says("/incidents all").await;
    assert!(!incidents.contains("INC-2"), "{incidents}");
}

/// Two pods that no node takes: nobody but the test writes their status.
fn deployment(namespace: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "namespace": namespace, "name": "web" },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": {
                    "nodeSelector": { "no-such-label": "on-any-node" },
                    "containers": [{ "name": "main", "image": "registry.example/web:2" }],
                },
            },
        },
    })
}
