//! Looks, and what is said; a disk that hangs. The files themselves are read in `tests/bot` and
//! `tests/cli`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use proptest::prelude::*;

use super::told::{News, news};
use super::{Counts, Look, Mistake, ReadAgain, Reloadable, Reloader, SETTLE, Snapshot, Taken, Watched};
use crate::clock::ManualClock;
use crate::metrics::Metrics;
use crate::model::Digest;
use crate::store::story::{Place as _, SqlitePlace, sinks};
use crate::worker::Worker as _;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn what_differs_counts_once_it_stands_still() {
    let digest = Digest::of;
    let mut watched = Watched::new(digest("old"));
    let looks = [
        (0, "old", Look::Same),
        (5, "ne", Look::Unsettled),
        (6, "ne", Look::Unsettled),
        // It is written on.
        (7, "new", Look::Unsettled),
        (8, "new", Look::Unsettled),
        (9, "new", Look::Settled),
        // Somebody takes it back before it was handled.
        (10, "old", Look::Same),
        (11, "new", Look::Unsettled),
        (13, "new", Look::Settled),
    ];
    for (at, seen, expected) in looks {
        assert_eq!(watched.look(&digest(seen), seconds(at)), expected, "{seen} at {at}");
    }
    watched.handled(digest("new"));
    assert_eq!(watched.look(&digest("new"), seconds(14)), Look::Same);
    assert_eq!(watched.look(&digest("old"), seconds(15)), Look::Unsettled, "also what counted before is new");
}

proptest! {
    /// However files are written: what is taken has looked the same for long enough, differs from
    /// what was handled, and what stays is taken in the end.
    #[test]
    fn nothing_is_taken_too_early_and_nothing_is_forgotten(looks in prop::collection::vec((0u8..3, 0u64..4), 1..60)) {
        let mut watched = Watched::new(Digest::of([0]));
        let (mut handled, mut now, mut seen_since) = (0, 0, None::<(u8, u64)>);
        for (seen, later) in looks {
            now += later;
            if seen_since.is_none_or(|(before, _)| before != seen) {
                seen_since = Some((seen, now));
            }
            let stood = now - seen_since.unwrap().1;
            match watched.look(&Digest::of([seen]), seconds(now)) {
                Look::Same => prop_assert_eq!(seen, handled),
                Look::Unsettled => prop_assert!(seen != handled && stood < SETTLE.as_secs()),
                Look::Settled => {
                    prop_assert!(seen != handled && stood >= SETTLE.as_secs());
                    watched.handled(Digest::of([seen]));
                    handled = seen;
                }
            }
        }
        let last = Digest::of([7]);
        prop_assert_eq!(watched.look(&last, seconds(now)), Look::Unsettled);
        prop_assert_eq!(watched.look(&last, seconds(now) + SETTLE), Look::Settled);
    }

    /// Two looks are the same only if they found the same.
    #[test]
    fn a_digest_tells_all_looks_apart(
        one in prop::collection::btree_map("[ab]{1,2}", prop::result::maybe_ok("[ab]{0,2}", "[ab]{0,2}"), 0..3),
        other in prop::collection::btree_map("[ab]{1,2}", prop::result::maybe_ok("[ab]{0,2}", "[ab]{0,2}"), 0..3),
    ) {
        let snapshot = |files: &BTreeMap<String, Result<String, String>>| {
            let mut snapshot = Snapshot::default();
            files.iter().for_each(|(path, text)| snapshot.insert(path, text.clone()));
            snapshot.digest()
        };
        prop_assert_eq!(snapshot(&one) == snapshot(&other), one == other);
    }
}

fn two_oclock() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 14, 2, 0).unwrap()
}

#[test]
fn what_is_said() {
    let now = two_oclock() + TimeDelta::hours(3);
    let known =
        BTreeMap::from([("a.yaml".to_owned(), "line 7: no".to_owned()), ("b.yaml".to_owned(), "gone".to_owned())]);
    let mistake = |file: &str, text: &str, counts| Mistake { file: file.into(), text: text.into(), counts };
    let taken = Taken {
        changes: vec!["+ c 1".into(), "− d".into()],
        mistakes: vec![
            mistake("a.yaml", "line 7: no", Counts::Earlier),
            mistake("e.yaml", "line 8: password=hunter2hunter2", Counts::Version("version 3".into())),
            mistake("f.yaml", "no text", Counts::Nothing),
        ],
        warnings: vec!["nobody is on call".into()],
    };
    let said = news("the folder of playbooks", &taken, &known, two_oclock(), now);
    let expected = News {
        mistakes: vec![
            "e.yaml was NOT read again, its version 3 counts: line 8: password=***".into(),
            "f.yaml was NOT read: no text".into(),
        ],
        changes: vec![
            "the folder of playbooks was read again: + c 1; − d".into(),
            "b.yaml has no mistake any more".into(),
        ],
        warnings: vec!["nobody is on call".into()],
    };
    assert_eq!(said, expected);
    let broken =
        news("x", &Taken::mistake("x", "it is empty"), &BTreeMap::new(), two_oclock(), now + TimeDelta::days(1));
    assert_eq!(broken.text().unwrap(), "x was NOT read again, the one of 2026-03-02 14:02 UTC counts: it is empty");
    assert_eq!(news("x", &Taken::default(), &BTreeMap::new(), two_oclock(), now).text(), None);
    let many = Taken { changes: (0..30).map(|n| format!("+ p{n}")).collect(), ..Taken::default() };
    let many = news("the folder of playbooks", &many, &BTreeMap::new(), two_oclock(), now).text().unwrap();
    assert!(many.ends_with("; + p11; and 18 more"), "{many}");
}

/// A file on a disk that answers when it is let.
struct Slow {
    answer: Mutex<mpsc::Receiver<&'static str>>,
    readings: AtomicUsize,
}

impl Reloadable for Slow {
    fn what(&self) -> &'static str {
        "oncall"
    }

    fn name(&self) -> String {
        "oncall.yaml".to_owned()
    }

    fn read(&self) -> Snapshot {
        self.readings.fetch_add(1, Ordering::SeqCst);
        let mut read = Snapshot::default();
        read.insert("oncall.yaml", Ok(self.answer.lock().unwrap().recv().unwrap().to_owned()));
        read
    }

    fn take(&self, _: &Snapshot) -> Taken {
        Taken { changes: vec!["members + dana".to_owned()], ..Taken::default() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_hangs_is_told_of_once_and_never_read_twice_at_once() {
    let clock = Arc::new(ManualClock::new(two_oclock()));
    let folder = tempfile::tempdir().unwrap();
    let place = SqlitePlace::at(folder.path().join("bot.db"));
    let store = place.open(clock.clone(), sinks(&["console"], &["console"])).await.unwrap();
    let (answers, answer) = mpsc::channel();
    let slow = Arc::new(Slow { answer: Mutex::new(answer), readings: AtomicUsize::new(0) });
    let (metrics, again) = (Arc::new(Metrics::new()), Arc::new(ReadAgain::default()));
    let reloader = Reloader::new(store.clone(), clock.clone(), metrics.clone(), again.clone());
    let mut snapshot = Snapshot::default();
    snapshot.insert("oncall.yaml", Ok("old".to_owned()));
    let reloader = reloader.watching(slow.clone(), snapshot.digest(), &[]);
    let said = |line: &'static str| metrics.render(None).unwrap().contains(line);
    assert!(said("dogwatch_reload_failed{what=\"oncall\"} 0\n"));
    for _ in 0..10 {
        again.ask();
        reloader.turn().await.unwrap();
        clock.advance(seconds(5));
    }
    assert_eq!(slow.readings.load(Ordering::SeqCst), 1);
    assert!(said("dogwatch_reload_failed{what=\"oncall\"} 1\n"));
    let told = store.take_deliveries(&["console"], 10, seconds(60)).await.unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(format!("{told:?}").contains("its disk has not answered for 30 s"), "{told:?}");
    // It answers: what was read is looked at, and once more before it counts.
    answers.send("new").unwrap();
    answers.send("new").unwrap();
    let counted = "dogwatch_reloads_total{what=\"oncall\"} 1\n";
    for _ in 0..1_000 {
        reloader.turn().await.unwrap();
        if said(counted) {
            break;
        }
        clock.advance(seconds(5));
        tokio::task::yield_now().await;
    }
    assert!(said(counted) && said("dogwatch_reload_failed{what=\"oncall\"} 0\n"));
    let told = store.take_deliveries(&["console"], 10, seconds(60)).await.unwrap();
    assert!(format!("{told:?}").contains("oncall.yaml was read again: members + dana"), "{told:?}");
}
