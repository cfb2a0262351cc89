//! `prometheus.range`, as a playbook writes it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Edge, field};
use crate::cluster::sim::build;
use crate::prometheus::{Drawn, Scripted};

pub(super) const FILLS: &str = "prometheus.range: { expr: used, over: 6h, full_at: 100 }";
pub(super) const PODS: &str = "prometheus.range: { expr: lag, many: true, full_at: 50 }";

fn drawn(labels: &[(&str, &str)], points: &[Option<f64>]) -> Drawn {
    let labels: BTreeMap<String, String> =
        labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Drawn { labels, points: points.to_vec() }
}

/// A volume that fills, and the lags of two members, of which a third is gone.
pub(super) fn about_database() -> Edge {
    let edge = Edge::about(vec![build::statefulset("shop", "db", 3)]);
    let answers = |part: &str, series: Vec<Drawn>| edge.prometheus.answers_series_in_turn(part, vec![series]);
    answers("used", vec![drawn(&[], &[Some(40.0), Some(70.0)])]);
    answers(
        "lag",
        vec![
            drawn(&[("pod", "db-0")], &[Some(5.0)]),
            drawn(&[("pod", "db-1")], &[Some(0.0), Some(36.0)]),
            drawn(&[("pod", "db-2")], &[Some(1.0), Some(2.0), None]),
        ],
    );
    answers("gone", vec![drawn(&[], &[Some(1.0), Some(1.0), None])]);
    answers("odd", vec![drawn(&[], &[Some(1.0), Some(f64::NAN), Some(1.0)])]);
    edge
}

#[tokio::test]
async fn how_fast_a_volume_fills_and_when_it_is_full_is_there_for_conditions() {
    let fill = about_database().reads(FILLS).await.unwrap();
    let number = |name: &str| field(&fill, name).as_f64().unwrap();
    assert_eq!((number("first"), number("last"), number("delta"), number("mean")), (40.0, 70.0, 30.0, 55.0));
    assert_eq!((number("min"), number("max"), field(&fill, "points")), (40.0, 70.0, &json!(61)));
    assert!((number("growing") * 3600.0 - 5.0).abs() < 1e-9, "5 an hour: {fill:?}");
    assert!((number("full_in") - 6.0 * 3600.0).abs() < 1e-6, "{fill:?}");
    assert_eq!(field(&fill, "shown"), &json!("70"));
    assert_eq!(fill.summary, "`used` over 6h: 40 -> 70 ▁▁▂▂▂▃▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇▇██ (40 to 70), +5 an hour, in 6h at 100");
}

#[tokio::test]
async fn several_series_must_be_wanted_and_those_that_have_ended_are_no_part_of_them() {
    let edge = about_database();
    let lags = edge.reads(PODS).await.unwrap();
    assert_eq!((field(&lags, "count"), field(&lags, "ended")), (&json!(2), &json!(1)));
    assert_eq!(lags.value.get("last"), None::<&Value>);
    let series = field(&lags, "series").as_array().unwrap();
    assert_eq!((&series[0]["labels"], &series[0]["growing"]), (&json!({ "pod": "db-0" }), &json!(0.0)));
    assert_eq!((series[0].get("full_in"), series[1]["last"].as_f64()), (None, Some(36.0)));
    assert_eq!(lags.summary, "`lag` over 1h: 2 series, at most +36 an hour; 1 more ended within it");
    let error = edge.reads("prometheus.range: { expr: lag }").await.unwrap_err();
    assert!(error.message.contains("`lag` has 2 samples; aggregate them"), "{}", error.message);
}

#[tokio::test]
async fn empty_is_not_healthy_and_what_has_ended_is_empty() {
    let edge = about_database();
    edge.prometheus.answers_series_in_turn("old", vec![vec![drawn(&[], &[Some(1.0)])]]);
    edge.prometheus.with_flaws(Scripted { age: std::time::Duration::from_secs(400), ..Scripted::default() });
    for (yaml, told) in [
        ("prometheus.range: { expr: nothing }", "`nothing` has no samples: is it scraped"),
        ("prometheus.range: { expr: gone }", "`gone` has no samples now, and the newest within 1h is 30m old"),
        ("prometheus.range: { expr: gone, max_age: 20m }", "the newest within 1h is 30m old"),
        ("prometheus.range: { expr: odd }", "`odd` gives NaN, which is no number to decide by (0 of 0?)"),
        ("prometheus.range: { expr: old, max_age: 5m }", "is made of samples that are 6m40s old, and `max_age` is 5m"),
    ] {
        let error = edge.reads(yaml).await.unwrap_err();
        assert!(error.message.contains(told), "{yaml}: {}", error.message);
    }
    let before = edge.reads("prometheus.range: { expr: gone, max_age: 30m }").await.unwrap();
    assert_eq!((field(&before, "points"), field(&before, "ended")), (&json!(31), &json!(0)));
}

#[tokio::test]
async fn data_never_becomes_a_part_of_the_question() {
    let edge = about_database().with(json!({ "alert": { "x": "a\"} or vector(0)", "over": "90d", "full": "10Gi" } }));
    let error = edge.reads("prometheus.range: { expr: 'used{x=\"{{alert.x}}\"}' }").await.unwrap_err();
    assert!(error.message.contains("holds signs that could change the meaning of `expr`"), "{}", error.message);
    let error = edge.reads("prometheus.range: { expr: used, over: '{{alert.over}}' }").await.unwrap_err();
    assert!(error.message.contains("is not from 1m to 31d"), "{}", error.message);
    let fill = edge.reads("prometheus.range: { expr: used, full_at: '{{alert.full}}' }").await.unwrap();
    assert!(fill.summary.ends_with("at 10737418240"), "{}", fill.summary);
}
