//! Brakes: freezes in the database and by a ConfigMap, incidents that somebody took, and ceilings on
//! autonomy.

use std::collections::BTreeMap;

use dogwatch::clock::Clock as _;
use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, Verb};
use dogwatch::engine::FreezeMap;
use dogwatch::model::*;
use dogwatch::store::{FreezeStore as _, RunStore as _};
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP, asking, in_three_steps, shop};

async fn bot(playbook: &str) -> Bot {
    let bot = Bot::begins(&[playbook], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    bot
}

/// One that reads the ConfigMap.
async fn reading(playbook: &str) -> Bot {
    let mut bot = bot(playbook).await;
    bot.freeze_map = Some(FreezeMap { namespace: "dogwatch".into(), name: "dogwatch-freeze".into() });
    bot.is_restarted().await;
    bot
}

fn has_freeze_map(bot: &Bot, data: serde_json::Value) {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "namespace": "dogwatch", "name": "dogwatch-freeze" },
        "data": data,
    });
    bot.cluster.apply(&Object(object), "kubectl").unwrap();
}

/// How the first run ended, and why.
async fn end(bot: &Bot) -> (Outcome, String) {
    let log = bot.store().run_log(RunId(1)).await.unwrap();
    let end = log.into_iter().find_map(|(_, event)| match event {
        RunEvent::Ended { outcome, because } => Some((outcome, because)),
        _ => None,
    });
    end.expect("it has ended")
}

#[tokio::test]
async fn what_is_frozen_is_diagnosed_and_shown_and_its_page_goes_out_in_time() {
    let mut bot = bot(SHOP).await;
    let reply = bot.types("anna", "/freeze namespace=shop --for 1h moving the storage").await;
    assert_eq!(
        reply,
        "FRZ-1: no run changes anything of namespace shop until 2026-03-02 03:00 UTC; /unfreeze FRZ-1 ends it"
    );
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    let (outcome, because) = end(&bot).await;
    assert_eq!(outcome, Outcome::Proposed);
    let why = "what it would do is shown, not done: FRZ-1 (anna: moving the storage) freezes it";
    assert_eq!(because, why);
    let log = bot.store().run_log(RunId(1)).await.unwrap();
    let shown = log.iter().find_map(|(_, event)| match event {
        RunEvent::Proposed { preview } => Some(preview.steps[0].summary.clone()),
        _ => None,
    });
    assert_eq!(shown.as_deref(), Some(UP));
    bot.pages([]).await;
    bot.passes(minutes(121)).await;
    bot.pages(["shop overdue"]).await;
}

#[tokio::test]
async fn what_is_not_covered_goes_on_and_what_has_an_end_ends() {
    for line in ["/freeze namespace=db x", "/freeze all --for 10m x"] {
        let mut bot = bot(SHOP).await;
        bot.types("anna", line).await;
        bot.passes(minutes(10)).await;
        bot.fires("ShopSlow", &[]).await;
        bot.does(UP).await;
        bot.ends(Outcome::Fixed).await;
    }
}

#[tokio::test]
async fn a_freeze_that_comes_while_somebody_is_asked_stops_the_run_before_it_starts_anything() {
    let mut bot = bot(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.types("anna", "/freeze playbook=shop-slow it makes it worse").await;
    bot.approves("bob").await;
    bot.does_nothing_more().await;
    let stopped = "FRZ-1 (anna: it makes it worse) stopped it".to_owned();
    assert_eq!(end(&bot).await, (Outcome::Cancelled, stopped));
    bot.pages([]).await;
}

#[tokio::test]
async fn a_group_that_was_begun_is_finished_and_the_answer_says_so() {
    let mut bot = bot(&in_three_steps()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    let reply = bot.types("anna", "/freeze all a storm").await;
    assert_eq!(
        reply,
        "FRZ-1: no run changes anything until somebody ends it; /unfreeze FRZ-1 ends it\n\
         RUN-1 finishes the group of steps that it has begun: mitigate.two is left"
    );
    bot.passes(minutes(1)).await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    bot.passes(minutes(5)).await;
    bot.does_nothing_more().await;
    assert_eq!(end(&bot).await, (Outcome::Cancelled, "FRZ-1 (anna: a storm) stopped it".to_owned()));
}

#[tokio::test]
async fn a_freeze_between_the_decision_and_the_start_of_a_change_is_before_it() {
    let mut bot = bot(SHOP).await;
    let database = bot.folder.path().join("bot.db");
    bot.fuse.meanwhile("before append started", move || {
        // As another process of the same database would: the bot has looked, and not begun.
        let frozen = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
                let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
                let insert = "INSERT INTO freeze (id, scope, reason, by, via, made_at)
                     VALUES (1, '{\"covers\":\"all\"}', 'a storm', 'anna', 'api', 0)";
                sqlx::query(insert).execute(&mut connection).await.unwrap();
            });
        });
        frozen.join().unwrap();
    });
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    let log = bot.store().run_log(RunId(1)).await.unwrap();
    assert!(!log.iter().any(|(_, event)| matches!(event, RunEvent::Started { .. })), "{log:#?}");
    assert_eq!(end(&bot).await, (Outcome::Cancelled, "FRZ-1 (anna: a storm) stopped it".to_owned()));
}

#[tokio::test]
async fn asked_twice_it_is_the_same_freeze_and_ended_twice_it_has_ended() {
    let mut bot = bot(SHOP).await;
    bot.types("anna", "/freeze all a storm").await;
    bot.passes(minutes(1)).await;
    let again = bot.types("anna", "/freeze all --for 1h a storm").await;
    assert_eq!(again, "FRZ-1 freezes everything already; /unfreeze FRZ-1 ends it");
    bot.types("bob", "/freeze namespace=shop mine").await;
    let ended = bot.types("anna", "/unfreeze 1").await;
    assert_eq!(
        ended,
        "FRZ-1 has ended: runs may change what it covered (everything) again; but FRZ-2 freezes namespace shop"
    );
    let again = bot.types("bob", "/unfreeze FRZ-1").await;
    assert_eq!(again, "FRZ-1 has ended already, at 2026-03-02 02:01 UTC");
    assert!(bot.types("bob", "/unfreeze 7").await.starts_with("there is no FRZ-7"));
    assert_eq!(
        bot.types("bob", "/freeze playbook=shop-slo x").await,
        "there is no playbook `shop-slo`; there are: shop-slow"
    );
    let active = bot.store().freezes_at(bot.clock.now()).await.unwrap();
    assert_eq!(active.iter().map(|freeze| freeze.id).collect::<Vec<_>>(), [FreezeId(2)]);
}

#[tokio::test]
async fn what_was_started_when_it_died_is_named_and_not_made_after_the_freeze() {
    let mut bot = bot(SHOP).await;
    // The request is lost with the process, and the cluster is away while the freeze comes.
    bot.fuse.dies_at_next("before patch");
    bot.once_dead = vec![Fault::Unavailable { verb: Verb::Get, kind: String::new(), times: 5 }];
    bot.fires("ShopSlow", &[]).await;
    let reply = bot.types("anna", "/freeze all a storm").await;
    assert!(reply.ends_with(&format!("started before, and not stopped: RUN-1: {UP}")), "{reply}");
    bot.passes(minutes(10)).await;
    bot.does_nothing_more().await;
    assert_eq!(end(&bot).await, (Outcome::Cancelled, "FRZ-1 (anna: a storm) stopped it".to_owned()));
}

#[tokio::test]
async fn a_config_map_freezes_without_the_database() {
    for (data, covers) in [
        (json!({ "all": "a storm" }), Some("all: a storm")),
        (json!({ "namespace.shop": "" }), Some("namespace.shop: without a reason")),
        (json!({ "playbook.shop-slow": "x" }), Some("playbook.shop-slow: x")),
        (json!({ "namespace.db": "x" }), None),
        (json!({}), None),
    ] {
        let mut bot = reading(SHOP).await;
        has_freeze_map(&bot, data);
        bot.fires("ShopSlow", &[]).await;
        let Some(covers) = covers else {
            bot.does(UP).await;
            continue;
        };
        bot.does_nothing_more().await;
        let (outcome, because) = end(&bot).await;
        assert_eq!(outcome, Outcome::Proposed);
        let why = format!("the configmap/dogwatch-freeze in dogwatch ({covers}) freezes it");
        assert!(because.ends_with(&why), "{because}");
        assert!(bot.store().freezes_at(bot.clock.now()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_config_map_that_comes_during_a_run_stops_it_before_the_next_change() {
    let mut bot = reading(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    has_freeze_map(&bot, json!({ "all": "a storm" }));
    bot.approves("bob").await;
    bot.does_nothing_more().await;
    let stopped = "the configmap/dogwatch-freeze in dogwatch (all: a storm) stopped it".to_owned();
    assert_eq!(end(&bot).await, (Outcome::Cancelled, stopped));
}

#[tokio::test]
async fn a_freeze_holds_while_no_config_map_is_there() {
    let mut bot = reading(SHOP).await;
    bot.types("anna", "/freeze all a storm").await;
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    assert_eq!(end(&bot).await.0, Outcome::Proposed);
}

#[tokio::test]
async fn a_config_map_that_cannot_be_read_for_a_moment_delays_and_then_a_person_is_called() {
    let mut bot = reading(SHOP).await;
    let away = |times| Fault::Unavailable { verb: Verb::Get, kind: "ConfigMap".into(), times };
    bot.cluster.fault(away(2));
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(1)).await;
    bot.does(UP).await;

    let mut bot = reading(SHOP).await;
    bot.cluster.fault(Fault::Forbidden { verb: Verb::Get, kind: "ConfigMap".into() });
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(10)).await;
    bot.does_nothing_more().await;
    let (outcome, because) = end(&bot).await;
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("while it is not known whether the configmap/dogwatch-freeze"), "{because}");
}

#[tokio::test]
async fn whoever_takes_an_incident_keeps_runs_from_it_until_it_is_given_back() {
    let mut bot = bot(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    let reply = bot.types("anna", "/take 1").await;
    let told = "RUN-1 begins nothing more; no run begins for it until /release INC-1, or its end";
    assert!(reply.ends_with(told), "{reply}");
    assert_eq!(end(&bot).await, (Outcome::Cancelled, "anna stopped it".to_owned()));
}

#[tokio::test]
async fn what_somebody_took_is_run_by_nobody_else_and_again_when_it_is_given_back() {
    let mut bot = bot(SHOP).await;
    bot.fires("Other", &[("namespace", "shop"), ("deployment", "web")]).await;
    bot.types("anna", "/take 1").await;
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    assert!(bot.runs().await.is_empty());
    let told = bot.tells(1).await.join("\n");
    let line = "playbook shop-slow is not run: anna works on the incident by hand (/take)";
    assert!(told.contains(line), "{told}");
    let declined = "anna works on INC-1 by hand; /release INC-1 lets runs begin for it again";
    assert_eq!(bot.types("bob", "/run shop-slow").await, declined);
    bot.types("bob", "/release 1").await;
    assert_eq!(bot.types("carol", "/release 1").await, "nobody keeps runs from INC-1");
    bot.types("carol", "/run shop-slow").await;
    bot.approves("bob").await;
    bot.does(UP).await;
}

fn ceilings(all: Autonomy, namespaces: &[(&str, Autonomy)]) -> Ceilings {
    let namespaces: BTreeMap<_, _> = namespaces.iter().map(|(name, of)| ((*name).to_owned(), *of)).collect();
    Ceilings { all, namespaces, ..Ceilings::default() }
}

#[tokio::test]
async fn a_site_that_only_observes_is_shown_what_would_be_done() {
    let mut bot = bot(SHOP).await;
    bot.rules.ceilings.set(ceilings(Autonomy::Observe, &[]));
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    assert_eq!(end(&bot).await.0, Outcome::Proposed);
    let told = bot.tells(1).await.join("\n");
    let line = "shop-slow only shows what it would do, and is not auto: `engine.autonomy_ceiling` is observe";
    assert!(told.contains(line), "{told}");
}

#[tokio::test]
async fn a_ceiling_that_is_lowered_during_a_run_stops_it_before_its_next_change() {
    let mut bot = bot(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.rules.ceilings.set(ceilings(Autonomy::Auto, &[("shop", Autonomy::Suggest)]));
    bot.approves("bob").await;
    bot.does_nothing_more().await;
    let why = "the ceiling on autonomy (`engine.autonomy_ceilings.namespaces.shop` is suggest) stopped it".to_owned();
    assert_eq!(end(&bot).await, (Outcome::Cancelled, why));
}

#[tokio::test]
async fn whoever_asks_for_a_run_is_under_the_ceiling_too_and_told_so() {
    let mut bot = bot(SHOP).await;
    bot.rules.ceilings.set(ceilings(Autonomy::Auto, &[("shop", Autonomy::Observe)]));
    let reply = bot.types("bob", "/run shop-slow").await;
    let told = "shop-slow only shows what it would do, and is not approve: `engine.autonomy_ceilings.namespaces.shop` is observe";
    assert!(reply.ends_with(told), "{reply}");
    bot.does_nothing_more().await;
    assert_eq!(end(&bot).await.0, Outcome::Proposed);
}

#[tokio::test]
async fn what_is_frozen_is_listed_with_the_incidents() {
    let mut bot = bot(SHOP).await;
    bot.types("anna", "/freeze all a storm").await;
    let freezes = bot.store().freezes_at(bot.clock.now()).await.unwrap();
    let line = "FRZ-1 freezes everything since 2026-03-02 02:00:00 UTC, until somebody ends it (anna: a storm); /unfreeze FRZ-1";
    assert_eq!(dogwatch::message::freezes_text(&freezes), line);
}

#[tokio::test]
async fn under_a_ceiling_of_approve_what_would_act_alone_asks() {
    let mut bot = bot(SHOP).await;
    bot.rules.ceilings.set(ceilings(Autonomy::Approve, &[]));
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    bot.approves("bob").await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}
