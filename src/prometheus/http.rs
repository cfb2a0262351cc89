//! Prometheus's HTTP API:
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#expression-queries>.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url, header};

use super::answer::{parse, parse_range, since};
use super::selectors::{age_query, selectors};
use super::{Course, Prometheus, Query, QueryError, RangeQuery, Sample};
use crate::http::{HttpAuth, HttpClient, HttpError, api_url};

/// The largest answer that is read: some ten thousand series. A playbook's query should give one.
const LARGEST: usize = 4 * 1024 * 1024;

/// Asks a Prometheus, or whatever speaks its API.
#[derive(Debug)]
pub struct HttpPrometheus {
    client: HttpClient,
    query: Url,
    range: Url,
}

/// Why it cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum PrometheusError {
    #[error("`{url}` is no URL of a Prometheus: {message}; write it as `http://prometheus.monitoring:9090`")]
    Url { url: String, message: String },
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

impl HttpPrometheus {
    /// `url` is what comes before `/api/v1/query`. Nothing is asked yet.
    ///
    /// # Errors
    /// When it is no http or https URL.
    pub fn new(url: &str, auth: Option<HttpAuth>, timeout: Duration) -> Result<Self, PrometheusError> {
        let wrong = |message: String| PrometheusError::Url { url: url.to_owned(), message };
        let query = api_url(url, "/api/v1/query").map_err(wrong)?;
        let range = api_url(url, "/api/v1/query_range").map_err(wrong)?;
        let client = HttpClient::new(&query, auth, timeout, LARGEST).map_err(PrometheusError::Client)?;
        Ok(Self { client, query, range })
    }

    async fn ask(&self, expr: &str, at: DateTime<Utc>) -> Result<(StatusCode, Vec<u8>), QueryError> {
        self.post(&self.query, expr, at, &[("time", time(at))]).await
    }

    /// `now`: by our clock.
    async fn post(
        &self,
        url: &Url,
        expr: &str,
        now: DateTime<Utc>,
        more: &[(&str, String)],
    ) -> Result<(StatusCode, Vec<u8>), QueryError> {
        let mut form = url.clone();
        form.query_pairs_mut().clear().append_pair("query", expr).extend_pairs(more);
        let request = self.client.post(url).header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(form.query().unwrap_or_default().to_owned());
        let answer = self.client.send(request).await.map_err(|error| match error {
            HttpError::Away(message) => QueryError::Unavailable(message),
            HttpError::TooLarge(_) => {
                QueryError::Refused { expr: expr.to_owned(), message: format!("{error}; aggregate") }
            }
        })?;
        check_date(&answer.headers, now)?;
        Ok((answer.status, answer.body))
    }
}

#[async_trait]
impl Prometheus for HttpPrometheus {
    async fn query(&self, query: &Query) -> Result<Vec<Sample>, QueryError> {
        let at = since(query.at);
        if let Some(max_age) = query.max_age {
            self.check_ages(query, at, max_age).await?;
        }
        let (status, body) = self.ask(&query.expr, at).await?;
        parse(&query.expr, at, status, &body)
    }

    async fn range(&self, range: &RangeQuery) -> Result<Vec<Course>, QueryError> {
        let at = since(range.query.at);
        let range = RangeQuery { query: Query { at, ..range.query.clone() }, ..range.clone() };
        if let Some(max_age) = range.query.max_age {
            self.check_ages(&range.query, at, max_age).await?;
        }
        let expr = &range.query.expr;
        let step = range.step.as_secs_f64().to_string();
        let pairs = [("start", time(range.start())), ("end", time(at)), ("step", step)];
        let (status, body) = self.post(&self.range, expr, at, &pairs).await?;
        parse_range(&range, status, &body)
    }
}

impl HttpPrometheus {
    /// `timestamp()` knows a sample's own time only of a plain selector, so that each one in the
    /// expression is asked about by itself.
    async fn check_ages(&self, query: &Query, at: DateTime<Utc>, max_age: Duration) -> Result<(), QueryError> {
        let refused = |message| QueryError::Refused { expr: query.expr.clone(), message };
        for selector in selectors(&query.expr).map_err(refused)? {
            let expr = age_query(&selector);
            let (status, body) = self.ask(&expr, at).await?;
            // No sample at all: whether that matters is decided by the expression (`or vector(0)`).
            let Some(sample) = parse(&expr, at, status, &body)?.into_iter().next() else { continue };
            let age = Duration::try_from_secs_f64(sample.value.max(0.0)).unwrap_or(Duration::MAX);
            if age > max_age {
                let (expr, selector) = (query.expr.trim().to_owned(), selector.text);
                return Err(QueryError::Stale { expr, selector, age: Duration::from_secs(age.as_secs()), max_age });
            }
        }
        Ok(())
    }
}

/// As the API takes it: Unix time in seconds.
fn time(at: DateTime<Utc>) -> String {
    format!("{}.{:03}", at.timestamp(), at.timestamp_subsec_millis())
}

/// How far Prometheus's clock may be from ours. Beyond that, "now" by our clock is another moment
/// there: the past, or one of which nothing has been scraped.
const CLOCKS_APART: chrono::TimeDelta = chrono::TimeDelta::seconds(60);

/// Whether the answer was made about now: the server says so itself, unless a proxy took that away.
fn check_date(headers: &HeaderMap, now: DateTime<Utc>) -> Result<(), QueryError> {
    let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc());
    match date {
        Some(date) if (date - now).abs() > CLOCKS_APART => Err(QueryError::Unavailable(format!(
            "its answer is of {date}, and our clock says {now}; set the clocks right, or look for a cache between"
        ))),
        _ => Ok(()),
    }
}

/// No Prometheus: whatever asks it, fails, and so escalates.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoPrometheus;

#[async_trait]
impl Prometheus for NoPrometheus {
    async fn query(&self, _query: &Query) -> Result<Vec<Sample>, QueryError> {
        Err(QueryError::NotConfigured)
    }

    async fn range(&self, _range: &RangeQuery) -> Result<Vec<Course>, QueryError> {
        Err(QueryError::NotConfigured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_says_how_to_write_one() {
        for wrong in ["prometheus:9090", "ftp://prometheus", "", "http://"] {
            let error = HttpPrometheus::new(wrong, None, Duration::from_secs(1)).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.contains("write it as")), "{wrong}");
        }
    }
}
