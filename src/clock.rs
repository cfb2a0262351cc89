//! Time, as the one thing that everybody asks: the system's clock, and one that is moved by hand.
//!
//! Nobody else calls `Utc::now` (clippy holds the crate to that), so that a test or a rehearsal can let an hour pass in
//! a millisecond.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

/// What time is it, and wake me at that time.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock, in UTC.
    fn now(&self) -> DateTime<Utc>;

    /// Time since some fixed moment, never going back: for measuring, not for telling the time.
    fn monotonic(&self) -> Duration;

    /// Completes when [`Clock::now`] has reached `at`; at once when it is already past.
    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()>;
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn default() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()> {
        // The wall clock can be set while we sleep; looking again at least once a minute bounds the surprise.
        const LOOK_AGAIN: Duration = Duration::from_secs(60);
        Box::pin(async move {
            while let Ok(left) = (at - self.now()).to_std() {
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            }
        })
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<DateTime<Utc>>,
    /// Where it would have begun had nobody set it back or forth.
    start: Mutex<DateTime<Utc>>,
    moved: Notify,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self { now: Mutex::new(start), start: Mutex::new(start), moved: Notify::new() }
    }

    /// Moves the clock to `to`, and wakes the sleepers that this reaches. It never goes back: an earlier `to` changes nothing.
    pub fn set(&self, to: DateTime<Utc>) {
        {
            let mut now = self.lock();
            *now = to.max(*now);
        }
        self.moved.notify_waiters();
    }

    /// Moves the clock by `by`.
    pub fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }

    /// Sets the wall clock back or forth, as a person or NTP does: no time passes.
    pub fn step(&self, to: DateTime<Utc>) {
        {
            let mut now = self.lock();
            let mut start = self.start.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *start += to - *now;
            *now = to;
        }
        self.moved.notify_waiters();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, DateTime<Utc>> {
        // A time stamp is valid even if a holder of the lock panicked.
        self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.lock()
    }

    fn monotonic(&self) -> Duration {
        let start = *self.start.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (self.now() - start).to_std().unwrap_or_default()
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let moved = self.moved.notified();
                if self.now() >= at {
                    return;
                }
                moved.await;
            }
        })
    }
}
