//! `k8s.pods`: how the pods of the target do.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::objects;
use super::revisions::HASH;
use crate::action::amounts::Count;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::{ListQuery, Object};
use crate::language::Arg;
use crate::model::Autonomy;

arguments! {
    pub(in crate::action) struct K8sPods {
        /// The most pods that the target may have
        limit: Option<Arg<Count>> = "500",
    }
}

output! {
    struct Pods {
        /// How many should run
        total: usize,
        /// How many of those are ready
        ready: usize,
        /// How many of those are not
        not_ready: usize,
        /// How many have ended: a Job's, or evicted ones
        finished: usize,
        /// How many have a container that restarted within the last 10 minutes
        restarts_recent: usize,
        /// How many of those there are together with the ones that wait in CrashLoopBackOff
        crash_looping: usize,
        /// The sickest first, at most 50
        items: Vec<Pod>,
    }
}

output! {
    struct Pod {
        /// Its name
        name: String,
        /// The node that it is on; empty: none yet
        node: String,
        /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`
        phase: String,
        /// Whether it takes requests
        ready: bool,
        /// How often its containers have restarted
        restarts: i64,
        /// Why it waits or ended, in a word; empty where nothing says so
        reason: String,
        /// Whether it counts as crash-looping
        crash_looping: bool,
        /// The containers that ended at their memory limit within the last hour, by their names
        oom_killed: Vec<String>,
        /// What tells the template that it was made from, as `template_hash` of
        /// `k8s.rollout_history`; empty where nothing says so
        template_hash: String,
    }
}

const MOST_SHOWN: usize = 50;

/// Longer than the longest pause between two restarts of a container that crashes: 5 minutes.
const RECENT: TimeDelta = TimeDelta::minutes(10);

impl Declared for K8sPods {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.pods",
        summary: "Looks how the pods of the target do",
        effect: Effect::Reads,
        about: "The target is a workload: whatever has a `spec.selector` of labels. No pod at all is an answer: `total` is 0.",
        errors: "The target has no selector; it has more than `limit` pods.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Pods::FIELDS,
        rights: &[Right::on_target(&["get"]), Right::on_kind(Kind::POD, &["list"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: pods
  k8s.pods: {}
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for K8sPods {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let workload = objects::live_target(world.cluster.as_ref(), &step).await?;
        let query = ListQuery {
            kind: "Pod".into(),
            namespace: step.target.namespace.clone(),
            labels: objects::selector(&workload)?,
            fields: String::new(),
            limit: self.limit(step.scope)?.0 as usize,
        };
        let pods = world.cluster.list(&query).await?;
        Ok(look_at(&pods, world.clock.now()))
    }
}

fn look_at(pods: &[Object], now: DateTime<Utc>) -> Output {
    let mut seen: Vec<Seen> = pods.iter().map(|pod| see(pod, now)).collect();
    seen.sort_by_key(|seen| (!seen.pod.crash_looping, seen.pod.ready, seen.finished, seen.pod.name.clone()));
    let running = || seen.iter().filter(|seen| !seen.finished);
    let total = running().count();
    let ready = running().filter(|seen| seen.pod.ready).count();
    let restarts_recent = running().filter(|seen| seen.restarted).count();
    let crash_looping = running().filter(|seen| seen.pod.crash_looping).count();
    let mut summary = format!("{ready} of {total} pods ready");
    if crash_looping > 0 {
        summary.push_str(&format!(", {crash_looping} crash-looping"));
    }
    let found = Pods {
        total,
        ready,
        not_ready: total - ready,
        finished: seen.len() - total,
        restarts_recent,
        crash_looping,
        items: seen.into_iter().take(MOST_SHOWN).map(|seen| seen.pod).collect(),
    };
    Output::new(&found, summary)
}

struct Seen {
    pod: Pod,
    finished: bool,
    restarted: bool,
}

fn see(pod: &Object, now: DateTime<Utc>) -> Seen {
    let list = |pointer: &str| pod.at(pointer).and_then(Value::as_array).into_iter().flatten();
    let containers: Vec<&Value> =
        list("/status/initContainerStatuses").chain(list("/status/containerStatuses")).collect();
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let reason = containers
        .iter()
        .find_map(|container| text(container, "/state/waiting/reason"))
        .or_else(|| text(&pod.0, "/status/reason"))
        .or_else(|| containers.iter().find_map(|container| text(container, "/state/terminated/reason")))
        .unwrap_or_default();
    let backing_off = containers.iter().any(|container| {
        container.pointer("/state/waiting/reason").and_then(Value::as_str) == Some("CrashLoopBackOff")
    });
    let restarted = containers.iter().any(|container| restarted_recently(container, now));
    let (is_ready, finished) = (objects::condition_holds(pod, "Ready"), objects::has_ended(pod));
    let phase = pod.text("/status/phase").to_owned();
    let template_hash = [HASH, "controller-revision-hash"].iter().find_map(|name| pod.label(name));
    let killed = containers.iter().filter(|container| was_oom_killed(container, now));
    let pod = Pod {
        oom_killed: killed.filter_map(|container| text(container, "/name")).collect(),
        template_hash: template_hash.unwrap_or_default().to_owned(),
        name: pod.name().to_owned(),
        node: pod.text("/spec/nodeName").to_owned(),
        phase,
        ready: is_ready && !pod.is_going(),
        restarts: containers.iter().filter_map(|container| container.get("restartCount")?.as_i64()).sum(),
        reason,
        crash_looping: backing_off || restarted,
    };
    Seen { pod, finished, restarted }
}

/// Whether the container ended and was, or will be, started again within [`RECENT`].
fn restarted_recently(container: &Value, now: DateTime<Utc>) -> bool {
    let restarts = container.get("restartCount").and_then(Value::as_i64).unwrap_or(0);
    let ended = objects::time_at(container, "/lastState/terminated/finishedAt");
    let begun = objects::time_at(container, "/state/running/startedAt");
    restarts > 0 && [ended, begun].into_iter().flatten().any(|at| now - at <= RECENT)
}

/// Whether the kernel ended the container within the last hour, as it wanted more memory than its
/// limit.
fn was_oom_killed(container: &Value, now: DateTime<Utc>) -> bool {
    ["/state/terminated", "/lastState/terminated"].iter().any(|end| {
        let is_oom =
            container.pointer(end).and_then(|end| end.get("reason")).and_then(Value::as_str) == Some("OOMKilled");
        let at = objects::time_at(container, &format!("{end}/finishedAt"));
        is_oom && at.is_some_and(|at| now - at <= TimeDelta::hours(1))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-05-01T12:00:00Z").unwrap().to_utc()
    }

    fn pod(name: &str, ready: bool, container: Value) -> Object {
        let status = if ready { "True" } else { "False" };
        Object(json!({
            "kind": "Pod",
            "metadata": { "name": name },
            "spec": { "nodeName": "n1" },
            "status": {
                "phase": "Running",
                "conditions": [{ "type": "Ready", "status": status }],
                "containerStatuses": [container],
            },
        }))
    }

    fn running_since(at: &str, restarts: u32) -> Value {
        json!({ "restartCount": restarts, "state": { "running": { "startedAt": at } } })
    }

    fn number(output: &Output, name: &str) -> i64 {
        output.value.get(name).and_then(Value::as_i64).unwrap()
    }

    #[test]
    fn healthy_pods_are_counted() {
        let pods = [
            pod("a", true, running_since("2026-05-01T11:59:00Z", 0)),
            pod("b", true, running_since("2026-04-01T00:00:00Z", 3)),
        ];
        let output = look_at(&pods, now());
        assert_eq!(output.summary, "2 of 2 pods ready");
        assert_eq!((number(&output, "crash_looping"), number(&output, "restarts_recent")), (0, 0));
    }

    #[test]
    fn a_pod_that_restarted_a_moment_ago_is_crash_looping_even_if_it_is_ready_now() {
        let oom = json!({
            "restartCount": 2,
            "state": { "running": { "startedAt": "2026-05-01T11:55:00Z" } },
            "lastState": { "terminated": { "reason": "OOMKilled", "finishedAt": "2026-05-01T11:54:50Z" } },
        });
        let waiting = json!({ "restartCount": 9, "state": { "waiting": { "reason": "CrashLoopBackOff" } } });
        let pods = [
            pod("fine", true, running_since("2026-05-01T11:00:00Z", 1)),
            pod("oom", true, oom),
            pod("loops", false, waiting),
        ];
        let output = look_at(&pods, now());
        assert_eq!(output.summary, "2 of 3 pods ready, 2 crash-looping");
        assert_eq!((number(&output, "crash_looping"), number(&output, "restarts_recent")), (2, 1));
        assert_eq!(number(&output, "not_ready"), 1);
        let first = output.value.get("items").and_then(|items| items.get(0)).unwrap();
        assert_eq!((first.get("name"), first.get("reason")), (Some(&json!("loops")), Some(&json!("CrashLoopBackOff"))));
    }

    #[test]
    fn a_container_that_was_ended_by_its_limit_is_named_for_an_hour() {
        let killed = |at: &str| {
            let end = json!({ "reason": "OOMKilled", "finishedAt": at });
            let running = json!({ "running": { "startedAt": at } });
            json!({ "name": "web", "restartCount": 1, "state": running, "lastState": { "terminated": end } })
        };
        let named = |container: Value| {
            let output = look_at(&[pod("a", true, container)], now());
            output.value.get("items").and_then(|items| items.pointer("/0/oom_killed")).cloned()
        };
        assert_eq!(named(killed("2026-05-01T11:00:00Z")), Some(json!(["web"])));
        assert_eq!(named(killed("2026-05-01T10:59:59Z")), Some(json!([])));
        assert_eq!(named(running_since("2026-05-01T11:00:00Z", 1)), Some(json!([])));
    }

    #[test]
    fn a_pod_that_ended_is_not_missing() {
        let mut evicted = pod("evicted", false, json!({}));
        evicted.0["status"]["phase"] = json!("Failed");
        evicted.0["status"]["reason"] = json!("Evicted");
        let output = look_at(&[evicted, pod("a", true, running_since("2026-05-01T11:00:00Z", 0))], now());
        assert_eq!((number(&output, "total"), number(&output, "finished"), number(&output, "not_ready")), (1, 1, 0));
    }

    #[test]
    fn a_pod_that_is_going_is_not_ready() {
        let mut going = pod("a", true, running_since("2026-05-01T11:00:00Z", 0));
        going.0["metadata"]["deletionTimestamp"] = json!("2026-05-01T12:00:00Z");
        assert_eq!(number(&look_at(&[going], now()), "ready"), 0);
    }

    #[test]
    fn no_pods_are_an_answer() {
        assert_eq!(look_at(&[], now()).summary, "0 of 0 pods ready");
    }
}
