//! A CronJob that is held back for a time.

use serde_json::{Value, json};

use crate::site::Site;
use crate::world::alertmanager::Version;

const HOLD: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: hold-backup, version: 1.0.0, owner: platform }
summary: backups fill the disk
severity: S3
autonomy: auto
page_by: 1h
triggers: [{ alert: BackupsFillTheDisk }]
target: { kind: CronJob, from: alert }
mitigate:
  - id: hold
    k8s.suspend_cronjob: {}
    verify: { until: target.spec.?suspend.orValue(false), settle: 1s, every: 5s, within: 1m }
  - id: go_on
    k8s.resume_cronjob: {}
    verify: { until: \"!target.spec.?suspend.orValue(false)\", settle: 1s, every: 5s, within: 1m }
escalate:
  - page: { message: \"{{because}}\" }
";

#[tokio::test]
async fn a_cronjob_is_suspended_and_resumed_with_just_the_printed_rights() {
    let mut site = Site::open_alone().await;
    let namespace = site.cluster.namespace("held").await;
    let container = json!({ "name": "backup", "image": "registry.example/backup:1" });
    let pod = json!({ "restartPolicy": "Never", "containers": [container] });
    let cronjob = json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": { "namespace": namespace, "name": "backup" },
        "spec": { "schedule": "0 0 1 1 *", "jobTemplate": { "spec": { "template": { "spec": pod } } } },
    });
    site.cluster.admin.apply(cronjob).await;
    site.runs_also("hold-backup", HOLD).await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    let labels = json!({
        "alertname": "BackupsFillTheDisk", "severity": "warning", "namespace": namespace, "cronjob": "backup",
    });
    alertmanager.post_alerts(&json!([{ "labels": labels }])).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains("the last run that was missed may start at once"), "{why}");
    assert_eq!(site.mutations(&namespace).await, ["patch cronjobs/backup 200", "patch cronjobs/backup 200"]);
    let path = format!("/apis/batch/v1/namespaces/{namespace}/cronjobs/backup");
    let live: Value = site.cluster.admin.get(&path).await;
    assert_eq!(live.pointer("/spec/suspend"), Some(&json!(false)), "{live}");
}
