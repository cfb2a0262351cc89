//! What all questions to Prometheus share: an expression with holes, how an answer is refused, and
//! how numbers are told.

use std::collections::BTreeMap;

use crate::action::{ActionError, holes};
use crate::language::{AnyArg as _, Arg, Location, Scope};
use crate::model::HumanDuration;
use crate::prometheus::selectors;

/// At load time: whether the expression can be asked, and `max_age` be held to it.
///
/// # Errors
/// What is wrong, and what to write.
pub(super) fn check(expr: &Arg<String>, max_age: Option<&Arg<HumanDuration>>) -> Result<(), String> {
    if expr.literal().is_some_and(|expr| expr.trim().is_empty()) {
        return Err("`expr` is empty; write a PromQL expression".into());
    }
    holes::check_plain("expr", expr)?;
    let Some(max_age) = max_age else { return Ok(()) };
    if max_age.literal().is_some_and(|age| age.0.is_zero()) {
        return Err("`max_age: 0s` lets no sample through; write how old one may be, such as `5m`".into());
    }
    let (source, _) = expr.text().unwrap_or_default();
    selectors(&holes::without(source)).map(drop).map_err(|why| format!("`max_age` cannot be held to `expr`: {why}"))
}

/// The expression with a name in the place of each hole, and where it stands.
pub(super) fn query(expr: &Arg<String>) -> Option<(String, Location)> {
    expr.text().map(|(source, at)| (holes::without(source), at))
}

/// The expression with its holes filled.
///
/// # Errors
/// When a hole has no value, or one that could be syntax.
pub(super) fn resolve(expr: &Arg<String>, scope: &Scope) -> Result<String, ActionError> {
    holes::refuse_syntax("expr", expr, scope)?;
    Ok(expr.resolve(scope)?)
}

/// Nothing was answered.
pub(super) fn no_samples(expr: &str) -> ActionError {
    ActionError::fail(format!(
        "`{expr}` has no samples: is it scraped, and are the labels right? no answer is not a good answer"
    ))
}

/// The value is NaN or infinite.
pub(super) fn no_number(expr: &str, labels: &BTreeMap<String, String>, value: f64) -> ActionError {
    let labels = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(",");
    let of = if labels.is_empty() { String::new() } else { format!(" for {{{labels}}}") };
    let hint = if value.is_nan() { " (0 of 0?); where that is fine, leave it out with `>= 0`" } else { "" };
    ActionError::fail(format!("`{expr}` gives {value}{of}, which is no number to decide by{hint}"))
}

/// There are several, and one is wanted.
pub(super) fn several(expr: &str, count: usize) -> ActionError {
    ActionError::fail(format!(
        "`{expr}` has {count} samples; aggregate them (`max(...)`, `sum by (...) (...)`), or say `many: true`"
    ))
}

/// A number as people read it: four significant digits.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (value.fract() == 0.0 && size < 1e15) {
        return format!("{value}");
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    // The size is within bounds: the logarithm is between -4 and 15.
    let decimals = (3 - size.log10().floor() as i32).max(0).unsigned_abs() as usize;
    let text = format!("{value:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

pub(super) fn one_line(expr: &str) -> String {
    const SHOWN: usize = 60;
    let line = expr.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
    if line.chars().count() <= SHOWN { line } else { line.chars().take(SHOWN).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        let shown: Vec<String> = [0.0, 4.0, 0.42137, 123.456, 0.000_123_4, 98_765.4, 1.5e-9, 2.5e9].map(short).into();
        assert_eq!(shown, ["0", "4", "0.4214", "123.5", "0.0001234", "98765", "1.500e-9", "2500000000"]);
    }
}
