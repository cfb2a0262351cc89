//! Objects that are there already: a cluster as it is at some moment, with its statuses.

use serde_json::Value;

use super::admission::{Refusal, check_name};
use super::defaults::set_defaults;
use super::objects::{Id, condition, list, text};
use super::state::State;
use crate::cluster::kinds::NAMESPACE;
use crate::cluster::{ClusterError, Kind, Object};
use crate::model::{ObjectKey, Quantity};

/// What is to be looked at when all objects are there.
#[derive(Default)]
struct Later {
    /// Objects whose owner was not there yet.
    owned: Vec<Id>,
    workloads: Vec<Id>,
    pending_pods: Vec<Id>,
}

impl State {
    /// Takes the objects in, and has the controllers make what is missing, in no time. What is given is believed: a
    /// Deployment of which two of four pods are ready has two pods that never will be.
    pub fn load_all(&mut self, objects: Vec<Object>) -> Result<(), ClusterError> {
        self.is_settling = true;
        let result = self.take_in(objects);
        if result.is_ok() {
            self.run(self.now);
        }
        self.is_settling = false;
        for id in std::mem::take(&mut self.after_settling) {
            self.touch(id);
        }
        result
    }

    fn take_in(&mut self, objects: Vec<Object>) -> Result<(), ClusterError> {
        let mut later = Later::default();
        for Object(value) in objects {
            self.take(value, &mut later)?;
        }
        for id in later.owned {
            let old = self.objects.value(id);
            let mut value = old.clone();
            if self.find_owners(&mut value) {
                self.replace(id, value);
            }
        }
        for id in later.workloads {
            self.take_workload(id);
        }
        for id in later.pending_pods {
            let claims = self.objects.get(id).map(|pod| pod.claims.clone()).unwrap_or_default();
            let namespace = self.objects.get(id).map(|pod| pod.namespace.clone()).unwrap_or_default();
            let is_bound = |claim: &str| {
                let claim = self.objects.find("PersistentVolumeClaim", &namespace, claim);
                claim.is_some_and(|claim| text(&self.objects.value(claim), "/status/phase") == "Bound")
            };
            // It waits for a claim, or for something that nobody here knows of.
            if claims.iter().all(|claim| is_bound(claim)) {
                self.frozen.insert(id);
            } else {
                self.after_settling.push(id);
            }
        }
        Ok(())
    }

    fn take(&mut self, mut value: Value, later: &mut Later) -> Result<(), ClusterError> {
        let kind = Kind::find(text(&value, "/kind"))?;
        if kind.namespaced && text(&value, "/metadata/namespace").is_empty() {
            value["metadata"]["namespace"] = "default".into();
        }
        let key = ObjectKey::new(kind.name, text(&value, "/metadata/namespace"), text(&value, "/metadata/name"));
        let refused = |message| ClusterError::Refused { what: format!("load {key}"), message };
        kind.check_key(&key).map_err(refused)?;
        check_name(&key.name).map_err(|refusal| match refusal {
            Refusal::Invalid(message) | Refusal::Forbidden(message) => refused(message),
        })?;
        if self.objects.find(kind.name, &key.namespace, &key.name).is_some() {
            return Err(ClusterError::AlreadyExists(key.to_string()));
        }
        self.need_namespace(&key.namespace);
        set_defaults(kind.name, &mut value);
        self.set_default_class(kind, &mut value);
        if !self.find_owners(&mut value) {
            later.owned.push(Id(0));
        }
        let id = self.load(kind, value.clone());
        if let Some(waits) = later.owned.last_mut().filter(|id| id.0 == 0) {
            *waits = id;
        }
        self.triage(id, kind, &value, later);
        Ok(())
    }

    /// Which controllers must look at a given object, and when.
    fn triage(&mut self, id: Id, kind: &Kind, value: &Value, later: &mut Later) {
        let phase = text(value, "/status/phase");
        let is_going = value.pointer("/metadata/deletionTimestamp").is_some();
        let has_status = value["status"].as_object().is_some_and(|status| !status.is_empty());
        match kind.name {
            "Pod" if is_going => {
                self.frozen.insert(id);
            }
            "Pod" if phase.is_empty() => self.touch(id),
            "Pod" if phase == "Pending" => later.pending_pods.push(id),
            "Pod" if list(value, "/metadata/ownerReferences").any(|owner| owner["kind"] == "Job") => {
                self.after_settling.push(id);
            }
            "Pod" | "Event" => {}
            _ if is_going => self.after_settling.push(id),
            "PersistentVolumeClaim" if phase.is_empty() => self.touch(id),
            "PersistentVolumeClaim" if phase == "Pending" || grows(value) => self.after_settling.push(id),
            "PersistentVolume" if phase != "Bound" => self.touch(id),
            "StatefulSet" => {
                self.revision(id, value);
                later.workloads.push(id);
            }
            "Deployment" | "ReplicaSet" => later.workloads.push(id),
            "Job" if has_status => self.after_settling.push(id),
            "Job" => self.touch(id),
            "StorageClass" => self.arrived(&format!("class/{}", text(value, "/metadata/name"))),
            "Node" => self.arrived("node"),
            _ => {}
        }
    }

    /// A workload whose pods are all there and ready needs no look.
    fn take_workload(&mut self, id: Id) {
        let value = self.objects.value(id);
        let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_i64);
        let wanted = number("/spec/replicas").unwrap_or(1);
        let pods: Vec<bool> = self
            .objects
            .owned_by(text(&value, "/metadata/uid"))
            .into_iter()
            .filter_map(|id| self.objects.get(id).filter(|it| it.kind.name == "Pod").map(|pod| pod.is_ready))
            .collect();
        let ready = pods.iter().filter(|is_ready| **is_ready).count() as i64;
        let said = number("/status/readyReplicas").unwrap_or(0);
        if pods.len() as i64 == wanted && ready == wanted && said == wanted {
            return;
        }
        if value["status"].as_object().is_some_and(|status| !status.is_empty()) && said < wanted {
            self.ready_left.insert(id, said - ready);
        }
        self.touch(id);
    }

    /// Sets the UIDs of owners that are given by their names alone. `false`: an owner is not there.
    fn find_owners(&self, value: &mut Value) -> bool {
        let namespace = text(value, "/metadata/namespace").to_owned();
        let owners = value.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut);
        let mut all = true;
        for owner in owners.into_iter().flatten().filter(|owner| owner["uid"].as_str().is_none_or(str::is_empty)) {
            let (kind, name) = (text(owner, "/kind"), text(owner, "/name"));
            let found = self.objects.find(kind, &namespace, name).or_else(|| self.objects.find(kind, "", name));
            match found.and_then(|id| self.objects.get(id)) {
                Some(found) => owner["uid"] = (*found.uid).into(),
                None => all = false,
            }
        }
        all
    }

    /// A namespace that somebody uses and nobody gave.
    pub fn need_namespace(&mut self, name: &str) {
        if !name.is_empty() && self.objects.find("Namespace", "", name).is_none() {
            let mut namespace = serde_json::json!({ "metadata": { "name": name } });
            set_defaults("Namespace", &mut namespace);
            self.load(&NAMESPACE, namespace);
        }
    }
}

fn grows(claim: &Value) -> bool {
    let size = |pointer: &str| text(claim, pointer).parse::<Quantity>().ok();
    let has = size("/status/capacity/storage");
    condition(claim, "Resizing").is_some()
        || has.is_some_and(|has| size("/spec/resources/requests/storage") > Some(has))
}
