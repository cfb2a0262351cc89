//! After an outage of the bot, or of a receiver: what waited is looked at anew.

use std::time::Duration;

use dogwatch::clock::Clock as _;
use dogwatch::intake::Form;
use dogwatch::model::{Autonomy, Outcome, RunEvent};
use dogwatch::store::{OutboxStore as _, SignalStore as _};
use serde_json::json;

use crate::bot::pager::Pager;
use crate::bot::{Bot, minutes};
use crate::budget::{fires, resolves};
use crate::runs::{SHOP, shop};

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

async fn slow_shop() -> Bot {
    let bot = Bot::begins(&[&waiting_shop()], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    bot
}

#[tokio::test]
async fn a_run_that_was_left_alone_for_long_asks_before_it_changes_anything() {
    let mut bot = slow_shop().await;
    bot.fires("ShopSlow", &[]).await;
    bot.is_gone_for(minutes(3 * 60)).await;
    bot.settles().await;
    bot.does_nothing_more().await;
    assert!(matches!(bot.log().await.last(), Some((_, RunEvent::ApprovalAsked { .. }))));
    bot.approves("anna").await;
    bot.passes(minutes(5)).await;
    bot.does("scale deployment/web in shop 4 -> 6").await;
    assert_eq!(bot.end().await.0, Outcome::Fixed);
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
        bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
        comes_in(&bot).await;
        bot.is_gone_for(minutes(3 * 60)).await;
        if is_told_again {
            comes_in(&bot).await;
        }
        bot.settles().await;
        let wanted = if is_told_again { Autonomy::Auto } else { Autonomy::Approve };
        assert_eq!(bot.runs().await[0].autonomy, wanted, "told again: {is_told_again}");
        let told = bot.tells(1).await.join("\n");
        assert_eq!(told.contains("its alert waited here for 3h"), !is_told_again, "{told}");
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
