//! How objects are written: what the server adds, who is noted, and who hears of it.

use serde_json::{Value, json};

use super::defaults::set_job_selector;
use super::managers::{self, Manager, Writer};
use super::objects::{Id, list};
use super::state::State;
use super::time::rfc3339;
use crate::cluster::Kind;

impl State {
    /// Adds an object that was made by a controller or an administrator, as it is.
    pub fn add(&mut self, kind: &'static Kind, mut value: Value, writer: Writer<'_>) -> Id {
        let id = self.objects.new_id();
        self.complete(id, kind, &mut value);
        let mut managers = Vec::new();
        self.note(&mut managers, kind, &Value::Null, &value, writer);
        self.objects.put(id, kind, value, managers);
        self.changed(id, true);
        id
    }

    /// Adds an object that is there already, with its status and its managers.
    pub fn load(&mut self, id: Id, kind: &'static Kind, mut value: Value) {
        self.complete(id, kind, &mut value);
        let entries = value.pointer("/metadata/managedFields").cloned().unwrap_or_default();
        let managers = managers::read(&entries, &mut self.objects.paths);
        self.objects.put(id, kind, value, managers);
    }

    /// Sets what the server gives each object, where it is not given.
    fn complete(&self, id: Id, kind: &'static Kind, value: &mut Value) {
        value["apiVersion"] = kind.api_version().into();
        value["kind"] = kind.name.into();
        let given = |value: &Value, field: &str| value["metadata"].get(field).is_some_and(|field| !field.is_null());
        if !given(value, "uid") || value["metadata"]["uid"] == "" {
            value["metadata"]["uid"] = uid(id).into();
        }
        if !given(value, "creationTimestamp") {
            value["metadata"]["creationTimestamp"] = rfc3339(self.now).into();
        }
        if has_generation(kind.id) && !given(value, "generation") {
            value["metadata"]["generation"] = json!(1);
        }
        if kind.id == "Job" {
            set_job_selector(value);
        }
    }

    /// Who manages the fields after this write.
    pub fn note(&mut self, managers: &mut Vec<Manager>, kind: &Kind, old: &Value, new: &Value, writer: Writer<'_>) {
        let changes = self.objects.paths.changes(old, new);
        managers::note(managers, &changes, writer, &kind.api_version(), self.now);
    }

    /// Writes the object as it has become. `false`: nothing differs, and so nothing was written.
    pub fn write(&mut self, id: Id, old: &Value, mut new: Value, writer: Writer<'_>) -> bool {
        let Some(stored) = self.objects.get(id) else { return false };
        if *old == new {
            return false;
        }
        let kind = stored.kind;
        let mut managers = stored.managers.clone();
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
        bump_generation(kind.id, old, &mut new, writer);
        self.note(&mut managers, kind, old, &new, writer);
        let is_gone = new.pointer("/metadata/deletionTimestamp").is_some()
            && new["metadata"].get("deletionGracePeriodSeconds") == Some(&json!(0))
            && list(&new, "/metadata/finalizers").next().is_none();
        self.objects.put(id, kind, new, managers);
        if is_gone {
            self.remove(id);
        } else {
            self.changed(id, false);
        }
        true
    }

    /// A controller's change.
    pub fn change(&mut self, id: Id, writer: Writer<'_>, change: impl FnOnce(&mut Value)) -> bool {
        let old = self.objects.value(id);
        let mut new = old.clone();
        change(&mut new);
        self.write(id, &old, new, writer)
    }

    /// Wakes those that a change concerns.
    fn changed(&mut self, id: Id, is_new: bool) {
        self.touch(id);
        let Some(stored) = self.objects.get(id) else { return };
        let (kind, namespace, name) = (stored.kind.id, stored.namespace.clone(), stored.name.clone());
        let owners = stored.owners.clone();
        let claims = stored.claims.clone();
        for owner in &owners {
            if let Some(owner) = self.objects.with_uid(owner) {
                self.touch(owner);
            }
        }
        for claim in &claims {
            if let Some(claim) = self.objects.find("PersistentVolumeClaim", &namespace, claim) {
                self.touch(claim);
            }
        }
        match kind {
            "PersistentVolumeClaim" => {
                for user in self.objects.users_of(&namespace, &name) {
                    self.touch(user);
                }
            }
            "StorageClass" if is_new => self.arrived(&format!("class/{name}")),
            "Node" => self.arrived("node"),
            _ => {}
        }
    }
}

/// UIDs look like the real ones, and come in the same order each time.
fn uid(id: Id) -> String {
    format!("00000000-0000-4000-8000-{:012x}", id.0)
}

fn has_generation(kind: &str) -> bool {
    matches!(
        kind,
        "Deployment"
            | "ReplicaSet"
            | "StatefulSet"
            | "DaemonSet"
            | "Job"
            | "CronJob"
            | "Pod"
            | "PodDisruptionBudget"
            | "Ingress"
            | "NetworkPolicy"
    )
}

/// The generation counts the changes of what is wanted.
pub(super) fn bump_generation(kind: &str, old: &Value, new: &mut Value, writer: Writer<'_>) {
    // A Deployment's annotations are copied to its ReplicaSets, and so count as well.
    let annotations = |object: &Value| object.pointer("/metadata/annotations").cloned();
    let is_bumped = old.get("spec") != new.get("spec")
        || (kind == "Deployment" && writer.subresource != "status" && annotations(old) != annotations(new));
    if let Some(generation) = old.pointer("/metadata/generation").and_then(Value::as_i64)
        && new.pointer("/metadata/generation").and_then(Value::as_i64) == Some(generation)
        && is_bumped
    {
        new["metadata"]["generation"] = json!(generation + 1);
    }
}
