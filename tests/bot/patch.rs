//! Conversations about one number of one field: an autoscaler's maximum, and what whoever runs the
//! bot allows besides.

use std::sync::Arc;

use dogwatch::action::{PatchField, Patchable};
use dogwatch::cluster::Object;
use dogwatch::cluster::sim::build;
use dogwatch::model::*;
use serde_json::json;

use crate::bot::{Bot, minutes, shipped};

pub const LABELS: &[(&str, &str)] = &[("namespace", "shop"), ("horizontalpodautoscaler", "web")];

const RAISED: &str = "raise spec.maxReplicas of horizontalpodautoscaler/web in shop 10 -> 13";
const LOWERED: &str = "lower spec.maxReplicas of horizontalpodautoscaler/web in shop 13 -> 10";

/// An autoscaler that has all the pods that it may have, and wants more.
fn maxed_at(most: i64) -> Vec<Object> {
    let condition = |of_type: &str, reason: &str| json!({ "type": of_type, "status": "True", "reason": reason });
    let status = json!({ "status": {
        "currentReplicas": most,
        "desiredReplicas": most,
        "conditions": [
            condition("AbleToScale", "ReadyForNewScale"),
            condition("ScalingActive", "ValidMetricFound"),
            condition("ScalingLimited", "TooManyReplicas"),
        ],
    } });
    vec![build::hpa("shop", "web", 2, most).with(&status), build::deployment("shop", "web", most)]
}

pub fn maxed() -> Vec<Object> {
    maxed_at(10)
}

fn autoscaler() -> ObjectKey {
    ObjectKey::new("HorizontalPodAutoscaler", "shop", "web")
}

pub fn most(bot: &Bot) -> impl Fn() -> i64 + Send + Sync + 'static {
    let cluster = bot.cluster.clone();
    move || cluster.object(&autoscaler()).unwrap().number("/spec/maxReplicas").unwrap()
}

/// The load is shared by as many pods as there may be.
pub fn load_is_shared(bot: &Bot) {
    let most = Arc::new(most(bot));
    bot.prometheus.follows("status_target_metric", move || Some(13.0 / f64::from(i32::try_from(most()).unwrap())));
}

async fn bot(objects: Vec<Object>) -> Bot {
    Bot::begins(&[&shipped("hpa-maxed")], objects).await
}

#[tokio::test]
async fn an_autoscaler_gets_a_higher_maximum_and_people_are_told_to_write_it_down() {
    let mut bot = bot(maxed()).await;
    load_is_shared(&bot);
    bot.fires("KubeHpaMaxedOut", LABELS).await;
    bot.does(RAISED).await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(most(&bot)(), 13);
    let told = crate::why::asks(&bot, "/timeline INC-1").await;
    assert!(told.contains(RAISED) && told.contains("Write the new maximum where it belongs"), "{told}");
    bot.pages([]).await;
}

/// A lower maximum ends pods at once, and the load may rise while they work.
#[tokio::test]
async fn a_maximum_that_makes_no_difference_stands_and_the_call_tells_the_way_back() {
    let mut bot = bot(maxed()).await;
    bot.prometheus.follows("status_target_metric", || Some(1.3));
    bot.fires("KubeHpaMaxedOut", LABELS).await;
    bot.does(RAISED).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    bot.does_nothing_more().await;
    assert_eq!(most(&bot)(), 13);
    bot.pages(["platform escalated"]).await;
    let page = bot.page_texts().await;
    assert!(page.contains(&format!("It did: {RAISED}. That stands")), "{page}");
    assert!(page.contains("kubectl -n shop describe hpa web; look whether its pods wait for something else"), "{page}");
    let back = "kubectl -n shop patch hpa web --type merge -p '{\"spec\":{\"maxReplicas\":10}}'";
    assert!(page.contains(back), "{page}");
}

/// The shipped playbook as somebody may write it whose pods may go at once.
pub fn taking_back() -> String {
    let shipped = shipped("hpa-maxed");
    assert!(shipped.contains("undo: never"));
    shipped.replace("undo: never", "undo: unless_verified")
}

#[tokio::test]
async fn a_maximum_that_makes_no_difference_goes_back_where_the_playbook_says_so() {
    let mut bot = Bot::begins(&[&taking_back()], maxed()).await;
    bot.prometheus.follows("status_target_metric", || Some(1.3));
    bot.fires("KubeHpaMaxedOut", LABELS).await;
    bot.does(RAISED).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    bot.does(LOWERED).await;
    bot.does_nothing_more().await;
    bot.pages(["platform escalated"]).await;
}

/// An autoscaler ends pods at once where its maximum falls, so whoever has raised it further
/// meanwhile has decided.
#[tokio::test]
async fn a_maximum_that_somebody_has_set_since_is_theirs() {
    let mut bot = Bot::begins(&[&taking_back()], maxed()).await;
    bot.prometheus.follows("status_target_metric", || Some(1.3));
    bot.fires("KubeHpaMaxedOut", LABELS).await;
    bot.does(RAISED).await;
    bot.passes(minutes(2)).await;
    bot.cluster.change(&autoscaler(), &json!({ "spec": { "maxReplicas": 30 } }), "kubectl-edit").unwrap();
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("it was not taken back: spec.maxReplicas"), "{because}");
    assert!(because.contains("is 30 now, set by `kubectl-edit`"), "{because}");
    assert_eq!(most(&bot)(), 30);
}

#[tokio::test]
async fn where_users_are_hit_the_cap_is_higher() {
    let mut bot = bot(maxed_at(20)).await;
    bot.prometheus.follows("status_target_metric", || Some(1.3));
    bot.fires("KubeHpaMaxedOut", LABELS).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("spec.maxReplicas of horizontalpodautoscaler/web in shop is 20, and the cap is 20"));

    let mut bot = self::bot(maxed_at(20)).await;
    bot.prometheus.answers_in_turn("status_target_metric", &[Some(1.3), Some(1.0)]);
    let is_down: Vec<(&str, &str)> = LABELS.iter().copied().chain([("severity", "page")]).collect();
    bot.fires("ShopIsDown", &is_down).await;
    bot.fires("KubeHpaMaxedOut", LABELS).await;
    assert!(bot.incident(1).await.severity.pages(), "both are about one object");
    bot.does("raise spec.maxReplicas of horizontalpodautoscaler/web in shop 20 -> 25").await;
    bot.ends(Outcome::Fixed).await;
}

/// A number that only somebody who knows the shop can call harmless.
const WORKERS: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: more-workers, version: 1.0.0, owner: platform }
summary: the shop has too few workers
severity: S2
autonomy: auto
page_by: 2h
triggers:
  - alert: ShopQueueLong
target: { kind: ConfigMap, namespace: shop, name: settings }
mitigate:
  - id: more
    k8s.patch: { field: data.workers, by: 25%, max: 20 }
    verify: { until: "target.data.workers == '10'", settle: 5s, within: 1m }
escalate:
  - page: { message: "the shop: {{because}}" }
"#;

#[tokio::test]
async fn a_playbook_changes_what_whoever_runs_the_bot_allows_and_no_more() {
    let mut bot = Bot::begins(&[WORKERS], vec![build::configmap("shop", "settings", &[("workers", "8")])]).await;
    bot.fires("ShopQueueLong", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("the bot may not change `data.workers` of a ConfigMap"), "{because}");
    assert!(because.contains("actions: { patch: [{ kind: ConfigMap, field: data.workers }] }"), "{because}");
    bot.pages(["platform escalated"]).await;

    let mut bot = Bot::begins(&[WORKERS], vec![build::configmap("shop", "settings", &[("workers", "8")])]).await;
    bot.patchable =
        Patchable::and([PatchField { kind: "ConfigMap".parse().unwrap(), field: "data.workers".parse().unwrap() }]);
    bot.is_restarted().await;
    bot.fires("ShopQueueLong", &[]).await;
    bot.does("raise data.workers of configmap/settings in shop 8 -> 10").await;
    bot.ends(Outcome::Fixed).await;
}
