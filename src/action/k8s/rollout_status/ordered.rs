//! Which pod of a StatefulSet the others wait for:
//! <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees>.

use serde_json::Value;

use super::{Label, is_present};
use crate::action::k8s::unready;
use crate::cluster::Object;

/// The name of the pod that holds the rollout up, and the pod where it is there; `None`: none does.
pub(super) fn holder<'p>(
    set: &Object,
    pods: &'p [Object],
    label: Option<&Label>,
) -> Option<(String, Option<&'p Object>)> {
    let first = set.number("/spec/ordinals/start").unwrap_or(0);
    let replicas = set.number("/spec/replicas").unwrap_or(1);
    let each = (first..first.saturating_add(replicas.clamp(0, 10_000))).map(|ordinal| {
        let name = format!("{}-{ordinal}", set.name());
        let pod = pods.iter().find(|pod| pod.name() == name);
        (name, pod)
    });
    let each: Vec<(String, Option<&Object>)> = each.collect();
    let mut unhealthy = each.iter().filter(|(_, pod)| !pod.is_some_and(unready::is_ready));
    if set.text("/spec/podManagementPolicy") != "Parallel" {
        // One that is not ready lets none after it be made, and none be replaced.
        return unhealthy.next().cloned();
    }
    if unhealthy.clone().count() < most_unavailable(set, replicas) {
        return None;
    }
    // It is replaced from the last one on, and each is waited for.
    let is_new = |(_, pod): &&(String, Option<&Object>)| pod.is_some_and(|pod| is_present(pod, label));
    unhealthy.clone().rev().find(is_new).or_else(|| unhealthy.next()).cloned()
}

/// How many may be away at a time: the API server's own default is one.
fn most_unavailable(set: &Object, replicas: i64) -> usize {
    let most = match set.at("/spec/updateStrategy/rollingUpdate/maxUnavailable") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => {
            text.strip_suffix('%').and_then(|share| Some(replicas.saturating_mul(share.parse().ok()?) / 100))
        }
        _ => None,
    };
    usize::try_from(most.unwrap_or(1)).unwrap_or(1).max(1)
}
