//! Whatever happens to incidents and to the bot: nobody who is needed is left uncalled, however
//! many pages are folded into others.

use chrono::TimeDelta;
use dogwatch::clock::Clock as _;
use dogwatch::command::parse_command;
use dogwatch::model::*;
use dogwatch::store::{IncidentFilter, IncidentStore as _};
use proptest::prelude::*;

use crate::bot::{Bot, minutes};
use crate::budget::{fires, resolves};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

#[derive(Debug, Clone)]
pub enum Happens {
    Fires(usize, bool),
    Resolves(usize),
    /// A person acknowledges, closes, merges or takes apart the incidents with these numbers.
    Acks(i64),
    Closes(i64),
    Merges(i64, i64),
    Splits(i64),
    Silences(usize),
    /// The process ends so many points from now.
    Dies(usize),
    Passes(u64),
    SetsTheClock(i64),
}

pub fn happens() -> impl Strategy<Value = Vec<Happens>> {
    let name = 0..NAMES.len();
    let id = || 1..9_i64;
    let one = prop_oneof![
        10 => (name.clone(), prop::bool::weighted(0.15)).prop_map(|(name, bad)| Happens::Fires(name, bad)),
        4 => name.clone().prop_map(Happens::Resolves),
        3 => id().prop_map(Happens::Acks),
        2 => id().prop_map(Happens::Closes),
        2 => (id(), id()).prop_map(|(from, into)| Happens::Merges(from, into)),
        1 => id().prop_map(Happens::Splits),
        1 => name.prop_map(Happens::Silences),
        2 => (1..6_usize).prop_map(Happens::Dies),
        8 => (1..45_u64).prop_map(Happens::Passes),
        1 => prop_oneof![-90_000..90_000_i64, -100..100_i64].prop_map(Happens::SetsTheClock),
    ];
    proptest::collection::vec(one, 8..40)
}

impl Happens {
    pub async fn to(self, bot: &mut Bot) {
        let line = match self {
            Happens::Fires(name, true) => return fires(bot, "DiskLost", NAMES[name], "critical").await,
            Happens::Fires(name, false) => return fires(bot, "DiskFull", NAMES[name], "warning").await,
            Happens::Resolves(name) => return resolves(bot, "DiskFull", NAMES[name], "warning").await,
            Happens::Dies(after) => return bot.fuse.dies_after(after),
            Happens::Passes(lasting) => return bot.passes(minutes(lasting)).await,
            Happens::SetsTheClock(seconds) => return bot.has_its_clock_set(TimeDelta::seconds(seconds)).await,
            Happens::Acks(id) => format!("/ack INC-{id}"),
            Happens::Closes(id) => format!("/resolve INC-{id}"),
            Happens::Merges(from, into) if from == into => return,
            Happens::Merges(from, into) => format!("/merge INC-{from} --into INC-{into}"),
            Happens::Splits(id) => format!("/split INC-{id}"),
            Happens::Silences(name) => format!("/silence namespace={} --for 1h a new disk", NAMES[name]),
        };
        bot.says("anna", parse_command(&line).unwrap()).await;
    }
}

/// Each open incident of S1 or S2 that nobody took has a page that goes out, is told in one whose
/// incident is open, or has a time at which somebody is paged.
async fn somebody_is_called(bot: &Bot) {
    let store = bot.store();
    let unanswered = store.unanswered_pages().await.unwrap();
    let open = store.incidents(IncidentFilter::Unresolved).await.unwrap();
    let now = bot.clock.now();
    for incident in open.iter().filter(|incident| incident.state == IncidentState::Open && incident.severity.pages()) {
        let covers = |page: &dogwatch::store::Page| match page.folded_into() {
            None => page.severity.pages(),
            // In its own, too: that one may be answered, as it was of a part.
            Some(into) if into == incident.id => incident.page_at.is_some() || page.fold.as_ref().unwrap().until > now,
            Some(into) => open.iter().any(|other| other.id == into && other.state != IncidentState::Mitigated),
        };
        let is_covered = unanswered.iter().any(|page| page.incident == incident.id && covers(page));
        let timeline = store.timeline(incident.id).await.unwrap();
        let waits = incident.page_at.is_some() || incident.held_until.is_some();
        assert!(
            is_covered || waits || incident.open_episodes == 0,
            "nobody is called: {incident:#?} {unanswered:#?} {timeline:#?}"
        );
    }
}

async fn holds(story: Vec<Happens>) {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    fires(&mut bot, "QueueStuck", "queue", "warning").await;
    for happens in story {
        happens.to(&mut bot).await;
        bot.settles().await;
        bot.keeps_the_page_law().await;
        somebody_is_called(&bot).await;
    }
    // Whatever was folded has gone out, or somebody has it.
    bot.passes(minutes(6 * 31)).await;
    bot.keeps_the_page_law().await;
    somebody_is_called(&bot).await;
    assert_eq!(bot.store().levels().await.unwrap().folded, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fold_leaves_nobody_uncalled_whatever_happens(story in happens()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(holds(story));
    }
}

/// Nobody asked for the rest of that incident when its part was acknowledged.
#[tokio::test]
async fn a_page_that_was_told_in_one_of_a_part_that_somebody_had_goes_out() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    fires(&mut bot, "QueueStuck", "queue", "warning").await;
    fires(&mut bot, "DiskFull", "b", "warning").await;
    Happens::Acks(3).to(&mut bot).await;
    fires(&mut bot, "DiskFull", "c", "warning").await;
    Happens::Merges(3, 4).to(&mut bot).await;
    bot.settles().await;
    bot.keeps_the_page_law().await;

    bot.passes(minutes(31)).await;
    bot.keeps_the_page_law().await;
    let timeline = format!("{:?}", bot.store().timeline(IncidentId(4)).await.unwrap());
    assert!(timeline.contains("only told in the page of a part that somebody had"), "{timeline}");
    let waiting = bot.store().unanswered_pages().await.unwrap();
    assert!(waiting.iter().any(|page| page.incident == IncidentId(4) && !page.is_folded()), "{waiting:#?}");
}
