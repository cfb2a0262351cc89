//! The life of an alert as its Alertmanagers tell it: late, twice, in whatever order, or not at
//! all. What a person would call right comes of it.

use chrono::{DateTime, TimeDelta, Utc};
use dogwatch::clock::Clock as _;
use dogwatch::store::{IncidentFilter, IncidentStore as _};
use proptest::prelude::*;
use serde_json::json;

use crate::bot::Bot;

/// One firing, in minutes: how long after the end of the one before, and for how long.
#[derive(Debug, Clone)]
struct Firing {
    after: i64,
    lasts: i64,
    /// By peer: whether it flushed meanwhile at all, how late it tells the start and the end, and
    /// how often it tells each.
    told: [Told; 2],
}

#[derive(Debug, Clone)]
struct Told {
    is_missed: bool,
    late: [i64; 2],
    times: [usize; 2],
}

#[derive(Debug, Clone)]
struct Life {
    firings: Vec<Firing>,
    /// The last of them goes on.
    goes_on: bool,
    /// How wrong the senders' clock is, in minutes.
    skew: i64,
}

/// A peer gives a delivery up at its next flush, five minutes away.
const LATEST: i64 = 5;

fn told() -> impl Strategy<Value = Told> {
    let late = || [0..LATEST, 0..LATEST];
    (prop::bool::weighted(0.2), late(), [1..3_usize, 1..3_usize]).prop_map(|(is_missed, late, times)| Told {
        is_missed,
        late,
        times,
    })
}

fn life() -> impl Strategy<Value = Life> {
    let firing = (1..45_i64, 1..45_i64, [told(), told()]);
    let firing = firing.prop_map(|(after, lasts, told)| Firing { after, lasts, told });
    let skew = prop_oneof![3 => Just(0), 1 => -3_000..3_000_i64];
    (prop::collection::vec(firing, 1..5), any::<bool>(), skew).prop_map(|(firings, goes_on, skew)| Life {
        firings,
        goes_on,
        skew,
    })
}

/// A delivery: when it comes in, and what it says.
type Delivery = (DateTime<Utc>, Vec<u8>);

fn body(starts_at: DateTime<Utc>, ends_at: Option<DateTime<Utc>>) -> Vec<u8> {
    let status = if ends_at.is_some() { "resolved" } else { "firing" };
    let alert = json!({
        "status": status, "startsAt": starts_at, "labels": { "alertname": "DiskFull", "severity": "warning" }, "annotations": {},
        "endsAt": ends_at.map_or(json!("0001-01-01T00:00:00Z"), |at| json!(at)),
    });
    json!({ "version": "4", "groupKey": "g", "receiver": "dogwatch", "alerts": [alert] }).to_string().into_bytes()
}

/// What the peers deliver, in the order in which it comes, and how many firings anybody tells of.
fn deliveries(life: &Life, begin: DateTime<Utc>) -> (Vec<Delivery>, usize) {
    let mut all = Vec::new();
    let mut at = begin;
    let mut told_of = 0;
    let skew = TimeDelta::minutes(life.skew);
    let mut last: [DateTime<Utc>; 2] = [begin; 2];
    for (n, firing) in life.firings.iter().enumerate() {
        let start = at + TimeDelta::minutes(firing.after);
        let end = start + TimeDelta::minutes(firing.lasts);
        let goes_on = life.goes_on && n + 1 == life.firings.len();
        // What goes on is flushed sooner or later by everybody.
        let misses = |told: &Told| told.is_missed && !goes_on && firing.lasts < LATEST;
        told_of += usize::from(firing.told.iter().any(|told| !misses(told)));
        for (peer, told) in firing.told.iter().enumerate().filter(|(_, told)| !misses(told)) {
            let changes = [Some((start, None)), (!goes_on).then_some((end, Some(end + skew)))];
            for (which, (time, ends_at)) in changes.into_iter().enumerate().filter_map(|(n, it)| Some((n, it?))) {
                for again in 0..told.times[which] {
                    // A peer tells things in their order.
                    let comes = (time + TimeDelta::minutes(told.late[which])).max(last[peer])
                        + TimeDelta::seconds(again as i64);
                    last[peer] = comes;
                    all.push((comes, body(start + skew, ends_at)));
                }
            }
        }
        at = end;
    }
    all.sort_by_key(|(comes, _)| *comes);
    (all, told_of)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_two_peers_tell_comes_to_what_is_true(life in life()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut bot = Bot::begins(&[], Vec::new()).await;
            let (deliveries, told_of) = deliveries(&life, bot.clock.now());
            for (comes, body) in &deliveries {
                let wait = (*comes - bot.clock.now()).to_std().unwrap_or_default();
                bot.passes(wait).await;
                bot.hears(body).await;
            }
            // An echo is decided about by then.
            bot.passes(std::time::Duration::from_secs(25 * 60)).await;
            // What flaps is held open until it has been quiet.
            bot.passes(std::time::Duration::from_secs(35 * 60)).await;
            let open = bot.store().incidents(IncidentFilter::Unresolved).await.unwrap();
            prop_assert_eq!(open.len(), usize::from(life.goes_on), "{:#?}", open);
            prop_assert!(open.iter().all(|incident| incident.open_episodes == 1), "{:#?}", open);
            let pages = bot.paged().await.len();
            prop_assert!(pages >= usize::from(told_of > 0), "nobody heard of it");
            prop_assert!(pages <= told_of, "{pages} pages for {told_of} firings");
            Ok(())
        })?;
    }
}
