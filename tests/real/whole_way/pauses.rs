//! A rollout that is held, and goes on.

use serde_json::Value;

use super::rollouts::alert;
use crate::site::Site;
use crate::world::alertmanager::Version;

const PAUSE: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: pause, version: 1.0.0, owner: platform }
summary: what is rolled out does not come up
severity: S3
autonomy: auto
page_by: 1h
triggers: [{ alert: WebMustWait }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: pause
    k8s.rollout_pause: {}
    verify: { until: target.spec.?paused.orValue(false), settle: 1s, every: 5s, within: 1m }
  - id: go_on
    k8s.rollout_resume: {}
    verify: { until: \"!target.spec.?paused.orValue(false)\", settle: 1s, every: 5s, within: 1m }
    undo: at_end
escalate:
  - page: { message: \"{{because}}\" }
";

/// What was resumed bears no mark: that nothing was written since is seen by its generation.
#[tokio::test]
async fn a_rollout_is_paused_goes_on_and_is_paused_again() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    let namespace = site.web().await;
    site.breaks_web(&namespace).await;
    site.runs_also("pause", PAUSE).await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    alertmanager.post_alerts(&alert("WebMustWait", &namespace)).await;
    site.told("INC-1", "fixed").await;
    let patched = "patch deployments/web 200";
    assert_eq!(site.mutations(&namespace).await, [patched, patched, patched]);
    assert_eq!(site.deployment(&namespace).await.pointer("/spec/paused"), Some(&Value::Bool(true)));
}
