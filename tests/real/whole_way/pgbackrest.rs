//! A real pgBackRest with a real repository, which the bot asks in a pod as anybody may whom the
//! cluster lets: in order, slow, locked, hanging, without its repository, of a wrong name, and with
//! an archive that takes nothing.

use std::process::Command;

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::{Alertmanager, Version};
use crate::world::kwok::{KwokNodes, Runs};
use crate::world::pgbackrest::PgBackRest;
use crate::world::wait::{wait_for, wait_until};

/// It says what it was told, and then starts a backup.
const PLAYBOOK: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: backup-look, version: 1.0.0, owner: databases }
summary: backups are looked at
severity: S3
autonomy: auto
page_by: 1h
triggers:
  - alert: BackupsLookedAt0
  - alert: BackupsLookedAt1
  - alert: BackupsLookedAt2
  - alert: BackupsLookedAt3
  - alert: BackupsLookedAt4
  - alert: BackupsLookedAt5
  - alert: BackupsLookedAt6
target: { kind: Pod, from: alert }
diagnose:
  - id: jobs
    k8s.list: { kind: Job, labels: app=pgbackrest }
  - id: backups
    pgbackrest.info: { stanza: \"{{alert.labels.stanza}}\", timeout: 4s }
    on_error: go_on
  - id: archives
    pgbackrest.check: { stanza: \"{{alert.labels.stanza}}\" }
    on_error: go_on
mitigate:
  - id: start
    pgbackrest.backup: { stanza: \"{{alert.labels.stanza}}\", from_cronjob: backup, unless_within: \"{{alert.labels.enough}}\" }
    verify:
      query: jobs
      until: items.exists(j, j.status.?succeeded.orValue(0) > 0)
      settle: 1s
      every: 2s
      within: 1m
escalate:
  - page: { message: \"{{because}}\" }
";

const ALLOWED: &str = "\
exec:
  allow:
    - [pgbackrest, --output=json, info, \"--stanza=*\"]
    - [pgbackrest, --archive-timeout=15, --log-level-console=info, \"--stanza=*\", check]
";

struct Story {
    site: Site,
    backrest: PgBackRest,
    alertmanager: Alertmanager,
    namespace: String,
    asked: usize,
    _nodes: KwokNodes,
}

impl Story {
    async fn begin() -> Self {
        let backrest = PgBackRest::start().await;
        let mut site = Site::open_alone().await;
        let namespace = site.cluster.namespace("backrest").await;
        let runs = Runs {
            namespace: namespace.clone(),
            pods: (0..PODS).map(db).collect(),
            environment: vec![("PGBACKREST_CONFIG".into(), backrest.config().display().to_string())],
            user: backrest.user(),
        };
        let of = |n: usize| format!("node-of-{}", db(n));
        let nodes: Vec<String> = (0..PODS).map(of).collect();
        let nodes = KwokNodes::start(&site.cluster, &nodes, &runs).await;
        for n in 0..PODS {
            site.cluster.admin.apply(pod(&namespace, &db(n), &of(n))).await;
        }
        site.cluster.admin.apply(cronjob(&namespace)).await;
        let path = format!("/api/v1/namespaces/{namespace}/pods/db-0");
        wait_until(SOON, "the pod runs", async || site.cluster.admin.get(&path).await["status"]["phase"] == "Running")
            .await;
        site.configure_more(ALLOWED).await;
        site.runs_also("backup-look", PLAYBOOK).await;
        let alertmanager = site.alertmanager(Version::V0_34).await;
        Self { site, backrest, alertmanager, namespace, asked: 0, _nodes: nodes }
    }

    /// Has the bot look, from a pod of which there is no incident yet.
    async fn posts(&mut self, stanza: &str, enough: &str) {
        let labels = json!({
            "alertname": format!("BackupsLookedAt{}", self.asked),
            "namespace": self.namespace,
            "pod": db(self.asked),
            "stanza": stanza,
            "enough": enough,
        });
        self.asked += 1;
        self.alertmanager.post_alerts(&json!([{ "labels": labels }])).await;
    }

    /// What its incident tells of the last run, once that has ended so.
    async fn told(&self, end: &str) -> String {
        let n = self.asked;
        self.site.told(&format!("INC-{n}"), &format!("RUN-{n} {end}")).await
    }

    async fn looks(&mut self, stanza: &str, enough: &str, end: &str) -> String {
        self.posts(stanza, enough).await;
        self.told(end).await
    }

    /// The controller counts a pod that has succeeded.
    async fn finishes_the_job(&self) {
        let path = format!("/api/v1/namespaces/{}/pods", self.namespace);
        let pod = wait_for(SOON, "the Job has a pod", async || {
            let pods = self.site.cluster.admin.get(&path).await;
            let mut pods = pods["items"].as_array().cloned().unwrap_or_default();
            pods.retain(|pod| pod["metadata"]["labels"]["app"] != "postgres");
            pods.pop()
        })
        .await;
        let name = pod["metadata"]["name"].as_str().expect("a name");
        self.site.cluster.admin.patch_status(&format!("{path}/{name}"), json!({ "phase": "Succeeded" })).await;
    }

    async fn jobs(&self) -> Vec<Value> {
        let path = format!("/apis/batch/v1/namespaces/{}/jobs", self.namespace);
        let jobs = self.site.cluster.admin.get(&path).await;
        jobs["items"].as_array().cloned().unwrap_or_default()
    }
}

/// One for each look, on a node of its own and with an alert of its own: what begins on one node,
/// or in many places at once, is one incident.
const PODS: usize = 7;

fn db(n: usize) -> String {
    format!("db-{n}")
}

fn pod(namespace: &str, name: &str, node: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "namespace": namespace, "name": name, "labels": { "app": "postgres" } },
        "spec": { "nodeName": node, "containers": [{ "name": "postgres", "image": "postgres:15" }] },
    })
}

fn cronjob(namespace: &str) -> Value {
    let pod = json!({
        "restartPolicy": "Never",
        // Nothing runs it but the test.
        "schedulerName": "nobody",
        "containers": [{ "name": "pgbackrest", "image": "pgbackrest:2.45", "args": ["backup"] }],
    });
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": { "namespace": namespace, "name": "backup" },
        "spec": {
            "schedule": "0 1 1 1 *",
            "jobTemplate": {
                "metadata": { "labels": { "app": "pgbackrest" } },
                "spec": { "backoffLimit": 0, "template": { "spec": pod } },
            },
        },
    })
}

#[tokio::test]
async fn what_a_real_pgbackrest_says_decides_and_a_backup_starts_only_where_it_can_succeed() {
    let mut story = Story::begin().await;

    // There is a stanza, and no backup: one is started, in a Job, which the test plays with the
    // real program.
    story.posts("main", "1h").await;
    wait_until(SOON, "a Job is made", async || story.jobs().await.len() == 1).await;
    story.backrest.runs(&["backup", "--type=full"]);
    story.finishes_the_job().await;
    let first = story.told("fixed").await;
    assert!(first.contains("no valid backups"), "{first}");
    assert!(first.contains("archiving of main by postgres of pod/db-0"), "{first}");
    assert!(first.contains(": ok, 0000000"), "{first}");
    assert_eq!(story.jobs().await.len(), 1);

    // It is there now, and is new enough for some.
    let enough = story.looks("main", "1h", "nothing to do").await;
    assert!(enough.contains("main: ok, 1 backups"), "{enough}");
    assert!(enough.contains("the newest backup is new enough"), "{enough}");

    // One is under way, and goes on slowly: not at all.
    let slow = story.backrest.begins("slow-backup", &["backup", "--type=full"]);
    wait_until(SOON, "the lock is held", async || is_locked(&story.backrest)).await;
    slow.signal("STOP");
    let locked = story.looks("main", "1s", "escalated").await;
    assert!(locked.contains("one is running"), "{locked}");
    assert!(locked.contains("would only meet the lock of the first"), "{locked}");
    drop(slow);
    wait_until(SOON, "the lock is free", async || !is_locked(&story.backrest)).await;

    // The archive takes nothing. (kwok's kubelet gives no code of a program that fails, as a real
    // one does; what each code means is held to what the program says elsewhere.)
    story.backrest.archives_by("false # pgbackrest");
    let late = story.looks("main", "1h", "nothing to do").await;
    assert!(late.contains("check: exit status 82"), "{late}");
    story.backrest.archives();

    // A stanza of another name, and then a repository that is not there.
    let wrong = story.looks("mian", "1h", "escalated").await;
    assert!(wrong.contains("mian: missing stanza path"), "{wrong}");
    assert!(wrong.contains("a backup can only fail"), "{wrong}");
    let (repository, away) = (story.backrest.repository(), story.backrest.postgres.home().join("away"));
    std::fs::rename(&repository, &away).expect("the repository goes");
    let gone = story.looks("main", "1h", "escalated").await;
    assert!(gone.contains("main: missing stanza path"), "{gone}");
    assert!(gone.contains("check: exit status 55"), "{gone}");
    std::fs::rename(&away, &repository).expect("the repository comes back");

    // A repository that answers nothing, as a share whose server is gone.
    let info = repository.join("backup/main/backup.info");
    std::fs::rename(&info, info.with_extension("kept")).expect("it goes");
    let made = Command::new("mkfifo").arg("-m").arg("666").arg(&info).status().expect("mkfifo runs");
    assert!(made.success());
    story.posts("main", "1h").await;
    story.site.told(&format!("INC-{}", story.asked), "pgbackrest did not end within 4s").await;
    std::fs::remove_file(&info).expect("it goes");

    // All the while, one Job was made, and nothing else was changed.
    let mutations = story.site.mutations(&story.namespace).await;
    let created: Vec<&String> = mutations.iter().filter(|line| line.starts_with("create jobs/")).collect();
    assert_eq!(created.len(), 1, "{mutations:?}");
    assert!(mutations.iter().all(|line| line.contains(" jobs/") || line.contains("/exec")), "{mutations:?}");
}

fn is_locked(backrest: &PgBackRest) -> bool {
    backrest.says(&["--output=json", "info"]).contains(r#""held":true"#)
}
