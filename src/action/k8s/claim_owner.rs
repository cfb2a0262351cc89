//! `k8s.claim_owner`: which StatefulSet a claim belongs to, and whether the pod that would use it
//! is there.

use async_trait::async_trait;

use super::claims::stateful_set_of;
use super::objects;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::Object;
use crate::model::{Autonomy, ObjectKey};

arguments! {
    pub(in crate::action) struct K8sClaimOwner {}
}

output! {
    #[derive(Default)]
    struct ClaimOwner {
        /// Whether the claim is a StatefulSet's
        found: bool,
        /// The StatefulSet's name; empty: none
        set: String,
        /// The name of the pod that uses the claim; empty: none
        pod: String,
        /// Whether the StatefulSet has that many replicas
        wanted: bool,
        /// Whether the pod is there
        there: bool,
    }
}

impl Declared for K8sClaimOwner {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.claim_owner",
        summary: "Finds the StatefulSet that the target, a claim, belongs to, and its pod",
        effect: Effect::Reads,
        about: "It looks for the StatefulSet from whose `volumeClaimTemplates` the claim was made. A claim of no StatefulSet is an \
            answer: `found` is `false`, and so are `wanted` and `there`. A pod that is wanted and not there cannot be made: a quota, \
            an admission webhook, a pod before it that is not ready. The claim alone does not tell.",
        errors: "The target is not there any more.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: ClaimOwner::FIELDS,
        rights: &[
            Right::on_target(&["get"]),
            Right::on_kind(Kind::STATEFUL_SET, &["get"]),
            Right::on_kind(Kind::POD, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: owner
  k8s.claim_owner: {}
",
    };

    const TARGETS: &'static [Kind] = &[Kind::CLAIM];

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for K8sClaimOwner {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let cluster = world.cluster.as_ref();
        let claim = objects::live_target(cluster, &step).await?;
        let Some(set) = stateful_set_of(cluster, &claim).await? else {
            return Ok(Output::new(&ClaimOwner::default(), format!("no StatefulSet made {}", claim.key())));
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
        let owner = ClaimOwner { found: true, set: set.name().to_owned(), pod, wanted: is_wanted, there: is_there };
        Ok(Output::new(&owner, summary))
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
