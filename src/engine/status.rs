//! How far one step is, and which record may follow which.

use std::mem;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{ConditionKind, FailureClass, HumanDuration, Intent, Look, RunEvent, WaitsFor};

/// How far a step is. One that has none has not begun.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Its turn has come: its `when` held, or what was tried of it is forgotten.
    Ready { tried: Tried },
    /// An attempt failed, another run holds the lock, or a `wait` runs: nothing before `until`.
    Waiting { until: DateTime<Utc>, tried: Tried },
    /// Failed for good, unless a `waiting` follows.
    /// `held`: a limit or a brake said no.
    Failed { tried: Tried, class: FailureClass, error: String, held: bool },
    /// A mutation was about to be made, at `since`. Read back from the log after a crash, this is
    /// doubt.
    Started { tried: Tried, intent: Box<Intent>, since: DateTime<Utc>, look_at: Option<DateTime<Utc>> },
    /// A mutation was made, or found unneeded; what is left is its verify, if it has one.
    Made { at: DateTime<Utc> },
    /// A verify waits for its next look. `holds_since`: since when each look holds.
    Verifying {
        look_at: DateTime<Utc>,
        give_up_at: DateTime<Utc>,
        last: Option<(DateTime<Utc>, String)>,
        holds_since: Option<DateTime<Utc>>,
        /// What the last look found that speaks against the change; `None`: it had no answer, or a
        /// good one.
        against: Option<Look>,
    },
    /// A read is repeated.
    Watching(Watched),
    /// A `choose` has chosen this branch.
    Chosen { branch: String },
    /// A `foreach` has its list.
    Listed,
    /// What an item is about was read.
    Open,
    /// It needs no more: read, skipped, verified, told. `made`: it is a mutation that was made, or
    /// found unneeded.
    Finished { made: bool },
}

/// How far a read is that is repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    pub since: DateTime<Utc>,
    pub every: HumanDuration,
    pub give_up_at: DateTime<Utc>,
    /// The last look, also one that is not on the log.
    pub last_at: Option<DateTime<Utc>>,
    /// The last one that is, and what it came to.
    pub told: Option<(DateTime<Utc>, Look)>,
    /// Since when each look holds.
    pub holds_since: Option<DateTime<Utc>>,
}

/// What the attempts of a step that is under way left behind. Each of its times has a patience of
/// its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tried {
    /// Its `when` held.
    pub wanted: bool,
    /// How many there were, the one that is under way included.
    pub attempts: u32,
    /// Since when they fail; to wait for a lock is no failure.
    pub first_failed_at: Option<DateTime<Utc>>,
    /// What is waited for, and since when.
    pub waits: Option<(Option<WaitsFor>, DateTime<Utc>)>,
    /// The last attempt that was begun, and what it wanted: a request may still take effect after
    /// it was given up.
    pub begun: Option<(u32, Intent)>,
}

/// A record that cannot follow what the log holds before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its log says of it `{record}` when it {before}")]
pub(super) struct IllegalRecord {
    record: &'static str,
    before: &'static str,
}

impl Status {
    /// The status after one more record about the step.
    ///
    /// # Errors
    /// The record cannot follow: the log was not written by one engine at a time, or is damaged.
    pub(super) fn after(before: Option<&Status>, at: DateTime<Utc>, event: &RunEvent) -> Result<Self, IllegalRecord> {
        let ready = Status::Ready { tried: Tried::default() };
        let status = before.unwrap_or(&ready);
        let next = match (status, event) {
            (Status::Ready { tried }, RunEvent::Checked { condition: ConditionKind::When, held: true, .. }) => {
                Status::Ready { tried: Tried { wanted: true, ..tried.clone() } }
            }
            (Status::Ready { .. }, RunEvent::Chosen { branch, .. }) => Status::Chosen { branch: branch.clone() },
            (Status::Ready { .. }, RunEvent::Listed { .. })
            | (Status::Listed, RunEvent::Wave { .. } | RunEvent::WaveAnew { .. }) => Status::Listed,
            (Status::Ready { .. } | Status::Waiting { .. } | Status::Open, RunEvent::ItemRead { .. }) => Status::Open,
            (Status::Ready { .. } | Status::Failed { .. } | Status::Open, RunEvent::ItemEnded { .. }) => {
                Status::Finished { made: false }
            }
            (
                Status::Ready { .. },
                RunEvent::Checked { .. }
                | RunEvent::HandedOver { .. }
                | RunEvent::Set { .. }
                | RunEvent::Read { .. }
                | RunEvent::Waited { .. }
                | RunEvent::Told { .. }
                | RunEvent::Filed { .. },
            )
            | (Status::Waiting { .. }, RunEvent::Read { .. } | RunEvent::Waited { .. })
            | (Status::Failed { .. }, RunEvent::Skipped { .. } | RunEvent::ReadFailed { .. }) => {
                Status::Finished { made: false }
            }
            (
                Status::Ready { tried } | Status::Waiting { tried, .. } | Status::Started { tried, .. },
                RunEvent::Failed { attempt, class, error, held, .. },
            ) => Status::Failed {
                tried: Tried {
                    attempts: *attempt,
                    first_failed_at: tried.first_failed_at.or(Some(at)),
                    ..tried.clone()
                },
                class: *class,
                error: error.clone(),
                held: *held,
            },
            // A mutation in doubt stays in doubt while the cluster cannot be asked.
            (Status::Started { tried, intent, since, .. }, RunEvent::Waiting { until, .. }) => {
                Status::Started { tried: tried.clone(), intent: intent.clone(), since: *since, look_at: Some(*until) }
            }
            (Status::Failed { tried, .. }, RunEvent::Waiting { until, .. }) => {
                Status::Waiting { until: *until, tried: tried.clone() }
            }
            // Nothing failed: another run holds the lock, or the playbook waits.
            (Status::Ready { tried } | Status::Waiting { tried, .. }, RunEvent::Waiting { until, waits_for, .. }) => {
                let waits = tried.waits.filter(|(before, _)| before == waits_for).or(Some((*waits_for, at)));
                Status::Waiting { until: *until, tried: Tried { waits, first_failed_at: None, ..tried.clone() } }
            }
            (
                Status::Ready { tried } | Status::Waiting { tried, .. } | Status::Started { tried, .. },
                RunEvent::Started { attempt, intent, .. },
            ) => Status::Started {
                tried: Tried {
                    attempts: *attempt,
                    waits: None,
                    begun: Some((*attempt, intent.clone())),
                    ..tried.clone()
                },
                intent: Box::new(intent.clone()),
                since: at,
                look_at: None,
            },
            (Status::Started { .. }, RunEvent::Done { .. })
            | (Status::Ready { .. } | Status::Waiting { .. }, RunEvent::Unneeded { .. }) => Status::Made { at },
            // An attempt that was given up took effect after all.
            (Status::Ready { tried } | Status::Waiting { tried, .. }, RunEvent::Done { .. })
                if tried.begun.is_some() =>
            {
                Status::Made { at }
            }
            (Status::Made { .. }, RunEvent::Verifying { look_at, give_up_at, .. }) => {
                let (look_at, give_up_at) = (*look_at, *give_up_at);
                Status::Verifying { look_at, give_up_at, last: None, holds_since: None, against: None }
            }
            (Status::Verifying { last, holds_since, against, .. }, RunEvent::Verifying { look_at, give_up_at, .. }) => {
                let (last, holds_since, against) = (last.clone(), *holds_since, *against);
                Status::Verifying { look_at: *look_at, give_up_at: *give_up_at, last, holds_since, against }
            }
            (
                Status::Verifying { look_at, give_up_at, holds_since, .. },
                RunEvent::Looked { verdict, summary, unanswered, .. },
            ) => {
                let (look_at, give_up_at, last) = (*look_at, *give_up_at, Some((at, summary.clone())));
                match verdict {
                    Look::Good => Status::Finished { made: true },
                    Look::Holds => {
                        let holds_since = holds_since.or(Some(at));
                        Status::Verifying { look_at, give_up_at, last, holds_since, against: None }
                    }
                    Look::Bad | Look::NotYet => {
                        let against = Some(*verdict).filter(|_| !unanswered);
                        Status::Verifying { look_at, give_up_at, last, holds_since: None, against }
                    }
                }
            }
            (Status::Ready { .. } | Status::Waiting { .. } | Status::Failed { .. }, RunEvent::Stands { .. }) => {
                Status::Finished { made: false }
            }
            (Status::Ready { .. }, RunEvent::Watching { every, give_up_at, .. }) => Status::Watching(Watched {
                since: at,
                every: *every,
                give_up_at: *give_up_at,
                last_at: None,
                told: None,
                holds_since: None,
            }),
            (Status::Watching(watched), RunEvent::Watched { verdict, .. }) => {
                let told = Some((at, *verdict));
                Status::Watching(Watched { told, ..watched.looked(at, *verdict) })
            }
            (Status::Watching(_), RunEvent::Read { .. }) => Status::Finished { made: false },
            (Status::Watching(_), RunEvent::Failed { attempt, class, error, held, .. }) => Status::Failed {
                // Its `when`, where it has one, held: nothing is watched before.
                tried: Tried { wanted: true, attempts: *attempt, first_failed_at: Some(at), ..Tried::default() },
                class: *class,
                error: error.clone(),
                held: *held,
            },
            _ => return Err(IllegalRecord { record: event.name(), before: status.told() }),
        };
        Ok(next)
    }

    /// What was tried so far.
    pub(super) fn tried(&self) -> Option<&Tried> {
        match self {
            Status::Ready { tried }
            | Status::Waiting { tried, .. }
            | Status::Failed { tried, .. }
            | Status::Started { tried, .. } => Some(tried),
            Status::Made { .. }
            | Status::Verifying { .. }
            | Status::Watching(_)
            | Status::Chosen { .. }
            | Status::Listed
            | Status::Open
            | Status::Finished { .. } => None,
        }
    }

    /// What it waits for.
    pub(super) fn timer(&self) -> Option<DateTime<Utc>> {
        match self {
            Status::Waiting { until, .. } => Some(*until),
            Status::Verifying { look_at, .. } => Some(*look_at),
            Status::Started { look_at, .. } => *look_at,
            _ => None,
        }
    }

    /// When a look found that the change did not help, and no other follows; `None`: none did.
    pub(super) fn refuted_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Status::Verifying { give_up_at, last: Some((at, _)), against: Some(verdict), .. } => {
                (*verdict == Look::Bad || at >= give_up_at).then_some(*at)
            }
            _ => None,
        }
    }

    /// An attempt to change something was on the log, whatever came of it.
    pub(super) fn has_begun_a_change(&self) -> bool {
        self.tried().is_some_and(|tried| tried.begun.is_some())
    }

    /// A limit or a brake keeps it from beginning a change: it said no, or is waited for.
    pub(super) fn is_held(&self) -> bool {
        match self {
            Status::Failed { held, .. } => *held,
            Status::Waiting { tried, .. } => matches!(tried.waits, Some((Some(WaitsFor::Limit), _))),
            _ => false,
        }
    }

    /// Failures before this are not on its account any more; an attempt that was begun is.
    pub(super) fn forget_failures(&mut self) {
        if let Status::Waiting { tried, .. } | Status::Failed { tried, .. } = self {
            let Tried { wanted, begun, .. } = mem::take(tried);
            let attempts = begun.as_ref().map_or(0, |(attempt, _)| *attempt);
            *self = Status::Ready { tried: Tried { wanted, begun, attempts, ..Tried::default() } };
        }
    }

    /// All of its times are that much later.
    pub(super) fn move_times(&mut self, by: TimeDelta) {
        match self {
            Status::Ready { tried } | Status::Failed { tried, .. } => tried.move_times(by),
            Status::Waiting { until, tried } => {
                *until += by;
                tried.move_times(by);
            }
            Status::Started { tried, since, look_at, .. } => {
                tried.move_times(by);
                *since += by;
                look_at.iter_mut().for_each(|at| *at += by);
            }
            Status::Made { at } => *at += by,
            Status::Verifying { look_at, give_up_at, last, holds_since, against: _ } => {
                *look_at += by;
                *give_up_at += by;
                last.iter_mut().for_each(|(at, _)| *at += by);
                holds_since.iter_mut().for_each(|at| *at += by);
            }
            Status::Watching(watched) => watched.move_times(by),
            Status::Chosen { .. } | Status::Listed | Status::Open | Status::Finished { .. } => {}
        }
    }

    fn told(&self) -> &'static str {
        match self {
            Status::Ready { .. } => "was yet to begin",
            Status::Waiting { .. } => "waited",
            Status::Failed { .. } => "had failed",
            Status::Started { .. } => "was being made",
            Status::Made { .. } => "was made",
            Status::Verifying { .. } => "was being verified",
            Status::Watching(_) => "was being watched",
            Status::Chosen { .. } => "had chosen",
            Status::Listed => "had its list",
            Status::Open => "was under way",
            Status::Finished { .. } => "was finished",
        }
    }
}

impl Watched {
    /// The same after one more look.
    pub(super) fn looked(&self, at: DateTime<Utc>, verdict: Look) -> Self {
        let holds_since = match verdict {
            Look::Good | Look::Holds => self.holds_since.or(Some(at)),
            Look::NotYet | Look::Bad => None,
        };
        Self { last_at: Some(at), holds_since, ..self.clone() }
    }

    fn move_times(&mut self, by: TimeDelta) {
        self.since += by;
        self.give_up_at += by;
        self.last_at.iter_mut().chain(&mut self.holds_since).for_each(|at| *at += by);
        self.told.iter_mut().for_each(|(at, _)| *at += by);
    }
}

impl Tried {
    /// Since when that is waited for.
    pub(super) fn waits_since(&self, waits_for: WaitsFor) -> Option<DateTime<Utc>> {
        // What older versions wrote was mostly a lock.
        let is_it = |found: Option<WaitsFor>| found.unwrap_or(WaitsFor::Lock) == waits_for;
        self.waits.filter(|(found, _)| is_it(*found)).map(|(_, at)| at)
    }

    fn move_times(&mut self, by: TimeDelta) {
        self.first_failed_at.iter_mut().for_each(|at| *at += by);
        self.waits.iter_mut().for_each(|(_, at)| *at += by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was waited for before is on nobody else's account.
    #[test]
    fn each_thing_that_is_waited_for_has_a_patience_of_its_own() {
        let at = |minutes: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let waits = |minutes: i64, waits_for: Option<WaitsFor>| {
            let step = "mitigate.scale".parse().unwrap();
            RunEvent::Waiting { step, until: at(minutes + 1), because: "x".into(), waits_for }
        };
        let take = |status: Option<Status>, minutes, waits_for| {
            Some(Status::after(status.as_ref(), at(minutes), &waits(minutes, waits_for)).unwrap())
        };
        let since =
            |status: &Option<Status>, waits_for| status.as_ref().unwrap().tried().unwrap().waits_since(waits_for);
        let limit = take(take(None, 0, Some(WaitsFor::Limit)), 25, Some(WaitsFor::Limit));
        assert_eq!(since(&limit, WaitsFor::Limit), Some(at(0)));
        let lock = take(limit, 26, Some(WaitsFor::Lock));
        assert_eq!((since(&lock, WaitsFor::Lock), since(&lock, WaitsFor::Limit)), (Some(at(26)), None));
        // A log of before it was recorded: it was a lock.
        let old = take(None, 3, None);
        assert_eq!(since(&take(old, 4, Some(WaitsFor::Mandate)), WaitsFor::Mandate), Some(at(4)));
    }
}
