//! How long the durations of a playbook may be at the most, and why.
//!
//! `wait: 1000d` is a slip of the hand, and would hold the lock on an object for years. A run that
//! was pinned to a playbook of before goes on as that says.

use std::time::Duration;

use super::Checker;
use crate::diagnostics::Code;
use crate::language::Location;
use crate::model::{HumanDuration, LONGEST_QUESTION, parse_duration};
use crate::playbook::load::{Text, place};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A bound, with the reason that whoever is over it is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Longest {
    most: Duration,
    because: &'static str,
}

/// What a run waits for. The longest of the shipped playbooks is 12 hours (a replica of 10 TB is
/// copied): what takes more than a day is no incident that a run is in the middle of.
pub(super) const OF_A_RUN: Longest =
    Longest { most: DAY, because: "meanwhile the run holds its object, and no other one may mend it" };

/// A loop as a whole, of which each item is as a run's.
pub(super) const OF_A_LOOP: Longest =
    Longest { most: Duration::from_secs(7 * 24 * 60 * 60), because: "what takes a week is no answer to an alert" };

/// One attempt, which is made within a worker. What is waited for is a `watch` or a `verify`.
pub(super) const OF_AN_ATTEMPT: Longest =
    Longest { most: Duration::from_secs(10 * 60), because: "an attempt holds one of the few workers for as long" };

/// Until somebody is paged, whatever the run does.
pub(super) const UNTIL_A_PAGE: Longest =
    Longest { most: DAY, because: "a call that comes after that is none: nobody knows any more that it fired" };

/// A question to a person.
pub(super) const OF_A_QUESTION: Longest =
    Longest { most: LONGEST_QUESTION, because: "after a day, what was shown is no longer what is there" };

/// How far back earlier runs and changes are counted.
pub(super) const COUNTED: Longest = Longest {
    most: Duration::from_secs(30 * 24 * 60 * 60),
    because: "all runs since then are read before one begins, and what comes back after a month is no repetition",
};

impl Checker<'_> {
    /// A duration that is longer than nothing, and no longer than that.
    pub(super) fn duration(&mut self, text: &Text, longest: Longest) -> Option<Duration> {
        match parse_duration(&text.value) {
            Ok(duration) if duration.is_zero() => {
                self.error(
                    Code::OutOfRange,
                    place(text),
                    "a duration of nothing means nothing here",
                    Some("leave it out".into()),
                );
                None
            }
            Ok(duration) => self.is_at_most(duration, longest, place(text)).then_some(duration),
            Err(error) => {
                let message = error.to_string();
                let (message, remedy) = message.split_once("; ").unwrap_or((&message, ""));
                self.error(Code::InvalidValue, place(text), message, (!remedy.is_empty()).then(|| remedy.to_owned()));
                None
            }
        }
    }

    /// Whether the duration that stands there can be used.
    pub(super) fn is_at_most(&mut self, duration: Duration, longest: Longest, at: Location) -> bool {
        let Longest { most, because } = longest;
        if duration <= most {
            return true;
        }
        let (duration, most) = (HumanDuration(duration), HumanDuration(most));
        let message = format!("{duration} is longer than {most}: {because}");
        !self.rule(Code::OutOfRange, at, message, format!("write `{most}` or less"))
    }
}
