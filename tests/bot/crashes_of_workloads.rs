//! The bot dies at every point of what it changes of a workload, or of what makes its pods.

use dogwatch::action::{ConfigMapKey, Patchable};
use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, build};
use dogwatch::model::{ObjectKey, Outcome};
use dogwatch::store::RunStore as _;
use serde_json::json;

use crate::bot::{Bot, minutes};
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

const DELETE: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: unhang, version: 1.0.0, owner: platform }
summary: a pod hangs
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: PodHangs }]
target: { kind: Pod, from: alert }
diagnose:
  - id: there
    k8s.get: { kind: Pod, name: '{{target.metadata.name}}', optional: true }
mitigate:
  - id: delete
    k8s.delete_pod: {}
    verify:
      query: there
      until: found && object.metadata.uid != delete.uid && object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')
      settle: 1m
      within: 10m
escalate:
  - page: { message: '{{because}}' }
";

fn set_of_three() -> Vec<Object> {
    vec![build::statefulset("shop", "web", 3)]
}

/// The one that comes in its place has its name: a second time, that would be deleted.
#[tokio::test]
async fn a_pod_is_deleted_once_whenever_the_bot_dies() {
    Story {
        playbook: DELETE.to_owned(),
        objects: set_of_three,
        world: |bot| {
            let unready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "False" }] } });
            bot.cluster.change(&ObjectKey::new("Pod", "shop", "web-1"), &unready, "kubelet").unwrap();
        },
        alert: ("PodHangs", &[("namespace", "shop"), ("pod", "web-1")]),
        ends: Outcome::Fixed,
        mutations: &["delete pod/web-1 in shop"],
        pages: &[],
    }
    .survives(20..60)
    .await;
}

const HOLD: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: hold, version: 1.0.0, owner: databases }
summary: backups fill the disk
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: BackupsFillTheDisk }]
target: { kind: CronJob, from: alert }
mitigate:
  - id: hold
    k8s.suspend_cronjob: {}
    verify: { until: target.spec.?suspend.orValue(false), settle: 1m, within: 10m }
  - id: go_on
    k8s.resume_cronjob: {}
    verify: { until: '!target.spec.?suspend.orValue(false)', settle: 1m, within: 10m }
escalate:
  - page: { message: '{{because}}' }
";

fn backup() -> Vec<Object> {
    vec![build::cronjob("databases", "backup", "0 1 * * *")]
}

#[tokio::test]
async fn a_cronjob_is_suspended_and_resumed_once_whenever_the_bot_dies() {
    Story {
        playbook: HOLD.to_owned(),
        objects: backup,
        world: |_| {},
        alert: ("BackupsFillTheDisk", &[("namespace", "databases"), ("cronjob", "backup")]),
        ends: Outcome::Fixed,
        mutations: &["patch cronjob/backup in databases", "patch cronjob/backup in databases"],
        pages: &[],
    }
    .survives(30..90)
    .await;
}

const FLOOR: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: floor, version: 1.0.0, owner: platform }
summary: the web is slow before its autoscaler is up
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: WebIsSlow }]
target: { kind: HorizontalPodAutoscaler, from: alert }
mitigate:
  - id: floor
    k8s.hpa_set: { bound: min, by: 50%, max: 8 }
    verify: { until: target.spec.minReplicas >= floor.to, settle: 1m, within: 10m }
escalate:
  - page: { message: '{{because}}' }
";

fn scaled() -> Vec<Object> {
    vec![build::hpa("shop", "web", 2, 10), build::deployment("shop", "web", 2)]
}

/// By a half of what it was: twice would be more than anybody said.
#[tokio::test]
async fn a_bound_grows_once_whenever_the_bot_dies() {
    Story {
        playbook: FLOOR.to_owned(),
        objects: scaled,
        world: |_| {},
        alert: ("WebIsSlow", &[("namespace", "shop"), ("horizontalpodautoscaler", "web")]),
        ends: Outcome::Fixed,
        mutations: &["patch horizontalpodautoscaler/web in shop"],
        pages: &[],
    }
    .survives(20..60)
    .await;
}

const PAUSE: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: pause, version: 1.0.0, owner: platform }
summary: what is rolled out does not come up
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: WebRolloutStuck }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: pause
    k8s.rollout_pause: {}
    verify: { until: target.spec.?paused.orValue(false), settle: 1m, within: 10m }
  - id: go_on
    k8s.rollout_resume: {}
    verify: { until: '!target.spec.?paused.orValue(false)', settle: 1m, within: 10m }
escalate:
  - page: { message: '{{because}}' }
";

/// What is off bears no mark: to be off is all that is wanted of it.
#[tokio::test]
async fn a_rollout_is_paused_and_goes_on_once_whenever_the_bot_dies() {
    Story {
        playbook: PAUSE.to_owned(),
        objects: web,
        world: |bot| {
            let web = ObjectKey::new("Deployment", "shop", "web");
            bot.cluster.fault(Fault::NeverReady { workload: web.clone() });
            let newer = json!({ "spec": { "template": { "metadata": { "annotations": { "release": "2" } } } } });
            bot.cluster.change(&web, &newer, "kubectl-set").unwrap();
        },
        alert: ("WebRolloutStuck", &[("namespace", "shop"), ("deployment", "web")]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/web in shop", "patch deployment/web in shop"],
        pages: &[],
    }
    .survives(30..90)
    .await;
}

const IMAGE: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: image, version: 1.0.0, owner: platform }
summary: an image does not come up
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: ImageIsBroken }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: image
    k8s.set_image: { container: main, image: 'registry.example/web:1' }
    verify:
      until: target.spec.template.spec.containers.exists(c, c.image == image.to)
      settle: 1m
      within: 10m
escalate:
  - page: { message: '{{because}}' }
";

#[tokio::test]
async fn an_image_is_set_once_whenever_the_bot_dies() {
    Story {
        playbook: IMAGE.to_owned(),
        objects: web,
        world: |bot| {
            let web = ObjectKey::new("Deployment", "shop", "web");
            bot.cluster.fault(Fault::NeverReady { workload: web.clone() });
            let containers = json!([{ "name": "main", "image": "registry.example/web:2" }]);
            let newer = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
            bot.cluster.change(&web, &newer, "kubectl-set").unwrap();
        },
        alert: ("ImageIsBroken", &[("namespace", "shop"), ("deployment", "web")]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/web in shop"],
        pages: &[],
    }
    .survives(20..60)
    .await;
}

const LABEL: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: label, version: 1.0.0, owner: databases }
summary: somebody is to look at the web
severity: S2
autonomy: approve
page_by: 8h
triggers: [{ alert: WebIsOdd }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: mark
    k8s.label: { key: example.com/inspect, value: now }
    approval: { of: databases, within: 4h, question: 'Mark it?' }
    verify: { until: \"target.metadata.labels[?'example.com/inspect'].orValue('') == 'now'\", settle: 1m, within: 10m }
escalate:
  - page: { message: '{{because}}' }
";

#[tokio::test]
async fn a_label_is_set_once_whenever_the_bot_dies() {
    let goes = async |n: Option<usize>| {
        let mut bot = Bot::begins(&[LABEL], web()).await;
        bot.dies_at(n).await;
        bot.fires("WebIsOdd", &[("namespace", "shop"), ("deployment", "web")]).await;
        while bot.store().open_approvals().await.unwrap().is_empty() {
            bot.passes(minutes(1)).await;
        }
        bot.approves("bob").await;
        let (outcome, because) = bot.end().await;
        bot.settles().await;
        assert_eq!(outcome, Outcome::Fixed, "died at {n:?}: {because}");
        assert_eq!(bot.mutations(), ["patch deployment/web in shop"], "died at {n:?}");
        bot.keeps_the_laws().await;
        bot.fuse.points_that_differ().await
    };
    let points = goes(None).await;
    assert!((15..60).contains(&points.len()), "{points:?}");
    for n in points {
        goes(Some(n)).await;
    }
}

const MODE: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: mode, version: 1.0.0, owner: platform }
summary: the web is to be read-only
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: WebMustRest }]
target: { kind: ConfigMap, namespace: shop, name: web }
mitigate:
  - id: mode
    k8s.configmap_patch: { key: mode, value: read-only }
    verify: { until: target.data.mode == 'read-only', settle: 1m, within: 10m }
escalate:
  - page: { message: '{{because}}' }
";

#[tokio::test]
async fn a_value_is_set_once_whenever_the_bot_dies() {
    let goes = async |n: Option<usize>| {
        let key = ConfigMapKey { namespace: "shop".into(), name: "web".into(), key: "mode".into() };
        let config = vec![build::configmap("shop", "web", &[("mode", "read-write")])];
        let mut bot = Bot::begins(&[MODE], config).await;
        bot.patchable = Patchable::default().and_keys([key]);
        bot.is_restarted().await;
        bot.dies_at(n).await;
        bot.fires("WebMustRest", &[]).await;
        let (outcome, because) = bot.end().await;
        bot.settles().await;
        assert_eq!(outcome, Outcome::Fixed, "died at {n:?}: {because}");
        assert_eq!(bot.mutations(), ["patch configmap/web in shop"], "died at {n:?}");
        bot.keeps_the_laws().await;
        bot.fuse.points_that_differ().await
    };
    let points = goes(None).await;
    assert!((10..60).contains(&points.len()), "{points:?}");
    for n in points {
        goes(Some(n)).await;
    }
}
