//! Limits over all runs: budgets, how many at once, ramps and breakers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::build;
use dogwatch::config::LimitsConfig;
use dogwatch::model::*;
use dogwatch::store::{BreakerStore as _, IncidentStore as _, RunStore as _};
use proptest::prelude::*;

use crate::bot::{Bot, minutes};
use crate::runs::SHOP;
use crate::why::asks;

/// Scales whichever Deployment its alert names.
fn any_shop() -> String {
    SHOP.replace("name: web }", "from: alert }").replace("namespace: shop, from", "from")
}

fn shops(of: usize) -> Vec<Object> {
    (0..of).map(|n| build::deployment(&format!("shop-{n}"), "web", 4)).collect()
}

fn rate(text: &str) -> Option<Rate> {
    Some(text.parse().unwrap())
}

/// A bot with so many shops, and these limits; all of them are slow until their Deployment has more
/// replicas.
async fn bot(of: usize, limits: FleetLimits, playbook: &str) -> Bot {
    let bot = Bot::begins(&[playbook], shops(of)).await;
    bot.rules.limits.set(limits);
    bot.prometheus.follows("shop_latency", || Some(0.4));
    bot
}

/// With a verify that looks at the object itself.
fn helps() -> String {
    any_shop().replace(
        "verify: { query: p99, until: value < 0.1, fail_if: value > 5.0,",
        "verify: { until: target.spec.replicas >= 6,",
    )
}

async fn fires(bot: &mut Bot, n: usize) {
    bot.fires(&format!("ShopSlow{n}"), &[("namespace", &format!("shop-{n}")), ("deployment", "web")]).await;
}

fn triggered_by(playbook: &str, of: usize) -> String {
    let triggers: Vec<String> = (0..of).map(|n| format!("  - alert: ShopSlow{n}\n")).collect();
    playbook.replace("  - alert: ShopSlow\n", &triggers.concat())
}

/// The most runs that were changing something at one moment, by the runs' logs.
async fn most_at_once(bot: &Bot) -> usize {
    let mut turns = Vec::new();
    for run in bot.runs().await {
        let log = bot.store().run_log(run.id).await.unwrap();
        let Some((began, _)) = log.iter().find(|(_, event)| matches!(event, RunEvent::Started { .. })) else {
            continue;
        };
        turns.push((*began, 1));
        turns.extend(run.ended_at.map(|ended| (ended, -1)));
    }
    // Who ends at a moment is over before who begins.
    turns.sort();
    let (mut now, mut most) = (0_isize, 0);
    for (_, turn) in turns {
        now += turn;
        most = most.max(now);
    }
    usize::try_from(most).unwrap()
}

#[tokio::test]
async fn twelve_targets_in_nine_seconds_are_a_ramp_and_no_storm() {
    let limits = LimitsConfig::default().fleet();
    let mut bot = bot(12, limits, &triggered_by(&helps(), 12)).await;
    for n in 0..12 {
        fires(&mut bot, n).await;
        bot.passes(Duration::from_millis(750)).await;
    }
    assert_eq!(bot.changes().await.len(), 1, "the first is alone until its verify held");
    bot.passes(Duration::from_secs(65)).await;
    assert_eq!(bot.changes().await.len(), 1 + 2, "then two");
    assert_eq!(most_at_once(&bot).await, 2);
    bot.passes(minutes(20)).await;
    assert_eq!(bot.changes().await.len(), 12);
    assert_eq!(most_at_once(&bot).await, 5, "1, 2, 4, and the five that are left");
    assert!(bot.runs().await.iter().all(|run| run.outcome == Some(Outcome::Fixed)));
    bot.pages([]).await;
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn the_first_that_does_not_help_stops_the_ramp_for_a_person() {
    let limits = LimitsConfig::default().fleet();
    let mut bot = bot(4, limits, &triggered_by(&any_shop(), 4)).await;
    for n in 0..4 {
        fires(&mut bot, n).await;
    }
    bot.passes(minutes(20)).await;
    assert_eq!(bot.changes().await.len(), 1, "nobody else tries what did not help");
    let told = bot.delivered_texts("announcement").await;
    let text = "the ramp of shop-slow stops, as RUN-1 did not help: no other run of it begins to change anything for 1h; \
                /close playbook=shop-slow lets them";
    assert_eq!(told, [text]);
    let because = bot.runs().await[1].because.clone().unwrap();
    assert!(because.contains("the ramp of shop-slow has stopped, as RUN-1 did not help"), "{because}");
    let open = bot.store().unanswered_pages().await.unwrap().len();
    assert!(open <= 2, "those that stop for one reason are one incident, and not {open} pages");

    // It stands wherever an open breaker would.
    let line = "the ramp of shop-slow has stopped since 2026-03-02 02:";
    let how = "before 2026-03-02 03:";
    for asked in ["/breakers", "/incidents", "/playbooks", "/why INC-1"] {
        let answer = asks(&bot, asked).await;
        let told = answer.lines().find(|told| told.starts_with(line));
        let told = told.unwrap_or_else(|| panic!("{asked}: {answer}"));
        assert!(told.contains(how) && told.ends_with("RUN-1 did not help; /close playbook=shop-slow REASON"), "{told}");
    }
    assert_eq!(bot.measures("dogwatch_ramps_stopped").await, "1");
    assert_eq!(bot.measures("dogwatch_breakers_open").await, "0");
    bot.is_restarted().await;

    let reply = bot.types("anna", "/close playbook=shop-slow the cache is mended").await;
    assert_eq!(reply, "the ramp of shop-slow goes on: its next run is alone until its verify held, and others follow");
    assert_eq!(asks(&bot, "/breakers").await, "no breaker is open, and no ramp has stopped");
    assert_eq!(bot.measures("dogwatch_ramps_stopped").await, "0");
    let asked = bot.types("bob", "/run shop-slow namespace=shop-3 name=web").await;
    assert!(asked.contains("autonomy approve"), "{asked}");
    bot.passes(minutes(1)).await;
    bot.says("anna", Command::Approve { approval: ApprovalId(1), verdict: Verdict::Approve, digest: None }).await;
    bot.passes(minutes(1)).await;
    assert_eq!(bot.changes().await.len(), 2);
}

/// Whose fault it is not: what a budget held up for too long has not failed to help.
#[tokio::test]
async fn what_a_limit_refused_is_no_failure_of_its_playbook() {
    let limits = FleetLimits { mutations: rate("1 per 12h"), breaker: rate("1 per 24h"), ..FleetLimits::default() };
    let mut bot = bot(3, limits, &triggered_by(&any_shop(), 3)).await;
    bot.prometheus.follows("shop_latency", || Some(0.4));
    fires(&mut bot, 0).await;
    bot.passes(minutes(20)).await;
    let opened = bot.store().breakers().await.unwrap();
    assert!(opened.len() == 1 && opened[0].because.starts_with("RUN-1 did not help"), "{opened:?}");
    bot.types("anna", "/close playbook=shop-slow the cache is mended").await;
    for n in 1..3 {
        fires(&mut bot, n).await;
        bot.passes(minutes(60)).await;
    }
    assert_eq!(bot.changes().await.len(), 1, "the budget holds");
    assert_eq!(bot.store().breakers().await.unwrap(), [], "and says nothing of the playbook");
}

/// What was under way when the breaker was closed began before whatever was mended.
#[tokio::test]
async fn runs_of_before_a_close_open_no_breaker_again() {
    let limits = FleetLimits { breaker: rate("1 per 24h"), ..FleetLimits::default() };
    let mut bot = bot(3, limits, &triggered_by(&any_shop(), 3)).await;
    fires(&mut bot, 0).await;
    bot.passes(minutes(3)).await;
    fires(&mut bot, 1).await;
    bot.passes(minutes(3)).await;
    assert_eq!(bot.store().breakers().await.unwrap().len(), 1);
    bot.types("anna", "/close playbook=shop-slow the cache is mended").await;
    bot.passes(minutes(20)).await;
    assert_eq!(bot.runs().await[1].outcome, Some(Outcome::Escalated));
    assert_eq!(bot.store().breakers().await.unwrap(), []);
}

/// A yes would be to nothing.
#[tokio::test]
async fn nobody_is_asked_about_what_a_breaker_or_a_ramp_refuses() {
    for limits in [
        FleetLimits { breaker: rate("1 per 24h"), ..FleetLimits::default() },
        FleetLimits { ramp: Some(Duration::from_secs(3600)), ..FleetLimits::default() },
    ] {
        let playbook = triggered_by(&any_shop(), 3).replace("autonomy: auto", "autonomy: approve");
        let mut bot = bot(3, limits, &playbook).await;
        fires(&mut bot, 0).await;
        bot.passes(minutes(1)).await;
        bot.types("anna", "/approve APR-1").await;
        // The second was asked about while it was not known whether the first helps.
        fires(&mut bot, 1).await;
        bot.passes(minutes(20)).await;
        assert_eq!(bot.changes().await.len(), 1);
        assert_eq!(bot.runs().await[0].outcome, Some(Outcome::Escalated));
        fires(&mut bot, 2).await;
        bot.passes(minutes(1)).await;
        let asked = asks(&bot, "/approvals").await;
        assert!(asked.contains("APR-2") && !asked.contains("APR-3"), "{limits:?}: {asked}");
        let last = bot.runs().await.pop().unwrap();
        let because = last.because.as_deref().unwrap_or_default();
        assert!(because.contains("of shop-slow") && because.contains("RUN-1 did not help"), "{limits:?}: {last:?}");
    }
}

#[tokio::test]
async fn a_breaker_opens_after_so_many_failures_and_only_a_person_closes_it() {
    let limits = FleetLimits { breaker: rate("2 per 2h"), ..FleetLimits::default() };
    let mut bot = bot(4, limits, &triggered_by(&any_shop(), 4)).await;
    for n in 0..2 {
        fires(&mut bot, n).await;
        bot.passes(minutes(20)).await;
    }
    let because = "RUN-1, RUN-2 did not help, and `engine.limits.breaker` is 2 per 2h";
    let open = bot.store().breakers().await.unwrap();
    assert_eq!(
        open.iter().map(|open| (open.playbook.as_str(), open.because.as_str())).collect::<Vec<_>>(),
        [("shop-slow", because)]
    );
    let told = bot.delivered_texts("announcement").await;
    assert!(
        told.len() == 1 && told[0].starts_with(&format!("the breaker of shop-slow is open: {because}.")),
        "{told:?}"
    );
    assert_eq!(bot.measures("dogwatch_breakers_open").await, "1");
    // Over a restart, and for as long as nobody says so.
    bot.is_restarted().await;
    bot.passes(minutes(60 * 5)).await;
    fires(&mut bot, 2).await;
    bot.passes(minutes(1)).await;
    assert_eq!(bot.changes().await.len(), 2);
    let last = bot.runs().await.pop().unwrap();
    let refused = "the breaker of shop-slow is open since 2026-03-02 02";
    assert!(last.outcome == Some(Outcome::Escalated) && last.because.as_ref().unwrap().contains(refused), "{last:?}");
    let line = format!("no run of it changes anything: {because}; /close playbook=shop-slow REASON");
    for asked in ["/breakers", "/incidents", &format!("/why {}", last.incident)] {
        let answer = asks(&bot, asked).await;
        assert!(answer.contains(&line), "{asked}: {answer}");
    }
    assert!(bot.types("anna", "/close dns it is mended").await.starts_with("there is no playbook `dns`"));
    let closed = "the breaker of shop-slow is closed: its runs may change things again; where a ramp holds, the first of them alone";
    assert_eq!(bot.types("anna", "/close playbook=shop-slow it is mended").await, closed);
    assert_eq!(asks(&bot, "/breakers").await, "no breaker is open, and no ramp has stopped");
    fires(&mut bot, 3).await;
    bot.passes(minutes(1)).await;
    assert_eq!(bot.changes().await.len(), 3);
    bot.passes(minutes(20)).await;
    assert!(bot.store().breakers().await.unwrap().is_empty(), "what failed before counts no more");
}

#[tokio::test]
async fn a_budget_is_waited_for_and_then_a_person_is_called_with_its_numbers() {
    let of = |within: &str| FleetLimits { mutations: rate(&format!("1 per {within}")), ..FleetLimits::default() };
    let mut bot = bot(3, of("10m"), &triggered_by(&helps(), 3)).await;
    for n in 0..3 {
        fires(&mut bot, n).await;
    }
    assert_eq!(bot.changes().await.len(), 1);
    let waits = bot.log().await.into_iter().find_map(|(_, event)| match event {
        RunEvent::Waiting { because, .. } => Some(because),
        _ => None,
    });
    let said = "`engine.limits.mutations` is 1 per 10m, and 1 changes were begun in that time";
    assert_eq!(waits.as_deref(), Some(said));
    bot.is_restarted().await;
    bot.passes(minutes(11)).await;
    assert_eq!(bot.changes().await.len(), 2);
    bot.rules.limits.set(of("6h"));
    bot.passes(minutes(30)).await;
    assert_eq!(bot.changes().await.len(), 2);
    let last = bot.runs().await.pop().unwrap();
    let because = last.because.unwrap();
    assert_eq!(last.outcome, Some(Outcome::Escalated));
    assert!(
        because.contains("`engine.limits.mutations` is 1 per 6h, and 2 changes were begun in that time"),
        "{because}"
    );
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn limits_of_a_playbook_and_of_a_namespace_are_its_own() {
    let limited = |limit: &str| helps().replace("triggers:", &format!("limits: {{ {limit} }}\ntriggers:"));
    let mut per_playbook =
        bot(3, FleetLimits::default(), &triggered_by(&limited("runs_per_playbook: 2 per 1h"), 3)).await;
    for n in 0..3 {
        fires(&mut per_playbook, n).await;
    }
    assert_eq!(per_playbook.changes().await.len(), 2);
    let mut per_namespace =
        bot(3, FleetLimits::default(), &triggered_by(&limited("runs_per_namespace: 1 per 1h"), 3)).await;
    let other = build::deployment("shop-0", "api", 4);
    per_namespace.cluster.apply(&other, "helm").unwrap();
    fires(&mut per_namespace, 0).await;
    fires(&mut per_namespace, 1).await;
    per_namespace.fires("ShopSlow2", &[("namespace", "shop-0"), ("deployment", "api")]).await;
    assert_eq!(per_namespace.changes().await.len(), 2, "the second in shop-0 waits");
    let fleet = FleetLimits { mutations_per_namespace: rate("1 per 1h"), ..FleetLimits::default() };
    let mut in_namespace = bot(2, fleet, &triggered_by(&helps(), 3)).await;
    in_namespace.cluster.apply(&build::deployment("shop-0", "api", 4), "helm").unwrap();
    fires(&mut in_namespace, 0).await;
    fires(&mut in_namespace, 1).await;
    in_namespace.fires("ShopSlow2", &[("namespace", "shop-0"), ("deployment", "api")]).await;
    assert_eq!(in_namespace.changes().await.len(), 2);
}

#[tokio::test]
async fn a_group_that_was_begun_is_finished_whatever_the_limits() {
    let mut bot = Bot::begins(&[&crate::runs::in_three_steps()], crate::runs::shop()).await;
    bot.rules.limits.set(FleetLimits { mutations: rate("1 per 6h"), ..FleetLimits::default() });
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4)]);
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    bot.passes(minutes(1)).await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("`engine.limits.mutations` is 1 per 6h, and 2 changes were begun"), "{because}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever fires when, whoever dies in the middle: no limit is ever exceeded.
    #[test]
    fn no_limit_is_exceeded_whatever_happens(
        mutations in 1_u32..5,
        at_once in 1_u32..4,
        has_ramp in any::<bool>(),
        story in proptest::collection::vec((0_usize..6, 0_u64..240, proptest::option::weighted(0.2, 1_usize..30)), 1..10),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let within = Duration::from_secs(600);
            let ramp = has_ramp.then_some(Duration::from_secs(3_600));
            let limits = FleetLimits {
                mutations: Some(Rate { most: mutations, within }),
                at_once: Some(at_once),
                ramp,
                ..FleetLimits::default()
            };
            let mut bot = bot(6, limits, &triggered_by(&helps(), 6)).await;
            for (n, seconds, dies) in story {
                if let Some(more) = dies {
                    bot.fuse.dies_after(more);
                }
                fires(&mut bot, n).await;
                bot.passes(Duration::from_secs(seconds)).await;
            }
            bot.passes(minutes(40)).await;
            let log = bot.log().await;
            let begun: Vec<_> = log.iter().filter(|(_, event)| matches!(event, RunEvent::Done { .. })).map(|(at, _)| *at).collect();
            for at in &begun {
                let count = begun.iter().filter(|other| **other > *at - within && **other <= *at).count();
                assert!(count <= mutations as usize, "{count} changes in ten minutes: {log:#?}");
            }
            let most = most_at_once(&bot).await;
            assert!(most <= at_once as usize, "{most} at once: {log:#?}");
            bot.keeps_the_laws().await;
        });
    }
}

#[tokio::test]
async fn limits_are_read_from_the_file_and_what_is_not_built_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dogwatch.yaml");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        dogwatch::config::Config::load(&file).map_err(|error| error.to_string())
    };
    let limits = read("engine: { limits: { mutations: 5 per 1m, at_once: none, ramp: none, breaker: none } }").unwrap();
    let fleet = limits.engine.limits.fleet();
    assert_eq!((fleet.mutations, fleet.at_once, fleet.ramp, fleet.breaker), (rate("5 per 1m"), None, None, None));
    assert_eq!(fleet.mutations_per_namespace, rate("10 per 10m"), "what is not named stays");
    assert!(read("engine: { limits: { mutations: many } }").is_err());
    let refused = read("engine: { limits: { untouched: { nodes: 90% } } }").unwrap().check().unwrap_err().to_string();
    assert!(refused.contains("stays untouched is not built") && refused.contains("dogwatch.yaml:1:"), "{refused}");
}

/// Limits of a target are about what was tried. What another limit refused was not.
#[tokio::test]
async fn what_a_limit_or_a_breaker_held_up_is_no_run_of_its_target() {
    let limited = any_shop().replace("triggers:", "limits: { runs: 1 per 6h, cooldown: 2h }\ntriggers:");
    let playbook = triggered_by(&limited, 2);
    // Over a limit in vain, at once by a breaker, and before anybody is asked.
    for (limits, playbook) in [
        (FleetLimits { mutations: rate("1 per 12h"), ..FleetLimits::default() }, playbook.clone()),
        (FleetLimits { breaker: rate("1 per 24h"), ..FleetLimits::default() }, playbook.clone()),
        (
            FleetLimits { ramp: Some(Duration::from_secs(12 * 3_600)), ..FleetLimits::default() },
            playbook.replace("autonomy: auto", "autonomy: approve"),
        ),
    ] {
        let mut bot = bot(2, limits, &playbook).await;
        fires(&mut bot, 0).await;
        bot.passes(minutes(1)).await;
        bot.types("anna", "/approve APR-1").await;
        bot.passes(minutes(20)).await;
        assert_eq!(bot.changes().await.len(), 1, "{limits:?}");
        // The first has changed something, and is a run of its target.
        bot.resolves("ShopSlow0", &[("namespace", "shop-0"), ("deployment", "web")]).await;
        for _ in 0..2 {
            fires(&mut bot, 1).await;
            bot.passes(minutes(40)).await;
            let last = bot.runs().await.pop().unwrap();
            assert_eq!(last.outcome, Some(Outcome::Escalated), "{limits:?}: {last:?}");
            bot.resolves("ShopSlow1", &[("namespace", "shop-1"), ("deployment", "web")]).await;
            bot.types("anna", &format!("/resolve {} it was looked at", last.incident)).await;
            bot.passes(minutes(30)).await;
        }
        let of_shop_1 = bot.runs().await.into_iter().filter(|run| run.target.key().contains("shop-1")).count();
        let last = bot.runs().await.pop().unwrap().incident;
        let told = asks(&bot, &format!("/timeline {last}")).await;
        assert_eq!(of_shop_1, 2, "{limits:?}: the second is begun as the first was held: {told}");
        bot.rules.limits.set(FleetLimits::default());
        bot.types("anna", "/close playbook=shop-slow mended").await;
        // What was let counts from then on.
        for _ in 0..2 {
            fires(&mut bot, 1).await;
            bot.passes(minutes(1)).await;
            for open in bot.store().open_approvals().await.unwrap() {
                bot.types("anna", &format!("/approve {}", open.id)).await;
            }
            bot.passes(minutes(20)).await;
            let last = bot.runs().await.pop().unwrap();
            bot.resolves("ShopSlow1", &[("namespace", "shop-1"), ("deployment", "web")]).await;
            bot.types("anna", &format!("/resolve {} it was looked at", last.incident)).await;
            bot.passes(minutes(30)).await;
        }
        assert_eq!((bot.changes().await.len(), bot.runs().await.len()), (2, 4), "{limits:?}: {:#?}", bot.runs().await);
    }
}

/// One that waits for a limit until its alert is over has tried nothing either; one that diagnosed,
/// and found nothing to do, has.
#[tokio::test]
async fn who_waited_for_a_limit_until_the_alert_was_over_is_no_run_of_its_target() {
    let playbook = triggered_by(&helps().replace("triggers:", "limits: { runs: 1 per 6h }\ntriggers:"), 2);
    let limits = FleetLimits { mutations: rate("1 per 12h"), ..FleetLimits::default() };
    let mut bot = Bot::begins(&[&playbook], shops(2)).await;
    bot.rules.limits.set(limits);
    let is_slow = Arc::new(AtomicBool::new(true));
    let shop = is_slow.clone();
    bot.prometheus.follows("shop_latency", move || Some(if shop.load(Ordering::Relaxed) { 0.4 } else { 0.02 }));
    let shop_1 = [("namespace", "shop-1"), ("deployment", "web")];
    fires(&mut bot, 0).await;
    bot.passes(minutes(20)).await;
    for runs in [2, 3] {
        fires(&mut bot, 1).await;
        bot.passes(minutes(10)).await;
        bot.resolves("ShopSlow1", &shop_1).await;
        bot.passes(minutes(90)).await;
        let all = bot.runs().await;
        let last = all.last().unwrap();
        assert_eq!((all.len(), last.outcome), (runs, Some(Outcome::NothingToDo)), "{last:?}");
    }
    is_slow.store(false, Ordering::Relaxed);
    for _ in 0..2 {
        fires(&mut bot, 1).await;
        bot.passes(minutes(10)).await;
        bot.resolves("ShopSlow1", &shop_1).await;
        bot.passes(minutes(90)).await;
    }
    assert_eq!(bot.runs().await.len(), 4, "it diagnosed, and counts");
    assert_eq!(bot.changes().await.len(), 1);
}

/// What a limit holds of a loop is to be done all the same: somebody hears of it.
#[tokio::test]
async fn what_a_limit_holds_of_a_loop_is_a_persons() {
    let mut bot = Bot::begins(&[crate::loops::GROW], crate::loops::shop_of(&[2, 4, 3])).await;
    bot.rules.limits.set(FleetLimits { mutations: rate("1 per 6h"), ..FleetLimits::default() });
    bot.passes(minutes(5)).await;
    bot.fires("ShopSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(because.contains("engine.limits.mutations") && because.contains("web-2"), "{because}");
    bot.does("scale deployment/web-1 in shop 2 -> 4").await;
    bot.does_nothing_more().await;
}
