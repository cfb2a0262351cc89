//! What a `foreach` leaves: half done, held up, other than what was listed or approved.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::build;
use dogwatch::engine::FreezeMap;
use dogwatch::model::*;
use dogwatch::store::RunStore;
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::loops::{GROW, RESTART, asking, escalates, failed, records, shop_of, slow_shop, web};

fn hands_off() -> serde_json::Value {
    json!({ "metadata": { "annotations": { "dogwatch/hands-off": "we look at it" } } })
}

/// Each of them is changed twice.
fn twice(playbook: &str) -> String {
    playbook.replace(
        "escalate:",
        "      - id: again
        k8s.scale: { by: 1, max: 9 }
escalate:",
    )
}

/// All at once behind the first, with a wait before those that are small.
fn side_by_side(playbook: &str, wait: &str) -> String {
    let waiting = format!("do: [{{ wait: {wait} }}, {{ set: {{ more: 2 }} }}]");
    playbook.replace("waves: [1, 2]", "waves: [1, 10]").replace("do: [{ set: { more: 2 } }]", &waiting)
}

#[tokio::test]
async fn an_item_that_is_half_done_has_failed() {
    let mut bot = slow_shop(&twice(GROW), &[2, 2]).await;
    bot.cluster.change(&web(1), &hands_off(), "kubectl").unwrap();
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("0 of 2 done, 1 failed, 1 untouched; failed: web-1 ("), "{because}");
}

#[tokio::test]
async fn a_yes_to_an_item_is_one_to_each_of_its_changes() {
    let mut bot = slow_shop(&twice(&asking()), &[2, 4]).await;
    bot.approves("alice").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}");
    bot.does("scale deployment/web-1 in shop 2 -> 4").await;
    bot.does("scale deployment/web-1 in shop 4 -> 5").await;
    bot.does("scale deployment/web-2 in shop 4 -> 5").await;
    bot.does("scale deployment/web-2 in shop 5 -> 6").await;
    bot.does_nothing_more().await;
}

#[tokio::test]
async fn a_map_that_freezes_the_run_stops_the_loop() {
    for key in ["all", "playbook.shop-small", "namespace.shop"] {
        let mut objects = shop_of(&[2, 2, 2, 2]);
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "dogwatch" } });
        objects.push(Object(namespace));
        let mut bot = Bot::begins(&[GROW], objects).await;
        bot.freeze_map = Some(FreezeMap { namespace: "dogwatch".into(), name: "dogwatch-freeze".into() });
        bot.is_restarted().await;
        bot.passes(minutes(5)).await;
        bot.fires("ShopSlow", &[]).await;
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "namespace": "dogwatch", "name": "dogwatch-freeze" },
            "data": { key: "a storm" },
        });
        bot.cluster.apply(&Object(map), "kubectl").unwrap();
        let (outcome, because) = bot.end().await;
        assert_eq!(outcome, Outcome::Cancelled, "{key}: {because}");
        assert!(because.contains("1 of 4 done, 3 untouched; untouched: web-2, web-3, web-4"), "{key}: {because}");
    }
}

#[tokio::test]
async fn a_run_that_has_changed_nothing_and_left_something_is_for_a_human() {
    let mut objects = shop_of(&[2, 6]);
    objects[1] = objects[1].clone().with(&hands_off());
    let mut bot = Bot::begins(&[GROW], objects).await;
    bot.passes(minutes(5)).await;
    bot.fires("ShopSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("0 of 2 done, 1 unneeded, 1 left alone; left alone: web-1 ("), "{because}");
}

/// Waves grow only by what was changed and has helped.
#[tokio::test]
async fn a_wave_that_has_changed_nothing_proves_nothing() {
    let mut bot = slow_shop(GROW, &[6, 6, 2, 2, 2]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}");
    // 1, 1, 1, 2
    assert_eq!(records(&bot, "wave").await, 4);
}

#[tokio::test]
async fn a_list_that_is_about_one_object_twice_or_about_another_one_changes_nothing() {
    let of = |list: &str| GROW.replace("foreach: web in webs.items", &format!("foreach: \"web in {list}\""));
    let twice =
        of("[{'k': 'a', 'n': 'web-1'}, {'k': 'b', 'n': 'web-1'}]").replace("key: web.metadata.name", "key: web.k");
    let twice = twice.replace("{{web.metadata.name}}", "{{web.n}}");
    let mut bot = slow_shop(&twice, &[2, 2]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("two items are about deployment/web-1 in shop, as `b` is"), "{because}");
    assert!(bot.mutations().is_empty());

    let elsewhere = of("[{'metadata': {'name': 'web-1', 'namespace': 'db'}}]");
    let mut bot = slow_shop(&elsewhere, &[2, 2]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("it is in the namespace `db`, and would be deployment/web-1 in shop"), "{because}");
    assert!(bot.mutations().is_empty());
}

/// Two nights of one CronJob are two Jobs, and one backup.
#[tokio::test]
async fn what_was_done_for_one_item_is_not_done_for_another() {
    let mut objects = failed(1);
    let status = json!({ "failed": 1, "conditions": [{ "type": "Failed", "status": "True" }] });
    let second = build::owned_by(build::job("databases", "pg-01-other-night"), &objects[1]);
    objects.push(second.with(&json!({ "status": status })));
    let mut bot = Bot::begins(&[RESTART], objects).await;
    bot.passes(minutes(5)).await;
    bot.fires("JobsFailing", &[]).await;
    let told = escalates(&mut bot).await;
    assert_eq!(bot.mutations().len(), 1);
    assert!(told.contains("1 of 2 done, 1 left alone"), "{told}");
    assert!(told.contains("this run has done the same for databases/pg-01-"), "{told}");
}

#[tokio::test]
async fn an_object_that_was_replaced_is_another_than_was_approved() {
    let named = asking().replace(
        "foreach: web in webs.items",
        "foreach: \"web in webs.items.map(w, {'metadata': {'name': w.metadata.name}})\"",
    );
    let mut bot = slow_shop(&named, &[2, 2]).await;
    bot.cluster.remove(&web(2));
    bot.cluster.apply(&build::deployment("shop", "web-2", 2), "helm").unwrap();
    bot.approves("alice").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("but its object was replaced by another of the same name"), "{because}");
    assert_eq!(bot.mutations().len(), 1);
}

/// What could not be shown is not approved.
#[tokio::test]
async fn a_yes_does_not_cover_an_item_that_could_not_be_shown() {
    let mut objects = shop_of(&[2, 2]);
    objects[2] = objects[2].clone().with(&hands_off());
    let mut bot = Bot::begins(&[&asking()], objects).await;
    bot.passes(minutes(5)).await;
    bot.fires("ShopSlow", &[]).await;
    let open = dogwatch::store::RunStore::open_approvals(&**bot.store()).await.unwrap();
    let text = dogwatch::message::preview_text(&open[0].preview);
    assert!(text.contains("(it cannot be shown now: an answer does not cover it)"), "{text}");
    let works = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "false" } } });
    bot.cluster.change(&web(2), &works, "kubectl").unwrap();
    bot.approves("alice").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("what it would do was not known when alice was asked"), "{because}");
    assert_eq!(bot.mutations().len(), 1);
}

#[tokio::test]
async fn an_alert_that_ends_does_not_hide_what_failed() {
    let playbook = side_by_side(GROW, "10m").replace("max: 10\n", "max: 10\n    stop_after: 2\n").replace(
        "    do:\n      - done_if",
        "    do:\n      - require: target.spec.replicas != 3\n        because: three is odd\n      - done_if",
    );
    let mut bot = slow_shop(&playbook, &[3, 2]).await;
    bot.resolves("ShopSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("failed: web-1 (three is odd)"), "{because}");
    assert!(bot.mutations().is_empty());
}

#[tokio::test]
async fn what_is_gone_or_replaced_before_its_change_is_left_alone() {
    let mut bot = slow_shop(&side_by_side(GROW, "10m"), &[4, 2, 2, 2]).await;
    bot.passes(minutes(5)).await;
    bot.cluster.remove(&web(2));
    bot.cluster.remove(&web(3));
    bot.cluster.apply(&build::deployment("shop", "web-3", 2), "helm").unwrap();
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}");
    assert!(because.contains("2 of 4 done, 2 left alone; left alone: web-2 ("), "{because}");
}

/// One waits longer than somebody would have to be called, and that was planned.
#[tokio::test]
async fn a_timer_of_another_item_is_no_absence() {
    let playbook = side_by_side(GROW, "2h").replace("page_by: 20h", "page_by: 30m");
    let mut bot = slow_shop(&playbook, &[4, 2, 4]).await;
    bot.passes(minutes(150)).await;
    assert_eq!(records(&bot, "source_asked").await, 0, "{:#?}", bot.log().await);
    assert_eq!(bot.mutations(), [1, 3, 2].map(|n| format!("patch {}", web(n))));
}

/// Nobody was there: whether the rest is still wanted is asked, and what was begun is finished.
#[tokio::test]
async fn a_question_in_the_middle_does_not_hold_what_was_begun() {
    let playbook = twice(&side_by_side(GROW, "10m")).replace("page_by: 20h", "page_by: 30m");
    let mut bot = slow_shop(&playbook, &[4, 2, 4]).await;
    bot.passes(minutes(1) + std::time::Duration::from_secs(5)).await;
    assert_eq!(bot.mutations(), [1, 1, 3].map(|n| format!("patch {}", web(n))));
    bot.is_gone_for(minutes(180)).await;
    bot.passes(minutes(2)).await;
    assert_eq!(records(&bot, "approval_asked").await, 1, "{:#?}", bot.log().await);
    assert_eq!(bot.mutations(), [1, 1, 3, 3].map(|n| format!("patch {}", web(n))));
    bot.denies("alice").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("alice said no to APR-1; mitigate.grow: 2 of 3 done, 1 untouched"), "{because}");
}

/// It is no item's, and is waited for once.
#[tokio::test]
async fn a_lock_on_the_runs_own_target_is_the_runs() {
    let other = GROW
        .replace("shop-small", "web-3-small")
        .replace("ShopSlow", "WebSlow")
        .replace("web in webs.items", "web in webs.items.filter(w, w.metadata.name == 'web-3')")
        .replace("== target.spec.replicas\n", "== 99\n")
        .replace("within: 10m", "within: 10h");
    let mut bot = Bot::begins(&[GROW, &other], shop_of(&[2, 2, 2])).await;
    bot.passes(minutes(5)).await;
    bot.fires("WebSlow", &[]).await;
    bot.types("alice", "/run shop-small").await;
    bot.approves("alice").await;
    bot.passes(minutes(60)).await;
    let run = &bot.runs().await[1];
    let because = run.because.clone().unwrap_or_default();
    assert_eq!(run.outcome, Some(Outcome::Escalated), "{because}: {:#?}", bot.log().await);
    assert!(because.contains("1 failed, 2 untouched"), "{because}");
    assert_eq!(bot.mutations(), [format!("patch {}", web(3))]);
}

/// The others do not wait for its end.
#[tokio::test]
async fn a_window_over_an_item_holds_that_item() {
    let mut bot = Bot::begins(&[GROW], shop_of(&[2, 2, 2])).await;
    bot.passes(minutes(5)).await;
    bot.types("anna", "/silence Deployment/shop/web-2 --for 4h moving it").await;
    bot.fires("ShopSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("2 of 3 done, 1 left alone; left alone: web-2 ("), "{because}");
    assert_eq!(bot.mutations(), [1, 3].map(|n| format!("patch {}", web(n))));
}

/// What a playbook says of an item at its turn: it is left alone, the others go on, and a human
/// hears of it.
#[tokio::test]
async fn what_the_playbook_leaves_alone_holds_up_no_other_item() {
    let leaving = |playbook: &str| {
        playbook.replace(
            "      - done_if: target.spec.replicas > 5",
            "      - id: pods
        k8s.list: { kind: Pod, labels: \"app={{web.metadata.name}}\" }
      - leave_if: pods.count == 3
        because: it has just three pods
      - done_if: target.spec.replicas > 5",
        )
    };
    let mut bot = slow_shop(&leaving(GROW), &[2, 3, 2]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}: {:#?}", bot.log().await);
    assert_eq!(bot.mutations(), [1, 3].map(|n| format!("patch {}", web(n))));
    assert!(because.contains("2 of 3 done, 1 left alone; left alone: web-2 (it has just three pods)"), "{because}");
    bot.pages(["platform escalated"]).await;
    bot.keeps_the_laws().await;

    // The question shows what would be done, although it is looked at once more at its turn; the
    // yes covers that, or nothing.
    let mut bot = slow_shop(&leaving(&asking()), &[2, 3, 2]).await;
    let open = bot.store().open_approvals().await.unwrap();
    let text = dogwatch::message::preview_text(&open[0].preview);
    assert!(text.contains("CHANGES: scale deployment/web-2 in shop 3 -> 5"), "{text}");
    assert!(!text.contains("does not cover it"), "{text}");
    bot.approves("alice").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}: {:#?}", bot.log().await);
    assert_eq!(bot.mutations(), [1, 3].map(|n| format!("patch {}", web(n))));
}

/// A yes may take its time: what was found out about the first of them is found out once more.
#[tokio::test]
async fn a_late_yes_has_the_first_wave_looked_at_once_more() {
    let leaving = asking().replace(
        "      - done_if: target.spec.replicas > 5",
        "      - id: busy
        prometheus.query: { expr: 'busy{web=\"{{web.metadata.name}}\"}' }
      - leave_if: busy.value > 0
        because: it is busy
      - done_if: target.spec.replicas > 5",
    );
    for (late, changed) in [(5, vec![1, 2, 3]), (25, vec![2, 3])] {
        let mut bot = Bot::begins(&[&leaving], shop_of(&[2, 2, 2])).await;
        bot.passes(minutes(5)).await;
        let busy = Arc::new(AtomicBool::new(false));
        let now = busy.clone();
        bot.prometheus.follows("web-1", move || Some(f64::from(u8::from(now.load(Ordering::Relaxed)))));
        bot.prometheus.follows("busy", || Some(0.0));
        bot.fires("ShopSlow", &[]).await;
        bot.passes(minutes(late)).await;
        busy.store(true, Ordering::Relaxed);
        bot.approves("alice").await;
        let (_, because) = bot.end().await;
        let looked_again = bot.log().await.iter().filter(|(_, event)| event.name() == "wave_anew").count();
        assert_eq!(looked_again, usize::from(late > 10), "{because}: {:#?}", bot.log().await);
        assert_eq!(bot.mutations(), changed.iter().map(|n| format!("patch {}", web(*n))).collect::<Vec<_>>());
        assert_eq!(because.contains("left alone: web-1 (it is busy)"), late > 10, "{because}");
        bot.keeps_the_laws().await;
        let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
        assert_eq!(timeline.contains("asks once more: what it found is from"), late > 10, "{timeline}");
    }
}

/// Where nothing is changed, what is behind the loop decides what was left alone.
#[tokio::test]
async fn a_loop_that_only_looks_goes_on_with_what_it_left_alone() {
    let looking = GROW.replace(
        "mitigate:",
        "  - id: look
    foreach: web in webs.items
    key: web.metadata.name
    max: 10
    do:
      - leave_if: web.spec.replicas == 3
        because: it has just three
  - set: { large: \"look.items.filter(i, i.outcome == 'left_alone').map(i, i.key)\" }
  - done_if: size(large) == 2
    because: \"two are large: {{large}}\"
mitigate:",
    );
    let mut bot = slow_shop(&looking, &[3, 3]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::NothingToDo, "{because}: {:#?}", bot.log().await);
    assert!(because.starts_with("two are large: "), "{because}");
}
