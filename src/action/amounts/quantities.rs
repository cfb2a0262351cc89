//! How much: of storage, of memory and CPU, of whatever a field holds.

use std::fmt;
use std::str::FromStr;

use super::{AmountError, no, percent};
use crate::model::Quantity;

/// How much a volume grows: `20%` or `10Gi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoreStorage {
    Percent(u32),
    Quantity(Quantity),
}

impl MoreStorage {
    /// What `current` comes to with it, rounded up to whole Gi (below 1Gi: to whole Mi). `None`
    /// when that is too big to be kept.
    pub fn on(self, current: Quantity) -> Option<Quantity> {
        let more = match self {
            MoreStorage::Percent(percent) => current.percent(percent)?,
            MoreStorage::Quantity(quantity) => quantity,
        };
        let sum = current.plus(more)?;
        sum.round_up(if sum.ceil() < Quantity::GI { Quantity::MI } else { Quantity::GI })
    }
}

impl FromStr for MoreStorage {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let quantity = || text.trim().parse().ok().filter(|quantity| *quantity >= Quantity::of(1)).map(Self::Quantity);
        percent(text)
            .map(Self::Percent)
            .or_else(quantity)
            .ok_or_else(|| no(text, "growth of a volume; write `20%` or `10Gi`"))
    }
}

/// A size of a volume: a quantity of at least one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub Quantity);

impl FromStr for Size {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let quantity = text.trim().parse().ok().filter(|quantity| *quantity >= Quantity::of(1));
        quantity.map(Self).ok_or_else(|| no(text, "size; write a number and a unit, such as `500Mi`, `120Gi` or `2Ti`"))
    }
}

/// How much a container's limit grows: `25%`, `512Mi` of memory, `500m` of CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoreResource {
    Percent(u32),
    Quantity(Quantity),
}

impl MoreResource {
    /// What `current` comes to with it, rounded up to whole steps. `None` when that is too big to
    /// be kept.
    pub fn on(self, current: Quantity, step: Quantity) -> Option<Quantity> {
        let more = match self {
            MoreResource::Percent(percent) => current.percent(percent)?,
            MoreResource::Quantity(quantity) => quantity,
        };
        current.plus(more)?.round_up_to(step)
    }
}

impl FromStr for MoreResource {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let quantity = || text.parse().ok().map(|Resource(quantity)| Self::Quantity(quantity));
        percent(text)
            .map(Self::Percent)
            .or_else(quantity)
            .ok_or_else(|| no(text, "growth of a limit; write `25%`, or `512Mi` of memory or `500m` of CPU"))
    }
}

/// An amount of memory or CPU: more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource(pub Quantity);

impl FromStr for Resource {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let quantity = text.trim().parse().ok().filter(|quantity| *quantity > Quantity::of(0));
        quantity
            .map(Self)
            .ok_or_else(|| no(text, "amount of a resource; write `16Gi` of memory or `2` or `500m` of CPU"))
    }
}

/// How a number is written. `5m` may be five minutes, five milli-units, or megabytes to whoever
/// reads it, so that what is not written as the other is not compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// `20`
    None,
    /// `500m`
    Small,
    /// `10Gi`, `10G`
    Large,
    /// `1e3`
    Exponent,
}

impl Unit {
    /// Of a text that is a quantity.
    pub fn of(text: &str) -> Self {
        let unit = text.trim().trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'));
        match unit {
            "" => Self::None,
            "m" | "u" | "n" => Self::Small,
            _ if unit.len() > 1 && unit.starts_with(['e', 'E']) && unit != "Ei" => Self::Exponent,
            _ => Self::Large,
        }
    }
}

/// By how much a number or quantity grows: `25%`, `2`, `10Gi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoreOf {
    Percent(u32),
    Amount(Amount),
}

impl MoreOf {
    /// What is added, where that is no share.
    pub fn amount(self) -> Option<Amount> {
        match self {
            MoreOf::Percent(_) => None,
            MoreOf::Amount(amount) => Some(amount),
        }
    }

    /// What `current` comes to with it. `None` when that is too big to be kept.
    pub fn on(self, current: Quantity) -> Option<Quantity> {
        current.plus(match self {
            MoreOf::Percent(percent) => current.percent(percent)?,
            MoreOf::Amount(amount) => amount.quantity,
        })
    }
}

impl FromStr for MoreOf {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let amount = || text.parse().ok().map(Self::Amount);
        percent(text)
            .map(Self::Percent)
            .or_else(amount)
            .ok_or_else(|| no(text, "growth of a number; write `25%`, or what is added: `2` or `10Gi`"))
    }
}

/// A number or quantity above nothing: in many fields, 0 means none or without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount {
    pub quantity: Quantity,
    pub unit: Unit,
}

impl Amount {
    /// Whether it is a whole number up to 100,000 without a unit, as a [`Count`] is.
    pub fn is_count(self) -> bool {
        let whole = self.quantity.round_up(1);
        self.unit == Unit::None && whole == Some(self.quantity) && self.quantity <= Quantity::of(100_000)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let quantity = text.trim().parse().ok().filter(|quantity| *quantity > Quantity::of(0));
        quantity
            .map(|quantity| Self { quantity, unit: Unit::of(text) })
            .ok_or_else(|| no(text, "number or quantity above 0; write it as `20` or `120Gi`"))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.quantity.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_storage_is_exact_and_rounded_up() {
        let on = |text: &str, current: &str| {
            text.parse::<MoreStorage>().unwrap().on(current.parse().unwrap()).unwrap().to_string()
        };
        assert_eq!(on("20%", "100Gi"), "120Gi");
        assert_eq!(on("10%", "70Gi"), "77Gi");
        assert_eq!(on("20%", "512Mi"), "615Mi");
        assert_eq!(on("20%", "1000Mi"), "2Gi");
        assert_eq!(on("10Gi", "100Gi"), "110Gi");
        assert_eq!(on("1", "100Gi"), "101Gi");
        assert_eq!(on("20%", "100G"), "112Gi");
    }

    #[test]
    fn a_share_of_a_limit_is_rounded_up_to_what_people_write() {
        let on = |text: &str, current: &str, step| {
            text.parse::<MoreResource>().unwrap().on(current.parse().unwrap(), step).unwrap().to_string()
        };
        let (mebibyte, ten_millis) = (Quantity::of(1 << 20), Quantity::of_milli(10));
        assert_eq!(on("25%", "1Gi", mebibyte), "1280Mi");
        assert_eq!(on("25%", "1G", mebibyte), "1193Mi");
        assert_eq!(on("512Mi", "1536Mi", mebibyte), "2Gi");
        assert_eq!(on("25%", "250m", ten_millis), "320m");
        assert_eq!(on("500m", "1500m", ten_millis), "2");
        for wrong in ["0", "-1Gi", "0%", "much"] {
            assert!(wrong.parse::<MoreResource>().is_err(), "{wrong}");
        }
        assert!("0".parse::<Resource>().is_err() && "500m".parse::<Resource>().is_ok());
    }

    #[test]
    fn a_number_grows_by_a_share_or_an_amount() {
        let on = |text: &str, current: &str| {
            text.parse::<MoreOf>().unwrap().on(current.parse().unwrap()).unwrap().to_string()
        };
        assert_eq!(
            (on("25%", "10").as_str(), on("3", "10").as_str(), on("500m", "1").as_str()),
            ("12500m", "13", "1500m")
        );
        for wrong in ["0", "-1", "0%", "some"] {
            assert!(wrong.parse::<MoreOf>().is_err() && wrong.parse::<Amount>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_count_is_a_whole_number_without_a_unit() {
        let is_count = |text: &str| text.parse::<Amount>().unwrap().is_count();
        for count in ["1", "20", "100000", "3.0"] {
            assert!(is_count(count), "{count}");
        }
        for other in ["100001", "1k", "1Ki", "12500m", "1000m", "1e3", "1.5", "1E", "1Ei"] {
            assert!(!is_count(other), "{other}");
        }
        use Unit::{Exponent, Large, Small};
        let units = ["1E", "1Ei", "1E3", "12e6", "5u", "2M"].map(Unit::of);
        assert_eq!(units, [Large, Large, Exponent, Exponent, Small, Large]);
    }
}
