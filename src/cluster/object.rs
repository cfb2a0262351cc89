//! An object of the cluster, as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::ObjectKey;

/// An object as the API server writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(pub Value);

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

    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.kind(), self.namespace(), self.name())
    }

    /// One annotation, if it is there.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.at("/metadata/annotations")?.get(name)?.as_str()
    }

    /// One label, if it is there.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.at("/metadata/labels")?.get(name)?.as_str()
    }

    /// Whether its deletion was asked for.
    pub fn is_going(&self) -> bool {
        self.at("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null())
    }

    /// Who last changed a field, and when, by `metadata.managedFields`; the latest where several managers own it.
    ///
    /// `path` is the field's names from the root, `["spec", "replicas"]`. `None` when nobody is on record.
    pub fn field_manager(&self, path: &[&str]) -> Option<FieldManager> {
        let entries = self.at("/metadata/managedFields")?.as_array()?;
        entries
            .iter()
            .filter(|entry| {
                let mut fields = entry.get("fieldsV1");
                for name in path {
                    fields = fields.and_then(|f| f.get(format!("f:{name}")));
                }
                fields.is_some()
            })
            .filter_map(|entry| {
                let at = entry.get("time")?.as_str()?;
                Some(FieldManager {
                    name: entry.get("manager")?.as_str()?.to_owned(),
                    at: DateTime::parse_from_rfc3339(at).ok()?.to_utc(),
                })
            })
            .max_by_key(|manager| manager.at)
    }
}

/// Who changed a field, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldManager {
    pub name: String,
    /// To the second, as the API server keeps it.
    pub at: DateTime<Utc>,
}

impl From<Value> for Object {
    fn from(value: Value) -> Self {
        Self(value)
    }
}
