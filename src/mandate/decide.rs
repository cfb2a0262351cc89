//! What a look at the Lease means: a pure function of what is there, what was seen before, and the
//! time.

use std::time::Duration;

use super::{DURATION, NoMandate};
use crate::cluster::Object;

/// Which process of a database holds the Lease: the holder's identity is the database's.
pub(super) const PROCESS: &str = "dogwatch/process";

/// The longest that a Lease is believed to hold without a change, whatever it says.
const LONGEST: Duration = Duration::from_secs(600);

/// Who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The database's mark.
    pub database: String,
    pub process: String,
}

/// Somebody else's Lease as we saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    holder: Identity,
    /// UID and resourceVersion: whatever changes the Lease changes these.
    version: (String, String),
    /// Since when it is so, by our monotonic clock.
    since: Duration,
    /// How long it holds from then on.
    lasting: Duration,
    /// We saw it change: somebody renews it.
    alive: bool,
}

/// What to do about the Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    Create,
    Renew,
    /// It is nobody's, or its holder is gone.
    Take,
    /// It is another's, or may be.
    Wait(NoMandate),
}

/// Decides. `now` is monotonic.
pub(super) fn decide(lease: Option<&Object>, seen: &mut Option<Seen>, us: &Identity, now: Duration) -> Decision {
    let Some(lease) = lease else {
        // Whoever had it may not have noticed yet that it was deleted.
        return match seen {
            Some(other) if now < other.since + other.lasting => {
                Decision::Wait(other.waits(us, "was deleted, and was held by"))
            }
            _ => Decision::Create,
        };
    };
    let holder = Identity {
        database: lease.text("/spec/holderIdentity").to_owned(),
        process: lease.annotation(PROCESS).unwrap_or_default().to_owned(),
    };
    if holder == *us {
        *seen = None;
        return Decision::Renew;
    }
    if holder.database.is_empty() {
        return Decision::Take;
    }
    let version = (lease.uid().to_owned(), lease.resource_version().to_owned());
    match seen {
        Some(other) if other.version == version => {
            if now >= other.since + other.lasting {
                return Decision::Take;
            }
        }
        _ => {
            let told = lease.number("/spec/leaseDurationSeconds").and_then(|seconds| u64::try_from(seconds).ok());
            let lasting = Duration::from_secs(told.unwrap_or_default()).clamp(DURATION, LONGEST);
            let alive = seen.as_ref().is_some_and(|before| before.holder == holder);
            *seen = Some(Seen { holder, version, since: now, lasting, alive });
        }
    }
    match seen {
        Some(other) => Decision::Wait(other.waits(us, "is held by")),
        None => Decision::Take,
    }
}

impl Seen {
    fn waits(&self, us: &Identity, how: &str) -> NoMandate {
        let who = if self.holder.database == us.database {
            "another process on this database or on a copy of it".to_owned()
        } else {
            format!("a bot on another database ({})", shown(&self.holder.database))
        };
        let rest = if self.alive { "this bot only observes" } else { "whether that one still lives is not known yet" };
        NoMandate {
            observes: self.alive,
            refused: false,
            because: format!("the lease of this cluster {how} {who}: {rest}"),
        }
    }
}

/// Anybody may have written it.
fn shown(identity: &str) -> String {
    identity.chars().filter(|c| c.is_ascii_graphic()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn us() -> Identity {
        Identity { database: "aaaaaaaa".into(), process: "1".into() }
    }

    fn lease(database: &str, process: &str, version: u32) -> Object {
        Object(json!({
            "metadata": { "uid": "u", "resourceVersion": version.to_string(), "annotations": { PROCESS: process } },
            "spec": { "holderIdentity": database, "leaseDurationSeconds": 20 },
        }))
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn observes(decision: &Decision) -> Option<bool> {
        match decision {
            Decision::Wait(why) => Some(why.observes),
            _ => None,
        }
    }

    #[test]
    fn what_is_nobodys_is_taken_and_what_is_ours_is_renewed() {
        let mut seen = None;
        assert_eq!(decide(None, &mut seen, &us(), seconds(1)), Decision::Create);
        assert_eq!(decide(Some(&lease("aaaaaaaa", "1", 1)), &mut seen, &us(), seconds(2)), Decision::Renew);
        assert_eq!(decide(Some(&lease("", "", 2)), &mut seen, &us(), seconds(3)), Decision::Take);
        assert_eq!(seen, None);
    }

    #[test]
    fn a_holder_that_lives_is_observed_and_one_that_is_gone_is_followed() {
        let mut seen = None;
        let mut at =
            |version: u32, now: u64| decide(Some(&lease("bbbbbbbb", "9", version)), &mut seen, &us(), seconds(now));
        assert_eq!(observes(&at(1, 100)), Some(false), "it may have died");
        let Decision::Wait(why) = at(2, 105) else { panic!() };
        assert!(why.observes);
        assert_eq!(
            why.because,
            "the lease of this cluster is held by a bot on another database (bbbbbbbb): this bot only observes"
        );
        assert_eq!(observes(&at(2, 124)), Some(true));
        assert_eq!(at(2, 125), Decision::Take);
    }

    #[test]
    fn a_copy_of_our_own_database_is_another_bot() {
        let mut seen = None;
        for (version, now) in [(1, 0), (2, 5)] {
            let Decision::Wait(why) = decide(Some(&lease("aaaaaaaa", "2", version)), &mut seen, &us(), seconds(now))
            else {
                panic!()
            };
            assert!(why.because.contains("another process on this database or on a copy of it"), "{}", why.because);
        }
        // After kill -9 the last process renews nothing any more.
        assert_eq!(decide(Some(&lease("aaaaaaaa", "2", 2)), &mut seen, &us(), seconds(25)), Decision::Take);
    }

    #[test]
    fn a_lease_that_was_deleted_under_its_holder_is_waited_out() {
        let mut seen = None;
        decide(Some(&lease("bbbbbbbb", "9", 1)), &mut seen, &us(), seconds(100));
        assert_eq!(observes(&decide(None, &mut seen, &us(), seconds(119))), Some(false));
        assert_eq!(decide(None, &mut seen, &us(), seconds(120)), Decision::Create);
    }

    proptest! {
        /// Whatever somebody else writes into it, and whenever we look: it is not taken from a
        /// holder before a change of it was missing for as long as we hold our own.
        #[test]
        fn nobody_is_followed_too_early(looks in prop::collection::vec((0..8_u64, any::<bool>(), 0..100_i64), 1..40)) {
            let (mut seen, mut now, mut version, mut changed) = (None, 0, 1, 0);
            for (n, (pause, changes, lasting)) in looks.into_iter().enumerate() {
                now += pause;
                if changes || n == 0 {
                    (version, changed) = (version + 1, now);
                }
                let mut lease = lease("bbbbbbbb", "9", version);
                lease.0["spec"]["leaseDurationSeconds"] = json!(lasting);
                if decide(Some(&lease), &mut seen, &us(), seconds(now)) == Decision::Take {
                    prop_assert!(now - changed >= DURATION.as_secs());
                }
            }
        }
    }
}
