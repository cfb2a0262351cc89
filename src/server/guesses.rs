//! Wrong secrets: how soon whoever shows one hears of it.
//!
//! A right secret is never delayed, whatever others at its address do: an ingress or a NAT is one
//! address for all behind it. So each secret is looked at, and what is limited is how many wrong
//! ones are answered: the first few at once, as a person who has taken the wrong file should hear
//! so, the next ones late, and the rest not at all: their connections are closed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::Bucket;

/// Wrong secrets of one address that are answered at once, and how soon there is one more.
const AT_ONCE: (f64, Duration) = (10.0, Duration::from_secs(6));

/// The same for all addresses together: somebody may have many.
const AT_ONCE_OF_ALL: (f64, Duration) = (100.0, Duration::from_millis(600));

/// How late the next ones are answered.
pub(super) const LATE: Duration = Duration::from_secs(1);

/// How many wait for their late answer. They hold a connection each.
const LATE_AT_MOST: usize = 32;

/// Addresses that are remembered, of about 60 bytes each; beyond that the one that was seen longest
/// ago is forgotten.
const ADDRESSES: usize = 4_096;

/// How often the log tells of wrong secrets.
const LOG_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Guesses {
    table: Mutex<Table>,
    late: Semaphore,
    log: Seldom,
}

/// What whoever showed a wrong secret hears.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    AtOnce,
    /// After [`LATE`]; the permit is held until then.
    Late(SemaphorePermit<'a>),
    /// Nothing: the connection is closed.
    Never,
}

#[derive(Debug, Default)]
struct Table {
    addresses: HashMap<IpAddr, Bucket>,
    all: Option<Bucket>,
}

/// What anybody may cause, and the log is not to be flooded with.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    at: Option<Duration>,
    untold: u64,
}

impl Seldom {
    /// One more: how many the log is to tell of, if it is time. `now` is monotonic.
    pub fn count(&self, now: Duration) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.untold += 1;
        if told.at.is_some_and(|at| now.saturating_sub(at) < LOG_EVERY) {
            return None;
        }
        told.at = Some(now);
        Some(std::mem::take(&mut told.untold))
    }
}

impl Default for Guesses {
    fn default() -> Self {
        Self { table: Mutex::default(), late: Semaphore::new(LATE_AT_MOST), log: Seldom::default() }
    }
}

impl Guesses {
    /// Somebody at `peer` has shown a wrong secret. `now` is monotonic.
    pub fn wrong(&self, peer: IpAddr, now: Duration) -> Answer<'_> {
        let is_at_once = self.table.lock().unwrap_or_else(PoisonError::into_inner).takes(peer, now);
        if let Some(count) = self.log.count(now) {
            tracing::warn!(%peer, count, "requests with a wrong secret or none, this one and those since the last such line");
        }
        match self.late.try_acquire() {
            _ if is_at_once => Answer::AtOnce,
            Ok(permit) => Answer::Late(permit),
            Err(_) => Answer::Never,
        }
    }
}

impl Table {
    fn takes(&mut self, peer: IpAddr, now: Duration) -> bool {
        if !self.addresses.contains_key(&peer) && self.addresses.len() >= ADDRESSES {
            let oldest = self.addresses.iter().min_by_key(|(_, bucket)| bucket.asked_at()).map(|(peer, _)| *peer);
            oldest.and_then(|peer| self.addresses.remove(&peer));
        }
        let own = self.addresses.entry(peer).or_insert(Bucket::full(AT_ONCE.0, now));
        let all = self.all.get_or_insert(Bucket::full(AT_ONCE_OF_ALL.0, now));
        own.take(AT_ONCE, now).is_ok() && all.take(AT_ONCE_OF_ALL, now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn the_first_few_are_answered_and_the_rest_is_not() {
        let guesses = Guesses::default();
        let answers: Vec<Answer> = (0..1_000).map(|_| guesses.wrong(at(1), Duration::ZERO)).collect();
        let count = |is: fn(&Answer) -> bool| answers.iter().filter(|answer| is(answer)).count();
        assert_eq!(count(|answer| matches!(answer, Answer::AtOnce)), 10);
        assert_eq!(count(|answer| matches!(answer, Answer::Late(_))), LATE_AT_MOST);
        assert_eq!(count(|answer| matches!(answer, Answer::Never)), 1_000 - 10 - LATE_AT_MOST);
        // Another address still hears at once, and this one again after a while.
        assert!(matches!(guesses.wrong(at(2), Duration::ZERO), Answer::AtOnce));
        assert!(matches!(guesses.wrong(at(1), Duration::from_secs(6)), Answer::AtOnce));
        assert!(matches!(guesses.wrong(at(1), Duration::from_secs(6)), Answer::Never));
    }

    #[test]
    fn many_addresses_have_one_budget_and_bounded_memory() {
        let guesses = Guesses::default();
        let answered = (0..10_000).filter(|n| matches!(guesses.wrong(at(*n), Duration::ZERO), Answer::AtOnce)).count();
        assert_eq!(answered, 100);
        assert_eq!(guesses.table.lock().unwrap().addresses.len(), ADDRESSES);
    }

    #[test]
    fn the_log_tells_how_many_and_not_each() {
        let log = Seldom::default();
        let told: Vec<u64> = (0..3_000).filter_map(|n| log.count(Duration::from_millis(10 * n))).collect();
        assert_eq!(told, [1, 1_000, 1_000]);
    }
}
