//! What Prometheus's answer says, and whether it can be believed: that it is whole, and of the
//! moment that was asked for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{Course, Point, QueryError, RangeQuery, Sample};
use crate::model::redact;

/// How far an answer's time may be from the time asked for: what is left of it in a float, and the
/// rounding to milliseconds.
const TOLERANCE: TimeDelta = TimeDelta::milliseconds(5);

/// The most of a warning that is told.
const LONGEST: usize = 300;

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: String,
    /// Prometheus, Thanos, Mimir: also what kept them from a whole answer.
    #[serde(default)]
    warnings: Option<Vec<String>>,
    /// VictoriaMetrics: some storage node did not answer.
    #[serde(default, rename = "isPartial")]
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    result_type: String,
    result: Value,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

#[derive(Deserialize)]
struct SeriesOfRange {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

/// The time to the millisecond, which is as exact as Prometheus is.
pub(super) fn since(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(at)
}

/// The samples in an answer to `expr` for the time `at`.
pub(super) fn parse(expr: &str, at: DateTime<Utc>, status: StatusCode, body: &[u8]) -> Result<Vec<Sample>, QueryError> {
    let data = data(expr, status, body)?;
    let series = match data.result_type.as_str() {
        "vector" => serde_json::from_value::<Vec<Series>>(data.result).map_err(unreadable)?,
        "scalar" => {
            let value: (f64, String) = serde_json::from_value(data.result).map_err(unreadable)?;
            vec![Series { metric: BTreeMap::new(), value }]
        }
        other => {
            let message = format!("it gives a {other}; write an expression that gives an instant vector");
            return Err(QueryError::Refused { expr: expr.to_owned(), message });
        }
    };
    once_each(series.iter().map(|series| &series.metric))?;
    series.into_iter().map(|series| sample(series, at)).collect()
}

/// The courses in an answer to a question about a stretch of time.
pub(super) fn parse_range(range: &RangeQuery, status: StatusCode, body: &[u8]) -> Result<Vec<Course>, QueryError> {
    let data = data(&range.query.expr, status, body)?;
    if data.result_type != "matrix" {
        let message = format!("its answer about a stretch of time is a {}, and no matrix", data.result_type);
        return Err(QueryError::Unavailable(message));
    }
    let mut series = serde_json::from_value::<Vec<SeriesOfRange>>(data.result).map_err(unreadable)?;
    once_each(series.iter().map(|series| &series.metric))?;
    series.retain(|series| !series.values.is_empty());
    series.into_iter().map(|series| course(series, range)).collect()
}

/// What an answer holds, if it is whole.
fn data(expr: &str, status: StatusCode, body: &[u8]) -> Result<Data, QueryError> {
    let refused = |message: String| QueryError::Refused { expr: expr.to_owned(), message };
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        let told: String = String::from_utf8_lossy(body).chars().take(200).collect();
        return Err(QueryError::Unavailable(format!("{status}: {told}")));
    };
    if answer.status != "success" {
        // 400 and 422 are about the expression; anything else is about Prometheus.
        let is_about_the_query = matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY);
        return Err(if is_about_the_query {
            refused(answer.error)
        } else {
            QueryError::Unavailable(format!("{status}: {}", answer.error))
        });
    }
    if !status.is_success() {
        return Err(QueryError::Unavailable(format!("it answers {status}, and says `success` in it")));
    }
    if let Some(warning) = partial(&answer) {
        return Err(QueryError::Partial { expr: expr.trim().to_owned(), warning });
    }
    answer.data.ok_or_else(|| QueryError::Unavailable("its answer holds no data".into()))
}

fn unreadable(error: serde_json::Error) -> QueryError {
    QueryError::Unavailable(format!("its answer cannot be read: {error}"))
}

fn once_each<'s>(mut series: impl Iterator<Item = &'s BTreeMap<String, String>>) -> Result<(), QueryError> {
    let mut seen = BTreeSet::new();
    match series.find(|labels| !seen.insert(*labels)) {
        Some(twice) => Err(QueryError::Unavailable(format!("its answer holds the series {twice:?} twice"))),
        None => Ok(()),
    }
}

/// What says that a part of the answer is missing. `None`: nothing does.
///
/// `infos` are remarks about the expression. Servers that know one list only have them among the
/// warnings, with this beginning.
fn partial(answer: &Answer) -> Option<String> {
    let warnings: Vec<&str> = answer.warnings.iter().flatten().map(String::as_str).collect();
    let told: Vec<&str> = warnings.into_iter().filter(|text| !text.starts_with("PromQL info:")).collect();
    if told.is_empty() && answer.is_partial != Some(true) {
        return None;
    }
    let text =
        if told.is_empty() { "isPartial: some of its storage did not answer".to_owned() } else { told.join("; ") };
    // Masked before it is cut: a part of a secret does not look like one.
    Some(redact(&text).chars().take(LONGEST).collect())
}

fn sample(series: Series, at: DateTime<Utc>) -> Result<Sample, QueryError> {
    let (time, value) = series.value;
    let told = moment(time);
    if told.is_none_or(|told| (told - at).abs() > TOLERANCE) {
        let told = told.map_or_else(|| time.to_string(), |told| told.to_string());
        return Err(QueryError::Unavailable(format!("its answer is of {told}, and {at} was asked for")));
    }
    Ok(Sample { labels: series.metric, value: number(&value)? })
}

/// Each point must be of a moment that was asked for, and come after the one before.
fn course(series: SeriesOfRange, range: &RangeQuery) -> Result<Course, QueryError> {
    let mut moments = range.moments();
    let mut points = Vec::with_capacity(series.values.len());
    for (time, value) in series.values {
        let is_told = |at: &DateTime<Utc>| moment(time).is_some_and(|told| (told - *at).abs() <= TOLERANCE);
        let Some(at) = moments.find(is_told) else {
            let told = moment(time).map_or_else(|| time.to_string(), |told| told.to_string());
            let message = format!("its answer has a point of {told}, which was not asked for, or not in this order");
            return Err(QueryError::Unavailable(message));
        };
        points.push(Point { at, value: number(&value)? });
    }
    Ok(Course { labels: series.metric, points })
}

/// `time`: Unix time in seconds.
fn moment(time: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis((time * 1_000.0).round() as i64)
}

fn number(text: &str) -> Result<f64, QueryError> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        number => number.parse().map_err(|_| QueryError::Unavailable(format!("`{number}` is no number"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_100).unwrap()
    }

    fn read(status: u16, body: &str) -> Result<Vec<f64>, QueryError> {
        let samples = parse("up", at(), StatusCode::from_u16(status).unwrap(), body.as_bytes())?;
        Ok(samples.into_iter().map(|sample| sample.value).collect())
    }

    fn one(time: &str, more: &str) -> Result<Vec<f64>, QueryError> {
        let result = format!(r#"[{{"metric":{{}},"value":[{time},"7"]}}]"#);
        read(200, &format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}{more}}}"#))
    }

    #[test]
    fn vectors_and_scalars_are_read_and_a_series_without_a_number_is_kept() {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"pod":"a"},"value":[1700000000.1,"0.25"]},
            {"metric":{"pod":"b"},"value":[1700000000.1,"NaN"]},
            {"metric":{"pod":"c"},"value":[1700000000.1,"+Inf"]}]}}"#;
        let values = read(200, vector).unwrap();
        assert_eq!((values[0], values[2], values.len()), (0.25, f64::INFINITY, 3));
        assert!(values[1].is_nan(), "{values:?}");
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000.1,"7"]}}"#;
        assert_eq!(read(200, scalar), Ok(vec![7.0]));
        let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        assert_eq!(read(200, empty), Ok(vec![]));
    }

    #[test]
    fn a_wrong_query_is_told_from_a_prometheus_in_trouble() {
        let wrong = r#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#;
        assert!(
            matches!(read(400, wrong), Err(QueryError::Refused { message, .. }) if message.contains("parse error"))
        );
        assert!(matches!(read(503, wrong), Err(QueryError::Unavailable(_))));
        assert!(matches!(read(502, "<html>Bad gateway</html>"), Err(QueryError::Unavailable(_))));
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        assert!(matches!(read(200, matrix), Err(QueryError::Refused { .. })));
        let fine = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        assert!(matches!(read(503, fine), Err(QueryError::Unavailable(_))));
        let cut = &fine[..fine.len() - 4];
        assert!(matches!(read(200, cut), Err(QueryError::Unavailable(_))), "a truncated body");
    }

    #[test]
    fn a_partial_answer_is_no_evidence() {
        for (more, told) in [
            (r#","warnings":["store eu-1 did not answer"]"#, "store eu-1 did not answer"),
            (r#","isPartial":true"#, "isPartial: some of its storage did not answer"),
            (r#","warnings":["a","PromQL info: b","c"],"isPartial":true"#, "a; c"),
        ] {
            let partial = QueryError::Partial { expr: "up".into(), warning: told.into() };
            assert_eq!(one("1700000000.1", more), Err(partial), "{more}");
        }
        for more in [
            "",
            r#","warnings":[]"#,
            r#","warnings":null,"isPartial":false"#,
            r#","infos":["PromQL info: metric might not be a counter"]"#,
            r#","warnings":["PromQL info: metric might not be a counter"]"#,
        ] {
            assert_eq!(one("1700000000.1", more), Ok(vec![7.0]), "{more}");
        }
    }

    #[test]
    fn an_answer_for_another_time_is_refused() {
        for time in ["1700000000.1", "1700000000.101", "1700000000.0997"] {
            assert_eq!(one(time, ""), Ok(vec![7.0]), "{time}");
        }
        for time in ["1700000000", "1699999990.1", "1700000000.2", "0", "1e300"] {
            let error = one(time, "").unwrap_err().to_string();
            assert!(error.contains("was asked for"), "{time}: {error}");
        }
    }

    /// An answer about the last two minutes, minute by minute.
    fn read_range(result: &str) -> Result<Vec<Course>, QueryError> {
        let query = crate::prometheus::Query::new("up", at());
        let range = RangeQuery { query, step: std::time::Duration::from_secs(60), steps: 2 };
        let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{result}}}}}"#);
        parse_range(&range, StatusCode::OK, body.as_bytes())
    }

    #[test]
    fn a_course_has_the_points_that_the_series_had() {
        let read = read_range(
            r#"[{"metric":{"pod":"a"},"values":[[1699999880.1,"1"],[1700000000.1,"NaN"]]},
                {"metric":{"pod":"b"},"values":[[1699999940.1,"+Inf"]]},{"metric":{"pod":"c"},"values":[]}]"#,
        );
        let read = read.unwrap();
        assert_eq!((read.len(), read[0].labels["pod"].as_str(), read[0].points.len()), (2, "a", 2));
        assert_eq!((read[0].points[0].value, read[1].points[0].value), (1.0, f64::INFINITY));
        assert_eq!(read[0].points[1].at, at());
        assert!(read[0].points[1].value.is_nan());
        assert_eq!(read_range("[]"), Ok(vec![]));
    }

    #[test]
    fn points_that_were_not_asked_for_are_no_evidence() {
        for (points, told) in [
            (r#"[1700000060.1,"1"]"#, "was not asked for"),
            (r#"[1699999820.1,"1"]"#, "was not asked for"),
            (r#"[1699999900.1,"1"]"#, "was not asked for"),
            (r#"[1700000000.1,"1"],[1699999940.1,"1"]"#, "not in this order"),
            (r#"[1700000000.1,"1"],[1700000000.1,"1"]"#, "not in this order"),
            (r#"[1700000000.1,"one"]"#, "`one` is no number"),
        ] {
            let error = read_range(&format!(r#"[{{"metric":{{}},"values":[{points}]}}]"#)).unwrap_err().to_string();
            assert!(error.contains(told), "{points}: {error}");
        }
        let histogram = r#"[{"metric":{},"histograms":[[1700000000.1,{}]]}]"#;
        assert!(matches!(read_range(histogram), Err(QueryError::Unavailable(_))));
        let twice = r#"[{"metric":{},"values":[[1700000000.1,"1"]]},{"metric":{},"values":[[1700000000.1,"1"]]}]"#;
        assert!(matches!(read_range(twice), Err(QueryError::Unavailable(message)) if message.contains("twice")));
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        let query = crate::prometheus::Query::new("up", at());
        let range = RangeQuery { query, step: std::time::Duration::from_secs(60), steps: 2 };
        assert!(matches!(parse_range(&range, StatusCode::OK, vector.as_bytes()), Err(QueryError::Unavailable(_))));
    }

    #[test]
    fn a_series_that_is_there_twice_is_no_answer() {
        let twice = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"pod":"a"},"value":[1700000000.1,"1"]},{"metric":{"pod":"a"},"value":[1700000000.1,"2"]}]}}"#;
        assert!(matches!(read(200, twice), Err(QueryError::Unavailable(message)) if message.contains("twice")));
    }
}
