//! `patroni.history`, `.pause`, `.resume`, `.restart`, `.switchover` and `.failover`, as playbooks
//! write them: who leads changes once, in a cluster that nobody else is at work on.

use std::time::Duration;

use serde_json::{Value, json};

use super::patroni::{kept, leader, member, replica};
use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb};
use crate::model::{FailureClass, ObjectKey};

const CLUSTER: &str = "patroni.cluster: {}";
pub(super) const HISTORY: &str = "patroni.history: { within: 1d }";
pub(super) const RESTART: &str = "patroni.restart: {}";
pub(super) const SWITCH: &str = "patroni.switchover: { leader: db-0, candidate: db-1 }";
const FAILOVER: &str = "patroni.failover: {}";
const PAUSE: &str = "patroni.pause: {}";
const RESUME: &str = "patroni.resume: {}";

/// One for which a setting waits.
fn waiting(name: &str) -> Object {
    let own = json!({ "role": "replica", "state": "streaming", "timeline": 3, "xlog_location": 8_999_000, "pending_restart": true });
    member(name, &own)
}

/// A run about `db-1`, of a cluster in which all is well.
pub(super) fn whole() -> Edge {
    with("{}", waiting("db-1"))
}

fn with(config: &str, first: Object) -> Edge {
    Edge::about(vec![first, leader(), replica("db-2", "streaming", 3, 9_000_000), kept(config)])
}

/// A run about `db-1`, whose leader's node is gone; `db-2` is behind.
pub(super) fn headless() -> Edge {
    let gone = member("db-0", &json!({ "role": "replica", "state": "stopped" }));
    Edge::about(vec![
        replica("db-1", "running", 3, 9_000_000),
        gone,
        replica("db-2", "running", 3, 8_000_000),
        kept("{}"),
    ])
}

async fn members(edge: &Edge) -> (Value, Vec<Value>) {
    let output = edge.reads(CLUSTER).await.unwrap();
    let timelines = field(&output, "members").as_array().unwrap().iter().map(|m| m["timeline"].clone()).collect();
    (field(&output, "leader").clone(), timelines)
}

async fn is_a_human(edge: &Edge, step: &str, why: &str) {
    let message = needs_human(edge.would(step).await);
    assert!(message.contains(why), "{step}: {message}");
}

async fn is_unclear(edge: &Edge, step: &str, intent: &crate::model::Intent, says: &str) {
    match edge.doubts(step, intent).await {
        Doubt::Unclear(why) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_lead_moves_in_order_and_the_history_tells_it() {
    let edge = whole();
    let intent = edge.intends(SWITCH).await;
    assert_eq!(intent.summary, "have db-1 lead db in the place of db-0");
    let output = edge.makes(SWITCH, &intent).await.unwrap();
    assert_eq!((field(&output, "leader"), field(&output, "before")), (&json!("db-1"), &json!("db-0")));
    assert_eq!(members(&edge).await, (json!("db-1"), vec![json!(4), json!(4), json!(4)]));
    assert_eq!(edge.written(), ["create pod/db-1 in shop switchover"]);
    let history = edge.reads(HISTORY).await.unwrap();
    assert_eq!(
        history.summary,
        "the leader has changed once within 1d, last at 2026-05-01T12:00:00Z to db-1; of 2 more the time is not known"
    );
    // The playbook has seen another leader than there is by now.
    is_a_human(&edge, "patroni.switchover: { leader: db-0 }", "db-1 leads, and not db-0, as was to be").await;
    assert!(matches!(edge.would(SWITCH).await.unwrap(), Plan::Unneeded(_)));
}

#[tokio::test]
async fn the_lead_stays_where_the_cluster_is_not_whole() {
    let all = "patroni.switchover: { leader: db-0 }";
    is_a_human(&with(r#"{"pause": true}"#, waiting("db-1")), all, "Patroni is paused").await;
    is_a_human(&with(r#"{"synchronous_mode": true}"#, waiting("db-1")), all, "db-2 is none: it may lack some").await;
    is_a_human(&with("{}", replica("db-1", "running", 2, 5)), all, "not all members are known to stream: db-1").await;
    is_a_human(
        &whole(),
        "patroni.switchover: { leader: db-0, candidate: db-1, max_lag: 999 }",
        "db-1 is 1000 bytes behind",
    )
    .await;
    is_a_human(&whole(), "patroni.switchover: { leader: db-2 }", "db-0 leads, and not db-2").await;
    is_a_human(&headless(), all, "nobody leads; `patroni.failover` is for that").await;
    let unknown = whole().would("patroni.switchover: { leader: db-0, candidate: db-9 }").await.unwrap_err();
    assert_eq!(unknown.class, FailureClass::Fail, "{unknown}");
}

#[tokio::test]
async fn what_patroni_refuses_or_tries_in_vain_is_for_a_human() {
    let edge = whole();
    let intent = edge.intends(SWITCH).await;
    edge.cluster.fault(Fault::SwitchoverFails { member: ObjectKey::new("Pod", "shop", "db-1") });
    let message = needs_human(edge.makes(SWITCH, &intent).await);
    assert_eq!(message, "Patroni in pod/db-0 in shop refused: Switchover failed");
    assert_eq!(members(&edge).await.0, json!("db-0"));
    assert!(edge.written().is_empty());
}

#[tokio::test]
async fn a_switchover_is_sent_only_while_all_is_as_it_was_shown_and_never_again() {
    let edge = whole();
    let intent = edge.intends(SWITCH).await;
    is_unclear(&edge, SWITCH, &intent, "db-0 leads as before, and a wish that waits may come true yet").await;
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Create, kind: "Patroni".into(), times: 1 });
    assert_eq!(edge.makes(SWITCH, &intent).await.unwrap_err().class, FailureClass::Retry);
    match edge.doubts(SWITCH, &intent).await {
        Doubt::Done(output) => assert!(output.summary.starts_with("db-1 leads now; whether by this run"), "{output:?}"),
        other => panic!("{other:?}"),
    }
    // Somebody else was faster: nothing is sent.
    let late = edge.makes(SWITCH, &intent).await.unwrap_err();
    assert!(late.message.contains("db-1 leads, and not db-0"), "{late}");
    assert_eq!(edge.written().len(), 1);
}

#[tokio::test]
async fn where_nobody_leads_the_one_that_has_most_does() {
    let edge = headless();
    let intent = edge.intends(FAILOVER).await;
    assert_eq!(
        intent.summary,
        "have db-1 lead db, which nobody leads; what more db-0 may hold is lost, as nothing is known of that"
    );
    edge.makes(FAILOVER, &intent).await.unwrap();
    assert_eq!(members(&edge).await, (json!("db-1"), vec![Value::Null, json!(4), json!(4)]));
    assert!(matches!(edge.would(FAILOVER).await.unwrap(), Plan::Unneeded(_)));
    is_a_human(&headless(), "patroni.failover: { candidate: db-2 }", "db-1 has more than db-2").await;
    is_a_human(&headless(), "patroni.failover: { candidate: db-0 }", "PostgreSQL of db-0 does not run (stopped)").await;
    // It may be about to take over by itself.
    let sick = member("db-0", &json!({ "role": "master", "state": "crashed" }));
    let said = Edge::about(vec![replica("db-1", "running", 3, 9_000_000), sick, kept("{}")]);
    is_a_human(&said, FAILOVER, "db-0 is said to lead, and does not say itself that it runs").await;
}

#[tokio::test]
async fn a_failover_whose_answer_is_lost_is_found_out_and_one_that_was_not_sent_stays_in_doubt() {
    let edge = headless();
    let intent = edge.intends(FAILOVER).await;
    edge.cluster.fault(Fault::Unavailable { verb: Verb::Create, kind: "Patroni".into(), times: 1 });
    assert_eq!(edge.makes(FAILOVER, &intent).await.unwrap_err().class, FailureClass::Retry);
    let action = super::action(FAILOVER).unwrap();
    let open = super::mutation(&action).doubt(&edge.world(Some(&action)), &intent).await.unwrap_err();
    assert!(open.class == FailureClass::Retry && open.message.contains("nobody says that he leads"), "{open:?}");
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Create, kind: "Patroni".into(), times: 1 });
    assert_eq!(edge.makes(FAILOVER, &intent).await.unwrap_err().class, FailureClass::Retry);
    assert!(matches!(edge.doubts(FAILOVER, &intent).await, Doubt::Done(_)));
}

#[tokio::test]
async fn a_replica_is_restarted_where_a_setting_waits_for_it() {
    let edge = whole();
    let intent = edge.intends(RESTART).await;
    assert!(matches!(edge.doubts(RESTART, &intent).await, Doubt::NotDone(same) if same == intent));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Create, kind: "Patroni".into(), times: 1 });
    assert_eq!(edge.makes(RESTART, &intent).await.unwrap_err().class, FailureClass::Retry);
    match edge.doubts(RESTART, &intent).await {
        Doubt::Done(output) => assert!(output.summary.ends_with("it was restarted"), "{output:?}"),
        other => panic!("{other:?}"),
    }
    let Plan::Unneeded(output) = edge.would(RESTART).await.unwrap() else { panic!() };
    assert_eq!(output.summary, "no setting of db-1 waits for a restart");
    edge.passes(Duration::from_secs(60));
    edge.does("patroni.restart: { only_pending: false, member: db-2 }").await;
    assert_eq!(edge.written(), ["create pod/db-1 in shop restart", "create pod/db-2 in shop restart"]);
    is_a_human(&edge, "patroni.restart: { member: db-0, only_pending: false }", "it leads the cluster").await;
    is_a_human(&with(r#"{"pause": true}"#, waiting("db-1")), RESTART, "Patroni is paused").await;
    let alone = Edge::about(vec![waiting("db-1"), leader(), replica("db-2", "running", 2, 5), kept("{}")]);
    assert_eq!(alone.would(RESTART).await.unwrap_err().class, FailureClass::HeldUp);
}

#[tokio::test]
async fn a_cluster_is_paused_and_resumed_also_through_its_leader() {
    let edge = Edge::about(vec![leader(), replica("db-1", "streaming", 3, 9_000_000), kept(r#"{"ttl":30}"#)]);
    let config =
        || edge.live(&ObjectKey::new("ConfigMap", "shop", "db-config")).annotation("config").unwrap().to_owned();
    let intent = edge.intends(PAUSE).await;
    assert!(matches!(edge.doubts(PAUSE, &intent).await, Doubt::NotDone(_)));
    edge.makes(PAUSE, &intent).await.unwrap();
    assert_eq!(config(), r#"{"pause":true,"ttl":30}"#);
    assert!(matches!(edge.doubts(PAUSE, &intent).await, Doubt::Done(_)));
    assert_eq!(field(&edge.reads(CLUSTER).await.unwrap(), "paused"), &json!(true));
    assert!(matches!(edge.would(PAUSE).await.unwrap(), Plan::Unneeded(_)));

    let resume = edge.intends(RESUME).await;
    assert_eq!(resume.summary, "resume Patroni of db, which db-0 leads; who paused it, and why, Patroni does not say");
    // Somebody else writes the configuration meanwhile.
    edge.cluster.fault(Fault::Conflict { times: 1 });
    let conflict = edge.makes(RESUME, &resume).await.unwrap_err();
    assert!(conflict.class == FailureClass::Retry && conflict.message.contains("409 Conflict"), "{conflict:?}");
    edge.makes(RESUME, &resume).await.unwrap();
    assert_eq!(config(), r#"{"ttl":30}"#);
    let nobody = headless();
    nobody.does(PAUSE).await;
    is_a_human(&nobody, RESUME, "nobody leads, and whoever Patroni has lead then may lack commits").await;
}
