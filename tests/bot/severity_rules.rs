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
        told.contains(
            "the cluster did not say in time what tier what Slow is about has: S3, as Slow says, counts without it"
        ),
        "{told}"
    );
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
