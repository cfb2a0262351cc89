//! A backup that hangs.

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::wait_for;

const HANGING: &str = "pg-17-backup-29541240";

#[tokio::test]
async fn a_backup_that_hangs_is_replaced_once_also_when_the_bot_is_killed_over_it() {
    let mut site = Site::open().await;
    let namespace = site.hanging_backup().await;
    let pod = format!(r#"namespace="{namespace}",pod="{HANGING}-x",interface="eth0""#);
    site.prometheus.exports(&format!(
        r#"
pgbackrest_stanza_backup_complete_bytes{{stanza="pg-17"}} 1000
pgbackrest_stanza_backup_total_bytes{{stanza="pg-17"}} 9000
pgbackrest_stanza_backup_lock_status{{stanza="pg-17"}} 1
container_network_transmit_bytes_total{{{pod}}} 7000
container_network_receive_bytes_total{{{pod}}} 7000
"#
    ));
    // A rate needs two samples.
    site.prometheus.wait_for("rate(container_network_receive_bytes_total[10s]) == 0").await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    let labels = json!({ "alertname": "PgBackRestBackupTimeout", "namespace": namespace, "job_name": HANGING });
    alertmanager.post_alerts(&json!([{ "labels": labels }])).await;
    // Around the deletion and the new start, and in the verify.
    for after_ms in [1_100, 300, 500, 700] {
        tokio::time::sleep(std::time::Duration::from_millis(after_ms)).await;
        site.restart_bot().await;
    }
    let started = wait_for(SOON, "a new backup is started", async || {
        let jobs = site.jobs(&namespace).await;
        jobs.into_iter().find(|job| job["metadata"]["name"] != HANGING)
    })
    .await;
    assert_eq!(started["metadata"]["ownerReferences"][0]["name"], "pg-17-backup");
    site.finish_pods(&namespace).await;
    site.told("INC-1", "fixed").await;

    let mutations = site.mutations(&namespace).await;
    let name = started["metadata"]["name"].as_str().expect("a name");
    assert_eq!(mutations, [format!("delete jobs/{HANGING} 200"), format!("create jobs/{name} 201")]);
    assert!(site.jobs(&namespace).await.iter().all(|job| job["metadata"]["name"] == name));
}

impl Site {
    /// A CronJob, and a Job of it that is under way, as its controller makes one.
    async fn hanging_backup(&self) -> String {
        let namespace = self.cluster.namespace("backups").await;
        let labels = json!({ "database": "pg-17" });
        let template = json!({
            "backoffLimit": 0,
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "restartPolicy": "Never",
                    // No node is called so: the test plays the kubelet, since a hollow one lets its pods run for ever.
                    "nodeSelector": { "kubernetes.io/hostname": "the-tests-own" },
                    "containers": [{ "name": "pgbackrest", "image": "pgbackrest" }],
                },
            },
        });
        let cronjob = json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": { "name": "pg-17-backup", "namespace": namespace },
            "spec": {
                "schedule": "0 0 1 1 *",
                "concurrencyPolicy": "Forbid",
                "jobTemplate": { "metadata": { "labels": labels }, "spec": template },
            },
        });
        let cronjob = self.cluster.admin.apply(cronjob).await;
        let owner = json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "name": "pg-17-backup", "uid": cronjob["metadata"]["uid"],
            "controller": true, "blockOwnerDeletion": true,
        });
        let metadata = json!({ "name": HANGING, "namespace": namespace, "labels": labels, "ownerReferences": [owner] });
        let job = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template });
        self.cluster.admin.apply(job).await;
        let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs/{HANGING}");
        let is_active = async || (self.cluster.admin.get(&path).await["status"]["active"] == 1).then_some(());
        wait_for(SOON, "the backup is under way", is_active).await;
        namespace
    }

    async fn jobs(&self, namespace: &str) -> Vec<Value> {
        let list = self.cluster.admin.get(&format!("/apis/batch/v1/namespaces/{namespace}/jobs")).await;
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Plays the kubelet: what waits has run, and well.
    async fn finish_pods(&self, namespace: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let pods = wait_for(SOON, "the new backup has a pod", async || {
            let list = self.cluster.admin.get(&path).await;
            list["items"].as_array().filter(|pods| !pods.is_empty()).cloned()
        })
        .await;
        for pod in pods {
            let pod = format!("{path}/{}", pod["metadata"]["name"].as_str().expect("a name"));
            self.cluster.admin.patch_status(&pod, json!({ "phase": "Succeeded" })).await;
        }
    }
}
