//! Whether a worker comes any further.
//!
//! Times are of the monotonic clock: a wall clock that is set must not make anybody look stuck.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

tokio::task_local! {
    /// The worker whose turn this task is taking.
    static AT_WORK: Arc<Progress>;
}

/// Said by the store after each commit: a turn that commits comes further, however long it takes.
pub fn committed() {
    let _ = AT_WORK.try_with(|progress| progress.commits());
}

/// What is known of one worker. It is told by the worker's own task and read by whoever watches.
pub struct Progress {
    name: String,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

/// What was seen of a worker's turns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The turn under way.
    pub turn_since: Option<Duration>,
    /// The last commit in it.
    pub last_commit: Option<Duration>,
    /// The last turn in which something was done to its end.
    pub last_worked: Duration,
    /// The first and the last turn that failed since one did not, how many they are, and what the
    /// last said.
    pub failing: Option<Failing>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub since: Duration,
    pub last: Duration,
    pub turns: u32,
    pub error: String,
}

/// A worker that comes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// Since when.
    pub since: Duration,
    pub why: String,
}

impl Seen {
    /// When it last came further.
    pub fn last_progress(&self) -> Duration {
        self.last_commit.unwrap_or_default().max(self.last_worked)
    }

    /// Since when it has come no further, if it should have. Whoever has nothing to do is not
    /// stuck.
    pub fn stuck(&self) -> Option<Stuck> {
        /// One that failed may have met a lock, and two another one.
        const TURNS: u32 = 3;
        let hangs = self.turn_since.map(|since| Stuck {
            since: since.max(self.last_commit.unwrap_or_default()),
            why: "its turn comes to no end and commits nothing".into(),
        });
        let failing = self.failing.as_ref().filter(|failing| failing.turns >= TURNS);
        match (failing, hangs) {
            // A turn that commits may be the one that mends it.
            (Some(_), Some(hangs)) if self.last_commit.is_some() => Some(hangs),
            (Some(Failing { since, turns, error, .. }), _) => {
                Some(Stuck { since: *since, why: format!("{turns} turns have failed: {error}") })
            }
            (None, hangs) => hangs,
        }
    }
}

impl Progress {
    pub fn new(name: impl Into<String>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), clock, seen: Mutex::default() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// Takes a turn, and remembers what became of it. `worked`: something was done.
    pub(super) async fn turn<T, E: std::fmt::Display>(
        self: &Arc<Self>,
        turn: impl Future<Output = Result<T, E>>,
        worked: impl Fn(&T) -> bool,
    ) -> Result<T, E> {
        let now = self.clock.monotonic();
        *self.lock() = Seen { turn_since: Some(now), last_commit: None, ..self.seen() };
        let ended = AT_WORK.scope(self.clone(), turn).await;
        let now = self.clock.monotonic();
        let mut seen = self.lock();
        (seen.turn_since, seen.last_commit) = (None, None);
        match &ended {
            Ok(turn) => {
                seen.failing = None;
                if worked(turn) {
                    seen.last_worked = now;
                }
            }
            Err(error) => {
                let (since, turns) = seen.failing.as_ref().map_or((now, 0), |failing| (failing.since, failing.turns));
                let error = error.to_string();
                seen.failing = Some(Failing { since, last: now, turns: turns.saturating_add(1), error });
            }
        }
        drop(seen);
        ended
    }

    fn commits(&self) {
        let now = self.clock.monotonic();
        self.lock().last_commit = Some(now);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::clock::ManualClock;

    const MINUTE: Duration = Duration::from_secs(60);

    fn progress() -> (Arc<ManualClock>, Arc<Progress>) {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        (clock.clone(), Progress::new("signals", clock))
    }

    #[test]
    fn a_turn_that_hangs_is_stuck_since_its_last_commit() {
        let (clock, progress) = progress();
        clock.advance(MINUTE);
        let (piece, pieces) = std::sync::mpsc::channel::<()>();
        let turn = progress.turn(
            async {
                loop {
                    if pieces.try_recv().is_ok() {
                        committed();
                    }
                    tokio::task::yield_now().await;
                }
                #[expect(unreachable_code, reason = "it hangs")]
                Ok::<(), String>(())
            },
            |()| true,
        );
        let mut turn = Box::pin(turn);
        assert_eq!(turn.as_mut().now_or_never(), None);
        assert_eq!(progress.seen().stuck().unwrap().since, MINUTE);
        clock.advance(10 * MINUTE);
        piece.send(()).unwrap();
        assert_eq!(turn.as_mut().now_or_never(), None);
        assert_eq!(progress.seen().stuck().unwrap().since, 11 * MINUTE, "pieces of a large body are progress");
        assert_eq!(progress.seen().last_progress(), 11 * MINUTE);
    }

    #[tokio::test]
    async fn turns_that_fail_again_and_again_are_stuck_since_the_first() {
        let (clock, progress) = progress();
        let fails = async || {
            // As a delivery that is taken, and then cannot be read.
            let turn = async {
                committed();
                Err::<(), _>("no such table")
            };
            progress.turn(turn, |()| true).await.unwrap_err()
        };
        for _ in 0..2 {
            clock.advance(MINUTE);
            fails().await;
            assert_eq!(progress.seen().stuck(), None);
        }
        clock.advance(MINUTE);
        fails().await;
        let stuck = progress.seen().stuck().unwrap();
        assert_eq!((stuck.since, stuck.why.as_str()), (MINUTE, "3 turns have failed: no such table"));
        progress.turn(async { Ok::<_, String>(()) }, |()| false).await.unwrap();
        assert_eq!(progress.seen().stuck(), None);
        assert_eq!(progress.seen().last_progress(), Duration::ZERO, "it had nothing to do");
    }
}
