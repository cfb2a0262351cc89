//! `k8s.owners`: who decides a field of the target, by evidence.

use async_trait::async_trait;
use chrono::SecondsFormat;

use super::field_owner::autoscalers::{self, Read as Autoscalers};
use super::field_owner::{self, Decider, Evidence, REPLICAS};
use super::field_path::FieldPath;
use super::objects;
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::{Cluster, ClusterError, ListQuery, Object};
use crate::language::Arg;
use crate::model::Autonomy;

arguments! {
    pub(in crate::action) struct K8sOwners {
        /// The path of the field: `spec.replicas`
        field: Arg<FieldPath>,
    }
}

output! {
    struct Owners {
        /// Who decides the field, or may, the surest first
        deciders: Vec<OneDecider>,
        /// How many of them are certain. Of two, none should be chosen by a program
        count: usize,
    }
}

output! {
    struct OneDecider {
        /// The tool, the object or the program: `Argo CD`
        who: String,
        /// What tells of it: `owner` (a reference with `controller: true`), `autoscaler` (it has
        /// the target as its own), `manager` (it holds the field), `mark` (a label or an annotation
        /// of a tool) or `hint` (a label that anybody may write)
        evidence: &'static str,
        /// The evidence as it stands on the object
        because: String,
        /// What to do instead of changing the field here
        next: String,
        /// When a field manager wrote last; null where nobody recorded that
        at: OrNull<String>,
        /// Whether it would put back what another writes
        certain: bool,
    }
}

/// The most of each kind of autoscaler in a namespace. More is not read but refused.
const MOST: usize = 2_000;

impl Declared for K8sOwners {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.owners",
        summary: "Finds out who decides a field of the target, by evidence",
        effect: Effect::Reads,
        about: "Looked at are the owner reference with `controller: true`; all managers in `managedFields` that hold the field; the marks of \
            tools that keep objects (Argo CD, Flux, Fleet, Gardener, the add-on manager and others); and, of `spec.replicas` and of what \
            containers get, the autoscalers of the namespace: HorizontalPodAutoscaler, VerticalPodAutoscaler, ScaledObject of KEDA, \
            and the cluster-proportional ones by their arguments. Certain is who owns or scales the object, a tool that puts things \
            back by itself, a program that holds the field by server-side apply or is by its name a controller, and one that wrote it \
            again after another. People, Helm and Terraform are never certain: they come back when somebody runs them. A mark does \
            not count for a field that its tool leaves to others. The mutations of this bot ask the same, and refuse what is certain.",
        errors: "The target is not there any more. More than 2000 autoscalers, or Deployments that may be one, are in its namespace.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Owners::FIELDS,
        rights: &[
            Right::on_target(&["get"]),
            Right::on_kind(Kind::AUTOSCALER, &["list"]),
            Right::on_kind(Kind::VERTICAL_AUTOSCALER, &["list"]),
            Right::on_kind(Kind::SCALED_OBJECT, &["list"]),
            Right::on_kind(Kind::DEPLOYMENT, &["list"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: owners
  k8s.owners: { field: spec.replicas }
- escalate_if: owners.count > 1
  because: \"{{owners.summary}}\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for K8sOwners {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let field = self.field.resolve(step.scope)?;
        let cluster = world.cluster.as_ref();
        let object = objects::live_target(cluster, &step).await?;
        let path = field.names();
        if !may_be_scaled(&object, &path) {
            return Ok(told(&object, &field, field_owner::of(&object, &path)));
        }
        let hpas = all(cluster, &object, Kind::AUTOSCALER).await?;
        let scaled_objects = all(cluster, &object, Kind::SCALED_OBJECT).await?;
        let verticals = all(cluster, &object, Kind::VERTICAL_AUTOSCALER).await?;
        let deployments = all(cluster, &object, Kind::DEPLOYMENT).await?;
        let read = Autoscalers {
            hpas: &hpas,
            scaled_objects: &scaled_objects,
            verticals: &verticals,
            deployments: &deployments,
        };
        Ok(told(&object, &field, deciders(&object, &path, read)))
    }
}

/// Whether an autoscaler can be about the field.
fn may_be_scaled(object: &Object, path: &[&str]) -> bool {
    !object.namespace().is_empty() && (path == REPLICAS || path.starts_with(&autoscalers::CONTAINERS))
}

/// All of the kind in the object's namespace; none where the cluster does not know the kind.
async fn all(cluster: &dyn Cluster, object: &Object, kind: Kind) -> Result<Vec<Object>, ActionError> {
    let query =
        ListQuery { kind: kind.id().into(), namespace: object.namespace().into(), limit: MOST, ..ListQuery::default() };
    match cluster.list(&query).await {
        Err(ClusterError::UnknownKind(_)) => Ok(Vec::new()),
        answer => Ok(answer?),
    }
}

fn deciders(object: &Object, path: &[&str], read: Autoscalers<'_>) -> Vec<Decider> {
    let (mut found, scaling) = (field_owner::of(object, path), autoscalers::deciders(object, path, read));
    if !scaling.is_empty() {
        field_owner::beside_autoscalers(&mut found);
    }
    field_owner::merged(scaling.into_iter().chain(found).collect())
}

fn told(object: &Object, field: &FieldPath, deciders: Vec<Decider>) -> Output {
    let (key, certain) = (object.key(), || deciders.iter().filter(|decider| decider.is_certain()));
    let names: Vec<String> = certain().map(Decider::named).collect();
    let summary = match (certain().next(), deciders.first()) {
        (Some(one), _) => field_owner::argument(&names, &format!("{field} of {key}"))
            .unwrap_or_else(|| format!("{field} of {key} is decided by {}: {} ({})", one.who, one.next, one.told_by)),
        (None, Some(_)) => {
            let who: Vec<&str> = deciders.iter().map(|decider| decider.who.as_str()).collect();
            format!("nobody is known to put {field} of {key} back; on record are {}", who.join(", "))
        }
        (None, None) => format!("nobody is known to decide {field} of {key}"),
    };
    let count = names.len();
    let deciders = deciders.into_iter().map(|decider| OneDecider {
        certain: decider.is_certain(),
        who: decider.who,
        evidence: word(decider.evidence),
        because: decider.told_by,
        next: decider.next,
        at: OrNull(decider.at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))),
    });
    Output::new(&Owners { deciders: deciders.collect(), count }, summary)
}

fn word(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Owner => "owner",
        Evidence::Autoscaler => "autoscaler",
        Evidence::Manager => "manager",
        Evidence::Mark => "mark",
        Evidence::Hint => "hint",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(kind: &str, name: &str, spec: Value) -> Object {
        Object(json!({ "kind": kind, "metadata": { "name": name, "namespace": "shop" }, "spec": spec }))
    }

    fn target(name: &str) -> Value {
        json!({ "kind": "Deployment", "name": name })
    }

    fn find(path: &[&str], read: Autoscalers<'_>) -> Vec<(String, bool)> {
        let web = object("Deployment", "web", json!({ "replicas": 2 }));
        deciders(&web, path, read).into_iter().map(|it| (it.who.clone(), it.is_certain())).collect()
    }

    #[test]
    fn an_autoscaler_and_what_made_it_are_one() {
        let mut hpa = object("HorizontalPodAutoscaler", "keda-hpa-web", json!({ "scaleTargetRef": target("web") }));
        hpa.0["metadata"]["ownerReferences"] = json!([{ "kind": "ScaledObject", "name": "web", "controller": true }]);
        let other = object("HorizontalPodAutoscaler", "api", json!({ "scaleTargetRef": target("api") }));
        let hpas = [hpa, other];
        let scaled = [object("ScaledObject", "web", json!({ "scaleTargetRef": { "name": "web" } }))];
        let read = Autoscalers { hpas: &hpas, scaled_objects: &scaled, ..Autoscalers::default() };
        assert_eq!(find(REPLICAS, read), [("ScaledObject `web`".to_owned(), true)]);
        assert_eq!(find(&["spec", "paused"], read), []);
    }

    #[test]
    fn what_containers_get_is_decided_by_others_than_their_number() {
        let verticals = [
            object("VerticalPodAutoscaler", "web", json!({ "targetRef": target("web") })),
            object(
                "VerticalPodAutoscaler",
                "off",
                json!({ "targetRef": target("web"), "updatePolicy": { "updateMode": "Off" } }),
            ),
        ];
        let runs = |words: Value| json!({ "template": { "spec": { "containers": [{ "command": words }] } } });
        let deployments = [
            object("Deployment", "cpvpa", runs(json!(["/cpvpa", "--target=deployment/web", "--config-file=/etc/x"]))),
            object("Deployment", "cpa", runs(json!(["/cpa", "--target=deployment/web", "--configmap=x"]))),
        ];
        let read = Autoscalers { verticals: &verticals, deployments: &deployments, ..Autoscalers::default() };
        assert_eq!(
            find(&["spec", "template", "spec", "containers"], read),
            [("verticalpodautoscaler/web in shop".to_owned(), true), ("deployment/cpvpa in shop".to_owned(), true)]
        );
        assert_eq!(find(REPLICAS, read), [("deployment/cpa in shop".to_owned(), true)]);
    }

    #[test]
    fn a_claim_of_a_stateful_set_is_as_large_as_somebody_asks() {
        let mut claim = object("PersistentVolumeClaim", "data-db-0", json!({}));
        claim.0["metadata"]["ownerReferences"] = json!([{ "kind": "StatefulSet", "name": "db", "controller": true }]);
        let field: FieldPath = "spec.resources.requests.storage".parse().unwrap();
        let output = told(&claim, &field, field_owner::of(&claim, &field.names()));
        assert_eq!(output.value.get("count"), Some(&json!(0)));
        assert!(output.summary.starts_with("nobody is known to put spec.resources.requests.storage of"), "{output:?}");
    }
}
