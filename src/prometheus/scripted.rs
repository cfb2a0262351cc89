//! Prometheus by a script, for rehearsals: what it answers is said beforehand, or follows from the simulated cluster.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::{Prometheus, Query, QueryError, Sample, selectors};

type Answer = Box<dyn Fn() -> Vec<Sample> + Send + Sync>;

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
    InTurn(Vec<Vec<Sample>>, usize),
    Follows(Answer),
}

impl ScriptedPrometheus {
    /// Queries that contain `part` are answered with these, one after the other, and then with the last one. `None`: no
    /// samples. Earlier rules come first.
    pub fn answers_in_turn(&self, part: &str, answers: &[Option<f64>]) {
        self.answers_series_in_turn(
            part,
            answers.iter().map(|answer| answer.iter().copied().map(plain).collect()).collect(),
        );
    }

    /// The same with all series of each answer, labels and all.
    pub fn answers_series_in_turn(&self, part: &str, answers: Vec<Vec<Sample>>) {
        self.add(part, Says::InTurn(answers, 0));
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
        self.follows_all(part, move || answer().into_iter().map(plain).collect());
    }

    /// Queries that contain `part` are answered with the series, labels and all, that `answer` says at that moment.
    pub fn follows_all(&self, part: &str, answer: impl Fn() -> Vec<Sample> + Send + Sync + 'static) {
        self.add(part, Says::Follows(Box::new(answer)));
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
}

#[async_trait]
impl Prometheus for ScriptedPrometheus {
    async fn query(&self, query: &Query) -> Result<Vec<Sample>, QueryError> {
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
        let samples = match rule {
            None => Vec::new(),
            Some(Rule { says: Says::Follows(answer), .. }) => answer(),
            Some(Rule { says: Says::InTurn(answers, next), .. }) => {
                let samples = answers.get(*next).or(answers.last()).cloned().unwrap_or_default();
                *next += 1;
                samples
            }
        };
        if samples.is_empty() {
            self.had_no_samples.store(true, Ordering::Relaxed);
        }
        Ok(samples)
    }
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
