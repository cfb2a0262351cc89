//! A backup that hangs, and backups that have failed at once.

use chrono::{SecondsFormat, TimeDelta, Utc};
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
ALERTS{{alertname="PgBackRestBackupTimeout",alertstate="firing",namespace="{namespace}",job_name="{HANGING}"}} 1
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

/// Six databases whose backups failed in the night. The CronJobs' own controller says when each has
/// a good one again.
#[tokio::test]
async fn backups_that_failed_at_once_are_started_again_after_one_yes_also_when_the_bot_is_killed_over_it() {
    let mut site = Site::open().await;
    let namespace = site.cluster.namespace("overdue").await;
    let databases: Vec<String> = (1..=6).map(|n| format!("pg-{n}")).collect();
    let mut samples = String::new();
    let due = Utc::now().timestamp() + 16 * 3_600;
    for database in &databases {
        site.missed_backup(&namespace, database).await;
        let of = format!(r#"namespace="{namespace}",database="{database}",pod="{database}-0""#);
        samples.push_str(&format!(
            r#"
pgbackrest_repo_status{{stanza="{database}",repo_key="1"}} 0
pgbackrest_backup_since_last_completion_seconds{{stanza="{database}"}} 1
pg_stat_archiver_failed_count{{{of}}} 15
pg_stat_archiver_last_archive_age{{{of}}} 60
kube_cronjob_next_schedule_time{{namespace="{namespace}",cronjob="{database}-backup"}} {due}
"#
        ));
    }
    site.prometheus.exports(&samples);
    // An increase needs two samples.
    site.prometheus.wait_for("sum(increase(pg_stat_archiver_failed_count[10s])) == 0").await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    let labels = json!({ "alertname": "PgBackRestBackupsOverdue", "namespace": namespace });
    alertmanager.post_alerts(&json!([{ "labels": labels }])).await;
    site.told("INC-1", "asks for approval").await;
    assert_eq!(site.mutations(&namespace).await, Vec::<String>::new());
    let answer = site.says("/approve APR-1").await;
    assert!(answer.contains("databases"), "{answer}");
    site.says_to_databases("/approve APR-1").await;

    // The first alone, and whether it was made the bot has to find out.
    let first = wait_for(SOON, "the first backup is started", async || site.started(&namespace).await.pop()).await;
    assert!(first.starts_with("pg-1-backup-dogwatch-"), "{first}");
    site.restart_bot().await;
    assert_eq!(site.started(&namespace).await, [first]);
    let mut most_at_once = 0;
    wait_for(2 * SOON, "all backups have succeeded", async || {
        most_at_once = most_at_once.max(site.finish_waiting_pods(&namespace).await);
        let jobs = site.jobs(&namespace).await;
        (jobs.iter().filter(|job| job["status"]["succeeded"] == 1).count() == databases.len()).then_some(())
    })
    .await;
    assert!(most_at_once <= 3, "{most_at_once} at once");
    site.told("INC-1", "fixed").await;

    // One for each, in their order, and no failed Job was deleted.
    let mutations = site.mutations(&namespace).await;
    assert_eq!(mutations.len(), databases.len(), "{mutations:?}");
    for (database, mutation) in databases.iter().zip(&mutations) {
        assert!(mutation.starts_with(&format!("create jobs/{database}-backup-dogwatch-")), "{mutations:?}");
        assert!(mutation.ends_with(" 201"), "{mutations:?}");
        let path = format!("/apis/batch/v1/namespaces/{namespace}/cronjobs/{database}-backup");
        let status = site.cluster.admin.get(&path).await["status"].clone();
        assert!(status["lastSuccessfulTime"].as_str() > status["lastScheduleTime"].as_str(), "{status}");
    }
    assert_eq!(site.jobs(&namespace).await.len(), 2 * databases.len());
}

impl Site {
    /// A CronJob whose last planned Job failed.
    async fn missed_backup(&self, namespace: &str, database: &str) {
        let failed = format!("{database}-backup-29541240");
        let cronjob = self.backup_job(namespace, database, &failed).await;
        let planned = Utc::now() - TimeDelta::hours(8);
        let status = json!({ "lastScheduleTime": planned.to_rfc3339_opts(SecondsFormat::Secs, true) });
        self.cluster.admin.patch_status(&cronjob, status).await;
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let pod = wait_for(SOON, "the backup has a pod", async || {
            let list = self.cluster.admin.get(&path).await;
            let is_its = |pod: &&Value| pod["metadata"]["labels"]["job-name"] == failed.as_str();
            list["items"].as_array()?.iter().find(is_its).cloned()
        })
        .await;
        let pod = format!("{path}/{}", pod["metadata"]["name"].as_str().expect("a name"));
        self.cluster.admin.patch_status(&pod, json!({ "phase": "Failed" })).await;
        let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs/{failed}");
        wait_for(SOON, "the backup has failed", async || {
            let job = self.cluster.admin.get(&path).await;
            let conditions = job["status"]["conditions"].as_array()?;
            conditions.iter().any(|it| it["type"] == "Failed" && it["status"] == "True").then_some(())
        })
        .await;
    }

    /// The names of the Jobs that the bot has made.
    async fn started(&self, namespace: &str) -> Vec<String> {
        let jobs = self.jobs(namespace).await;
        let names = jobs.iter().filter_map(|job| job["metadata"]["name"].as_str());
        names.filter(|name| name.contains("-dogwatch-")).map(str::to_owned).collect()
    }

    /// Plays the kubelet for all pods that wait now, and says how many they were.
    async fn finish_waiting_pods(&self, namespace: &str) -> usize {
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let list = self.cluster.admin.get(&path).await;
        let pods = list["items"].as_array().cloned().unwrap_or_default();
        let waiting: Vec<&Value> = pods.iter().filter(|pod| pod["status"]["phase"] == "Pending").collect();
        for pod in &waiting {
            let pod = format!("{path}/{}", pod["metadata"]["name"].as_str().expect("a name"));
            self.cluster.admin.patch_status(&pod, json!({ "phase": "Succeeded" })).await;
        }
        waiting.len()
    }

    /// A CronJob, and a Job of it that is under way, as its controller makes one.
    async fn hanging_backup(&self) -> String {
        let namespace = self.cluster.namespace("backups").await;
        self.backup_job(&namespace, "pg-17", HANGING).await;
        let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs/{HANGING}");
        let is_active = async || (self.cluster.admin.get(&path).await["status"]["active"] == 1).then_some(());
        wait_for(SOON, "the backup is under way", is_active).await;
        self.start_pods(&namespace).await;
        let is_ready = async || (self.cluster.admin.get(&path).await["status"]["ready"] == 1).then_some(());
        wait_for(SOON, "its pod runs", is_ready).await;
        namespace
    }

    /// A CronJob of that database and a Job of it; the path of the CronJob.
    async fn backup_job(&self, namespace: &str, database: &str, job: &str) -> String {
        let labels = json!({ "app": "pgbackrest", "database": database });
        let name = format!("{database}-backup");
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
            "metadata": { "name": name, "namespace": namespace, "labels": labels },
            "spec": {
                "schedule": "0 0 1 1 *",
                "concurrencyPolicy": "Forbid",
                "jobTemplate": { "metadata": { "labels": labels }, "spec": template },
            },
        });
        let cronjob = self.cluster.admin.apply(cronjob).await;
        let owner = json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": cronjob["metadata"]["uid"],
            "controller": true, "blockOwnerDeletion": true,
        });
        let metadata = json!({ "name": job, "namespace": namespace, "labels": labels, "ownerReferences": [owner] });
        let job = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template });
        self.cluster.admin.apply(job).await;
        format!("/apis/batch/v1/namespaces/{namespace}/cronjobs/{name}")
    }

    async fn jobs(&self, namespace: &str) -> Vec<Value> {
        let list = self.cluster.admin.get(&format!("/apis/batch/v1/namespaces/{namespace}/jobs")).await;
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Plays the kubelet: what waits runs.
    async fn start_pods(&self, namespace: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let runs = json!({
            "phase": "Running",
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{
                "name": "pgbackrest", "image": "pgbackrest", "imageID": "", "ready": true, "restartCount": 0,
                "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } },
            }],
        });
        let list = self.cluster.admin.get(&path).await;
        for pod in list["items"].as_array().cloned().unwrap_or_default() {
            let pod = format!("{path}/{}", pod["metadata"]["name"].as_str().expect("a name"));
            self.cluster.admin.patch_status(&pod, runs.clone()).await;
        }
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
