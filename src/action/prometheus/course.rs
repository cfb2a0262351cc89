//! How a series ran, in numbers and in a line of blocks.

use chrono::{DateTime, Utc};

use crate::prometheus::{Point, RangeQuery};

/// What is told of a series with at least one point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    pub first: f64,
    pub last: f64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    /// Of a second, on the straight line that is nearest to all points. `None`: there is one point
    /// only.
    pub growing: Option<f64>,
    pub sparkline: String,
}

impl Figures {
    /// `None`: there is no point, or these are no numbers that can be told.
    pub fn of(points: &[Point], range: &RangeQuery) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        let values = || points.iter().map(|point| point.value);
        let mean = values().sum::<f64>() / points.len() as f64;
        let growing = slope(points, mean);
        let is_told = mean.is_finite() && (last.value - first.value).is_finite();
        (is_told && growing.is_none_or(f64::is_finite)).then(|| Self {
            first: first.value,
            last: last.value,
            min: values().fold(f64::INFINITY, f64::min),
            max: values().fold(f64::NEG_INFINITY, f64::max),
            mean,
            growing,
            sparkline: sparkline(points, range),
        })
    }

    /// In how many seconds it is as much as `full`, if it goes on as it grows. `None`: never.
    pub fn full_in(&self, full: f64) -> Option<f64> {
        if self.last >= full {
            return Some(0.0);
        }
        let growing = self.growing.filter(|growing| *growing > 0.0)?;
        Some((full - self.last) / growing).filter(|seconds| seconds.is_finite())
    }
}

/// The slope by least squares. `mean`: of the values.
fn slope(points: &[Point], mean: f64) -> Option<f64> {
    let start = points.first().filter(|_| points.len() > 1)?.at;
    let seconds = |at: DateTime<Utc>| (at - start).as_seconds_f64();
    let middle = points.iter().map(|point| seconds(point.at)).sum::<f64>() / points.len() as f64;
    let (mut of_both, mut of_time) = (0.0, 0.0);
    for point in points {
        let away = seconds(point.at) - middle;
        of_both += away * (point.value - mean);
        of_time += away * away;
    }
    Some(of_both / of_time)
}

/// As wide as a line of a page on a phone leaves room for.
const WIDTH: usize = 24;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What stands where there is no point.
const GAP: char = '·';

/// The course as a line of blocks, from the lowest to the highest of what is shown; each is the
/// mean of its part of the time.
fn sparkline(points: &[Point], range: &RangeQuery) -> String {
    let moments = range.steps as usize + 1;
    let width = moments.min(WIDTH);
    let mut parts = vec![(0.0, 0_u32); width];
    let start = range.start();
    for point in points {
        let step = ((point.at - start).as_seconds_f64() / range.step.as_secs_f64()).round().max(0.0) as usize;
        if let Some((sum, count)) = parts.get_mut(step * width / moments) {
            *sum += point.value;
            *count += 1;
        }
    }
    let mean = |(sum, count): &(f64, u32)| (*count > 0).then(|| sum / f64::from(*count));
    let means: Vec<Option<f64>> = parts.iter().map(mean).collect();
    let known = || means.iter().flatten().copied();
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let block = |mean: &Option<f64>| {
        let Some(mean) = mean else { return GAP };
        if high <= low {
            return BLOCKS[3];
        }
        let level = ((mean - low) / (high - low) * (BLOCKS.len() - 1) as f64).round() as usize;
        BLOCKS.get(level).copied().unwrap_or(GAP)
    };
    means.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::prometheus::Query;

    fn range(steps: u32) -> RangeQuery {
        let query = Query::new("x", DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
        RangeQuery { query, step: Duration::from_secs(60), steps }
    }

    fn figures(values: &[Option<f64>]) -> Option<Figures> {
        let range = range(u32::try_from(values.len()).unwrap() - 1);
        let points = range.moments().zip(values).filter_map(|(at, value)| Some(Point { at, value: (*value)? }));
        Figures::of(&points.collect::<Vec<_>>(), &range)
    }

    #[test]
    fn a_straight_line_grows_by_its_slope_whatever_is_missing() {
        let told = figures(&[Some(40.0), Some(46.0), None, Some(58.0), Some(64.0)]).unwrap();
        assert_eq!((told.first, told.last, told.min, told.max, told.mean), (40.0, 64.0, 40.0, 64.0, 52.0));
        assert!((told.growing.unwrap() - 0.1).abs() < 1e-12, "{told:?}");
        assert!((told.full_in(100.0).unwrap() - 360.0).abs() < 1e-6, "{told:?}");
        assert_eq!((told.full_in(64.0), told.full_in(50.0)), (Some(0.0), Some(0.0)), "it is full");
    }

    #[test]
    fn one_outlier_is_no_growth() {
        let told = figures(&[Some(5.0), Some(5.0), Some(500.0), Some(5.0), Some(5.0)]).unwrap();
        assert_eq!((told.growing, told.full_in(1e3)), (Some(0.0), None));
    }

    #[test]
    fn what_falls_is_never_full_and_of_one_point_nothing_is_known() {
        assert_eq!(figures(&[Some(9.0), Some(8.0)]).unwrap().full_in(10.0), None);
        let one = figures(&[None, Some(9.0)]).unwrap();
        assert_eq!((one.growing, one.full_in(10.0), one.full_in(9.0)), (None, None, Some(0.0)));
        assert_eq!(figures(&[None, None]), None);
        assert_eq!(figures(&[Some(f64::MAX), Some(f64::MAX)]), None, "their sum is no number");
    }

    #[test]
    fn blocks_show_how_it_ran() {
        let line = |values: &[Option<f64>]| figures(values).unwrap().sparkline;
        assert_eq!(line(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0].map(Some)), "▁▂▃▄▅▆▇█");
        assert_eq!(line(&[Some(-1.0), None, Some(1.0)]), "▁·█");
        assert_eq!(line(&[Some(3.0); 3]), "▄▄▄");
        let long: Vec<Option<f64>> = (0..61).map(|n| Some(f64::from(n))).collect();
        let shown = line(&long);
        assert_eq!((shown.chars().count(), shown.chars().next(), shown.chars().last()), (24, Some('▁'), Some('█')));
    }
}
