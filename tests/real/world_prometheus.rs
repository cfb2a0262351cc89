//! The real Prometheus of the test world.

use crate::world::prometheus::Prometheus;

#[tokio::test]
async fn prometheus_answers_what_the_exporter_shows() {
    let prometheus = Prometheus::start().await;
    assert!(prometheus.query("queue_length").await.is_empty(), "nothing was exported yet");

    prometheus.exports(r#"queue_length{queue="mail"} 3"#);
    assert_eq!(prometheus.wait_for(r#"queue_length{queue="mail"}"#).await, 3.0);

    prometheus.exports(r#"queue_length{queue="mail"} 7"#);
    assert_eq!(prometheus.wait_for("sum(queue_length) > 3").await, 7.0);
}
