//! Brakes: freezes in the database and by a ConfigMap, incidents that somebody took, and ceilings on
//! autonomy.

use std::collections::BTreeMap;

use dogwatch::clock::Clock as _;
use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, Verb};
use dogwatch::engine::FreezeMap;
use dogwatch::handoff::{Reporter, Template};
use dogwatch::model::*;
use dogwatch::store::{FreezeStore as _, IncidentStore as _, RunStore as _};
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP, asking, in_three_steps, shop};
use crate::why::asks;

async fn bot(playbook: &str) -> Bot {
    let bot = Bot::begins(&[playbook], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    bot
}

/// One that reads the ConfigMap.
async fn reading(playbook: &str) -> Bot {
    let mut bot = bot(playbook).await;
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "dogwatch" } });
    bot.cluster.apply(&Object(namespace), "kubectl").unwrap();
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

/// What was said in chat that is about no incident.
async fn announced(bot: &Bot) -> Vec<String> {
    bot.delivered_texts("announcement").await
}

/// The report of the shift of team platform, as it would be written now.
async fn handoff(bot: &Bot) -> String {
    let (store, clock, roster) = (bot.store().clone(), bot.clock.clone(), bot.rules.oncall.clone());
    let reporter = Reporter::new(store, clock, roster, Template::built_in().unwrap());
    reporter.with_freeze_map(bot.rules.freeze_map.clone()).so_far().await.unwrap()
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
        "FRZ-1: no run changes anything of namespace shop until 2026-03-02 03:00 UTC; /unfreeze FRZ-1 ends it\n\
         no ConfigMap is asked: where this server cannot be reached, nothing else freezes"
    );
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    let (outcome, because) = end(&bot).await;
    assert_eq!(outcome, Outcome::Proposed);
    let why = "what it would do is shown, not done: FRZ-1 (anna: moving the storage) stops it";
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
async fn a_question_is_withdrawn_by_a_freeze_and_its_yes_declined() {
    let mut bot = bot(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.types("anna", "/freeze playbook=shop-slow it makes it worse").await;
    bot.does_nothing_more().await;
    let stopped = "FRZ-1 (anna: it makes it worse) stopped it".to_owned();
    assert_eq!(end(&bot).await, (Outcome::Cancelled, stopped));
    assert!(bot.store().open_approvals().await.unwrap().is_empty());
    bot.passes(minutes(60)).await;
    bot.pages([]).await;
    let declined = "FRZ-1 (anna: it makes it worse) freezes playbook shop-slow; nothing is begun there until it is over: \
                    /unfreeze FRZ-1 ends it";
    assert_eq!(bot.approves("bob").await, declined);
    assert_eq!(bot.types("bob", "/run shop-slow").await, declined);
    bot.types("bob", "/unfreeze 1").await;
    bot.passes(minutes(1)).await;
    assert_eq!(bot.approves("bob").await, "APR-1 is no question any more: its run has ended");
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
         no ConfigMap is asked: where this server cannot be reached, nothing else freezes\n\
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
async fn each_ask_is_a_freeze_of_its_own_and_lasts_until_its_own_end() {
    let mut bot = bot(SHOP).await;
    bot.types("anna", "/freeze all a storm").await;
    bot.passes(minutes(1)).await;
    let again = bot.types("anna", "/freeze all --for 1h a storm").await;
    assert!(again.starts_with("FRZ-2: no run changes anything until 2026-03-02 03:01 UTC"), "{again}");
    bot.types("bob", "/freeze namespace=shop mine").await;
    let ended = bot.types("anna", "/unfreeze 1").await;
    assert_eq!(
        ended,
        "FRZ-1 has ended: runs may change what it covered (everything) again; but FRZ-2 freezes everything, \
         FRZ-3 freezes namespace shop"
    );
    let again = bot.types("bob", "/unfreeze FRZ-1").await;
    assert_eq!(again, "FRZ-1 has ended already, at 2026-03-02 02:01 UTC, by anna");
    assert!(bot.types("bob", "/unfreeze 7").await.starts_with("there is no FRZ-7"));
    assert_eq!(
        bot.types("bob", "/freeze playbook=shop-slo x").await,
        "there is no playbook `shop-slo`; there are: shop-slow"
    );
    let active = bot.store().freezes_at(bot.clock.now()).await.unwrap();
    assert_eq!(active.iter().map(|freeze| freeze.id).collect::<Vec<_>>(), [FreezeId(2), FreezeId(3)]);
    bot.passes(minutes(61)).await;
    assert_eq!(
        announced(&bot).await,
        [
            "FRZ-1 freezes everything until somebody ends it: a storm (anna, by console); /unfreeze FRZ-1 ends it",
            "FRZ-2 freezes everything until 2026-03-02 03:01 UTC: a storm (anna, by console); /unfreeze FRZ-2 ends it",
            "FRZ-3 freezes namespace shop until somebody ends it: mine (bob, by console); /unfreeze FRZ-3 ends it",
            "FRZ-1 was ended by anna: runs may change what it covered (everything) again; but FRZ-2 freezes everything, \
             FRZ-3 freezes namespace shop",
            "FRZ-2 of anna is over: runs may change what it covered (everything) again; but FRZ-3 freezes namespace shop",
        ]
    );
    bot.is_restarted().await;
    bot.passes(minutes(1)).await;
    assert_eq!(announced(&bot).await.len(), 5, "each is told once");
}

#[tokio::test]
async fn what_was_started_when_it_died_is_named_and_not_made_after_the_freeze() {
    let mut bot = bot(SHOP).await;
    // The request is lost with the process, and the cluster is away while the freeze comes.
    bot.fuse.dies_at_next("before patch");
    bot.once_dead = vec![Fault::Unavailable { verb: Verb::Get, kind: String::new(), times: 5 }];
    bot.fires("ShopSlow", &[]).await;
    let reply = bot.types("anna", "/freeze all a storm").await;
    assert!(reply.ends_with(&format!("\nstarted before, and not stopped: RUN-1: {UP}")), "{reply}");
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
        (
            json!({ "namespace.SHOP": "a storm" }),
            Some("its key `namespace.SHOP` names no namespace that there can be, and so freezes everything: a storm"),
        ),
        (
            json!({ "playbook.dns": "a storm" }),
            Some("its key `playbook.dns` names no playbook that there is, and so freezes everything: a storm"),
        ),
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
        let why = format!("the configmap/dogwatch-freeze in dogwatch ({covers}) stops it");
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
    bot.cluster.fault(away(10_000));
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(10)).await;
    bot.does_nothing_more().await;
    let (outcome, because) = end(&bot).await;
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("while it is not known whether the configmap/dogwatch-freeze"), "{because}");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn without_the_right_to_read_the_config_map_it_is_shown_what_would_be_done_and_nobody_is_asked() {
    for playbook in [SHOP.to_owned(), asking()] {
        let mut bot = reading(&playbook).await;
        bot.cluster.fault(Fault::Forbidden { verb: Verb::Get, kind: "ConfigMap".into() });
        bot.fires("ShopSlow", &[]).await;
        bot.does_nothing_more().await;
        let why = "what it would do is shown, not done: the configmap/dogwatch-freeze in dogwatch (the bot may not read it: apply \
                   what `dogwatch rbac` prints once more) stops it";
        assert_eq!(end(&bot).await, (Outcome::Proposed, why.to_owned()));
        assert!(bot.store().open_approvals().await.unwrap().is_empty());
        bot.passes(minutes(1)).await;
        let told = announced(&bot).await;
        assert!(told.len() == 1 && told[0].contains("cannot be read, which may freeze it"), "{told:?}");
        assert_eq!(bot.measures("dogwatch_frozen_by_config_map").await, "1");
    }
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
    let mut bot = reading(SHOP).await;
    bot.settles().await;
    assert_eq!(
        asks(&bot, "/freezes").await,
        "nothing is frozen here\nthe configmap/dogwatch-freeze in dogwatch freezes nothing"
    );
    let reply = bot.types("anna", "/freeze all a storm").await;
    let command = "`kubectl create configmap dogwatch-freeze -n dogwatch --from-literal=all='the reason'`";
    assert!(reply.ends_with(&format!("\nwhere this server cannot be reached, {command} does the same")), "{reply}");
    let line = "FRZ-1 freezes everything since 2026-03-02 02:00:00 UTC, until somebody ends it (anna: a storm); /unfreeze FRZ-1";
    assert!(asks(&bot, "/incidents").await.starts_with(&format!("{line}\n\n")));
    has_freeze_map(&bot, json!({ "namespace.db": "an upgrade" }));
    bot.passes(minutes(1)).await;
    let map = "the configmap/dogwatch-freeze in dogwatch freezes: namespace.db: an upgrade; \
               kubectl delete configmap dogwatch-freeze -n dogwatch";
    assert_eq!(asks(&bot, "/freezes").await, format!("{line}\n{map}"));
    assert!(asks(&bot, "/incidents").await.starts_with(&format!("{line}\n{map}\n\n")));
    assert_eq!(bot.measures("dogwatch_frozen").await, "1");
    assert_eq!(bot.measures("dogwatch_frozen_by_config_map").await, "1");
    let handoff = handoff(&bot).await;
    let section = "## Frozen: no run changes anything there\n\n- **everything** since Mon 2 Mar 02:00, until somebody ends it \
                   (anna: a storm): `dogwatch unfreeze FRZ-1`\n- the configmap/dogwatch-freeze in dogwatch freezes";
    assert!(handoff.contains(section) && !handoff.contains("Nothing is outstanding"), "{handoff}");

    bot.types("anna", "/unfreeze 1").await;
    bot.cluster.remove(&ObjectKey::new("ConfigMap", "dogwatch", "dogwatch-freeze"));
    bot.passes(minutes(1)).await;
    let told = announced(&bot).await;
    let told: Vec<&str> = told.iter().filter(|told| told.contains("configmap")).map(String::as_str).collect();
    assert_eq!(
        told,
        [
            "the configmap/dogwatch-freeze in dogwatch freezes: namespace.db: an upgrade; \
             `kubectl delete configmap dogwatch-freeze -n dogwatch` ends it",
            "the configmap/dogwatch-freeze in dogwatch freezes nothing any more: runs may change things again",
        ]
    );
    assert_eq!(bot.measures("dogwatch_frozen_by_config_map").await, "0");
}

#[tokio::test]
async fn a_config_map_whose_namespace_is_not_there_is_told_of() {
    let mut bot = bot(SHOP).await;
    bot.freeze_map = Some(FreezeMap { namespace: "dogwtach".into(), name: "dogwatch-freeze".into() });
    bot.is_restarted().await;
    bot.settles().await;
    let told = "nobody can freeze by the configmap/dogwatch-freeze in dogwtach: there is no namespace dogwtach (`engine.freeze.namespace`)";
    assert_eq!(announced(&bot).await, [told]);
    bot.passes(minutes(5)).await;
    assert_eq!(announced(&bot).await.len(), 1);
}

#[tokio::test]
async fn a_config_map_withdraws_the_questions_that_it_covers() {
    let mut bot = reading(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    has_freeze_map(&bot, json!({ "all": "a storm" }));
    bot.passes(minutes(1)).await;
    assert!(bot.store().open_approvals().await.unwrap().is_empty());
    assert_eq!(end(&bot).await.0, Outcome::Cancelled);
    bot.passes(minutes(60)).await;
    bot.pages([]).await;
}

/// What is stopped by it, for each kind of brake.
const BRAKES: &[&str] = &["freeze", "window", "ceiling"];

async fn brakes(bot: &mut Bot, brake: &str) {
    match brake {
        "freeze" => drop(bot.types("anna", "/freeze all a storm").await),
        "window" => drop(bot.types("anna", "/silence Deployment/shop/web --for 1h a storm").await),
        _ => bot.rules.ceilings.set(ceilings(Autonomy::Suggest, &[])),
    }
}

async fn is_held(bot: &Bot) {
    let held = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "we upgrade it" } } });
    bot.cluster.change(&crate::runs::web(), &held, "kubectl").unwrap();
}

#[tokio::test]
async fn a_group_that_fails_in_the_middle_escalates_whatever_brake_holds() {
    for brake in BRAKES {
        let mut bot = bot(&in_three_steps()).await;
        bot.fires("ShopSlow", &[]).await;
        bot.does("scale deployment/web in shop 4 -> 5").await;
        brakes(&mut bot, brake).await;
        is_held(&bot).await;
        bot.passes(minutes(5)).await;
        bot.does_nothing_more().await;
        let (outcome, because) = end(&bot).await;
        assert_eq!(outcome, Outcome::Escalated, "{brake}: {because}");
        assert!(because.contains("hands-off"), "{brake}: {because}");
        if *brake == "window" {
            bot.pages([]).await;
            bot.passes(minutes(60)).await;
        }
        let paged = bot.store().unanswered_pages().await.unwrap().len();
        assert_eq!(paged, 1, "{brake}: half a group is somebody's to look at");
    }
}

#[tokio::test]
async fn what_became_of_a_change_is_found_out_before_a_brake_counts() {
    for brake in BRAKES {
        // The request is lost with the process, and somebody changes the object meanwhile.
        let mut bot = bot(SHOP).await;
        bot.fuse.dies_at_next("before patch");
        bot.once_dead = vec![Fault::Unavailable { verb: Verb::Get, kind: String::new(), times: 5 }];
        bot.fires("ShopSlow", &[]).await;
        brakes(&mut bot, brake).await;
        bot.cluster.change(&crate::runs::web(), &json!({ "spec": { "replicas": 9 } }), "kubectl").unwrap();
        bot.passes(minutes(10)).await;
        assert_eq!(end(&bot).await.0, Outcome::Escalated, "{brake}");
        if *brake == "window" {
            bot.pages([]).await;
            bot.passes(minutes(60)).await;
        }
        assert_eq!(bot.store().unanswered_pages().await.unwrap().len(), 1, "{brake}");
    }
}

#[tokio::test]
async fn an_attempt_that_was_given_up_is_named_and_looked_at_before_a_brake_counts() {
    for changed in [false, true] {
        let mut bot = bot(SHOP).await;
        bot.cluster.fault(Fault::Unavailable { verb: Verb::Patch, kind: String::new(), times: 1 });
        bot.fires("ShopSlow", &[]).await;
        if changed {
            bot.cluster.change(&crate::runs::web(), &json!({ "spec": { "replicas": 9 } }), "kubectl").unwrap();
        }
        let reply = bot.types("anna", "/freeze all a storm").await;
        assert!(reply.ends_with(&format!("\ngiven up before, and may have come through: RUN-1: {UP}")), "{reply}");
        bot.passes(minutes(5)).await;
        let expected = if changed { Outcome::Escalated } else { Outcome::Cancelled };
        assert_eq!(end(&bot).await.0, expected);
    }
}

#[tokio::test]
async fn a_group_in_which_nothing_was_needed_yet_is_not_begun() {
    for brake in BRAKES {
        let mut bot =
            Bot::begins(&[&in_three_steps()], vec![dogwatch::cluster::sim::build::deployment("shop", "web", 5)]).await;
        bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
        bot.fires("ShopSlow", &[]).await;
        let is_unneeded = |event: &RunEvent| matches!(event, RunEvent::Unneeded { .. });
        assert!(bot.log().await.iter().any(|(_, event)| is_unneeded(event)));
        brakes(&mut bot, brake).await;
        bot.passes(minutes(5)).await;
        bot.does_nothing_more().await;
        assert_eq!(end(&bot).await.0, Outcome::Cancelled, "{brake}");
    }
}

#[tokio::test]
async fn a_group_whose_first_change_is_in_doubt_is_named_with_what_follows() {
    let mut bot = bot(&in_three_steps()).await;
    bot.fuse.dies_at_next("after patch");
    bot.once_dead = vec![Fault::Unavailable { verb: Verb::Get, kind: String::new(), times: 5 }];
    bot.fires("ShopSlow", &[]).await;
    let reply = bot.types("anna", "/freeze all a storm").await;
    let told = "started before, and not stopped: RUN-1: scale deployment/web in shop 4 -> 5\n\
                RUN-1 finishes the group of steps that it has begun: mitigate.two is left";
    assert!(reply.ends_with(told), "{reply}");
    bot.passes(minutes(10)).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    assert_eq!(end(&bot).await.0, Outcome::Cancelled);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_a_line_of_the_answer_and_no_no() {
    let mut bot = bot(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.tampers("UPDATE run_event SET event = 'no json' WHERE seq = 2").await;
    let reply = bot.types("anna", "/freeze namespace=shop a storm").await;
    assert!(reply.ends_with("\nthe log of RUN-1 cannot be read: it may have begun more than stands here"), "{reply}");
    bot.tampers(
        "UPDATE freeze SET reason = x'ff', by = 7, made_at = 'then', until_at = 'some day', scope = 'all of it'",
    )
    .await;
    assert_eq!(bot.store().freezes_at(bot.clock.now()).await.unwrap()[0].scope, FreezeScope::All);
    bot.types("anna", "/unfreeze 1").await;
    assert!(bot.store().freezes_at(bot.clock.now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_playbook_that_has_left_the_catalog_is_frozen_while_runs_of_it_are_under_way() {
    let mut bot = bot(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.has_no_playbooks();
    let reply = bot.types("anna", "/freeze playbook=shop-slow it makes it worse").await;
    assert!(reply.starts_with("FRZ-1: no run changes anything of playbook shop-slow"), "{reply}");
    assert_eq!(end(&bot).await.0, Outcome::Cancelled);
    bot.passes(minutes(1)).await;
    let again = bot.types("anna", "/freeze playbook=shop-slow it makes it worse").await;
    assert!(again.starts_with("there is no playbook `shop-slow`"), "{again}");
}

#[tokio::test]
async fn what_a_brake_held_before_it_began_anything_counts_for_no_limit() {
    let limited = SHOP.replace("triggers:", "limits: { runs: 1 per 2h, cooldown: 2h }\ntriggers:");
    for brake in ["freeze", "ceiling"] {
        let mut bot = Bot::begins(&[&limited], shop()).await;
        bot.prometheus.follows("shop_latency", || Some(0.4));
        brakes(&mut bot, brake).await;
        bot.fires("ShopSlow", &[]).await;
        assert_eq!(end(&bot).await.0, Outcome::Proposed);
        bot.resolves("ShopSlow", &[]).await;
        bot.passes(minutes(40)).await;
        bot.rules.ceilings.set(ceilings(Autonomy::Auto, &[]));
        bot.types("anna", "/unfreeze 1").await;
        bot.fires("ShopSlow", &[]).await;
        bot.does(UP).await;
    }
}

#[tokio::test]
async fn a_freeze_lasts_as_long_as_was_said_when_the_clock_is_set_forth() {
    let mut bot = bot(SHOP).await;
    bot.types("anna", "/freeze all --for 2h a storm").await;
    bot.has_its_clock_set(chrono::TimeDelta::hours(3)).await;
    bot.passes(minutes(119)).await;
    assert_eq!(bot.store().freezes_at(bot.clock.now()).await.unwrap().len(), 1);
    bot.passes(minutes(1)).await;
    assert!(bot.store().freezes_at(bot.clock.now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_somebody_took_is_theirs_also_when_it_opens_again() {
    let mut bot = bot(SHOP).await;
    bot.fires("Other", &[("namespace", "shop"), ("deployment", "web")]).await;
    bot.types("anna", "/take 1").await;
    let line = "INC-1 is worked on by hand by anna: no run begins for it until /release INC-1";
    assert!(asks(&bot, "/incidents").await.contains(line));
    assert!(asks(&bot, "/why 1").await.contains(line));
    let by = "worked on by hand by anna (no run begins: `dogwatch release INC-1`)";
    let handoff = handoff(&bot).await;
    assert!(handoff.contains(by), "{handoff}");
    bot.resolves("Other", &[("namespace", "shop"), ("deployment", "web")]).await;
    assert_eq!(bot.incident(1).await.state, IncidentState::Resolved);
    bot.passes(minutes(15)).await;
    bot.fires("ShopSlow", &[]).await;
    assert_eq!(bot.incident(1).await.state, IncidentState::Open);
    bot.does_nothing_more().await;
    assert!(bot.runs().await.is_empty());
    bot.types("anna", "/release 1").await;
    bot.types("anna", "/run shop-slow").await;
    bot.approves("bob").await;
    bot.does(UP).await;
}

#[tokio::test]
async fn what_is_put_together_with_what_somebody_took_stops() {
    for (from, into) in [(1, 2), (2, 1)] {
        let mut bot = bot(&asking()).await;
        bot.fires("Other", &[("namespace", "db"), ("deployment", "pg")]).await;
        bot.types("anna", "/take 1").await;
        bot.fires("ShopSlow", &[]).await;
        assert_eq!(bot.store().open_approvals().await.unwrap().len(), 1);
        let reply = bot.types("bob", &format!("/merge {from} --into {into}")).await;
        assert!(reply.ends_with("RUN-1 begins nothing more, as anna works on it by hand"), "{reply}");
        assert_eq!(end(&bot).await, (Outcome::Cancelled, "anna stopped it".to_owned()));
        let told = bot.tells(into).await.join("\n");
        assert!(told.contains("RUN-1 begins nothing more: anna works on the incident by hand (/take)"), "{told}");
    }
}

#[tokio::test]
async fn a_ceiling_that_is_lowered_to_approve_while_a_change_is_decided_has_it_ask() {
    let mut bot = bot(SHOP).await;
    let lowered = bot.rules.ceilings.clone();
    let lowers = move || lowered.set(ceilings(Autonomy::Auto, &[("shop", Autonomy::Approve)]));
    // The run has entered its mitigation and decided to act, and reads its target once more.
    let (fuse, again) = (bot.fuse.clone(), bot.fuse.clone());
    bot.fuse.meanwhile("after append entered", move || {
        fuse.meanwhile("after append entered", move || again.at_next_get(lowers));
    });
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    assert_eq!(bot.store().open_approvals().await.unwrap().len(), 1);
    bot.approves("bob").await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn ceilings_of_a_team_and_of_a_playbook_hold_in_a_run() {
    let of = |name: &str| BTreeMap::from([(name.to_owned(), Autonomy::Suggest)]);
    for (lowered, field) in [
        (Ceilings { teams: of("shop"), ..Ceilings::default() }, "teams.shop"),
        (Ceilings { playbooks: of("shop-slow"), ..Ceilings::default() }, "playbooks.shop-slow"),
    ] {
        let mut bot = bot(&asking()).await;
        bot.fires("ShopSlow", &[]).await;
        bot.rules.ceilings.set(lowered);
        bot.approves("bob").await;
        bot.does_nothing_more().await;
        let why = format!("the ceiling on autonomy (`engine.autonomy_ceilings.{field}` is suggest) stopped it");
        assert_eq!(end(&bot).await, (Outcome::Cancelled, why));
    }
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

/// The bot dies at each point at which dying could matter, while a freeze comes in the middle of a
/// group: what was begun is finished, nothing else is, and nobody is paged for it.
#[tokio::test]
async fn a_freeze_holds_whenever_the_bot_dies() {
    let goes = async |n: Option<usize>| {
        let mut bot = Bot::begins(&[&in_three_steps()], shop()).await;
        bot.prometheus.follows("shop_latency", || Some(0.4));
        bot.dies_at(n).await;
        bot.fires("ShopSlow", &[]).await;
        // Whoever died goes on when its lease has ended.
        bot.passes(std::time::Duration::from_secs(70)).await;
        let begun = bot.changes().await.len();
        bot.types("anna", "/freeze all a storm").await;
        bot.passes(minutes(15)).await;
        let (outcome, because) = end(&bot).await;
        let changes = bot.changes().await;
        assert_eq!(bot.mutations().len(), changes.len(), "died at {n:?}: {:#?}", bot.log().await);
        let left = match begun {
            0 => vec![],
            _ => vec!["scale deployment/web in shop 4 -> 5", "scale deployment/web in shop 5 -> 6"],
        };
        assert_eq!(changes, left, "died at {n:?}: {because}: {:#?}", bot.log().await);
        let expected = if begun == 0 { Outcome::Proposed } else { Outcome::Cancelled };
        assert_eq!(outcome, expected, "died at {n:?}: {because}");
        assert_eq!(bot.store().freezes_at(bot.clock.now()).await.unwrap().len(), 1, "died at {n:?}");
        let told = announced(&bot).await;
        assert_eq!(told.len(), 1, "died at {n:?}: {told:?}");
        bot.pages([]).await;
        assert_eq!(bot.locks().await, 0, "died at {n:?}");
        bot.keeps_the_laws().await;
        bot.fuse.points_that_differ().await
    };
    let points = goes(None).await;
    assert!((20..80).contains(&points.len()), "{points:?}");
    for n in points {
        goes(Some(n)).await;
    }
}
