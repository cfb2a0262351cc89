//! The two bounds of an autoscaler.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::action::typed::Typed;
use crate::cluster::Object;

/// A bound of an autoscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action) enum Bound {
    Min,
    Max,
}

impl Bound {
    pub(in crate::action::k8s) fn path(self) -> &'static [&'static str] {
        match self {
            Bound::Min => &["spec", "minReplicas"],
            Bound::Max => &["spec", "maxReplicas"],
        }
    }

    /// For people, and as the API has it.
    pub(super) fn field(self) -> &'static str {
        match self {
            Bound::Min => "minReplicas",
            Bound::Max => "maxReplicas",
        }
    }

    /// What the autoscaler goes by: where it names no least number, that is 1. `None`: it is no
    /// number of replicas.
    pub(in crate::action::k8s) fn of(self, hpa: &Object) -> Option<u32> {
        match hpa.at(&format!("/spec/{}", self.field())) {
            None | Some(Value::Null) => (self == Bound::Min).then_some(1),
            Some(number) => u32::try_from(number.as_u64()?).ok(),
        }
    }
}

impl Typed for Bound {
    const WORDS: &'static str = "`min` or `max`";
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bound::Min => "min",
            Bound::Max => "max",
        })
    }
}

/// A text that is no bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no bound of an autoscaler; write `min` or `max`")]
pub(in crate::action) struct BoundError(String);

impl FromStr for Bound {
    type Err = BoundError;

    fn from_str(text: &str) -> Result<Self, BoundError> {
        match text {
            "min" => Ok(Bound::Min),
            "max" => Ok(Bound::Max),
            other => Err(BoundError(other.chars().take(40).collect())),
        }
    }
}
