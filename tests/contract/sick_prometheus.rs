//! The HTTP client of Prometheus against a server that may be sick or strange.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dogwatch::model::Secret;
use dogwatch::prometheus::{HttpPrometheus, Prometheus, PrometheusAuth, QueryError};
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
    async fn that_answers<F>(answer: impl Fn() -> F + Clone + Send + Sync + 'static) -> Self
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
                log.lock().unwrap().push([
                    parts.method.to_string(),
                    parts.uri.path().to_owned(),
                    authorization.unwrap_or_default(),
                    String::from_utf8_lossy(&body).into_owned(),
                ]);
                answer().await
            }
        });
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked, _server: server }
    }

    fn client(&self, auth: Option<PrometheusAuth>) -> HttpPrometheus {
        HttpPrometheus::new(&self.url, auth, Duration::from_millis(500)).unwrap()
    }

    fn asked(&self) -> Vec<[String; 4]> {
        self.asked.lock().unwrap().clone()
    }
}

fn seven() -> Response {
    let result = json!([{ "metric": { "pod": "a" }, "value": [1.5, "7"] }]);
    axum::Json(json!({ "status": "success", "data": { "resultType": "vector", "result": result } })).into_response()
}

#[tokio::test]
async fn the_expression_goes_out_as_it_is() {
    let strange = Strange::that_answers(|| async { seven() }).await;
    let expr = "sum by (pod) (rate(x{a=\"b&c\", d=~\".+\"}[5m])) > 1e+3 # ü";
    let samples = strange.client(None).query(expr).await.unwrap();
    assert_eq!((samples.len(), samples[0].value, samples[0].labels["pod"].as_str()), (1, 7.0, "a"));
    let [method, path, authorization, body] = strange.asked().remove(0);
    assert_eq!((method.as_str(), path.as_str(), authorization.as_str()), ("POST", "/api/v1/query", ""));
    let form = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
    let fields: Vec<_> = form.query_pairs().into_owned().collect();
    assert_eq!(fields, [("query".to_owned(), expr.to_owned())]);
}

#[tokio::test]
async fn we_say_who_we_are() {
    let strange = Strange::that_answers(|| async { seven() }).await;
    let secret = || Secret::new("open sesame");
    let bearer = strange.client(Some(PrometheusAuth::Bearer(secret())));
    bearer.query("up").await.unwrap();
    let basic = strange.client(Some(PrometheusAuth::Basic { username: "bot".into(), password: secret() }));
    basic.query("up").await.unwrap();
    let said: Vec<String> = strange.asked().into_iter().map(|[_, _, authorization, _]| authorization).collect();
    assert_eq!(said, ["Bearer open sesame", "Basic Ym90Om9wZW4gc2VzYW1l"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Strange::that_answers(|| async { seven() }).await;
    let place = elsewhere.url.clone();
    let strange = Strange::that_answers(move || {
        let place = place.clone();
        async move { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response() }
    })
    .await;
    let answer = strange.client(Some(PrometheusAuth::Bearer(Secret::new("x")))).query("up").await;
    assert!(matches!(&answer, Err(QueryError::Unavailable(message)) if message.contains("307")), "{answer:?}");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn what_takes_too_long_or_is_too_large_is_given_up() {
    let slow = Strange::that_answers(std::future::pending).await;
    assert!(matches!(slow.client(None).query("up").await, Err(QueryError::Unavailable(_))));
    // Larger than it says: the length is not known beforehand.
    let large = Strange::that_answers(|| async {
        let chunk = axum::body::Bytes::from(vec![b' '; 1 << 20]);
        Body::from_stream(futures_util::stream::iter((0..6).map(move |_| Ok::<_, std::io::Error>(chunk.clone()))))
            .into_response()
    })
    .await;
    let answer = large.client(None).query("up").await;
    assert!(matches!(&answer, Err(QueryError::Refused { message, .. }) if message.contains("aggregate")), "{answer:?}");
    let away = HttpPrometheus::new("http://127.0.0.1:1", None, Duration::from_millis(500)).unwrap();
    let answer = away.query("up").await;
    assert!(matches!(&answer, Err(QueryError::Unavailable(message)) if message.contains("refused")), "{answer:?}");
}
