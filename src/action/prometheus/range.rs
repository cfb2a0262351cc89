//! `prometheus.range`: how a number came to what it is.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{SubsecRound as _, TimeDelta};

use super::asked::{self, one_line, short};
use super::course::Figures;
use super::grid::{Level, grid};
use crate::action::amounts::Flag;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, StepContext, World};
use crate::language::{Arg, Location};
use crate::model::{Autonomy, HumanDuration};
use crate::prometheus::{Course, Query, RangeQuery};

arguments! {
    pub(in crate::action) struct PrometheusRange {
        /// PromQL, with plain holes such as `{{inputs.x}}` for names and numbers
        expr: Arg<String>,
        /// How far it is looked back, `1m` to `31d`
        over: Option<Arg<HumanDuration>> = "1h",
        /// From one point to the next, `1s` at least and 500 points at the most. Left out: a
        /// sixtieth of `over`
        step: Option<Arg<HumanDuration>>,
        /// Whether several series are expected
        many: Option<Arg<Flag>> = "false",
        /// How old the newest samples may be
        max_age: Option<Arg<HumanDuration>>,
        /// As much as it may become, such as the size of a volume: a number or a quantity
        full_at: Option<Arg<Level>>,
    }
}

output! {
    #[derive(Default)]
    struct Answer {
        /// Of the only series, its first value; left out where there are several, as all that
        /// follows but `series`, `count` and `ended`
        first: Option<f64>,
        /// Its newest value
        last: Option<f64>,
        /// Its least value
        min: Option<f64>,
        /// Its greatest value
        max: Option<f64>,
        /// The mean of its values
        mean: Option<f64>,
        /// What it is more now than at first; below 0, less
        delta: Option<f64>,
        /// How many values it has
        points: Option<usize>,
        /// By how much it grows in a second, on the straight line nearest to all values (least
        /// squares); left out where it has one value only
        growing: Option<f64>,
        /// In how many seconds it is at `full_at`, if it goes on like that from its newest value; 0
        /// where it is already, left out where it does not grow
        full_in: Option<f64>,
        /// Its newest value as text, with four digits
        shown: Option<String>,
        /// How it ran as a line of up to 24 blocks, from its least to its greatest; `·` where it
        /// has no value
        sparkline: Option<String>,
        /// All series that are there now
        series: Vec<Ran>,
        /// How many they are
        count: usize,
        /// How many were there within `over`, and are no more
        ended: usize,
    }
}

output! {
    struct Ran {
        /// The labels of the series
        labels: BTreeMap<String, String>,
        /// Its first value
        first: f64,
        /// Its newest value
        last: f64,
        /// Its least value
        min: f64,
        /// Its greatest value
        max: f64,
        /// The mean of its values
        mean: f64,
        /// What it is more now than at first
        delta: f64,
        /// How many values it has
        points: usize,
        /// By how much it grows in a second
        growing: Option<f64>,
        /// In how many seconds it is at `full_at`
        full_in: Option<f64>,
        /// Its newest value as text
        shown: String,
        /// How it ran as a line of blocks
        sparkline: String,
    }
}

/// More series than a page or the run's log should hold.
const MOST_SERIES: usize = 100;

/// How far it is looked back where nothing is said.
const USUAL: HumanDuration = HumanDuration(Duration::from_secs(3600));

impl Declared for PrometheusRange {
    const DECLARATION: Declaration = Declaration {
        name: "prometheus.range",
        summary: "Asks Prometheus how a number came to what it is",
        effect: Effect::Reads,
        about: "A range query that ends now: how fast a volume fills and when it will be full, whether a lag grows, how a value ran \
            before the incident. The expression is evaluated at each point as `prometheus.query` evaluates it, so that a counter needs \
            its `rate` here, too. Series that have no value now have ended: they are left out and counted in `ended`, unless \
            `max_age` allows their newest value. Beside that, `max_age` holds the samples of now to it as `prometheus.query` does. \
            `growing` is of the whole of `over`: of what has just begun to grow, ask over less.",
        errors: "No series at all, or none that has a value now: empty is not healthy. A value that is no finite number, at \
            whatever point. A partial answer, one that is made of samples older than `max_age`, and one for other times than were asked for. Several \
            series without `many`, or more than 100. A hole that is filled with anything but letters, digits and `_ . : / @ -`.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Answer::FIELDS,
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: fill
  prometheus.range:
    expr: max(kubelet_volume_stats_used_bytes{persistentvolumeclaim=\"{{target.metadata.name}}\"})
    over: 6h
    full_at: \"{{target.status.capacity.storage}}\"
- escalate_if: fill.?full_in.orValue(1e9) < 4.0 * 3600.0
  because: \"{{fill.summary}}\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        asked::check(&self.expr, self.max_age.as_ref())?;
        let over = match &self.over {
            None => Some(USUAL),
            Some(over) => over.literal().copied(),
        };
        let step = match &self.step {
            None => Some(None),
            Some(step) => step.literal().copied().map(Some),
        };
        match (over, step) {
            (Some(over), Some(step)) => grid(over, step).map(drop),
            (Some(over), None) => grid(over, None).map(drop),
            (None, _) => Ok(()),
        }
    }

    fn query(&self) -> Option<(String, Location)> {
        asked::query(&self.expr)
    }

    fn looks_back(&self) -> Option<Duration> {
        let over = self.over.as_ref().map_or(Some(&USUAL), Arg::literal);
        over.map(|over| over.0)
    }
}

#[async_trait]
impl Read for PrometheusRange {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let expr = asked::resolve(&self.expr, step.scope)?;
        let over = self.over(step.scope)?;
        let apart = self.step.as_ref().map(|apart| apart.resolve(step.scope)).transpose()?;
        let (apart, steps) = grid(over, apart).map_err(ActionError::fail)?;
        let max_age = self.max_age.as_ref().map(|age| age.resolve(step.scope)).transpose()?.map(|age| age.0);
        let full_at = self.full_at.as_ref().map(|full_at| full_at.resolve(step.scope)).transpose()?;
        let many = self.many(step.scope)?.0;
        // Prometheus is exact to the millisecond: the newest point is to be of just this moment.
        let at = world.clock.now().trunc_subsecs(3);
        let range = RangeQuery { query: Query { expr, at, max_age }, step: apart, steps };
        answer(&range, over, world.prometheus.range(&range).await?, many, full_at.map(Level::value))
    }
}

fn answer(
    range: &RangeQuery,
    over: HumanDuration,
    courses: Vec<Course>,
    many: bool,
    full_at: Option<f64>,
) -> Result<Output, ActionError> {
    let expr = range.query.expr.trim();
    for Course { labels, points } in &courses {
        if let Some(point) = points.iter().find(|point| !point.value.is_finite()) {
            return Err(asked::no_number(expr, labels, point.value));
        }
    }
    if courses.is_empty() {
        return Err(asked::no_samples(expr));
    }
    let age = |course: &Course| course.points.last().map_or(TimeDelta::MAX, |point| range.query.at - point.at);
    let allowed =
        range.query.max_age.map_or(TimeDelta::zero(), |age| TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX));
    let (there, ended): (Vec<Course>, Vec<Course>) = courses.into_iter().partition(|course| age(course) <= allowed);
    let (count, ended_count) = (there.len(), ended.len());
    if count == 0 {
        let newest = ended.iter().map(age).min().and_then(|age| age.to_std().ok()).unwrap_or_default();
        return Err(ActionError::fail(format!(
            "`{expr}` has no samples now, and the newest within {over} is {} old: is it still scraped? where that is new enough, \
             write it as `max_age`",
            HumanDuration(newest)
        )));
    }
    if count > 1 && !many {
        return Err(asked::several(expr, count));
    }
    if count > MOST_SERIES {
        return Err(ActionError::fail(format!(
            "`{expr}` has {count} series, and {MOST_SERIES} is the most that is looked at; aggregate them"
        )));
    }
    let series = there.into_iter().map(|course| ran(expr, course, range, full_at)).collect::<Result<Vec<_>, _>>()?;
    let told = format!("`{}` over {over}: ", one_line(expr));
    let has_ended = if ended_count == 0 { String::new() } else { format!("; {ended_count} more ended within it") };
    let [only] = series.as_slice() else {
        let fastest = series.iter().filter_map(|ran| ran.growing).fold(f64::NEG_INFINITY, f64::max);
        let rate = if fastest.is_finite() { format!(", at most {} an hour", per_hour(fastest)) } else { String::new() };
        let summary = format!("{told}{count} series{rate}{has_ended}");
        return Ok(Output::new(&Answer { series, count, ended: ended_count, ..Answer::default() }, summary));
    };
    let summary = format!("{told}{}{has_ended}", in_words(only, full_at));
    let answer = Answer {
        first: Some(only.first),
        last: Some(only.last),
        min: Some(only.min),
        max: Some(only.max),
        mean: Some(only.mean),
        delta: Some(only.delta),
        points: Some(only.points),
        growing: only.growing,
        full_in: only.full_in,
        shown: Some(only.shown.clone()),
        sparkline: Some(only.sparkline.clone()),
        series,
        count,
        ended: ended_count,
    };
    Ok(Output::new(&answer, summary))
}

fn ran(expr: &str, course: Course, range: &RangeQuery, full_at: Option<f64>) -> Result<Ran, ActionError> {
    let Course { labels, points } = course;
    let Some(figures) = Figures::of(&points, range) else {
        return Err(asked::no_number(expr, &labels, f64::INFINITY));
    };
    Ok(Ran {
        labels,
        full_in: full_at.and_then(|full_at| figures.full_in(full_at)),
        delta: figures.last - figures.first,
        first: figures.first,
        last: figures.last,
        min: figures.min,
        max: figures.max,
        mean: figures.mean,
        points: points.len(),
        growing: figures.growing,
        shown: short(figures.last),
        sparkline: figures.sparkline,
    })
}

/// `40 -> 71.2 ▁▃▅█ (40 to 71.2), +5.2 an hour, at 100 in 5h30m`.
fn in_words(ran: &Ran, full_at: Option<f64>) -> String {
    let Ran { first, last, min, max, growing, full_in, sparkline, .. } = ran;
    let mut words = format!("{} -> {} {sparkline} ({} to {})", short(*first), short(*last), short(*min), short(*max));
    if let Some(growing) = growing {
        words.push_str(&format!(", {} an hour", per_hour(*growing)));
    }
    if let Some(full_at) = full_at {
        let when = match full_in {
            None => "not growing towards".to_owned(),
            Some(0.0) => "already at".to_owned(),
            // A duration holds no more.
            Some(seconds) if *seconds > 1e15 => "not soon at".to_owned(),
            Some(seconds) => format!("in {} at", HumanDuration(Duration::from_secs(seconds.round() as u64))),
        };
        words.push_str(&format!(", {when} {}", short(full_at)));
    }
    words
}

/// A second's growth as that of an hour, with its sign.
fn per_hour(growing: f64) -> String {
    let growth = short(growing * 3600.0);
    if growing > 0.0 { format!("+{growth}") } else { growth }
}
