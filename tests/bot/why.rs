//! Why somebody was paged and why nobody was, as whoever asks at night reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use dogwatch::chat::{Desk, Handoffs, Previews};
use dogwatch::cluster::Object;
use dogwatch::message::Room;
use dogwatch::model::*;
use dogwatch::oncall::{OnCall, Roster};
use insta::assert_snapshot;
use serde_json::json;

use crate::bot::pager::Pager;
use crate::bot::{Bot, minutes};
use crate::budget::{fires, folded};
use crate::page_texts::told as delivered;
use crate::runs::{SHOP, asking, shop};

const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }, { name: bob }]
teams:
  - name: platform
    rotation: { time_zone: Europe/Berlin, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada, bob] }
  - name: shop
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob] }
";

pub struct Nothing;

#[async_trait]
impl Previews for Nothing {
    async fn preview(&self, _: &str, _: &BTreeMap<String, String>) -> Result<String, String> {
        Err("nobody asks for it".into())
    }
}

#[async_trait]
impl Handoffs for Nothing {
    async fn so_far(&self) -> Result<String, String> {
        Err("nobody asks for it".into())
    }
}

/// All that a viewer is answered.
pub async fn asks(bot: &Bot, line: &str) -> String {
    asks_with(bot, Roster::new(OnCall::parse("oncall.yaml", ONCALL).unwrap()), line).await
}

/// The same where the on-call file is another one.
pub async fn asks_with(bot: &Bot, oncall: Roster, line: &str) -> String {
    let nothing = Arc::new(Nothing);
    let severities = bot.rules.severities.clone();
    let desk = Desk::new(bot.store().clone(), bot.clock.clone(), Arc::default(), nothing.clone(), nothing)
        .explaining(severities, oncall, "platform")
        .seeing(bot.rules.freeze_map.clone());
    let person = Person { name: "eve".into(), via: Via::Console, id: "eve".into(), role: Some(Role::Viewer) };
    desk.handle_text(&person, line, None).await.text
}

/// What the answer says of pages.
async fn why(bot: &Bot, id: i64) -> String {
    let answer = asks(bot, &format!("/why INC-{id}")).await;
    let (before, _) = answer.split_once("\n\nalerts:").unwrap();
    before.to_owned()
}

fn playbook(autonomy: &str, page_by: &str) -> String {
    SHOP.replace("autonomy: auto", &format!("autonomy: {autonomy}"))
        .replace("page_by: 2h", &format!("page_by: {page_by}"))
}

async fn shop_bot(playbook: &str) -> Bot {
    let bot = Bot::begins(&[playbook], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    bot
}

#[tokio::test]
async fn an_alert_that_nobody_knows_paged_by_its_own_word() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    delivered(&bot, Room::Whole).await;
    bot.types("anna", "/ack 1").await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S1 acknowledged: ApiDown namespace=api deployment=api: it is not well
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-1 to team platform at 2026-03-02 02:00:00 UTC: it is S1, which pages at once; no playbook is run for it; acknowledged at 2026-03-02 02:00:00 UTC
        S1, as ApiDown says severity=critical
        console: trigger taken at 2026-03-02 02:00:00 UTC; it calls ada, on call for platform by its rotation from 2026-02-23 09:00:00 UTC to 2026-03-02 09:00:00 UTC
    ");
}

#[tokio::test]
async fn a_word_that_nobody_knows_paged() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiOdd", "api", "purple").await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S2 open: ApiOdd namespace=api deployment=api: it is not well
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-1 to team platform at 2026-03-02 02:00:00 UTC: no playbook knows this alert; not acknowledged
        an alert without a playbook pages at once where it is S1 or S2
        S2, as ApiOdd says severity=purple, a word that nobody knows
        on call for platform then: bob, by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:00:00 UTC
        it is on its way
    ");
}

#[tokio::test]
async fn what_became_worse_paged_anew() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiSlow", "api", "warning").await;
    delivered(&bot, Room::Whole).await;
    bot.types("anna", "/ack 1").await;
    bot.passes(minutes(5)).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S1 acknowledged: ApiSlow namespace=api deployment=api: it is not well
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-1 to team platform at 2026-03-02 02:00:00 UTC: no playbook knows this alert; acknowledged at 2026-03-02 02:00:00 UTC
        an alert without a playbook pages at once where it is S1 or S2
        S2, as ApiSlow says severity=warning
        console: trigger taken at 2026-03-02 02:00:00 UTC; it calls ada, on call for platform by its rotation from 2026-02-23 09:00:00 UTC to 2026-03-02 09:00:00 UTC
      PAGE-2 to team platform at 2026-03-02 02:05:00 UTC: it is S1, which pages at once; no playbook is run for it; not acknowledged
        S1, as ApiDown fires (it was S2)
        on call for platform then: bob, by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:05:00 UTC
        it is on its way
    ");
}

#[tokio::test]
async fn a_run_that_needs_a_person_paged() {
    let mut bot = Bot::begins(&[SHOP], shop()).await;
    bot.prometheus.follows("shop_latency", || Some(9.0));
    bot.fires("ShopSlow", &[]).await;
    bot.end().await;
    bot.passes(minutes(1)).await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S2 open: the shop is slow: deployment/web in shop
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-1 to team shop at 2026-03-02 02:01:00 UTC: RUN-1 of shop-slow stopped and needs a person: the verify of mitigate.scale failed: 9 for `shop_latency_seconds`: `value > 5.0`; not acknowledged
        S2, as its playbook shop-slow says
        on call for shop then: bob, by its rotation from 2026-02-23 09:00:00 UTC to 2026-03-02 09:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:01:00 UTC
        it is on its way
    ");
}

#[tokio::test]
async fn what_nobody_took_in_time_paged() {
    let mut bot = shop_bot(&playbook("suggest", "30m")).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(31)).await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S2 open: the shop is slow: deployment/web in shop
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-1 to team shop at 2026-03-02 02:30:00 UTC: it is not mitigated after the time that its playbook allows; RUN-1 of shop-slow ended: proposed: the diagnosis is complete; its autonomy is suggest: what it would do is shown, not done; not acknowledged
        its time to be taken had come, 30m after it was opened, and nobody had acknowledged it
        S2, as its playbook shop-slow says
        on call for shop then: bob, by its rotation from 2026-02-23 09:00:00 UTC to 2026-03-02 09:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:30:00 UTC
        it is on its way
    ");
}

#[tokio::test]
async fn what_has_time_left_pages_nobody_yet() {
    let mut bot = shop_bot(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(3)).await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S2 open: the shop is slow: deployment/web in shop
    open since 2026-03-02 02:00:00 UTC

    why nobody was paged:
      its time to be taken has not come: team shop is paged at 2026-03-02 04:00:00 UTC, in 1h57m, unless somebody acknowledges it before
      RUN-1 of shop-slow is at it
    ");
}

#[tokio::test]
async fn what_a_run_has_fixed_pages_nobody_unless_it_fires_on() {
    let mut bot = shop_bot(&playbook("auto", "30m")).await;
    bot.fires("ShopSlow", &[]).await;
    bot.end().await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S2 mitigated: the shop is slow: deployment/web in shop
    open since 2026-03-02 02:00:00 UTC

    why nobody was paged:
      RUN-1 of shop-slow fixed it at 2026-03-02 02:01:00 UTC: every step of the mitigation is done; it pages all the same if its alerts fire on
      its time to be taken has not come: team shop is paged at 2026-03-02 02:31:00 UTC, in 30m, unless its alerts resolve, or somebody acknowledges it, before
    ");
    bot.passes(minutes(31)).await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S2 open: the shop is slow: deployment/web in shop
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-1 to team shop at 2026-03-02 02:31:00 UTC: its alerts still fire although RUN-1 called it fixed: every step of the mitigation is done; not acknowledged
        it fired on until its time, 31m after it was opened
        S2, as its playbook shop-slow says
        on call for shop then: bob, by its rotation from 2026-02-23 09:00:00 UTC to 2026-03-02 09:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:31:00 UTC
        it is on its way
    ");
}

#[tokio::test]
async fn what_was_over_before_its_time_paged_nobody() {
    let mut bot = shop_bot(&playbook("auto", "30m")).await;
    bot.fires("ShopSlow", &[]).await;
    bot.end().await;
    bot.resolves("ShopSlow", &[]).await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S2 resolved: the shop is slow: deployment/web in shop
    open since 2026-03-02 02:00:00 UTC

    why nobody was paged:
      it was over before a page was due: resolved at 2026-03-02 02:01:00 UTC by alertmanager: all its alerts have resolved
      RUN-1 of shop-slow fixed it at 2026-03-02 02:01:00 UTC: every step of the mitigation is done
    ");
}

#[tokio::test]
async fn what_somebody_took_before_its_time_paged_nobody() {
    let mut bot = shop_bot(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.types("anna", "/ack 1").await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S2 acknowledged: the shop is slow: deployment/web in shop
    open since 2026-03-02 02:00:00 UTC

    why nobody was paged:
      anna acknowledged it at 2026-03-02 02:00:00 UTC, before a page was due
    ");
}

#[tokio::test]
async fn what_is_less_than_s2_wakes_nobody() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "CertificateOld", "api", "info").await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S3 open: CertificateOld namespace=api deployment=api: it is not well
    open since 2026-03-02 02:00:00 UTC

    why nobody was paged:
      what is less than S2 wakes nobody, and this is S3, as CertificateOld says severity=info
    ");
    let mut bot = Bot::begins(&[&SHOP.replace("severity: S2", "severity: S3")], shop()).await;
    bot.prometheus.follows("shop_latency", || Some(9.0));
    bot.fires("ShopSlow", &[]).await;
    bot.end().await;
    bot.settles().await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S3 open: the shop is slow: deployment/web in shop
    open since 2026-03-02 02:00:00 UTC

    why nobody was paged:
      what is less than S2 wakes nobody, and this is S3, as its playbook shop-slow says
      PAGE-1 to team shop at 2026-03-02 02:01:00 UTC: RUN-1 of shop-slow stopped and needs a person: the verify of mitigate.scale failed: 9 for `shop_latency_seconds`: `value > 5.0`; not acknowledged
        it pages nobody: it stands in chat, the list and the handoff until somebody acknowledges it
    ");
}

#[tokio::test]
async fn a_window_held_it_back() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "Other", "other", "info").await;
    bot.types("anna", "/silence namespace=api --for 2h a new version").await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(30)).await;
    assert_snapshot!(why(&bot, 2).await, @"
    INC-2 S1 open: ApiDown namespace=api deployment=api: it is not well
    open since 2026-03-02 02:00:00 UTC

    why nobody was paged:
      WIN-1 covers it until 2026-03-02 04:00:00 UTC (anna: a new version): it held back 1 alert and 0 pages; what fires then pages
    ");
    bot.types("bob", "/unsilence 1").await;
    assert_snapshot!(why(&bot, 2).await, @"
    INC-2 S1 open: ApiDown namespace=api deployment=api: it is not well
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-1 to team platform at 2026-03-02 02:30:00 UTC: WIN-1 has ended, which held it back, and 1 alert still fires; no playbook is run for it; not acknowledged
        S1, as ApiDown says severity=critical
        on call for platform then: bob, by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:30:00 UTC
        it is on its way
    ");
}

#[tokio::test]
async fn a_page_that_another_one_tells_of() {
    let mut bot = folded().await;
    assert_snapshot!(why(&bot, 4).await, @"
    INC-4 S2 open: DiskFull namespace=b deployment=b: it is not well
    open since 2026-03-02 02:02:00 UTC

    why nobody was paged:
      its page is folded into INC-3's since 2026-03-02 02:02:00 UTC, as the budget of 2 incidents within 12h is spent on INC-1, INC-2, INC-3; it goes out at 2026-03-02 02:32:00 UTC, or when INC-3 is over, unless somebody acknowledges it before: /ack INC-4; why a person is needed: no playbook knows this alert
    ");
    bot.passes(minutes(30)).await;
    assert_snapshot!(why(&bot, 4).await, @"
    INC-4 S2 open: DiskFull namespace=b deployment=b: it is not well
    open since 2026-03-02 02:02:00 UTC

    why somebody was paged:
      PAGE-5 to team platform at 2026-03-02 02:32:00 UTC: no playbook knows this alert; not acknowledged
        an alert without a playbook pages at once where it is S1 or S2
        before, from 2026-03-02 02:02:00 UTC on, only another page told of it, as the budget of 2 incidents within 12h is spent on INC-1, INC-2, INC-3; it went out: nobody has acknowledged it, only told in INC-3's page
        S2, as DiskFull says severity=warning
        on call for platform then: bob, by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:32:00 UTC
        it is on its way
    ");
}

#[tokio::test]
async fn what_is_part_of_another_incident_pages_nobody_itself() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    fires(&mut bot, "CertificateOld", "web", "info").await;
    bot.types("anna", "/merge INC-2 --into INC-1").await;
    assert_snapshot!(why(&bot, 2).await, @"
    INC-2 is part of INC-1:
    INC-1 S1 open: ApiDown namespace=api deployment=api: it is not well
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-1 to team platform at 2026-03-02 02:00:00 UTC: it is S1, which pages at once; no playbook is run for it; not acknowledged
        S1, as ApiDown says severity=critical
        on call for platform then: bob, by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:00:00 UTC
        it is on its way

    why nobody was paged:
      INC-2 is part of INC-1 since 2026-03-02 02:00:00 UTC, says anna: a person says that they have one cause; whoever has INC-1's page is told of it
    ");
}

#[tokio::test]
async fn what_flaps_was_told_once() {
    let mut bot = Bot::begins(&[], vec![]).await;
    for _ in 0..5 {
        bot.fires("PostgresDown", &[("pod", "pg-0"), ("namespace", "db"), ("severity", "critical")]).await;
        bot.passes(minutes(2)).await;
        bot.resolves("PostgresDown", &[("pod", "pg-0"), ("namespace", "db"), ("severity", "critical")]).await;
        bot.passes(minutes(9)).await;
    }
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S1 open: PostgresDown namespace=db pod=pg-0
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-1 to team platform at 2026-03-02 02:00:00 UTC: it is S1, which pages at once; no playbook is run for it; not acknowledged
        S1, as PostgresDown says severity=critical
        on call for platform then: bob, by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:00:00 UTC
        it has reached nobody since 2026-03-02 02:00:00 UTC
      PAGE-2 to team platform at 2026-03-02 02:11:00 UTC: it is S1, which pages at once; no playbook is run for it; not acknowledged
        S1, as PostgresDown says severity=critical
        on call for platform then: bob, by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:11:00 UTC
        it has reached nobody since 2026-03-02 02:11:00 UTC
      PAGE-3 to team platform at 2026-03-02 02:22:00 UTC: it flaps: it began 3 times since 2026-03-02 02:00:00 UTC, so it is told once and held open until it is quiet; not acknowledged
        S1, as PostgresDown says severity=critical
        on call for platform then: bob, by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:22:00 UTC
        it has reached nobody since 2026-03-02 02:22:00 UTC
    ");
}

#[tokio::test]
async fn what_a_person_asked_to_run_pages_nobody() {
    let mut bot = shop_bot(SHOP).await;
    bot.types("anna", "/run shop-slow").await;
    bot.approves("anna").await;
    bot.end().await;
    bot.settles().await;
    assert_snapshot!(why(&bot, 1).await, @"
    INC-1 S2 resolved: the shop is slow: deployment/web in shop
    open since 2026-03-02 02:00:00 UTC

    why nobody was paged:
      it was over before a page was due: resolved at 2026-03-02 02:01:00 UTC by dogwatch: RUN-1 fixed it, and no alert fires
      RUN-1 of shop-slow fixed it at 2026-03-02 02:01:00 UTC: every step of the mitigation is done
    ");
}

#[tokio::test]
async fn what_was_taken_apart_is_up_to_whoever_did() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    fires(&mut bot, "WebDown", "web", "critical").await;
    bot.types("anna", "/merge INC-2 --into INC-1").await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(5)).await;
    bot.types("anna", "/split INC-2").await;
    assert_snapshot!(why(&bot, 2).await, @"
    INC-2 S1 open: WebDown namespace=web deployment=web: it is not well
    open since 2026-03-02 02:00:00 UTC

    why somebody was paged:
      PAGE-2 to team platform at 2026-03-02 02:00:00 UTC: it is S1, which pages at once; no playbook is run for it; acknowledged at 2026-03-02 02:00:00 UTC
        S1, as WebDown says severity=critical
        on call for platform then: bob, by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        console: not tried yet; next at 2026-03-02 02:00:00 UTC

    why nobody was paged since 2026-03-02 02:05:00 UTC:
      its time to be taken has not come: team platform is paged at 2026-03-02 02:10:00 UTC, in 5m, unless somebody acknowledges it before
      anna has split it from INC-1, and is asked to acknowledge it
    ");
}

#[tokio::test]
async fn a_number_that_is_none_is_told_where_to_look() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    assert_snapshot!(asks(&bot, "/why INC-99").await, @"there is no INC-99; /incidents lists those that are open, and /incidents all those of the last day");
    assert_snapshot!(asks(&bot, "/why ApiDown").await, @"`ApiDown` is no INC number; write it as `INC-7`; /incidents lists them");
    assert_snapshot!(asks(&bot, "/why").await, @"it does not say which one; write it like /why INC-7");
}

/// A severity that a tier decided, or that nobody could decide by one, is told with who says so.
#[tokio::test]
async fn a_tier_decided_how_bad_it_is() {
    let of = |kind: &str, api: &str, name: &str, namespace: &str, tier: &str| {
        let metadata = json!({ "name": name, "namespace": namespace, "labels": { "tier": tier } });
        Object(json!({ "kind": kind, "apiVersion": api, "metadata": metadata }))
    };
    let rule = |at_least, at_most| TierRule { at_least, at_most };
    let begins = async || {
        let objects = [("gold", "gold"), ("play", "play")].map(|(name, tier)| of("Namespace", "v1", name, "", tier));
        let mut bot = Bot::begins(&[], objects.into()).await;
        bot.rules.tiers = Arc::new(Tiers {
            names: vec!["tier".into()],
            alert_label: "tier".into(),
            rules: [
                ("gold".to_owned(), rule(Some(Severity::S2), None)),
                ("play".to_owned(), rule(None, Some(Severity::S3))),
            ]
            .into(),
        });
        bot.is_restarted().await;
        bot
    };
    let mut bot = begins().await;
    bot.fires("Slow", &[("severity", "info"), ("namespace", "gold")]).await;
    bot.fires("Down", &[("severity", "critical"), ("namespace", "play")]).await;
    bot.fires("Lost", &[("severity", "critical"), ("namespace", "play"), ("pod", "gone")]).await;
    let line = async |id| {
        let told = why(&bot, id).await;
        told.lines().find(|line| line.contains("(severities.tiers)")).unwrap_or(&told).trim().to_owned()
    };
    assert_snapshot!(line(1).await, @"S2, as Slow says S3, and tier gold of namespace/gold is at_least S2 (severities.tiers)");
    assert_snapshot!(line(2).await, @"what is less than S2 wakes nobody, and this is S3, as Down says S1, and tier play of namespace/play is at_most S3 (severities.tiers)");
    assert_snapshot!(line(3).await, @"S1, as Lost says so, and tier play of namespace/play is at_most S3, which counts not, as pod/gone in play is not there to say what tier it has (severities.tiers)");
    let mut bot = begins().await;
    bot.fires("Slow", &[("severity", "info"), ("namespace", "play")]).await;
    bot.passes(minutes(1)).await;
    bot.fires("Slow", &[("severity", "info"), ("namespace", "gold")]).await;
    let told = why(&bot, 1).await;
    assert!(told.contains("S2, as Slow says S3, and tier gold of namespace/gold is at_least S2"), "{told}");
}

#[tokio::test]
async fn so_many_objects_decided_how_bad_it_is() {
    let mut bot = Bot::begins(&[], vec![]).await;
    for n in 0..25 {
        let node = format!("n{n}");
        bot.fires("Disk", &[("severity", "info"), ("node", &node)]).await;
        bot.passes(std::time::Duration::from_secs(1)).await;
    }
    let told = why(&bot, 1).await;
    assert!(told.contains("S2, as 25 objects are affected (blast_radius.S2 is 25) (it was S3)"), "{told}");
}

/// Each attempt and answer is told, and whom it called by the schedule of its moment, whatever the
/// on-call file says by now.
#[tokio::test]
async fn how_each_receiver_was_told_and_what_it_answered() {
    let mut bot = Bot::begins(&[], vec![]).await;
    let (phone, mail) = (Pager::listening("phone", bot.clock.clone()), Pager::new("mail", bot.clock.clone()));
    bot.pages_by(&[phone.clone(), mail], ONCALL).await;
    phone.is_away();
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(1)).await;
    phone.is_back();
    bot.passes(minutes(1)).await;
    bot.types("bob", "/ack 1").await;
    bot.settles().await;
    bot.is_on_call_by(&ONCALL.replace("members: [ada, bob] }", "members: [ada] }")).await;
    // When it is tried again, and how often that is, is up to chance, too.
    let told =
        regex::Regex::new("02:0[01]:[0-9]{2} UTC").unwrap().replace_all(&why(&bot, 1).await, "02:0x").into_owned();
    let told = regex::Regex::new("[0-9]+ attempts").unwrap().replace(&told, "N attempts").into_owned();
    assert_snapshot!(told, @"
    INC-1 S1 acknowledged: ApiDown namespace=api deployment=api: it is not well
    open since 2026-03-02 02:0x

    why somebody was paged:
      PAGE-1 to team platform at 2026-03-02 02:0x: it is S1, which pages at once; no playbook is run for it; acknowledged at 2026-03-02 02:02:00 UTC
        S1, as ApiDown says severity=critical
        phone: trigger, N attempts from 2026-03-02 02:0x to 2026-03-02 02:0x, each: it is away; it calls bob, on call for platform by its rotation from 2026-02-23 08:00:00 UTC to 2026-03-02 08:00:00 UTC
        mail: trigger taken at 2026-03-02 02:0x
        phone: trigger taken at 2026-03-02 02:0x
        phone: acknowledge taken at 2026-03-02 02:02:00 UTC
      next: bob again, at 2026-03-02 02:32:00 UTC unless somebody does something about it before
    ");
}

#[tokio::test]
async fn of_many_attempts_that_differ_the_first_and_the_last_are_told_and_the_others_counted() {
    let mut bot = Bot::begins(&[], vec![]).await;
    let phone = Pager::listening("phone", bot.clock.clone());
    bot.pages_by(std::slice::from_ref(&phone), ONCALL).await;
    phone.is_away_as("request 0 failed");
    fires(&mut bot, "ApiDown", "api", "critical").await;
    for n in 1..40 {
        phone.is_away_as(&format!("request {n} failed"));
        bot.passes(minutes(12)).await;
    }
    let told = why(&bot, 1).await;
    let lines: Vec<&str> =
        told.lines().filter(|line| line.contains("failed") || line.contains("other attempts")).collect();
    assert!(lines[0].contains("request 0 failed") && lines[4].contains("request 4 failed"), "{told}");
    assert!(lines[5].contains("phone: ") && lines[5].contains(" other attempts from "), "{told}");
    assert!(lines[25].contains("request 39 failed"), "{told}");
    assert_eq!(lines.len(), 26, "{told}");
}

/// Of what was told before attempts were remembered, nothing was remembered of whom it called.
#[tokio::test]
async fn what_is_told_of_a_page_calls_nobody_and_hides_nothing_of_before() {
    let mut bot = Bot::begins(&[], vec![]).await;
    let phone = Pager::listening("phone", bot.clock.clone());
    bot.pages_by(std::slice::from_ref(&phone), ONCALL).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(1)).await;
    bot.tampers("DELETE FROM page_attempt").await;
    bot.fires("ApiDown", &[("namespace", "api"), ("deployment", "api"), ("severity", "critical"), ("pod", "b")]).await;
    bot.passes(minutes(2)).await;
    let told = why(&bot, 1).await;
    assert!(told.contains("phone: delivered at 2026-03-02 02:00:0"), "{told}");
    assert!(told.contains("phone: update taken at") && !told.contains("it calls"), "{told}");
    assert!(told.contains("on call for platform then: bob"), "{told}");
}
