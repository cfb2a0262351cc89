//! How much the bot changes at the most, over all of its runs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use super::{HumanDuration, RunId, parse_duration};

/// At most so many in this time: `30 per 10m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub most: u32,
    pub within: Duration,
}

/// A text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not say how many in what time; write `30 per 10m`")]
pub struct RateError(String);

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(" per ").and_then(|(most, within)| {
            let most: u32 = most.trim().parse().ok().filter(|most| *most > 0)?;
            let within = parse_duration(within).ok().filter(|within| !within.is_zero())?;
            Some(Self { most, within })
        });
        parsed.ok_or_else(|| RateError(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {}", self.most, HumanDuration(self.within))
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What holds for all runs of all playbooks; `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FleetLimits {
    /// Changes that are begun, over all.
    pub mutations: Option<Rate>,
    pub mutations_per_namespace: Option<Rate>,
    /// Runs that have begun to change something, and have not ended.
    pub at_once: Option<u32>,
    /// The first run of a playbook in that time is alone; then 2, 4, ... at once. The first that
    /// did not help stops the others.
    pub ramp: Option<Duration>,
    /// So many runs of a playbook that did not help open its breaker.
    pub breaker: Option<Rate>,
}

impl FleetLimits {
    /// The same with half as much again, for what is urgent: S1 does not wait behind what others
    /// have used up.
    #[must_use]
    pub fn with_reserve(self) -> Self {
        let more = |most: u32| most.saturating_add(most.div_ceil(2));
        let rate = |rate: Option<Rate>| rate.map(|rate| Rate { most: more(rate.most), ..rate });
        Self {
            mutations: rate(self.mutations),
            mutations_per_namespace: rate(self.mutations_per_namespace),
            at_once: self.at_once.map(more),
            ..self
        }
    }
}

/// What holds for one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunLimits {
    /// With the ramp of its playbook, where that has one.
    pub fleet: FleetLimits,
    /// Runs of its playbook that begin to change something.
    pub runs_per_playbook: Option<Rate>,
    /// Those of them in the namespace of its target.
    pub runs_per_namespace: Option<Rate>,
}

/// How often runs of one playbook may follow each other on one target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetLimits {
    /// At most so many runs in this time.
    pub runs: Option<(u32, Duration)>,
    /// At least so long after the end of the last run.
    pub cooldown: Option<Duration>,
}

impl TargetLimits {
    /// How far back the runs were opened that they count; at least a day, so that one that took
    /// long is seen.
    pub fn look_back(&self) -> Duration {
        const AT_LEAST: Duration = Duration::from_secs(24 * 3_600);
        let windows = self.cooldown.into_iter().chain(self.runs.map(|(_, window)| window));
        windows.fold(AT_LEAST, Duration::max)
    }
}

/// A playbook of which no run changes anything until a person says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    pub playbook: String,
    pub opened_at: DateTime<Utc>,
    pub because: String,
}

/// A playbook of which no other run begins a change for a time, as one of them did not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedRamp {
    pub playbook: String,
    /// The latest that did not help, and when it ended.
    pub run: RunId,
    pub since: DateTime<Utc>,
    /// As it was told when that run ended.
    pub until: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_as_it_is_written() {
        let rate: Rate = "30 per 10m".parse().unwrap();
        assert_eq!((rate.most, rate.within, rate.to_string().as_str()), (30, Duration::from_secs(600), "30 per 10m"));
        for wrong in ["", "30", "0 per 10m", "30 per 0s", "30 per", "ten per 10m", "30/10m", "-1 per 10m"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
