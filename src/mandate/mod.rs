//! Who may change the cluster: one bot at a time.
//!
//! Two bots with databases of their own know nothing of each other's runs, cooldowns and locks. So
//! each cluster has one Lease (<https://kubernetes.io/docs/concepts/architecture/leases/>), which
//! holds the mark of one database: its bot has the mandate, and every other one only observes.
//!
//! Nobody compares wall clocks. A holder counts as gone when *we* have seen no change of the Lease
//! for as long as it says, by our own monotonic clock; and it stops changing anything well before
//! anybody else could come to see it so.

mod decide;
mod mandate_worker;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use mandate_worker::MandateWorker;

use crate::clock::Clock;
use crate::cluster::{Access, Kind};
use crate::model::ObjectKey;

/// How long the Lease holds without being renewed: as long as a mutation may take, so that one
/// which is sent while it is ours has ended when it could be somebody else's.
pub const DURATION: Duration = Duration::from_secs(20);

/// How often it is renewed: often enough for a renewal or two to be lost.
pub const RENEW_EVERY: Duration = Duration::from_secs(5);

/// How long before its end it is not used any more: for what two clocks may differ in 20 s, and for
/// a request on its way.
pub const MARGIN: Duration = Duration::from_secs(4);

/// The Lease in which the mandate is held, and so its scope: bots that name the same one share a
/// cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseName {
    pub namespace: String,
    pub name: String,
}

impl Default for LeaseName {
    fn default() -> Self {
        Self { namespace: "kube-system".into(), name: "dogwatch".into() }
    }
}

impl LeaseName {
    pub(crate) fn key(&self) -> ObjectKey {
        ObjectKey::new("Lease", &self.namespace, &self.name)
    }

    /// The rights to hold it. Nobody can be allowed to create an object of one name only.
    pub fn access(&self) -> Vec<Access> {
        let Ok(kind) = Kind::find("Lease") else { return Vec::new() };
        let right = |verb: &str, name: &str| Access { name: name.into(), ..kind.access(verb, "", &self.namespace) };
        vec![right("get", &self.name), right("patch", &self.name), right("create", "")]
    }
}

/// Whether this bot may change the cluster now. Shared by the worker that sees to it and by all who
/// ask.
#[derive(Debug, Default)]
pub struct Mandate {
    /// `None`: nobody else can be there.
    standing: Option<Mutex<Standing>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// Ours for [`DURATION`] from when the last renewal was asked for, by both clocks: one of them
    /// stands still while a machine sleeps, and the other one can be set.
    Ours {
        renewed: Duration,
        renewed_at: DateTime<Utc>,
    },
    Not(NoMandate),
}

/// Why the cluster must not be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{because}")]
pub struct NoMandate {
    /// `true`: this bot only observes. `false`: that is not known yet, and may change in a moment.
    pub observes: bool,
    /// The cluster does not let us hold the Lease, and we know of nobody who does.
    pub refused: bool,
    pub because: String,
}

impl NoMandate {
    /// It may change in a moment.
    pub fn not_known(because: impl Into<String>) -> Self {
        Self { observes: false, refused: false, because: because.into() }
    }
}

impl Mandate {
    /// For a cluster that nobody else can reach: a simulated one.
    pub fn unshared() -> Self {
        Self::default()
    }

    /// Nothing is ours before a [`MandateWorker`] has asked the cluster.
    pub fn shared() -> Self {
        let because = "it is not known yet whether another bot works on this cluster".to_owned();
        Self { standing: Some(Mutex::new(Standing::Not(NoMandate::not_known(because)))) }
    }

    /// For how long the cluster may surely be changed from now on.
    ///
    /// # Errors
    /// When it must not be.
    pub fn left(&self, clock: &dyn Clock) -> Result<Duration, NoMandate> {
        let Some(standing) = &self.standing else { return Ok(Duration::MAX) };
        let standing = standing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match standing {
            Standing::Not(why) => Err(why),
            Standing::Ours { renewed, renewed_at } => {
                let by_wall = (clock.now() - renewed_at).to_std().unwrap_or_default();
                let passed = clock.monotonic().saturating_sub(renewed).max(by_wall);
                DURATION.checked_sub(MARGIN + passed).filter(|left| !left.is_zero()).ok_or_else(|| {
                    NoMandate::not_known("the lease that says which bot may change this cluster could not be renewed")
                })
            }
        }
    }

    fn set(&self, standing: Standing) {
        if let Some(ours) = &self.standing {
            *ours.lock().unwrap_or_else(PoisonError::into_inner) = standing;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn what_was_not_renewed_is_not_used_to_its_end() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let mandate = Mandate::shared();
        assert!(!mandate.left(&clock).unwrap_err().observes, "nobody has asked yet");
        mandate.set(Standing::Ours { renewed: clock.monotonic(), renewed_at: clock.now() });
        assert_eq!(mandate.left(&clock), Ok(DURATION - MARGIN));
        clock.advance(Duration::from_secs(15));
        assert_eq!(mandate.left(&clock), Ok(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        assert!(mandate.left(&clock).unwrap_err().because.contains("could not be renewed"));
        assert_eq!(Mandate::unshared().left(&clock), Ok(Duration::MAX));
    }

    #[test]
    fn a_clock_that_stood_still_or_was_set_gives_no_more_time() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH + Duration::from_secs(3_600));
        let mandate = Mandate::shared();
        // The machine slept: only the wall clock shows it.
        let asleep = clock.now() - Duration::from_secs(60);
        mandate.set(Standing::Ours { renewed: clock.monotonic(), renewed_at: asleep });
        assert!(mandate.left(&clock).is_err());
        // The wall clock was set back: only the other one shows what has passed.
        let ahead = clock.now() + Duration::from_secs(600);
        mandate.set(Standing::Ours { renewed: clock.monotonic(), renewed_at: ahead });
        assert_eq!(mandate.left(&clock), Ok(DURATION - MARGIN));
        clock.advance(Duration::from_secs(16));
        assert!(mandate.left(&clock).is_err());
    }
}
