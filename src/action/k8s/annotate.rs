//! `k8s.annotate`: one annotation of the target.

use async_trait::async_trait;

use super::{keys, metadata_key, objects};
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, StepAddress};
use metadata_key::ANNOTATION;

arguments! {
    pub(in crate::action) struct K8sAnnotate {
        /// The annotation's key with its domain, written out: `example.com/drained`
        key: Arg<String>,
        /// Its value, up to 1,024 characters
        value: Arg<String>,
    }
}

/// Of the reserved, and of the keys without a domain, what asks somebody to do again what he does
/// anyway, or holds a node back from being taken away; the value with which it does, where others
/// do the opposite.
const ALLOWED: [(&str, Option<&str>); 5] = [
    ("argocd.argoproj.io/refresh", None),
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", Some("false")),
    ("cluster-autoscaler.kubernetes.io/scale-down-disabled", Some("true")),
    ("force-sync", None),
    ("reconcile.fluxcd.io/requestedAt", None),
];

const LONGEST: usize = 1_024;

impl Declared for K8sAnnotate {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.annotate",
        summary: "Sets one annotation of the target",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch of that annotation is made, on the condition of UID and resourceVersion, with the step's marker as field \
            manager. What is annotated is the target itself, and no template of pods. Keys in the domains of Kubernetes, of Helm, Argo and \
            Flux and of this bot are refused, and so are keys without a domain, where programs such as Patroni keep their state; but for \
            `argocd.argoproj.io/refresh`, `cluster-autoscaler.kubernetes.io/safe-to-evict: \"false\"`, \
            `cluster-autoscaler.kubernetes.io/scale-down-disabled: \"true\"`, `force-sync` (External Secrets) and \
            `reconcile.fluxcd.io/requestedAt`. Refused as well are the keys of programs that delete, scale, restore or grant by them: \
            kube-janitor, k8s-ttl-controller, kube-downscaler, KEDA, Karpenter, Crossplane, the operators of databases, the identities of \
            clouds. What an annotation means to others nobody can know of all, so a human approves each.",
        errors: "The target is being deleted, or of a kind by whose annotations something is granted or deleted: ServiceAccount, Namespace, \
            PersistentVolumeClaim, PersistentVolume, Secret, roles, their bindings, and configurations of webhooks. A human is needed where a repository keeps the annotation. A conflict is tried again \
            from the beginning.",
        repeated: "A repetition finds that the value is there already.",
        way_back: Some(
            "The value that was there is put back, or the annotation taken away, where it is still what the step made it.",
        ),
        arguments: Self::ARGUMENTS,
        output: metadata_key::FIELDS,
        rights: &[Right::on_target(&["get", "patch"]), Right::on_kind(Kind::NAMESPACE, &["get"])],
        most_autonomy: Autonomy::Approve,
        example: "\
- id: mark
  k8s.annotate: { key: example.com/drain-requested, value: \"{{alert.starts_at}}\" }
  verify:
    until: target.metadata.annotations[?'example.com/drained'].orValue('') == 'true'
    within: 10m
  undo: unless_verified
",
    };

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        let Some(key) = self.key.literal() else {
            return Err("`key` must be written out, so that it is seen beforehand what is annotated".into());
        };
        may_be_set(key)?;
        self.value.literal().map_or(Ok(()), |value| fits(key, value))
    }
}

/// Whether a playbook may set an annotation of that key.
fn may_be_set(key: &str) -> Result<(), String> {
    if ALLOWED.iter().any(|(allowed, _)| *allowed == key) {
        return Ok(());
    }
    keys::may_be_set(key, "annotation")
}

fn fits(key: &str, value: &str) -> Result<(), String> {
    if let Some((_, Some(holding))) = ALLOWED.iter().find(|(allowed, _)| *allowed == key)
        && value != *holding
    {
        return Err(format!("`{key}` is set to `{holding}` only, which holds; what else it says is for a human"));
    }
    let length = value.chars().count();
    if length <= LONGEST { Ok(()) } else { Err(format!("`value` has {length} characters, and {LONGEST} is the most")) }
}

#[async_trait]
impl Mutation for K8sAnnotate {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let (key, value) = (self.key.resolve(step.scope)?, self.value.resolve(step.scope)?);
        fits(&key, &value).map_err(ActionError::fail)?;
        may_be_set(&key).map_err(ActionError::fail)?;
        let object = objects::live_target(world.cluster.as_ref(), &step).await?;
        ANNOTATION.plan(&object, &key, &value, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        ANNOTATION.apply(world, intent, dry_run).await
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        ANNOTATION.doubt(world, intent).await
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        ANNOTATION.take_back(world, made, run, step).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_others_is_not_set() {
        for key in
            ["example.com/drained", "db.example.com/x.y_z", "cert-manager.io/retry", "force-sync", "notkubernetes.io/x"]
        {
            assert_eq!(may_be_set(key), Ok(()), "{key}");
        }
        for key in [
            "kubernetes.io/change-cause",
            "kubectl.kubernetes.io/restartedAt",
            "pod-security.kubernetes.io/enforce",
            "node.k8s.io/x",
            "dogwatch/hands-off",
            "meta.helm.sh/release-name",
            "argocd.argoproj.io/tracking-id",
            "kustomize.toolkit.fluxcd.io/reconcile",
        ] {
            assert!(may_be_set(key).unwrap_err().contains("mean something to others"), "{key}");
        }
        assert!(may_be_set("leader").unwrap_err().contains("has no domain"));
        for key in ["/x", "example.com/", "example.com/a/b", "Example.com/x", "example.com/-x", "a b/c"] {
            assert!(may_be_set(key).unwrap_err().contains("is no key"), "{key}");
        }
    }

    #[test]
    fn a_value_has_an_end() {
        let fits = |value: &str| fits("example.com/x", value);
        assert!(fits(&"x".repeat(LONGEST)).is_ok());
        assert_eq!(fits(&"x".repeat(1_025)).unwrap_err(), "`value` has 1025 characters, and 1024 is the most");
    }

    #[test]
    fn what_deletes_scales_or_grants_by_an_annotation_is_not_asked_to() {
        for key in [
            "janitor/ttl",
            "k8s-ttl-controller.twin.sh/ttl",
            "cnpg.io/hibernation",
            "autoscaling.keda.sh/paused-replicas",
            "eks.amazonaws.com/role-arn",
            "iam.gke.io/gcp-service-account",
            "azure.workload.identity/client-id",
            "crossplane.io/external-name",
            "reflector.v1.example.com/reflection-allowed",
            "replicator.v1.example.com/replicate-to",
            "karpenter.sh/do-not-disrupt",
            "postgres-operator.crunchydata.com/pgbackrest-restore",
            "strimzi.io/delete-pod-and-pvc",
        ] {
            assert!(may_be_set(key).unwrap_err().contains("deleted, scaled, restored or granted"), "{key}");
        }
        assert_eq!(may_be_set("notjanitor/x"), Ok(()));
    }

    #[test]
    fn what_holds_is_only_set_to_hold() {
        for (key, holds, lets_go) in [
            ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false", "true"),
            ("cluster-autoscaler.kubernetes.io/scale-down-disabled", "true", "false"),
        ] {
            assert_eq!((may_be_set(key), fits(key, holds)), (Ok(()), Ok(())));
            assert!(fits(key, lets_go).unwrap_err().contains(&format!("is set to `{holds}` only")));
        }
    }
}
