//! From the POST of an alert to its playbook's first step: the signal, the decision, the run and its claim are durable by then.

use std::time::Instant;

use crate::bodies::firing;
use crate::process::{client, deliver};
use crate::site::Site;
use crate::spread;

const ROUNDS: usize = 200;

const PLAYBOOK: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: first, version: 1.0.0, owner: platform }
summary: A query
severity: S3
autonomy: observe
triggers:
  - alert: AppSlow
target: { kind: Deployment, from: alert }
diagnose:
  - id: first
    prometheus.query: { expr: up }
  - done_if: first.value == 1
    because: it is well
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: 10 }
    verify: { query: first, until: value > 1, settle: 1m, within: 2m }
    undo: never
escalate:
  - page: { message: "it is not well" }
"#;

pub async fn run() {
    let mut site = Site::open(PLAYBOOK, ROUNDS).await;
    let client = client();
    let mut took = Vec::new();
    for n in 0..ROUNDS {
        let body = firing("AppSlow", n, 1);
        let sent = Instant::now();
        deliver(&client, &site.url, body).await;
        let asked = site.asked.recv().await.expect("it asks");
        took.push(asked - sent);
    }
    println!("from the POST to the first step, {ROUNDS} alerts one after the other: {}", spread(took));
    site.close().await;
}
