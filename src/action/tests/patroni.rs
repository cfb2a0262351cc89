//! `patroni.cluster` and `patroni.reinitialize`: a replica that cannot follow is copied anew, and
//! nothing that may be all there is.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::{FailureClass, ObjectKey};

const CLUSTER: &str = "patroni.cluster: {}";
const REBUILD: &str = "patroni.reinitialize: {}";

/// A member's pod, with the annotation that Patroni keeps its state in.
pub(super) fn member(name: &str, own: &Value) -> Object {
    build::pod("shop", name, "db").with(&json!({
        "metadata": {
            "labels": { "cluster-name": "db", "application": "patroni", "role": own["role"] },
            "annotations": { "status": own.to_string() },
        },
        "status": { "phase": "Running", "podIP": "10.0.0.9", "startTime": "2026-04-01T00:00:00Z" },
    }))
}

pub(super) fn leader() -> Object {
    member("db-0", &json!({ "role": "master", "state": "running", "timeline": 3, "xlog_location": 9_000_000 }))
}

pub(super) fn replica(name: &str, state: &str, timeline: u64, position: u64) -> Object {
    member(name, &json!({ "role": "replica", "state": state, "timeline": timeline, "xlog_location": position }))
}

/// The cluster's own state: it left timeline 1 at 4000000, and timeline 2 at 5000000.
pub(super) fn kept(config: &str) -> Object {
    let metadata = json!({ "name": "db-config", "namespace": "shop", "annotations": {
        "config": config, "history": "[[1, 4000000, \"x\"], [2, 5000000, \"x\"]]",
    } });
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata }).into()
}

/// A run about `db-1`, which cannot follow.
pub(super) fn behind(state: &str, timeline: u64, position: u64) -> Edge {
    let good = replica("db-2", "streaming", 3, 9_000_000);
    Edge::about(vec![replica("db-1", state, timeline, position), leader(), good, kept("{}")])
}

async fn is_a_human(edge: &Edge, why: &str) {
    let message = needs_human(edge.would(REBUILD).await);
    assert!(message.contains(why), "{message}");
}

#[tokio::test]
async fn the_members_are_told_with_who_leads() {
    let edge = behind("running", 2, 4_900_000);
    let output = edge.reads(CLUSTER).await.unwrap();
    assert_eq!(
        output.summary,
        "db: db-0 leads (running on timeline 3); db-1 is a replica (running on timeline 2, 4100000 bytes behind); db-2 is a replica \
         (streaming on timeline 3, 0 bytes behind)"
    );
    assert_eq!(field(&output, "leader"), &json!("db-0"));
    let streaming: Vec<&Value> =
        field(&output, "members").as_array().unwrap().iter().map(|m| &m["streaming"]).collect();
    assert_eq!(streaming, [&json!(false), &json!(false), &json!(true)]);
}

#[tokio::test]
async fn another_member_tells_where_the_target_does_not_answer() {
    let edge = behind("running", 2, 4_900_000);
    edge.cluster.fault(Fault::Unavailable { verb: Verb::Get, kind: "Patroni".into(), times: 1 });
    assert_eq!(field(&edge.reads(CLUSTER).await.unwrap(), "leader"), &json!("db-0"));
    edge.cluster.fault(Fault::Unavailable { verb: Verb::Get, kind: "Patroni".into(), times: 3 });
    let error = edge.reads(CLUSTER).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry, "{error}");
    assert_eq!(error.message, "Patroni in pod/db-1 in shop did not answer: the connection was lost");
}

#[tokio::test]
async fn a_replica_that_cannot_follow_is_rebuilt_and_streams() {
    let edge = behind("running", 2, 4_900_000);
    let output = edge.does(REBUILD).await;
    assert_eq!(output.summary, "rebuild pod/db-1 in shop, a replica of db-0");
    let state = async || {
        let output = edge.reads(CLUSTER).await.unwrap();
        field(&output, "members")[1]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state().await, "stopping");
    edge.passes(Duration::from_secs(60));
    assert_eq!(state().await, "creating replica");
    is_a_human(&edge, "it is being rebuilt already, by somebody else").await;
    edge.passes(Duration::from_secs(300));
    assert_eq!(state().await, "streaming");
    assert!(matches!(edge.would(REBUILD).await.unwrap(), Plan::Unneeded(_)));
}

#[tokio::test]
async fn what_may_be_the_only_copy_is_left_to_a_human() {
    // It wrote on after the others had left its timeline.
    is_a_human(&behind("running", 2, 5_000_001), "its own WAL goes 1 bytes beyond the point where timeline 2 was left")
        .await;
    is_a_human(&behind("running", 4, 9_000_000), "it is on timeline 4, beyond its leader's 3").await;
    // Up to there the leader has it all.
    assert!(matches!(behind("running", 2, 5_000_000).would(REBUILD).await.unwrap(), Plan::Do(_)));
    is_a_human(&behind("running", 3, 9_000_001), "1 bytes beyond its leader's, on the same timeline").await;
    is_a_human(&behind("running", 1, 4_000_001), "beyond the point where timeline 1 was left").await;
    is_a_human(&behind("start failed", 2, 5_000_000), "it does not tell how far its own WAL goes").await;
    // Nobody knows where timeline 0 was left.
    is_a_human(&behind("running", 0, 1), "where timeline 0 was left is not known").await;
    let other = replica("db-2", "starting", 3, 0);
    let target = replica("db-1", "running", 2, 4_900_000);
    is_a_human(&Edge::about(vec![target.clone(), leader(), other, kept("{}")]), "db-0 would be the only copy").await;
    // Of two, one is all there is until it is done: whoever says yes is told.
    let two = Edge::about(vec![target, leader(), kept("{}")]).intends(REBUILD).await;
    assert_eq!(two.summary, "rebuild pod/db-1 in shop, a replica of db-0; until it is done, db-0 is the only copy");
}

#[tokio::test]
async fn a_cluster_that_somebody_is_at_work_on_is_left_alone() {
    let target = || replica("db-1", "running", 2, 4_900_000);
    let paused = Edge::about(vec![target(), leader(), kept(r#"{"pause": true}"#)]);
    is_a_human(&paused, "Patroni is paused").await;
    let headless = Edge::about(vec![target(), replica("db-2", "running", 3, 9_000_000), kept("{}")]);
    is_a_human(&headless, "nobody leads the cluster").await;
    let sick = leader().with(&json!({ "metadata": { "annotations": { "status": json!({ "role": "master", "state": "crashed" }).to_string() } } }));
    is_a_human(&Edge::about(vec![target(), sick, kept("{}")]), "db-0 does not say itself that it leads and runs").await;
    let sync =
        member("db-1", &json!({ "role": "sync_standby", "state": "running", "timeline": 3, "xlog_location": 5 }));
    is_a_human(&Edge::about(vec![sync, leader(), kept("{}")]), "it is a synchronous standby").await;
    is_a_human(&Edge::about(vec![leader(), target(), kept("{}")]), "it leads the cluster").await;

    let other = replica("db-2", "creating replica", 3, 0);
    let error = Edge::about(vec![target(), leader(), other, kept("{}")]).would(REBUILD).await.unwrap_err();
    assert_eq!(error.class, FailureClass::HeldUp, "{error}");
}

#[tokio::test]
async fn it_is_sent_only_while_all_is_as_it_was_shown() {
    let edge = behind("running", 2, 4_900_000);
    let intent = edge.intends(REBUILD).await;
    let key = ObjectKey::new("Pod", "shop", "db-0");
    let moved = json!({ "role": "master", "state": "running", "timeline": 4, "xlog_location": 9_100_000 }).to_string();
    edge.cluster.change(&key, &json!({ "metadata": { "annotations": { "status": moved } } }), "Patroni").unwrap();
    let error = edge.makes(REBUILD, &intent).await.unwrap_err();
    assert_eq!(error.class, FailureClass::HeldUp, "{error}");
    assert!(error.message.contains("nothing was sent") && error.message.contains("timeline 4"), "{error}");
    assert!(edge.cluster.writes().is_empty());
}

#[tokio::test]
async fn after_a_crash_it_is_found_out_or_left_to_a_human_and_never_sent_again() {
    let edge = behind("running", 2, 4_900_000);
    let intent = edge.intends(REBUILD).await;
    let unclear = async |edge: &Edge, says: &str| match edge.doubts(REBUILD, &intent).await {
        Doubt::Unclear(why) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    };
    // It may wait there for its turn.
    unclear(&edge, "PostgreSQL runs since before").await;

    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Create, kind: "Patroni".into(), times: 1 });
    let error = edge.makes(REBUILD, &intent).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Retry, "{error}");
    for passes in [0, 60] {
        edge.passes(Duration::from_secs(passes));
        match edge.doubts(REBUILD, &intent).await {
            Doubt::Done(output) => {
                assert!(output.summary.contains("is being rebuilt; whether this run began it cannot be told"));
            }
            other => panic!("after {passes} s: {other:?}"),
        }
    }
    edge.passes(Duration::from_secs(300));
    unclear(&edge, "and was rebuilt or restarted").await;
    assert_eq!(edge.cluster.writes().len(), 1);
}
