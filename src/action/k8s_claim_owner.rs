//! `k8s.claim_owner`: which StatefulSet a claim belongs to, and whether the pod that would use it is there.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kinds::rights;
use super::{ActionError, Describe, Output, Read, StepContext, World, objects};
use crate::cluster::{Access, Cluster, Object, claim_origins};
use crate::language::AnyArg;
use crate::model::ObjectKey;

/// Finds the StatefulSet from whose `volumeClaimTemplates` the target, a claim, was made. Changes nothing; may be repeated at will.
///
/// Output: `found`; `set`, its name; `pod`, the name of the pod that uses the claim; `wanted`, whether the StatefulSet has that many
/// replicas; `there`, whether the pod is. A claim of no StatefulSet is an answer: `found` is `false`, and so are `wanted` and `there`.
///
/// A pod that is wanted and not there cannot be made: a quota, an admission webhook, a pod before it that is not ready. The claim
/// alone does not tell.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct K8sClaimOwner {}

impl Describe for K8sClaimOwner {
    fn name(&self) -> &'static str {
        "k8s.claim_owner"
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        Vec::new()
    }

    fn access(&self, target_kind: &str) -> Vec<Access> {
        let mut access = rights(target_kind, &["get"]);
        access.extend(rights("StatefulSet", &["get"]));
        access.extend(rights("Pod", &["get"]));
        access
    }

    fn output_fields(&self) -> Option<&'static [&'static str]> {
        Some(&["found", "set", "pod", "wanted", "there"])
    }
}

#[async_trait]
impl Read for K8sClaimOwner {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let cluster = world.cluster.as_ref();
        let claim = objects::live_target(cluster, &step).await?;
        let Some(set) = stateful_set_of(cluster, &claim).await? else {
            let fields = json!({ "found": false, "set": "", "pod": "", "wanted": false, "there": false });
            return Ok(Output::new(fields, format!("no StatefulSet made {}", claim.key())));
        };
        let (pod, ordinal) = pod_of(&claim, &set);
        let key = ObjectKey::new("Pod", claim.namespace(), &pod);
        let is_there = cluster.get(&key).await?.is_some_and(|pod| !pod.is_going());
        let is_wanted = wants(&set, ordinal);
        let summary = match (is_wanted, is_there) {
            (true, false) => format!("{} wants {key}, and it is not there", set.key()),
            (false, false) => format!("{} has no {key}, and wants none", set.key()),
            (_, true) => format!("{} has {key}", set.key()),
        };
        let fields = json!({ "found": true, "set": set.name(), "pod": pod, "wanted": is_wanted, "there": is_there });
        Ok(Output::new(fields, summary))
    }

    fn as_describe(&self) -> &dyn Describe {
        self
    }
}

/// The pod's name and number: a claim is named after both.
fn pod_of(claim: &Object, set: &Object) -> (String, i64) {
    let ordinal = claim.name().rsplit_once('-').and_then(|(_, ordinal)| ordinal.parse().ok()).unwrap_or(0);
    (format!("{}-{ordinal}", set.name()), ordinal)
}

fn wants(set: &Object, ordinal: i64) -> bool {
    let first = set.number("/spec/ordinals/start").unwrap_or(0);
    let replicas = set.number("/spec/replicas").unwrap_or(1);
    (first..first + replicas).contains(&ordinal) && !set.is_going()
}

/// The StatefulSet that a claim belongs to, by its name: nothing in a claim says so.
pub(super) async fn stateful_set_of(cluster: &dyn Cluster, claim: &Object) -> Result<Option<Object>, ActionError> {
    for (template, name) in claim_origins(claim.name()) {
        let key = ObjectKey::new("StatefulSet", claim.namespace(), name);
        let Some(set) = cluster.get(&key).await? else { continue };
        let templates = set.at("/spec/volumeClaimTemplates").and_then(Value::as_array);
        let is_its = templates
            .into_iter()
            .flatten()
            .any(|claim| claim.pointer("/metadata/name").and_then(Value::as_str) == Some(template));
        if is_its {
            return Ok(Some(set));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_of_an_ordinal_beyond_the_replicas_waits_for_nobody() {
        let set = |spec: Value| Object(json!({ "kind": "StatefulSet", "metadata": { "name": "db" }, "spec": spec }));
        assert!(wants(&set(json!({ "replicas": 3 })), 2) && !wants(&set(json!({ "replicas": 3 })), 3));
        assert!(wants(&set(json!({})), 0) && !wants(&set(json!({ "replicas": 0 })), 0));
        let from_five = set(json!({ "replicas": 2, "ordinals": { "start": 5 } }));
        assert!(wants(&from_five, 6) && !wants(&from_five, 0));
        let claim = Object(json!({ "kind": "PersistentVolumeClaim", "metadata": { "name": "data-db-6" } }));
        assert_eq!(pod_of(&claim, &from_five), ("db-6".to_owned(), 6));
    }
}
