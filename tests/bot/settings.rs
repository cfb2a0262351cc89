//! Conversations with a bot whose configuration sets something of its playbooks.

use std::path::PathBuf;

use dogwatch::app::site_settings;
use dogwatch::cluster::{Cluster, Object};
use dogwatch::config::Config;
use dogwatch::model::*;
use dogwatch::playbook::{Catalog, Playbook};

use crate::bot::{Bot, minutes};
use crate::hand_over::TRIAGE;
use crate::runs::{SHOP, UP, shop};

/// What `playbooks.settings` says counts from the next start.
async fn is_started_with(bot: &mut Bot, playbooks: &[&str], settings: &str) {
    let text = format!("playbooks: {{ settings: {settings} }}\n");
    let config = Config::parse(&text, &PathBuf::from("dogwatch.yaml")).unwrap();
    let kinds = Cluster::kinds(&bot.cluster);
    let read =
        |(n, text): (usize, &&str)| Playbook::parse_with(&PathBuf::from(format!("playbooks/{n}.yaml")), text, &kinds);
    let playbooks = playbooks.iter().enumerate().map(read).collect::<Result<_, _>>().unwrap();
    let (catalog, problems) = Catalog::of_set(playbooks, &site_settings(&config));
    assert!(problems.is_empty(), "{problems:?}");
    bot.has_catalog(catalog);
    bot.is_restarted().await;
}

async fn with(playbooks: &[&str], objects: Vec<Object>, settings: &str, latencies: &[Option<f64>]) -> Bot {
    let mut bot = Bot::begins(&[], objects).await;
    is_started_with(&mut bot, playbooks, settings).await;
    bot.prometheus.answers_in_turn("shop_latency", latencies);
    bot
}

#[tokio::test]
async fn one_that_is_lowered_asks() {
    let settings = "{ shop-slow: { autonomy: approve } }";
    let mut bot = with(&[SHOP], shop(), settings, &[Some(0.4), Some(0.4), Some(0.02)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    assert!(bot.approves("ada").await.contains("approved"), "it asks");
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    let [run] = &bot.runs().await[..] else { panic!("one run") };
    assert_eq!(run.autonomy, Autonomy::Approve);
}

#[tokio::test]
async fn one_that_is_disabled_is_started_by_nothing() {
    let planned = SHOP
        .replace("shop-slow", "shop-planned")
        .replace("triggers:\n  - alert: ShopSlow", "triggers:\n  - schedule: { cron: \"30 2 * * *\", time_zone: UTC }");
    let settings = "{ shop-slow: { enabled: false }, shop-planned: { enabled: false } }";
    let mut bot = with(&[SHOP, &planned], shop(), settings, &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[("severity", "warning")]).await;
    bot.pages(["platform uncovered"]).await;
    let told = bot.tells(1).await.join("\n");
    let reason = "disabled by the configuration (playbooks.settings.shop-slow.enabled)";
    assert!(told.contains(&format!("the playbook shop-slow would answer it, and is {reason}")), "{told}");
    assert_eq!(bot.types("ada", "/run shop-slow").await, format!("shop-slow is {reason}"));
    bot.passes(minutes(120)).await;
    assert_eq!(bot.runs().await.len(), 0);
    // Whoever freezes it means one that there is.
    let frozen = bot.types("ada", "/freeze playbook=shop-slow we look").await;
    assert!(frozen.contains("FRZ-1"), "{frozen}");
    // The same is read anew, and counts.
    is_started_with(&mut bot, &[SHOP, &planned], "{}").await;
    assert!(bot.types("ada", "/unfreeze FRZ-1").await.contains("FRZ-1"));
    let started = bot.types("ada", "/run shop-slow").await;
    assert!(started.contains("runs on deployment/web in shop"), "{started}");
}

#[tokio::test]
async fn a_default_that_is_set_is_what_the_cluster_gets() {
    let shop_slow = SHOP
        .replace("max: 10", "max: \"{{inputs.most}}\"")
        .replace("diagnose:", "inputs: { most: { type: integer, default: 10, maximum: 50 } }\ndiagnose:");
    let settings = "{ shop-slow: { inputs: { most: 5 } } }";
    let mut bot = with(&[&shop_slow], shop(), settings, &[Some(0.4), Some(0.4), Some(0.02)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn a_label_of_another_name_leads_to_the_target() {
    let from_alert = SHOP
        .replace("{ kind: Deployment, namespace: shop, name: web }", "{ kind: Deployment, from: alert }")
        .replace("  - alert: ShopSlow", "  - alert: ShopSlow\n    where: alert.labels.deployment == 'web'")
        .replace(
            "because: it is fast again",
            "because: \"{{alert.labels.deployment}} of {{alert.labels.area}} is fast again\"",
        );
    let settings = "{ shop-slow: { labels: { deployment: [app, deployment], namespace: [tenant], area: [zone] } } }";
    let mut bot = with(&[&from_alert], shop(), settings, &[Some(0.02)]).await;
    let labels = [("app", "web"), ("tenant", "shop"), ("namespace", "monitoring"), ("zone", "north")];
    bot.fires("ShopSlow", &labels).await;
    let because = bot.ends(Outcome::NothingToDo).await;
    assert_eq!(because, "web of north is fast again");
    let [run] = &bot.runs().await[..] else { panic!("one run") };
    assert_eq!(run.target.to_string(), "deployment/web in shop");
    // By what it is known, and whom it is silenced by, stays as it came.
    assert!(run.alert["labels"].get("deployment").is_none(), "{}", run.alert);
}

#[tokio::test]
async fn a_run_that_would_hand_over_to_one_that_is_disabled_escalates() {
    let settings = "{ shop-slow: { enabled: false } }";
    let mut bot = with(&[TRIAGE, SHOP], shop(), settings, &[Some(0.4)]).await;
    bot.fires("ShopSick", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    let reason = "`shop-slow` is not begun: it is disabled by the configuration (playbooks.settings.shop-slow.enabled)";
    assert!(because.contains(reason), "{because}");
    bot.pages(["shop escalated"]).await;
}

/// Also where it was there when the run began.
#[tokio::test]
async fn what_is_disabled_meanwhile_is_handed_nothing() {
    let slow = TRIAGE.replace("diagnose:\n", "diagnose:\n  - wait: 10m\n");
    let mut bot = with(&[&slow, SHOP], shop(), "{}", &[Some(0.4)]).await;
    bot.fires("ShopSick", &[]).await;
    is_started_with(&mut bot, &[&slow, SHOP], "{ shop-slow: { enabled: false } }").await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("it is disabled by the configuration"), "{because}");
}

#[tokio::test]
async fn a_run_under_way_goes_on_as_it_began() {
    let slow = SHOP.replace("max: 10", "max: \"{{inputs.most}}\"").replace(
        "diagnose:\n",
        "inputs: { most: { type: integer, default: 10, maximum: 50 } }\ndiagnose:\n  - wait: 10m\n",
    );
    for later in
        ["{ shop-slow: { autonomy: observe, inputs: { most: 5 } } }", "{ shop-slow: { enabled: false } }", "{}"]
    {
        let before = "{ shop-slow: { inputs: { most: 6 } } }";
        let mut bot = with(&[&slow], shop(), before, &[Some(0.4), Some(0.4), Some(0.02)]).await;
        bot.fires("ShopSlow", &[]).await;
        bot.passes(minutes(2)).await;
        is_started_with(&mut bot, &[&slow], later).await;
        bot.passes(minutes(9)).await;
        bot.does(UP).await;
        bot.ends(Outcome::Fixed).await;
    }
}
