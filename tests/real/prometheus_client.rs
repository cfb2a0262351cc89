//! Our client of Prometheus, against a real one.

use std::time::Duration;

use chrono::Utc;
use dogwatch::prometheus::{HttpPrometheus, Prometheus as _, Query, QueryError, RangeQuery};

use crate::world::prometheus::Prometheus;

#[tokio::test]
async fn a_real_prometheus_is_understood() {
    let prometheus = Prometheus::start().await;
    let client = HttpPrometheus::new(prometheus.url(), None, Duration::from_secs(10)).unwrap();
    let values = async |expr: &str| {
        let samples = client.query(&Query::new(expr, Utc::now())).await?;
        Ok::<_, QueryError>(samples.into_iter().map(|sample| sample.value).collect::<Vec<_>>())
    };
    assert_eq!(values("queue_length").await, Ok(vec![]), "nothing is exported yet");

    prometheus.exports("queue_length{queue=\"mail\"} 3\nqueue_length{queue=\"chat\"} 4");
    prometheus.wait_for("sum(queue_length) == 7").await;
    let mail = client.query(&Query::new("queue_length{queue=\"mail\"}", Utc::now())).await.unwrap();
    assert_eq!((mail.len(), mail[0].value, mail[0].labels["queue"].as_str()), (1, 3.0, "mail"));
    assert_eq!(values("sum(queue_length)").await, Ok(vec![7.0]));
    assert_eq!(values("42").await, Ok(vec![42.0]), "a scalar");
    assert_eq!(values("vector(1) / 0").await, Ok(vec![f64::INFINITY]));
    let nothing = values("queue_length * NaN").await.unwrap();
    assert!(nothing.iter().all(|value| value.is_nan()) && !nothing.is_empty(), "{nothing:?}");

    for wrong in [
        "sum(",
        "queue_length[5m]",
        "\"text\"",
        "sum by (queue) (queue_length) + on (queue) group_left queue_length{a=\"b\"} +",
    ] {
        let answer = client.query(&Query::new(wrong, Utc::now())).await;
        assert!(matches!(&answer, Err(QueryError::Refused { expr, .. }) if expr == wrong), "{answer:?}");
    }
    let error = client.query(&Query::new("sum(", Utc::now())).await.unwrap_err().to_string();
    assert!(error.contains("parse error"), "{error}");

    let aged = async |expr: &str, max_age: u64| {
        let max_age = Some(Duration::from_secs(max_age));
        client.query(&Query { max_age, ..Query::new(expr, Utc::now()) }).await
    };
    let sum = "sum by (queue) (max_over_time(queue_length{queue=~\"mail|chat\"}[2m])) and on (queue) queue_length or absent_one";
    assert_eq!(aged(sum, 60).await.unwrap().len(), 2);
    // A sample that carries a time of its own: 100 s old when it is scraped.
    let at = (Utc::now() - Duration::from_secs(100)).timestamp_millis();
    prometheus.exports(&format!("old_length 3 {at}"));
    prometheus.wait_for("old_length == 3").await;
    assert!(
        aged("old_length", 60).await.is_err_and(|error| error.to_string().contains("is `old_length` still scraped"))
    );
    assert!(aged("last_over_time(old_length[5m])", 60).await.is_err());
    assert_eq!(aged("old_length", 290).await.map(|samples| samples.len()), Ok(1));
}

#[tokio::test]
async fn a_real_prometheus_tells_how_a_series_ran() {
    let prometheus = Prometheus::start().await;
    let client = HttpPrometheus::new(prometheus.url(), None, Duration::from_secs(10)).unwrap();
    let range = async |expr: &str| {
        let range = RangeQuery { query: Query::new(expr, Utc::now()), step: Duration::from_millis(500), steps: 40 };
        client.range(&range).await
    };
    assert_eq!(range("queue_length").await, Ok(vec![]), "nothing is exported yet");
    let mut length = 0;
    prometheus.exports_at_each_scrape(move || {
        length += 1;
        format!("queue_length{{queue=\"mail\"}} {length}")
    });
    prometheus.wait_for("queue_length >= 4").await;
    let courses = range("queue_length").await.unwrap();
    let values: Vec<f64> = courses[0].points.iter().map(|point| point.value).collect();
    assert_eq!((courses.len(), courses[0].labels["queue"].as_str()), (1, "mail"));
    assert!(values.len() < 41 && values.is_sorted() && values.contains(&4.0), "since it is exported: {values:?}");
    assert!(courses[0].points.is_sorted_by_key(|point| point.at), "{courses:?}");
    let scalar = range("42").await.unwrap();
    assert_eq!((scalar.len(), scalar[0].points.len()), (1, 41), "a scalar is one at each moment");
    let wrong = range("queue_length[5m]").await;
    assert!(matches!(wrong, Err(QueryError::Refused { .. })), "{wrong:?}");
}
