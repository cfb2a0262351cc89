//! Alerts that a shipped playbook answers, and cannot settle.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, build};
use dogwatch::message::Room;
use dogwatch::model::{ObjectKey, Outcome};
use insta::assert_snapshot;
use serde_json::json;

use super::{fires, notice, page, page_in};
use crate::bot::{Bot, minutes, shipped};

const PVC: &str = "data-pg-00017-0";

async fn filling(playbook: &str, is_expandable: bool) -> Bot {
    let mut bot = Bot::begins(&[playbook], vec![build::storage_class("fast", is_expandable)]).await;
    bot.cluster.apply(&build::pending_pvc("databases", PVC, "fast", "100Gi"), "helm").unwrap();
    bot.prometheus.follows("deriv", || Some(100_000.0));
    bot.prometheus.follows("available_bytes", || Some(0.97));
    bot.passes(minutes(1)).await;
    bot
}

async fn fills(bot: &mut Bot) {
    let labels = json!({ "alertname": "KubePersistentVolumeFillingUp", "severity": "critical", "namespace": "databases",
        "persistentvolumeclaim": PVC, "job": "kubelet", "metrics_path": "/metrics", "node": "node-7", "instance": "10.0.0.7:10250" });
    let description =
        "The PersistentVolume claimed by data-pg-00017-0 in Namespace databases on Cluster eu-1 is only 2.9% free.";
    fires(bot, labels, "PersistentVolume is filling up.", description, "kubernetes/kubepersistentvolumefillingup")
        .await;
}

#[tokio::test]
async fn a_requirement_of_pvc_filling_is_not_met() {
    let mut bot = filling(&shipped("pvc-filling"), false).await;
    fills(&mut bot).await;
    bot.ends(Outcome::Escalated).await;
    assert_snapshot!(page(&bot).await);
}

/// Somebody has grown it an hour ago.
#[tokio::test]
async fn pvc_filling_sees_who_changed_it_before() {
    let mut bot = filling(&shipped("pvc-filling"), true).await;
    let mut grown = bot.cluster.object(&ObjectKey::new("PersistentVolumeClaim", "databases", PVC)).unwrap();
    grown = grown.with(&json!({ "spec": { "resources": { "requests": { "storage": "120Gi" } } } }));
    bot.passes(minutes(30)).await;
    bot.cluster.apply(&grown, "kubectl-edit").unwrap();
    bot.passes(minutes(60)).await;
    fills(&mut bot).await;
    bot.ends(Outcome::Escalated).await;
    assert_snapshot!(page(&bot).await);
}

#[tokio::test]
async fn pvc_filling_is_overdue_while_it_waits_for_the_volume() {
    let mut bot = filling(&shipped("pvc-filling").replace("page_by: 15m", "page_by: 5m"), true).await;
    fills(&mut bot).await;
    bot.passes(minutes(6)).await;
    assert_snapshot!(page(&bot).await);
}

fn coredns() -> Vec<Object> {
    vec![build::deployment("kube-system", "coredns", 4).with(&json!({
        "metadata": { "labels": { "k8s-app": "kube-dns" } },
        "spec": {
            "selector": { "matchLabels": { "k8s-app": "kube-dns" } },
            "template": { "metadata": { "labels": { "k8s-app": "kube-dns" } } },
        },
    }))]
}

async fn dns_fires(bot: &mut Bot, name: &str, message: &str) {
    let labels = json!({ "alertname": name, "severity": "critical", "server": "dns://:53", "zone": "." });
    fires(bot, labels, message, "", "coredns").await;
}

async fn failing_answers() -> Bot {
    let mut bot = Bot::begins(&[&shipped("coredns-saturated")], coredns()).await;
    bot.prometheus.follows("dns_request_duration", || Some(0.02));
    bot.prometheus.follows("SERVFAIL", || Some(0.3));
    bot.prometheus.follows("", || Some(0.0));
    bot.passes(minutes(1)).await;
    dns_fires(&mut bot, "CoreDNSErrorsHigh", "CoreDNS is returning SERVFAIL for 30% of requests.").await;
    bot.ends(Outcome::Escalated).await;
    bot
}

#[tokio::test]
async fn coredns_fails_at_a_good_latency() {
    assert_snapshot!(page(&failing_answers().await).await);
}

/// In so little room that evidence gives way.
#[tokio::test]
async fn a_page_in_little_room_keeps_why_and_what_to_type() {
    let text = page_in(&failing_answers().await, Room::Units(1_500)).await;
    assert!(text.chars().count() < 1_700);
    assert_snapshot!(text);
}

/// A DNS that four pods cannot carry and six can; whether it is slow all the same is said by
/// `slow`.
async fn scaled() -> Bot {
    let mut bot = Bot::begins(&[&shipped("coredns-saturated")], coredns()).await;
    let cluster = bot.cluster.clone();
    let replicas = move || {
        let coredns = cluster.object(&ObjectKey::new("Deployment", "kube-system", "coredns")).unwrap();
        coredns.at("/spec/replicas").and_then(|replicas| replicas.as_i64()).unwrap()
    };
    bot.prometheus.follows("dns_request_duration", move || Some(if replicas() < 6 { 0.4 } else { 0.02 }));
    bot.prometheus.follows("throttled", || Some(0.3));
    bot.prometheus.follows("", || Some(0.0));
    bot.passes(minutes(1)).await;
    dns_fires(&mut bot, "CoreDNSLatencyHigh", "CoreDNS has 99th percentile latency of 0.4 seconds.").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}");
    bot
}

#[tokio::test]
async fn coredns_still_fires_although_it_was_called_fixed() {
    let mut bot = scaled().await;
    bot.passes(minutes(40)).await;
    assert_snapshot!(page(&bot).await);
}

/// A limit of the playbook: its cooldown, with an incident of before that says what the bot did.
#[tokio::test]
async fn coredns_is_not_run_again_within_its_limits() {
    let strict = shipped("coredns-saturated").replace("cooldown: 15m", "cooldown: 3h");
    assert!(strict.contains("cooldown: 3h"));
    let mut bot = Bot::begins(&[&strict], coredns()).await;
    bot.prometheus.follows("dns_request_duration", || Some(0.02));
    bot.prometheus.follows("", || Some(0.0));
    bot.passes(minutes(1)).await;
    let labels: &[(&str, &str)] = &[("severity", "critical")];
    bot.fires("CoreDNSLatencyHigh", labels).await;
    bot.ends(Outcome::NothingToDo).await;
    bot.passes(minutes(2)).await;
    bot.resolves("CoreDNSLatencyHigh", labels).await;
    bot.passes(minutes(50)).await;
    dns_fires(&mut bot, "CoreDNSLatencyHigh", "CoreDNS has 99th percentile latency of 0.4 seconds.").await;
    bot.passes(minutes(30)).await;
    assert_snapshot!(page(&bot).await);
}

#[tokio::test]
async fn a_claim_stays_pending() {
    let mut bot = Bot::begins(&[&shipped("pvc-pending")], vec![build::storage_class("fast", true)]).await;
    let claim = build::pending_pvc("databases", PVC, "gold", "100Gi");
    bot.cluster.apply(&claim, "helm").unwrap();
    bot.passes(minutes(10)).await;
    let labels = json!({ "alertname": "PersistentVolumeClaimPending", "severity": "warning", "namespace": "databases",
        "persistentvolumeclaim": PVC });
    let description = "PersistentVolumeClaim databases/data-pg-00017-0 is pending";
    fires(&mut bot, labels, "Kubernetes PersistentVolumeClaim pending", description, "storage").await;
    bot.ends(Outcome::Escalated).await;
    assert_snapshot!(notice(&bot).await);
}

/// A backup that hangs, or looks as if it did: how often its copied bytes grew within the hour, and
/// what its pod moves.
async fn hanging_backup(playbook: &str, copied: f64, traffic: f64) -> Bot {
    let labels = json!({ "metadata": { "labels": { "database": "db-17" } } });
    let cronjob = build::cronjob("databases", "backup-db-17", "0 0 * * *")
        .with(&json!({ "spec": { "jobTemplate": labels.clone() } }));
    let job = build::owned_by(build::job("databases", "backup-db-17-1").with(&labels), &cronjob);
    let mut bot = Bot::begins(&[playbook], vec![cronjob, job]).await;
    bot.cluster.fault(Fault::JobHangs { job: ObjectKey::new("Job", "databases", "backup-db-17-1"), times: 1 });
    bot.prometheus.follows("complete_bytes", move || Some(copied));
    bot.prometheus.follows("container_network", move || Some(traffic));
    bot.prometheus.follows("ALERTS", || Some(1.0));
    bot.passes(minutes(7 * 60)).await;
    let labels = json!({ "alertname": "PgBackRestBackupTimeout", "severity": "warning", "namespace": "databases",
        "job_name": "backup-db-17-1" });
    fires(&mut bot, labels, "A pgBackRest backup takes too long.", "", "pgbackrest").await;
    bot
}

#[tokio::test]
async fn a_backup_is_slow_and_nobody_is_woken_for_it() {
    let mut bot = hanging_backup(&shipped("backup-timeout"), 7.0, 2_000_000.0).await;
    bot.ends(Outcome::Escalated).await;
    assert_snapshot!(notice(&bot).await);
}

/// Of its severity nobody is paged: chat says what the page would say.
#[tokio::test]
async fn what_is_overdue_and_pages_nobody_is_told_in_chat() {
    let asks =
        shipped("backup-timeout").replace("page_by: 8h", "page_by: 2m").replace("autonomy: auto", "autonomy: approve");
    let mut bot = hanging_backup(&asks, 0.0, 200.0).await;
    bot.passes(minutes(3)).await;
    assert_snapshot!(notice(&bot).await);
}
