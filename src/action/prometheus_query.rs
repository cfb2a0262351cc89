//! `prometheus.query`: what a number is now.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::amounts::Flag;
use super::{ActionError, Describe, Output, Read, StepContext, World, holes};
use crate::cluster::Access;
use crate::language::{AnyArg, Arg, Location};
use crate::model::HumanDuration;
use crate::prometheus::{Query, Sample, selectors};

/// Asks an instant query. Changes nothing; may be repeated at will.
///
/// Arguments: `expr`, PromQL, with plain `{{holes}}` for names and numbers; `many: true` where
/// several series are expected; `max_age`, how old the samples may be that it is made of.
/// Prometheus looks back five minutes for a plain selector, and over the whole of a range:
/// `rate(x[1h])` has a value for an hour after `x` was last scraped. With `max_age`, each plain
/// selector in `expr` is asked for its oldest series, and each range for the newest of its series.
/// A selector that matches nothing has no age: what that means is for `expr` to say.
///
/// Output: `value`, the number of the only sample, and `shown`, the same for texts, with four digits (both absent with `many`
/// when there are several); `samples`, each with `labels` and `value`; `count`.
///
/// Errors: no sample at all is an error, and so is a value that is no finite number: empty is not
/// healthy. So is a partial answer, one that is made of samples older than `max_age`, and one for
/// another time than was asked for. Several samples without `many` are an error as well: which one
/// would count?
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrometheusQuery {
    expr: Arg<String>,
    many: Option<Arg<Flag>>,
    max_age: Option<Arg<HumanDuration>>,
}

/// More series than a condition can sensibly look at, or the run's log should keep.
const MOST_SAMPLES: usize = 200;

impl Describe for PrometheusQuery {
    fn name(&self) -> &'static str {
        "prometheus.query"
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        vec![("expr", &self.expr), ("many", &self.many), ("max_age", &self.max_age)]
    }

    fn check(&self) -> Result<(), String> {
        if self.expr.literal().is_some_and(|expr| expr.trim().is_empty()) {
            return Err("`expr` is empty; write a PromQL expression".into());
        }
        holes::check_plain("expr", &self.expr)?;
        let Some(max_age) = &self.max_age else { return Ok(()) };
        if max_age.literal().is_some_and(|age| age.0.is_zero()) {
            return Err("`max_age: 0s` lets no sample through; write how old one may be, such as `5m`".into());
        }
        let (source, _) = self.expr.text().unwrap_or_default();
        selectors(&without_holes(source)).map(drop).map_err(|why| format!("`max_age` cannot be held to `expr`: {why}"))
    }

    fn access(&self, _target_kind: &str) -> Vec<Access> {
        Vec::new()
    }

    fn query(&self) -> Option<(String, Location)> {
        self.expr.text().map(|(source, at)| (without_holes(source), at))
    }

    fn output_fields(&self) -> Option<&'static [&'static str]> {
        Some(&["value", "shown", "samples", "count"])
    }

    fn item_fields(&self) -> Option<(&'static str, &'static [&'static str])> {
        Some(("samples", &["labels", "value"]))
    }
}

#[async_trait]
impl Read for PrometheusQuery {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        holes::refuse_syntax("expr", &self.expr, step.scope)?;
        let expr = self.expr.resolve(step.scope)?;
        let many = self.many.as_ref().map(|many| many.resolve(step.scope)).transpose()?.is_some_and(|many| many.0);
        let max_age = self.max_age.as_ref().map(|age| age.resolve(step.scope)).transpose()?.map(|age| age.0);
        let query = Query { expr, at: world.clock.now(), max_age };
        answer(&query.expr, world.prometheus.query(&query).await?, many)
    }

    fn as_describe(&self) -> &dyn Describe {
        self
    }
}

/// The expression with a name in the place of each hole: what is put in there is a name or a
/// number.
fn without_holes(source: &str) -> String {
    let mut parts = source.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('x');
        text.push_str(part.split_once("}}").map_or("", |(_, rest)| rest));
    }
    text
}

fn answer(expr: &str, samples: Vec<Sample>, many: bool) -> Result<Output, ActionError> {
    let expr = expr.trim();
    if let Some(sample) = samples.iter().find(|sample| !sample.value.is_finite()) {
        let labels =
            sample.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(",");
        let of = if labels.is_empty() { String::new() } else { format!(" for {{{labels}}}") };
        let hint = if sample.value.is_nan() { " (0 of 0?); where that is fine, leave it out with `>= 0`" } else { "" };
        let message = format!("`{expr}` gives {}{of}, which is no number to decide by{hint}", sample.value);
        return Err(ActionError::fail(message));
    }
    let count = samples.len();
    match samples.as_slice() {
        [] => Err(ActionError::fail(format!(
            "`{expr}` has no samples: is it scraped, and are the labels right? no answer is not a good answer"
        ))),
        [only] => {
            let shown = short(only.value);
            let summary = format!("{shown} for `{}`", one_line(expr));
            Ok(Output::new(json!({ "value": only.value, "shown": shown, "samples": samples, "count": 1 }), summary))
        }
        _ if !many => Err(ActionError::fail(format!(
            "`{expr}` has {count} samples; aggregate them (`max(...)`, `sum by (...) (...)`), or say `many: true`"
        ))),
        _ if count > MOST_SAMPLES => Err(ActionError::fail(format!(
            "`{expr}` has {count} samples, and {MOST_SAMPLES} is the most that is looked at; aggregate them"
        ))),
        _ => {
            let summary = format!("{count} samples for `{}`", one_line(expr));
            Ok(Output::new(json!({ "samples": samples, "count": count }), summary))
        }
    }
}

/// A number as people read it: four significant digits.
fn short(value: f64) -> String {
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

fn one_line(expr: &str) -> String {
    const SHOWN: usize = 60;
    let line = expr.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
    if line.chars().count() <= SHOWN { line } else { line.chars().take(SHOWN).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn samples(values: &[f64]) -> Vec<Sample> {
        let sample = |(n, value): (usize, &f64)| Sample { labels: [("n".into(), n.to_string())].into(), value: *value };
        values.iter().enumerate().map(sample).collect()
    }

    #[test]
    fn one_sample_has_a_value() {
        let output = answer("p99", samples(&[0.42137]), false).unwrap();
        assert_eq!(output.value.get("value"), Some(&json!(0.42137)));
        assert_eq!(output.summary, "0.4214 for `p99`");
        assert_eq!(output.value.get("shown"), Some(&json!("0.4214")));
        assert_eq!(output.value.get("samples"), Some(&json!([{ "labels": { "n": "0" }, "value": 0.42137 }])));
    }

    #[test]
    fn empty_is_not_healthy() {
        for many in [false, true] {
            let error = answer("up == 0", Vec::new(), many).unwrap_err();
            assert!(error.message.contains("no answer is not a good answer"), "{error}");
        }
    }

    #[test]
    fn what_is_no_number_is_no_answer() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(answer("x", samples(&[value]), false).is_err(), "{value}");
            assert!(answer("x", samples(&[1.0, value]), true).is_err(), "{value}");
        }
        let error = answer("x", samples(&[1.0, f64::NAN]), true).unwrap_err();
        assert_eq!(
            error.message,
            "`x` gives NaN for {n=\"1\"}, which is no number to decide by (0 of 0?); where that is fine, leave it out with `>= 0`"
        );
    }

    #[test]
    fn several_samples_must_be_wanted() {
        let error = answer("up", samples(&[1.0, 0.0]), false).unwrap_err();
        assert!(error.message.contains("`up` has 2 samples; aggregate them"), "{error}");
        let output = answer("up", samples(&[1.0, 0.0]), true).unwrap();
        assert_eq!(output.value.get("count"), Some(&json!(2)));
        assert_eq!(output.value.get("value"), None::<&Value>);
        assert!(answer("up", samples(&[1.0; 201]), true).is_err());
    }

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        let shown: Vec<String> = [0.0, 4.0, 0.42137, 123.456, 0.000_123_4, 98_765.4, 1.5e-9, 2.5e9].map(short).into();
        assert_eq!(shown, ["0", "4", "0.4214", "123.5", "0.0001234", "98765", "1.500e-9", "2500000000"]);
    }
}
