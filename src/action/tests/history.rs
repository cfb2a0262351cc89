//! `history.runs`, as a playbook writes it.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;

use super::{Edge, field};
use crate::action::ScriptedPast;
use crate::clock::Clock as _;
use crate::cluster::sim::build;
use crate::model::{Outcome, PastRun, RunId};

pub(super) const BEFORE: &str = "history.runs: { within: 24h }";

/// A Deployment that was scaled two hours ago, and by hand two days ago.
pub(super) fn about_web() -> Edge {
    let mut edge = Edge::about(vec![build::deployment("shop", "web", 4)]);
    let now = edge.clock.now();
    let run = |id, hours, playbook: &str, by: Option<&str>| PastRun {
        run: RunId(id),
        playbook: playbook.into(),
        began: now - TimeDelta::hours(hours),
        ended: Some(now - TimeDelta::hours(hours) + TimeDelta::minutes(4)),
        outcome: Some(Outcome::Fixed),
        because: Some("the latency is good".into()),
        requested_by: by.map(str::to_owned),
        changed: vec!["scale deployment/web in shop 4 -> 6".into()],
    };
    edge.past = Arc::new(ScriptedPast(vec![run(5, 2, "shop-slow", None), run(2, 48, "scale", Some("ada"))]));
    edge
}

#[tokio::test]
async fn what_was_tried_is_there_for_conditions() {
    let edge = about_web();
    let before = edge.reads(BEFORE).await.unwrap();
    assert_eq!((field(&before, "count"), field(&before, "fixed")), (&json!(1), &json!(1)));
    assert_eq!(before.value["items"][0]["changed"], json!(["scale deployment/web in shop 4 -> 6"]));
    assert_eq!(
        before.summary,
        "1 run within 1d, of which 1 mended it; the last: RUN-5 of shop-slow at 2026-05-01T10:00:00Z \
         (scale deployment/web in shop 4 -> 6; fixed)"
    );
    let week = edge.reads("history.runs: {}").await.unwrap();
    assert_eq!(week.value["items"][1]["asked_by"], "ada");
    let one = edge.reads("history.runs: { playbook: scale }").await.unwrap();
    assert_eq!((field(&one, "count"), &one.value["items"][0]["run"]), (&json!(1), &json!("RUN-2")));
}

#[tokio::test]
async fn nobody_looks_back_for_ever() {
    let error = about_web().reads("history.runs: { within: 365d }").await.unwrap_err();
    assert!(error.message.contains("`90d` at the most"), "{}", error.message);
}
