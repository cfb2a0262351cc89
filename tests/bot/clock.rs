//! Conversations in which somebody sets the wall clock: what waits waits as long as it was meant
//! to, nothing is lost, and nothing happens twice.

use chrono::TimeDelta;
use dogwatch::clock::Clock as _;
use dogwatch::model::*;
use dogwatch::store::{IncidentStore as _, RunStore as _, TimelineEntry, TimelineWhat};

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP, asking, shop};

/// A day forth, a day back, and what NTP mends on a machine that came up with a wrong time.
fn sets() -> [TimeDelta; 4] {
    [TimeDelta::days(1), -TimeDelta::days(1), TimeDelta::minutes(3), -TimeDelta::seconds(90)]
}

async fn bot(playbook: &str, latencies: &[Option<f64>]) -> Bot {
    let bot = Bot::begins(&[playbook], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", latencies);
    bot
}

async fn timeline(bot: &Bot) -> Vec<TimelineEntry> {
    bot.store().timeline(IncidentId(1)).await.unwrap()
}

async fn looks(bot: &Bot) -> usize {
    let log = bot.store().run_log(RunId(1)).await.unwrap();
    log.iter().filter(|(_, event)| matches!(event, RunEvent::Looked { .. })).count()
}

#[tokio::test]
async fn a_verify_looks_neither_earlier_nor_later_than_it_was_meant_to() {
    for by in sets() {
        let mut bot = bot(SHOP, &[Some(0.4), Some(0.02)]).await;
        bot.fires("ShopSlow", &[]).await;
        bot.does(UP).await;
        bot.passes(std::time::Duration::from_secs(20)).await;
        bot.has_its_clock_set(by).await;
        bot.passes(std::time::Duration::from_secs(39)).await;
        assert_eq!(looks(&bot).await, 0, "{by}: its settle time is a minute");
        bot.passes(std::time::Duration::from_secs(2)).await;
        assert_eq!(looks(&bot).await, 1, "{by}");
        bot.ends(Outcome::Fixed).await;
        bot.pages([]).await;
        assert_eq!(bot.clock.now(), bot.started() + by + TimeDelta::seconds(61), "the bot tells the wall clock's time");
    }
}

#[tokio::test]
async fn who_is_to_be_called_in_ten_minutes_is_called_in_ten_minutes() {
    for by in sets() {
        let playbook = asking().replace("page_by: 2h", "page_by: 10m");
        let mut bot = bot(&playbook, &[Some(0.4)]).await;
        bot.fires("ShopSlow", &[]).await;
        bot.passes(minutes(4)).await;
        bot.has_its_clock_set(by).await;
        bot.passes(minutes(5)).await;
        bot.pages([]).await;
        bot.passes(minutes(2)).await;
        bot.pages(["shop overdue"]).await;
    }
}

#[tokio::test]
async fn a_question_stays_open_as_long_as_it_was_said_to() {
    for by in sets() {
        let mut late = bot(&asking(), &[Some(0.4)]).await;
        late.fires("ShopSlow", &[]).await;
        late.has_its_clock_set(by).await;
        late.passes(minutes(31)).await;
        assert!(late.approves("alice").await.contains("expired"), "{by}");
        late.ends(Outcome::Escalated).await;

        // Asked, found out again after the yes, and looked at.
        let mut in_time = bot(&asking(), &[Some(0.4), Some(0.4), Some(0.02)]).await;
        in_time.fires("ShopSlow", &[]).await;
        in_time.passes(minutes(10)).await;
        in_time.has_its_clock_set(by).await;
        in_time.passes(minutes(19)).await;
        assert_eq!(in_time.approves("alice").await, "APR-1: approved; RUN-1 goes on", "{by}");
        in_time.does(UP).await;
        in_time.ends(Outcome::Fixed).await;
    }
}

#[tokio::test]
async fn a_limit_counts_time_that_has_passed() {
    let playbook = SHOP.replace("page_by: 2h", "page_by: 2h\nlimits: { runs: 1 per 2h }");
    for by in [TimeDelta::hours(3), -TimeDelta::hours(3)] {
        let mut bot = bot(&playbook, &[Some(0.4), Some(0.02), Some(0.4)]).await;
        bot.fires("ShopSlow", &[]).await;
        bot.does(UP).await;
        bot.ends(Outcome::Fixed).await;
        bot.resolves("ShopSlow", &[]).await;
        bot.has_its_clock_set(by).await;
        bot.passes(minutes(60)).await;
        bot.fires("ShopSlow", &[("pod", "a")]).await;
        assert_eq!(bot.runs().await.len(), 1, "{by}: it ran an hour ago");
        bot.passes(minutes(70)).await;
        bot.resolves("ShopSlow", &[("pod", "a")]).await;
        bot.fires("ShopSlow", &[("pod", "b")]).await;
        assert_eq!(bot.runs().await.len(), 2, "{by}: it ran more than two hours ago");
    }
}

#[tokio::test]
async fn the_timeline_says_so_and_stays_in_order() {
    let mut bot = bot(SHOP, &[Some(0.4), Some(0.02)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.passes(std::time::Duration::from_secs(10)).await;
    bot.has_its_clock_set(-TimeDelta::hours(1)).await;
    bot.ends(Outcome::Fixed).await;
    let timeline = timeline(&bot).await;
    let position = |is: &dyn Fn(&TimelineWhat) -> bool| timeline.iter().position(|entry| is(&entry.what)).unwrap();
    let told = position(&|what| format!("{what:?}").contains("the clock was set back by 1h; what waits"));
    let done = position(&|what| matches!(what, TimelineWhat::Run(_, RunEvent::Done { .. })));
    let looked = position(&|what| matches!(what, TimelineWhat::Run(_, RunEvent::Looked { .. })));
    assert!(done < told && told < looked, "{timeline:#?}");
}

#[tokio::test]
async fn a_bot_that_dies_while_the_clock_is_set_moves_what_waits_once() {
    for point in ["before move_what_waits", "after move_what_waits"] {
        for by in [TimeDelta::days(1), -TimeDelta::days(1)] {
            let playbook = asking().replace("page_by: 2h", "page_by: 10m");
            let mut bot = bot(&playbook, &[Some(0.4)]).await;
            bot.fires("ShopSlow", &[]).await;
            bot.passes(minutes(4)).await;
            bot.fuse.dies_at_next(point);
            bot.has_its_clock_set(by).await;
            let moved = bot.store().run_log(RunId(1)).await.unwrap();
            let moved = moved.iter().filter(|(_, event)| matches!(event, RunEvent::ClockMoved { .. })).count();
            let unseen = point == "before move_what_waits" && by > TimeDelta::zero();
            assert_eq!(moved, usize::from(!unseen), "{point}, {by}");
            // A process that finds its clock set back knows only what was told last: that was at
            // the beginning.
            bot.passes(minutes(if point.starts_with("before") { 11 } else { 7 })).await;
            // A clock that was set forth before the process began looks as if it had been away for
            // a day.
            bot.pages([if unseen { "shop escalated" } else { "shop overdue" }]).await;
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_while_the_bot_is_away_keeps_nobody_waiting() {
    let playbook = asking().replace("page_by: 2h", "page_by: 10m");
    let mut bot = bot(&playbook, &[Some(0.4)]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.clock.step(bot.clock.now() - TimeDelta::days(30));
    bot.is_restarted().await;
    bot.passes(minutes(11)).await;
    bot.pages(["shop overdue"]).await;
    // What it wrote before it was set back tells nothing about today's clock.
    bot.is_restarted().await;
    let log = bot.store().run_log(RunId(1)).await.unwrap();
    let moved = log.iter().filter(|(_, event)| matches!(event, RunEvent::ClockMoved { .. })).count();
    assert_eq!(moved, 1);
}
