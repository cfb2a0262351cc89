//! Who else decides what a container may use.

use serde_json::Value;

use super::deny;
use super::objects::{self, quantity};
use crate::action::k8s::field_owner::autoscalers;
use crate::action::{ActionError, Kind};
use crate::cluster::{Cluster, ClusterError, ListQuery, Object};
use crate::model::Quantity;

/// What was read beside the workload.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    pub pods: Vec<Object>,
    pub limit_ranges: Vec<Object>,
    pub autoscalers: Vec<Object>,
}

/// The most of each in a namespace, or of a workload. More is not read but refused.
const MOST: usize = 2_000;

impl Surroundings {
    pub async fn of(cluster: &dyn Cluster, workload: &Object) -> Result<Self, ActionError> {
        let all = |kind: Kind| ListQuery {
            kind: kind.id().into(),
            namespace: workload.namespace().into(),
            limit: MOST,
            ..ListQuery::default()
        };
        let pods = ListQuery { labels: objects::selector(workload)?, ..all(Kind::POD) };
        let autoscalers = match cluster.list(&all(Kind::VERTICAL_AUTOSCALER)).await {
            // No such autoscaler is installed.
            Err(ClusterError::UnknownKind(_)) => Vec::new(),
            answer => answer?,
        };
        Ok(Self {
            pods: cluster.list(&pods).await?,
            limit_ranges: cluster.list(&all(Kind::LIMIT_RANGE)).await?,
            autoscalers,
        })
    }

    /// The VerticalPodAutoscaler that sets what the container gets.
    pub fn autoscaler(&self, workload: &Object, container: &str) -> Option<&Object> {
        self.autoscalers.iter().find(|autoscaler| {
            autoscalers::sets_resources(autoscaler, workload) && !is_left_alone(autoscaler, container)
        })
    }

    /// A pod of the workload that is one of a Patroni cluster.
    pub fn patroni_pod(&self) -> Option<&Object> {
        self.pods.iter().find(|pod| deny::is_of_patroni(pod))
    }

    /// What the namespace has against such a limit, as a sentence for people. `others` is what the
    /// pod's other containers have together; `None`: one of them has no limit.
    pub fn refusal(
        &self,
        resource: &str,
        limit: Quantity,
        request: Option<Quantity>,
        others: Option<Quantity>,
    ) -> Option<String> {
        self.limit_ranges.iter().find_map(|range| {
            let mut items = range.at("/spec/limits").and_then(Value::as_array).into_iter().flatten();
            items.find_map(|item| {
                let bound = |name: &str| quantity(item.get(name)?.get(resource)?);
                let (of, sum) = match item.get("type").and_then(Value::as_str)? {
                    "Container" => ("container", Some(limit)),
                    "Pod" => ("pod", others.and_then(|others| others.plus(limit))),
                    _ => return None,
                };
                if let (Some(most), Some(sum)) = (bound("max"), sum)
                    && sum > most
                {
                    return Some(format!(
                        "{} lets a {of} have {most} of {resource} at the most, and it would be {sum}",
                        range.key()
                    ));
                }
                let most = bound("maxLimitRequestRatio").filter(|_| of == "container")?;
                let request = request?;
                (limit.as_f64() > request.as_f64() * most.as_f64()).then(|| {
                    format!(
                        "{} lets a limit of {resource} be {most} times the request at the most, and {limit} is more than that of {request}",
                        range.key()
                    )
                })
            })
        })
    }
}

/// Whether the autoscaler's policies leave that container to others.
fn is_left_alone(autoscaler: &Object, container: &str) -> bool {
    let policies =
        || autoscaler.at("/spec/resourcePolicy/containerPolicies").and_then(Value::as_array).into_iter().flatten();
    let of = |name: &str| policies().find(|policy| policy.get("containerName").and_then(Value::as_str) == Some(name));
    let policy = of(container).or_else(|| of("*"));
    policy.and_then(|policy| policy.get("mode")?.as_str()) == Some("Off")
}
