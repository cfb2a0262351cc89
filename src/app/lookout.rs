//! The watch over the workers: who comes no further is seen in a gauge, then makes the bot not
//! ready, then ends the process.
//!
//! A turn that never ends and turns that fail again and again look the same from outside: alerts
//! are taken in, and nothing comes of them. Whoever watches over the process starts it again, and
//! it goes on where its logs end. Progress is what is committed: a long turn that commits piece by
//! piece comes further, and so does an outbox whose receiver is down, as it notes when it tries
//! again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::server::Readiness;
use crate::store::{Store, StoreError, StoreTrouble};
use crate::worker::{Progress, Seen};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A store that takes longer to say what is due does not answer.
const STORE_WITHIN: Duration = Duration::from_secs(3);

/// Whoever has not looked for so long was asleep (a stopped process, a machine that was suspended),
/// and so was everybody else.
const ASLEEP: Duration = Duration::from_secs(30);

/// How long somebody may come no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    not_ready: Duration,
    end: Duration,
}

impl Patience {
    /// Whatever a turn waits for ends within a minute or the lease, and then something is
    /// committed: twice that is not usual. A restart is for what does not mend itself; a page waits
    /// so long for it at most.
    pub fn with_lease(lease: Duration) -> Self {
        Self { not_ready: Duration::from_secs(120).max(lease * 2), end: Duration::from_secs(300).max(lease * 5) }
    }
}

/// What it takes to watch.
pub(super) struct Lookout {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub workers: Vec<Arc<Progress>>,
    /// The sinks that there are: what waits for another one is nobody's to deliver.
    pub sinks: Vec<String>,
    pub patience: Patience,
    pub metrics: Arc<Metrics>,
    pub readiness: Arc<Readiness>,
}

/// What waits, and who takes it: (queue, worker).
const QUEUES: [(&str, &str); 4] =
    [("signals", "signals"), ("runs", "engine"), ("deliveries", "outbox"), ("pages", "pages")];

/// What was due at one look: for each queue the time of what has waited longest. `Err`: the store
/// cannot be read.
type Due = Result<BTreeMap<&'static str, DateTime<Utc>>, String>;

/// What is remembered from look to look. All times are monotonic.
#[derive(Debug, Default)]
struct Memory {
    looked: Duration,
    /// The last time when nobody could have come further: the store could not be written, or
    /// everybody slept.
    excused: Duration,
    unreadable_since: Option<Duration>,
    due_since: BTreeMap<&'static str, Duration>,
}

/// What is wrong, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    worker: Option<String>,
    since: Duration,
    what: String,
}

/// What is done about it.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Well,
    NotReady(String),
    End(String),
}

impl Lookout {
    /// Watches until `stop`.
    ///
    /// # Errors
    /// When somebody has come no further for too long, and a new process may do better: who, and for how long.
    pub async fn keep(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut well = true;
        let mut memory = Memory { looked: self.clock.monotonic(), ..Memory::default() };
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let due = tokio::time::timeout(STORE_WITHIN, self.due()).await;
            let due = due.map_err(|_| "it does not answer".to_owned());
            let due: Due = due.and_then(|due| due.map_err(|error| error.to_string()));
            let workers: Vec<(&str, Seen)> = self.workers.iter().map(|worker| (worker.name(), worker.seen())).collect();
            let (now, trouble) = (self.clock.monotonic(), self.store.trouble());
            let findings = memory.look(now, &workers, &due, trouble.as_ref());
            self.measure(now, &findings, &due);
            let found = match decide_verdict(now, &findings, trouble.as_ref(), self.patience) {
                Verdict::Well => None,
                Verdict::NotReady(why) => Some(why),
                Verdict::End(why) => anyhow::bail!(why),
            };
            match (&found, well) {
                (Some(why), true) => tracing::error!("not ready any more: {why}"),
                (None, false) => tracing::info!("ready again"),
                _ => {}
            }
            well = found.is_none();
            self.readiness.watched(found);
        }
    }

    async fn due(&self) -> Result<BTreeMap<&'static str, DateTime<Utc>>, StoreError> {
        let now = self.clock.now();
        let sinks: Vec<&str> = self.sinks.iter().map(String::as_str).collect();
        let mut due = BTreeMap::new();
        let mut waits =
            |queue, since: Option<DateTime<Utc>>| due.extend(since.filter(|at| *at <= now).map(|at| (queue, at)));
        waits("runs", self.store.next_run_due().await?);
        waits("deliveries", self.store.next_delivery_due(&sinks).await?);
        let folded = (!self.store.due_folds(now).await?.0.is_empty()).then_some(now);
        let due_pages = self.store.due_pages(now).await?.0;
        waits("pages", due_pages.iter().filter_map(|incident| incident.page_at).chain(folded).min());
        // How long they wait is one of the levels.
        waits("signals", (self.store.levels().await?.pending_signals > 0).then_some(now));
        Ok(due)
    }

    fn measure(&self, now: Duration, findings: &[Finding], due: &Due) {
        let mut names: Vec<&str> = self.workers.iter().map(|worker| worker.name()).collect();
        names.dedup();
        for name in names {
            let of = findings.iter().filter(|finding| finding.worker.as_deref() == Some(name));
            let longest = of.map(|finding| now.saturating_sub(finding.since)).max().unwrap_or_default();
            self.metrics.worker_stuck(name, longest);
        }
        let Ok(due) = due else { return };
        for (queue, _) in QUEUES.iter().filter(|(queue, _)| *queue != "signals") {
            let age = due.get(queue).and_then(|at| (self.clock.now() - *at).to_std().ok()).unwrap_or_default();
            self.metrics.oldest_due(queue, age);
        }
    }
}

impl Memory {
    /// Everything that is wrong at this look, the longest first.
    fn look(
        &mut self,
        now: Duration,
        workers: &[(&str, Seen)],
        due: &Due,
        trouble: Option<&StoreTrouble>,
    ) -> Vec<Finding> {
        if now.saturating_sub(self.looked) > ASLEEP || trouble.is_some() {
            self.excused = now;
        }
        self.looked = now;
        let mut findings = Vec::new();
        match due {
            Ok(due) => {
                self.unreadable_since = None;
                self.due_since.retain(|queue, _| due.contains_key(queue));
                for queue in due.keys() {
                    self.due_since.entry(queue).or_insert(now);
                }
            }
            Err(error) => {
                let since = *self.unreadable_since.get_or_insert(now);
                findings.push(Finding { worker: None, since, what: format!("the store cannot be read: {error}") });
            }
        }
        for (name, seen) in workers {
            if let Some(stuck) = seen.stuck() {
                let what = format!("the worker `{name}` comes no further: {}", stuck.why);
                findings.push(Finding { worker: Some((*name).to_owned()), since: stuck.since, what });
            }
        }
        for (queue, name) in QUEUES {
            let Some(due_since) = self.due_since.get(queue) else { continue };
            let progress = workers.iter().filter(|(worker, _)| *worker == name).map(|(_, seen)| seen.last_progress());
            let since = progress.max().unwrap_or_default().max(*due_since);
            let what = format!("the worker `{name}` comes no further: {queue} are due, and it takes none");
            findings.push(Finding { worker: Some(name.to_owned()), since, what });
        }
        for finding in &mut findings {
            finding.since = finding.since.max(self.excused);
        }
        findings.sort_by_key(|finding| finding.since);
        findings
    }
}

/// What is to be done. Where the store cannot be written, nobody can come further, and a new
/// process only can if that is of this one's making: a disk that is full is no better after a
/// start, and meanwhile nobody would say why alerts are refused.
fn decide_verdict(now: Duration, findings: &[Finding], trouble: Option<&StoreTrouble>, patience: Patience) -> Verdict {
    let seconds = |since: Duration| now.saturating_sub(since).as_secs();
    if let Some(StoreTrouble { why, since, restart_helps }) = trouble {
        return if *restart_helps && now.saturating_sub(*since) > patience.end {
            Verdict::End(format!("{why}; so it has been for {} s", seconds(*since)))
        } else {
            Verdict::NotReady(why.clone())
        };
    }
    let Some(longest) = findings.first() else { return Verdict::Well };
    let said = format!("{}; so it has been for {} s", longest.what, seconds(longest.since));
    match now.saturating_sub(longest.since) {
        age if age > patience.end => Verdict::End(said),
        age if age > patience.not_ready => Verdict::NotReady(said),
        _ => Verdict::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::Failing;

    const PATIENCE: Patience = Patience { not_ready: Duration::from_secs(120), end: Duration::from_secs(300) };

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn nothing() -> Due {
        Ok(BTreeMap::new())
    }

    fn waiting(queue: &'static str) -> Due {
        Ok(BTreeMap::from([(queue, DateTime::UNIX_EPOCH)]))
    }

    fn trouble(since: u64, restart_helps: bool) -> StoreTrouble {
        StoreTrouble { why: "disk full".into(), since: secs(since), restart_helps }
    }

    /// The verdicts of looks every five seconds until `to`.
    fn looks(to: u64, workers: &[(&str, Seen)], due: &Due) -> Vec<(u64, Verdict)> {
        let mut memory = Memory::default();
        let mut verdicts: Vec<(u64, Verdict)> = Vec::new();
        for now in (0..=to).step_by(5) {
            let findings = memory.look(secs(now), workers, due, None);
            let verdict = decide_verdict(secs(now), &findings, None, PATIENCE);
            let same = verdicts
                .last()
                .is_some_and(|(_, last)| std::mem::discriminant(last) == std::mem::discriminant(&verdict));
            if !same {
                verdicts.push((now, verdict));
            }
        }
        verdicts
    }

    #[test]
    fn a_turn_that_never_ends_is_first_not_ready_and_then_the_end() {
        let hangs = Seen { turn_since: Some(secs(10)), ..Seen::default() };
        let why =
            "the worker `signals` comes no further: its turn comes to no end and commits nothing; so it has been for";
        assert_eq!(
            looks(400, &[("signals", hangs), ("pages", Seen::default())], &nothing()),
            [
                (0, Verdict::Well),
                (135, Verdict::NotReady(format!("{why} 125 s"))),
                (315, Verdict::End(format!("{why} 305 s"))),
            ]
        );
    }

    #[test]
    fn turns_that_fail_again_and_again_end_it_too() {
        let failing = Failing { since: secs(0), last: secs(400), turns: 300, error: "no such table".into() };
        let seen = Seen { failing: Some(failing), ..Seen::default() };
        let verdicts = looks(400, &[("outbox", seen)], &nothing());
        let why =
            "the worker `outbox` comes no further: 300 turns have failed: no such table; so it has been for 305 s";
        assert_eq!(verdicts.last().unwrap(), &(305, Verdict::End(why.into())));
    }

    #[test]
    fn what_is_due_and_taken_by_nobody_ends_it() {
        let verdicts = looks(400, &[("engine", Seen::default())], &waiting("runs"));
        let why = "the worker `engine` comes no further: runs are due, and it takes none; so it has been for 305 s";
        assert_eq!(verdicts.last().unwrap(), &(305, Verdict::End(why.into())));
        assert_eq!(verdicts.len(), 3);
    }

    #[test]
    fn whoever_comes_further_has_all_the_time_of_the_world() {
        // Long work: the oldest signal stays the same, and pieces of it are committed.
        let mut memory = Memory::default();
        for now in (0..10_000).step_by(5) {
            let seen = Seen { turn_since: Some(secs(0)), last_commit: Some(secs(now)), ..Seen::default() };
            let findings = memory.look(secs(now), &[("signals", seen)], &waiting("signals"), None);
            assert_eq!(decide_verdict(secs(now), &findings, None, PATIENCE), Verdict::Well);
        }
        // Nothing is due, and nothing was ever done.
        assert_eq!(looks(10_000, &[("pages", Seen::default())], &nothing()), [(0, Verdict::Well)]);
    }

    #[test]
    fn a_store_that_cannot_be_read_ends_it() {
        let verdicts = looks(400, &[], &Err("its thread has died".into()));
        let why = "the store cannot be read: its thread has died; so it has been for 305 s";
        assert_eq!(verdicts.last().unwrap(), &(305, Verdict::End(why.into())));
    }

    #[test]
    fn a_full_disk_is_waited_for_and_what_a_start_mends_is_not() {
        let mut memory = Memory::default();
        let failing = Failing { since: secs(0), last: secs(4_000), turns: 300, error: "disk full".into() };
        let workers = [("signals", Seen { failing: Some(failing), ..Seen::default() })];
        for now in (0..4_000).step_by(5) {
            let full = trouble(0, false);
            let findings = memory.look(secs(now), &workers, &waiting("signals"), Some(&full));
            assert_eq!(
                decide_verdict(secs(now), &findings, Some(&full), PATIENCE),
                Verdict::NotReady("disk full".into())
            );
        }
        // The disk has room again, and the worker has not had its turn yet.
        let findings = memory.look(secs(4_000), &workers, &waiting("signals"), None);
        assert_eq!(decide_verdict(secs(4_000), &findings, None, PATIENCE), Verdict::Well);
        let crashed = trouble(0, true);
        let end = Verdict::End("disk full; so it has been for 301 s".into());
        assert_eq!(decide_verdict(secs(301), &[], Some(&crashed), PATIENCE), end);
    }

    #[test]
    fn whoever_slept_is_not_blamed_for_it() {
        let hangs = Seen { turn_since: Some(secs(1)), ..Seen::default() };
        let mut memory = Memory::default();
        memory.look(secs(5), &[("engine", hangs.clone())], &nothing(), None);
        let findings = memory.look(secs(3_605), &[("engine", hangs)], &nothing(), None);
        assert_eq!(decide_verdict(secs(3_605), &findings, None, PATIENCE), Verdict::Well);
    }

    #[test]
    fn a_longer_lease_gives_more_patience() {
        assert_eq!(Patience::with_lease(secs(60)), PATIENCE);
        assert_eq!(Patience::with_lease(secs(600)), Patience { not_ready: secs(1_200), end: secs(3_000) });
    }
}
