//! `engine.limits`: how much the bot changes at the most, over all of its runs.

use serde::Deserialize;

use crate::model::{FleetLimits, HumanDuration, Rate};

/// A limit, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Limit<T> {
    Set(T),
    Word(NoLimit),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoLimit {
    None,
}

/// The defaults are for a fleet of 10,000 databases: what goes wrong does so with few of them, and what
/// is mended one by one need not wait for long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    pub mutations: Limit<Rate>,
    pub mutations_per_namespace: Limit<Rate>,
    /// Runs that have begun to change something, and have not ended.
    pub at_once: Limit<u32>,
    pub ramp: Limit<HumanDuration>,
    pub breaker: Limit<Rate>,
    /// Not built: refused, so that nobody relies on it.
    pub untouched: Option<serde_json::Value>,
}

impl<T> Limit<T> {
    fn value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Word(NoLimit::None) => None,
        }
    }
}

const fn rate(most: u32, minutes: u64) -> Limit<Rate> {
    Limit::Set(Rate { most, within: std::time::Duration::from_secs(60 * minutes) })
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            mutations: rate(30, 10),
            mutations_per_namespace: rate(10, 10),
            at_once: Limit::Set(10),
            ramp: Limit::Set(HumanDuration(std::time::Duration::from_secs(3_600))),
            breaker: rate(3, 60),
            untouched: None,
        }
    }
}

impl LimitsConfig {
    pub fn fleet(&self) -> FleetLimits {
        FleetLimits {
            mutations: self.mutations.value(),
            mutations_per_namespace: self.mutations_per_namespace.value(),
            at_once: self.at_once.value().filter(|most| *most > 0),
            ramp: self.ramp.value().map(|ramp| ramp.0).filter(|ramp| !ramp.is_zero()),
            breaker: self.breaker.value(),
        }
    }
}
