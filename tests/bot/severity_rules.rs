//! Severity follows rules: the alert's word, the playbook, the tier of what it is about, and how
//! much is affected.

use std::sync::Arc;

use dogwatch::clock::Clock as _;
use dogwatch::cluster::Object;
use dogwatch::cluster::sim::build;
use dogwatch::cluster::sim::{Fault, Verb};
use dogwatch::incident::IncidentRules;
use dogwatch::model::*;
use dogwatch::store::*;
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::causes::alike;
use crate::incidents::{Shift, alert};
use crate::tickets::LOOK;
use Severity::{S1, S2, S3, S4};

fn tiers(rules: &[(&str, Option<Severity>, Option<Severity>)]) -> Arc<Tiers> {
    let rule = |(tier, at_least, at_most): &(&str, _, _)| {
        ((*tier).to_owned(), TierRule { at_least: *at_least, at_most: *at_most })
    };
    Arc::new(Tiers {
        names: vec!["dogwatch/tier".into(), "tier".into()],
        alert_label: "tier".into(),
        rules: rules.iter().map(rule).collect(),
    })
}

fn says_tier(object: Object, sort: &str, tier: &str) -> Object {
    object.with(&json!({ "metadata": { sort: { "dogwatch/tier": tier } } }))
}

/// A namespace with a tier, and in it databases with others.
fn objects() -> Vec<Object> {
    let namespace = Object(json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": { "name": "db" } }));
    vec![
        says_tier(namespace, "labels", "gold"),
        build::statefulset("db", "plain", 1),
        says_tier(build::statefulset("db", "annotated", 1), "annotations", "bronze"),
        says_tier(build::statefulset("db", "labelled", 1), "labels", "platinum"),
        build::statefulset("db", "odd", 1).with(&json!({ "metadata": { "labels": { "tier": "backend" } } })),
        build::statefulset("play", "toy", 1),
    ]
}

async fn begins(playbooks: &[&str], objects: Vec<Object>) -> Bot {
    let mut bot = Bot::begins(playbooks, objects).await;
    bot.rules.tiers = tiers(&[
        ("platinum", Some(S1), None),
        ("gold", Some(S2), None),
        ("bronze", None, Some(S3)),
        ("play", None, Some(S4)),
    ]);
    bot.is_restarted().await;
    bot
}

async fn timeline(bot: &Bot, n: i64) -> String {
    let timeline = bot.store().timeline(IncidentId(n)).await.unwrap();
    dogwatch::message::timeline_lines(&timeline).join("\n")
}

#[tokio::test]
async fn an_objects_tier_raises_and_lowers_what_its_alerts_say() {
    for (said, set, expected, line) in [
        ("info", "plain", S2, "S2: Slow says S3, and tier gold of namespace/db is at_least S2 (severities.tiers)"),
        ("critical", "plain", S1, ""),
        ("info", "labelled", S1, "S1: Slow says S3, and tier platinum of statefulset/labelled in db is at_least S1"),
        ("critical", "annotated", S3, "S3: Slow says S1, and tier bronze of statefulset/annotated in db is at_most S3"),
        ("debug", "annotated", S4, ""),
        ("info", "odd", S2, "tier gold of namespace/db"),
        ("info", "gone", S2, "tier gold of namespace/db"),
    ] {
        let mut bot = begins(&[], objects()).await;
        bot.fires("Slow", &[("severity", said), ("namespace", "db"), ("statefulset", set)]).await;
        let told = timeline(&bot, 1).await;
        assert_eq!(bot.incident(1).await.severity, expected, "{said} of {set}: {told}");
        assert!(told.contains(line), "{said} of {set}: {told}");
        assert_eq!(told.contains("severities.tiers"), !line.is_empty(), "{told}");
        assert_eq!(!bot.paged().await.is_empty(), expected.pages(), "{said} of {set}");
    }
}

#[tokio::test]
async fn a_pods_tier_is_its_owners_where_it_says_none() {
    let set = says_tier(build::statefulset("play", "pg", 1), "labels", "platinum");
    let pod = build::owned_by(build::pod("play", "pg-x", "pg"), &set);
    let mut bot = begins(&[], vec![set, pod]).await;
    bot.fires("Slow", &[("severity", "info"), ("namespace", "play"), ("pod", "pg-x")]).await;
    let told = timeline(&bot, 1).await;
    assert!(told.contains("tier platinum of statefulset/pg in play is at_least S1"), "{told}");
}

#[tokio::test]
async fn an_alert_says_its_tier_where_the_cluster_does_not() {
    let mut bot = begins(&[], objects()).await;
    bot.fires("Slow", &[("severity", "info"), ("namespace", "play"), ("statefulset", "toy"), ("tier", "gold")]).await;
    assert!(timeline(&bot, 1).await.contains("S2: Slow says S3, and tier gold by its label tier is at_least S2"));
    bot.fires("Other", &[("severity", "critical"), ("namespace", "db"), ("statefulset", "plain"), ("tier", "play")])
        .await;
    assert_eq!(bot.incident(2).await.severity, S1, "the cluster knows better");
    bot.fires("Whole", &[("severity", "info"), ("namespace", "db")]).await;
    assert_eq!(bot.incident(3).await.severity, S2, "of a namespace alone");
}

#[tokio::test]
async fn a_playbooks_severity_follows_the_tier_too() {
    let coredns = says_tier(build::deployment("kube-system", "coredns", 4), "annotations", "gold");
    let mut bot = begins(&[LOOK], vec![coredns]).await;
    bot.fires("DiskSlow", &[]).await;
    bot.end().await;
    bot.settles().await;
    let told = timeline(&bot, 1).await;
    assert!(told.contains("S2: playbook look says S3, and tier gold of deployment/coredns in kube-system"), "{told}");
    bot.pages(["databases escalated"]).await;
}

#[tokio::test]
async fn a_cluster_that_does_not_say_in_time_is_no_tier_and_that_is_told() {
    let mut bot = begins(&[], objects()).await;
    bot.cluster.fault(Fault::Unavailable { verb: Verb::Get, kind: String::new(), times: 1_000 });
    bot.fires("Slow", &[("severity", "info"), ("namespace", "db"), ("statefulset", "plain")]).await;
    assert_eq!(bot.incident(1).await.severity, S3);
    let told = timeline(&bot, 1).await;
    assert!(
        told.contains("rated S3: Slow says so; the cluster did not say in time what tier it has (severities.tiers)"),
        "{told}"
    );
}

/// A database of the first tier among what may wait.
fn databases() -> Vec<Object> {
    let namespace = Object(json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": { "name": "play" } }));
    let pg = says_tier(build::statefulset("play", "pg", 1), "labels", "platinum");
    vec![says_tier(namespace, "labels", "play"), pg, build::statefulset("play", "toy", 1)]
}

/// What the bot makes of a critical alert about that object, and what it tells of why.
async fn critical(bot: &mut Bot, label: &str, object: &str) -> (Severity, String) {
    bot.fires("Down", &[("severity", "critical"), ("namespace", "play"), (label, object)]).await;
    (bot.incident(1).await.severity, timeline(bot, 1).await)
}

#[tokio::test]
async fn half_an_answer_makes_nothing_less_bad() {
    let get = |kind: &str| (Verb::Get, kind.to_owned());
    let fails = |kind| {
        let (verb, kind) = get(kind);
        Fault::Unavailable { verb, kind, times: 1_000 }
    };
    let forbids = |kind| {
        let (verb, kind) = get(kind);
        Fault::Forbidden { verb, kind }
    };
    let held = "rated S1: Down says so, and tier play of namespace/play is at_most S4, which counts not, as ";
    for (label, object, fault, line) in [
        ("statefulset", "pg", fails("StatefulSet"), "the cluster did not say in time what tier it has"),
        ("statefulset", "pg", forbids("StatefulSet"), "dogwatch may not get statefulsets.apps in play"),
        ("statefulset", "gone", forbids("Node"), "statefulset/gone in play is not there to say what tier it has"),
        // Its owner has another tier.
        ("pod", "pg-0", fails("StatefulSet"), "the cluster did not say in time what tier it has"),
        ("pod", "pg-0", forbids("StatefulSet"), "dogwatch may not get statefulsets.apps in play"),
        ("pod", "pg-0", forbids("Pod"), "dogwatch may not get pods in play"),
        ("deployment", "../x", forbids("Node"), "is not there to say what tier it has"),
    ] {
        let mut bot = begins(&[], databases()).await;
        bot.cluster.fault(fault);
        let (severity, told) = critical(&mut bot, label, object).await;
        assert_eq!((severity, bot.paged().await.len()), (S1, 1), "{label} {object}: {told}");
        assert!(told.contains(held) && told.contains(line), "{label} {object}: {told}");
    }
    // A whole answer does.
    for (label, object, expected) in [("statefulset", "toy", S4), ("pod", "toy-0", S4), ("pod", "pg-0", S1)] {
        let mut bot = begins(&[], databases()).await;
        let (severity, told) = critical(&mut bot, label, object).await;
        assert_eq!(severity, expected, "{label} {object}: {told}");
        assert!(!told.contains("counts not"), "{told}");
    }
}

#[tokio::test]
async fn half_an_answer_makes_what_it_is_about_worse() {
    let mut bot = begins(&[], objects()).await;
    bot.cluster.fault(Fault::Unavailable { verb: Verb::Get, kind: "StatefulSet".into(), times: 1_000 });
    bot.fires("Slow", &[("severity", "info"), ("namespace", "db"), ("statefulset", "plain")]).await;
    let told = timeline(&bot, 1).await;
    let line = "rated S2: Slow says S3, and tier gold of namespace/db is at_least S2 (severities.tiers); the cluster did not say";
    assert!(told.contains(line), "{told}");
    assert_eq!(bot.incident(1).await.severity, S2);
}

/// The alert's own label is the last that is asked, so it lowers only what all before it let pass.
#[tokio::test]
async fn a_label_of_the_alert_makes_less_of_it_where_the_cluster_is_known_to_say_nothing() {
    for (fault, look_up, names, expected) in [
        (None, true, true, S4),
        (Some("StatefulSet"), true, true, S1),
        (Some("Namespace"), true, true, S1),
        // Where the cluster is not to be asked, its silence is none.
        (Some("Namespace"), false, true, S4),
        (Some("Namespace"), true, false, S4),
    ] {
        let mut bot = begins(&[], vec![build::statefulset("db", "toy", 1), namespace("db")]).await;
        bot.rules.grouping.look_up = look_up;
        let tiers = Arc::make_mut(&mut bot.rules.tiers);
        tiers.names.retain(|_| names);
        bot.is_restarted().await;
        if let Some(kind) = fault {
            bot.cluster.fault(Fault::Forbidden { verb: Verb::Get, kind: kind.into() });
        }
        let labels = [("severity", "critical"), ("namespace", "db"), ("statefulset", "toy"), ("tier", "play")];
        bot.fires("Down", &labels).await;
        let told = timeline(&bot, 1).await;
        assert_eq!(bot.incident(1).await.severity, expected, "{fault:?} {look_up} {names}: {told}");
        assert_eq!(told.contains("counts not, as dogwatch may not get"), expected == S1, "{told}");
    }
}

fn namespace(name: &str) -> Object {
    Object(json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": { "name": name } }))
}

#[tokio::test]
async fn that_a_right_is_missing_is_told_once_for_an_incident() {
    let mut bot = begins(&[], vec![build::statefulset("db", "a", 1), build::statefulset("db", "b", 1)]).await;
    bot.cluster.fault(Fault::Forbidden { verb: Verb::Get, kind: "Namespace".into() });
    for (name, object) in [("Slow", "a"), ("Down", "a"), ("Odd", "a")] {
        bot.fires(name, &[("severity", "info"), ("namespace", "db"), ("statefulset", object)]).await;
    }
    let told = timeline(&bot, 1).await;
    assert_eq!(
        told.matches("dogwatch may not get namespaces, and so does not know what tier it has").count(),
        1,
        "{told}"
    );
}

/// Whose namespace is meant is told by the same rule as for all else.
#[tokio::test]
async fn of_two_namespaces_neither_has_the_tier() {
    let mut bot = begins(&[], objects()).await;
    let labels = |exported, scraped| [("severity", "info"), ("exported_namespace", exported), ("namespace", scraped)];
    bot.fires("Odd", &labels("db", "monitoring")).await;
    assert_eq!(bot.incident(1).await.severity, S3, "{}", timeline(&bot, 1).await);
    bot.fires("Same", &labels("db", "db")).await;
    assert_eq!(bot.incident(2).await.severity, S2);
    bot.rules.labels = Arc::new(LabelNames::with([("namespace".into(), vec!["exported_namespace".into()])].into()));
    bot.is_restarted().await;
    bot.fires("Told", &labels("db", "monitoring")).await;
    assert_eq!(bot.incident(3).await.severity, S2, "{}", timeline(&bot, 3).await);
}

#[tokio::test]
async fn whatever_an_alert_names_says_its_own_tier() {
    for (kind, group, label) in [
        ("CronJob", "batch/v1", "cronjob"),
        ("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscaler"),
        ("PodDisruptionBudget", "policy/v1", "poddisruptionbudget"),
        ("Ingress", "networking.k8s.io/v1", "ingress"),
        ("PersistentVolume", "v1", "persistentvolume"),
        ("StorageClass", "storage.k8s.io/v1", "storageclass"),
        ("Node", "v1", "node"),
    ] {
        let is_of_the_cluster = ["PersistentVolume", "StorageClass", "Node"].contains(&kind);
        let namespace = if is_of_the_cluster { "" } else { "play" };
        let metadata = json!({ "name": "x", "namespace": namespace, "labels": { "tier": "platinum" } });
        let object = Object(json!({ "kind": kind, "apiVersion": group, "metadata": metadata }));
        let mut bot = begins(&[], databases().into_iter().chain([object]).collect()).await;
        let (severity, told) = critical(&mut bot, label, "x").await;
        assert_eq!(severity, S1, "{kind}: {told}");
        bot.fires("Odd", &[("severity", "info"), ("namespace", "play"), (label, "x")]).await;
        let told = timeline(&bot, 1).await;
        assert!(told.contains(&format!("tier platinum of {}/x", kind.to_lowercase())), "{kind}: {told}");
    }
}

#[tokio::test]
async fn a_jobs_tier_is_that_of_its_cron_job() {
    let metadata = json!({ "name": "backup", "namespace": "play", "uid": "c", "labels": { "tier": "platinum" } });
    let cron = Object(json!({ "kind": "CronJob", "apiVersion": "batch/v1", "metadata": metadata }));
    let owner =
        json!({ "apiVersion": "batch/v1", "kind": "CronJob", "name": "backup", "uid": "c", "controller": true });
    let metadata = json!({ "name": "backup-1", "namespace": "play", "ownerReferences": [owner] });
    let job = Object(json!({ "kind": "Job", "apiVersion": "batch/v1", "metadata": metadata }));
    let mut bot = begins(&[], databases().into_iter().chain([cron, job]).collect()).await;
    let (severity, told) = critical(&mut bot, "job_name", "backup-1").await;
    assert_eq!(severity, S1, "{told}");
}

/// More than the cluster is asked about at once: what was not asked keeps its word, and namespaces
/// are asked before all else.
#[tokio::test]
async fn of_more_than_are_asked_at_once_none_is_less_bad_and_all_are_as_bad_as_their_namespace() {
    for (at_most, said, expected) in [(Some(S4), "critical", S1), (None, "info", S2)] {
        let sets = (0..40).map(|n| build::statefulset("play", &format!("s{n:02}"), 0));
        let tier = says_tier(namespace("play"), "labels", "here");
        let mut bot = begins(&[], sets.chain([tier]).collect()).await;
        let rule = TierRule { at_most, at_least: at_most.is_none().then_some(S2) };
        Arc::make_mut(&mut bot.rules.tiers).rules.insert("here".into(), rule);
        bot.is_restarted().await;
        let labels = |n| {
            json!({
                "alertname": "Down", "severity": said, "namespace": "play", "statefulset": format!("s{n:02}"),
            })
        };
        let alert = |n| {
            json!({
                "status": "firing", "labels": labels(n), "annotations": {}, "fingerprint": format!("{n:016x}"),
                "startsAt": "2026-03-02T01:59:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
            })
        };
        let body = json!({
            "version": "4", "groupKey": "g", "truncatedAlerts": 0, "status": "firing", "receiver": "dogwatch",
            "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
            "alerts": (0..40).map(alert).collect::<Vec<_>>(),
        });
        bot.hears(body.to_string().as_bytes()).await;
        let found = bot.store().episodes(IncidentId(1), 100).await.unwrap();
        let alerts = bot.store().open_alerts(IncidentId(1)).await.unwrap();
        let of = |severity| alerts.iter().filter(|alert| alert.severity == Some(severity)).count();
        assert_eq!(found.len(), 40);
        let told = timeline(&bot, 1).await;
        match at_most {
            Some(_) => assert_eq!((of(S4), of(expected)), (32, 8), "{told}"),
            None => assert_eq!(of(expected), 40, "{told}"),
        }
    }
}

/// What is over and fires again with its old start is asked about anew: its tier is no news of the
/// first time alone.
#[tokio::test]
async fn what_fires_again_is_as_bad_as_its_tier() {
    let mut bot = begins(&[], objects()).await;
    let labels = [("severity", "info"), ("namespace", "db"), ("statefulset", "plain")];
    let start = bot.started();
    bot.fires("Slow", &labels).await;
    bot.says("ada", Command::Resolve { incident: IncidentId(1), note: None }).await;
    bot.passes(minutes(15)).await;
    bot.fires("Slow", &labels).await;
    let known = bot.incident(1).await;
    assert_eq!((known.severity, known.state, known.opened_at), (S2, IncidentState::Open, start));
    assert_eq!(bot.paged().await.len(), 2, "each spell pages");
}

/// Somebody else's source may say what it wants of objects, and has no tier by that.
#[tokio::test]
async fn a_source_that_may_start_nothing_borrows_no_tier() {
    let mut bot = begins(&[], objects()).await;
    bot.rules.may_start.by_source.insert("alertmanager".into(), MayStart::Nothing);
    bot.is_restarted().await;
    bot.fires("Slow", &[("severity", "info"), ("namespace", "db"), ("statefulset", "plain")]).await;
    assert_eq!(bot.incident(1).await.severity, S3);
}

#[tokio::test]
async fn at_the_end_of_a_window_the_tier_counts_as_it_did() {
    let mut bot = begins(&[], objects()).await;
    let scope = WindowScope { matchers: vec!["alertname=Slow".parse().unwrap()], ..WindowScope::default() };
    let silence = Command::Silence { scope, lasting_secs: 3_600, from: None, reason: "a new disk".into() };
    bot.says("ada", silence).await;
    bot.fires("Slow", &[("severity", "critical"), ("namespace", "db"), ("statefulset", "annotated")]).await;
    bot.passes(minutes(75)).await;
    assert_eq!((bot.incident(1).await.severity, bot.paged().await.len()), (S3, 0));
}

fn rules(radius: BlastRadius) -> IncidentRules {
    IncidentRules { blast_radius: radius, ..IncidentRules::default() }
}

/// So many nodes of one alert, in one body.
async fn nodes(shift: &Shift, nodes: std::ops::Range<usize>, severity: &str) {
    let node = |n: usize| format!("node-{n}");
    let now = shift.clock.now();
    let firing = nodes.map(|n| alert("Disk", &[("severity", severity), ("node", &node(n))], now, AlertStatus::Firing));
    shift.delivers("g", firing.collect()).await;
}

#[tokio::test]
async fn so_many_objects_are_a_step_worse_and_page_once() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    nodes(&shift, 0..24, "info").await;
    assert_eq!((shift.incidents().await[0].severity, shift.pages().await.len()), (S3, 0));
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    shift.passes(1).await;
    nodes(&shift, 24..25, "info").await;
    assert_eq!(shift.incidents().await[0].severity, S2);
    assert_eq!(shift.pages().await, ["INC-1 Uncovered"], "also where somebody has taken it for less");
    let told = shift.timeline(1).await;
    assert!(told.contains("severity S3 -> S2: 25 objects are affected (blast_radius.S2 is 25)"), "{told}");
    shift.passes(1).await;
    nodes(&shift, 25..400, "info").await;
    assert_eq!((shift.incidents().await[0].severity, shift.pages().await.len()), (S2, 1), "S1 is off");
    assert_eq!(shift.timeline(1).await.matches("are affected").count(), 1);
}

#[tokio::test]
async fn one_body_opens_it_as_bad_as_it_is() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    nodes(&shift, 0..25, "info").await;
    assert_eq!((shift.incidents().await[0].severity, shift.pages().await.len()), (S2, 1));
    assert!(shift.timeline(1).await.contains("severity S3 -> S2: 25 objects are affected"));
}

#[tokio::test]
async fn many_alerts_about_few_objects_are_not_many() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    let now = shift.clock.now();
    let device = |n: usize| format!("sd{n}");
    let firing = (0..60).map(|n| {
        alert("Disk", &[("severity", "info"), ("node", "a"), ("device", &device(n))], now, AlertStatus::Firing)
    });
    shift.delivers("g", firing.collect()).await;
    assert_eq!(shift.incidents().await[0].severity, S3, "{}", shift.timeline(1).await);
    assert!(shift.pages().await.is_empty());
}

#[tokio::test]
async fn what_was_taken_in_by_ones_counts_as_what_came_at_once() {
    let shift = Shift::with_rules(&[], rules(BlastRadius { s1: Some(40), ..BlastRadius::default() })).await;
    for n in 0..45 {
        nodes(&shift, n..n + 1, "info").await;
    }
    let incidents = shift.incidents().await;
    let open: Vec<&Incident> = incidents.iter().filter(|incident| !incident.is_over()).collect();
    assert_eq!((open.len(), open[0].severity), (1, S1), "{}", shift.timeline(1).await);
    let told = shift.timeline(open[0].id.0).await;
    assert!(told.contains("25 objects are affected (blast_radius.S2 is 25)"), "{told}");
    assert!(told.contains("severity S2 -> S1: 40 objects are affected (blast_radius.S1 is 40)"), "{told}");
}

#[tokio::test]
async fn what_is_over_counts_no_more_and_off_is_off() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::OFF)).await;
    nodes(&shift, 0..100, "info").await;
    assert_eq!(shift.incidents().await[0].severity, S3);
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    let since = shift.clock.now();
    nodes(&shift, 0..20, "info").await;
    for n in 0..10 {
        shift.resolves("Disk", &[("severity", "info"), ("node", &format!("node-{n}"))], since).await;
    }
    shift.passes(1).await;
    nodes(&shift, 20..34, "info").await;
    assert_eq!(shift.incidents().await[0].severity, S3, "24 of 34 still fire");
    nodes(&shift, 34..35, "info").await;
    assert_eq!(shift.incidents().await[0].severity, S2);
    assert_eq!(shift.incidents().await[0].episodes, 35);
}

#[tokio::test]
async fn what_a_window_covers_is_no_part_of_how_much_is_affected() {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    let scope = WindowScope { matchers: vec!["site=a".parse().unwrap()], ..WindowScope::default() };
    let silence = Command::Silence { scope, lasting_secs: 36_000, from: None, reason: "a move".into() };
    bot.says("ada", silence).await;
    for n in 0..30 {
        let node = format!("node-{n}");
        let site = if n < 20 { "a" } else { "b" };
        bot.fires("Disk", &[("severity", "info"), ("node", &node), ("site", site)]).await;
        bot.passes(std::time::Duration::from_secs(1)).await;
    }
    assert!(bot.paged().await.is_empty(), "{}", timeline(&bot, 1).await);
}

#[tokio::test]
async fn a_trend_is_no_emergency_however_wide() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    nodes(&shift, 0..100, "debug").await;
    assert_eq!((shift.incidents().await[0].severity, shift.pages().await.len()), (S4, 0));
}

/// Alerts of one body, each about what its labels say.
async fn delivers(shift: &Shift, alerts: &[(&str, &[(&str, &str)])]) {
    let now = shift.clock.now();
    let alerts = alerts.iter().map(|(name, labels)| alert(name, labels, now, AlertStatus::Firing));
    shift.delivers("g", alerts.collect()).await;
}

/// What names no object of Kubernetes is counted by its host, whatever else it says.
#[tokio::test]
async fn sixty_disks_of_one_host_are_one_object() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    let now = shift.clock.now();
    let of = |host: usize, device: usize| {
        let labels = [
            ("severity", "info".to_owned()),
            ("instance", format!("10.0.0.{host}:9100")),
            ("mountpoint", format!("/{device}")),
        ];
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        alert(if device.is_multiple_of(2) { "Disk" } else { "Smart" }, &labels, now, AlertStatus::Firing)
    };
    let hosts = |hosts: std::ops::Range<usize>| hosts.flat_map(|host| (0..60).map(move |device| (host, device)));
    shift.delivers("g", hosts(0..24).map(|(host, device)| of(host, device)).collect()).await;
    let open =
        |incidents: Vec<Incident>| incidents.into_iter().filter(|incident| !incident.is_over()).collect::<Vec<_>>();
    let incidents = open(shift.incidents().await);
    assert!(incidents.iter().all(|incident| incident.severity == S3), "{}", shift.timeline(1).await);
    shift.passes(1).await;
    shift.delivers("g", hosts(24..25).map(|(host, device)| of(host, device)).collect()).await;
    let told = shift.timeline(1).await;
    assert!(told.contains("25 objects are affected"), "{told}");
}

#[tokio::test]
async fn trends_among_what_fires_are_no_part_of_it() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    nodes(&shift, 0..24, "info").await;
    nodes(&shift, 24..100, "debug").await;
    let incidents = shift.incidents().await;
    assert!(incidents.iter().all(|incident| !incident.severity.pages()), "{}", shift.timeline(1).await);
    // One of them is as bad as the others now.
    delivers(&shift, &[("Disk", &[("severity", "info"), ("node", "node-99")])]).await;
    assert_eq!(shift.incidents().await[0].severity, S2, "{}", shift.timeline(1).await);
}

/// A body may tell of an end and of a beginning at once.
#[tokio::test]
async fn what_ends_in_the_same_body_is_no_part_of_it() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    let since = shift.clock.now();
    nodes(&shift, 0..20, "info").await;
    shift.passes(1).await;
    let node = |n: usize, status| {
        let node = format!("node-{n}");
        let since = if status == AlertStatus::Resolved { since } else { shift.clock.now() };
        alert("Disk", &[("severity", "info"), ("node", &node)], since, status)
    };
    let ends = (0..20).map(|n| node(n, AlertStatus::Resolved));
    let body: Vec<Alert> = (20..30).map(|n| node(n, AlertStatus::Firing)).chain(ends).collect();
    shift.delivers("g", body).await;
    let incidents = shift.incidents().await;
    assert!(incidents.iter().all(|incident| incident.severity == S3), "{}", shift.timeline(1).await);
}

#[tokio::test]
async fn an_object_in_two_parts_is_one() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    // Both are about the same pods.
    for n in 0..13 {
        let (pod, name) = (format!("pod-{n}"), format!("A{n}"));
        delivers(&shift, &[(&name, &[("severity", "info"), ("namespace", "db"), ("pod", &pod), ("node", "n1")])]).await;
        let (other, pod) = (format!("B{n}"), pod);
        delivers(&shift, &[(&other, &[("severity", "info"), ("namespace", "db"), ("pod", &pod), ("node", "n1")])])
            .await;
    }
    let open: Vec<Incident> = shift.incidents().await.into_iter().filter(|incident| !incident.is_over()).collect();
    assert_eq!((open.len(), open[0].open_episodes, open[0].severity), (1, 26, S3), "{}", shift.timeline(1).await);
}

/// Two incidents of two alerts that have nothing in common, each about so many nodes.
async fn two_halves(shift: &Shift, each: usize, shared: usize) {
    let now = shift.clock.now();
    for (name, from) in [("Disk", 0), ("Fan", each - shared)] {
        let of = |n: usize| {
            let host = format!("10.0.0.{n}:9100");
            alert(name, &[("severity", "info"), ("instance", &host)], now, AlertStatus::Firing)
        };
        shift.delivers(name, (from..from + each).map(of).collect()).await;
    }
}

fn merge(part: i64, whole: i64) -> Command {
    Command::Merge { incidents: vec![IncidentId(part)], into: IncidentId(whole) }
}

#[tokio::test]
async fn what_a_person_puts_together_is_as_bad_as_what_came_together() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    two_halves(&shift, 13, 1).await;
    let incidents = shift.incidents().await;
    assert_eq!(incidents.len(), 2, "{incidents:?}");
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    assert!(shift.pages().await.is_empty());
    let answer = shift.says("alice", merge(2, 1)).await;
    assert!(answer.contains("INC-1 is S2 now, as 25 objects are affected"), "{answer}");
    assert_eq!(shift.incidents().await[0].severity, S2);
    assert_eq!(shift.pages().await, ["INC-1 Uncovered"], "whoever took it took it for less");
    let told = shift.timeline(1).await;
    assert!(told.contains("severity S3 -> S2: 25 objects are affected (blast_radius.S2 is 25)"), "{told}");
    // Said twice, it is done once.
    shift.says("alice", merge(2, 1)).await;
    assert_eq!(shift.pages().await.len(), 1);
    // The part is as bad as it was by itself, and the whole makes no less of itself while it is
    // open.
    shift.says("alice", Command::Split { incident: IncidentId(2), object: None }).await;
    let severities: Vec<Severity> = shift.incidents().await.iter().map(|incident| incident.severity).collect();
    assert_eq!(severities, [S2, S3]);
    shift.says("alice", merge(2, 1)).await;
    assert_eq!(shift.pages().await.len(), 1, "nobody is called twice for it");
}

#[tokio::test]
async fn what_is_about_the_same_objects_is_no_wider_together() {
    let shift = Shift::with_rules(&[], rules(BlastRadius::default())).await;
    two_halves(&shift, 13, 2).await;
    let answer = shift.says("alice", merge(2, 1)).await;
    assert!(!answer.contains("objects are affected"), "{answer}");
    assert_eq!((shift.incidents().await[0].severity, shift.pages().await.len()), (S3, 0));
}

#[tokio::test]
async fn of_several_put_together_at_once_all_count() {
    let shift = Shift::with_rules(&[], rules(BlastRadius { s1: Some(30), s2: Some(25), s3: None })).await;
    two_halves(&shift, 15, 0).await;
    delivers(&shift, &[("Odd", &[("severity", "info"), ("instance", "a:1")])]).await;
    let both = Command::Merge { incidents: vec![IncidentId(1), IncidentId(3), IncidentId(9)], into: IncidentId(2) };
    let answer = shift.says("alice", both).await;
    assert!(answer.contains("there is no INC-9"), "{answer}");
    assert!(answer.contains("INC-2 is S1 now, as 31 objects are affected"), "{answer}");
    assert_eq!(shift.pages().await, ["INC-2 SeverityOne"]);
}

/// Nothing joins then: the runs themselves make it one.
#[tokio::test]
async fn runs_that_stop_alike_ask_how_much_is_affected() {
    for (least, expected) in [(3, S3), (2, S2)] {
        let claims = ["data-0", "data-1"].map(|name| build::pending_pvc("db", name, "fast", "100Gi"));
        let playbook = alike().replace("severity: S2", "severity: S3");
        let mut bot = Bot::begins(&[&playbook], claims.to_vec()).await;
        bot.rules.blast_radius = BlastRadius { s2: Some(least), ..BlastRadius::OFF };
        bot.is_restarted().await;
        for (name, claim) in [("ClaimFull", "data-0"), ("ClaimNearlyFull", "data-1")] {
            bot.fires(name, &[("persistentvolumeclaim", claim), ("namespace", "db")]).await;
        }
        bot.settles().await;
        let told = timeline(&bot, 1).await;
        assert_eq!(bot.incident(1).await.severity, expected, "{told}");
        assert_eq!(told.matches("2 objects are affected").count(), usize::from(expected == S2), "{told}");
        bot.passes(minutes(24 * 60)).await;
        // A call for S3 each; what became worse pages once, and not at once: a run may be at it.
        let pages = bot.store().pages_of(IncidentId(1)).await.unwrap();
        let paging = pages.iter().filter(|page| page.severity == S2).count();
        assert_eq!(paging, usize::from(expected == S2), "{}", timeline(&bot, 1).await);
    }
}

/// Objects that a window has held back are as many at its end as if it had not been.
#[tokio::test]
async fn the_end_of_a_window_asks_how_much_is_affected() {
    for (hosts, expected) in [(24, S3), (25, S2)] {
        let mut bot = Bot::begins(&[], Vec::new()).await;
        let scope = WindowScope { matchers: vec!["site=a".parse().unwrap()], ..WindowScope::default() };
        let silence = Command::Silence { scope, lasting_secs: 600, from: None, reason: "a move".into() };
        bot.says("ada", silence).await;
        for n in 0..hosts {
            let node = format!("node-{n}");
            bot.fires("Disk", &[("severity", "info"), ("node", &node), ("site", "a")]).await;
            bot.passes(std::time::Duration::from_secs(1)).await;
        }
        let open =
            |incidents: Vec<Incident>| incidents.into_iter().filter(|incident| !incident.is_over()).collect::<Vec<_>>();
        assert!(bot.paged().await.is_empty());
        bot.passes(minutes(15)).await;
        let incidents = open(bot.store().incidents(IncidentFilter::Unresolved).await.unwrap());
        assert_eq!(
            (incidents.len(), incidents[0].severity),
            (1, expected),
            "{}",
            timeline(&bot, incidents[0].id.0).await
        );
        assert_eq!(bot.paged().await.len(), usize::from(expected == S2));
    }
}

/// A window that began after its alerts covers them all the same, also one of their source alone,
/// as Alertmanager's silences are.
#[tokio::test]
async fn what_a_later_window_covers_is_no_part_of_it() {
    for sources in [vec![], vec!["alertmanager".to_owned()]] {
        a_later_window_covers(sources).await;
    }
}

async fn a_later_window_covers(sources: Vec<String>) {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    let fires = async |bot: &mut Bot, nodes: std::ops::Range<usize>, site: &str| {
        for n in nodes {
            let node = format!("node-{n}");
            bot.fires("Disk", &[("severity", "info"), ("node", &node), ("site", site)]).await;
            bot.passes(std::time::Duration::from_secs(1)).await;
        }
    };
    fires(&mut bot, 0..20, "a").await;
    let scope = WindowScope { matchers: vec!["site=a".parse().unwrap()], sources, ..WindowScope::default() };
    let silence = Command::Silence { scope, lasting_secs: 36_000, from: None, reason: "a move".into() };
    bot.says("ada", silence).await;
    fires(&mut bot, 20..44, "b").await;
    assert!(bot.paged().await.is_empty(), "{}", timeline(&bot, 1).await);
    fires(&mut bot, 44..45, "b").await;
    assert_eq!(bot.paged().await.len(), 1);
}
