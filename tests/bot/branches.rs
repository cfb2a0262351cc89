//! Playbooks that choose their way by what was found.

use dogwatch::model::Outcome;

use crate::bot::{Bot, minutes};
use crate::runs::shop;

pub const CAUSES: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: shop-sick, version: 1.0.0, owner: platform }
summary: The shop is sick
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: ShopSick }]
target: { kind: Deployment, namespace: shop, name: web }
diagnose:
  - id: load
    prometheus.query: { expr: shop_load }
  - id: errors
    prometheus.query: { expr: shop_errors }
  - set: { is_small: target.spec.replicas < 5, limit: 'target.spec.replicas * 100' }
  - id: cause
    choose:
      - branch: too many errors
        when: errors.value > 10
        escalate: \"{{errors.shown}} errors: that is no load\"
      - branch: too much load
        when: load.value > limit
        do:
          - set: { wanted: 6 }
          - escalate_if: '!is_small'
            because: it is large already
      - otherwise: it is well again
        done: \"the load is {{load.shown}}, with room up to {{limit}}\"
mitigate:
  - id: scale
    k8s.scale: { to: \"{{wanted}}\", max: 8 }
    verify: { query: load, until: value < 100, within: 10m }
escalate:
  - choose:
      - branch: it found out
        when: cause.branch == 'too many errors'
        do: [{ page: { message: \"{{cause.branch}}: {{because}}\" } }]
      - otherwise: it does not know
        do: [{ page: { message: \"it does not know: {{because}}\" } }]
";

async fn sick_shop(load: f64, errors: Option<f64>) -> Bot {
    let bot = Bot::begins(&[CAUSES], shop()).await;
    bot.prometheus.answers_in_turn("shop_load", &[Some(load), Some(20.0)]);
    bot.prometheus.follows("shop_errors", move || errors);
    bot
}

async fn end_of(bot: &mut Bot) -> (Outcome, String) {
    bot.fires("ShopSick", &[]).await;
    bot.passes(minutes(15)).await;
    bot.end().await
}

#[tokio::test]
async fn the_first_branch_whose_condition_holds_is_taken() {
    let mut bot = sick_shop(900.0, Some(1.0)).await;
    let (outcome, because) = end_of(&mut bot).await;
    assert_eq!(outcome, Outcome::Fixed, "{because}");
    assert_eq!(bot.mutations(), ["patch deployment/web in shop"]);
    let why = crate::why::asks(&bot, "/why INC-1").await;
    let cause = "cause: too much load, as too many errors `errors.value > 10` is false; too much load `load.value > limit` is true";
    assert!(why.contains(cause), "{why}");
    assert!(why.contains("is_small = true; limit = 400"), "{why}");
}

#[tokio::test]
async fn a_branch_ends_the_run_or_escalates_with_its_reason() {
    let mut bot = sick_shop(300.0, Some(1.0)).await;
    let end = end_of(&mut bot).await;
    assert_eq!(end, (Outcome::NothingToDo, "the load is 300, with room up to 400".to_owned()));

    let mut bot = sick_shop(900.0, Some(70.0)).await;
    assert_eq!(end_of(&mut bot).await.0, Outcome::Escalated);
    assert!(bot.mutations().is_empty());
    let told = bot.page_texts().await;
    assert!(told.contains("too many errors: 70 errors: that is no load"), "{told}");
}

/// Empty is not "the next branch".
#[tokio::test]
async fn a_condition_without_an_answer_is_for_a_human() {
    let mut bot = sick_shop(900.0, None).await;
    let (outcome, because) = end_of(&mut bot).await;
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("diagnose.errors"), "{because}");
    // What was not chosen has no name: there, a human waits, and the rest is told.
    let told = bot.page_texts().await;
    assert!(told.contains("it does not know: "), "{told}");
}
