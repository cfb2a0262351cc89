//! The controllers: each looks at one object and does the next thing for it. They know Kubernetes, and no playbook.

mod claim;
pub(super) mod condition;
mod deployment;
mod event;
mod job;
mod pod;
mod replica_set;
mod stateful_set;
mod volume;

use serde_json::{Map, Value, json};

use super::objects::{Id, Stored, text};
use super::state::{CONTROLLERS_STATUS, State};
use crate::cluster::kinds::POD;
use crate::model::ObjectKey;

impl State {
    /// Does for one object what is to be done now.
    pub(super) fn reconcile(&mut self, id: Id) {
        if self.reconcile_deletion(id) {
            return;
        }
        match self.objects.get(id).map(|stored| stored.kind.id) {
            Some("Deployment") => self.reconcile_deployment(id),
            Some("ReplicaSet") => self.reconcile_replica_set(id),
            Some("StatefulSet") => self.reconcile_stateful_set(id),
            Some("Pod") => self.reconcile_pod(id),
            Some("Job") => self.reconcile_job(id),
            Some("PersistentVolumeClaim") => self.reconcile_claim(id),
            Some("PersistentVolume") => self.reconcile_volume(id),
            Some("Event") => self.reconcile_event(id),
            _ => {}
        }
    }

    /// Writes into the status what differs; null removes.
    fn set_status(&mut self, id: Id, fields: Value) {
        self.change(id, CONTROLLERS_STATUS, |object| {
            if !object["status"].is_object() {
                object["status"] = json!({});
            }
            crate::cluster::merge::merge(&mut object["status"], &fields);
        });
    }

    /// The pods that an owner has, those on their way out left aside.
    fn live_pods(&self, uid: &str) -> Vec<(Id, &Stored)> {
        let pods = self.objects.owned_by(uid).into_iter().filter_map(|id| Some((id, self.objects.get(id)?)));
        pods.filter(|(_, pod)| pod.kind.id == "Pod" && !pod.is_going && !pod.is_finished).collect()
    }

    /// The object and all that it belongs to, upwards.
    pub(super) fn lineage(&self, id: Id) -> Vec<(Id, ObjectKey)> {
        let mut lineage = Vec::new();
        let mut next = Some(id);
        // Pod, ReplicaSet, Deployment: more steps than five would be a circle.
        while let Some((id, stored)) = next.and_then(|id| Some((id, self.objects.get(id)?)))
            && lineage.len() < 5
        {
            lineage.push((id, ObjectKey::new(stored.kind.id, &*stored.namespace, &*stored.name)));
            next = stored.owners.first().and_then(|owner| self.objects.with_uid(owner));
        }
        lineage
    }

    /// A new pod of `owner`, as its template says.
    fn add_pod(&mut self, owner: &Value, name: &str, more_labels: &[(&str, String)]) -> Id {
        let template = &owner["spec"]["template"];
        let mut metadata: Map<String, Value> = Map::new();
        for field in ["labels", "annotations"] {
            if let Some(value) = template["metadata"].get(field).filter(|value| !value.is_null()) {
                metadata.insert(field.into(), value.clone());
            }
        }
        metadata.insert("name".into(), name.into());
        metadata.insert("namespace".into(), owner["metadata"]["namespace"].clone());
        metadata.insert("generateName".into(), format!("{}-", text(owner, "/metadata/name")).into());
        metadata.insert("ownerReferences".into(), json!([owner_reference(owner)]));
        let mut pod = json!({ "metadata": metadata, "spec": template["spec"] });
        for (name, value) in more_labels {
            pod["metadata"]["labels"][*name] = value.as_str().into();
        }
        super::defaults::set_defaults("Pod", &mut pod);
        let id = self.add(&POD, pod, super::state::CONTROLLERS);
        self.settle_pod(id);
        id
    }

    /// While objects are loaded: a pod that its workload's given status does not count as ready is never going to be.
    fn settle_pod(&mut self, id: Id) {
        if !self.is_settling {
            return;
        }
        for (owner, _) in self.lineage(id) {
            if let Some(left) = self.ready_left.get_mut(&owner) {
                if *left <= 0 {
                    self.unready.insert(id);
                }
                *left -= 1;
            }
        }
    }

    /// A name that begins so and that nobody has, with five characters such as Kubernetes appends.
    fn free_name(&mut self, kind: &str, namespace: &str, prefix: &str) -> String {
        loop {
            self.counter += 1;
            let name = format!("{prefix}-{}", safe_text(hash(&self.counter.to_le_bytes()), 5));
            if self.objects.find(kind, namespace, &name).is_none() {
                return name;
            }
        }
    }
}

fn owner_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// The same on every machine, so that the names made of it are.
fn hash(bytes: &[u8]) -> u64 {
    fnv(0xcbf2_9ce4_8422_2325, bytes)
}

/// FNV-1a.
fn fnv(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A hash of a whole value.
fn hash_value(value: &Value) -> u64 {
    fn go(seed: u64, value: &Value) -> u64 {
        match value {
            Value::Object(fields) => {
                fields.iter().fold(fnv(seed, b"{"), |seed, (name, value)| go(fnv(seed, name.as_bytes()), value))
            }
            Value::Array(items) => items.iter().fold(fnv(seed, b"["), go),
            Value::String(text) => fnv(fnv(seed, b"\""), text.as_bytes()),
            other => fnv(seed, other.to_string().as_bytes()),
        }
    }
    go(hash(b""), value)
}

/// With the letters that Kubernetes uses: no vowels, and so no words.
fn safe_text(mut number: u64, length: usize) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let letters = (0..length).map(|_| {
        let letter = LETTERS[(number % 27) as usize];
        number /= 27;
        char::from(letter)
    });
    letters.collect()
}

/// The whole number at a JSON pointer.
fn number(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}
