//! The bot dies at every point at which dying could matter, one after the other, and another one goes on after its lease.
//!
//! Those are: before and after each record of a log, each decision about a signal, each page, and each request that
//! changes the cluster. Whenever it dies, all of it comes out as if it had not.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use dogwatch::clock::Clock as _;
use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, build};
use dogwatch::model::{IncidentId, IncidentState, ObjectKey, Outcome};
use dogwatch::store::IncidentStore;
use serde_json::json;

use crate::bot::{Bot, minutes, shipped};

/// One conversation and what comes of it, whatever happens to the bot.
pub struct Story {
    pub playbook: String,
    pub objects: fn() -> Vec<Object>,
    /// What else is true of the world.
    pub world: fn(&Bot),
    pub alert: (&'static str, &'static [(&'static str, &'static str)]),
    pub ends: Outcome,
    /// What the cluster sees.
    pub mutations: &'static [&'static str],
    pub pages: &'static [&'static str],
}

impl Story {
    /// How it goes with a bot that dies at the `n`-th point; the points that were passed, and with
    /// one that does not die also those of them that differ.
    async fn goes(&self, n: Option<usize>) -> (Vec<String>, Vec<usize>) {
        let mut bot = Bot::begins(&[&self.playbook], (self.objects)()).await;
        (self.world)(&bot);
        // Long enough for the volumes that the bot may touch only after hours; nothing happens.
        bot.clock.set(bot.clock.now() + minutes(7 * 60));
        bot.settles().await;
        bot.dies_at(n).await;
        let (alert, labels) = self.alert;
        bot.fires(alert, labels).await;
        let (outcome, because) = bot.end().await;
        // What follows from the end has its time, too.
        bot.settles().await;
        let passed = bot.fuse.passed();
        let died = n.map_or("never".to_owned(), |n| format!("at {n}, {}", passed[n - 1]));
        assert_eq!(outcome, self.ends, "died {died}: {because}: {:#?}", bot.log().await);
        assert_eq!(bot.mutations(), self.mutations, "died {died}: {:#?}", bot.log().await);
        assert_eq!(bot.changes().await.len(), self.mutations.len(), "died {died}: {:#?}", bot.log().await);
        assert_eq!(bot.paged().await, self.pages, "died {died}: {:#?}", bot.log().await);
        assert_eq!(bot.runs().await.len(), 1, "died {died}");
        assert_eq!(bot.locks().await, 0, "died {died}");
        bot.keeps_the_laws().await;
        (passed, bot.fuse.points_that_differ().await)
    }

    /// Dies at each point that is [`drawn`]. There are about so many of them: with none, this would
    /// be no test.
    pub async fn survives(self, points: std::ops::Range<usize>) {
        let (passed, differ) = self.goes(None).await;
        assert!(points.contains(&passed.len()), "{} points: {passed:#?}", passed.len());
        assert!(differ.len() * 4 > passed.len(), "{differ:?} of {passed:#?}");
        for n in drawn(differ) {
            self.goes(Some(n)).await;
        }
    }
}

/// All of them; where the tests are to be quick, every second one, from the first or the second on
/// by chance.
fn drawn(points: Vec<usize>) -> Vec<usize> {
    if std::env::var_os("DOGWATCH_QUICK_TESTS").is_none() {
        return points;
    }
    let skipped = RandomState::new().build_hasher().finish() % 2;
    points.into_iter().skip(usize::from(skipped == 1)).step_by(2).collect()
}

pub fn coredns() -> Vec<Object> {
    vec![build::deployment("kube-system", "coredns", 4)]
}

fn replicas(bot: &Bot) -> impl Fn() -> i64 + Send + Sync + 'static {
    let cluster = bot.cluster.clone();
    move || {
        let coredns = cluster.object(&ObjectKey::new("Deployment", "kube-system", "coredns")).unwrap();
        coredns.at("/spec/replicas").and_then(serde_json::Value::as_i64).unwrap()
    }
}

/// One body of a storm, in four pieces, by a bot that dies at each point of it.
#[tokio::test]
async fn a_storm_is_one_incident_and_one_page_between_whichever_pieces_the_bot_dies() {
    let goes = async |n: Option<usize>| {
        let mut bot = Bot::begins(&[], Vec::new()).await;
        bot.dies_at(n).await;
        bot.hears(&crate::intake::storm(1_700, bot.clock.now(), None)).await;
        let incident = bot.store().incident(IncidentId(1)).await.unwrap().unwrap();
        assert_eq!((incident.open_episodes, incident.episodes), (1_700, 1_700), "died at {n:?}");
        bot.pages(["platform severity one"]).await;
        bot.hears(&crate::intake::storm(1_700, bot.clock.now(), Some(bot.clock.now()))).await;
        let incident = bot.store().incident(IncidentId(1)).await.unwrap().unwrap();
        assert_eq!((incident.open_episodes, incident.state), (0, IncidentState::Resolved), "died at {n:?}");
        assert!(bot.store().incident(IncidentId(2)).await.unwrap().is_none(), "died at {n:?}");
        bot.pages(["platform severity one"]).await;
        bot.fuse.points_that_differ().await
    };
    let points = goes(None).await;
    assert!(points.len() >= 10, "{points:?}");
    for n in drawn(points) {
        goes(Some(n)).await;
    }
}

#[tokio::test]
async fn coredns_is_scaled_once_whenever_the_bot_dies() {
    Story {
        playbook: shipped("coredns-saturated"),
        objects: coredns,
        world: |bot| {
            let replicas = Arc::new(replicas(bot));
            bot.prometheus.follows("dns_request_duration", move || Some(if replicas() < 6 { 0.4 } else { 0.02 }));
            bot.prometheus.follows("throttled", || Some(0.3));
            bot.prometheus.follows("", || Some(0.0));
        },
        alert: ("CoreDNSLatencyHigh", &[]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/coredns in kube-system"],
        pages: &[],
    }
    .survives(40..90)
    .await;
}

/// What was chosen stays so, and values stay what they were, whatever would come of it by now.
#[tokio::test]
async fn a_branch_is_chosen_once_whenever_the_bot_dies() {
    Story {
        playbook: crate::branches::CAUSES.to_owned(),
        objects: crate::runs::shop,
        world: |bot| {
            let cluster = bot.cluster.clone();
            let web = crate::runs::shop().remove(0).key();
            bot.prometheus.follows("shop_load", move || {
                let web = cluster.object(&web).unwrap();
                Some(if web.number("/spec/replicas") == Some(4) { 900.0 } else { 20.0 })
            });
            bot.prometheus.follows("shop_errors", || Some(1.0));
        },
        alert: ("ShopSick", &[]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/web in shop"],
        pages: &[],
    }
    .survives(30..90)
    .await;
}

/// What did not help goes back once, and what became of that is told.
#[tokio::test]
async fn a_change_is_taken_back_once_whenever_the_bot_dies() {
    Story {
        playbook: crate::runs::SHOP.replace("undo: never", "undo: unless_verified"),
        objects: crate::runs::shop,
        world: |bot| bot.prometheus.follows("shop_latency", || Some(0.4)),
        alert: ("ShopSlow", &[]),
        ends: Outcome::Escalated,
        mutations: &["patch deployment/web in shop", "patch deployment/web in shop"],
        pages: &["shop escalated"],
    }
    .survives(60..140)
    .await;
}

/// The list is made once, and each item goes on from its own records.
#[tokio::test]
async fn each_item_of_a_loop_is_changed_once_whenever_the_bot_dies() {
    Story {
        playbook: crate::loops::GROW.to_owned(),
        objects: || crate::loops::shop_of(&[2, 4, 6, 3]),
        world: |_| {},
        alert: ("ShopSlow", &[]),
        ends: Outcome::Fixed,
        mutations: &[
            "patch deployment/web-1 in shop",
            "patch deployment/web-2 in shop",
            "patch deployment/web-4 in shop",
        ],
        pages: &[],
    }
    .survives(80..200)
    .await;
}

#[tokio::test]
async fn a_loop_stops_once_whenever_the_bot_dies() {
    Story {
        playbook: crate::loops::GROW.to_owned(),
        objects: || crate::loops::shop_of(&[2, 2, 2, 2]),
        world: |bot| bot.cluster.fault(Fault::NeverReady { workload: crate::loops::web(2) }),
        alert: ("ShopSlow", &[]),
        ends: Outcome::Escalated,
        mutations: &[
            "patch deployment/web-1 in shop",
            "patch deployment/web-2 in shop",
            "patch deployment/web-3 in shop",
        ],
        pages: &["platform escalated"],
    }
    .survives(80..260)
    .await;
}

#[tokio::test]
async fn a_claim_grows_once_whenever_the_bot_dies() {
    Story {
        playbook: shipped("pvc-filling"),
        objects: || vec![build::storage_class("fast", true)],
        world: |bot| {
            bot.cluster.apply(&build::pending_pvc("databases", "data-db-17", "fast", "100Gi"), "helm").unwrap();
            let cluster = bot.cluster.clone();
            let claim = ObjectKey::new("PersistentVolumeClaim", "databases", "data-db-17");
            bot.prometheus.follows("deriv", || Some(1_000.0));
            bot.prometheus.follows("available_bytes", move || {
                let claim = cluster.object(&claim).unwrap();
                Some(if claim.text("/status/capacity/storage") == "100Gi" { 0.97 } else { 0.8 })
            });
        },
        alert: (
            "KubePersistentVolumeFillingUp",
            &[("namespace", "databases"), ("persistentvolumeclaim", "data-db-17")],
        ),
        ends: Outcome::Fixed,
        mutations: &["patch persistentvolumeclaim/data-db-17 in databases"],
        pages: &[],
    }
    .survives(40..90)
    .await;
}

#[tokio::test]
async fn an_autoscalers_maximum_is_raised_once_whenever_the_bot_dies() {
    Story {
        playbook: shipped("hpa-maxed"),
        objects: crate::patch::maxed,
        world: crate::patch::load_is_shared,
        alert: ("KubeHpaMaxedOut", crate::patch::LABELS),
        ends: Outcome::Fixed,
        mutations: &["patch horizontalpodautoscaler/web in shop"],
        pages: &[],
    }
    .survives(30..90)
    .await;
}

#[tokio::test]
async fn an_autoscalers_maximum_goes_back_once_whenever_the_bot_dies() {
    Story {
        playbook: crate::patch::taking_back(),
        objects: crate::patch::maxed,
        world: |bot| bot.prometheus.follows("status_target_metric", || Some(1.3)),
        alert: ("KubeHpaMaxedOut", crate::patch::LABELS),
        ends: Outcome::Escalated,
        mutations: &["patch horizontalpodautoscaler/web in shop", "patch horizontalpodautoscaler/web in shop"],
        pages: &["platform escalated"],
    }
    .survives(60..160)
    .await;
}

fn sick_node() -> Vec<Object> {
    let sick = json!({ "status": { "conditions": [{ "type": "Ready", "status": "False" }] } });
    let web = build::statefulset("shop", "web", 2);
    let pod = build::owned_by(build::pod("shop", "web-0", "web"), &web);
    let pod = pod.with(&json!({ "spec": { "nodeName": "bad" } }));
    vec![build::node("bad").with(&sick), build::node("good"), web, pod]
}

/// An eviction leaves no mark, and the pod that comes in its place has the same name.
#[tokio::test]
async fn a_node_is_cordoned_and_each_pod_evicted_once_whenever_the_bot_dies() {
    Story {
        playbook: shipped("node-notready"),
        objects: sick_node,
        world: |bot| {
            bot.prometheus.follows("kube_node_status_condition", || Some(1.0));
            bot.prometheus.follows("kube_node_info", || Some(40.0));
        },
        alert: ("KubeNodeNotReady", &[("node", "bad")]),
        ends: Outcome::Escalated,
        mutations: &["patch node/bad", "create pod/web-0 in shop"],
        pages: &["platform escalated"],
    }
    .survives(60..160)
    .await;
}

fn hanging_backup() -> Vec<Object> {
    let labels = json!({ "metadata": { "labels": { "database": "db-17" } } });
    let cronjob = build::cronjob("databases", "backup-db-17", "0 0 * * *")
        .with(&json!({ "spec": { "jobTemplate": labels.clone() } }));
    let job = build::owned_by(build::job("databases", "backup-db-17-1").with(&labels), &cronjob);
    vec![cronjob, job]
}

#[tokio::test]
async fn a_backup_is_stopped_and_started_once_whenever_the_bot_dies() {
    Story {
        playbook: shipped("backup-timeout"),
        objects: hanging_backup,
        world: |bot| {
            let job = ObjectKey::new("Job", "databases", "backup-db-17-1");
            bot.cluster.fault(Fault::JobHangs { job, times: 1 });
            bot.prometheus.follows("complete_bytes", || Some(0.0));
            bot.prometheus.follows("container_network", || Some(200.0));
            bot.prometheus.follows("ALERTS", || Some(1.0));
        },
        alert: ("PgBackRestBackupTimeout", &[("namespace", "databases"), ("job_name", "backup-db-17-1")]),
        ends: Outcome::Fixed,
        mutations: &["delete job/backup-db-17-1 in databases", "create job/backup-db-17-dogwatch-1 in databases"],
        pages: &[],
    }
    .survives(40..200)
    .await;
}

const RENEWAL: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: renewal, version: 1.0.0, owner: platform }
summary: a certificate is not renewed
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: CertManagerCertExpirySoon }]
target: { kind: Certificate.cert-manager.io, from: alert, label: name }
mitigate:
  - id: renew
    certmanager.renew: {}
    verify: { until: target.status.?revision.orValue(0) > 3, settle: 1m, within: 5m }
escalate:
  - page: { message: '{{because}}' }
";

fn certificate() -> Vec<Object> {
    let certificate = Object(json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": { "namespace": "shop", "name": "web" },
        "status": { "revision": 3, "failedIssuanceAttempts": 5, "lastFailureTime": "2026-03-01T00:00:00Z" },
    }));
    [crate::kinds::definitions(), vec![certificate]].concat()
}

/// A CA counts how often it is asked.
#[tokio::test]
async fn a_certificate_is_asked_for_once_whenever_the_bot_dies() {
    Story {
        playbook: RENEWAL.to_owned(),
        objects: certificate,
        world: |_| {},
        alert: ("CertManagerCertExpirySoon", &[("namespace", "shop"), ("name", "web")]),
        ends: Outcome::Escalated,
        mutations: &["patch certificate.cert-manager.io/web in shop"],
        pages: &["platform escalated"],
    }
    .survives(30..90)
    .await;
}

#[tokio::test]
async fn an_escalation_pages_once_whenever_the_bot_dies() {
    Story {
        playbook: shipped("coredns-saturated"),
        objects: coredns,
        world: |bot| {
            bot.prometheus.follows("dns_request_duration", || Some(0.02));
            bot.prometheus.follows("SERVFAIL", || Some(0.3));
        },
        alert: ("CoreDNSErrorsHigh", &[]),
        ends: Outcome::Escalated,
        mutations: &[],
        pages: &["platform escalated"],
    }
    .survives(25..60)
    .await;
}
