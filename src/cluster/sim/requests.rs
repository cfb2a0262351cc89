//! What the API server does with a request.

use serde_json::{Value, json};

use super::admission::{self, Refusal};
use super::custom::fault_of_definition;
use super::defaults::set_defaults;
use super::managers::Writer;
use super::objects::{Id, Stored};
use super::schema;
use super::selector::{parse_fields, parse_labels};
use super::state::State;
use super::write::bump_generation;
use crate::cluster::merge::merge;
use crate::cluster::{ClusterError, Delete, Kind, ListQuery, Object, Patch};
use crate::model::ObjectKey;

impl State {
    pub fn list(&self, kind: &Kind, query: &ListQuery) -> Result<Vec<Object>, ClusterError> {
        let what = query.what(kind);
        let refused = |message| ClusterError::Refused { what: format!("list {what}"), message };
        let labels = parse_labels(&query.labels).map_err(refused)?;
        let fields = parse_fields(&query.fields, kind.id).map_err(refused)?;
        let namespace = kind.check_list(&query.namespace).map_err(|message| refused(message.to_owned()))?;
        let mut found = Vec::new();
        for id in self.objects.of_kind(kind.id, namespace) {
            let Some(stored) = self.objects.get(id) else { continue };
            if !labels.iter().all(|requirement| requirement.holds(|name| stored.label(name))) {
                continue;
            }
            if !fields.is_empty() && !self.fields_hold(id, &fields) {
                continue;
            }
            if found.len() == query.limit {
                return Err(ClusterError::TooMany { what, limit: query.limit });
            }
            found.push(id);
        }
        Ok(found.into_iter().filter_map(|id| self.objects.object(id)).collect())
    }

    fn fields_hold(&self, id: Id, requirements: &[(String, String, bool)]) -> bool {
        let object = self.objects.value(id);
        requirements.iter().all(|(field, wanted, equal)| {
            let value = match field.as_str() {
                "status.successful" => object.pointer("/status/succeeded"),
                "source" => object.pointer("/source/component"),
                field => object.pointer(&format!("/{}", field.replace('.', "/"))),
            };
            let value = match value {
                Some(Value::String(text)) => text.clone(),
                Some(other) if !other.is_null() => other.to_string(),
                _ => String::new(),
            };
            (value == *wanted) == *equal
        })
    }

    pub fn patch(&mut self, patch: &Patch) -> Result<Object, ClusterError> {
        let body = patch.with_preconditions()?;
        let request = Request { verb: "patch", key: &patch.key };
        let asked_in = self.kind(&patch.key.kind)?;
        let (id, stored) = self.stored(&patch.key)?;
        let kind = stored.kind;
        request.check_preconditions(stored, &patch.uid, patch.resource_version.as_deref())?;

        let old = self.objects.value(id);
        let mut new = old.clone();
        let writer = Writer { manager: &patch.field_manager, subresource: patch.subresource.unwrap_or_default() };
        match patch.subresource {
            None => {
                merge(&mut new, &body);
                request.check_identity(&old, &new)?;
                let kept: &[&str] = if self.has_own_status(asked_in) { &["status"] } else { &[] };
                keep(&old, &mut new, kept, SERVERS);
            }
            Some("status") => {
                merge(&mut new, &body);
                request.check_identity(&old, &new)?;
                let status = new.get("status").cloned();
                let metadata = new["metadata"].clone();
                new = old.clone();
                new["metadata"] = metadata;
                if let Some(status) = status {
                    new["status"] = status;
                }
                keep(&old, &mut new, &[], SERVERS);
            }
            Some("scale") if matches!(kind.id, "Deployment" | "StatefulSet" | "ReplicaSet") => {
                let mut scale = scale_of(&old);
                merge(&mut scale, &body);
                request.check_schema(schema::unknown_fields("Scale", &scale), &[])?;
                new["spec"]["replicas"] = scale["spec"]["replicas"].clone();
            }
            Some(other) => return Err(ClusterError::UnknownKind(format!("{}/{other}", kind.id))),
        }
        if patch.subresource != Some("scale") {
            let known = self.unknown_fields(asked_in, &old).unwrap_or_default();
            request.check_schema(self.unknown_fields(asked_in, &new), &known)?;
        }
        if patch.subresource != Some("status") {
            admission::check_change(kind.id, &old, &new, self).map_err(|refusal| request.refusal(refusal))?;
        }

        if patch.dry_run {
            return Ok(self.as_if(id, &old, new, writer, patch.subresource));
        }
        self.as_user(|state| state.write(id, &old, new, writer));
        let after = self.objects.object(id).ok_or_else(|| ClusterError::NotFound(patch.key.to_string()))?;
        Ok(if patch.subresource == Some("scale") { Object(scale_of(&after.0)) } else { after })
    }

    /// What a write would answer.
    fn as_if(&mut self, id: Id, old: &Value, mut new: Value, writer: Writer<'_>, subresource: Option<&str>) -> Object {
        let Some(stored) = self.objects.get(id) else { return Object(new) };
        let (kind, mut managers) = (stored.kind, stored.managers.clone());
        bump_generation(kind.id, old, &mut new, writer);
        self.note(&mut managers, kind, old, &new, writer);
        if subresource == Some("scale") { Object(scale_of(&new)) } else { self.objects.with_managers(new, &managers) }
    }

    pub fn create(
        &mut self,
        kind: &'static Kind,
        object: &Object,
        manager: &str,
        dry_run: bool,
    ) -> Result<Object, ClusterError> {
        let key = object.key();
        let request = Request { verb: "create", key: &key };
        let mut value = object.as_new().0;
        value["apiVersion"] = kind.api_version().into();
        if kind.namespaced && self.objects.find("Namespace", "", &key.namespace).is_none() {
            return Err(ClusterError::NotFound(format!("the namespace of {key}")));
        }
        request.check_schema(self.unknown_fields(kind, &value), &[])?;
        if let Some(fault) = fault_of_definition(kind, &value) {
            return Err(request.refused(fault));
        }
        set_defaults(kind.id, &mut value);
        self.set_default_class(kind, &mut value);
        admission::check_new(kind.id, &value).map_err(|refusal| request.refusal(refusal))?;
        admission::check_change(kind.id, &value, &value, self).map_err(|refusal| request.refusal(refusal))?;
        if self.objects.find(kind.id, &key.namespace, &key.name).is_some() {
            return Err(ClusterError::AlreadyExists(key.to_string()));
        }
        let writer = Writer { manager, subresource: "" };
        let id = self.as_user(|state| state.add(kind, value, writer));
        let created = self.objects.object(id).ok_or_else(|| ClusterError::NotFound(key.to_string()));
        if dry_run {
            // It has all that a created object has but a version, and is gone before anybody sees it.
            self.objects.remove(id);
            return created.map(|mut object| {
                if let Some(metadata) = object.0["metadata"].as_object_mut() {
                    metadata.remove("resourceVersion");
                }
                object
            });
        }
        created
    }

    pub fn erase(&mut self, delete: &Delete) -> Result<(), ClusterError> {
        let request = Request { verb: "delete", key: &delete.key };
        if delete.uid.is_empty() {
            return Err(request.refused("no uid was given, and so another object of that name could be hit"));
        }
        let (id, stored) = self.stored(&delete.key)?;
        request.check_preconditions(stored, &delete.uid, None)?;
        if !delete.dry_run {
            self.as_user(|state| state.delete(id, delete.wait_for_dependents));
        }
        Ok(())
    }

    fn stored(&self, key: &ObjectKey) -> Result<(Id, &Stored), ClusterError> {
        let id = self.objects.find(&key.kind, &key.namespace, &key.name);
        let found = id.and_then(|id| Some((id, self.objects.get(id)?)));
        found.ok_or_else(|| ClusterError::NotFound(key.to_string()))
    }

    /// A claim that names no class gets the default one.
    pub fn set_default_class(&self, kind: &Kind, value: &mut Value) {
        if kind.id != "PersistentVolumeClaim" || value["spec"].get("storageClassName").is_some() {
            return;
        }
        for class in self.objects.of_kind("StorageClass", "") {
            let class = self.objects.value(class);
            let mark = class["metadata"]["annotations"].get("storageclass.kubernetes.io/is-default-class");
            if mark.is_some_and(|mark| mark == "true") {
                value["spec"]["storageClassName"] = class["metadata"]["name"].clone();
                return;
            }
        }
    }
}

/// A request for messages.
struct Request<'a> {
    verb: &'static str,
    key: &'a ObjectKey,
}

impl Request<'_> {
    fn refused(&self, message: impl Into<String>) -> ClusterError {
        ClusterError::Refused { what: format!("{} {}", self.verb, self.key), message: message.into() }
    }

    fn refusal(&self, refusal: Refusal) -> ClusterError {
        match refusal {
            Refusal::Forbidden(message) => {
                ClusterError::Forbidden { what: format!("{} {}", self.verb, self.key), message }
            }
            Refusal::Invalid(message) => self.refused(message),
        }
    }

    fn check_preconditions(&self, stored: &Stored, uid: &str, version: Option<&str>) -> Result<(), ClusterError> {
        let conflict = |message: String| Err(ClusterError::Conflict { what: self.key.to_string(), message });
        if uid != &*stored.uid {
            return conflict(format!("UID in precondition: {uid}, UID in object meta: {}", stored.uid));
        }
        if version.is_some_and(|version| version != stored.version.to_string()) {
            return conflict(
                "the object has been modified; please apply your changes to the latest version and try again".into(),
            );
        }
        Ok(())
    }

    fn check_identity(&self, old: &Value, new: &Value) -> Result<(), ClusterError> {
        for field in ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"] {
            if old.pointer(field) != new.pointer(field) {
                return Err(self.refused(format!("{} of an object cannot be changed", field.trim_start_matches('/'))));
            }
        }
        Ok(())
    }

    /// `known`: fields that the object had before, and that nobody is blamed for.
    fn check_schema(&self, unknown: Result<Vec<String>, String>, known: &[String]) -> Result<(), ClusterError> {
        let unknown = unknown.map_err(|error| self.refused(error))?;
        match unknown.iter().find(|field| !known.contains(field)) {
            Some(field) => Err(self.refused(format!("strict decoding error: unknown field \"{field}\""))),
            None => Ok(()),
        }
    }
}

/// Metadata that a patch cannot change.
const SERVERS: &[&str] = &[
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
];

/// Puts back what is not the writer's to change.
fn keep(old: &Value, new: &mut Value, fields: &[&str], metadata: &[&str]) {
    put_back(old, new, fields);
    let before = old["metadata"].clone();
    put_back(&before, &mut new["metadata"], metadata);
}

fn put_back(old: &Value, new: &mut Value, fields: &[&str]) {
    let Some(new) = new.as_object_mut() else { return };
    for field in fields {
        match old.get(*field) {
            Some(value) => new.insert((*field).to_owned(), value.clone()),
            None => new.remove(*field),
        };
    }
}

/// The `Scale` of an object, <https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/>.
fn scale_of(object: &Value) -> Value {
    let labels = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object).into_iter().flatten();
    let selector: Vec<String> =
        labels.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    let metadata = &object["metadata"];
    json!({
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": object["spec"]["replicas"] },
        "status": {
            "replicas": object.pointer("/status/replicas").and_then(Value::as_i64).unwrap_or(0),
            "selector": selector.join(","),
        },
    })
}
