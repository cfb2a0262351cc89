//! How many steps of runs are made durable in a second: many runs at once, on the workers of one process.

use std::time::{Duration, Instant};

use dogwatch::store::{RunStore as _, Store as _};

use crate::bodies::firing;
use crate::process::{client, deliver};
use crate::site::Site;
use crate::thousands;

const RUNS: usize = 200;
const STEPS: usize = 25;

fn playbook() -> String {
    let step = |n: usize| format!("  - id: step_{n}\n    prometheus.query: {{ expr: up }}\n");
    let steps: String = (0..STEPS).map(step).collect();
    format!(
        r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: {{ name: steps, version: 1.0.0, owner: platform }}
summary: Many queries
severity: S3
autonomy: observe
triggers:
  - alert: AppSlow
target: {{ kind: Deployment, from: alert }}
diagnose:
{steps}  - done_if: step_0.value == 1
    because: it is well
mitigate:
  - id: scale
    k8s.scale: {{ by: 50%, max: 10 }}
    verify: {{ query: step_0, until: value > 1, settle: 1m, within: 2m }}
    undo: never
escalate:
  - page: {{ message: "it is not well" }}
"#
    )
}

pub async fn run() {
    let mut site = Site::open(&playbook(), RUNS).await;
    let began = site.clock.now();
    let mut ends = site.store.bells().signals.listen();
    deliver(&client(), &site.url, firing("AppSlow", 0, RUNS)).await;
    let first = site.asked.recv().await.expect("it asks");
    let ended = loop {
        ends.borrow_and_update();
        let ended = site.store.runs_ended(began, site.clock.now() + Duration::from_secs(60)).await.expect("the store");
        if ended.len() == RUNS {
            break ended;
        }
        ends.changed().await.expect("the bot lives");
    };
    let lasted: Duration = Instant::now() - first;
    let mut records = 0;
    for run in &ended {
        records += site.store.run_log(run.id).await.expect("the store").len();
    }
    println!(
        "durable steps: {} steps/s, {} records/s ({RUNS} runs of {STEPS} steps, {records} records in {:.2} s)",
        thousands((RUNS * STEPS) as f64 / lasted.as_secs_f64()),
        thousands(records as f64 / lasted.as_secs_f64()),
        lasted.as_secs_f64(),
    );
    site.close().await;
}
