//! Durations as people write them: `90s`, `10m`, `6h`, `1d12h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no duration; write a number and a unit, such as `90s`, `10m`, `6h`, `1d` or `1h30m`")]
pub struct DurationError(String);

/// Reads `90s`, `10m`, `6h`, `1d`, `2w`, `1h30m`, `250ms`.
///
/// A day is 24 hours here: calendar days belong to rotations, not to time-outs.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let error = || DurationError(text.chars().take(40).collect());
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(error());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
        let (number, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let number: u64 = number.parse().map_err(|_| error())?;
        let seconds = match unit.trim() {
            "ms" => {
                total = total.checked_add(Duration::from_millis(number)).ok_or_else(error)?;
                rest = after;
                continue;
            }
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return Err(error()),
        };
        let part = number.checked_mul(seconds).ok_or_else(error)?;
        total = total.checked_add(Duration::from_secs(part)).ok_or_else(error)?;
        rest = after;
    }
    // A hundred years: more is a slip of the hand, and would overflow dates later on.
    if total > Duration::from_secs(100 * 365 * 86_400) { Err(error()) } else { Ok(total) }
}

/// A [`Duration`] that is read and written as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct HumanDuration(pub Duration);

impl HumanDuration {
    /// How long a service may take to answer where nothing is said.
    pub fn ten_seconds() -> Self {
        Self(Duration::from_secs(10))
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds == 0 {
            return write!(f, "{}", if self.0.is_zero() { "0s".into() } else { format!("{}ms", self.0.as_millis()) });
        }
        let mut left = seconds;
        let mut shown = 0;
        // Two units say enough: 3d4h, 1h30m, 45s.
        for (size, unit) in [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")] {
            if left >= size && shown < 2 {
                write!(f, "{}{unit}", left / size)?;
                left %= size;
                shown += 1;
            } else if shown == 1 {
                break;
            }
        }
        Ok(())
    }
}

impl FromStr for HumanDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        parse_duration(text).map(Self)
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Exact, unlike Display: what is stored must be read back the same.
        match (self.0.as_secs(), self.0.subsec_millis()) {
            (0, 0) => serializer.serialize_str("0s"),
            (seconds, 0) => serializer.collect_str(&format_args!("{seconds}s")),
            (seconds, millis) => serializer.collect_str(&format_args!("{seconds}s{millis}ms")),
        }
    }
}

super::schema!(HumanDuration, {
    "type": "string",
    "pattern": "^\\s*([0-9]+\\s*(ms|s|m|h|d|w)\\s*)+$",
    "examples": ["90s", "10m", "6h"]
});

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let read = |text| parse_duration(text).map(|d| d.as_millis());
        assert_eq!(read("90s"), Ok(90_000));
        assert_eq!(read("1h30m"), Ok(5_400_000));
        assert_eq!(read("250ms"), Ok(250));
        assert_eq!(read("1d12h"), Ok(129_600_000));
        for wrong in ["", "10", "m", "ten minutes", "5x", "-3m", "99999999999999999999s", "9999999w", "1.5h"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_shown_with_two_units_at_most() {
        let show = |seconds| HumanDuration(Duration::from_secs(seconds)).to_string();
        assert_eq!(show(0), "0s");
        assert_eq!(show(45), "45s");
        assert_eq!(show(5_400), "1h30m");
        assert_eq!(show(3_605), "1h");
        assert_eq!(show(100_000), "1d3h");
    }
}
