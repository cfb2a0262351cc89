//! Time, as the one thing that everybody asks: the system's clock, and one that is moved by hand.
//!
//! Nobody else calls `Utc::now` (clippy holds the crate to that), so that a test or a rehearsal can let an hour pass in
//! a millisecond.
//!
//! A machine's wall clock can be set, forth and back, while the bot works. [`Clock::now`] does not
//! see that: it goes on from the wall clock's time when it was made, by a clock that nobody sets.
//! What waits for a time so waits as long as it was meant to. When the two disagree,
//! [`Timekeeper`](crate::timekeeper::Timekeeper) moves what waits and has this clock follow,
//! between the turns of all workers: within a turn, no time steps.

mod bucket;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

pub use bucket::Bucket;

/// What time is it, and wake me at that time.
pub trait Clock: Send + Sync + 'static {
    /// The time in UTC. It steps only by [`Clock::follow`].
    fn now(&self) -> DateTime<Utc>;

    /// Time since some fixed moment, never going back: for measuring, not for telling the time. It
    /// goes on while the machine sleeps, where the system can tell.
    fn monotonic(&self) -> Duration;

    /// By how much the machine's wall clock is ahead of [`Clock::now`]; negative: behind.
    fn disagreement(&self) -> TimeDelta;

    /// Has [`Clock::now`] step by `by`.
    fn follow(&self, by: TimeDelta);

    /// Completes when as much time has passed as is left now until `at`; at once when that is past.
    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()>;
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    /// What the time was when `monotonic` was zero, as far as we know now.
    zero: Mutex<DateTime<Utc>>,
    started: Elapsed,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn default() -> Self {
        Self { zero: Mutex::new(Utc::now()), started: Elapsed::start() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        *lock(&self.zero) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn disagreement(&self) -> TimeDelta {
        Utc::now() - self.now()
    }

    fn follow(&self, by: TimeDelta) {
        *lock(&self.zero) += by;
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()> {
        // The runtime's timers stand still while the machine sleeps; looking again bounds how late
        // that makes us.
        const LOOK_AGAIN: Duration = Duration::from_secs(60);
        let end = self.monotonic() + (at - self.now()).to_std().unwrap_or_default();
        Box::pin(async move {
            while let Some(left) = end.checked_sub(self.monotonic()).filter(|left| !left.is_zero()) {
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            }
        })
    }
}

/// How long ago something was, by a clock that nobody sets.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Elapsed(Duration);

#[cfg(target_os = "linux")]
impl Elapsed {
    fn start() -> Self {
        Self(Self::since_boot())
    }

    fn elapsed(&self) -> Duration {
        Self::since_boot().saturating_sub(self.0)
    }

    /// The time that the machine has slept is counted, as `Instant` does not on Linux: a bot on a
    /// machine that slept for an hour is an hour late with what waited, and must not take it for a
    /// clock that was set.
    fn since_boot() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::try_from(time).unwrap_or_default()
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Elapsed(std::time::Instant);

#[cfg(not(target_os = "linux"))]
impl Elapsed {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    hands: Mutex<Hands>,
    moved: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Hands {
    now: DateTime<Utc>,
    monotonic: Duration,
    /// By how much the wall clock is ahead.
    ahead: TimeDelta,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: DateTime<Utc>) -> Self {
        let hands = Hands { now: start, monotonic: Duration::ZERO, ahead: TimeDelta::zero() };
        Self { hands: Mutex::new(hands), moved: Notify::new() }
    }

    /// Lets time pass until `to`, and wakes the sleepers that this reaches. It never goes back: an
    /// earlier `to` changes nothing.
    pub fn set(&self, to: DateTime<Utc>) {
        {
            let mut hands = lock(&self.hands);
            let passed = (to - hands.now).to_std().unwrap_or_default();
            hands.now += passed;
            hands.monotonic += passed;
        }
        self.moved.notify_waiters();
    }

    /// Lets `by` pass.
    pub fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }

    /// Somebody sets the wall clock, forth or back, while no time passes. [`Clock::now`] steps only
    /// once it follows.
    pub fn step(&self, to: DateTime<Utc>) {
        let mut hands = lock(&self.hands);
        hands.ahead = to - hands.now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        lock(&self.hands).now
    }

    fn monotonic(&self) -> Duration {
        lock(&self.hands).monotonic
    }

    fn disagreement(&self) -> TimeDelta {
        lock(&self.hands).ahead
    }

    fn follow(&self, by: TimeDelta) {
        let mut hands = lock(&self.hands);
        hands.now += by;
        hands.ahead -= by;
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()> {
        let end = {
            let hands = lock(&self.hands);
            hands.monotonic + (at - hands.now).to_std().unwrap_or_default()
        };
        Box::pin(async move {
            loop {
                let moved = self.moved.notified();
                if self.monotonic() >= end {
                    return;
                }
                moved.await;
            }
        })
    }
}

/// A time stamp is valid even if a holder of the lock panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use futures_util::FutureExt as _;

    use super::*;

    fn two_in_the_morning() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 2, 2, 0, 0).unwrap()
    }

    #[test]
    fn a_wall_clock_that_is_set_moves_nothing_until_we_follow() {
        let clock = ManualClock::new(two_in_the_morning());
        clock.advance(Duration::from_secs(60));
        clock.step(two_in_the_morning() - TimeDelta::days(1));
        assert_eq!(clock.now(), two_in_the_morning() + TimeDelta::minutes(1));
        let by = clock.disagreement();
        assert_eq!(by, -TimeDelta::minutes(24 * 60 + 1));
        clock.follow(by);
        assert_eq!((clock.now(), clock.disagreement()), (two_in_the_morning() - TimeDelta::days(1), TimeDelta::zero()));
        assert_eq!(clock.monotonic(), Duration::from_secs(60), "no time has passed");
    }

    #[tokio::test]
    async fn a_sleeper_sleeps_as_long_as_was_meant_whatever_the_time_is_called() {
        let clock = ManualClock::new(two_in_the_morning());
        let mut sleeper = clock.sleep_until(two_in_the_morning() + TimeDelta::minutes(10));
        for by in [TimeDelta::days(1), -TimeDelta::days(2)] {
            clock.follow(by);
            clock.advance(Duration::from_secs(4 * 60));
            assert!((&mut sleeper).now_or_never().is_none());
        }
        clock.advance(Duration::from_secs(2 * 60));
        assert!((&mut sleeper).now_or_never().is_some());
    }

    #[tokio::test]
    async fn the_systems_clock_keeps_its_own_time_and_follows_when_it_is_told_to() {
        let clock = SystemClock::default();
        assert!(clock.disagreement().abs() < TimeDelta::seconds(60), "{}", clock.disagreement());
        let before = clock.now();
        clock.follow(TimeDelta::hours(1));
        assert!(clock.now() - before >= TimeDelta::hours(1));
        assert!(clock.disagreement() < -TimeDelta::minutes(59));
        clock.sleep_until(clock.now() - TimeDelta::hours(1)).await;
        assert!(clock.monotonic() >= Duration::ZERO);
    }
}
