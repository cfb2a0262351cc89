//! How many, and whether.

use std::fmt;
use std::str::FromStr;

use super::{AmountError, no, percent};

/// A whole number from 0 to 100,000: of replicas, of events. What is larger is a slip of the hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u32);

impl FromStr for Count {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let number = text.trim().parse().ok().filter(|number| *number <= 100_000);
        number.map(Self).ok_or_else(|| no(text, "whole number from 0 to 100000"))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(pub bool);

impl FromStr for Flag {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        match text.trim() {
            "true" => Ok(Self(true)),
            "false" => Ok(Self(false)),
            _ => Err(no(text, "truth value; write `true` or `false`")),
        }
    }
}

/// How many replicas are added: `50%` (rounded up, at least one) or `2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoreReplicas {
    Percent(u32),
    Count(u32),
}

impl MoreReplicas {
    /// What `current` comes to with them.
    pub fn on(self, current: u32) -> u32 {
        match self {
            MoreReplicas::Percent(percent) => {
                let more = (u64::from(current) * u64::from(percent)).div_ceil(100).max(1);
                current.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
            }
            MoreReplicas::Count(count) => current.saturating_add(count),
        }
    }
}

impl FromStr for MoreReplicas {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let count = || text.trim().parse().ok().filter(|count| (1..=1000).contains(count)).map(Self::Count);
        percent(text)
            .map(Self::Percent)
            .or_else(count)
            .ok_or_else(|| no(text, "number of replicas to add; write `50%` or `2`"))
    }
}

/// How many of all there may be: `5%` (rounded down, at least one) or `2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Most {
    Percent(u32),
    Count(u32),
}

impl Most {
    /// How many that are of `all`.
    pub fn of(self, all: usize) -> usize {
        match self {
            Most::Percent(percent) => (all.saturating_mul(percent as usize) / 100).max(1),
            Most::Count(count) => count as usize,
        }
    }
}

impl FromStr for Most {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let share = || percent(text).filter(|percent| *percent <= 100).map(Self::Percent);
        let count = || text.trim().parse().ok().filter(|count| (1..=1000).contains(count)).map(Self::Count);
        share().or_else(count).ok_or_else(|| no(text, "share or number of all of them; write `5%` or `2`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_replicas_is_rounded_up() {
        let on = |text: &str, current| text.parse::<MoreReplicas>().unwrap().on(current);
        assert_eq!(on("50%", 4), 6);
        assert_eq!(on("50%", 3), 5);
        assert_eq!(on("10%", 3), 4);
        assert_eq!(on("1%", 1), 2);
        assert_eq!(on("100%", 7), 14);
        assert_eq!(on("2", 4), 6);
    }

    #[test]
    fn a_share_of_all_is_rounded_down_and_never_nothing() {
        let of = |text: &str, all| text.parse::<Most>().unwrap().of(all);
        assert_eq!((of("5%", 100), of("5%", 39), of("5%", 3), of("5%", 0)), (5, 1, 1, 1));
        assert_eq!((of("2", 100), of("100%", 7)), (2, 7));
        for wrong in ["0", "0%", "101%", "-1", "some"] {
            assert!(wrong.parse::<Most>().is_err(), "{wrong}");
        }
    }
}
