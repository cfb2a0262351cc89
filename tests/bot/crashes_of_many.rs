//! The bot dies at every point of a loop of Jobs, and of a rollout that goes back.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::build;
use dogwatch::model::Outcome;
use serde_json::json;

use crate::bot::shipped;
use crate::crashes::Story;

/// Each Job is the one of its item: no restart makes a second one. And what was left alone stays
/// so.
#[tokio::test]
async fn each_job_of_a_loop_is_started_once_whenever_the_bot_dies() {
    let leaving = "      - leave_if: job.metadata.name == 'pg-02-night'\n        because: it is held\n      - require:";
    Story {
        playbook: crate::loops::RESTART.replace("      - require:", leaving),
        objects: || crate::loops::failed(3),
        world: |_| {},
        alert: ("JobsFailing", &[]),
        ends: Outcome::Escalated,
        mutations: &[
            "create job/pg-01-dogwatch-1-cb9016784e in databases",
            "create job/pg-03-dogwatch-1-6dd5b50bfc in databases",
        ],
        pages: &["databases escalated"],
    }
    .survives(60..200)
    .await;
}

/// A Deployment of three that is stuck: its new image is pulled by no node, and the old pods serve
/// on.
fn stuck_rollout() -> Vec<Object> {
    let containers = |image: &str| json!([{ "name": "web", "image": image }]);
    let labels = |hash: &str| json!({ "app": "web", "pod-template-hash": hash });
    let web = Object(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "namespace": "shop", "name": "web", "uid": "u-web", "generation": 7,
            "annotations": { "deployment.kubernetes.io/revision": "7" },
        },
        "spec": {
            "replicas": 3,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "100%", "maxUnavailable": 0 } },
            "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": containers("shop:3") } },
        },
        "status": { "observedGeneration": 7, "replicas": 6, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3 },
    }));
    let set = |hash: &str, revision: &str, image: &str, made: &str, ready: u32| {
        let set = json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "namespace": "shop", "name": format!("web-{hash}"), "uid": format!("u-{hash}"), "labels": labels(hash),
                "creationTimestamp": made, "annotations": { "deployment.kubernetes.io/revision": revision },
            },
            "spec": {
                "replicas": 3,
                "selector": { "matchLabels": labels(hash) },
                "template": { "metadata": { "labels": labels(hash) }, "spec": { "containers": containers(image) } },
            },
            "status": { "replicas": 3, "readyReplicas": ready, "availableReplicas": ready },
        });
        build::owned_by(Object(set), &web)
    };
    let old = set("old", "6", "shop:2", "2026-02-10T02:00:00Z", 3);
    // The harness lets seven hours pass before the alert.
    let new = set("new", "7", "shop:3", "2026-03-02T08:30:00Z", 0);
    let pods = (1..=3).map(|n| {
        let waiting = json!({ "waiting": { "reason": "ImagePullBackOff" } });
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "namespace": "shop", "name": format!("web-new-{n}"), "labels": labels("new") },
            "spec": { "nodeName": "node-1", "containers": containers("shop:3") },
            "status": {
                "phase": "Pending",
                "conditions": [{ "type": "Ready", "status": "False" }],
                "containerStatuses": [{
                    "name": "web", "image": "shop:3", "imageID": "", "ready": false, "restartCount": 0, "state": waiting,
                }],
            },
        });
        build::owned_by(Object(pod), &new)
    });
    let pods: Vec<Object> = pods.collect();
    [web, old, new].into_iter().chain(pods).collect()
}

#[tokio::test]
async fn a_rollout_is_taken_back_once_whenever_the_bot_dies() {
    Story {
        playbook: shipped("rollout-undo"),
        objects: stuck_rollout,
        world: |_| {},
        alert: ("KubeDeploymentRolloutStuck", &[("namespace", "shop"), ("deployment", "web")]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/web in shop"],
        pages: &[],
    }
    .survives(40..120)
    .await;
}
