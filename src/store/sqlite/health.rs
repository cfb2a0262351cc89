//! Whether what is asked to be written is written, as far as the last attempts tell.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::store::StoreTrouble;

/// A commit that takes longer hangs: SQLite itself gives up on a lock after 5 s, and the largest
/// piece of work takes a second or two.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// Written by the writer, read by whoever asks.
pub(super) struct WriteHealth {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// A commit is under way.
    busy_since: Option<Duration>,
    /// The last attempts failed.
    failing: Option<StoreTrouble>,
}

impl WriteHealth {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// An attempt begins.
    pub fn begins(&self) {
        let now = self.clock.monotonic();
        self.lock().busy_since = Some(now);
    }

    /// It has ended; `failed`: why, and whether a new process may do better.
    pub fn ended(&self, failed: Option<(String, bool)>) {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        state.busy_since = None;
        state.failing = failed.map(|(why, restart_helps)| {
            let since = state.failing.as_ref().map_or(now, |failing| failing.since);
            StoreTrouble { why: format!("the store cannot be written: {why}"), since, restart_helps }
        });
    }

    /// What is wrong, if anything is.
    pub fn trouble(&self) -> Option<StoreTrouble> {
        let now = self.clock.monotonic();
        let state = self.lock();
        let hangs = state.busy_since.filter(|since| now.saturating_sub(*since) > HANGS_AFTER).map(|since| {
            let why = format!("a write to the store has not come to an end for {} s", (now - since).as_secs());
            StoreTrouble { why, since, restart_helps: true }
        });
        hangs.or_else(|| state.failing.clone())
    }

    /// Whether the last attempt failed.
    pub fn is_failing(&self) -> bool {
        self.lock().failing.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a new process may do better where this one fails: not with a disk that is full or
/// read-only, or a database that somebody else has locked. Those mend themselves, or somebody mends
/// them, and a bot that is started again and again only takes longer to notice.
pub(super) fn restart_helps(error: &sqlx::Error) -> bool {
    /// The primary result codes of <https://www.sqlite.org/rescode.html>: SQLITE_PERM, SQLITE_BUSY,
    /// SQLITE_LOCKED, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN.
    const OUTSIDE: [u32; 7] = [3, 5, 6, 8, 10, 13, 14];
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    !code.is_some_and(|code| OUTSIDE.contains(&(code & 0xff)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn what_failed_last_is_known_until_something_is_written() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let health = WriteHealth::new(clock.clone());
        assert_eq!(health.trouble(), None);
        health.begins();
        clock.advance(HANGS_AFTER);
        assert_eq!(health.trouble(), None, "it may take a while");
        clock.advance(Duration::from_secs(1));
        let hangs = health.trouble().unwrap();
        assert_eq!(
            (hangs.why.as_str(), hangs.restart_helps),
            ("a write to the store has not come to an end for 31 s", true)
        );
        health.ended(Some(("database is locked".into(), false)));
        clock.advance(Duration::from_secs(60));
        health.ended(Some(("disk full".into(), false)));
        let trouble = health.trouble().unwrap();
        assert_eq!(trouble.why, "the store cannot be written: disk full");
        assert_eq!(trouble.since, Duration::from_secs(31), "since the first of them");
        assert!(health.is_failing());
        health.ended(None);
        assert_eq!(health.trouble(), None);
    }
}
