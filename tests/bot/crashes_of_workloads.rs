//! The bot dies at every point of what it changes of a workload, or of what makes its pods.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, build};
use dogwatch::model::{ObjectKey, Outcome};
use serde_json::json;

use crate::crashes::Story;

const RESTART: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: restart, version: 1.0.0, owner: platform }
summary: the web holds connections that are dead
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: WebHangs }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: restart
    k8s.rollout_restart: {}
    verify:
      until: >-
        target.status.observedGeneration == target.metadata.generation
        && target.status.?updatedReplicas.orValue(0) == target.spec.replicas
        && target.status.?readyReplicas.orValue(0) == target.spec.replicas
      settle: 1m
      within: 10m
escalate:
  - page: { message: '{{because}}' }
";

fn web() -> Vec<Object> {
    vec![build::deployment("shop", "web", 2)]
}

/// A second restart would replace pods that have just begun to work.
#[tokio::test]
async fn a_workload_is_restarted_once_whenever_the_bot_dies() {
    Story {
        playbook: RESTART.to_owned(),
        objects: web,
        world: |_| {},
        alert: ("WebHangs", &[("namespace", "shop"), ("deployment", "web")]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/web in shop"],
        pages: &[],
    }
    .survives(20..60)
    .await;
}
