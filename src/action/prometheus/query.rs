//! `prometheus.query`: what a number is now.

use async_trait::async_trait;

use super::asked::{self, one_line, short};
use crate::action::amounts::Flag;
use crate::action::typed::{Arguments as _, Typed, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Field, Output, Read, StepContext, World,
};
use crate::language::{Arg, Location};
use crate::model::{Autonomy, HumanDuration};
use crate::prometheus::{Query, Sample};

arguments! {
    pub(in crate::action) struct PrometheusQuery {
        /// PromQL, with plain holes such as `{{inputs.x}}` for names and numbers
        expr: Arg<String>,
        /// Whether several series are expected
        many: Option<Arg<Flag>> = "false",
        /// How old the samples may be that the answer is made of
        max_age: Option<Arg<HumanDuration>>,
    }
}

output! {
    #[derive(Default)]
    struct Answer {
        /// The number of the only sample; left out where there are several
        value: Option<f64>,
        /// The same for texts, with four digits
        shown: Option<String>,
        /// All samples
        samples: Vec<Sample>,
        /// How many they are
        count: usize,
    }
}

impl Typed for Sample {
    const WORDS: &'static str = "mapping";
    const FIELDS: &'static [Field] = &[
        Field {
            name: "labels",
            of_type: "mapping",
            optional: false,
            nullable: false,
            entries: &[],
            doc: "The labels of the series",
        },
        Field { name: "value", of_type: "number", optional: false, nullable: false, entries: &[], doc: "Its number" },
    ];
}

/// More series than a condition can sensibly look at, or the run's log should keep.
const MOST_SAMPLES: usize = 200;

impl Declared for PrometheusQuery {
    const DECLARATION: Declaration = Declaration {
        name: "prometheus.query",
        summary: "Asks Prometheus what a number is now",
        effect: Effect::Reads,
        about: "An instant query. Prometheus looks back five minutes for a plain selector, and over the whole of a range: \
            `rate(x[1h])` has a value for an hour after `x` was last scraped. With `max_age`, each plain selector in `expr` is \
            asked for its oldest series, and each range for the newest of its series. A selector that matches nothing has no age: \
            what that means is for `expr` to say.",
        errors: "No sample at all, and a value that is no finite number: empty is not healthy. A partial answer, one that is \
            made of samples older than `max_age`, and one for another time than was asked for. Several samples without `many`, or \
            more than 200. A hole that is filled with anything but letters, digits and `_ . : / @ -`.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Answer::FIELDS,
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: p99
  prometheus.query:
    expr: histogram_quantile(0.99, sum by (le) (rate(coredns_dns_request_duration_seconds_bucket[5m])))
    max_age: 5m
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        asked::check(&self.expr, self.max_age.as_ref())
    }

    fn query(&self) -> Option<(String, Location)> {
        asked::query(&self.expr)
    }
}

#[async_trait]
impl Read for PrometheusQuery {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let expr = asked::resolve(&self.expr, step.scope)?;
        let many = self.many(step.scope)?.0;
        let max_age = self.max_age.as_ref().map(|age| age.resolve(step.scope)).transpose()?.map(|age| age.0);
        let query = Query { expr, at: world.clock.now(), max_age };
        answer(&query.expr, world.prometheus.query(&query).await?, many)
    }
}

fn answer(expr: &str, samples: Vec<Sample>, many: bool) -> Result<Output, ActionError> {
    let expr = expr.trim();
    if let Some(sample) = samples.iter().find(|sample| !sample.value.is_finite()) {
        return Err(asked::no_number(expr, &sample.labels, sample.value));
    }
    let count = samples.len();
    match samples.as_slice() {
        [] => Err(asked::no_samples(expr)),
        [only] => {
            let shown = short(only.value);
            let summary = format!("{shown} for `{}`", one_line(expr));
            let answer = Answer { value: Some(only.value), shown: Some(shown), samples, count };
            Ok(Output::new(&answer, summary))
        }
        _ if !many => Err(asked::several(expr, count)),
        _ if count > MOST_SAMPLES => Err(ActionError::fail(format!(
            "`{expr}` has {count} samples, and {MOST_SAMPLES} is the most that is looked at; aggregate them"
        ))),
        _ => {
            let summary = format!("{count} samples for `{}`", one_line(expr));
            Ok(Output::new(&Answer { samples, count, ..Answer::default() }, summary))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
}
