//! Numbers that people say aloud (INC-42), and digests.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A text that is no number of the wanted sort.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {prefix} number; write it as `{prefix}-7`")]
pub struct IdError {
    text: String,
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "-{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Accepts `INC-7`, `inc-7` and `7`.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = || IdError { text: text.chars().take(40).collect(), prefix: $prefix };
                let trimmed = text.trim();
                let number = match trimmed.split_once('-') {
                    Some((prefix, number)) if prefix.eq_ignore_ascii_case($prefix) => number,
                    Some(_) => return Err(error()),
                    None => trimmed,
                };
                number.parse().ok().filter(|n: &i64| *n > 0).map(Self).ok_or_else(error)
            }
        }
    };
}

id!(
    /// An incident's short number, INC-42.
    IncidentId, "INC"
);
id!(
    /// One firing of one alert.
    EpisodeId, "EP"
);
id!(
    /// One execution of one playbook version on one target.
    RunId, "RUN"
);
id!(
    /// Something that came in through the front door.
    SignalId, "SIG"
);
id!(
    /// A page: somebody on call must acknowledge it.
    PageId, "PAGE"
);
id!(
    /// A question to a human: may the bot do this?
    ApprovalId, "APR"
);
id!(
    /// A maintenance window: what it covers pages nobody, and no run changes it.
    WindowId, "WIN"
);
id!(
    /// A freeze: what no run may change.
    FreezeId, "FRZ"
);
id!(
    /// An override: somebody covers for whoever is on call by the rotation.
    OverrideId, "OVR"
);
id!(
    /// A ticket in a team's tracker.
    TicketId, "TKT"
);

/// A SHA-256 digest of content, written as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of `content`.
    pub fn of(content: impl AsRef<[u8]>) -> Self {
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(content.as_ref()) {
            use fmt::Write as _;
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }

    /// Takes over a digest that was stored.
    pub fn from_hex(hex: String) -> Self {
        Self(hex)
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits: enough for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_people_write_it() {
        assert_eq!("INC-42".parse(), Ok(IncidentId(42)));
        assert_eq!(" inc-42 ".parse(), Ok(IncidentId(42)));
        assert_eq!("42".parse(), Ok(IncidentId(42)));
        assert_eq!(IncidentId(42).to_string(), "INC-42");
    }

    #[test]
    fn what_is_no_number_says_how_to_write_one() {
        for wrong in ["RUN-42", "INC-", "INC-0", "-3", "forty", "INC-4x", "99999999999999999999"] {
            let error = wrong.parse::<IncidentId>().unwrap_err().to_string();
            assert!(error.contains("write it as `INC-7`"), "{wrong}: {error}");
        }
    }
}
