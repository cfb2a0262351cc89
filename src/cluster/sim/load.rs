//! Objects that are there already: a cluster as it is at some moment, with its statuses.

use serde_json::{Value, json};

use super::admission::{Refusal, check_name};
use super::defaults::set_defaults;
use super::objects::{Id, condition, list, text};
use super::shape::misshapen;
use super::state::State;
use crate::cluster::kinds::NAMESPACE;
use crate::cluster::{ClusterError, Kind, Object};
use crate::model::{ObjectKey, Quantity};

/// What is to be looked at when all objects are there.
#[derive(Default)]
struct Later {
    workloads: Vec<Workload>,
    pending_pods: Vec<Id>,
}

/// What is given of a workload's replicas.
struct Workload {
    id: Id,
    wanted: i64,
    /// How many are ready, as its status says; `None`: it has no status.
    ready: Option<i64>,
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

    fn take_in(&mut self, mut objects: Vec<Object>) -> Result<(), ClusterError> {
        // Owners come before what they own, so that they are found by their names; definitions
        // before what they define.
        objects.sort_by_key(|object| rank(object.kind()));
        let mut later = Later::default();
        for Object(value) in objects {
            self.take(value, &mut later)?;
        }
        for workload in later.workloads {
            self.take_workload(&workload);
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

    fn take(&mut self, value: Value, later: &mut Later) -> Result<(), ClusterError> {
        let object = Object(value);
        let kind = self.kind_of(&object)?;
        let Object(mut value) = object;
        if !value["metadata"].is_object() {
            value["metadata"] = json!({});
        }
        if kind.namespaced && text(&value, "/metadata/namespace").is_empty() {
            value["metadata"]["namespace"] = "default".into();
        }
        let key = ObjectKey::new(kind.id, text(&value, "/metadata/namespace"), text(&value, "/metadata/name"));
        let refused = |message| ClusterError::Refused { what: format!("load {key}"), message };
        kind.check_key(&key).map_err(refused)?;
        check_name(&key.name).map_err(|refusal| match refusal {
            Refusal::Invalid(message) | Refusal::Forbidden(message) => refused(message),
        })?;
        if let Some(message) = misshapen(&value) {
            return Err(refused(message));
        }
        if self.objects.find(kind.id, &key.namespace, &key.name).is_some() {
            return Err(ClusterError::AlreadyExists(key.to_string()));
        }
        self.need_namespace(&key.namespace);
        set_defaults(kind.id, &mut value);
        self.set_default_class(kind, &mut value);
        self.find_owners(&mut value);
        let id = self.objects.new_id();
        self.triage(id, kind, &value, later);
        self.load(id, kind, value);
        Ok(())
    }

    /// Which controllers must look at a given object, and when.
    fn triage(&mut self, id: Id, kind: &Kind, value: &Value, later: &mut Later) {
        let phase = text(value, "/status/phase");
        let is_going = value.pointer("/metadata/deletionTimestamp").is_some();
        let has_status = value["status"].as_object().is_some_and(|status| !status.is_empty());
        match kind.id {
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
            "Deployment" | "ReplicaSet" | "StatefulSet" => {
                if kind.id == "StatefulSet" {
                    self.revision(id, value);
                }
                let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_i64);
                let wanted = number("/spec/replicas").unwrap_or(1);
                let ready = has_status.then(|| number("/status/readyReplicas").unwrap_or(0));
                later.workloads.push(Workload { id, wanted, ready });
            }
            "Job" if has_status => {
                let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_i64);
                // Its pods are there, and none of them runs: none ever will.
                if number("/status/active").unwrap_or(0) > 0 && number("/status/ready") == Some(0) {
                    self.unready.insert(id);
                }
                self.after_settling.push(id);
            }
            "Job" => self.touch(id),
            "StorageClass" => self.arrived(&format!("class/{}", text(value, "/metadata/name"))),
            "Node" => self.arrived("node"),
            _ => {}
        }
    }

    /// A workload whose pods are all there and ready needs no look.
    fn take_workload(&mut self, workload: &Workload) {
        let Workload { id, wanted, ready: said } = *workload;
        let Some(uid) = self.objects.get(id).map(|stored| &stored.uid) else { return };
        let owned = self.objects.owned_by(uid).into_iter().filter_map(|id| self.objects.get(id));
        let pods: Vec<bool> = owned.filter(|it| it.kind.id == "Pod").map(|pod| pod.is_ready).collect();
        let ready = pods.iter().filter(|is_ready| **is_ready).count() as i64;
        if pods.len() as i64 == wanted && ready == wanted && said == Some(wanted) {
            return;
        }
        if let Some(said) = said.filter(|said| *said < wanted) {
            self.ready_left.insert(id, said - ready);
        }
        self.touch(id);
    }

    /// Sets the UIDs of owners that are given by their names alone.
    fn find_owners(&self, value: &mut Value) {
        let namespace = text(value, "/metadata/namespace").to_owned();
        let owners = value.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut);
        for owner in owners.into_iter().flatten().filter(|owner| owner["uid"].as_str().is_none_or(str::is_empty)) {
            let (kind, name) = (text(owner, "/kind"), text(owner, "/name"));
            let found = self.objects.find(kind, &namespace, name).or_else(|| self.objects.find(kind, "", name));
            if let Some(found) = found.and_then(|id| self.objects.get(id)) {
                owner["uid"] = (*found.uid).into();
            }
        }
    }

    /// Those that every cluster has.
    pub fn need_usual_namespaces(&mut self) {
        self.need_namespace("default");
        self.need_namespace("kube-system");
    }

    /// A namespace that somebody uses and nobody gave.
    pub fn need_namespace(&mut self, name: &str) {
        if !name.is_empty() && self.objects.find("Namespace", "", name).is_none() {
            let mut namespace = json!({ "metadata": { "name": name } });
            set_defaults("Namespace", &mut namespace);
            let id = self.objects.new_id();
            self.load(id, &NAMESPACE, namespace);
        }
    }
}

/// Owners come first.
fn rank(kind: &str) -> u8 {
    match kind {
        "CustomResourceDefinition" | "Namespace" | "StorageClass" | "Node" | "PersistentVolume" => 0,
        "Deployment" | "StatefulSet" | "DaemonSet" | "CronJob" => 1,
        "ReplicaSet" | "Job" => 2,
        _ => 3,
    }
}

fn grows(claim: &Value) -> bool {
    let size = |pointer: &str| text(claim, pointer).parse::<Quantity>().ok();
    let has = size("/status/capacity/storage");
    condition(claim, "Resizing").is_some()
        || has.is_some_and(|has| size("/spec/resources/requests/storage") > Some(has))
}
