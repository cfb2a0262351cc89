//! Our client of Prometheus, against a real one.

use std::time::Duration;

use dogwatch::prometheus::{HttpPrometheus, Prometheus as _, QueryError};

use crate::world::prometheus::Prometheus;

#[tokio::test]
async fn a_real_prometheus_is_understood() {
    let prometheus = Prometheus::start().await;
    let client = HttpPrometheus::new(prometheus.url(), None, Duration::from_secs(10)).unwrap();
    let values = async |expr: &str| {
        let samples = client.query(expr).await?;
        Ok::<_, QueryError>(samples.into_iter().map(|sample| sample.value).collect::<Vec<_>>())
    };
    assert_eq!(values("queue_length").await, Ok(vec![]), "nothing is exported yet");

    prometheus.exports("queue_length{queue=\"mail\"} 3\nqueue_length{queue=\"chat\"} 4");
    prometheus.wait_for("sum(queue_length) == 7").await;
    let mail = client.query("queue_length{queue=\"mail\"}").await.unwrap();
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
        let answer = client.query(wrong).await;
        assert!(matches!(&answer, Err(QueryError::Refused { expr, .. }) if expr == wrong), "{answer:?}");
    }
    let error = client.query("sum(").await.unwrap_err().to_string();
    assert!(error.contains("parse error"), "{error}");
}
