//! The HTTP client of Prometheus against a server that may be sick or strange.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use dogwatch::clock::{Clock as _, SystemClock};
use dogwatch::http::HttpAuth;
use dogwatch::model::Secret;
use dogwatch::prometheus::{HttpPrometheus, Prometheus, Query, QueryError, RangeQuery, Sample};
use serde_json::json;
use tokio::task::JoinSet;

/// What was asked: method, path, authorization, body.
type Asked = Arc<Mutex<Vec<[String; 4]>>>;

struct Strange {
    url: String,
    asked: Asked,
    /// Ends with the test.
    _server: JoinSet<()>,
}

impl Strange {
    async fn that_answers<F>(answer: impl Fn(String) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Asked::default();
        let log = asked.clone();
        let app = Router::new().fallback(move |request: Request| {
            let (log, answer) = (log.clone(), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1_000_000).await.unwrap();
                let authorization = parts.headers.get(header::AUTHORIZATION).map(|it| it.to_str().unwrap().to_owned());
                let body = String::from_utf8_lossy(&body).into_owned();
                log.lock().unwrap().push([
                    parts.method.to_string(),
                    parts.uri.path().to_owned(),
                    authorization.unwrap_or_default(),
                    body.clone(),
                ]);
                answer(body).await
            }
        });
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked, _server: server }
    }

    fn client(&self, auth: Option<HttpAuth>) -> HttpPrometheus {
        HttpPrometheus::new(&self.url, auth, Duration::from_millis(500)).unwrap()
    }

    fn asked(&self) -> Vec<[String; 4]> {
        self.asked.lock().unwrap().clone()
    }
}

/// A moment with milliseconds, near enough to the server's own clock.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(SystemClock::default().now().timestamp_millis()).unwrap()
}

async fn ask(client: &HttpPrometheus, expr: &str) -> Result<Vec<Sample>, QueryError> {
    client.query(&Query::new(expr, now())).await
}

/// Unix time in seconds, as the API takes it and gives it back.
fn time_in(form: &str) -> f64 {
    let form = reqwest::Url::parse(&format!("http://x/?{form}")).unwrap();
    form.query_pairs().find(|(name, _)| name == "time").unwrap().1.parse().unwrap()
}

fn seven(form: String) -> Response {
    let result = json!([{ "metric": { "pod": "a" }, "value": [time_in(&form), "7"] }]);
    axum::Json(json!({ "status": "success", "data": { "resultType": "vector", "result": result } })).into_response()
}

#[tokio::test]
async fn the_expression_goes_out_as_it_is() {
    let strange = Strange::that_answers(|form| async { seven(form) }).await;
    let expr = "sum by (pod) (rate(x{a=\"b&c\", d=~\".+\"}[5m])) > 1e+3 # ü";
    let samples = ask(&strange.client(None), expr).await.unwrap();
    assert_eq!((samples.len(), samples[0].value, samples[0].labels["pod"].as_str()), (1, 7.0, "a"));
    let [method, path, authorization, body] = strange.asked().remove(0);
    assert_eq!((method.as_str(), path.as_str(), authorization.as_str()), ("POST", "/api/v1/query", ""));
    let form = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
    let fields: Vec<_> = form.query_pairs().into_owned().collect();
    let time = fields[1].1.clone();
    assert_eq!(fields, [("query".to_owned(), expr.to_owned()), ("time".to_owned(), time.clone())]);
    assert!(time.split_once('.').is_some_and(|(_, millis)| millis.len() == 3), "{time}");
}

#[tokio::test]
async fn we_say_who_we_are() {
    let strange = Strange::that_answers(|form| async { seven(form) }).await;
    let secret = || Secret::new("open sesame");
    let bearer = strange.client(Some(HttpAuth::Bearer(secret())));
    ask(&bearer, "up").await.unwrap();
    let basic = strange.client(Some(HttpAuth::Basic { username: "bot".into(), password: secret() }));
    ask(&basic, "up").await.unwrap();
    let said: Vec<String> = strange.asked().into_iter().map(|[_, _, authorization, _]| authorization).collect();
    assert_eq!(said, ["Bearer open sesame", "Basic Ym90Om9wZW4gc2VzYW1l"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Strange::that_answers(|form| async { seven(form) }).await;
    let place = elsewhere.url.clone();
    let strange = Strange::that_answers(move |_| {
        let place = place.clone();
        async move { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response() }
    })
    .await;
    let answer = ask(&strange.client(Some(HttpAuth::Bearer(Secret::new("x")))), "up").await;
    assert!(matches!(&answer, Err(QueryError::Unavailable(message)) if message.contains("307")), "{answer:?}");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn what_takes_too_long_or_is_too_large_is_given_up() {
    let slow = Strange::that_answers(|_| std::future::pending()).await;
    assert!(matches!(ask(&slow.client(None), "up").await, Err(QueryError::Unavailable(_))));
    // Larger than it says: the length is not known beforehand.
    let large = Strange::that_answers(|_| async {
        let chunk = axum::body::Bytes::from(vec![b' '; 1 << 20]);
        Body::from_stream(futures_util::stream::iter((0..6).map(move |_| Ok::<_, std::io::Error>(chunk.clone()))))
            .into_response()
    })
    .await;
    let answer = ask(&large.client(None), "up").await;
    assert!(matches!(&answer, Err(QueryError::Refused { message, .. }) if message.contains("aggregate")), "{answer:?}");
    let away = HttpPrometheus::new("http://127.0.0.1:1", None, Duration::from_millis(500)).unwrap();
    let answer = ask(&away, "up").await;
    assert!(matches!(&answer, Err(QueryError::Unavailable(message)) if message.contains("refused")), "{answer:?}");
}

#[tokio::test]
async fn an_answer_from_which_a_part_is_missing_is_no_evidence() {
    let thanos = Strange::that_answers(|form| async move {
        let result = json!([{ "metric": {}, "value": [time_in(&form), "0.02"] }]);
        let data = json!({ "resultType": "vector", "result": result });
        let warnings = ["store eu-1 did not answer: context deadline exceeded"];
        axum::Json(json!({ "status": "success", "data": data, "warnings": warnings })).into_response()
    })
    .await;
    let error = ask(&thanos.client(None), " p99 ").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "prometheus gave a partial answer to `p99`, which is no evidence: store eu-1 did not answer: context deadline exceeded"
    );
}

#[tokio::test]
async fn an_answer_of_another_time_is_not_believed() {
    // A cache that gives everybody what the first one asked.
    let cache =
        Strange::that_answers(|_| async { seven(format!("time={}", SystemClock::default().now().timestamp() - 30)) })
            .await;
    let error = ask(&cache.client(None), "up").await.unwrap_err();
    assert!(matches!(&error, QueryError::Unavailable(message) if message.contains("was asked for")), "{error}");
    let ahead = Strange::that_answers(|form| async move {
        let mut answer = seven(form);
        let date = (SystemClock::default().now() + Duration::from_secs(600)).to_rfc2822().replace("+0000", "GMT");
        answer.headers_mut().insert(header::DATE, date.parse().unwrap());
        answer
    })
    .await;
    let error = ask(&ahead.client(None), "up").await.unwrap_err();
    assert!(matches!(&error, QueryError::Unavailable(message) if message.contains("clocks")), "{error}");
}

#[tokio::test]
async fn samples_that_are_too_old_are_refused_by_their_own_time() {
    // `a` was scraped 40 s ago, `b` 400 s ago; `c` is not there.
    let strange = Strange::that_answers(|form| async move {
        let age = match &form {
            form if !form.contains("timestamp") => "7",
            form if form.contains("timestamp%28b") => "400",
            form if form.contains("timestamp%28a") => "40",
            _ => "",
        };
        let sample = json!({ "metric": {}, "value": [time_in(&form), age] });
        let result = if age.is_empty() { json!([]) } else { json!([sample]) };
        axum::Json(json!({ "status": "success", "data": { "resultType": "vector", "result": result } })).into_response()
    })
    .await;
    let client = strange.client(None);
    let ask = async |expr: &str, max_age: u64| {
        let max_age = Some(Duration::from_secs(max_age));
        client.query(&Query { max_age, ..Query::new(expr, now()) }).await
    };
    assert_eq!(ask("rate(a[10m]) or c", 60).await.unwrap()[0].value, 7.0);
    let error = ask("rate(a[10m]) / rate(b[10m])", 300).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`rate(a[10m]) / rate(b[10m])` is made of samples that are 6m40s old, and `max_age` is 5m: is `b` still scraped?"
    );
    assert!(ask("rate(a[10m]) / rate(b[10m])", 400).await.is_ok());
    assert!(matches!(ask("a", 30).await, Err(QueryError::Stale { .. })));
    let times: Vec<f64> = strange.asked().iter().rev().take(2).map(|asked| time_in(&asked[3])).collect();
    assert_eq!(
        strange.asked().last().unwrap()[3].split_once("&time").unwrap().0,
        "query=max%28time%28%29+-+timestamp%28a%29%29"
    );
    assert!(
        times.iter().all(|time| (time - SystemClock::default().now().timestamp() as f64).abs() < 60.0),
        "{times:?}"
    );
}

#[tokio::test]
async fn a_stretch_of_time_is_asked_about_once_and_up_to_now() {
    let strange = Strange::that_answers(|form| async move {
        let asked = reqwest::Url::parse(&format!("http://x/?{form}")).unwrap();
        let field = |name: &str| asked.query_pairs().find(|(key, _)| key == name).unwrap().1.parse::<f64>().unwrap();
        let (start, end, step) = (field("start"), field("end"), field("step"));
        let values = json!([[start, "1"], [start + step, "2"], [end, "3"]]);
        let result = json!([{ "metric": { "pod": "a" }, "values": values }]);
        axum::Json(json!({ "status": "success", "data": { "resultType": "matrix", "result": result } })).into_response()
    })
    .await;
    let query = Query::new("sum by (pod) (x{a=\"b&c\"})", now());
    let range = RangeQuery { query, step: Duration::from_millis(1_500), steps: 4 };
    let courses = strange.client(None).range(&range).await.unwrap();
    let [method, path, _, body] = strange.asked().remove(0);
    assert_eq!((strange.asked().len(), method.as_str(), path.as_str()), (1, "POST", "/api/v1/query_range"));
    assert!(body.starts_with("query=sum+by+%28pod%29+%28x%7Ba%3D%22b%26c%22%7D%29&start="), "{body}");
    let points: Vec<_> = courses[0].points.iter().map(|point| (range.query.at - point.at, point.value)).collect();
    let ago = |millis| chrono::TimeDelta::milliseconds(millis);
    assert_eq!(points, [(ago(6_000), 1.0), (ago(4_500), 2.0), (ago(0), 3.0)]);
}

#[tokio::test]
async fn a_stretch_of_time_is_held_to_the_age_of_its_newest_samples() {
    let strange = Strange::that_answers(|form| async move {
        let sample = json!({ "metric": {}, "value": [time_in(&form), "400"] });
        axum::Json(json!({ "status": "success", "data": { "resultType": "vector", "result": [sample] } }))
            .into_response()
    })
    .await;
    let query = Query { max_age: Some(Duration::from_secs(300)), ..Query::new("x", now()) };
    let range = RangeQuery { query, step: Duration::from_secs(60), steps: 4 };
    let answer = strange.client(None).range(&range).await;
    assert!(matches!(answer, Err(QueryError::Stale { .. })), "{answer:?}");
    assert_eq!(strange.asked().len(), 1, "what is too old is not asked for");
}
