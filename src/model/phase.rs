//! The phases of a playbook.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The three phases of a playbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Diagnose,
    Mitigate,
    Escalate,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Diagnose => "diagnose",
            Phase::Mitigate => "mitigate",
            Phase::Escalate => "escalate",
        })
    }
}
