//! `k8s.top`: what the containers of the target use, or what a node does, beside what they may.
//! <https://github.com/kubernetes/metrics>

use async_trait::async_trait;
use serde_json::Value;

use super::objects::{self, quantity, word};
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::{Cluster, ClusterError, ListQuery, Object};
use crate::model::{Autonomy, ObjectKey, Quantity};

arguments! {
    pub(in crate::action) struct K8sTop {}
}

output! {
    struct Top {
        /// Each container that was measured, or the node: the largest share of a limit first, at
        /// most 100
        items: Vec<Usage>,
        /// What all of them use together, in cores
        cpu: f64,
        /// What all of them use together, in bytes
        memory: f64,
        /// The largest share that one has of its own CPU limit, 1 for all; left out where none has
        /// one
        cpu_share: Option<f64>,
        /// The largest share that one has of its own memory limit; left out where none has one
        memory_share: Option<f64>,
        /// How many pods were not measured: they began a moment ago, or do not run
        unmeasured: usize,
    }
}

output! {
    struct Usage {
        /// The pod; empty for a node
        pod: String,
        /// The container; empty for a node
        container: String,
        /// What it uses, in cores
        cpu: f64,
        /// What it asks for, in cores; null: nothing, or a node
        cpu_request: OrNull<f64>,
        /// What it may use, in cores; of a node, what is allocatable; null: it has no limit
        cpu_limit: OrNull<f64>,
        /// The share of that; null: it has no limit
        cpu_share: OrNull<f64>,
        /// What it uses, in bytes: its working set
        memory: f64,
        /// What it asks for, in bytes; null: nothing, or a node
        memory_request: OrNull<f64>,
        /// What it may use, in bytes; of a node, what is allocatable; null: it has no limit
        memory_limit: OrNull<f64>,
        /// The share of that; null: it has no limit
        memory_share: OrNull<f64>,
    }
}

/// The most pods of a workload. More is not read but refused.
const MOST: usize = 2_000;
const MOST_SHOWN: usize = 100;

impl Declared for K8sTop {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.top",
        summary: "Looks what the containers of the target, or a node, use beside what they may",
        effect: Effect::Reads,
        about: "As `kubectl top` has it: of a Pod or a workload from `PodMetrics`, of a Node from `NodeMetrics`, of `metrics.k8s.io/v1beta1`. \
            It is one sample of the last half minute or so; for more than that ask Prometheus. A container without a limit has no share.",
        errors: "The cluster has no metrics API: metrics-server is missing. Nothing of what should be measured was: no sample is no answer, and \
            never 0. The target has no selector; it has more than 2000 pods.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Top::FIELDS,
        rights: &[
            Right::on_target(&["get"]),
            Right::on_kind(Kind::POD, &["list"]),
            Right::on_kind(Kind::POD_METRICS, &["get", "list"]),
            Right::on_kind(Kind::NODE_METRICS, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: top
  k8s.top: {}
- escalate_if: top.?memory_share.orValue(0.0) > 0.95
  because: \"{{top.summary}}\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for K8sTop {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let cluster = world.cluster.as_ref();
        let target = objects::live_target(cluster, &step).await?;
        if target.kind() == "Node" {
            let measured = measured(cluster, &target, Kind::NODE_METRICS).await?;
            return of_node(&target, measured.as_ref());
        }
        if target.kind() == "Pod" {
            let measured = measured(cluster, &target, Kind::POD_METRICS).await?;
            return of_pods(&target, std::slice::from_ref(&target), Vec::from_iter(measured).as_slice());
        }
        let query = |kind: Kind, labels: String| ListQuery {
            kind: kind.id().into(),
            namespace: target.namespace().into(),
            labels,
            limit: MOST,
            ..ListQuery::default()
        };
        let labels = objects::selector(&target)?;
        let pods = cluster.list(&query(Kind::POD, labels.clone())).await?;
        let measured = cluster.list(&query(Kind::POD_METRICS, labels)).await.map_err(no_metrics)?;
        of_pods(&target, &pods, &measured)
    }
}

/// What was measured of one object, which has the name of it.
async fn measured(cluster: &dyn Cluster, of: &Object, kind: Kind) -> Result<Option<Object>, ActionError> {
    cluster.get(&ObjectKey::new(kind.id(), of.namespace(), of.name())).await.map_err(no_metrics)
}

fn no_metrics(error: ClusterError) -> ActionError {
    match error {
        ClusterError::UnknownKind(_) => ActionError::fail(
            "the cluster has no metrics API (metrics.k8s.io): metrics-server is missing; install it, or ask Prometheus",
        ),
        other => other.into(),
    }
}

fn nothing_measured(of: &ObjectKey) -> ActionError {
    ActionError::fail(format!(
        "nothing was measured of {of}, and no sample is not 0: metrics-server takes a minute after a start; look whether it runs"
    ))
}

fn of_node(node: &Object, measured: Option<&Object>) -> Result<Output, ActionError> {
    let Some(usage) = measured.and_then(|it| it.at("/usage")) else { return Err(nothing_measured(&node.key())) };
    let empty = Value::Null;
    let allocatable = node.at("/status/allocatable").unwrap_or(&empty);
    let item = Usage::of(("", ""), usage, &empty, allocatable);
    Ok(told(&node.key(), vec![item], 0))
}

fn of_pods(of: &Object, pods: &[Object], measured: &[Object]) -> Result<Output, ActionError> {
    let mut items = Vec::new();
    let mut unmeasured = 0;
    for pod in pods.iter().filter(|pod| !objects::has_ended(pod)) {
        let containers =
            measured.iter().find(|it| it.name() == pod.name()).and_then(|it| it.at("/containers")?.as_array());
        let before = items.len();
        for container in containers.into_iter().flatten() {
            let name = word(container, "name");
            let part = |part: &str| resources(pod, name).and_then(|it| it.get(part)).unwrap_or(&Value::Null);
            let usage = container.get("usage").unwrap_or(&Value::Null);
            items.push(Usage::of((pod.name(), name), usage, part("requests"), part("limits")));
        }
        unmeasured += usize::from(items.len() == before);
    }
    if items.is_empty() && unmeasured > 0 {
        return Err(nothing_measured(&of.key()));
    }
    Ok(told(&of.key(), items, unmeasured))
}

/// What a container, or a sidecar, of the pod asks for.
fn resources<'p>(pod: &'p Object, name: &str) -> Option<&'p Value> {
    let list = |pointer: &str| pod.at(pointer).and_then(Value::as_array).into_iter().flatten();
    let mut all = list("/spec/containers").chain(list("/spec/initContainers"));
    all.find(|container| word(container, "name") == name)?.get("resources")
}

impl Usage {
    fn of((pod, container): (&str, &str), usage: &Value, requests: &Value, limits: &Value) -> Self {
        let amount = |of: &Value, resource: &str| of.get(resource).and_then(quantity).map(Quantity::as_f64);
        let share = |used: f64, limit: Option<f64>| limit.filter(|limit| *limit > 0.0).map(|limit| used / limit);
        let used = |resource: &str| amount(usage, resource).unwrap_or(0.0);
        let (cpu, memory) = (used("cpu"), used("memory"));
        let (cpu_limit, memory_limit) = (amount(limits, "cpu"), amount(limits, "memory"));
        Self {
            pod: pod.to_owned(),
            container: container.to_owned(),
            cpu,
            cpu_request: OrNull(amount(requests, "cpu")),
            cpu_limit: OrNull(cpu_limit),
            cpu_share: OrNull(share(cpu, cpu_limit)),
            memory,
            memory_request: OrNull(amount(requests, "memory")),
            memory_limit: OrNull(memory_limit),
            memory_share: OrNull(share(memory, memory_limit)),
        }
    }

    /// The larger of its shares; of what has no limit, less than any.
    fn fullness(&self) -> f64 {
        self.cpu_share.0.unwrap_or(-1.0).max(self.memory_share.0.unwrap_or(-1.0))
    }

    fn name(&self) -> String {
        if self.pod.is_empty() { "it".to_owned() } else { format!("{} of {}", self.container, self.pod) }
    }
}

fn told(of: &ObjectKey, mut items: Vec<Usage>, unmeasured: usize) -> Output {
    items.sort_by(|a, b| {
        let by_share = b.fullness().total_cmp(&a.fullness());
        by_share.then_with(|| b.memory.total_cmp(&a.memory)).then_with(|| a.name().cmp(&b.name()))
    });
    let (cpu, memory) = (items.iter().map(|it| it.cpu).sum::<f64>(), items.iter().map(|it| it.memory).sum::<f64>());
    let most = |share: fn(&Usage) -> Option<f64>| items.iter().filter_map(share).max_by(f64::total_cmp);
    let (cpu_share, memory_share) = (most(|it| it.cpu_share.0), most(|it| it.memory_share.0));
    let mut summary = format!("{of} uses {cpu:.3} cores and {:.0} MiB", memory / (1 << 20) as f64);
    if let Some(first) = items.first().filter(|first| first.fullness() >= 0.0) {
        let percent =
            |share: Option<f64>| share.map_or("no limit".to_owned(), |share| format!("{:.0} %", share * 100.0));
        let (cpu, memory) = (percent(first.cpu_share.0), percent(first.memory_share.0));
        summary.push_str(&format!("; the fullest: {} at {cpu} of its CPU and {memory} of its memory", first.name()));
    }
    if unmeasured > 0 {
        summary.push_str(&format!("; {unmeasured} pods were not measured"));
    }
    items.truncate(MOST_SHOWN);
    Output::new(&Top { items, cpu, memory, cpu_share, memory_share, unmeasured }, summary)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, resources: Value) -> Object {
        Object(json!({
            "kind": "Pod", "metadata": { "name": name, "namespace": "shop" },
            "spec": { "containers": [{ "name": "main", "resources": resources }] },
        }))
    }

    fn used(name: &str, cpu: &str, memory: &str) -> Object {
        let container = json!({ "name": "main", "usage": { "cpu": cpu, "memory": memory } });
        Object(json!({ "kind": "PodMetrics", "metadata": { "name": name }, "containers": [container] }))
    }

    #[test]
    fn the_fullest_comes_first_in_cores_and_bytes() {
        let limits = json!({ "requests": { "cpu": "250m" }, "limits": { "cpu": "500m", "memory": "1Gi" } });
        let pods = [pod("a", json!({})), pod("b", limits), pod("c", json!({}))];
        let measured = [used("a", "1500m", "2Gi"), used("b", "250000000n", "972800Ki")];
        let output = of_pods(&pods[0], &pods, &measured).unwrap();
        assert_eq!(
            output.value["items"],
            json!([
                {
                    "pod": "b", "container": "main", "cpu": 0.25, "cpu_request": 0.25, "cpu_limit": 0.5, "cpu_share": 0.5,
                    "memory": 996_147_200.0, "memory_request": null, "memory_limit": 1_073_741_824.0,
                    "memory_share": 0.927_734_375,
                },
                {
                    "pod": "a", "container": "main", "cpu": 1.5, "cpu_request": null, "cpu_limit": null, "cpu_share": null,
                    "memory": 2_147_483_648.0, "memory_request": null, "memory_limit": null, "memory_share": null,
                },
            ])
        );
        assert_eq!((&output.value["unmeasured"], &output.value["cpu"]), (&json!(1), &json!(1.75)));
        assert_eq!(
            output.summary,
            "pod/a in shop uses 1.750 cores and 2998 MiB; the fullest: main of b at 50 % of its CPU and 93 % of its memory; \
             1 pods were not measured"
        );
    }

    #[test]
    fn no_sample_is_no_answer() {
        let pods = [pod("a", json!({}))];
        let error = of_pods(&pods[0], &pods, &[]).unwrap_err();
        assert!(error.message.contains("no sample is not 0"), "{error}");
        assert_eq!(of_pods(&pods[0], &[], &[]).unwrap().value["items"], json!([]));
        assert!(of_node(&Object(json!({ "kind": "Node", "metadata": { "name": "n" } })), None).is_err());
    }

    #[test]
    fn a_node_is_held_to_what_is_allocatable() {
        let node = Object(json!({
            "kind": "Node", "metadata": { "name": "n1" },
            "status": { "allocatable": { "cpu": "3920m", "memory": "8Gi" }, "capacity": { "cpu": "4" } },
        }));
        let measured = Object(json!({ "kind": "NodeMetrics", "usage": { "cpu": "980m", "memory": "2Gi" } }));
        let output = of_node(&node, Some(&measured)).unwrap();
        assert_eq!((&output.value["cpu_share"], &output.value["memory_share"]), (&json!(0.25), &json!(0.25)));
        assert_eq!(
            output.summary,
            "node/n1 uses 0.980 cores and 2048 MiB; the fullest: it at 25 % of its CPU and 25 % of its memory"
        );
    }
}
