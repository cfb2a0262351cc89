//! Where a rollout stands: a pure decision over what was read.
//! <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status>

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Label, is_present, ordered};
use crate::action::ActionError;
use crate::action::k8s::objects::{time_at, word};
use crate::action::k8s::{revisions, unready};
use crate::cluster::Object;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Complete,
    Progressing,
    Stuck,
    Paused,
    Partitioned,
    Waiting,
    Unobserved,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            State::Complete => "complete",
            State::Progressing => "progressing",
            State::Stuck => "stuck",
            State::Paused => "paused",
            State::Partitioned => "partitioned",
            State::Waiting => "waiting",
            State::Unobserved => "unobserved",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stand {
    pub state: State,
    pub desired: i64,
    pub updated: i64,
    pub ready: i64,
    pub available: i64,
    pub since: Option<DateTime<Utc>>,
    pub because: String,
}

/// What a Deployment has where its `progressDeadlineSeconds` says nothing.
const DEADLINE: TimeDelta = TimeDelta::minutes(10);

/// Where the rollout stands. `pods` are those that have not ended.
///
/// # Errors
/// It is of no kind that is rolled out.
pub(super) fn stand(
    workload: &Object,
    pods: &[Object],
    label: Option<&Label>,
    now: DateTime<Utc>,
) -> Result<Stand, ActionError> {
    let status = |name: &str| workload.number(&format!("/status/{name}")).unwrap_or(0);
    let wanted = workload.number("/spec/replicas").unwrap_or(1);
    let [desired, updated, ready, available] = match workload.kind() {
        "Deployment" | "StatefulSet" => {
            [wanted, status("updatedReplicas"), status("readyReplicas"), status("availableReplicas")]
        }
        "DaemonSet" => [
            status("desiredNumberScheduled"),
            status("updatedNumberScheduled"),
            status("numberReady"),
            status("numberAvailable"),
        ],
        _ => return Err(ActionError::fail(format!("{} is nothing that is rolled out", workload.key()))),
    };
    let mut stand =
        Stand { state: State::Unobserved, desired, updated, ready, available, since: None, because: String::new() };
    let seen = workload.number("/status/observedGeneration").unwrap_or(0);
    if seen < workload.number("/metadata/generation").unwrap_or(1) {
        stand.because = format!("its controller has seen generation {seen} of it, which is an older one");
        return Ok(stand);
    }
    match workload.kind() {
        "Deployment" => of_deployment(&mut stand, workload, pods, label),
        kind => {
            let is_set = kind == "StatefulSet";
            stand.state = if is_set { of_stateful_set(&stand, workload) } else { of_daemon_set(&stand, workload) };
            let partition = partition(workload);
            match stand.state {
                State::Waiting => {
                    stand.because = "its strategy is OnDelete: somebody has to delete its old pods".into()
                }
                State::Partitioned => {
                    stand.because = format!("its partition is {partition}: pods below that number stay as they are");
                }
                State::Progressing => held(&mut stand, workload, pods, label, now),
                _ => {}
            }
        }
    }
    Ok(stand)
}

fn of_deployment(stand: &mut Stand, deployment: &Object, pods: &[Object], label: Option<&Label>) {
    let Stand { desired, updated, available, .. } = *stand;
    let all = deployment.number("/status/replicas").unwrap_or(0);
    let progressing = condition(deployment, "Progressing");
    let has_failed = progressing.is_some_and(|it| word(it, "status") == "False");
    stand.since = progressing.and_then(|it| {
        // It is updated with each step that is made, and changes when there was none in time.
        let times = if has_failed {
            ["/lastTransitionTime", "/lastUpdateTime"]
        } else {
            ["/lastUpdateTime", "/lastTransitionTime"]
        };
        times.iter().find_map(|at| time_at(it, at))
    });
    stand.state = if revisions::is_paused(deployment) {
        State::Paused
    } else if updated >= desired && all <= updated && available >= updated {
        State::Complete
    } else if progressing.is_some_and(|it| word(it, "reason") == "ProgressDeadlineExceeded") {
        State::Stuck
    } else {
        State::Progressing
    };
    if !matches!(stand.state, State::Stuck | State::Progressing) {
        return;
    }
    let deadline = progressing.filter(|_| stand.state == State::Stuck).map(|it| word(it, "message").to_owned());
    // Of a quota, or an admission webhook that refuses the pods.
    let refused = condition(deployment, "ReplicaFailure").filter(|it| word(it, "status") == "True");
    let refused = refused.map(|it| word(it, "message").to_owned());
    let bad = pods.iter().find(|pod| is_present(pod, label) && !unready::is_ready(pod));
    let bad = bad.map(|pod| format!("{}: {}", pod.name(), unready::why(pod)));
    let all: Vec<String> = [deadline, refused, bad].into_iter().flatten().filter(|it| !it.is_empty()).collect();
    stand.because = all.join("; ");
}

/// As `kubectl rollout status` has it.
fn of_stateful_set(stand: &Stand, set: &Object) -> State {
    let Stand { desired, updated, ready, available, .. } = *stand;
    let is_whole = ready >= desired && available >= desired;
    let is_one = set.text("/status/currentRevision") == set.text("/status/updateRevision") || updated >= desired;
    if desired == 0 || (is_whole && is_one) {
        return State::Complete;
    }
    if set.text("/spec/updateStrategy/type") == "OnDelete" && is_whole {
        return State::Waiting;
    }
    let partition = partition(set);
    if partition > 0 && is_whole && updated >= (desired - partition).max(0) {
        return State::Partitioned;
    }
    State::Progressing
}

fn of_daemon_set(stand: &Stand, set: &Object) -> State {
    let Stand { desired, updated, available, .. } = *stand;
    if updated >= desired && available >= desired {
        State::Complete
    } else if set.text("/spec/updateStrategy/type") == "OnDelete" && available >= desired {
        State::Waiting
    } else {
        State::Progressing
    }
}

fn partition(set: &Object) -> i64 {
    set.number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0)
}

/// What holds it up, where there is no condition that says so.
fn held(stand: &mut Stand, workload: &Object, pods: &[Object], label: Option<&Label>, now: DateTime<Utc>) {
    let holder = match workload.kind() {
        "StatefulSet" => ordered::holder(workload, pods, label),
        _ => {
            let mut bad = pods.iter().filter(|pod| is_present(pod, label) && !unready::is_ready(pod));
            bad.next().map(|pod| (pod.name().to_owned(), Some(pod)))
        }
    };
    let Some((name, pod)) = holder else { return };
    let Some(pod) = pod else {
        stand.because =
            format!("{name} is not there, and those after it wait for it; look at the events of {}", workload.key());
        return;
    };
    stand.because = format!("{name}: {}", unready::why(pod));
    let unready_since = condition(pod, "Ready").and_then(|it| time_at(it, "/lastTransitionTime"));
    stand.since = unready_since.or_else(|| time_at(&pod.0, "/metadata/creationTimestamp"));
    if stand.since.is_some_and(|since| now - since > DEADLINE) {
        stand.state = State::Stuck;
    }
}

fn condition<'o>(object: &'o Object, of_type: &str) -> Option<&'o Value> {
    object.at("/status/conditions")?.as_array()?.iter().find(|it| word(it, "type") == of_type)
}

#[cfg(test)]
mod tests;
