//! `k8s.annotate`: one annotation of the target.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::doubt::{self, Seen};
use super::{field_owner, objects, way_back};
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, Intent, StepAddress};

arguments! {
    pub(in crate::action) struct K8sAnnotate {
        /// The annotation's key with its domain, written out: `example.com/drained`
        key: Arg<String>,
        /// Its value, up to 1,024 characters
        value: Arg<String>,
    }
}

output! {
    pub(in crate::action) struct Annotated {
        /// The annotation's key
        key: String,
        /// The value that there was; null: it was not there
        from: OrNull<String>,
        /// The value that there is now
        to: String,
    }
}

/// Domains whose annotations mean something to Kubernetes, to what deploys, or to this bot, with
/// all below them.
const RESERVED: [&str; 7] = ["kubernetes.io", "k8s.io", "dogwatch", "helm.sh", "argoproj.io", "fluxcd.io", "x-k8s.io"];

/// Domains of programs that delete, scale, restore or grant by an annotation, with all below them
/// and all that begins with them: none of that is done by the way.
const POWERS: [&str; 19] = [
    "acid.zalan.do",
    "azure.workload.identity",
    "cnpg.io",
    "crossplane.io",
    "crunchydata.com",
    "downscaler",
    "eks.amazonaws.com",
    "hashicorp.com",
    "iam.gke.io",
    "janitor",
    "k8s-ttl-controller",
    "karpenter.sh",
    "keda.sh",
    "percona.com",
    "reflector",
    "replicator",
    "services.k8s.aws",
    "stackgres.io",
    "strimzi.io",
];

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

/// Kinds by whose annotations something is granted, admitted, kept or deleted.
fn is_of_power(kind: &str) -> bool {
    const KINDS: [&str; 5] = ["Namespace", "PersistentVolume", "PersistentVolumeClaim", "Secret", "ServiceAccount"];
    KINDS.contains(&kind)
        || kind.starts_with("Role")
        || kind.starts_with("ClusterRole")
        || kind.ends_with("WebhookConfiguration")
}

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
        output: Annotated::FIELDS,
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
    let Some((domain, name)) = key.split_once('/') else {
        return Err(format!(
            "`{key}` has no domain, and programs keep their state under such keys; write `example.com/{key}`"
        ));
    };
    let is_part = |text: &str, more: &[char]| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(&c);
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(fits)
    };
    let is_key =
        domain.len() <= 253 && name.len() <= 63 && is_part(domain, &['-', '.']) && is_part(name, &['-', '.', '_']);
    if !is_key || domain.chars().any(|c| c.is_ascii_uppercase()) {
        let shown: String = key.chars().take(80).collect();
        return Err(format!("`{shown}` is no key of an annotation; write it as `example.com/drained`"));
    }
    let is_power = |power: &&&str| {
        domain == **power
            || domain.strip_suffix(**power).is_some_and(|rest| rest.ends_with('.'))
            || domain.strip_prefix(**power).is_some_and(|rest| rest.starts_with('.'))
    };
    if let Some(power) = POWERS.iter().find(is_power) {
        return Err(format!(
            "by annotations of `{power}` something is deleted, scaled, restored or granted, and that is not done by the way"
        ));
    }
    let within =
        |reserved: &&&str| domain.strip_suffix(**reserved).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    match RESERVED.iter().find(within) {
        Some(reserved) => {
            Err(format!("annotations of `{reserved}` mean something to others, and are not set by a playbook"))
        }
        None => Ok(()),
    }
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
        let object = objects::live_target(world.cluster.as_ref(), &step).await?;
        plan(&object, &key, &value, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let (key, value) = parts(&intent.after);
        let body = json!({ "metadata": { "annotations": { key: value } } });
        let patch = objects::patch_of(intent, body, dry_run);
        world.cluster.patch(&patch).await?;
        Ok(output(intent))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        let look = |live: &_| look(live, intent);
        Ok(doubt::about(live.as_ref(), intent, look, |a, b| a == b, || output(intent)))
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let back = way_back::reversed(made, summary(made, &made.after, &made.before), run, step);
        let (key, _) = parts(&made.after);
        let as_before = Output {
            summary: format!("{key} of {} is as it was: somebody has put it back", made.object),
            ..output(&back)
        };
        way_back::of(world.cluster.as_ref(), (made, back), run, |live| look(live, made), as_before).await
    }
}

fn plan(object: &Object, key: &str, value: &str, marker: String) -> Result<Plan, ActionError> {
    let of = object.key();
    may_be_set(key).map_err(ActionError::fail)?;
    if is_of_power(object.kind()) {
        return Err(ActionError::fail(format!(
            "{of}: by annotations of a {} something may be granted, admitted or deleted; a human sets them",
            object.kind()
        )));
    }
    if object.is_going() {
        return Err(ActionError::fail(format!("{of} is being deleted")));
    }
    if let Some(who) = field_owner::keeper(object, &["metadata", "annotations", key]) {
        return Err(ActionError::needs_human(who));
    }
    let before = object.annotation(key).map(str::to_owned);
    let intent = Intent {
        summary: String::new(),
        object: of,
        uid: object.uid().to_owned(),
        resource_version: object.resource_version().to_owned(),
        before: json!({ "key": key, "value": before }),
        after: json!({ "key": key, "value": value }),
        marker,
    };
    let intent = Intent { summary: summary(&intent, &intent.before, &intent.after), ..intent };
    if intent.before == intent.after {
        let output = output(&intent);
        return Ok(Plan::Unneeded(Output {
            summary: format!("{key} of {} is {value} already", intent.object),
            ..output
        }));
    }
    Ok(Plan::Do(intent))
}

/// Key and value, which is null where the annotation is not there.
fn parts(of: &Value) -> (&str, &Value) {
    (of.get("key").and_then(Value::as_str).unwrap_or_default(), of.get("value").unwrap_or(&Value::Null))
}

fn look(live: &Object, intent: &Intent) -> Seen {
    let (key, _) = parts(&intent.after);
    let value = json!({ "key": key, "value": live.annotation(key) });
    let manager = live.field_manager(&["metadata", "annotations", key]).map(|manager| manager.name);
    // What is not there has no manager: that it is gone as was wanted is all that can be known.
    let is_gone_as_wanted = live.annotation(key).is_none() && parts(&intent.after).1.is_null();
    let manager = if is_gone_as_wanted { Some(intent.marker.clone()) } else { manager };
    Seen { what: key.to_owned(), value, manager }
}

fn summary(intent: &Intent, from: &Value, to: &Value) -> String {
    let shown = |value: &Value| -> String {
        value.as_str().map_or_else(|| "(none)".to_owned(), |text| text.chars().take(60).collect())
    };
    let ((key, from), (_, to)) = (parts(from), parts(to));
    format!("annotate {} {key} {} -> {}", intent.object, shown(from), shown(to))
}

fn output(intent: &Intent) -> Output {
    let ((key, from), (_, to)) = (parts(&intent.before), parts(&intent.after));
    let annotated = Annotated {
        key: key.to_owned(),
        from: OrNull(from.as_str().map(str::to_owned)),
        to: to.as_str().unwrap_or_default().to_owned(),
    };
    Output::new(&annotated, intent.summary.clone())
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

    #[test]
    fn kinds_that_grant_are_not_annotated() {
        for kind in
            ["ServiceAccount", "Namespace", "Secret", "RoleBinding", "ClusterRole", "MutatingWebhookConfiguration"]
        {
            let object = Object(json!({ "kind": kind, "metadata": { "name": "x" } }));
            let error = plan(&object, "example.com/x", "y", "m".into()).unwrap_err();
            assert!(error.message.contains("something may be granted"), "{error}");
        }
        let pod = Object(json!({ "kind": "Pod", "metadata": { "name": "x" } }));
        assert!(plan(&pod, "example.com/x", "y", "m".into()).is_ok());
    }
}
