//! An object of the cluster, as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Kind;
use super::merge::merge;
use crate::model::ObjectKey;

/// An object as the API server writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(pub Value);

/// The metadata that is the server's to set.
const GIVEN_BY_THE_SERVER: &[&str] = &[
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
];

/// Takes off a Job what ties it to the pods of its former self; a server refuses it otherwise.
fn forget_pods(job: &mut Value) {
    if let Some(spec) = job.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("selector");
    }
    for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
        if let Some(labels) = job.pointer_mut(labels).and_then(Value::as_object_mut) {
            labels.retain(|name, _| {
                !matches!(name.trim_start_matches("batch.kubernetes.io/"), "controller-uid" | "job-name")
            });
        }
    }
}

impl Object {
    /// The value at a JSON pointer: `/spec/replicas`.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }

    /// The text at a JSON pointer; empty when it is absent or no text.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The whole number at a JSON pointer.
    pub fn number(&self, pointer: &str) -> Option<i64> {
        self.at(pointer).and_then(Value::as_i64)
    }

    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Empty for objects of the whole cluster.
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    pub fn resource_version(&self) -> &str {
        self.text("/metadata/resourceVersion")
    }

    /// With its group where it is of no kind of Kubernetes itself; in whatever version it was read.
    pub fn key(&self) -> ObjectKey {
        let group = self.text("/apiVersion").split_once('/').map_or("", |(group, _)| group);
        ObjectKey::new(Kind::id_of(self.kind(), group), self.namespace(), self.name())
    }

    /// One annotation, if it is there.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.at("/metadata/annotations")?.get(name)?.as_str()
    }

    /// One label, if it is there.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.at("/metadata/labels")?.get(name)?.as_str()
    }

    /// The object after a JSON merge patch (RFC 7386).
    pub fn with(mut self, patch: &Value) -> Self {
        merge(&mut self.0, patch);
        self
    }

    /// The object without its status and without what the API server gives each object by itself: what to create it
    /// from once more.
    pub fn as_new(&self) -> Object {
        let mut object = self.0.clone();
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for given in GIVEN_BY_THE_SERVER {
                metadata.remove(*given);
            }
        }
        if self.kind() == "Job" && self.at("/spec/manualSelector") != Some(&Value::Bool(true)) {
            forget_pods(&mut object);
        }
        Object(object)
    }

    /// Whether its deletion was asked for.
    pub fn is_going(&self) -> bool {
        self.at("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null())
    }

    /// Who last changed a field, and when, by `metadata.managedFields`; the latest where several managers own it.
    ///
    /// An entry without a time comes before those with one: two managers own one field only when the second one applied
    /// the value that was there, and that has a time.
    ///
    /// `path` is the field's names from the root, `["spec", "replicas"]`; an item of a list is
    /// named by what tells it from the others: `k:{"name":"main"}`. `None` when nobody is on
    /// record.
    pub fn field_manager(&self, path: &[&str]) -> Option<FieldManager> {
        let entries = self.at("/metadata/managedFields")?.as_array()?;
        entries
            .iter()
            .filter(|entry| {
                let mut fields = entry.get("fieldsV1");
                for name in path {
                    fields = fields.and_then(|f| f.get(segment(name)));
                }
                fields.is_some()
            })
            .filter_map(|entry| {
                let at = entry.get("time").and_then(Value::as_str);
                Some(FieldManager {
                    name: entry.get("manager")?.as_str()?.to_owned(),
                    at: at.and_then(|at| DateTime::parse_from_rfc3339(at).ok()).map(|at| at.to_utc()),
                })
            })
            .max_by_key(|manager| manager.at)
    }
}

/// As `fieldsV1` has it: a field, or an item of a list.
pub fn segment(name: &str) -> String {
    if name.starts_with("k:{") { name.to_owned() } else { format!("f:{name}") }
}

/// Who changed a field, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldManager {
    pub name: String,
    /// To the second, as the API server keeps it. `None`: the server keeps no time for changes through the `scale`
    /// subresource, neither ours nor an autoscaler's.
    pub at: Option<DateTime<Utc>>,
}

impl From<Value> for Object {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recorded_job_becomes_a_new_one() {
        let labels = json!({ "app": "backup", "controller-uid": "u", "batch.kubernetes.io/job-name": "b" });
        let recorded = Object(json!({
            "kind": "Job",
            "metadata": { "name": "b", "uid": "u", "resourceVersion": "7", "labels": { "app": "backup" } },
            "spec": { "selector": { "matchLabels": {} }, "template": { "metadata": { "labels": labels } } },
            "status": { "active": 1 },
        }));
        let new = json!({
            "kind": "Job",
            "metadata": { "name": "b", "labels": { "app": "backup" } },
            "spec": { "template": { "metadata": { "labels": { "app": "backup" } } } },
        });
        assert_eq!(recorded.as_new(), Object(new));
    }

    #[test]
    fn the_manager_of_a_field_is_the_one_who_changed_it_last() {
        let entry = |manager, time: Option<&str>, fields| {
            let mut entry = json!({ "manager": manager, "operation": "Update", "fieldsV1": fields });
            entry["time"] = time.into();
            entry
        };
        let replicas = json!({ "f:spec": { "f:replicas": {} } });
        let image = json!({ "f:spec": { "f:template": {} } });
        let object = |entries: Vec<Value>| Object(json!({ "metadata": { "managedFields": entries } }));
        let manager = |object: &Object, path| object.field_manager(path).map(|it| (it.name, it.at.is_some()));

        let deployed = entry("helm", Some("2026-01-01T10:00:00Z"), image);
        let scaled = entry("kubectl", Some("2026-01-01T11:00:00Z"), replicas.clone());
        let both = object(vec![scaled.clone(), deployed.clone()]);
        assert_eq!(manager(&both, &["spec", "replicas"]), Some(("kubectl".into(), true)));
        assert_eq!(manager(&both, &["spec"]), Some(("kubectl".into(), true)));
        assert_eq!(manager(&both, &["spec", "template"]), Some(("helm".into(), true)));
        assert_eq!(manager(&both, &["spec", "paused"]), None);

        let by_subresource = object(vec![deployed, entry("dogwatch-run-7-scale", None, replicas)]);
        assert_eq!(manager(&by_subresource, &["spec", "replicas"]), Some(("dogwatch-run-7-scale".into(), false)));
    }
}
