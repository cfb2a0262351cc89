//! Quantities as Kubernetes writes them: `100Gi`, `1.5Gi`, `500M`, `250m`, `12e6`.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// One unit in the units that a quantity is kept in: exact down to `1n`, and wide enough for far more than `1000Ei`.
const UNIT: i128 = 1_000_000_000;

/// An exact quantity. `1Gi` and `1024Mi` are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quantity {
    nanos: i128,
}

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no quantity; write a number and a unit, such as `500Mi`, `120Gi` or `2Ti`")]
pub struct QuantityError(String);

impl Quantity {
    pub const GI: i128 = 1 << 30;
    pub const MI: i128 = 1 << 20;

    /// A number of bytes, or of whatever is counted.
    pub fn of(units: i64) -> Self {
        Self { nanos: i128::from(units) * UNIT }
    }

    /// The whole number of units that is not less than this.
    pub fn ceil(self) -> i128 {
        self.nanos.div_euclid(UNIT) + i128::from(self.nanos.rem_euclid(UNIT) != 0)
    }

    /// The largest whole number of units that is not more than this.
    pub fn floor(self) -> Self {
        Self { nanos: self.nanos - self.nanos.rem_euclid(UNIT) }
    }

    /// So many thousandths of a unit: `500m`.
    pub fn of_milli(thousandths: i64) -> Self {
        Self { nanos: i128::from(thousandths) * (UNIT / 1_000) }
    }

    /// The nearest floating-point number.
    pub fn as_f64(self) -> f64 {
        self.nanos as f64 / UNIT as f64
    }

    /// The sum; `None` when it is too big to be kept.
    pub fn plus(self, other: Quantity) -> Option<Quantity> {
        self.nanos.checked_add(other.nanos).map(|nanos| Self { nanos })
    }

    /// So many percent of this, exactly; `None` when it is too big to be kept.
    pub fn percent(self, percent: u32) -> Option<Quantity> {
        let times = self.nanos.checked_mul(i128::from(percent))?;
        // Rounded up: a hundredth of a nano is nothing, and less than was asked for would be wrong.
        Some(Self { nanos: times.div_euclid(100) + i128::from(times.rem_euclid(100) != 0) })
    }

    /// Rounded up to a whole multiple of `step` units; `None` when it is too big to be kept.
    pub fn round_up(self, step: i128) -> Option<Quantity> {
        self.round_up_to(Self { nanos: step.checked_mul(UNIT)? })
    }

    /// Rounded up to a whole multiple of `step`; `None` when it is too big to be kept.
    pub fn round_up_to(self, step: Quantity) -> Option<Quantity> {
        let step = Some(step.nanos).filter(|step| *step > 0)?;
        let steps = self.nanos.div_euclid(step) + i128::from(self.nanos.rem_euclid(step) != 0);
        steps.checked_mul(step).map(|nanos| Self { nanos })
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

/// With the largest binary unit that leaves a whole number: `120Gi`, `1536Mi`, `1000`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos % UNIT != 0 {
            let (per, suffix) = if self.nanos % 1_000_000 == 0 { (1_000_000, "m") } else { (1, "n") };
            return write!(f, "{}{suffix}", self.nanos / per);
        }
        let units = self.nanos / UNIT;
        for (shift, suffix) in [(60, "Ei"), (50, "Pi"), (40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")] {
            if units != 0 && units % (1_i128 << shift) == 0 {
                return write!(f, "{}{suffix}", units >> shift);
            }
        }
        write!(f, "{units}")
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text).ok_or_else(|| QuantityError(text.chars().take(40).collect()))
    }
}

fn parse(text: &str) -> Option<Quantity> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // 30 digits are far more than any quantity has; more would overflow below.
    if number.len() > 30 || (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let (times, per) = factor(suffix)?;
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let per = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?.checked_mul(per)?;
    let scaled = digits.checked_mul(times)?;
    // What is finer than a nano is rounded up, as Kubernetes does.
    let nanos = scaled.div_euclid(per) + i128::from(scaled.rem_euclid(per) != 0);
    Some(Quantity { nanos: if negative { -nanos } else { nanos } })
}

/// The factor of a suffix to nanos, as a fraction.
fn factor(suffix: &str) -> Option<(i128, i128)> {
    let times = match suffix {
        "n" => return Some((1, 1)),
        "u" => return Some((1_000, 1)),
        "m" => return Some((1_000_000, 1)),
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "P" => 1_000_000_000_000_000,
        "E" => 1_000_000_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "Pi" => 1 << 50,
        "Ei" => 1 << 60,
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_i128.checked_pow(exponent.unsigned_abs().min(30))?;
            return if exponent >= 0 { UNIT.checked_mul(power).map(|times| (times, 1)) } else { Some((UNIT, power)) };
        }
    };
    Some((times * UNIT, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        for (text, units) in [
            ("0", 0),
            ("1000", 1_000),
            ("1Ki", 1_024),
            ("1.5Gi", 1_610_612_736),
            (".5Gi", 536_870_912),
            ("500M", 500_000_000),
            ("12e6", 12_000_000),
            ("1E3", 1_000),
            ("1E", 1_000_000_000_000_000_000),
            ("-2k", -2_000),
            ("2500m", 3),
            ("5e-1", 1),
        ] {
            assert_eq!(quantity(text).ceil(), units, "{text}");
        }
        assert_eq!(quantity("1Gi"), quantity("1024Mi"));
        assert!(quantity("1G") < quantity("1Gi"));
    }

    #[test]
    fn what_is_no_quantity_says_how_to_write_one() {
        for wrong in ["", "Gi", ".", "1.2.3Gi", "10 Gi", "10gi", "10GB", "1e", "ten", "--1", "1".repeat(40).as_str()] {
            let error = wrong.parse::<Quantity>().unwrap_err().to_string();
            assert!(error.contains("is no quantity; write a number and a unit"), "{wrong}: {error}");
        }
    }

    #[test]
    fn quantities_are_shown_with_the_largest_unit_that_fits() {
        for (text, shown) in [
            ("100Gi", "100Gi"),
            ("1024Gi", "1Ti"),
            ("1.5Gi", "1536Mi"),
            ("1000", "1000"),
            ("0", "0"),
            ("1500m", "1500m"),
        ] {
            assert_eq!(quantity(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact() {
        let grown = |text: &str, percent| {
            let base = quantity(text);
            base.plus(base.percent(percent).unwrap()).unwrap().round_up(Quantity::GI).unwrap().to_string()
        };
        assert_eq!(grown("100Gi", 20), "120Gi");
        assert_eq!(grown("10Gi", 25), "13Gi");
        assert_eq!(grown("107374182401", 20), "121Gi");
        // In floating point 1.1 * 70 is a little more than 77.
        assert_eq!(grown("70Gi", 10), "77Gi");
        assert_eq!(quantity("8E").plus(quantity("8E")).unwrap().ceil(), 16_000_000_000_000_000_000);
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_read_back_the_same(nanos in -1_000_000_000_000_000_000_000_000_i128..1_000_000_000_000_000_000_000_000) {
            let quantity = Quantity { nanos };
            proptest::prop_assert_eq!(quantity.to_string().parse::<Quantity>(), Ok(quantity));
        }

        #[test]
        fn no_text_panics(text in ".{0,45}") {
            let _ = text.parse::<Quantity>();
        }

        #[test]
        fn rounding_up_never_shrinks(units in 0_i64..i64::MAX, step in 1_i128..1_i128 << 40) {
            let quantity = Quantity::of(units);
            let rounded = quantity.round_up(step).unwrap();
            proptest::prop_assert!(rounded >= quantity && rounded.ceil() % step == 0 && rounded.ceil() - quantity.ceil() < step);
        }
    }
}
