//! Kubernetes quantities: `500m`, `10Gi`, `1.5e3`.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no quantity; write a number and a unit, such as `500m`, `10Gi` or `1.5G`")]
pub struct QuantityError(String);

/// More than any real quantity needs; a longer text is no quantity but an attempt to make us work.
const LONGEST: usize = 64;

/// The quantity in its base unit (bytes, cores), as the double that is nearest to the exact value.
///
/// # Errors
/// When it is not written as Kubernetes writes quantities.
pub fn parse_quantity(text: &str) -> Result<f64, QuantityError> {
    let error = || QuantityError(text.chars().take(40).collect());
    if text.len() > LONGEST {
        return Err(error());
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { "-" } else { "" };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let has_digits = number.bytes().any(|b| b.is_ascii_digit());
    if !has_digits || number.matches('.').count() > 1 {
        return Err(error());
    }
    let unit = Unit::parse(suffix).ok_or_else(error)?;
    // Rust reads a decimal text with an exponent to the nearest double, and a power of two only moves the exponent: both
    // ways there is one rounding.
    let value = match unit {
        Unit::Decimal(exponent) => format!("{sign}{number}e{exponent}").parse::<f64>(),
        Unit::Binary(power) => format!("{sign}{number}").parse::<f64>().map(|value| value * 2f64.powi(power)),
    };
    value.ok().filter(|value| value.is_finite()).ok_or_else(error)
}

enum Unit {
    /// A power of ten.
    Decimal(i32),
    /// A power of two.
    Binary(i32),
}

impl Unit {
    fn parse(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "n" => Unit::Decimal(-9),
            "u" => Unit::Decimal(-6),
            "m" => Unit::Decimal(-3),
            "" => Unit::Decimal(0),
            "k" => Unit::Decimal(3),
            "M" => Unit::Decimal(6),
            "G" => Unit::Decimal(9),
            "T" => Unit::Decimal(12),
            "P" => Unit::Decimal(15),
            "E" => Unit::Decimal(18),
            "Ki" => Unit::Binary(10),
            "Mi" => Unit::Binary(20),
            "Gi" => Unit::Binary(30),
            "Ti" => Unit::Binary(40),
            "Pi" => Unit::Binary(50),
            "Ei" => Unit::Binary(60),
            exponent => {
                let digits = exponent.strip_prefix(['e', 'E'])?;
                let magnitude = digits.strip_prefix(['+', '-']).unwrap_or(digits);
                if magnitude.is_empty() || magnitude.len() > 4 || !magnitude.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                Unit::Decimal(digits.parse().ok()?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        for (text, value) in [
            ("0", 0.0),
            ("3", 3.0),
            ("100m", 0.1),
            ("1500m", 1.5),
            ("10Gi", 10.0 * 1_073_741_824.0),
            ("1.5Gi", 1.5 * 1_073_741_824.0),
            ("10G", 1e10),
            ("1Ki", 1024.0),
            ("1k", 1000.0),
            ("5E", 5e18),
            ("5E3", 5000.0),
            ("1e3", 1000.0),
            ("12e-3", 0.012),
            (".5", 0.5),
            ("5.", 5.0),
            ("-2Mi", -2_097_152.0),
            ("+7", 7.0),
            ("250u", 0.00025),
            ("40n", 4e-8),
        ] {
            assert_eq!(parse_quantity(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        let long = "1".repeat(65);
        for wrong in [
            "", " ", "Gi", ".", "1.2.3", "1 Gi", "1gi", "1K", "1KB", "ten", "1e", "1e+", "0x10", "inf", "NaN",
            "1e9999", &long,
        ] {
            assert!(parse_quantity(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        /// The exact value, correctly rounded once: a division of two exact doubles, or a cast of an exact integer.
        #[test]
        fn quantities_agree_with_exact_arithmetic(
            whole in 0u64..1_000_000_000,
            thousandths in 0u64..1_000,
            unit in prop::sample::select(vec![
                ("n", -9, false), ("u", -6, false), ("m", -3, false), ("", 0, false), ("k", 3, false), ("M", 6, false),
                ("G", 9, false), ("P", 15, false), ("e-7", -7, false), ("E5", 5, false), ("Ki", 10, true), ("Gi", 30, true),
                ("Ei", 60, true),
            ]),
        ) {
            let (suffix, power, binary) = unit;
            // In thousandths: below 2^40, so exact as a double.
            let exact = whole * 1_000 + thousandths;
            let expected = match power {
                _ if binary => exact as f64 / 1_000.0 * 2f64.powi(power),
                3.. => (i128::from(exact) * 10i128.pow(power as u32 - 3)) as f64,
                // 10^12 at most: exact as a double too.
                _ => exact as f64 / 10f64.powi(3 - power),
            };
            prop_assert_eq!(parse_quantity(&format!("{whole}.{thousandths:03}{suffix}")), Ok(expected));
            prop_assert_eq!(parse_quantity(&format!("-{whole}.{thousandths:03}{suffix}")), Ok(-expected));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,70}") {
            let _ = parse_quantity(&text);
        }
    }
}
