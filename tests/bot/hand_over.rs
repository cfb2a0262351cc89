//! Conversations about runs that are handed over: one playbook finds out what it is, another one
//! knows what to do.

use dogwatch::cluster::sim::build;
use dogwatch::model::*;

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, shop};

/// Finds out what is wrong with the shop.
pub const TRIAGE: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: shop-sick, version: 1.0.0, owner: shop }
summary: something is wrong with the shop
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: ShopSick }]
target: { kind: Deployment, namespace: shop, name: web }
diagnose:
  - id: p99
    prometheus.query: { expr: shop_latency_seconds }
  - choose:
      - branch: it is slow
        when: p99.value > 0.1
        hand_over_to: { playbook: shop-slow }
      - otherwise: no cause that is known
        escalate: "it is not slow, and what else it is nobody has written down"
mitigate: []
escalate:
  - page: { message: "triage: {{because}}" }
"#;

const UP: &str = "scale deployment/web in shop 4 -> 6";

async fn bot(playbooks: &[&str], latencies: &[Option<f64>]) -> Bot {
    let bot = Bot::begins(playbooks, shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", latencies);
    bot
}

/// How each run ended, in order.
async fn ends(bot: &Bot) -> Vec<String> {
    let told =
        |run: Run| format!("{} {}", run.playbook.name, run.outcome.map_or("is at work".into(), |o| o.to_string()));
    bot.runs().await.into_iter().map(told).collect()
}

#[tokio::test]
async fn another_playbook_goes_on_where_one_knows_what_it_is() {
    let mut bot = bot(&[TRIAGE, SHOP], &[Some(0.4), Some(0.4), Some(0.02)]).await;
    bot.fires("ShopSick", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(ends(&bot).await, ["shop-sick handed over", "shop-slow fixed"]);
    let runs = bot.runs().await;
    assert_eq!(runs[0].because.as_deref(), Some("it is slow: shop-slow goes on with deployment/web in shop"));
    assert_eq!(runs[0].incident, runs[1].incident);
    assert_eq!(runs[0].alert, runs[1].alert);
    bot.pages([]).await;
    let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
    assert!(timeline.contains("RUN-2 of shop-slow goes on with deployment/web in shop"), "{timeline}");
    bot.resolves("ShopSick", &[]).await;
    assert_eq!(bot.incident(1).await.state, IncidentState::Resolved);
}

#[tokio::test]
async fn what_it_does_not_know_it_does_not_hand_over() {
    let mut bot = bot(&[TRIAGE, SHOP], &[Some(0.02)]).await;
    bot.fires("ShopSick", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("nobody has written down"), "{because}");
    assert_eq!(ends(&bot).await, ["shop-sick escalated"]);
}

/// Its limits are those of the other playbook; over them, the first run escalates with what it
/// found.
#[tokio::test]
async fn where_the_other_may_not_run_the_first_one_escalates() {
    let limited = SHOP.replace("diagnose:", "limits: { runs: 1 per 6h }\ndiagnose:");
    let mut bot = bot(&[TRIAGE, &limited], &[Some(0.4), Some(0.4), Some(0.02), Some(0.4)]).await;
    bot.fires("ShopSick", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.resolves("ShopSick", &[]).await;
    bot.passes(minutes(120)).await;
    bot.fires("ShopSick", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("shop-slow may not run on deployment/web in shop: it ran 1 times"), "{because}");
    assert_eq!(ends(&bot).await.last().map(String::as_str), Some("shop-sick escalated"));
    bot.pages(["shop escalated"]).await;
    let why = crate::why::asks(&bot, "/why INC-2").await;
    assert!(why.contains("0.4 for `shop_latency_seconds`"), "{why}");
}

/// Two alerts, one object, one run that is at work on it.
#[tokio::test]
async fn where_the_other_is_at_work_it_is_not_begun_twice() {
    let mut bot = bot(&[TRIAGE, SHOP], &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.fires("ShopSick", &[("severity", "critical")]).await;
    bot.passes(minutes(1)).await;
    let escalated = bot.runs().await.into_iter().find(|run| run.playbook.name == "shop-sick");
    // One incident has one run at a time on one object.
    if let Some(run) = escalated {
        let because = run.because.unwrap_or_default();
        assert!(because.contains("is at work on deployment/web in shop"), "{because}");
    }
    bot.does_nothing_more().await;
}

/// The text that counts is the one of when the first run began.
#[tokio::test]
async fn what_is_pinned_stays_so() {
    let slow = TRIAGE.replace("diagnose:\n", "diagnose:\n  - wait: 10m\n");
    let mut bot = bot(&[&slow, SHOP], &[Some(0.4), Some(0.4), Some(0.02)]).await;
    bot.fires("ShopSick", &[]).await;
    bot.has_no_playbooks();
    bot.passes(minutes(11)).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(ends(&bot).await, ["shop-sick handed over", "shop-slow fixed"]);
}

/// The lesser of the two counts: who only suggests hands over to nobody who acts.
#[tokio::test]
async fn no_more_is_done_alone_than_the_first_one_may() {
    let mut bot = bot(&[&TRIAGE.replace("autonomy: auto", "autonomy: suggest"), SHOP], &[Some(0.4)]).await;
    bot.fires("ShopSick", &[]).await;
    bot.ends(Outcome::Proposed).await;
    assert_eq!(ends(&bot).await, ["shop-sick handed over", "shop-slow proposed"]);
    bot.does_nothing_more().await;
}

/// Its target and its inputs are as they are given: a text for each.
#[tokio::test]
async fn the_other_one_is_told_what_it_is_about() {
    let triage = TRIAGE.replace(
        "{ playbook: shop-slow }",
        "{ playbook: shop-slow, target: \"Deployment/shop/{{alert.labels.shop}}\", inputs: { most: \"{{p99.value}}0\" } }",
    );
    let slow = SHOP
        .replace("{ kind: Deployment, namespace: shop, name: web }", "{ kind: Deployment, from: alert }")
        .replace("diagnose:", "inputs: { most: { type: number, default: 10 } }\ndiagnose:");
    let mut objects = shop();
    objects.push(build::deployment("shop", "api", 4));
    let mut bot = Bot::begins(&[&triage, &slow], objects).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.4), Some(0.02)]);
    bot.fires("ShopSick", &[("shop", "api")]).await;
    bot.does("scale deployment/api in shop 4 -> 6").await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(bot.runs().await[1].inputs["most"], 0.4);
}

#[tokio::test]
async fn what_it_is_told_must_be_such() {
    for (target, told) in [
        ("Deployment/shop/{{alert.labels.shop}}", "names no object: write `Kind/namespace/name`"),
        ("StatefulSet/shop/web", "is about a Deployment, and statefulset/web in shop is none"),
        ("web", "names no object"),
    ] {
        let triage =
            TRIAGE.replace("{ playbook: shop-slow }", &format!("{{ playbook: shop-slow, target: \"{target}\" }}"));
        let mut bot = bot(&[&triage, SHOP], &[Some(0.4)]).await;
        bot.fires("ShopSick", &[("shop", "a b/c")]).await;
        let because = bot.ends(Outcome::Escalated).await;
        assert!(because.contains(told), "{because}");
        assert_eq!(ends(&bot).await, ["shop-sick escalated"]);
    }
}

/// Whoever takes the incident stops what is at work then.
#[tokio::test]
async fn who_takes_it_in_the_middle_has_it() {
    let slow = TRIAGE.replace("diagnose:\n", "diagnose:\n  - wait: 10m\n");
    let mut bot = bot(&[&slow, SHOP], &[Some(0.4)]).await;
    bot.fires("ShopSick", &[]).await;
    bot.types("ada", "/take INC-1").await;
    bot.passes(minutes(15)).await;
    assert_eq!(ends(&bot).await, ["shop-sick cancelled"]);
    bot.does_nothing_more().await;
}

/// Which of two is meant, evidence decides, and not the order of files: none is run, and somebody
/// is called.
#[tokio::test]
async fn of_two_that_both_answer_none_is_run() {
    let by = |name: &str, condition: &str| {
        SHOP.replace("shop-slow", name)
            .replace("- alert: ShopSlow", &format!("- {{ alert: ShopSlow, where: \"{condition}\" }}"))
    };
    let (gold, silver) = (by("gold", "alert.labels.tier == 'gold'"), by("silver", "alert.labels.tier != ''"));
    let mut bot = bot(&[&gold, &silver], &[Some(0.4), Some(0.4), Some(0.02)]).await;
    bot.fires("ShopSlow", &[("tier", "gold")]).await;
    bot.passes(minutes(5)).await;
    assert_eq!(bot.runs().await.len(), 0);
    bot.pages(["shop not run"]).await;
    let why = crate::why::asks(&bot, "/why INC-1").await;
    assert!(why.contains("gold and silver each answer it by their `where`"), "{why}");
    bot.resolves("ShopSlow", &[("tier", "gold")]).await;
    bot.fires("ShopSlow", &[("tier", "silver")]).await;
    bot.does(UP).await;
}

/// Before it the first run goes on, behind it the other one does: never both, never none.
#[tokio::test]
async fn it_is_handed_over_once_whenever_the_bot_dies() {
    let goes = async |n: Option<usize>| {
        let mut bot = Bot::begins(&[TRIAGE, SHOP], shop()).await;
        let cluster = bot.cluster.clone();
        bot.prometheus.follows("shop_latency", move || {
            let web = cluster.object(&crate::runs::web()).unwrap();
            Some(if web.number("/spec/replicas") == Some(4) { 0.4 } else { 0.02 })
        });
        bot.dies_at(n).await;
        bot.fires("ShopSick", &[]).await;
        bot.end().await;
        bot.settles().await;
        let passed = bot.fuse.passed();
        let died = n.map_or("never".to_owned(), |n| format!("at {n}, {}", passed[n - 1]));
        assert_eq!(
            ends(&bot).await,
            ["shop-sick handed over", "shop-slow fixed"],
            "died {died}: {:#?}",
            bot.log().await
        );
        assert_eq!(bot.mutations(), ["patch deployment/web in shop"], "died {died}");
        assert_eq!(bot.locks().await, 0, "died {died}");
        bot.pages([]).await;
        bot.keeps_the_laws().await;
        bot.fuse.points_that_differ().await
    };
    let points = goes(None).await;
    assert!(points.len() > 12, "{points:?}");
    for n in points {
        goes(Some(n)).await;
    }
}

/// A playbook that is written for one object is not turned on another.
#[tokio::test]
async fn what_is_about_one_object_alone_stays_with_it() {
    let triage = TRIAGE.replace("{ playbook: shop-slow }", "{ playbook: shop-slow, target: \"Deployment/shop/api\" }");
    let mut bot = bot(&[&triage, SHOP], &[Some(0.4)]).await;
    bot.fires("ShopSick", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(
        because.contains("`shop-slow` is about one object alone, and deployment/api in shop is another"),
        "{because}"
    );
}

/// An incident is as bad as the worst of the playbooks that it goes through.
#[tokio::test]
async fn what_it_turns_out_to_be_decides_how_bad_it_is() {
    let (triage, slow) = (TRIAGE.replace("severity: S2", "severity: S3"), SHOP.replace("severity: S2", "severity: S1"));
    let mut bot = bot(&[&triage, &slow], &[Some(0.4)]).await;
    bot.fires("ShopSick", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Escalated).await;
    assert_eq!(bot.incident(1).await.severity, Severity::S1);
    bot.pages(["shop escalated"]).await;
}

/// What the source of the alert may not start, it may not start by a hand-over.
#[tokio::test]
async fn what_a_source_may_start_holds_behind_it() {
    let mut bot = bot(&[TRIAGE, SHOP], &[Some(0.4)]).await;
    let allowed = Allowed { playbooks: Some(vec!["shop-sick".to_owned()]), ..Allowed::default() };
    bot.rules.may_start = SourceRights { by_source: Default::default(), others: MayStart::Only(allowed) };
    bot.is_restarted().await;
    bot.fires("ShopSick", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("`shop-slow` is not begun: its source may start nothing for `shop-slow`"), "{because}");
}
