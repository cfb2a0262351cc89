//! Playbooks that choose their way by what was found.

use dogwatch::model::{Outcome, RunEvent};

use dogwatch::prometheus::Sample;

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

/// What the query leaves out has no value, whatever else has that name.
#[tokio::test]
async fn a_name_of_the_playbook_does_not_stand_in_for_what_a_verify_did_not_find() {
    let playbook = CAUSES
        .replace("{ expr: shop_load }", "{ expr: shop_load, many: true }")
        .replace("load.value > limit", "load.samples.exists(s, s.value > 400.0)")
        .replace("{{load.shown}}", "{{load.count}}")
        .replace("set: { wanted: 6 }", "set: { wanted: 6, value: 20 }");
    let mut bot = Bot::begins(&[&playbook], shop()).await;
    let sample = |value| Sample { labels: [("pod".to_owned(), format!("web-{value}"))].into(), value };
    bot.prometheus.follows_all("shop_load", move || vec![sample(900.0), sample(800.0)]);
    bot.prometheus.follows("shop_errors", || Some(1.0));
    let (outcome, because) = end_of(&mut bot).await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("did not help in time"), "{because}");
}

const NESTED: &str = "mitigate:
  - id: first
    k8s.scale: { to: 6, max: 10 }
    verify: { until: target.spec.replicas == 6, within: 5m }
  - id: again
    prometheus.query: { expr: shop_errors }
  - choose:
      - branch: still bad
        when: again.value > 10
        do:
          - choose:
              - branch: awful
                when: again.value > 100
                escalate: it is awful
              - otherwise: bad
                do:
                  - id: second
                    k8s.scale: { to: 7, max: 10 }
                    verify: { until: target.spec.replicas == 7, within: 5m }
      - otherwise: fine
        done: it is fine
  - id: third
    k8s.scale: { to: 8, max: 10 }
    verify: { until: target.spec.replicas == 8, within: 5m }
  - escalate_if: target.spec.replicas > 1
    because: a person looks at it
  - id: never
    k8s.scale: { to: 9, max: 10 }
    verify: { until: target.spec.replicas == 9, within: 5m }
escalate:";

fn nested() -> String {
    let (before, rest) = crate::runs::SHOP.split_once("mitigate:").unwrap();
    let (_, after) = rest.split_once("escalate:").unwrap();
    format!("{before}{NESTED}{after}").replace("autonomy: auto", "autonomy: approve")
}

#[tokio::test]
async fn a_question_shows_what_each_change_hangs_on_and_nothing_behind_an_end() {
    let mut bot = Bot::begins(&[&nested()], shop()).await;
    bot.prometheus.follows("shop_latency", || Some(0.4));
    bot.prometheus.follows("shop_errors", || Some(50.0));
    bot.fires("ShopSlow", &[]).await;
    let asked = bot.log().await.into_iter().find_map(|(_, event)| match event {
        RunEvent::ApprovalAsked { preview, .. } => Some(preview),
        _ => None,
    });
    let shown: Vec<_> = asked.unwrap().steps.iter().map(|step| (step.certain, step.summary.clone())).collect();
    let scale = |to: u32| format!("scale deployment/web in shop 4 -> {to}");
    assert_eq!(
        shown,
        [
            (true, scale(6)),
            (false, format!("if still bad and not awful: {}", scale(7))),
            (false, format!("if not awful and not fine: {}", scale(8))),
        ]
    );
    bot.approves("anna").await;
    bot.passes(minutes(20)).await;
    for (from, to) in [(4, 6), (6, 7), (7, 8)] {
        bot.does(&format!("scale deployment/web in shop {from} -> {to}")).await;
    }
    assert_eq!(bot.ends(Outcome::Escalated).await, "a person looks at it");
}
