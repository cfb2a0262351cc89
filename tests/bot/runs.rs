//! Conversations about runs: questions to humans, resolves and cancels in the middle, locks, failures, verifies.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, Verb, build};
use dogwatch::model::*;
use dogwatch::store::{IncidentStore as _, RunStore};
use serde_json::json;

use crate::bot::{Bot, minutes};

/// Scales the shop up when it is slow.
pub const SHOP: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: shop-slow, version: 1.0.0, owner: shop }
summary: the shop is slow
severity: S2
autonomy: auto
page_by: 2h
triggers:
  - alert: ShopSlow
target: { kind: Deployment, namespace: shop, name: web }
diagnose:
  - id: p99
    prometheus.query: { expr: shop_latency_seconds }
  - done_if: p99.value < 0.1
    because: it is fast again
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: 10 }
    verify: { query: p99, until: value < 0.1, fail_if: value > 5.0, settle: 1m, every: 30s, within: 5m }
    undo: never
escalate:
  - page: { message: "the shop: {{because}}" }
"#;

/// Another playbook on the same target, which asks before it acts.
const SHOP_BUSY: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: shop-busy, version: 1.0.0, owner: shop }
summary: the shop expects many guests
severity: S2
autonomy: approve
page_by: 2h
triggers:
  - alert: ShopBusy
target: { kind: Deployment, namespace: shop, name: web }
diagnose:
  - require: target.spec.replicas > 0
    because: it is switched off
mitigate:
  - id: scale
    k8s.scale: { to: 8, max: 10 }
    verify: { until: "target.status.?readyReplicas.orValue(0) == 8", settle: 1m, within: 5m }
    undo: never
escalate:
  - page: { message: "the shop: {{because}}" }
"#;

pub const UP: &str = "scale deployment/web in shop 4 -> 6";

pub fn asking() -> String {
    SHOP.replace("autonomy: auto", "autonomy: approve")
}

/// The playbook with a mitigation of three steps, the first two of which belong together.
pub fn in_three_steps() -> String {
    let step = |id: &str, to: u32| {
        let verify = format!("{{ until: target.spec.replicas == {to}, settle: 1m, within: 5m }}");
        format!("{{ id: {id}, k8s.scale: {{ to: {to}, max: 10 }}, verify: {verify}, undo: never }}")
    };
    let (one, two, three) = (step("one", 5), step("two", 6), step("three", 7));
    let group = format!("mitigate:\n  - atomic:\n      - {one}\n      - {two}\n  - {three}");
    let (before, rest) = SHOP.split_once("mitigate:").unwrap();
    let (_, after) = rest.split_once("escalate:").unwrap();
    format!("{before}{group}\nescalate:{after}")
}

pub fn web() -> ObjectKey {
    ObjectKey::new("Deployment", "shop", "web")
}

pub fn shop() -> Vec<Object> {
    vec![build::deployment("shop", "web", 4)]
}

/// A bot with this playbook, for a shop that answers so slowly, one look after the other.
async fn bot(playbook: &str, latencies: &[Option<f64>]) -> Bot {
    let bot = Bot::begins(&[playbook], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", latencies);
    bot
}

const HELPED: &[Option<f64>] = &[Some(0.4), Some(0.02)];

/// What would be refused as things are is nothing to ask a person about.
#[tokio::test]
async fn nobody_is_asked_about_what_would_be_refused() {
    let mut objects = shop();
    let held = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "we upgrade it" } } });
    objects[0] = objects[0].clone().with(&held);
    let mut bot = Bot::begins(&[&asking()], objects).await;
    bot.prometheus.follows("shop_latency", || Some(0.4));
    bot.fires("ShopSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("dogwatch/hands-off=we upgrade it"), "{because}");
    assert!(!bot.log().await.iter().any(|(_, event)| matches!(event, RunEvent::ApprovalAsked { .. })));
    bot.does_nothing_more().await;
}

#[tokio::test]
async fn what_was_asked_and_approved_is_done() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    assert_eq!(bot.approves("alice").await, "APR-1: approved; RUN-1 goes on");
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.pages([]).await;
}

#[tokio::test]
async fn the_first_of_two_voters_counts() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.approves("alice").await;
    assert_eq!(bot.denies("bob").await, "APR-1 was answered already, by alice");
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn a_no_escalates_and_changes_nothing() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.denies("alice").await;
    assert_eq!(bot.ends(Outcome::Escalated).await, "alice said no to APR-1");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn no_answer_escalates_and_changes_nothing() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(29)).await;
    bot.pages([]).await;
    bot.passes(minutes(2)).await;
    assert_eq!(bot.ends(Outcome::Escalated).await, "nobody answered APR-1 in time");
    bot.pages(["shop escalated"]).await;
    assert_eq!(bot.approves("alice").await, "APR-1 has expired; nothing was done");
    bot.does_nothing_more().await;
}

#[tokio::test]
async fn a_yes_is_a_yes_to_what_was_shown() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.cluster.change(&web(), &json!({ "spec": { "replicas": 5 } }), "kubectl").unwrap();
    bot.approves("alice").await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("4 -> 6") && because.contains("5 -> 8"), "{because}");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn a_yes_waits_until_it_can_be_seen_that_it_still_holds() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.cluster.fault(Fault::Unavailable { verb: Verb::List, kind: "HorizontalPodAutoscaler".into(), times: 4 });
    bot.approves("alice").await;
    bot.does_nothing_more().await;
    bot.passes(minutes(1)).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.pages([]).await;
}

#[tokio::test]
async fn a_yes_whose_cluster_stays_away_escalates_with_the_question() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    let away = Fault::Unavailable { verb: Verb::List, kind: "HorizontalPodAutoscaler".into(), times: 10_000 };
    bot.cluster.fault(away);
    bot.approves("alice").await;
    bot.passes(minutes(29)).await;
    bot.pages([]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("could not be looked at again in time"), "{because}");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn a_question_shows_what_would_be_done_also_when_the_cluster_was_away_for_a_moment() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.cluster.fault(Fault::Unavailable { verb: Verb::List, kind: "HorizontalPodAutoscaler".into(), times: 1 });
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(1)).await;
    let asked = bot.store().open_approvals().await.unwrap().pop().expect("it asks");
    assert_eq!((asked.preview.steps[0].summary.as_str(), asked.preview.steps[0].certain), (UP, true));
    bot.approves("alice").await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn a_question_says_which_steps_would_be_passed_over() {
    let steps = "  - id: more
    when: target.spec.replicas > 100
    k8s.scale: { to: 9, max: 10 }
    verify: { until: target.spec.replicas == 9, settle: 1m, within: 5m }
  - id: less
    when: scale.to > 5
    k8s.scale: { to: 7, max: 10 }
    verify: { until: target.spec.replicas == 7, settle: 1m, within: 5m }
escalate:";
    let mut bot = bot(&asking().replace("escalate:", steps), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    let asked = bot.store().open_approvals().await.unwrap().pop().expect("it asks");
    let shown: Vec<_> = asked.preview.steps.iter().map(|step| (step.summary.as_str(), step.certain)).collect();
    let passed_over = ("nothing: `target.spec.replicas > 100` does not hold", true);
    let open = ("if `scale.to > 5`: scale deployment/web in shop 4 -> 7", false);
    assert_eq!(shown, [(UP, true), passed_over, open]);
    bot.approves("alice").await;
    bot.does(UP).await;
    bot.passes(minutes(2)).await;
    bot.does("scale deployment/web in shop 6 -> 7").await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn another_object_of_the_same_name_is_not_the_target() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.cluster.remove(&web());
    bot.passes(minutes(2)).await;
    bot.cluster.apply(&build::deployment("shop", "web", 4), "kubectl").unwrap();
    bot.passes(minutes(2)).await;
    bot.approves("alice").await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("was replaced by another of the same name"), "{because}");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn an_alert_that_resolves_before_any_change_leaves_nothing_to_do() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.resolves("ShopSlow", &[]).await;
    bot.ends(Outcome::NothingToDo).await;
    bot.pages([]).await;
    assert_eq!(bot.approves("alice").await, "APR-1 is no question any more: its run has ended");
}

#[tokio::test]
async fn an_alert_that_resolves_in_a_group_lets_the_group_be_finished_and_nothing_more() {
    let mut bot = bot(&in_three_steps(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    bot.resolves("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    bot.passes(minutes(1)).await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    assert_eq!(bot.ends(Outcome::Fixed).await, "the alert resolved: nothing more is changed");
    bot.pages([]).await;
}

/// A bot in the middle of the group: it dies before the group's second change, and the cluster answers nothing for a while.
async fn in_doubt_in_the_group() -> Bot {
    let begun = async || {
        let mut bot = bot(&in_three_steps(), HELPED).await;
        bot.fires("ShopSlow", &[]).await;
        bot.does("scale deployment/web in shop 4 -> 5").await;
        bot
    };
    let mut other = begun().await;
    other.passes(minutes(2)).await;
    let passed = other.fuse.passed();
    let mut patches = (1..).zip(&passed).filter(|(_, point)| *point == "before patch");
    let (second, _) = patches.nth(1).expect("the second change");

    let mut bot = begun().await;
    bot.fuse.dies_at(second);
    bot.once_dead.push(Fault::Unavailable { verb: Verb::Get, kind: String::new(), times: 3 });
    bot.passes(minutes(1)).await;
    bot.does_nothing_more().await;
    assert_eq!(bot.fuse.passed()[second - 1], "before patch", "it has died there");
    bot
}

#[tokio::test]
async fn a_group_is_finished_also_when_the_alert_resolves_while_a_change_is_in_doubt() {
    let mut bot = in_doubt_in_the_group().await;
    bot.resolves("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    bot.passes(minutes(1)).await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    assert_eq!(bot.ends(Outcome::Fixed).await, "the alert resolved: nothing more is changed");
    bot.keeps_the_laws().await;
    bot.pages([]).await;
}

#[tokio::test]
async fn a_group_is_finished_also_when_somebody_stops_the_run_while_a_change_is_in_doubt() {
    let mut bot = in_doubt_in_the_group().await;
    bot.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
    bot.passes(minutes(1)).await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    assert_eq!(bot.ends(Outcome::Cancelled).await, "alice stopped it");
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn resolving_the_incident_stops_its_run() {
    let mut bot = bot(SHOP, &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
    assert_eq!(bot.ends(Outcome::Cancelled).await, "alice stopped it");
    bot.pages([]).await;
    assert_eq!(bot.locks().await, 0);
}

#[tokio::test]
async fn who_resolves_the_incident_while_its_run_escalates_is_not_paged_for_it() {
    let curious =
        SHOP.replace("  - page: {", "  - id: guests\n    prometheus.query: { expr: shop_guests }\n  - page: {");
    let mut bot = bot(&curious, &[Some(0.4), Some(9.0)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.passes(std::time::Duration::from_secs(59)).await;
    bot.fuse.meanwhile("before append entered", {
        let prometheus = bot.prometheus.clone();
        move || prometheus.is_away(3)
    });
    bot.passes(std::time::Duration::from_secs(2)).await;
    bot.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
    let because = bot.ends(Outcome::Cancelled).await;
    assert!(
        because.starts_with("alice stopped it while it escalated: the verify of mitigate.scale failed"),
        "{because}"
    );
    bot.pages([]).await;
    assert_eq!(bot.locks().await, 0);
}

/// A page in somebody's browser could have sent it.
#[tokio::test]
async fn what_nobody_vouches_for_starts_no_mutation() {
    for playbook in [SHOP, &asking()] {
        let mut bot = bot(playbook, &[Some(0.4), Some(0.4), Some(0.02)]).await;
        bot.everybody_may_deliver = true;
        bot.fires("ShopSlow", &[]).await;
        bot.does_nothing_more().await;
        bot.ends(Outcome::Proposed).await;
        let timeline = format!("{:?}", bot.store().timeline(IncidentId(1)).await.unwrap());
        assert!(
            timeline.contains("shop-slow may only suggest") && timeline.contains("server.webhook_auth"),
            "{timeline}"
        );
        // A person who asks is known.
        let run = Command::Run { playbook: "shop-slow".into(), set: Default::default(), dry_run: false };
        assert!(bot.says("alice", run).await.contains("runs on deployment/web"));
        bot.approves("alice").await;
        bot.does(UP).await;
    }
}

#[tokio::test]
async fn the_second_playbook_on_a_target_waits_for_the_first() {
    let mut bot = Bot::begins(&[SHOP, SHOP_BUSY], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", HELPED);
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    let run = Command::Run { playbook: "shop-busy".into(), set: Default::default(), dry_run: false };
    assert!(bot.says("alice", run).await.contains("runs on deployment/web in shop for INC-1, autonomy approve"));
    bot.approves("alice").await;
    bot.does_nothing_more().await;
    bot.passes(minutes(2)).await;
    bot.does("scale deployment/web in shop 6 -> 8").await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(bot.locks().await, 0);
    bot.pages([]).await;
}

#[tokio::test]
async fn what_was_waited_for_a_lock_is_not_on_the_account_of_the_change() {
    let mut bot = Bot::begins(&[SHOP, SHOP_BUSY], shop()).await;
    bot.prometheus
        .answers_in_turn("shop_latency", &[Some(0.4), Some(0.3), Some(0.3), Some(0.3), Some(0.3), Some(0.02)]);
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    let run = Command::Run { playbook: "shop-busy".into(), set: Default::default(), dry_run: false };
    bot.says("alice", run).await;
    bot.approves("alice").await;
    bot.cluster.fault(Fault::Unavailable { verb: Verb::Patch, kind: String::new(), times: 2 });
    bot.passes(minutes(4)).await;
    bot.does("scale deployment/web in shop 6 -> 8").await;
    bot.ends(Outcome::Fixed).await;
    bot.keeps_the_laws().await;
    bot.pages([]).await;
}

#[tokio::test]
async fn a_refused_or_unanswered_change_is_tried_again_and_made_once() {
    let faults = [
        Fault::Conflict { times: 2 },
        Fault::Unavailable { verb: Verb::Patch, kind: String::new(), times: 3 },
        Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 },
        Fault::Unavailable { verb: Verb::Get, kind: "HorizontalPodAutoscaler".into(), times: 1 },
    ];
    for fault in faults {
        let mut bot = bot(SHOP, HELPED).await;
        bot.cluster.fault(fault);
        bot.fires("ShopSlow", &[]).await;
        bot.passes(minutes(1)).await;
        bot.does(UP).await;
        bot.ends(Outcome::Fixed).await;
        bot.keeps_the_laws().await;
        bot.pages([]).await;
    }
}

#[tokio::test]
async fn a_change_that_comes_through_after_it_was_given_up_is_not_made_on_top_of_itself() {
    let mut bot = bot(SHOP, HELPED).await;
    bot.cluster.fault(Fault::Unavailable { verb: Verb::Patch, kind: String::new(), times: 1 });
    bot.fires("ShopSlow", &[]).await;
    // The first request was on its way all the same.
    bot.cluster.change(&web(), &json!({ "spec": { "replicas": 6 } }), "dogwatch-run-1-scale").unwrap();
    let (outcome, _) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed);
    bot.does(UP).await;
    assert!(bot.mutations().is_empty(), "nothing more was asked of the cluster: {:#?}", bot.mutations());
    bot.pages([]).await;
}

#[tokio::test]
async fn hands_off_the_target_holds_for_what_is_changed_in_its_place_and_is_in_doubt() {
    let mut objects = shop();
    objects.push(build::hpa("shop", "web", 2, 20));
    let mut bot = Bot::begins(&[SHOP], objects).await;
    bot.prometheus.answers_in_turn("shop_latency", HELPED);
    let cluster = bot.cluster.clone();
    bot.fuse.meanwhile("before patch", move || {
        let hold = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "upgrade" } } });
        cluster.change(&web(), &hold, "kubectl").unwrap();
        // The patch does not come through, and then nobody says what became of it.
        for verb in [Verb::Patch, Verb::Get] {
            cluster.fault(Fault::Unavailable { verb, kind: "HorizontalPodAutoscaler".into(), times: 1 });
        }
    });
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(1)).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("dogwatch/hands-off=upgrade"), "{because}");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn what_is_as_wanted_already_says_so_in_later_texts() {
    let told = SHOP_BUSY
        .replace("autonomy: approve", "autonomy: auto")
        .replace("{ until: \"target.status.?readyReplicas.orValue(0) == 8\", ", "{ until: target.spec.replicas > 8, ")
        .replace("the shop: {{because}}", "the shop has {{scale.to}}");
    let mut bot = Bot::begins(&[&told], vec![build::deployment("shop", "web", 8)]).await;
    bot.fires("ShopBusy", &[]).await;
    bot.ends(Outcome::Escalated).await;
    assert_eq!(bot.page_texts().await, "the shop has 8");
}

#[tokio::test]
async fn a_change_that_is_never_accepted_is_given_up_in_time() {
    let mut bot = bot(SHOP, HELPED).await;
    bot.cluster.fault(Fault::Unavailable { verb: Verb::Patch, kind: String::new(), times: 1_000 });
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(4)).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("mitigate.scale failed after"), "{because}");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn nothing_is_changed_after_its_deadline_however_slow_the_store_is() {
    let mut bot = bot(SHOP, HELPED).await;
    let clock = bot.clock.clone();
    bot.fuse.meanwhile("after append started", move || clock.advance(minutes(2)));
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.keeps_the_laws().await;
    bot.pages([]).await;
}

#[tokio::test]
async fn somebody_is_paged_at_page_by_while_the_run_goes_on() {
    // Asked, found out again after the yes, and looked at.
    let latencies = &[Some(0.4), Some(0.4), Some(0.02)];
    let mut bot = bot(&asking().replace("page_by: 2h", "page_by: 10m"), latencies).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(11)).await;
    bot.pages(["shop overdue"]).await;
    bot.approves("alice").await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.pages(["shop overdue"]).await;
}

#[tokio::test]
async fn a_playbook_that_cannot_be_read_any_more_pages() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.tampers("UPDATE playbook SET source = 'kind: Gamebook'").await;
    bot.has_no_playbooks();
    bot.is_restarted().await;
    bot.approves("alice").await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("cannot be read any more"), "{because}");
    bot.pages(["platform escalated"]).await;
}

#[tokio::test]
async fn a_run_that_cannot_be_read_pages_and_holds_up_no_other() {
    let till =
        SHOP.replace("shop-slow", "till-slow").replace("ShopSlow", "TillSlow").replace("name: web", "name: till");
    for tampered in [
        "UPDATE run SET autonomy = 'telepathic', wake_at = 0",
        "UPDATE run SET target = '{', wake_at = 0",
        "UPDATE run SET alert = '', wake_at = 0",
        "UPDATE incident SET severity = 'S9'; UPDATE run SET wake_at = 0",
        "INSERT INTO run_inbox (run_id, at, item) VALUES (1, 0, '{\"item\":\"teleport\"}'); UPDATE run SET wake_at = 0",
    ] {
        let mut objects = shop();
        objects.push(build::deployment("shop", "till", 4));
        let mut bot = Bot::begins(&[&asking(), &till], objects).await;
        bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.4), Some(0.02)]);
        bot.fires("ShopSlow", &[]).await;
        bot.tampers(tampered).await;
        bot.fires("TillSlow", &[]).await;
        bot.does("scale deployment/till in shop 4 -> 6").await;
        bot.ends(Outcome::Fixed).await;
        assert_eq!(bot.runs().await[0].outcome, Some(Outcome::Escalated), "{tampered}");
        bot.pages(["shop escalated"]).await;
        assert_eq!(bot.locks().await, 0);
    }
}

#[tokio::test]
async fn a_record_of_a_newer_version_escalates() {
    let mut bot = bot(&asking(), HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.tampers(
        "INSERT INTO run_event (run_id, seq, epoch, at, event)
         SELECT id, length + 1, epoch, 0, '{\"kind\":\"teleported\"}' FROM run; UPDATE run SET length = length + 1",
    )
    .await;
    bot.approves("alice").await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("does not know"), "{because}");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn an_escalation_pages_also_when_what_it_wants_to_tell_cannot_be_found_out() {
    let curious = SHOP.replace(
        "  - page: {",
        "  - id: guests\n    prometheus.query: { expr: shop_guests }\n    when: alert.labels.tier == 'gold'\n  - page: {",
    );
    let asked = curious.replace("    when: alert.labels.tier == 'gold'\n", "");
    for playbook in [curious, asked] {
        let mut bot = bot(&playbook, &[Some(9.0)]).await;
        bot.fires("ShopSlow", &[]).await;
        bot.does(UP).await;
        bot.passes(minutes(1)).await;
        let because = bot.ends(Outcome::Escalated).await;
        assert!(because.contains("the verify of mitigate.scale failed"), "{because}");
        bot.pages(["shop escalated"]).await;
        assert_eq!(bot.page_texts().await, format!("the shop: {because}"));
    }
}

#[tokio::test]
async fn a_page_for_a_team_that_nobody_named_goes_to_the_playbooks_owner() {
    let unnamed = SHOP.replace("page: { message", "page: { team: \"{{alert.labels.team}}\", message");
    let mut bot = bot(&unnamed, &[Some(9.0)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Escalated).await;
    bot.pages(["shop escalated"]).await;
}

/// The playbook with one more look, at a ConfigMap.
fn looking_at_settings() -> String {
    SHOP.replace("diagnose:\n", "diagnose:\n  - id: settings\n    k8s.get: { kind: ConfigMap, name: settings }\n")
}

fn settings(data: serde_json::Value) -> Object {
    let metadata = json!({ "name": "settings", "namespace": "shop" });
    Object(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data }))
}

#[tokio::test]
async fn secrets_in_what_was_read_are_on_no_timeline() {
    let mut bot = bot(&looking_at_settings(), HELPED).await;
    let secret = json!({ "PGPASSWORD": "hunter2", "url": "postgres://shop:hunter2@db/shop", "tier": "gold" });
    bot.cluster.apply(&settings(secret), "helm").unwrap();
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    let log = format!("{:?}", bot.log().await);
    assert!(log.contains("gold") && !log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn what_is_too_large_to_be_kept_is_a_failure() {
    let mut bot = bot(&looking_at_settings(), HELPED).await;
    bot.cluster.apply(&settings(json!({ "much": "x".repeat(300 * 1024) })), "helm").unwrap();
    bot.fires("ShopSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("is the most that is kept"), "{because}");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn a_verify_has_patience_with_what_it_cannot_decide_yet() {
    let mut bot = bot(SHOP, &[Some(0.4), Some(0.3), None, Some(2.0), Some(0.02)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.pages([]).await;
}

#[tokio::test]
async fn a_verify_ends_at_once_when_it_gets_worse() {
    let mut bot = bot(SHOP, &[Some(0.4), Some(9.0), Some(0.02)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.passes(minutes(1)).await;
    assert!(bot.ends(Outcome::Escalated).await.contains("value > 5.0"));
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn a_verify_outlives_a_prometheus_that_is_away_for_a_while() {
    let mut bot = bot(SHOP, HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.prometheus.is_away(3);
    bot.ends(Outcome::Fixed).await;
    bot.pages([]).await;
}

#[tokio::test]
async fn a_verify_that_cannot_look_does_not_take_it_for_good() {
    let mut bot = bot(SHOP, HELPED).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.prometheus.is_away(1_000);
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("mitigate.scale did not help in time"), "{because}");
    bot.pages(["shop escalated"]).await;
}
