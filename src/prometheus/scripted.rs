//! Prometheus by a script, for rehearsals: what it answers is said beforehand, or follows from the simulated cluster.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::{Course, Point, Prometheus, Query, QueryError, RangeQuery, Sample, selectors};

type Answer = Box<dyn Fn() -> Vec<Drawn> + Send + Sync>;

/// A series of an answer: how it ran, up to now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawn {
    pub labels: BTreeMap<String, String>,
    /// Evenly apart over whatever is asked about, the last one now; on straight lines from one to
    /// the next. One is a number that stays. `None`: there was no sample.
    pub points: Vec<Option<f64>>,
}

impl From<Sample> for Drawn {
    fn from(sample: Sample) -> Self {
        Self { labels: sample.labels, points: vec![Some(sample.value)] }
    }
}

impl Drawn {
    /// As it is now; `None`: it has ended.
    fn sample(self) -> Option<Sample> {
        let value = self.points.last().copied().flatten()?;
        Some(Sample { labels: self.labels, value })
    }

    /// At a moment from 0, where the question begins, to 1, where it ends.
    fn at(&self, moment: f64) -> Option<f64> {
        let place = moment * self.points.len().saturating_sub(1) as f64;
        let value = |place: f64| self.points.get(place as usize).copied().flatten();
        let (before, after) = (value(place.floor())?, value(place.ceil())?);
        Some(before + (after - before) * place.fract())
    }

    fn course(self, range: &RangeQuery) -> Option<Course> {
        let moment = |n: usize| n as f64 / f64::from(range.steps.max(1));
        let point = |(n, at)| Some(Point { at, value: self.at(moment(n))? });
        let points: Vec<Point> = range.moments().enumerate().filter_map(point).collect();
        (!points.is_empty()).then_some(Course { labels: self.labels, points })
    }
}

/// Answers queries by the rule whose text is the whole expression, or else by the first one whose text is a part of it.
/// What no rule knows has no samples.
#[derive(Default)]
pub struct ScriptedPrometheus {
    rules: Mutex<Vec<Rule>>,
    asked: Mutex<Vec<String>>,
    away: Mutex<u32>,
    had_no_samples: AtomicBool,
}

struct Rule {
    part: String,
    says: Says,
    flaws: Scripted,
}

/// What is wrong with a scripted answer; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scripted {
    /// How old the samples are that it is made of.
    pub age: Duration,
    /// Why it is only a part of the answer.
    pub warning: Option<String>,
}

enum Says {
    /// One after the other; the last one stays.
    InTurn(Vec<Vec<Drawn>>, usize),
    Follows(Answer),
}

impl ScriptedPrometheus {
    /// Queries that contain `part` are answered with these, one after the other, and then with the last one. `None`: no
    /// samples. Earlier rules come first.
    pub fn answers_in_turn(&self, part: &str, answers: &[Option<f64>]) {
        self.answers_series_in_turn(
            part,
            answers.iter().map(|answer| answer.iter().copied().map(plain).collect::<Vec<_>>()).collect(),
        );
    }

    /// The same with all series of each answer, labels and all.
    pub fn answers_series_in_turn<S: Into<Drawn>>(&self, part: &str, answers: Vec<Vec<S>>) {
        self.add(part, Says::InTurn(answers.into_iter().map(drawn).collect(), 0));
    }

    /// What was said last about answers has these flaws.
    pub fn with_flaws(&self, flaws: Scripted) {
        if let Some(rule) = lock(&self.rules).last_mut() {
            rule.flaws = flaws;
        }
    }

    /// From now on the answers to queries that contain `part` have these flaws.
    pub fn flawed(&self, part: &str, flaws: &Scripted) {
        for rule in lock(&self.rules).iter_mut().filter(|rule| rule.part == part) {
            rule.flaws = flaws.clone();
        }
    }

    /// Queries that contain `part` are answered with what `answer` says at that moment.
    pub fn follows(&self, part: &str, answer: impl Fn() -> Option<f64> + Send + Sync + 'static) {
        self.follows_all(part, move || answer().into_iter().map(plain).collect::<Vec<_>>());
    }

    /// Queries that contain `part` are answered with the series, labels and all, that `answer` says at that moment.
    pub fn follows_all<S: Into<Drawn>>(&self, part: &str, answer: impl Fn() -> Vec<S> + Send + Sync + 'static) {
        self.add(part, Says::Follows(Box::new(move || drawn(answer()))));
    }

    /// The next so many queries are not answered.
    pub fn is_away(&self, queries: u32) {
        *lock(&self.away) = queries;
    }

    /// All expressions that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }

    /// Whether a query was answered, and without samples.
    pub fn had_no_samples(&self) -> bool {
        self.had_no_samples.load(Ordering::Relaxed)
    }

    fn add(&self, part: &str, says: Says) {
        lock(&self.rules).push(Rule { part: part.to_owned(), says, flaws: Scripted::default() });
    }

    /// What is answered now: one answer for each question of either kind.
    fn answer(&self, query: &Query) -> Result<Vec<Drawn>, QueryError> {
        let expr = query.expr.as_str();
        lock(&self.asked).push(expr.to_owned());
        {
            let mut away = lock(&self.away);
            if *away > 0 {
                *away -= 1;
                return Err(QueryError::Unavailable("the script says so".into()));
            }
        }
        let mut rules = lock(&self.rules);
        let whole = rules.iter().position(|rule| rule.part == expr);
        let rule = whole.or_else(|| rules.iter().position(|rule| expr.contains(&rule.part)));
        let rule = rule.and_then(|rule| rules.get_mut(rule));
        if let Some(rule) = &rule {
            check(query, &rule.flaws)?;
        }
        Ok(match rule {
            None => Vec::new(),
            Some(Rule { says: Says::Follows(answer), .. }) => answer(),
            Some(Rule { says: Says::InTurn(answers, next), .. }) => {
                let series = answers.get(*next).or(answers.last()).cloned().unwrap_or_default();
                *next += 1;
                series
            }
        })
    }

    fn noticed<T>(&self, answer: Vec<T>) -> Vec<T> {
        if answer.is_empty() {
            self.had_no_samples.store(true, Ordering::Relaxed);
        }
        answer
    }
}

#[async_trait]
impl Prometheus for ScriptedPrometheus {
    async fn query(&self, query: &Query) -> Result<Vec<Sample>, QueryError> {
        let series = self.answer(query)?;
        Ok(self.noticed(series.into_iter().filter_map(Drawn::sample).collect()))
    }

    async fn range(&self, range: &RangeQuery) -> Result<Vec<Course>, QueryError> {
        let series = self.answer(&range.query)?;
        Ok(self.noticed(series.into_iter().filter_map(|series| series.course(range)).collect()))
    }
}

fn drawn<S: Into<Drawn>>(series: Vec<S>) -> Vec<Drawn> {
    series.into_iter().map(Into::into).collect()
}

/// As a real one would say it.
fn check(query: &Query, flaws: &Scripted) -> Result<(), QueryError> {
    let expr = query.expr.trim().to_owned();
    if let Some(warning) = &flaws.warning {
        return Err(QueryError::Partial { expr, warning: warning.clone() });
    }
    let Some(max_age) = query.max_age else { return Ok(()) };
    let selectors = selectors(&expr).map_err(|message| QueryError::Refused { expr: expr.clone(), message })?;
    if flaws.age <= max_age {
        return Ok(());
    }
    let selector = selectors.first().map(ToString::to_string).unwrap_or_default();
    Err(QueryError::Stale { expr, selector, age: flaws.age, max_age })
}

fn plain(value: f64) -> Sample {
    Sample { labels: BTreeMap::new(), value }
}

/// What is behind these locks stays sound even if a holder panicked: the rules are replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn q(expr: &str) -> Query {
        Query::new(expr, DateTime::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn the_first_rule_that_fits_answers_in_turn_and_its_last_answer_stays() {
        let prometheus = ScriptedPrometheus::default();
        prometheus.answers_in_turn("p99", &[Some(0.4), None, Some(0.02)]);
        prometheus.follows("up", || Some(1.0));
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(prometheus.query(&q("p99(x)")).await.unwrap().first().map(|sample| sample.value));
        }
        assert_eq!(seen, [Some(0.4), None, Some(0.02), Some(0.02)]);
        assert_eq!(prometheus.query(&q("up")).await.unwrap().len(), 1);
        assert!(prometheus.query(&q("down")).await.unwrap().is_empty());
        prometheus.is_away(1);
        assert!(prometheus.query(&q("up")).await.is_err());
        assert!(prometheus.query(&q("up")).await.is_ok());
    }

    #[tokio::test]
    async fn a_series_runs_on_straight_lines_through_what_is_drawn() {
        let prometheus = ScriptedPrometheus::default();
        let drawn = |points: &[Option<f64>]| vec![Drawn { labels: BTreeMap::new(), points: points.to_vec() }];
        let drawn = vec![drawn(&[Some(0.0), Some(20.0), Some(0.0)]), drawn(&[Some(7.0)]), drawn(&[Some(3.0), None])];
        prometheus.answers_series_in_turn("x", drawn);
        let range = RangeQuery { query: q("x"), step: Duration::from_secs(60), steps: 4 };
        let mut runs = Vec::new();
        for _ in 0..3 {
            let course = prometheus.range(&range).await.unwrap().remove(0);
            runs.push(course.points.iter().map(|point| point.value).collect::<Vec<_>>());
            assert!(course.points.iter().all(|point| (range.start()..=range.query.at).contains(&point.at)));
        }
        assert_eq!(runs, [vec![0.0, 10.0, 20.0, 10.0, 0.0], vec![7.0; 5], vec![3.0]]);
        assert!(prometheus.query(&q("x")).await.unwrap().is_empty(), "it has ended");
    }

    #[tokio::test]
    async fn the_whole_expression_comes_before_a_part_of_it() {
        let prometheus = ScriptedPrometheus::default();
        prometheus.follows("up", || Some(1.0));
        prometheus.follows("up{job=\"db\"}", || Some(2.0));
        prometheus.follows_all("by (pod)", || {
            let sample = |pod: &str, value| Sample { labels: BTreeMap::from([("pod".into(), pod.into())]), value };
            vec![sample("a", 1.0), sample("b", 2.0)]
        });
        let value = async |expr: &str| prometheus.query(&q(expr)).await.unwrap()[0].value;
        assert_eq!((value("up{job=\"db\"}").await, value("sum(up{job=\"db\"})").await), (2.0, 1.0));
        let by_pod = prometheus.query(&q("sum by (pod) (x)")).await.unwrap();
        assert_eq!((by_pod.len(), by_pod[0].labels["pod"].as_str()), (2, "a"));
    }
}
