use serde_json::json;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn now() -> DateTime<Utc> {
    at("2026-05-01T12:00:00Z")
}

fn workload(kind: &str, spec: Value, status: Value) -> Object {
    let metadata = json!({ "name": "db", "namespace": "shop", "generation": 3 });
    let object = json!({ "kind": kind, "metadata": metadata, "spec": spec, "status": { "observedGeneration": 3 } });
    Object(object).with(&json!({ "status": status }))
}

/// A pod of the revision `new` or `old`, not ready since that time; or ready.
fn pod(name: &str, revision: &str, unready_since: Option<&str>) -> Object {
    let ready = if unready_since.is_some() { "False" } else { "True" };
    let waiting = json!({ "state": { "waiting": { "reason": "CrashLoopBackOff" } } });
    Object(json!({
        "kind": "Pod",
        "metadata": { "name": name, "labels": { "hash": revision } },
        "status": {
            "conditions": [{ "type": "Ready", "status": ready, "lastTransitionTime": unready_since }],
            "containerStatuses": if unready_since.is_some() { json!([waiting]) } else { json!([]) },
        },
    }))
}

const RECENT: Option<&str> = Some("2026-05-01T11:55:00Z");
const LONG_AGO: Option<&str> = Some("2026-05-01T11:30:00Z");

fn told(workload: &Object, pods: &[Object]) -> (&'static str, String) {
    let label: Label = ("hash", "new".into());
    let stand = stand(workload, pods, Some(&label), now()).unwrap();
    (stand.state.word(), stand.because)
}

fn progressing(reason: &str, status: &str) -> Value {
    json!([{
        "type": "Progressing", "status": status, "reason": reason, "message": "has timed out progressing.",
        "lastUpdateTime": "2026-05-01T11:50:00Z", "lastTransitionTime": "2026-05-01T11:40:00Z",
    }])
}

#[test]
fn a_deployment_is_what_kubectl_says_it_is() {
    let status = |updated: i64, all: i64, available: i64| json!({ "updatedReplicas": updated, "replicas": all, "readyReplicas": available, "availableReplicas": available });
    let of = |updated, all, available| {
        told(&workload("Deployment", json!({ "replicas": 3 }), status(updated, all, available)), &[]).0
    };
    assert_eq!(of(3, 3, 3), "complete");
    assert_eq!(of(1, 4, 3), "progressing");
    assert_eq!(of(3, 4, 4), "progressing", "an old pod is still there");
    assert_eq!(of(3, 3, 2), "progressing");
    assert_eq!(told(&workload("Deployment", json!({ "replicas": 0 }), json!({})), &[]).0, "complete");
    let paused = workload("Deployment", json!({ "replicas": 3, "paused": true }), status(1, 4, 3));
    assert_eq!(told(&paused, &[]).0, "paused");
}

#[test]
fn a_status_of_an_older_generation_says_nothing() {
    let complete = json!({ "observedGeneration": 2, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1 });
    let (state, because) = told(&workload("Deployment", json!({ "replicas": 1 }), complete), &[]);
    assert_eq!((state, &*because), ("unobserved", "its controller has seen generation 2 of it, which is an older one"));
}

#[test]
fn a_deployment_beyond_its_deadline_is_stuck_and_says_why() {
    let status = |reason: &str, status: &str| json!({ "updatedReplicas": 1, "replicas": 4, "availableReplicas": 3, "conditions": progressing(reason, status) });
    let late = workload("Deployment", json!({ "replicas": 3 }), status("ProgressDeadlineExceeded", "False"));
    let pods = [pod("old-1", "old", LONG_AGO), pod("new-1", "new", LONG_AGO)];
    let (state, because) = told(&late, &pods);
    assert_eq!((state, &*because), ("stuck", "has timed out progressing.; new-1: CrashLoopBackOff"));
    assert_eq!(stand(&late, &[], None, now()).unwrap().since, Some(at("2026-05-01T11:40:00Z")));
    let on_its_way = workload("Deployment", json!({ "replicas": 3 }), status("ReplicaSetUpdated", "True"));
    assert_eq!(told(&on_its_way, &pods), ("progressing", "new-1: CrashLoopBackOff".into()));
    assert_eq!(stand(&on_its_way, &[], None, now()).unwrap().since, Some(at("2026-05-01T11:50:00Z")));
    // It was scaled to nothing since.
    assert_eq!(told(&late.with(&json!({ "spec": { "replicas": 0 }, "status": { "replicas": 0, "updatedReplicas": 0, "availableReplicas": 0 } })), &[]).0, "complete");
}

fn set(spec: Value, updated: i64, ready: i64) -> Object {
    let status = json!({
        "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready,
        "currentRevision": "old", "updateRevision": "new",
    });
    workload("StatefulSet", json!({ "replicas": 3 }), status).with(&json!({ "spec": spec }))
}

#[test]
fn the_first_pod_that_is_not_ready_holds_up_an_ordered_set() {
    let pods = |middle: Object| [pod("db-0", "old", None), middle, pod("db-2", "new", RECENT)];
    let (state, because) = told(&set(json!({}), 1, 1), &pods(pod("db-1", "old", RECENT)));
    assert_eq!((state, &*because), ("progressing", "db-1: CrashLoopBackOff"), "an old one too");
    assert_eq!(told(&set(json!({}), 1, 1), &pods(pod("db-1", "old", LONG_AGO))).0, "stuck");
    let (state, because) = told(&set(json!({}), 1, 1), &[pod("db-0", "old", None), pod("db-2", "new", None)]);
    assert_eq!(state, "progressing");
    assert!(because.starts_with("db-1 is not there, and those after it wait for it"), "{because}");
    assert_eq!(told(&set(json!({ "replicas": 0 }), 0, 0), &[]).0, "complete");
    assert_eq!(told(&set(json!({}), 3, 3), &[]).0, "complete");
    let all = ["db-0", "db-1", "db-2"].map(|name| pod(name, "new", None));
    assert_eq!(told(&set(json!({}), 2, 3), &all), ("progressing", String::new()));
}

#[test]
fn a_parallel_set_waits_from_its_end_once_as_many_are_away_as_may_be() {
    let pods = [pod("db-0", "old", LONG_AGO), pod("db-1", "old", None), pod("db-2", "new", RECENT)];
    let parallel = |most: Value| {
        let rolling = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": most } });
        set(json!({ "podManagementPolicy": "Parallel", "updateStrategy": rolling }), 1, 1)
    };
    assert_eq!(told(&parallel(json!(null)), &pods), ("progressing", "db-2: CrashLoopBackOff".into()));
    assert_eq!(told(&parallel(json!(3)), &pods), ("progressing", String::new()));
    assert_eq!(told(&parallel(json!("67%")), &pods), ("progressing", "db-2: CrashLoopBackOff".into()));
    assert_eq!(told(&parallel(json!("100%")), &pods).1, "");
}

#[test]
fn what_waits_for_somebody_is_no_rollout_under_way() {
    let partitioned = |partition: i64, updated: i64| {
        set(json!({ "updateStrategy": { "rollingUpdate": { "partition": partition } } }), updated, 3)
    };
    assert_eq!(
        told(&partitioned(2, 1), &[]),
        ("partitioned", "its partition is 2: pods below that number stay as they are".into())
    );
    assert_eq!(told(&partitioned(5, 0), &[]).0, "partitioned");
    assert_eq!(told(&partitioned(1, 1), &[]).0, "progressing");
    assert_eq!(told(&partitioned(2, 3), &[]).0, "complete");
    let by_hand =
        |updated, ready| told(&set(json!({ "updateStrategy": { "type": "OnDelete" } }), updated, ready), &[]).0;
    assert_eq!((by_hand(1, 3), by_hand(3, 3), by_hand(1, 2)), ("waiting", "complete", "progressing"));
}

#[test]
fn a_daemon_set_counts_nodes() {
    let of = |strategy: &str, updated: i64, available: i64, pods: &[Object]| {
        let status = json!({
            "desiredNumberScheduled": 3, "updatedNumberScheduled": updated,
            "numberReady": available, "numberAvailable": available,
        });
        told(&workload("DaemonSet", json!({ "updateStrategy": { "type": strategy } }), status), pods)
    };
    assert_eq!(of("RollingUpdate", 3, 3, &[]).0, "complete");
    assert_eq!(of("OnDelete", 1, 3, &[]).0, "waiting");
    let bad = [pod("a", "old", RECENT), pod("b", "new", LONG_AGO)];
    assert_eq!(of("RollingUpdate", 1, 1, &bad), ("stuck", "b: CrashLoopBackOff".into()));
    assert_eq!(of("RollingUpdate", 1, 3, &[]).0, "progressing");
    assert!(stand(&workload("Job", json!({}), json!({})), &[], None, now()).is_err());
}
