//! Everything that the simulated cluster is at one moment, and how it is written to.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::defaults::set_job_selector;
use super::fault::Faults;
use super::managers::{self, Manager, Writer};
use super::objects::{Id, Objects, list, text};
use super::time::rfc3339;
use crate::cluster::{Kind, Object};
use crate::model::ObjectKey;

/// As whom the controllers write.
pub(super) const CONTROLLERS: Writer<'static> = Writer { manager: "kube-controller-manager", subresource: "" };
pub(super) const CONTROLLERS_STATUS: Writer<'static> =
    Writer { manager: "kube-controller-manager", subresource: "status" };

/// How long after a user's write the controllers have seen it.
const NOTICED: Duration = Duration::from_secs(1);
/// How long after its owner the garbage collector takes an object away.
const COLLECTED: Duration = Duration::from_secs(1);
/// How long a pod takes to stop.
const STOPPED: Duration = Duration::from_secs(2);

/// The finalizer of an object that waits for its dependents.
pub(super) const FOREGROUND: &str = "foregroundDeletion";

/// The present template of a StatefulSet.
#[derive(Debug)]
pub(super) struct Revision {
    /// A hash of it.
    pub template: u64,
    pub name: Box<str>,
    /// The revision that was there first: that of pods without a label that says otherwise.
    pub first: Box<str>,
}

#[derive(Debug)]
pub(super) struct State {
    pub objects: Objects,
    /// The virtual time. While timers run it is the time of each, not that at which somebody came to look.
    pub now: DateTime<Utc>,
    pub faults: Faults,
    /// While objects are loaded: everything takes no time, and nobody talks about it.
    pub is_settling: bool,
    /// While a user writes.
    is_user: bool,
    dirty: VecDeque<Id>,
    is_dirty: HashSet<Id>,
    timers: BTreeSet<(DateTime<Utc>, Id)>,
    /// Those whose last owner is gone.
    abandoned: HashSet<Id>,
    /// Claims and pods that wait for something that is not there yet, by what that is.
    pub waiting: HashMap<Box<str>, BTreeSet<Id>>,
    /// Events, by what they say (UID, reason, message), and when it was told last.
    pub told: HashMap<(Box<str>, Box<str>, Box<str>), (Id, DateTime<Utc>)>,
    /// Pods that were given as stuck, on their way in or out, and stay so.
    pub frozen: HashSet<Id>,
    /// Pods that run and are not ready, because their workload was given so.
    pub unready: HashSet<Id>,
    /// Those that are looked at when loading is over: they were given in the middle of something.
    pub after_settling: Vec<Id>,
    /// How many of a workload's missing pods are ready from the start, for those that were given as not ready.
    pub ready_left: HashMap<Id, i64>,
    /// When the present work on an object is done: when a Job's pod ends, when a claim has its volume.
    pub due: HashMap<Id, DateTime<Utc>>,
    /// Volumes that no claim has.
    pub free_volumes: BTreeSet<Id>,
    /// The UIDs of claims that are gone, while their volumes have not heard of it.
    pub released: HashSet<Box<str>>,
    /// Of which revision each StatefulSet's template is.
    pub revisions: HashMap<Id, Revision>,
    /// How long a Job's pod runs.
    pub job_duration: Duration,
    /// Counts what needs a name or a place of its own.
    pub counter: u64,
}

impl State {
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            objects: Objects::new(),
            now,
            faults: Faults::default(),
            is_settling: false,
            is_user: false,
            dirty: VecDeque::new(),
            is_dirty: HashSet::new(),
            timers: BTreeSet::new(),
            abandoned: HashSet::new(),
            waiting: HashMap::new(),
            told: HashMap::new(),
            frozen: HashSet::new(),
            unready: HashSet::new(),
            after_settling: Vec::new(),
            ready_left: HashMap::new(),
            due: HashMap::new(),
            free_volumes: BTreeSet::new(),
            released: HashSet::new(),
            revisions: HashMap::new(),
            job_duration: Duration::from_secs(30),
            counter: 0,
        }
    }

    /// Does all that is due by `until`, in its order and at its time, and says when the next thing is due.
    pub fn run(&mut self, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        loop {
            while let Some(id) = self.dirty.pop_front() {
                self.is_dirty.remove(&id);
                self.reconcile(id);
            }
            match self.timers.first().copied() {
                Some((at, id)) if at <= until => {
                    self.timers.pop_first();
                    self.now = self.now.max(at);
                    self.touch(id);
                }
                next => {
                    self.now = self.now.max(until);
                    return next.map(|(at, _)| at);
                }
            }
        }
    }

    /// Has the controllers look at the object: now, or a little after a user's write.
    pub fn touch(&mut self, id: Id) {
        if self.is_user {
            self.touch_in(id, NOTICED);
        } else if self.is_dirty.insert(id) {
            self.dirty.push_back(id);
        }
    }

    /// Makes the changes of a user, of which the controllers hear a little later.
    pub fn as_user<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> T {
        self.is_user = !self.is_settling;
        let result = change(self);
        self.is_user = false;
        result
    }

    /// Has the controllers look at the object in a while.
    pub fn touch_in(&mut self, id: Id, delay: Duration) {
        self.touch_at(id, self.now + delay);
    }

    pub fn touch_at(&mut self, id: Id, at: DateTime<Utc>) {
        self.timers.insert((at, id));
    }

    /// How long something takes: no time while objects are loaded.
    pub fn pace(&self, delay: Duration) -> Duration {
        if self.is_settling { Duration::ZERO } else { delay }
    }

    /// Has the controllers look at the object when `what` comes.
    pub fn wait_for(&mut self, what: &str, id: Id) {
        self.waiting.entry(what.into()).or_default().insert(id);
    }

    /// `what` has come.
    pub fn arrived(&mut self, what: &str) {
        for id in self.waiting.remove(what).into_iter().flatten() {
            self.touch(id);
        }
    }

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
        if has_generation(kind.name) && !given(value, "generation") {
            value["metadata"]["generation"] = json!(1);
        }
        if kind.name == "Job" {
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
        bump_generation(kind.name, old, &mut new, writer);
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
        let (kind, namespace, name) = (stored.kind.name, stored.namespace.clone(), stored.name.clone());
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
        let is_pod = self.objects.get(id).is_some_and(|stored| stored.kind.name == "Pod" && !stored.is_finished);
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
        if stored.kind.name == "PersistentVolumeClaim"
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
        if self.abandoned.remove(&id) {
            self.delete(id, false);
            return true;
        }
        let Some(stored) = self.objects.get(id) else { return true };
        if !stored.is_going {
            return false;
        }
        let (kind, uid, namespace, name) =
            (stored.kind.name, stored.uid.clone(), stored.namespace.clone(), stored.name.clone());
        let object = self.objects.value(id);
        if kind == "Pod" && !self.frozen.contains(&id) && self.has_stopped(&object) {
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
        let Some(deadline) = super::time::parse(text(pod, "/metadata/deletionTimestamp")) else { return false };
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

    /// The object under that name, as the API gives it.
    pub fn object(&self, key: &ObjectKey) -> Option<Object> {
        self.objects.object(self.objects.find(&key.kind, &key.namespace, &key.name)?)
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
