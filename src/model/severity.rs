//! How bad it is, and what that obliges to.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// S1 (users are down or data is at risk) to S4 (a trend or a question).
///
/// The order is by number: `S1 < S2`. [`Severity::worst`] says what the order means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Severity {
    S1,
    S2,
    S3,
    S4,
}

impl Severity {
    /// How long a page of this severity may stay without an acknowledgement. `None`: next business day, or a ticket.
    pub fn ack_within(self) -> Option<Duration> {
        match self {
            Severity::S1 => Some(Duration::from_secs(5 * 60)),
            Severity::S2 => Some(Duration::from_secs(15 * 60)),
            Severity::S3 | Severity::S4 => None,
        }
    }

    /// How long an incident of this severity may stay unmitigated.
    pub fn mitigate_within(self) -> Option<Duration> {
        match self {
            Severity::S1 => Some(Duration::from_secs(30 * 60)),
            Severity::S2 => Some(Duration::from_secs(2 * 3_600)),
            Severity::S3 | Severity::S4 => None,
        }
    }

    /// The worse of two.
    pub fn worst(self, other: Severity) -> Severity {
        self.min(other)
    }

    /// Whether somebody on call is paged for it. Whoever is needed for less than that is asked in
    /// chat, and stands in the list of incidents and the handoff until somebody acknowledges it:
    /// nobody is woken.
    pub fn pages(self) -> bool {
        match self {
            Severity::S1 | Severity::S2 => true,
            Severity::S3 | Severity::S4 => false,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A text that is no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no severity; write S1, S2, S3 or S4")]
pub struct SeverityError(String);

impl FromStr for Severity {
    type Err = SeverityError;

    fn from_str(text: &str) -> Result<Self, SeverityError> {
        match text {
            "S1" => Ok(Severity::S1),
            "S2" => Ok(Severity::S2),
            "S3" => Ok(Severity::S3),
            "S4" => Ok(Severity::S4),
            other => Err(SeverityError(other.chars().take(40).collect())),
        }
    }
}
