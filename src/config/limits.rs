//! `engine.limits`: how much the bot changes at the most, over all of its runs.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::{FleetLimits, HumanDuration, Rate};

/// A limit; `None`: it was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<T>(pub Option<T>);

// By hand, as an untagged enum would lose the places.
impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Limit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LimitVisitor<T>(PhantomData<T>);

        impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for LimitVisitor<T> {
            type Value = Limit<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a limit, or `none`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Limit<T>, E> {
                match text.trim() {
                    "none" => Ok(Limit(None)),
                    text => text.parse().map(|limit| Limit(Some(limit))).map_err(E::custom),
                }
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Limit<T>, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(LimitVisitor(PhantomData))
    }
}

impl<T> schemars::JsonSchema for Limit<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "integer"], "description": "`30 per 10m`, a number or a duration; or `none`" })
    }
}

/// The defaults are for a fleet of 10,000 databases: what goes wrong does so with few of them, and
/// what is mended one by one need not wait for long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    pub mutations: Limit<Rate>,
    pub mutations_per_namespace: Limit<Rate>,
    /// Runs that have begun to change something, and have not ended.
    pub at_once: Limit<u32>,
    pub ramp: Limit<HumanDuration>,
    pub breaker: Limit<Rate>,
    /// Not built: refused, so that nobody relies on it.
    #[schemars(skip)]
    pub untouched: Option<serde_json::Value>,
}

const fn rate(most: u32, minutes: u64) -> Limit<Rate> {
    Limit(Some(Rate { most, within: Duration::from_secs(60 * minutes) }))
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            mutations: rate(30, 10),
            mutations_per_namespace: rate(10, 10),
            at_once: Limit(Some(10)),
            ramp: Limit(Some(HumanDuration(Duration::from_secs(3_600)))),
            // Far longer than the ramp, which lets one fail in its time.
            breaker: rate(3, 24 * 60),
            untouched: None,
        }
    }
}

impl LimitsConfig {
    pub fn fleet(&self) -> FleetLimits {
        FleetLimits {
            mutations: self.mutations.0,
            mutations_per_namespace: self.mutations_per_namespace.0,
            at_once: self.at_once.0,
            ramp: self.ramp.0.map(|ramp| ramp.0),
            breaker: self.breaker.0,
        }
    }
}
