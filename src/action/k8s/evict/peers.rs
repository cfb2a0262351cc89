//! Whether enough of the other pods of a pod's controller work.

use serde_json::Value;

use super::is_ready;
use crate::action::k8s::objects;
use crate::action::{ActionError, World};
use crate::cluster::Object;
use crate::model::ObjectKey;

/// How many pods the controller of a pod wants, by its owner reference; `None`: it is of a kind
/// that says so in words of its own.
pub(in crate::action::k8s) async fn wanted(world: &World, pod: &Object) -> Result<Option<usize>, ActionError> {
    let Some(owner) = objects::controller(pod) else { return Ok(None) };
    let (kind, name) = (objects::word(owner, "kind"), objects::word(owner, "name"));
    if !matches!(kind, "StatefulSet" | "ReplicaSet") {
        return Ok(None);
    }
    let name = objects::safe_name(name.to_owned(), "controller")?;
    let controller = world.cluster.get(&ObjectKey::new(kind, pod.namespace(), name)).await?;
    let uid = objects::word(owner, "uid");
    let Some(controller) = controller.filter(|it| it.uid() == uid && !it.is_going()) else {
        return Err(ActionError::held_up(format!(
            "{kind} `{}`, which made {}, is gone or going: nobody would make another one in its place",
            objects::word(owner, "name"),
            pod.key()
        )));
    };
    let replicas = controller.number("/spec/replicas").unwrap_or(1);
    Ok(Some(usize::try_from(replicas).unwrap_or(0)))
}

/// Whether the pod may go: those of the others that are not ready, or not there, are no more than
/// `unready_peers`. One that is not ready itself may always go, but of a StatefulSet: its pods may
/// need each other's data, and one of them that is not ready may hold the only copy of it.
pub(super) fn check(
    pod: &Object,
    pods: &[Object],
    wanted: Option<usize>,
    unready_peers: usize,
) -> Result<(), ActionError> {
    let is_of_set = objects::controller(pod).is_some_and(|it| objects::word(it, "kind") == "StatefulSet");
    if !is_ready(pod) && !is_of_set { Ok(()) } else { check_others(pod, pods, wanted, unready_peers) }
}

/// The same of a pod that goes only where the others work, whether it does so itself or not.
pub(in crate::action::k8s) fn check_others(
    pod: &Object,
    pods: &[Object],
    wanted: Option<usize>,
    unready_peers: usize,
) -> Result<(), ActionError> {
    let Some(controller) = objects::controller(pod) else { return Ok(()) };
    let (kind, name) = (objects::word(controller, "kind"), objects::word(controller, "name"));
    let uid = objects::word(controller, "uid");
    let is_peer = |other: &&Object| {
        other.uid() != pod.uid()
            && !objects::has_ended(other)
            && objects::controller(other).is_some_and(|owner: &Value| objects::word(owner, "uid") == uid)
    };
    let peers = || pods.iter().filter(is_peer);
    let ready = peers().filter(|peer| is_ready(peer)).count();
    let all = wanted.map_or_else(|| peers().count(), |wanted| wanted.saturating_sub(1));
    let unready = all.saturating_sub(ready);
    if unready <= unready_peers {
        return Ok(());
    }
    Err(ActionError::retry(format!(
        "{unready} of the {all} other pods of {kind} `{name}` are not ready, or not there, and {unready_peers} may be: {} stays \
         until they are",
        pod.key()
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FailureClass;

    fn pod(kind: &str, name: &str, ready: bool) -> Object {
        let ready = if ready { "True" } else { "False" };
        Object(json!({
            "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "shop", "uid": format!("u-{name}"),
                "ownerReferences": [{ "kind": kind, "name": "web", "uid": "u-web", "controller": true }],
            },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] },
        }))
    }

    #[test]
    fn what_is_not_there_counts_as_not_ready() {
        for kind in ["ReplicaSet", "StatefulSet"] {
            let pods = [pod(kind, "web-0", true), pod(kind, "web-1", true)];
            let error = check(&pods[0], &pods, Some(3), 0).unwrap_err();
            assert_eq!(error.class, FailureClass::Retry);
            assert!(
                error.message.starts_with(&format!("1 of the 2 other pods of {kind} `web` are not ready")),
                "{error}"
            );
            assert!(check(&pods[0], &pods, Some(3), 1).is_ok());
            assert!(check(&pods[0], &pods, Some(2), 0).is_ok());
            assert!(check(&pods[0], &pods, Some(0), 0).is_ok(), "it is on its way out anyway");
        }
    }

    #[test]
    fn one_that_is_not_ready_itself_may_be_what_a_quorum_needs() {
        for (kind, may_go) in [("ReplicaSet", true), ("StatefulSet", false)] {
            let pods = [pod(kind, "web-0", false), pod(kind, "web-1", true), pod(kind, "web-2", false)];
            assert_eq!(check(&pods[0], &pods, Some(3), 0).is_ok(), may_go, "{kind}");
        }
    }
}
