//! How bad it is, and what that obliges to.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// S1 (users are down or data is at risk) to S4 (a trend or a question).
///
/// The order is by number: `S1 < S2`. [`Severity::worst`] says what the order means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

    /// What an alert's own `severity` label hints at. A hint: playbook and blast radius decide.
    pub fn hint(label: Option<&str>) -> Severity {
        match label.map(str::to_ascii_lowercase).as_deref() {
            Some("s1" | "critical" | "page" | "emergency" | "disaster") => Severity::S1,
            Some("s3" | "info" | "notice" | "low") => Severity::S3,
            Some("s4" | "none" | "debug") => Severity::S4,
            // Also what has no label or one that we don't know: saying less would be guessing towards silence.
            _ => Severity::S2,
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
