//! Objects as actions name them and as playbooks see them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::action::{ActionError, StepContext};
use crate::cluster::{Cluster, ClusterError, Kind, Object, Patch};
use crate::language::Arg;
use crate::model::{Intent, ObjectKey, Quantity};

/// The key of an object that a step names. Without a namespace it is in the target's, or in the
/// target itself where that is one.
pub(super) fn key(
    step: &StepContext<'_>,
    kind: &Kind,
    namespace: Option<&Arg<String>>,
    name: &Arg<String>,
) -> Result<ObjectKey, ActionError> {
    let namespace = match namespace {
        _ if !kind.namespaced => String::new(),
        Some(namespace) => safe_name(namespace.resolve(step.scope)?, "namespace")?,
        None => step.target.place().to_owned(),
    };
    Ok(ObjectKey::new(kind.id, namespace, safe_name(name.resolve(step.scope)?, "name")?))
}

/// A name becomes a part of a path of the API server: one that came from data must not lead elsewhere.
pub(in crate::action) fn safe_name(name: String, what: &str) -> Result<String, ActionError> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    let safe = !name.is_empty() && name.len() <= 253 && name.chars().all(harmless) && !name.starts_with('.');
    if safe {
        return Ok(name);
    }
    let shown: String = name.chars().take(40).collect();
    Err(ActionError::fail(format!("`{shown}` is no {what} of an object; look at where it comes from")))
}

/// The run's target as it is now, with its managed fields.
pub(in crate::action) async fn live_target(
    cluster: &dyn Cluster,
    step: &StepContext<'_>,
) -> Result<Object, ActionError> {
    let object = cluster.get(step.target).await?;
    object.ok_or_else(|| ActionError::fail(format!("{} is not there any more", step.target)))
}

/// The change that an intent is: made on the condition that the object is as it was decided on,
/// with the step's mark.
pub(in crate::action) fn patch_of(intent: &Intent, body: Value, dry_run: bool) -> Patch {
    Patch {
        key: intent.object.clone(),
        subresource: None,
        body,
        uid: intent.uid.clone(),
        resource_version: Some(intent.resource_version.clone()),
        field_manager: intent.marker.clone(),
        dry_run,
    }
}

/// The object of an intent, which must be as it was when that was decided: what is written follows
/// from it.
pub(in crate::action) async fn as_decided(cluster: &dyn Cluster, intent: &Intent) -> Result<Object, ActionError> {
    let what = || intent.object.to_string();
    let live = cluster.get(&intent.object).await?.ok_or_else(|| ClusterError::NotFound(what()))?;
    if live.resource_version() != intent.resource_version {
        let message = "its resourceVersion is another one than when that was decided".to_owned();
        return Err(ClusterError::Conflict { what: what(), message }.into());
    }
    Ok(live)
}

/// Without the bookkeeping that nobody reads: managed fields, and the copy of itself that `kubectl apply` leaves.
pub(super) fn without_bookkeeping(object: &Object) -> Value {
    let mut value = object.0.clone();
    if let Some(metadata) = value.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    value
}

/// What a list keeps of each object: what it is, whose it is, and how it does. Templates of pods, data of ConfigMaps and
/// the like would make a list too long for the run's log.
pub(super) fn list_item(object: &Object) -> Value {
    const LEFT_OUT: [&str; 9] = [
        "template",
        "jobTemplate",
        "volumeClaimTemplates",
        "containers",
        "initContainers",
        "ephemeralContainers",
        "volumes",
        "tolerations",
        "affinity",
    ];
    let mut value = without_bookkeeping(object);
    let labels = object.at("/spec/jobTemplate/metadata/labels").cloned();
    if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
        spec.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
        // What the Jobs of a CronJob are found by.
        if let Some(labels) = labels {
            spec.insert("jobTemplate".into(), json!({ "metadata": { "labels": labels } }));
        }
    }
    if let Some(fields) = value.as_object_mut() {
        fields.remove("data");
        fields.remove("binaryData");
    }
    value
}

/// The time at a JSON pointer.
pub(in crate::action) fn time_at(value: &Value, pointer: &str) -> Option<DateTime<Utc>> {
    let text = value.pointer(pointer)?.as_str()?;
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

/// Whole seconds from `at` to `now`; 0 when `at` lies ahead (clocks differ a little).
pub(in crate::action) fn seconds_since(now: DateTime<Utc>, at: DateTime<Utc>) -> i64 {
    (now - at).num_seconds().max(0)
}

/// Whether a pod has run to its end, and holds nothing any more.
pub(super) fn has_ended(pod: &Object) -> bool {
    matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

/// The controller that owns the object, as its owner reference.
pub(super) fn controller(object: &Object) -> Option<&Value> {
    let owners = object.at("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))
}

/// A quantity as the API server keeps it, or as a manifest may have it.
pub(super) fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// The text of a field; empty where there is none.
pub(in crate::action) fn word<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether the condition of that type is `True` in the object's status.
pub(in crate::action) fn condition_holds(object: &Object, of_type: &str) -> bool {
    let mut conditions = object.at("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    conditions.any(|it| word(it, "type") == of_type && word(it, "status") == "True")
}

/// The label selector of a workload, as kubectl takes it.
pub(super) fn selector(workload: &Object) -> Result<String, ActionError> {
    let none = || ActionError::fail(format!("{} has no selector, so that its pods cannot be found", workload.key()));
    let selector = workload.at("/spec/selector").ok_or_else(none)?;
    let empty = Map::new();
    let labels = selector.get("matchLabels").and_then(Value::as_object).unwrap_or(&empty);
    let mut parts: Vec<String> =
        labels.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| expression.get(name).and_then(Value::as_str).unwrap_or_default();
        let values: Vec<&str> = match expression.get("values").and_then(Value::as_array) {
            Some(values) => values.iter().filter_map(Value::as_str).collect(),
            None => Vec::new(),
        };
        let (key, values) = (text("key"), values.join(","));
        parts.push(match text("operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            other => {
                return Err(ActionError::fail(format!("{} selects by `{other}`, which is not known", workload.key())));
            }
        });
    }
    // An empty selector matches every pod of the namespace, or none: in any case not what is meant.
    if parts.is_empty() { Err(none()) } else { Ok(parts.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leads_elsewhere() {
        for name in ["data-pg-17", "system:node", "coredns-7d8c.v1", "10.0.0.1"] {
            assert_eq!(safe_name(name.into(), "name").as_deref(), Ok(name));
        }
        for name in ["", "../secrets/x", "a/b", "a?watch=1", "a%2f", "..", ".", "a b", &"a".repeat(254)] {
            assert!(safe_name(name.into(), "name").is_err(), "{name}");
        }
    }

    #[test]
    fn a_selector_is_written_as_kubectl_takes_it() {
        let workload = |selector: Value| Object(json!({ "kind": "Deployment", "spec": { "selector": selector } }));
        let both = workload(json!({
            "matchLabels": { "k8s-app": "kube-dns" },
            "matchExpressions": [
                { "key": "tier", "operator": "NotIn", "values": ["test", "dev"] },
                { "key": "zone", "operator": "Exists" },
                { "key": "old", "operator": "DoesNotExist" },
            ],
        }));
        assert_eq!(selector(&both).unwrap(), "k8s-app=kube-dns,tier notin (test,dev),zone,!old");
        assert!(selector(&workload(json!({}))).is_err());
        assert!(selector(&Object(json!({ "kind": "ConfigMap" }))).is_err());
    }

    #[test]
    fn a_list_keeps_the_labels_by_which_the_jobs_of_a_cronjob_are_found() {
        let template = json!({ "metadata": { "labels": { "database": "pg-1" } }, "spec": { "template": {} } });
        let cronjob = json!({ "kind": "CronJob", "spec": { "schedule": "0 1 * * *", "jobTemplate": template } });
        assert_eq!(
            list_item(&Object(cronjob)),
            json!({
                "kind": "CronJob",
                "spec": {
                    "schedule": "0 1 * * *",
                    "jobTemplate": { "metadata": { "labels": { "database": "pg-1" } } },
                },
            })
        );
    }

    #[test]
    fn a_list_keeps_what_an_object_is_and_how_it_does() {
        let item = list_item(&Object(json!({
            "kind": "Job",
            "metadata": {
                "name": "a",
                "managedFields": [1],
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}", "b": "c" },
            },
            "spec": { "template": { "spec": {} }, "suspend": false },
            "data": { "a": "b" },
            "status": { "active": 1 },
        })));
        assert_eq!(
            item,
            json!({
                "kind": "Job",
                "metadata": { "name": "a", "annotations": { "b": "c" } },
                "spec": { "suspend": false },
                "status": { "active": 1 },
            })
        );
    }
}
