//! How objects go: finalizers, grace periods, owners, and what follows its owner.

use std::time::Duration;

use serde_json::{Value, json};

use super::objects::{Id, list, text};
use super::state::{CONTROLLERS, State};
use super::time::{parse, rfc3339};

/// How long after its owner the garbage collector takes an object away.
const COLLECTED: Duration = Duration::from_secs(1);
/// How long a pod takes to stop.
const STOPPED: Duration = Duration::from_secs(2);

/// The finalizer of an object that waits for its dependents.
const FOREGROUND: &str = "foregroundDeletion";

impl State {
    /// Asks for the deletion of the object. `foreground`: it stays until all that it owns is gone.
    pub fn delete(&mut self, id: Id, foreground: bool) {
        let old = self.objects.value(id);
        let Some(new) = self.going(id, &old, foreground) else {
            self.remove(id);
            return;
        };
        if self.write(id, &old, new, CONTROLLERS) && self.is_graceful(id) {
            self.touch_in(id, STOPPED);
        }
    }

    /// The object as it is while its deletion is under way; `None` when it can go at once.
    pub fn going(&self, id: Id, object: &Value, foreground: bool) -> Option<Value> {
        let mut new = object.clone();
        let mut finalizers: Vec<Value> = list(object, "/metadata/finalizers").cloned().collect();
        if foreground && !finalizers.iter().any(|finalizer| finalizer == FOREGROUND) {
            finalizers.push(FOREGROUND.into());
            new["metadata"]["finalizers"] = json!(finalizers);
        }
        if object.pointer("/metadata/deletionTimestamp").is_none() {
            let grace = if self.is_graceful(id) {
                object.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(30)
            } else {
                0
            };
            if grace == 0 && finalizers.is_empty() {
                return None;
            }
            new["metadata"]["deletionTimestamp"] = rfc3339(self.now + Duration::from_secs(grace)).into();
            new["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
            if let Some(generation) = object.pointer("/metadata/generation").and_then(Value::as_i64) {
                new["metadata"]["generation"] = json!(generation + 1);
            }
        }
        Some(new)
    }

    /// A pod that runs on a node is given time to stop.
    fn is_graceful(&self, id: Id) -> bool {
        let is_pod = self.objects.get(id).is_some_and(|stored| stored.kind.id == "Pod" && !stored.is_finished);
        is_pod && !text(&self.objects.value(id), "/spec/nodeName").is_empty()
    }

    /// Takes the object away, and tells those who must know.
    pub fn remove(&mut self, id: Id) {
        let Some(stored) = self.objects.remove(id) else { return };
        self.frozen.remove(&id);
        self.unready.remove(&id);
        self.ready_left.remove(&id);
        self.due.remove(&id);
        self.free_volumes.remove(&id);
        self.revisions.remove(&id);
        self.faults.forget(id);
        if stored.kind.id == "PersistentVolumeClaim"
            && let Some(volume) = self.objects.find("PersistentVolume", "", &stored.volume)
        {
            self.released.insert(stored.uid.clone());
            self.touch(volume);
        }
        for owner in &stored.owners {
            if let Some(owner) = self.objects.with_uid(owner) {
                self.touch(owner);
            }
        }
        for claim in &stored.claims {
            if let Some(claim) = self.objects.find("PersistentVolumeClaim", &stored.namespace, claim) {
                self.touch(claim);
            }
        }
        for dependent in self.objects.owned_by(&stored.uid) {
            let owners = self.objects.get(dependent).map(|dependent| dependent.owners.clone()).unwrap_or_default();
            if owners.iter().all(|owner| self.objects.with_uid(owner).is_none()) {
                self.abandoned.insert(dependent);
                self.touch_in(dependent, COLLECTED);
            }
        }
    }

    /// What all kinds have in common, before the controller of the kind looks. `true`: there is nothing more to do.
    pub fn reconcile_deletion(&mut self, id: Id) -> bool {
        let is_going = self.objects.get(id).is_some_and(|stored| stored.is_going);
        // What is on its way already goes on: this may be the look that finds it stopped.
        if self.abandoned.remove(&id) && !is_going {
            self.delete(id, false);
            return true;
        }
        let Some(stored) = self.objects.get(id) else { return true };
        if !stored.is_going {
            return false;
        }
        let (kind, uid, namespace, name) =
            (stored.kind.id, stored.uid.clone(), stored.namespace.clone(), stored.name.clone());
        let object = self.objects.value(id);
        let is_held = list(&object, "/metadata/finalizers").next().is_some();
        if kind == "Pod" && !is_held && !self.frozen.contains(&id) && self.has_stopped(&object) {
            self.remove(id);
            return true;
        }
        let has = |finalizer: &str| list(&object, "/metadata/finalizers").any(|other| other == finalizer);
        if has(FOREGROUND) {
            let dependents = self.objects.owned_by(&uid);
            for dependent in &dependents {
                if self.objects.get(*dependent).is_some_and(|dependent| !dependent.is_going) {
                    let has_own =
                        self.objects.get(*dependent).is_some_and(|it| !self.objects.owned_by(&it.uid).is_empty());
                    self.delete(*dependent, has_own);
                }
            }
            if self.objects.owned_by(&uid).is_empty() {
                self.drop_finalizer(id, FOREGROUND);
            }
            return true;
        }
        // A claim is kept while a pod uses it.
        if kind == "PersistentVolumeClaim" && has("kubernetes.io/pvc-protection") {
            let users = self.objects.users_of(&namespace, &name);
            if users.iter().all(|user| self.objects.get(*user).is_none_or(|user| user.is_finished)) {
                self.drop_finalizer(id, "kubernetes.io/pvc-protection");
            }
        }
        if kind == "PersistentVolume" && text(&object, "/status/phase") != "Bound" {
            self.drop_finalizer(id, "kubernetes.io/pv-protection");
        }
        true
    }

    fn has_stopped(&self, pod: &Value) -> bool {
        let grace = pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(0);
        let Some(deadline) = parse(text(pod, "/metadata/deletionTimestamp")) else { return false };
        let asked = deadline - Duration::from_secs(grace);
        self.now >= asked + STOPPED.min(Duration::from_secs(grace))
    }

    fn drop_finalizer(&mut self, id: Id, finalizer: &str) {
        self.change(id, CONTROLLERS, |object| {
            if let Some(finalizers) = object.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut) {
                finalizers.retain(|other| other != finalizer);
                if finalizers.is_empty()
                    && let Some(metadata) = object["metadata"].as_object_mut()
                {
                    metadata.remove("finalizers");
                }
            }
        });
    }
}
