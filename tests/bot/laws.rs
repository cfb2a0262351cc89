//! Whatever happens to a run, and whenever: some things always hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use dogwatch::cluster::sim::{Fault, Verb};
use dogwatch::engine::{Loop, RunState};
use dogwatch::model::*;
use dogwatch::store::RunStore;
use proptest::prelude::*;
use serde_json::json;

use crate::bot::Bot;
use crate::runs::{in_three_steps, shop, web};

/// What may happen to a bot at work.
#[derive(Debug, Clone)]
enum Happens {
    /// The next requests have no effect, or their answers are lost.
    Fault(Fault),
    /// The next queries are not answered.
    PrometheusIsAway(u32),
    Resolves,
    Fires,
    Approves,
    Denies,
    /// A person closes the incident.
    Closes,
    /// Somebody else scales the shop.
    Meddles,
    /// The process ends so many points from now.
    Dies(usize),
    Passes(u64),
    /// Somebody sets the wall clock by so many seconds.
    SetsTheClock(i64),
}

fn fault() -> impl Strategy<Value = Fault> {
    let verb = prop_oneof![3 => Just(Verb::Patch), 2 => Just(Verb::Get), 1 => Just(Verb::List)];
    (verb, 0..3_u32, 1..6_u32).prop_map(|(verb, sort, times)| match sort {
        0 => Fault::Conflict { times },
        1 => Fault::Unavailable { verb, kind: String::new(), times },
        _ => Fault::AnswerLost { verb: Verb::Patch, kind: String::new(), times: 1 },
    })
}

fn happens() -> impl Strategy<Value = Vec<Happens>> {
    let one = prop_oneof![
        6 => fault().prop_map(Happens::Fault),
        1 => (1..8_u32).prop_map(Happens::PrometheusIsAway),
        2 => Just(Happens::Resolves),
        1 => Just(Happens::Fires),
        3 => Just(Happens::Approves),
        1 => Just(Happens::Denies),
        1 => Just(Happens::Closes),
        1 => Just(Happens::Meddles),
        3 => (1..12_usize).prop_map(Happens::Dies),
        6 => (0..90_u64).prop_map(Happens::Passes),
        2 => prop_oneof![-90_000..90_000_i64, -100..100_i64].prop_map(Happens::SetsTheClock),
    ];
    proptest::collection::vec(one, 1..14)
}

impl Happens {
    async fn to(self, bot: &mut Bot) {
        match self {
            Happens::Fault(fault) => bot.cluster.fault(fault),
            Happens::PrometheusIsAway(queries) => bot.prometheus.is_away(queries),
            Happens::Resolves if bot.is_firing("ShopSlow") => bot.resolves("ShopSlow", &[]).await,
            Happens::Resolves => {}
            Happens::Fires => bot.fires("ShopSlow", &[]).await,
            Happens::Approves => {
                bot.approves("alice").await;
            }
            Happens::Denies => {
                bot.denies("bob").await;
            }
            Happens::Closes => {
                bot.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
            }
            Happens::Meddles => {
                bot.cluster.change(&web(), &json!({ "spec": { "replicas": 9 } }), "kubectl").unwrap();
            }
            Happens::Dies(after) => bot.fuse.dies_after(after),
            Happens::SetsTheClock(seconds) => bot.has_its_clock_set(TimeDelta::seconds(seconds)).await,
            Happens::Passes(seconds) => bot.passes(Duration::from_secs(seconds)).await,
        }
    }
}

/// What nobody wants any more is not begun: only the group that was begun is finished.
async fn stops_when_told(bot: &Bot) {
    for run in bot.runs().await {
        let mut told = false;
        for (_, event) in bot.store().run_log(run.id).await.unwrap() {
            match event {
                RunEvent::AlertResolved | RunEvent::CancelAsked { .. } | RunEvent::Braked { .. } => told = true,
                RunEvent::Started { step, .. } => {
                    // What takes something back has laws of its own.
                    assert!(
                        !told || step.to_string() == "mitigate.two" || step.is_undo(),
                        "{step} was begun all the same: {:#?}",
                        bot.log().await
                    );
                }
                _ => {}
            }
        }
    }
}

/// What is taken back was made, is taken back once, and not for an end of the alert, a person or a
/// brake; what did not help, only when a look said so; what was for a while, always.
async fn undo_keeps_the_laws(bot: &Bot, undo: &str) {
    for run in bot.runs().await {
        let log = bot.store().run_log(run.id).await.unwrap();
        let (mut resolved, mut stopped, mut refuted) = (false, false, false);
        let (mut made, mut undone, mut begun) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (_, event) in &log {
            match event {
                RunEvent::AlertResolved => resolved = true,
                RunEvent::CancelAsked { .. } | RunEvent::Braked { .. } => stopped = true,
                RunEvent::Looked { verdict: Look::NotYet | Look::Bad, unanswered: false, .. } => refuted = true,
                RunEvent::Started { step, .. } if step.is_undo() => {
                    assert!(made.contains(&step.of_step()), "{step}: nothing to take back: {log:#?}");
                    assert!(!undone.contains(&step.of_step()), "{step} twice: {log:#?}");
                    let is_new = begun.insert(step.clone());
                    assert!(undo != "never" && !(is_new && stopped), "{step}: {log:#?}");
                    let is_right = undo == "at_end" || (refuted && !(is_new && resolved));
                    assert!(is_right, "{step}: nothing spoke against it: {log:#?}");
                }
                RunEvent::Done { step, .. } | RunEvent::Unneeded { step, .. } if step.is_undo() => {
                    assert!(undone.insert(step.of_step()), "{step} twice: {log:#?}");
                }
                RunEvent::Done { step, .. } => drop(made.insert(step.clone())),
                _ => {}
            }
        }
        if undo == "at_end" && run.outcome == Some(Outcome::Fixed) {
            assert_eq!(made, undone, "{log:#?}");
        }
    }
}

async fn holds(autonomy: &str, undo: &str, before: Vec<Happens>, after: Vec<Happens>) {
    let playbook = in_three_steps().replace("autonomy: auto", &format!("autonomy: {autonomy}"));
    let playbook = playbook.replace("undo: never", &format!("undo: {undo}"));
    let mut bot = Bot::begins(&[&playbook], shop()).await;
    bot.prometheus.follows("shop_latency", || Some(0.4));
    for happens in before {
        happens.to(&mut bot).await;
    }
    bot.fires("ShopSlow", &[]).await;
    for happens in after {
        happens.to(&mut bot).await;
    }
    bot.end().await;
    bot.keeps_the_laws().await;
    stops_when_told(&bot).await;
    undo_keeps_the_laws(&bot, undo).await;
    assert_eq!(bot.locks().await, 0);
}

/// Whatever becomes of it, each item of a loop is changed at most once, by a mark of its own, one
/// after the other, in waves that are no larger than they may be; what nobody wants any more is not
/// begun, none is half done and left, and a run that is fixed has left none.
async fn loops_keep_the_laws(bot: &Bot) {
    for run in bot.runs().await {
        let log = bot.store().run_log(run.id).await.unwrap();
        let (mut told, mut open) = (false, None::<StepAddress>);
        let (mut waves, mut has_failed) = (0, false);
        let (mut begun, mut done) = (BTreeSet::new(), BTreeMap::new());
        let mut marks: BTreeMap<String, StepAddress> = BTreeMap::new();
        for (_, event) in &log {
            match event {
                RunEvent::AlertResolved | RunEvent::CancelAsked { .. } => told = true,
                RunEvent::Started { step, intent, .. } => {
                    assert!(open.as_ref().is_none_or(|open| open == step), "{step} beside {open:?}: {log:#?}");
                    open = Some(step.clone());
                    let is_begun = step.items().is_empty() || begun.contains(step.items());
                    assert!(!told || is_begun || step.is_undo(), "{step} was begun all the same: {log:#?}");
                    let of = marks.entry(intent.marker.clone()).or_insert_with(|| step.clone());
                    assert_eq!(of, step, "two steps have one mark: {log:#?}");
                }
                RunEvent::Done { step, .. } => {
                    open = None;
                    begun.insert(step.items().to_vec());
                    *done.entry(step.clone()).or_insert(0) += 1;
                }
                RunEvent::Failed { step, .. } if open.as_ref() == Some(step) => open = None,
                RunEvent::Wave { keys, .. } => {
                    waves += 1;
                    assert!(keys.len() <= if waves == 1 { 1 } else { 2 }, "too many at once: {log:#?}");
                    assert!(!has_failed, "a wave begins although one has failed: {log:#?}");
                }
                RunEvent::WaveAnew { .. } => waves -= 1,
                RunEvent::ItemEnded { outcome: ItemOutcome::Failed, .. } => has_failed = true,
                _ => {}
            }
        }
        assert!(done.values().all(|times| *times == 1), "{done:?}: {log:#?}");
        let state = RunState::of(&log, None);
        assert_eq!(state.illegal, None, "{log:#?}");
        // None is half changed and called anything but failed.
        for item in state.loops.iter().flat_map(|listed| &listed.items).filter(|item| item.is_begun) {
            let is_right = matches!(item.outcome(), Some(ItemOutcome::Done | ItemOutcome::Failed));
            assert!(is_right, "{} was changed, and is {:?}: {log:#?}", item.key, item.outcome());
        }
        let is_fixed = run.outcome == Some(Outcome::Fixed);
        assert!(!is_fixed || state.loops.iter().all(Loop::is_over), "{log:#?}");
    }
}

/// A loop over three Deployments, two changes of each in a group, by branches.
async fn loop_holds(autonomy: &str, undo: &str, before: Vec<Happens>, after: Vec<Happens>) {
    let (before_scale, after_scale) = crate::loops::GROW.split_once("      - id: scale\n").unwrap();
    let (_, escalate) = after_scale.split_once("escalate:").unwrap();
    let twice = "      - atomic:
          - id: scale
            k8s.scale: { by: \"{{more}}\", max: 9 }
            undo: never
          - id: again
            k8s.scale: { by: 1, max: 9 }
            undo: never
            verify:
              until: target.status.?readyReplicas.orValue(0) == target.spec.replicas
              settle: 1m
              within: 5m
escalate:";
    let playbook = format!("{before_scale}{twice}{escalate}");
    let playbook = playbook.replace("autonomy: auto", &format!("autonomy: {autonomy}"));
    let playbook = playbook.replace("undo: never", &format!("undo: {undo}"));
    let mut objects = crate::loops::shop_of(&[2, 4]);
    objects.extend(shop());
    let mut bot = Bot::begins(&[&playbook], objects).await;
    for happens in before {
        happens.to(&mut bot).await;
    }
    bot.fires("ShopSlow", &[]).await;
    for happens in after {
        happens.to(&mut bot).await;
    }
    bot.end().await;
    bot.keeps_the_laws().await;
    loops_keep_the_laws(&bot).await;
    undo_keeps_the_laws(&bot, undo).await;
    assert_eq!(bot.locks().await, 0);
}

fn undo() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("never"), Just("unless_verified"), Just("at_end")]
}

fn faults_before() -> impl Strategy<Value = Vec<Happens>> {
    proptest::collection::vec(fault().prop_map(Happens::Fault), 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every run ends, whoever escalates has paged, each attempt is made once and was on the log before, and no lock is
    /// left behind.
    #[test]
    fn a_run_keeps_the_laws_whatever_happens(
        is_auto in any::<bool>(),
        undo in undo(),
        before in faults_before(),
        after in happens(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(holds(if is_auto { "auto" } else { "approve" }, undo, before, after));
    }

    #[test]
    fn a_loop_keeps_the_laws_whatever_happens(
        is_auto in any::<bool>(),
        undo in undo(),
        before in faults_before(),
        after in happens(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(loop_holds(if is_auto { "auto" } else { "approve" }, undo, before, after));
    }
}
