//! Times as sentences have them.

use chrono::{DateTime, Utc};

/// `2026-03-02 02:03 UTC`.
pub fn to_the_minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
