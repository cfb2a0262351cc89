//! Conversations about changes that are taken back: what did not help, and what was made for a
//! while.

use dogwatch::cluster::sim::{Fault, Verb, build};
use dogwatch::model::*;
use dogwatch::store::RunStore as _;
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, shop, web};

const UP: &str = "scale deployment/web in shop 4 -> 6";
const BACK: &str = "scale deployment/web in shop 6 -> 4";

fn taken_back() -> String {
    let told = "the shop: {{because}} ({{scale.undone}}{{scale.undo_error}})";
    SHOP.replace("undo: never", "undo: unless_verified").replace("the shop: {{because}}", told)
}

/// A bot with this playbook, for a shop that answers so slowly, one look after the other; the last
/// answer stands.
async fn bot(playbook: &str, latencies: &[Option<f64>]) -> Bot {
    let bot = Bot::begins(&[playbook], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", latencies);
    bot
}

async fn it_ends(bot: &mut Bot, outcome: Outcome) -> String {
    let (ended, because) = bot.end().await;
    assert_eq!(ended, outcome, "{because}: {:#?}", bot.log().await);
    because
}

#[tokio::test]
async fn what_did_not_help_is_taken_back_before_somebody_is_called() {
    let mut bot = bot(&taken_back(), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    let because = it_ends(&mut bot, Outcome::Escalated).await;
    bot.does(BACK).await;
    assert!(because.contains("did not help in time"), "{because}");
    assert!(because.ends_with("; taken back: scale deployment/web in shop 6 -> 4"), "{because}");
    bot.does_nothing_more().await;
    bot.pages(["shop escalated"]).await;
    let page = bot.page_texts().await;
    assert!(page.contains(&format!("({BACK}")), "{page}");
    let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
    assert!(timeline.contains(&format!("taken back: {BACK}")), "{timeline}");
}

#[tokio::test]
async fn what_makes_it_worse_is_taken_back_at_once() {
    let mut bot = bot(&taken_back(), &[Some(0.4), Some(9.0)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    let because = it_ends(&mut bot, Outcome::Escalated).await;
    bot.does(BACK).await;
    assert!(because.contains("`value > 5.0`") && because.contains("taken back"), "{because}");
}

#[tokio::test]
async fn what_helped_stays() {
    let mut bot = bot(&taken_back(), &[Some(0.4), Some(0.02)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.does_nothing_more().await;
}

/// Not knowing is no permission: a monitoring that is away says nothing against the change.
#[tokio::test]
async fn what_nobody_can_say_anything_about_stands() {
    let mut bot = bot(&taken_back(), &[Some(0.4), None]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    let because = bot.ends(Outcome::Escalated).await;
    bot.does_nothing_more().await;
    assert!(because.contains("it was not taken back: its verify had no answer at its last look"), "{because}");
}

#[tokio::test]
async fn what_somebody_has_changed_since_is_theirs() {
    let mut bot = bot(&taken_back(), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.passes(minutes(2)).await;
    bot.cluster.change(&web(), &json!({ "spec": { "replicas": 8 } }), "kubectl-scale").unwrap();
    let because = bot.ends(Outcome::Escalated).await;
    bot.does_nothing_more().await;
    assert!(because.contains("it was not taken back: spec.replicas of deployment/web in shop is 8 now"), "{because}");
    assert!(because.contains("`kubectl-scale`"), "{because}");
}

#[tokio::test]
async fn what_somebody_has_put_back_is_found_so() {
    let mut bot = bot(&taken_back(), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.passes(minutes(2)).await;
    bot.cluster.change(&web(), &json!({ "spec": { "replicas": 4 } }), "kubectl-scale").unwrap();
    let because = bot.ends(Outcome::Escalated).await;
    bot.does_nothing_more().await;
    assert!(because.contains("has 4 again: somebody has put it back"), "{because}");
}

/// A resolve never starts a change.
#[tokio::test]
async fn what_the_alerts_end_came_before_stands() {
    let mut bot = bot(&taken_back(), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.resolves("ShopSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    bot.does_nothing_more().await;
    assert!(because.contains("it was not taken back: the alert has resolved since"), "{because}");
}

/// Whoever stops a run does not expect it to move once more.
#[tokio::test]
async fn what_a_person_stopped_stands() {
    for (undo, told) in [
        ("unless_verified", "stopped it"),
        ("at_end", &format!("it was to be taken back at the end, and stands: {UP}")),
    ] {
        let mut bot = bot(&SHOP.replace("undo: never", &format!("undo: {undo}")), &[Some(0.4)]).await;
        bot.fires("ShopSlow", &[]).await;
        bot.does(UP).await;
        let reply = bot.types("alice", "/take INC-1").await;
        assert!(reply.contains("INC-1"), "{reply}");
        let because = bot.ends(Outcome::Cancelled).await;
        bot.does_nothing_more().await;
        assert!(because.contains(told), "{because}");
    }
}

#[tokio::test]
async fn a_freeze_holds_it_too_and_the_page_says_so() {
    let mut bot = bot(&taken_back(), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.types("alice", "/freeze namespace=shop --for 1h an upgrade by hand").await;
    let because = bot.ends(Outcome::Escalated).await;
    bot.does_nothing_more().await;
    assert!(because.contains("it was not taken back") && because.contains("an upgrade by hand"), "{because}");
}

#[tokio::test]
async fn what_cannot_be_taken_back_in_two_minutes_is_a_persons() {
    let mut bot = bot(&taken_back(), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.cluster.fault(Fault::Unavailable { verb: Verb::Patch, kind: String::new(), times: 1000 });
    let because = bot.ends(Outcome::Escalated).await;
    bot.does_nothing_more().await;
    assert!(because.contains("it was not taken back"), "{because}");
}

/// The answer to taking back is lost: it is asked about, and not made twice.
#[tokio::test]
async fn a_lost_answer_is_asked_about() {
    let mut bot = bot(&taken_back(), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.cluster.fault(Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 });
    let because = it_ends(&mut bot, Outcome::Escalated).await;
    bot.does(BACK).await;
    assert!(because.contains("taken back"), "{because}");
    bot.does_nothing_more().await;
}

/// The steps of a group go back in the reverse order, by the group's verify.
#[tokio::test]
async fn a_group_goes_back_as_a_whole() {
    let step = |id: &str, to: u32, verify: &str| {
        format!("{{ id: {id}, k8s.scale: {{ to: {to}, max: 10 }}, {verify}undo: unless_verified }}")
    };
    let verify = "verify: { query: p99, until: value < 0.1, settle: 1m, every: 30s, within: 5m }, ";
    let group = format!("mitigate:\n  - atomic:\n      - {}\n      - {}", step("one", 5, ""), step("two", 6, verify));
    let (before, rest) = SHOP.split_once("mitigate:").unwrap();
    let (_, after) = rest.split_once("escalate:").unwrap();
    let mut bot = bot(&format!("{before}{group}\nescalate:{after}"), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    it_ends(&mut bot, Outcome::Escalated).await;
    let changes = bot.log().await.into_iter().filter_map(|(_, event)| match event {
        RunEvent::Started { step, intent, .. } => Some(format!("{step}: {}", intent.summary)),
        _ => None,
    });
    let changes: Vec<String> = changes.collect();
    let wanted = ["one: 4 -> 5", "two: 5 -> 6", "two.undo: 6 -> 5", "one.undo: 5 -> 4"]
        .map(|told| format!("mitigate.{}", told.replace(": ", ": scale deployment/web in shop ")));
    assert_eq!(changes, wanted);
    bot.told = 4;
    bot.does_nothing_more().await;
}

/// What is made for a while goes, however the run ends.
#[tokio::test]
async fn what_was_for_a_while_is_taken_back_at_the_end() {
    for (second, outcome) in [(0.02, Outcome::Fixed), (0.4, Outcome::Escalated)] {
        let mut bot = bot(&SHOP.replace("undo: never", "undo: at_end"), &[Some(0.4), Some(second)]).await;
        bot.fires("ShopSlow", &[]).await;
        bot.does(UP).await;
        let because = it_ends(&mut bot, outcome).await;
        bot.does(BACK).await;
        assert!(because.contains("taken back"), "{because}");
        bot.does_nothing_more().await;
    }
}

/// Fixed, and something that was for a while stands: somebody has to take it away.
#[tokio::test]
async fn what_was_for_a_while_and_stands_is_a_persons() {
    let mut bot = bot(&SHOP.replace("undo: never", "undo: at_end"), &[Some(0.4), Some(0.02)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.cluster.change(&web(), &json!({ "spec": { "replicas": 8 } }), "kubectl-scale").unwrap();
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("is 8 now"), "{because}");
    bot.pages(["shop escalated"]).await;
}

/// A person who is asked is shown that it may be taken back.
#[tokio::test]
async fn a_question_says_so() {
    let playbook = taken_back().replace("autonomy: auto", "autonomy: approve");
    let mut bot = bot(&playbook, &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    let asked = bot.store().open_approvals().await.unwrap().pop().expect("it asks");
    let shown = dogwatch::message::preview_text(&asked.preview);
    assert!(shown.contains("taken back, if its verify finds that it did not help"), "{shown}");
    bot.approves("alice").await;
    bot.does(UP).await;
    it_ends(&mut bot, Outcome::Escalated).await;
    bot.does(BACK).await;
    bot.does_nothing_more().await;
}

/// A StatefulSet's pods have data: nobody but a person takes one away.
#[tokio::test]
async fn a_stateful_set_is_not_scaled_down() {
    let playbook = taken_back()
        .replace("kind: Deployment, namespace", "kind: StatefulSet, namespace")
        .replace("{ by: 50%, max: 10 }", "{ to: 6, max: 10 }");
    let mut bot = Bot::begins(&[&playbook], vec![build::statefulset("shop", "web", 4)]).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4)]);
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale statefulset/web in shop 4 -> 6").await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("is not scaled down by a program"), "{because}");
    bot.does_nothing_more().await;
}

/// An item that failed goes back; those before it stay, and none begins behind it.
#[tokio::test]
async fn an_item_of_a_loop_goes_back_by_itself() {
    let playbook =
        crate::loops::GROW.replace("          within: 10m\n", "          within: 10m\n        undo: unless_verified\n");
    let mut bot = Bot::begins(&[&playbook], crate::loops::shop_of(&[2, 4, 3])).await;
    let workload = ObjectKey::new("Deployment", "shop", "web-2");
    bot.cluster.fault(Fault::NeverReady { workload });
    bot.passes(minutes(5)).await;
    bot.fires("ShopSlow", &[]).await;
    let because = it_ends(&mut bot, Outcome::Escalated).await;
    for change in ["web-1 in shop 2 -> 4", "web-2 in shop 4 -> 5", "web-3 in shop 3 -> 5", "web-2 in shop 5 -> 4"] {
        bot.does(&format!("scale deployment/{change}")).await;
    }
    bot.does_nothing_more().await;
    assert!(because.contains("taken back: scale deployment/web-2 in shop 5 -> 4"), "{because}");
    assert_eq!(because.matches("taken back").count(), 1, "{because}");
}

#[tokio::test]
async fn a_window_holds_it_too() {
    let mut bot = bot(&taken_back(), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[("namespace", "shop")]).await;
    bot.does(UP).await;
    let reply = bot.types("alice", "/silence Deployment/shop/web --for 1h we work on it by hand").await;
    assert!(reply.contains("WIN-1"), "{reply}");
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("it was not taken back: WIN-1"), "{because}");
}

/// Of several items side by side, the end of one is none of the others'.
#[tokio::test]
async fn what_an_item_has_for_a_while_is_its_own() {
    let playbook =
        crate::loops::GROW.replace("          within: 10m\n", "          within: 10m\n        undo: at_end\n");
    let mut bot = Bot::begins(&[&playbook], crate::loops::shop_of(&[2, 4, 3, 2])).await;
    bot.passes(minutes(5)).await;
    bot.fires("ShopSlow", &[]).await;
    it_ends(&mut bot, Outcome::Fixed).await;
    let mut proved = std::collections::BTreeSet::new();
    let mut undone = 0;
    for (_, event) in bot.log().await {
        match event {
            RunEvent::Looked { step, verdict: Look::Good, .. } => drop(proved.insert(step)),
            RunEvent::Started { step, .. } if step.is_undo() => {
                assert!(proved.contains(&step.of_step()), "{step} before its verify");
                undone += 1;
            }
            RunEvent::Stands { step, because } => panic!("{step}: {because}"),
            _ => {}
        }
    }
    assert_eq!(undone, 4);
}

/// Behind a brake is nobody: what was for a while and stands is told.
#[tokio::test]
async fn what_a_brake_leaves_is_a_persons() {
    let mut bot = bot(&crate::runs::in_three_steps().replace("undo: never", "undo: at_end"), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(1)).await;
    bot.types("alice", "/freeze namespace=shop --for 1h an upgrade by hand").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("it was to be taken back at the end, and stands"), "{because}");
    bot.pages(["shop escalated"]).await;
}

/// What another one decides about since is not argued with.
#[tokio::test]
async fn what_an_autoscaler_has_now_is_not_taken_back() {
    let mut bot = bot(&taken_back(), &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.cluster.apply(&build::hpa("shop", "web", 6, 10), "kubectl").unwrap();
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("an autoscaler decides how many replicas deployment/web in shop has since"), "{because}");
}
