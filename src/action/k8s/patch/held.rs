//! The number that a field holds, in the form that the field has.

use serde::Serialize;
use serde_json::{Number as JsonNumber, Value, json};

use crate::action::amounts::Unit;
use crate::action::typed::Typed;
use crate::model::Quantity;

/// A number as the field has it: a whole number, or the text of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    /// Digits alone: `64`.
    Digits,
    /// In thousandths: `500m`.
    Milli,
    /// With another small unit: `5u`.
    Small,
    /// With a binary unit: `10Gi`.
    Binary,
    /// With a decimal one: `10G`.
    Decimal,
}

/// The number that a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub number: Quantity,
    form: Form,
}

/// Whether it is a text such as `0644`, which many programs read as octal.
pub(super) fn is_octal(value: &Value) -> bool {
    let digits = |text: &str| text.starts_with('0') && text.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    value.as_str().is_some_and(|text| digits(text.trim_start_matches(['+', '-'])))
}

impl Held {
    /// `None`: it is no number, or one with a fraction or an exponent, which not every program
    /// writes alike.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(Self { number: Quantity::of(number.as_i64()?), form: Form::Whole }),
            Value::String(text) if !is_octal(value) => {
                let is_digits = text.chars().all(|c| c.is_ascii_digit());
                let form = match Unit::of(text) {
                    Unit::None if is_digits => Form::Digits,
                    Unit::None | Unit::Exponent => return None,
                    Unit::Small if text.ends_with('m') => Form::Milli,
                    Unit::Small => Form::Small,
                    Unit::Large if text.ends_with('i') => Form::Binary,
                    Unit::Large => Form::Decimal,
                };
                Some(Self { number: text.parse().ok()?, form })
            }
            _ => None,
        }
    }

    pub fn unit(self) -> Unit {
        match self.form {
            Form::Whole | Form::Digits => Unit::None,
            Form::Milli | Form::Small => Unit::Small,
            Form::Binary | Form::Decimal => Unit::Large,
        }
    }

    /// The least number that the field can hold and that is not less. `None`: too large.
    pub fn at_least(self, number: Quantity) -> Option<Quantity> {
        let is_whole = |step: i128| self.number.round_up(step) == Some(self.number);
        match self.form {
            Form::Whole | Form::Digits => number.round_up(1),
            Form::Binary if is_whole(Quantity::MI) => number.round_up(Quantity::MI),
            Form::Decimal if is_whole(1_000) => number.round_up(1_000),
            Form::Binary | Form::Decimal if is_whole(1) => number.round_up(1),
            Form::Milli | Form::Small | Form::Binary | Form::Decimal => number.round_up_to(Quantity::of_milli(1)),
        }
    }

    /// The largest number that the field can hold and that is not more.
    pub fn at_most(self, number: Quantity) -> Quantity {
        match self.form {
            Form::Whole | Form::Digits => number.floor(),
            _ => number,
        }
    }

    /// For people: the number as the field would have it.
    pub fn shown(self, number: Quantity) -> String {
        self.write(number).map_or_else(|| number.to_string(), |value| text(&value))
    }

    /// The number as the field has it. `None`: too large.
    pub fn write(self, number: Quantity) -> Option<Value> {
        Some(match self.form {
            Form::Whole => json!(i64::try_from(number.ceil()).ok()?),
            Form::Digits => json!(number.ceil().to_string()),
            Form::Milli => json!(in_milli(number)?),
            Form::Decimal => json!(in_decimal(number)),
            Form::Small | Form::Binary => json!(number.to_string()),
        })
    }
}

/// `1000m` and not `1`: whoever reads `900m` may read `1` as something else. `None`: too large, or
/// finer than that.
fn in_milli(number: Quantity) -> Option<String> {
    let milli = i64::try_from(number.percent(100_000)?.ceil()).ok()?;
    (Quantity::of_milli(milli) == number).then(|| format!("{milli}m"))
}

/// With the largest decimal unit that leaves a whole number: `12500M`.
fn in_decimal(number: Quantity) -> String {
    let mut units = [(1_000_000_000_000_000_000, "E"), (1_000_000_000_000_000, "P"), (1_000_000_000_000, "T")]
        .into_iter()
        .chain([(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")]);
    let found = units.find(|(unit, _)| number.round_up(*unit) == Some(number));
    found.map_or_else(|| number.to_string(), |(unit, suffix)| format!("{}{suffix}", number.ceil() / unit))
}

/// As conditions see it: whole, where it is.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(in crate::action) struct PlainNumber(JsonNumber);

impl PlainNumber {
    pub fn of(value: &Value) -> Self {
        let number = Held::of(value).map_or(Quantity::of(0), |held| held.number);
        let whole = i64::try_from(number.ceil()).ok().filter(|_| number.round_up(1) == Some(number));
        let fraction = || JsonNumber::from_f64(number.as_f64()).unwrap_or_else(|| 0.into());
        Self(whole.map_or_else(fraction, JsonNumber::from))
    }
}

impl Typed for PlainNumber {
    const WORDS: &'static str = "number";
}

/// Whether both are the same number: `1Gi` and `1024Mi` are.
pub(super) fn are_same(a: &Value, b: &Value) -> bool {
    a == b || number(a).is_some_and(|a| Some(a) == number(b))
}

/// However it is written: the API server may write a quantity otherwise than it was sent, as `1`
/// for `1000m`.
fn number(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) if !is_octal(value) => text.parse().ok(),
        other => Held::of(other).map(|held| held.number),
    }
}

/// A number as the field has it, without quotes.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
