//! The objects of the simulated cluster, and the indexes by which they are found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use serde_json::Value;

use super::custom::defines_kinds;
use super::managers::{self, Manager};
use super::paths::Paths;
use crate::cluster::{Kind, Object};
use crate::model::kind_identity;

/// One object, from its creation to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(pub u64);

/// An object, and what must be known about it without reading all of it.
#[derive(Debug)]
pub(super) struct Stored {
    pub kind: &'static Kind,
    pub namespace: Box<str>,
    pub name: Box<str>,
    pub uid: Box<str>,
    pub version: u64,
    pub labels: Box<[(Box<str>, Box<str>)]>,
    /// The UIDs of its owners.
    pub owners: Box<[Box<str>]>,
    /// For a pod: the claims that it uses.
    pub claims: Box<[Box<str>]>,
    /// For a claim: the volume that it has.
    pub volume: Box<str>,
    /// Its deletion was asked for.
    pub is_going: bool,
    /// For a pod: it is Ready.
    pub is_ready: bool,
    /// For a pod: it came to its end, well or not.
    pub is_finished: bool,
    pub managers: Vec<Manager>,
    /// As JSON, which takes a tenth of the room of the tree. Without resourceVersion and managedFields.
    text: Box<str>,
}

impl Stored {
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(other, _)| **other == *name).map(|(_, value)| &**value)
    }

    fn of(kind: &'static Kind, value: &Value, managers: Vec<Manager>, version: u64) -> Self {
        let text = |pointer: &str| -> Box<str> { text(value, pointer).into() };
        let labels = value.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
        let is_pod = kind.id == "Pod";
        Self {
            kind,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
            version,
            labels: labels
                .map(|(name, value)| (name.as_str().into(), value.as_str().unwrap_or_default().into()))
                .collect(),
            owners: list(value, "/metadata/ownerReferences")
                .map(|owner| owner["uid"].as_str().unwrap_or_default().into())
                .collect(),
            claims: if is_pod { claims(value) } else { Box::default() },
            volume: text("/spec/volumeName"),
            is_going: value.pointer("/metadata/deletionTimestamp").is_some(),
            is_ready: is_pod && condition(value, "Ready").is_some_and(|ready| ready["status"] == "True"),
            is_finished: is_pod && matches!(self::text(value, "/status/phase"), "Succeeded" | "Failed"),
            managers,
            // It is a tree of JSON values, which can always be written.
            text: serde_json::to_string(value).unwrap_or_default().into(),
        }
    }
}

/// The text at a JSON pointer; empty when there is none.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The items of the list at a JSON pointer; none when there is no list.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The condition of that type in the status.
pub(super) fn condition<'v>(value: &'v Value, of_type: &str) -> Option<&'v Value> {
    list(value, "/status/conditions").find(|condition| condition["type"] == of_type)
}

fn claims(pod: &Value) -> Box<[Box<str>]> {
    let volumes = list(pod, "/spec/volumes");
    volumes.filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName")?.as_str().map(Box::from)).collect()
}

#[derive(Debug)]
pub(super) struct Objects {
    stored: HashMap<Id, Stored>,
    /// By kind, then in the order of namespace and name.
    by_name: HashMap<&'static str, BTreeMap<Box<str>, Id>>,
    by_uid: HashMap<Box<str>, Id>,
    /// By the owner's UID.
    owned: HashMap<Box<str>, BTreeSet<Id>>,
    /// Pods, by the claim (namespace and name) that they use.
    users: HashMap<Box<str>, BTreeSet<Id>>,
    pub paths: Paths,
    /// How often what defines kinds was written.
    pub definitions: u64,
    last_id: u64,
    last_version: u64,
}

/// Sorts by namespace, then by name.
fn name_key(namespace: &str, name: &str) -> Box<str> {
    format!("{namespace}\0{name}").into()
}

impl Objects {
    pub fn new() -> Self {
        Self {
            stored: HashMap::new(),
            by_name: HashMap::new(),
            by_uid: HashMap::new(),
            owned: HashMap::new(),
            users: HashMap::new(),
            paths: Paths::new(),
            definitions: 0,
            last_id: 0,
            last_version: 0,
        }
    }

    pub fn get(&self, id: Id) -> Option<&Stored> {
        self.stored.get(&id)
    }

    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<Id> {
        self.by_name.get(&*kind_identity(kind))?.get(&name_key(namespace, name)).copied()
    }

    pub fn with_uid(&self, uid: &str) -> Option<Id> {
        self.by_uid.get(uid).copied()
    }

    /// Everything of a kind, in order; an empty namespace stands for all.
    pub fn of_kind(&self, kind: &str, namespace: &str) -> Vec<Id> {
        let Some(names) = self.by_name.get(&*kind_identity(kind)) else { return Vec::new() };
        if namespace.is_empty() {
            return names.values().copied().collect();
        }
        let from = name_key(namespace, "");
        let to: Box<str> = format!("{namespace}\u{1}").into();
        names.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to))).map(|(_, id)| *id).collect()
    }

    pub fn owned_by(&self, uid: &str) -> Vec<Id> {
        self.owned.get(uid).into_iter().flatten().copied().collect()
    }

    pub fn users_of(&self, namespace: &str, claim: &str) -> Vec<Id> {
        self.users.get(&name_key(namespace, claim)).into_iter().flatten().copied().collect()
    }

    /// The object without its managers, to be read or changed.
    pub fn value(&self, id: Id) -> Value {
        let Some(stored) = self.stored.get(&id) else { return Value::Null };
        // It was written by `put`.
        let mut value: Value = serde_json::from_str(&stored.text).unwrap_or_default();
        value["metadata"]["resourceVersion"] = stored.version.to_string().into();
        value
    }

    /// The object as the API gives it.
    pub fn object(&self, id: Id) -> Option<Object> {
        let stored = self.stored.get(&id)?;
        Some(self.with_managers(self.value(id), &stored.managers))
    }

    pub fn with_managers(&self, mut value: Value, managers: &[Manager]) -> Object {
        if !managers.is_empty() {
            value["metadata"]["managedFields"] = managers::render(managers, &self.paths);
        }
        Object(value)
    }

    /// A UID that nobody has, and the number behind it.
    pub fn new_id(&mut self) -> Id {
        self.last_id += 1;
        Id(self.last_id)
    }

    /// Puts the object in its place, under the next resourceVersion.
    pub fn put(&mut self, id: Id, kind: &'static Kind, mut value: Value, managers: Vec<Manager>) {
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
            metadata.remove("managedFields");
        }
        self.last_version += 1;
        self.definitions += u64::from(defines_kinds(kind));
        let new = Stored::of(kind, &value, managers, self.last_version);
        if let Some(old) = self.stored.remove(&id) {
            if old.owners != new.owners {
                self.forget_owners(id, &old);
            }
            if old.claims != new.claims {
                self.forget_claims(id, &old);
            }
        } else {
            self.by_uid.insert(new.uid.clone(), id);
            self.by_name.entry(kind.id).or_default().insert(name_key(&new.namespace, &new.name), id);
        }
        for owner in &new.owners {
            self.owned.entry(owner.clone()).or_default().insert(id);
        }
        for claim in &new.claims {
            self.users.entry(name_key(&new.namespace, claim)).or_default().insert(id);
        }
        self.stored.insert(id, new);
    }

    pub fn remove(&mut self, id: Id) -> Option<Stored> {
        let stored = self.stored.remove(&id)?;
        // A deletion is a write as well, as far as versions go.
        self.last_version += 1;
        self.definitions += u64::from(defines_kinds(stored.kind));
        self.by_uid.remove(&stored.uid);
        if let Some(names) = self.by_name.get_mut(stored.kind.id) {
            names.remove(&name_key(&stored.namespace, &stored.name));
        }
        self.forget_owners(id, &stored);
        self.forget_claims(id, &stored);
        Some(stored)
    }

    fn forget_owners(&mut self, id: Id, stored: &Stored) {
        for owner in &stored.owners {
            forget(&mut self.owned, owner, id);
        }
    }

    fn forget_claims(&mut self, id: Id, stored: &Stored) {
        for claim in &stored.claims {
            forget(&mut self.users, &name_key(&stored.namespace, claim), id);
        }
    }
}

fn forget(index: &mut HashMap<Box<str>, BTreeSet<Id>>, key: &str, id: Id) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
