//! After an outage of the bot, or of a receiver: what waited is looked at anew.

use std::time::Duration;

use dogwatch::clock::Clock as _;
use dogwatch::intake::Form;
use dogwatch::model::{
    ApprovalId, Autonomy, Command, Outcome, Person, Role, RunEvent, Signal, SignalBody, Verdict, Via,
};
use dogwatch::store::{IncidentStore as _, OutboxStore as _, RunStore as _, SignalStore as _};
use serde_json::json;

use crate::bot::pager::Pager;
use crate::bot::{Bot, minutes};
use crate::budget::{fires, resolves};
use crate::quiet::{Quiet, fingerprint};
use crate::runs::{SHOP, in_three_steps, shop, web};

/// It waits for a moment before it changes something.
fn waiting_shop() -> String {
    SHOP.replace("mitigate:\n", "mitigate:\n  - wait: 1m\n").replace("page_by: 2h", "page_by: 30m")
}

/// Its alert is taken in, and no more is done about it.
async fn comes_in(bot: &Bot) {
    let mut alert = crate::page_texts::an_alert(bot, json!({ "alertname": "ShopSlow" }), json!({}));
    alert["startsAt"] = json!(bot.started());
    let body =
        json!({ "version": "4", "groupKey": "g", "receiver": "dogwatch", "status": "firing", "alerts": [alert] });
    let body = body.to_string();
    let delivered = Form::Alertmanager.parse("alertmanager".into(), bot.clock.now(), &[], body.as_bytes()).unwrap();
    bot.store().accept_delivery(delivered).await.unwrap();
}

/// It is slow until something is done about it.
fn is_slow_until_scaled(bot: &Bot) {
    let cluster = bot.cluster.clone();
    bot.prometheus.follows("shop_latency", move || {
        let web = cluster.object(&web())?;
        Some(if web.at("/spec/replicas") == Some(&json!(4)) { 0.4 } else { 0.02 })
    });
}

async fn slow_shop() -> Bot {
    let bot = Bot::begins(&[&waiting_shop()], shop()).await;
    is_slow_until_scaled(&bot);
    bot
}

/// A bot that has the Alertmanager to ask, and an alert that began before an outage of three hours.
async fn slow_shop_asking(alertmanager: &Quiet, playbook: &str) -> Bot {
    let mut bot = alertmanager.bot(&[playbook]).await;
    is_slow_until_scaled(&bot);
    bot.fires("ShopSlow", &[]).await;
    bot.is_gone_for(minutes(3 * 60)).await;
    bot
}

/// As `fires` of the bot names it.
const SLOW: &str = r#"{"alertname": "ShopSlow"}"#;

async fn says(bot: &Bot) -> String {
    let (incident, store) = (bot.incident(1).await, bot.store());
    let (timeline, now) = (store.timeline(incident.id).await.unwrap(), bot.clock.now());
    let text = dogwatch::message::timeline_text(incident.id, &incident, &timeline, &[], now);
    let of_source = |line: &&str| line.contains("source") || line.contains("RUN-1 ");
    text.lines().filter(of_source).collect::<Vec<_>>().join("\n")
}

/// A person says yes to it now, and it is done.
async fn is_done_with_a_yes(bot: &mut Bot) {
    bot.approves("anna").await;
    bot.passes(minutes(5)).await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
    assert_eq!(bot.end().await.0, Outcome::Fixed);
}

async fn is_asked(bot: &Bot) -> bool {
    matches!(bot.log().await.last(), Some((_, RunEvent::ApprovalAsked { .. })))
}

/// Somebody says yes, and no more is done about it.
async fn approves(bot: &Bot, approval: i64) {
    let command = Command::Approve { approval: ApprovalId(approval), verdict: Verdict::Approve, digest: None };
    let person = Person { name: "anna".into(), via: Via::Console, id: "anna".into(), role: Some(Role::Responder) };
    let body = SignalBody::Command { person, command };
    let (source, key) = ("console".into(), format!("yes to {approval}"));
    bot.store().accept(&Signal { source, key, received_at: bot.clock.now(), body }).await.unwrap();
}

#[tokio::test]
async fn a_run_that_was_left_alone_for_long_acts_when_its_source_says_that_the_alert_still_fires() {
    let alertmanager = Quiet::begins().await;
    alertmanager.has(|answers| answers.firing = vec![SLOW.into()]);
    let mut bot = slow_shop_asking(&alertmanager, &waiting_shop()).await;
    bot.settles().await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
    bot.passes(minutes(5)).await;
    assert_eq!(alertmanager.has(|answers| answers.asked), 1);
    assert_eq!(bot.end().await.0, Outcome::Fixed);
    insta::assert_snapshot!(says(&bot).await, @"
    02:00:00 RUN-1 starts: playbook shop-slow (bfa9fec1d9a6), because its alert fires
    05:00:00 nobody went on with it for 2h59m; its source says that ShopSlow still fires
    05:01:00 RUN-1 fixed: every step of the mitigation is done
    ");
    let (incident, store) = (bot.incident(1).await, bot.store());
    let (runs, timeline) = (store.runs_of(incident.id).await.unwrap(), store.timeline(incident.id).await.unwrap());
    let facts = dogwatch::message::WhyFacts {
        incident: &incident,
        runs: &runs,
        timeline: &timeline,
        episodes: &[],
        pages: &[],
        now: bot.clock.now(),
        paging: Default::default(),
    };
    let why = dogwatch::message::why(&facts);
    assert!(why.contains("nobody went on with it for 2h59m; its source says that ShopSlow still fires"), "{why}");
}

#[tokio::test]
async fn what_its_source_lists_no_more_changes_nothing_and_the_run_ends() {
    let alertmanager = Quiet::begins().await;
    let mut bot = slow_shop_asking(&alertmanager, &waiting_shop()).await;
    bot.passes(minutes(4)).await;
    assert_eq!(bot.runs().await[0].outcome, None, "it may have to be told first what fires");
    let because = bot.ends(Outcome::NothingToDo).await;
    assert_eq!(because, "its source says that its alert fires no more: nothing is changed");
    assert_eq!(alertmanager.has(|answers| answers.asked), 6);
    insta::assert_snapshot!(says(&bot).await, @"
    02:00:00 RUN-1 starts: playbook shop-slow (bfa9fec1d9a6), because its alert fires
    05:05:00 mitigated: its source says that its alert fires no more: nothing is changed
    05:05:00 nobody went on with it for 2h59m; its source says that its alert fires no more
    05:05:00 RUN-1 nothing to do: its source says that its alert fires no more: nothing is changed
    ");
}

#[tokio::test]
async fn an_alertmanager_that_was_away_too_is_given_time_to_hear_what_fires() {
    let alertmanager = Quiet::begins().await;
    let mut bot = slow_shop_asking(&alertmanager, &waiting_shop()).await;
    bot.passes(minutes(3)).await;
    bot.does_nothing_more().await;
    alertmanager.has(|answers| answers.firing = vec![SLOW.into()]);
    bot.passes(minutes(1)).await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
    assert_eq!(bot.end().await.0, Outcome::Fixed);
}

#[tokio::test]
async fn another_alert_about_the_target_that_still_fires_is_enough() {
    let alertmanager = Quiet::begins().await;
    alertmanager.has(|answers| answers.firing = vec![r#"{"alertname": "ShopDown"}"#.into()]);
    let playbook = waiting_shop().replace("triggers:\n", "triggers:\n  - alert: ShopDown\n");
    let mut bot = alertmanager.bot(&[&playbook]).await;
    is_slow_until_scaled(&bot);
    bot.fires("ShopSlow", &[]).await;
    bot.fires("ShopDown", &[]).await;
    bot.is_gone_for(minutes(3 * 60)).await;
    bot.settles().await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
    assert!(says(&bot).await.contains("its source says that ShopDown still fires"));
}

#[tokio::test]
async fn whose_source_cannot_be_asked_asks_a_person_and_says_why() {
    const AWAY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let nobody: fn(&mut Bot) = |bot| bot.alertmanager = None;
    let another: fn(&mut Bot) = |bot| bot.alertmanager_sources = Some(vec!["eu-1".into()]);
    let same: fn(&mut Bot) = |_| {};
    for (instead, becomes, why) in [
        (None, nobody, "no Alertmanager is configured to be asked"),
        (None, another, "nothing says that the Alertmanager that is configured knows the alerts of alertmanager"),
        (Some(AWAY), same, "alertmanager refused `/api/v2/alerts` with 503"),
        (Some(""), same, "alertmanager did not answer"),
    ] {
        let alertmanager = Quiet::begins().await;
        alertmanager.has(|answers| answers.firing = vec![SLOW.into()]);
        let mut bot = alertmanager.bot(&[&waiting_shop()]).await;
        is_slow_until_scaled(&bot);
        bot.fires("ShopSlow", &[]).await;
        alertmanager.has(|answers| answers.instead = instead);
        becomes(&mut bot);
        bot.is_gone_for(minutes(3 * 60)).await;
        bot.settles().await;
        bot.does_nothing_more().await;
        assert!(is_asked(&bot).await, "{why}");
        let said = says(&bot).await;
        assert!(
            said.contains(&format!("its source could not be asked whether its alert still fires: {why}")),
            "{said}"
        );
        is_done_with_a_yes(&mut bot).await;
    }
}

#[tokio::test]
async fn a_source_that_has_answered_is_not_asked_again_by_whoever_goes_on() {
    for point in ["after append source_asked", "before append started"] {
        let alertmanager = Quiet::begins().await;
        alertmanager.has(|answers| answers.firing = vec![SLOW.into()]);
        let mut bot = slow_shop_asking(&alertmanager, &waiting_shop()).await;
        bot.fuse.dies_at_next(point);
        bot.passes(minutes(5)).await;
        bot.does("scale deployment/web in shop 4 -> 6").await;
        assert_eq!(alertmanager.has(|answers| answers.asked), 1, "{point}");
        assert_eq!(bot.end().await.0, Outcome::Fixed);
        bot.keeps_the_laws().await;
    }
}

#[tokio::test]
async fn an_answer_is_asked_for_again_after_the_next_outage() {
    let alertmanager = Quiet::begins().await;
    let mut bot = slow_shop_asking(&alertmanager, &waiting_shop()).await;
    bot.passes(minutes(4)).await;
    bot.is_gone_for(minutes(3 * 60)).await;
    bot.passes(minutes(4)).await;
    assert_eq!(bot.runs().await[0].outcome, None, "what it said before the outage counts no more");
    alertmanager.has(|answers| answers.firing = vec![SLOW.into()]);
    bot.passes(minutes(1)).await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
}

#[tokio::test]
async fn a_yes_of_before_the_outage_is_asked_for_again() {
    for (still_fires, asked) in [(true, true), (false, false)] {
        let alertmanager = Quiet::begins().await;
        alertmanager.has(|answers| answers.firing = if still_fires { vec![SLOW.into()] } else { Vec::new() });
        let playbook = SHOP.replace("page_by: 2h", "page_by: 30m").replace("autonomy: auto", "autonomy: approve");
        let mut bot = alertmanager.bot(&[&playbook]).await;
        is_slow_until_scaled(&bot);
        bot.fires("ShopSlow", &[]).await;
        bot.fuse.dies_at_next("before append started");
        approves(&bot, 1).await;
        bot.settles_once().await;
        bot.is_gone_for(minutes(3 * 60)).await;
        bot.passes(minutes(6)).await;
        bot.does_nothing_more().await;
        assert_eq!(is_asked(&bot).await, asked);
        if asked {
            approves(&bot, 2).await;
            bot.settles().await;
            bot.does("scale deployment/web in shop 4 -> 6").await;
        } else {
            bot.ends(Outcome::NothingToDo).await;
        }
    }
}

/// The shop's run has asked, somebody said yes, and nobody was there to take that in for so long.
async fn a_yes_lay_there(page_by: &str, lasting: Duration) -> Bot {
    let playbook = SHOP.replace("page_by: 2h", page_by).replace("autonomy: auto", "autonomy: approve");
    let mut bot = Bot::begins(&[&playbook], shop()).await;
    is_slow_until_scaled(&bot);
    bot.fires("ShopSlow", &[]).await;
    // It is in the run's inbox when the process dies.
    bot.fuse.dies_at_next("before append approval_answered");
    approves(&bot, 1).await;
    bot.settles_once().await;
    bot.is_gone_for(lasting).await;
    bot.settles().await;
    bot
}

#[tokio::test]
async fn a_yes_that_lay_there_longer_than_its_question_held_is_none() {
    let mut bot = a_yes_lay_there("page_by: 2h", minutes(45)).await;
    bot.does_nothing_more().await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("the yes of anna to APR-1 (given at "), "{because}");
    assert!(because.contains("was taken in only after the question had expired at"), "{because}");
}

#[tokio::test]
async fn a_yes_that_lay_there_longer_than_somebody_was_to_be_called_in_is_asked_for_again() {
    let mut bot = a_yes_lay_there("page_by: 15m", minutes(20)).await;
    bot.does_nothing_more().await;
    assert!(is_asked(&bot).await);
    approves(&bot, 2).await;
    bot.passes(minutes(5)).await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
    assert_eq!(bot.end().await.0, Outcome::Fixed);
}

#[tokio::test]
async fn a_yes_that_lay_there_for_a_moment_counts() {
    let mut bot = a_yes_lay_there("page_by: 15m", minutes(5)).await;
    bot.passes(minutes(5)).await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
    assert_eq!(bot.end().await.0, Outcome::Fixed);
}

#[tokio::test]
async fn a_group_that_was_begun_is_finished_and_what_comes_after_it_is_asked_about() {
    let alertmanager = Quiet::begins().await;
    let playbook = in_three_steps().replace("page_by: 2h", "page_by: 30m");
    let mut bot = slow_shop_asking(&alertmanager, &playbook).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    bot.settles().await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    assert_eq!(alertmanager.has(|answers| answers.asked), 0);
    let because = bot.ends(Outcome::Fixed).await;
    assert_eq!(because, "its source says that its alert fires no more: nothing more is changed");
}

#[tokio::test]
async fn what_a_person_asked_for_has_no_source_and_a_person_is_asked_again() {
    let alertmanager = Quiet::begins().await;
    let mut bot = alertmanager.bot(&[&SHOP.replace("page_by: 2h", "page_by: 30m")]).await;
    is_slow_until_scaled(&bot);
    bot.types("anna", "run shop-slow").await;
    bot.fuse.dies_at_next("before append started");
    approves(&bot, 1).await;
    bot.settles_once().await;
    bot.is_gone_for(minutes(3 * 60)).await;
    bot.settles().await;
    bot.does_nothing_more().await;
    assert!(is_asked(&bot).await);
    let said = says(&bot).await;
    assert!(said.contains("whether its alert still fires: no alert started it, but anna"), "{said}");
    approves(&bot, 2).await;
    bot.settles().await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
}

#[tokio::test]
async fn a_change_that_an_outage_has_cut_off_is_decided_anew() {
    let known = fingerprint(&json!({ "alertname": "ShopSlow" }));
    for still_fires in [true, false] {
        let alertmanager = Quiet::begins().await;
        alertmanager.has(|answers| answers.firing = if still_fires { vec![known.clone()] } else { Vec::new() });
        let mut bot = alertmanager.bot(&[&SHOP.replace("page_by: 2h", "page_by: 30m")]).await;
        is_slow_until_scaled(&bot);
        bot.fuse.dies_at_next("before patch");
        comes_in(&bot).await;
        bot.settles_once().await;
        bot.is_gone_for(minutes(3 * 60)).await;
        bot.passes(minutes(6)).await;
        if still_fires {
            bot.does("scale deployment/web in shop 4 -> 6").await;
        }
        bot.ends(if still_fires { Outcome::Fixed } else { Outcome::NothingToDo }).await;
        bot.keeps_the_laws().await;
    }
}

#[tokio::test]
async fn a_run_that_was_left_alone_for_long_asks_before_it_changes_anything() {
    let mut bot = slow_shop().await;
    bot.fires("ShopSlow", &[]).await;
    bot.is_gone_for(minutes(3 * 60)).await;
    bot.settles().await;
    bot.does_nothing_more().await;
    assert!(is_asked(&bot).await);
    is_done_with_a_yes(&mut bot).await;
}

#[tokio::test]
async fn a_run_that_was_left_alone_for_a_moment_goes_on() {
    let mut bot = slow_shop().await;
    bot.fires("ShopSlow", &[]).await;
    bot.is_gone_for(minutes(20)).await;
    bot.passes(minutes(5)).await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
    assert_eq!(bot.end().await.0, Outcome::Fixed);
}

#[tokio::test]
async fn an_alert_that_waited_for_long_asks_and_one_that_is_told_again_does_not() {
    for is_told_again in [false, true] {
        let mut bot = Bot::begins(&[&SHOP.replace("page_by: 2h", "page_by: 30m")], shop()).await;
        is_slow_until_scaled(&bot);
        comes_in(&bot).await;
        bot.is_gone_for(minutes(3 * 60)).await;
        if is_told_again {
            comes_in(&bot).await;
        }
        bot.settles().await;
        assert_eq!(is_asked(&bot).await, !is_told_again);
        let told = bot.tells(1).await.join("\n");
        assert_eq!(told.contains("its alert waited here for 3h"), !is_told_again, "{told}");
        if is_told_again {
            bot.does("scale deployment/web in shop 4 -> 6").await;
        }
        bot.does_nothing_more().await;
    }
}

#[tokio::test]
async fn the_source_of_an_alert_that_waited_for_long_is_asked() {
    let known = fingerprint(&json!({ "alertname": "ShopSlow" }));
    for still_fires in [true, false] {
        let alertmanager = Quiet::begins().await;
        alertmanager.has(|answers| answers.firing = if still_fires { vec![known.clone()] } else { Vec::new() });
        let mut bot = alertmanager.bot(&[&SHOP.replace("page_by: 2h", "page_by: 30m")]).await;
        is_slow_until_scaled(&bot);
        comes_in(&bot).await;
        bot.is_gone_for(minutes(3 * 60)).await;
        bot.settles().await;
        assert_eq!(bot.runs().await[0].autonomy, Autonomy::Auto);
        if still_fires {
            bot.does("scale deployment/web in shop 4 -> 6").await;
        }
        bot.ends(if still_fires { Outcome::Fixed } else { Outcome::NothingToDo }).await;
    }
}

#[tokio::test]
async fn when_a_receiver_is_back_the_worst_comes_first_and_what_is_over_calls_nobody() {
    let mut bot = Bot::begins(&[], vec![]).await;
    let pager = Pager::listening("pager", bot.clock.clone());
    bot.pagers = vec![pager.clone()];
    bot.is_restarted().await;
    pager.is_away();
    fires(&mut bot, "DiskFull", "a", "warning").await;
    fires(&mut bot, "QueueStuck", "queue", "warning").await;
    bot.passes(minutes(5)).await;
    resolves(&mut bot, "DiskFull", "a", "warning").await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(60)).await;
    pager.is_back();
    while pager.heard().is_empty() {
        bot.passes(Duration::from_secs(30)).await;
    }
    // The first that is tried says that the receiver is back, and the others follow at once.
    bot.settles().await;
    let heard: Vec<String> = pager.heard().iter().map(|heard| heard[6..].to_owned()).collect();
    let place = |what: &str| heard.iter().position(|heard| heard.starts_with(what));
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert!(place("trigger INC-3-1-S1").is_some() && place("trigger INC-2-1-S2").is_some(), "{heard:?}");
    assert!(place("resolve INC-1-1-S2: ").is_some(), "{heard:?}");
    assert_eq!(bot.store().next_delivery_due(&["pager"]).await.unwrap(), None);
}
