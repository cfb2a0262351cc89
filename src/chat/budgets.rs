//! What one person may cost, whichever way the commands come: a loop in somebody's script must not
//! take the cluster's and Prometheus's time from those who are at work in an incident.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Bucket;
use crate::model::{Command, Person, Role, Via};

/// Commands by what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Cost {
    /// They ask the cluster and Prometheus, or read all of a shift.
    Asks,
    /// They read the store.
    Looks,
    /// They make a signal, and wait for what is decided.
    Changes,
}

impl Cost {
    /// Of a command; `None` for a text that is none, which is answered as fast as one that looks.
    pub fn of(command: Option<&Command>) -> Self {
        match command {
            Some(Command::Run { dry_run: true, .. } | Command::Handoff) => Self::Asks,
            Some(command) if !command.only_looks() => Self::Changes,
            _ => Self::Looks,
        }
    }

    /// How many at first, and how soon one more.
    fn rate(self) -> (f64, Duration) {
        match self {
            // A person reads each answer: more than one in three seconds is a script.
            Cost::Asks => (10.0, Duration::from_secs(3)),
            Cost::Looks => (40.0, Duration::from_millis(100)),
            // Whoever acknowledges a storm by script is at work.
            Cost::Changes => (100.0, Duration::from_millis(50)),
        }
    }

    /// How many of one person at once. One that changes may wait ten seconds for its decision.
    fn at_once(self) -> usize {
        match self {
            Cost::Asks => 2,
            Cost::Looks => 4,
            Cost::Changes => 16,
        }
    }
}

/// How many that ask the cluster at once: of all viewers, and of all others.
const ASKING_VIEWERS: usize = 2;
const ASKING_OTHERS: usize = 6;

/// Entries that are remembered, of some 200 bytes each: everybody in a chat's channel may look.
const REMEMBERED: usize = 4_096;

/// What is spent by whom. Whoever has no role spends nothing.
#[derive(Debug)]
pub(super) struct Budgets {
    spent: Mutex<HashMap<Spender, Spent>>,
    viewers: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

/// A person's id is one of the way that the person comes by.
type Spender = (Via, String, Cost);

#[derive(Debug)]
struct Spent {
    bucket: Bucket,
    at_once: Arc<Semaphore>,
}

/// Held while the command is worked on.
#[derive(Debug)]
pub(super) struct Turn {
    _own: Option<OwnedSemaphorePermit>,
    _role: Option<OwnedSemaphorePermit>,
}

/// Not now, but after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch {
    pub after: Duration,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            spent: Mutex::default(),
            viewers: Arc::new(Semaphore::new(ASKING_VIEWERS)),
            others: Arc::new(Semaphore::new(ASKING_OTHERS)),
        }
    }
}

impl Budgets {
    /// A turn for a command of this person. `now` is monotonic.
    pub fn begin(&self, person: &Person, role: Role, cost: Cost, now: Duration) -> Result<Turn, TooMuch> {
        // Whoever sits at the process's console could end it, and gives one command after the
        // other.
        if person.via == Via::Console {
            return Ok(Turn { _own: None, _role: None });
        }
        // How long one that is under way may take is not known: whoever comes again soon enough
        // loses little.
        let soon = TooMuch { after: Duration::from_secs(2) };
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= REMEMBERED {
            // Those who are at it just now are those who matter.
            spent.retain(|_, spent| Arc::strong_count(&spent.at_once) > 1);
        }
        let spent = spent.entry((person.via, person.id.clone(), cost)).or_insert_with(|| Spent {
            bucket: Bucket::full(cost.rate().0, now),
            at_once: Arc::new(Semaphore::new(cost.at_once())),
        });
        let own = spent.at_once.clone().try_acquire_owned().map_err(|_| soon)?;
        let of_role = if role == Role::Viewer { &self.viewers } else { &self.others };
        let of_role =
            (cost == Cost::Asks).then(|| of_role.clone().try_acquire_owned()).transpose().map_err(|_| soon)?;
        spent.bucket.take(cost.rate(), now).map_err(|after| TooMuch { after })?;
        Ok(Turn { _own: Some(own), _role: of_role })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn person(id: &str) -> Person {
        Person { name: id.into(), via: Via::Discord, id: id.into(), role: None }
    }

    #[test]
    fn one_person_has_few_turns_at_once_and_leaves_the_others_theirs() {
        let budgets = Budgets::default();
        let begin = |id: &str, role| budgets.begin(&person(id), role, Cost::Asks, NOW);
        let _first = begin("eve", Role::Viewer).unwrap();
        let second = begin("eve", Role::Viewer).unwrap();
        assert!(begin("eve", Role::Viewer).is_err());
        assert!(begin("victor", Role::Viewer).is_err(), "all viewers together have two");
        let _responder = begin("ada", Role::Responder).unwrap();
        drop(second);
        assert!(begin("victor", Role::Viewer).is_ok());
        assert!(
            budgets.begin(&person("eve"), Role::Viewer, Cost::Looks, NOW).is_ok(),
            "what is cheap has its own budget"
        );
    }

    #[test]
    fn a_crowd_takes_bounded_memory_and_whoever_is_at_it_stays_bounded() {
        let budgets = Budgets::default();
        let begin = |id: &str| budgets.begin(&person(id), Role::Responder, Cost::Asks, NOW);
        let _turns = [begin("ada").unwrap(), begin("ada").unwrap()];
        for n in 0..3 * REMEMBERED {
            drop(begin(&n.to_string()));
        }
        assert!(budgets.spent.lock().unwrap().len() <= REMEMBERED);
        assert!(begin("ada").is_err());
    }

    #[test]
    fn a_loop_is_slowed_down() {
        let budgets = Budgets::default();
        let asks =
            |seconds| budgets.begin(&person("eve"), Role::Viewer, Cost::Asks, Duration::from_secs(seconds)).map(drop);
        assert!((0..10).all(|_| asks(0).is_ok()));
        assert_eq!(asks(1), Err(TooMuch { after: Duration::from_secs(2) }));
        assert_eq!((asks(3), asks(3).is_ok()), (Ok(()), false));
    }

    #[test]
    fn the_console_is_not_bounded() {
        let budgets = Budgets::default();
        let person = Person { via: Via::Console, ..person("console") };
        for _ in 0..1_000 {
            assert!(budgets.begin(&person, Role::Responder, Cost::Asks, NOW).is_ok());
        }
    }
}
