//! Whether a pod may be deleted, by the pod alone: a pure decision.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::action::k8s::{evict, objects};
use crate::action::{ActionError, Plan};
use crate::cluster::Object;
use crate::model::Intent;

/// A kubelet that is well needs no longer than that beyond the time that a pod has to stop.
const SLACK: TimeDelta = TimeDelta::minutes(1);

pub(super) fn plan(pod: &Object, now: DateTime<Utc>, marker: String) -> Result<Plan, ActionError> {
    let key = pod.key();
    if pod.is_going() {
        // By then, the time that it has to stop is over.
        return match objects::time_at(&pod.0, "/metadata/deletionTimestamp") {
            Some(until) if now > until + SLACK => Err(ActionError::needs_human(format!(
                "{key} should have stopped by {until}, and its node (`{}`) does not say that it has: where it still runs, one in its \
                 place may write to the same data; look at the node, and delete it by force only when it is sure not to run",
                pod.text("/spec/nodeName")
            ))),
            _ => Ok(evict::unneeded(&key, "is being deleted already")),
        };
    }
    if objects::has_ended(pod) {
        return Ok(evict::unneeded(&key, "has ended, and holds nothing"));
    }
    let controller = objects::controller(pod);
    let (kind, name) = controller.map(|it| (objects::word(it, "kind"), objects::word(it, "name"))).unwrap_or_default();
    if evict::is_of_kubelet(pod) {
        let message = format!("{key} is made by the kubelet, from a file of its node: restart it there");
        return Err(ActionError::fail(message));
    }
    match kind {
        "ReplicaSet" | "StatefulSet" | "DaemonSet" => {}
        "" => {
            let message = format!("{key} has no controller: nobody would make another one in its place");
            return Err(ActionError::needs_human(message));
        }
        "Job" => {
            let message =
                format!("{key} is of the Job `{name}`: what it has done so far would be lost; see k8s.delete_job");
            return Err(ActionError::needs_human(message));
        }
        _ => {
            let message = format!("{key} is of the {kind} `{name}`: whether that makes another one is not known here");
            return Err(ActionError::needs_human(message));
        }
    }
    evict::may_be_moved(pod)?;
    if evict::is_ready(pod) && !comes_back_there(pod) {
        return Err(ActionError::fail(format!(
            "{key} is ready: `k8s.evict` takes away what works, and asks the disruption budgets; a deletion does not"
        )));
    }
    if pod.number("/spec/terminationGracePeriodSeconds") == Some(0) {
        return Err(ActionError::needs_human(format!(
            "{key} is given no time to stop (terminationGracePeriodSeconds 0): its object would be gone while it may still run"
        )));
    }
    Ok(Plan::Do(Intent {
        summary: format!("delete {key}"),
        object: key,
        uid: pod.uid().to_owned(),
        resource_version: pod.resource_version().to_owned(),
        before: json!({ "node": pod.text("/spec/nodeName"), "controller": format!("{kind}/{name}") }),
        after: Value::Null,
        marker,
    }))
}

/// Whether the next one starts on the same node.
pub(super) fn comes_back_there(pod: &Object) -> bool {
    objects::controller(pod).is_some_and(|controller| objects::word(controller, "kind") == "DaemonSet")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureClass;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-05-01T12:00:00Z").unwrap().to_utc()
    }

    fn pod(kind: &str, ready: bool) -> Object {
        let ready = if ready { "True" } else { "False" };
        Object(json!({
            "kind": "Pod",
            "metadata": {
                "name": "web-1", "namespace": "shop", "uid": "u1",
                "ownerReferences": [{ "kind": kind, "name": "web", "uid": "u-web", "controller": true }],
            },
            "spec": { "nodeName": "a", "terminationGracePeriodSeconds": 30 },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] },
        }))
    }

    fn decide(pod: &Object) -> Result<String, ActionError> {
        Ok(match plan(pod, now(), "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    fn refused(pod: &Object, class: FailureClass) -> String {
        let error = decide(pod).unwrap_err();
        assert_eq!(error.class, class, "{error}");
        error.message
    }

    #[test]
    fn what_hangs_and_is_made_again_is_deleted() {
        for kind in ["ReplicaSet", "StatefulSet", "DaemonSet"] {
            assert_eq!(decide(&pod(kind, false)).unwrap(), "delete pod/web-1 in shop", "{kind}");
        }
        let Ok(Plan::Do(intent)) = plan(&pod("StatefulSet", false), now(), "m".into()) else { panic!() };
        assert_eq!((&*intent.uid, &intent.before["controller"]), ("u1", &json!("StatefulSet/web")));
    }

    #[test]
    fn what_is_ready_is_for_an_eviction_but_where_there_is_none() {
        for kind in ["ReplicaSet", "StatefulSet"] {
            let why = refused(&pod(kind, true), FailureClass::Fail);
            assert!(why.contains("is ready: `k8s.evict`"), "{why}");
        }
        assert!(decide(&pod("DaemonSet", true)).is_ok());
    }

    #[test]
    fn what_nobody_makes_again_stays() {
        assert!(refused(&pod("Job", false), FailureClass::NeedsHuman).contains("is of the Job `web`"));
        assert!(refused(&pod("Cluster", false), FailureClass::NeedsHuman).contains("whether that makes another one"));
        let bare = pod("ReplicaSet", false).with(&json!({ "metadata": { "ownerReferences": null } }));
        assert!(refused(&bare, FailureClass::NeedsHuman).contains("has no controller"));
        let mirror = json!({ "metadata": { "annotations": { "kubernetes.io/config.mirror": "x" } } });
        for of_kubelet in [pod("Node", false), bare.with(&mirror)] {
            assert!(refused(&of_kubelet, FailureClass::Fail).contains("is made by the kubelet"));
        }
    }

    #[test]
    fn what_does_not_stop_is_not_forced_to() {
        let going = |at: &str| pod("StatefulSet", false).with(&json!({ "metadata": { "deletionTimestamp": at } }));
        for at in ["2026-05-01T12:00:20Z", "2026-05-01T11:59:30Z"] {
            assert_eq!(decide(&going(at)).unwrap(), "unneeded: pod/web-1 in shop is being deleted already");
        }
        let why = refused(&going("2026-05-01T11:58:00Z"), FailureClass::NeedsHuman);
        assert!(why.starts_with("pod/web-1 in shop should have stopped by 2026-05-01 11:58:00 UTC"), "{why}");
    }

    #[test]
    fn what_would_be_killed_at_once_or_is_to_stay_stays() {
        let at_once = pod("ReplicaSet", false).with(&json!({ "spec": { "terminationGracePeriodSeconds": 0 } }));
        assert!(refused(&at_once, FailureClass::NeedsHuman).contains("is given no time to stop"));
        let held = json!({ "metadata": { "annotations": { "karpenter.sh/do-not-disrupt": "true" } } });
        assert!(refused(&pod("ReplicaSet", false).with(&held), FailureClass::HeldUp).contains("wants it to stay"));
        let ended = pod("ReplicaSet", false).with(&json!({ "status": { "phase": "Failed" } }));
        assert!(decide(&ended).unwrap().contains("has ended"));
    }
}
