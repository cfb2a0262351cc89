//! Why a pod is not ready, in a word and a sentence.

use serde_json::Value;

use super::objects::{self, word};
use crate::cluster::Object;

/// Why it is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Why {
    /// A word: `ImagePullBackOff`.
    pub reason: String,
    /// What Kubernetes says about it; empty where it says nothing.
    pub message: String,
}

/// Longer ones hold whole answers of registries.
const LONGEST: usize = 300;

pub(super) fn is_ready(pod: &Object) -> bool {
    objects::condition_holds(pod, "Ready") && !pod.is_going()
}

/// All containers' states, those of init containers first: nothing else begins before they are
/// done.
pub(super) fn containers(pod: &Object) -> impl Iterator<Item = &Value> {
    let list = |pointer: &str| pod.at(pointer).and_then(Value::as_array).into_iter().flatten();
    list("/status/initContainerStatuses").chain(list("/status/containerStatuses"))
}

/// Why the pod is not ready; asked of one that is not.
pub(super) fn why(pod: &Object) -> Why {
    if pod.is_going() {
        return Why { reason: "Terminating".into(), message: String::new() };
    }
    // What comes before a container's first start is no reason: something else keeps it from it.
    let says_nothing = |why: &Why| matches!(&*why.reason, "" | "ContainerCreating" | "PodInitializing");
    let waiting = || containers(pod).filter_map(|it| it.pointer("/state/waiting")).map(of);
    let ended = || containers(pod).filter_map(|it| it.pointer("/state/terminated")).map(of);
    let condition = |of_type: &str| {
        let mut conditions = pod.at("/status/conditions").and_then(Value::as_array).into_iter().flatten();
        conditions.find(|it| word(it, "type") == of_type && word(it, "status") == "False").map(of)
    };
    waiting()
        .find(|why| !says_nothing(why))
        .or_else(|| condition("PodScheduled"))
        .or_else(|| Some(of(pod.at("/status")?)))
        .filter(|why| !why.reason.is_empty())
        .or_else(|| ended().find(|why| !matches!(&*why.reason, "" | "Completed")))
        .or_else(|| waiting().next())
        .or_else(|| condition("Ready"))
        .filter(|why| !why.reason.is_empty())
        .unwrap_or_else(|| Why { reason: "NotReady".into(), message: String::new() })
}

fn of(state: &Value) -> Why {
    Why { reason: word(state, "reason").to_owned(), message: brief(word(state, "message")) }
}

/// A message as far as it is kept.
pub(super) fn brief(message: &str) -> String {
    message.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reason, message } = self;
        if message.is_empty() { f.write_str(reason) } else { write!(f, "{reason}: {message}") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(status: Value) -> String {
        why(&Object(json!({ "kind": "Pod", "status": status }))).to_string()
    }

    #[test]
    fn what_keeps_a_pod_from_being_ready_comes_first() {
        let waiting = |reason: &str| json!({ "state": { "waiting": { "reason": reason, "message": "m" } } });
        assert_eq!(told(json!({ "containerStatuses": [waiting("ImagePullBackOff")] })), "ImagePullBackOff: m");
        let init = json!({ "state": { "terminated": { "reason": "Error", "exitCode": 1 } } });
        let both = json!({ "initContainerStatuses": [init], "containerStatuses": [waiting("PodInitializing")] });
        assert_eq!(told(both), "Error");
        let unscheduled =
            json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3" });
        assert_eq!(told(json!({ "phase": "Pending", "conditions": [unscheduled] })), "Unschedulable: 0/3");
        assert_eq!(told(json!({ "phase": "Failed", "reason": "Evicted", "message": "disk" })), "Evicted: disk");
        let unready = json!({ "type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "x" });
        let runs = json!({ "state": { "running": {} } });
        assert_eq!(told(json!({ "conditions": [unready], "containerStatuses": [runs] })), "ContainersNotReady: x");
        assert_eq!(told(json!({ "containerStatuses": [waiting("ContainerCreating")] })), "ContainerCreating: m");
        assert_eq!(told(json!({})), "NotReady");
    }
}
