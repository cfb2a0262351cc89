//! The functions and aggregations of Prometheus, with the types that they take
//! (<https://prometheus.io/docs/prometheus/latest/querying/functions/>).

/// What a part of a query gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// A number without labels.
    Scalar,
    /// Series, each with one number.
    Vector,
    /// Series, each with the samples of a time.
    Range,
    Text,
    /// It cannot be told: a hole, or a function that Prometheus does not have.
    Any,
}

impl Type {
    pub fn words(self) -> &'static str {
        match self {
            Type::Scalar => "a number",
            Type::Vector => "series",
            Type::Range => "a range such as `x[5m]`",
            Type::Text => "a text",
            Type::Any => "something",
        }
    }

    pub fn fits(self, wanted: Type) -> bool {
        self == wanted || self == Type::Any || wanted == Type::Any
    }
}

pub(super) struct Function<'t> {
    pub name: &'static str,
    pub takes: &'t [Type],
    /// How many of those, from the end, may be left out.
    pub optional: usize,
    /// The last of them may be repeated.
    pub repeats: bool,
    pub gives: Type,
}

use Type::{Range as R, Scalar as S, Text as T, Vector as V};

const fn plain(name: &'static str, takes: &'static [Type], gives: Type) -> Function<'static> {
    Function { name, takes, optional: 0, repeats: false, gives }
}

const fn maybe(name: &'static str, takes: &'static [Type]) -> Function<'static> {
    Function { name, takes, optional: 1, repeats: false, gives: V }
}

const fn many(name: &'static str, takes: &'static [Type]) -> Function<'static> {
    Function { name, takes, optional: 1, repeats: true, gives: V }
}

/// All that need more than one vector, or give something else.
const FUNCTIONS: &[Function<'static>] = &[
    plain("clamp", &[V, S, S], V),
    plain("clamp_max", &[V, S], V),
    plain("clamp_min", &[V, S], V),
    plain("histogram_fraction", &[S, S, V], V),
    plain("histogram_quantile", &[S, V], V),
    many("histogram_quantiles", &[V, T, S, S]),
    plain("double_exponential_smoothing", &[R, S, S], V),
    plain("holt_winters", &[R, S, S], V),
    maybe("info", &[V, V]),
    maybe("integral", &[R, S]),
    many("label_join", &[V, T, T, T]),
    plain("label_replace", &[V, T, T, T, T], V),
    plain("predict_linear", &[R, S], V),
    plain("quantile_over_time", &[S, R], V),
    maybe("round", &[V, S]),
    plain("scalar", &[V], S),
    many("sort_by_label", &[V, T]),
    many("sort_by_label_desc", &[V, T]),
    plain("vector", &[S], V),
    plain("pi", &[], S),
    plain("time", &[], S),
    plain("start", &[], S),
    plain("end", &[], S),
    plain("range", &[], S),
    plain("step", &[], S),
    maybe("day_of_month", &[V]),
    maybe("day_of_week", &[V]),
    maybe("day_of_year", &[V]),
    maybe("days_in_month", &[V]),
    maybe("hour", &[V]),
    maybe("minute", &[V]),
    maybe("month", &[V]),
    maybe("year", &[V]),
];

/// Of one vector.
const OF_VECTOR: [&str; 32] = [
    "abs",
    "absent",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cos",
    "cosh",
    "deg",
    "exp",
    "floor",
    "histogram_avg",
    "histogram_count",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
    "ln",
    "log10",
    "log2",
    "rad",
    "sgn",
    "sin",
    "sinh",
    "sort",
    "sort_desc",
    "sqrt",
    "tan",
    "tanh",
    "timestamp",
];

/// Of one range.
const OF_RANGE: [&str; 24] = [
    "absent_over_time",
    "avg_over_time",
    "changes",
    "count_over_time",
    "delta",
    "deriv",
    "first_over_time",
    "idelta",
    "increase",
    "irate",
    "last_over_time",
    "mad_over_time",
    "max_over_time",
    "min_over_time",
    "present_over_time",
    "rate",
    "resets",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
];

/// The function of that name.
pub(super) fn function(name: &str) -> Option<Function<'static>> {
    if let Some(name) = OF_VECTOR.iter().find(|known| **known == name) {
        return Some(plain(name, &[V], V));
    }
    if let Some(name) = OF_RANGE.iter().find(|known| **known == name) {
        return Some(plain(name, &[R], V));
    }
    FUNCTIONS.iter().find(|known| known.name == name).map(|known| Function { ..*known })
}

/// All names, for "did you mean".
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let all = OF_VECTOR.iter().chain(&OF_RANGE).copied().chain(FUNCTIONS.iter().map(|known| known.name));
    all.chain(AGGREGATIONS.iter().map(|(name, _)| *name))
}

/// Aggregations, each with what it takes before the series.
pub(super) const AGGREGATIONS: [(&str, Option<Type>); 14] = [
    ("sum", None),
    ("min", None),
    ("max", None),
    ("avg", None),
    ("group", None),
    ("stddev", None),
    ("stdvar", None),
    ("count", None),
    ("count_values", Some(T)),
    ("bottomk", Some(S)),
    ("topk", Some(S)),
    ("quantile", Some(S)),
    ("limitk", Some(S)),
    ("limit_ratio", Some(S)),
];
