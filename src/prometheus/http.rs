//! Prometheus's HTTP API: <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::Value;

use super::{Prometheus, QueryError, Sample};
use crate::model::Secret;

/// The largest answer that is read: some ten thousand series. A playbook's query should give one.
const LARGEST: usize = 4 * 1024 * 1024;

/// How we prove who we are.
#[derive(Debug)]
pub enum PrometheusAuth {
    Bearer(Secret),
    Basic { username: String, password: Secret },
}

/// Asks a Prometheus, or whatever speaks its API.
#[derive(Debug)]
pub struct HttpPrometheus {
    client: Client,
    query: Url,
    auth: Option<PrometheusAuth>,
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
    pub fn new(url: &str, auth: Option<PrometheusAuth>, timeout: Duration) -> Result<Self, PrometheusError> {
        crate::tls::install_provider();
        let wrong = |message: String| PrometheusError::Url { url: url.to_owned(), message };
        // By itself first: behind `http://` the path that follows would be taken for the host.
        Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        let query = format!("{}/api/v1/query", url.trim_end_matches('/'));
        let query = Url::parse(&query).map_err(|error| wrong(error.to_string()))?;
        if !matches!(query.scheme(), "http" | "https") {
            return Err(wrong("its scheme is neither http nor https".into()));
        }
        let client = Client::builder()
            .timeout(timeout)
            // Credentials must not follow a redirect to another host.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| PrometheusError::Client(error.to_string()))?;
        Ok(Self { client, query, auth })
    }

    async fn ask(&self, expr: &str) -> Result<(StatusCode, Vec<u8>), QueryError> {
        let away = |error: reqwest::Error| QueryError::Unavailable(with_causes(&error.without_url()));
        let mut request =
            self.client.post(self.query.clone()).header("content-type", "application/x-www-form-urlencoded");
        let mut form = self.query.clone();
        form.query_pairs_mut().clear().append_pair("query", expr);
        request = request.body(form.query().unwrap_or_default().to_owned());
        request = match &self.auth {
            None => request,
            Some(PrometheusAuth::Bearer(token)) => request.bearer_auth(token.expose()),
            Some(PrometheusAuth::Basic { username, password }) => request.basic_auth(username, Some(password.expose())),
        };
        let mut answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            if body.len() + chunk.len() > LARGEST {
                let message = format!("its answer is larger than {LARGEST} bytes; aggregate");
                return Err(QueryError::Refused { expr: expr.to_owned(), message });
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }
}

#[async_trait]
impl Prometheus for HttpPrometheus {
    async fn query(&self, expr: &str) -> Result<Vec<Sample>, QueryError> {
        let (status, body) = self.ask(expr).await?;
        parse(expr, status, &body)
    }
}

/// No Prometheus: whatever asks it, fails, and so escalates.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoPrometheus;

#[async_trait]
impl Prometheus for NoPrometheus {
    async fn query(&self, _expr: &str) -> Result<Vec<Sample>, QueryError> {
        Err(QueryError::NotConfigured)
    }
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    result_type: String,
    result: Value,
}

#[derive(Deserialize)]
struct Series {
    metric: std::collections::BTreeMap<String, String>,
    value: (f64, String),
}

fn parse(expr: &str, status: StatusCode, body: &[u8]) -> Result<Vec<Sample>, QueryError> {
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
    let data = answer.data.ok_or_else(|| QueryError::Unavailable("its answer holds no data".into()))?;
    match data.result_type.as_str() {
        "vector" => {
            let series: Vec<Series> =
                serde_json::from_value(data.result).map_err(|error| QueryError::Unavailable(error.to_string()))?;
            series.into_iter().map(|series| sample(series.metric, &series.value.1)).collect()
        }
        "scalar" => {
            let (_, value): (f64, String) =
                serde_json::from_value(data.result).map_err(|error| QueryError::Unavailable(error.to_string()))?;
            Ok(vec![sample(Default::default(), &value)?])
        }
        other => Err(refused(format!("it gives a {other}; write an expression that gives an instant vector"))),
    }
}

fn sample(labels: std::collections::BTreeMap<String, String>, value: &str) -> Result<Sample, QueryError> {
    let value: f64 = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse().map_err(|_| QueryError::Unavailable(format!("`{number}` is no number")))?,
    };
    Ok(Sample { labels, value })
}

/// reqwest's own words hide why: "error sending request".
fn with_causes(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Vec<f64>, QueryError> {
        let samples = parse("up", StatusCode::from_u16(status).unwrap(), body.as_bytes())?;
        Ok(samples.into_iter().map(|sample| sample.value).collect())
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
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"7"]}}"#;
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
    }

    #[test]
    fn what_is_no_url_says_how_to_write_one() {
        for wrong in ["prometheus:9090", "ftp://prometheus", "", "http://"] {
            let error = HttpPrometheus::new(wrong, None, Duration::from_secs(1)).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.contains("write it as")), "{wrong}");
        }
    }
}
