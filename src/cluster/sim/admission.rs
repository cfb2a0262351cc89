//! What the API server does not let through: names, fields that stay as they are, claims that cannot grow.

use serde_json::Value;

use super::objects::{list, text};
use super::state::State;
use crate::model::Quantity;

/// Why a write is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// By a plugin that guards something (403).
    Forbidden(String),
    /// The object would not be valid (422, 400).
    Invalid(String),
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Invalid(message.into()))
}

/// Names are those of DNS: `web-0`, `node.example.com`.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_valid =
        name.len() <= 253 && name.chars().all(fits) && edge(name.chars().next()) && edge(name.chars().next_back());
    if is_valid {
        return Ok(());
    }
    invalid(format!(
        "metadata.name: Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
    ))
}

/// Whether an object of that kind may become `new`.
pub(super) fn check_change(kind: &str, old: &Value, new: &Value, state: &State) -> Result<(), Refusal> {
    let (old_spec, new_spec) = (&old["spec"], &new["spec"]);
    let changed = |field: &str| old_spec.get(field) != new_spec.get(field);
    let replicas = new_spec.get("replicas");
    if replicas.is_some_and(|replicas| replicas.as_i64().is_none_or(|replicas| replicas < 0)) {
        return invalid("spec.replicas: Invalid value: must be a whole number greater than or equal to 0");
    }
    match kind {
        "Deployment" | "ReplicaSet" | "DaemonSet" if changed("selector") => {
            invalid("spec.selector: Invalid value: field is immutable")
        }
        "StatefulSet" => {
            const FREE: &[&str] = &[
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ];
            if changed_fields(old_spec, new_spec).iter().any(|field| !FREE.contains(&field.as_str())) {
                return invalid(format!(
                    "spec: Forbidden: updates to statefulset spec for fields other than '{}' are forbidden",
                    FREE.join("', '")
                ));
            }
            Ok(())
        }
        "Job" => {
            // A suspended Job that never ran may get another template; nobody here does that.
            match ["selector", "template", "completions", "completionMode"].into_iter().find(|field| changed(field)) {
                Some(field) => invalid(format!("spec.{field}: Invalid value: field is immutable")),
                None => Ok(()),
            }
        }
        "Pod" => {
            const FREE: &[&str] = &["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations"];
            let fields = changed_fields(&without_images(old_spec), &without_images(new_spec));
            if fields.iter().any(|field| !FREE.contains(&field.as_str())) {
                return invalid(
                    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.terminationGracePeriodSeconds`, `spec.tolerations` (only additions to existing tolerations)",
                );
            }
            Ok(())
        }
        "PersistentVolumeClaim" => check_claim(old, new, state),
        "HorizontalPodAutoscaler" => check_autoscaler(new),
        _ => Ok(()),
    }
}

/// <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/>
fn check_autoscaler(autoscaler: &Value) -> Result<(), Refusal> {
    let number = |field: &str| autoscaler["spec"].get(field).and_then(Value::as_i64);
    match (number("minReplicas").unwrap_or(1), number("maxReplicas")) {
        (_, None) => invalid("spec.maxReplicas: Required value"),
        (_, Some(..1)) => invalid("spec.maxReplicas: Invalid value: must be greater than 0"),
        (least, Some(most)) if most < least => {
            invalid(format!("spec.maxReplicas: Invalid value: {most}: must be greater than or equal to `minReplicas`"))
        }
        _ => Ok(()),
    }
}

fn check_claim(old: &Value, new: &Value, state: &State) -> Result<(), Refusal> {
    const REQUEST: &str = "/spec/resources/requests/storage";
    let fields = changed_fields(&old["spec"], &new["spec"]);
    if fields.is_empty() {
        return Ok(());
    }
    let is_bound = text(old, "/status/phase") == "Bound";
    if fields != ["resources"] || !is_bound {
        return invalid(
            "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        );
    }
    let quantity = |value: &Value, pointer: &str| text(value, pointer).parse::<Quantity>().ok();
    let Some(wanted) = quantity(new, REQUEST) else {
        return invalid("spec.resources.requests.storage: Invalid value: quantities must be numbers with a unit");
    };
    let before = quantity(old, REQUEST);
    if quantity(old, "/status/capacity/storage").is_some_and(|has| wanted < has) && Some(wanted) != before {
        return invalid("spec.resources.requests.storage: Forbidden: field can not be less than status.capacity");
    }
    if before.is_some_and(|before| wanted > before) {
        let class = state.objects.find("StorageClass", "", text(old, "/spec/storageClassName"));
        let class = class.map(|class| state.objects.value(class)).unwrap_or_default();
        if class["allowVolumeExpansion"] != Value::Bool(true) {
            return Err(Refusal::Forbidden(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize".into(),
            ));
        }
        check_quotas(new, before, wanted, state)?;
    }
    Ok(())
}

/// Whether the namespace's quotas on `requests.storage` leave room for a claim that asks for more than `before`.
fn check_quotas(claim: &Value, before: Option<Quantity>, wanted: Quantity, state: &State) -> Result<(), Refusal> {
    let namespace = text(claim, "/metadata/namespace");
    for quota in state.objects.of_kind("ResourceQuota", namespace) {
        let quota = state.objects.value(quota);
        let Ok(hard) = text(&quota, "/spec/hard/requests.storage").parse::<Quantity>() else { continue };
        let claims = state.objects.of_kind("PersistentVolumeClaim", namespace).into_iter();
        let asked = |id| text(&state.objects.value(id), "/spec/resources/requests/storage").parse::<Quantity>().ok();
        let used: i128 = claims.filter_map(asked).map(Quantity::ceil).sum();
        let more = wanted.ceil() - before.map_or(0, Quantity::ceil);
        if used + more > hard.ceil() {
            return invalid(format!(
                "exceeded quota: {}, requested: requests.storage={more}, used: requests.storage={used}, limited: requests.storage={hard}",
                text(&quota, "/metadata/name")
            ));
        }
    }
    Ok(())
}

fn changed_fields(old: &Value, new: &Value) -> Vec<String> {
    let names = |value: &Value| value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
    let mut fields: Vec<String> = names(old);
    fields.extend(names(new));
    fields.sort();
    fields.dedup();
    fields.retain(|field| old.get(field) != new.get(field));
    fields
}

fn without_images(spec: &Value) -> Value {
    let mut spec = spec.clone();
    for containers in ["containers", "initContainers"] {
        for container in spec.get_mut(containers).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(container) = container.as_object_mut() {
                container.remove("image");
            }
        }
    }
    spec
}

/// Whether a new object could be made as it is.
pub(super) fn check_new(kind: &str, object: &Value) -> Result<(), Refusal> {
    check_name(text(object, "/metadata/name"))?;
    if matches!(kind, "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") {
        let labels = object.pointer("/spec/template/metadata/labels");
        let wanted = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
        let Some(wanted) = wanted else { return invalid("spec.selector: Required value") };
        if wanted.iter().any(|(name, value)| labels.and_then(|labels| labels.get(name)) != Some(value)) {
            return invalid(
                "spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`",
            );
        }
    }
    if kind == "HorizontalPodAutoscaler" {
        return check_autoscaler(object);
    }
    let template = match kind {
        "Pod" => "/spec/containers",
        "CronJob" => "/spec/jobTemplate/spec/template/spec/containers",
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => "/spec/template/spec/containers",
        _ => return Ok(()),
    };
    if list(object, template).next().is_none() {
        return invalid(format!("{}: Required value", template.trim_start_matches('/').replace('/', ".")));
    }
    if kind == "Job" && text(object, "/spec/template/spec/restartPolicy") == "Always" {
        return invalid("spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"");
    }
    Ok(())
}
