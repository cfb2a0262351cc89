//! From what is remembered to what surrounds an object, and what is still to ask. Pure.

use std::sync::Arc;
use std::time::Duration;

use super::facts::{Facts, OwnerReference};
use super::memory::{Memory, Recalled};
use super::{Mark, NAMESPACE, READ, Surroundings};
use crate::cluster::claim_origins;
use crate::model::ObjectKey;

/// What the cluster is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    Object(ObjectKey),
    /// Which Deployment is the operator that calls itself so.
    Operator(String),
}

/// What surrounds the object, as far as it is known at `now`; and what is still to ask. What is not
/// settled yet is left out: the half of an answer could be another one.
pub(super) fn resolve(memory: &Memory, key: &ObjectKey, now: Duration) -> (Surroundings, Vec<Question>) {
    let mut resolving = Resolving { memory, now, open: Vec::new() };
    let found = resolving.surroundings(key).unwrap_or_default();
    (found, resolving.open)
}

/// What the object, its owner and its namespace say of it, as far as it is known; and what is still
/// to ask.
pub(super) fn marks(memory: &Memory, key: &ObjectKey, now: Duration) -> (Vec<Mark>, Vec<Question>) {
    let mut resolving = Resolving { memory, now, open: Vec::new() };
    let mut found = Vec::new();
    for of in resolving.who_says(key) {
        let facts = resolving.object(&of);
        let said = facts.iter().flat_map(|facts| facts.marks.clone());
        found.extend(said.map(|value| Mark { value, of: of.clone() }));
    }
    (found, resolving.open)
}

struct Resolving<'a> {
    memory: &'a Memory,
    now: Duration,
    open: Vec<Question>,
}

/// An owner, and whether it is one of the kinds that we read.
struct Owner {
    key: ObjectKey,
    is_read: bool,
}

impl Resolving<'_> {
    fn surroundings(&mut self, key: &ObjectKey) -> Option<Surroundings> {
        let facts = self.object(key)?;
        let owner = self.owner(key, &facts);
        let zone = match (&facts.zone, &facts.node) {
            (Some(zone), _) => Some(zone.clone()),
            (None, Some(node)) => self.object(&ObjectKey::new("Node", "", &**node)).and_then(|node| node.zone.clone()),
            (None, None) => None,
        };
        let operator = self.operator(key, &facts, owner.as_ref());
        Some(Surroundings {
            owner: owner.map(|owner| owner.key),
            node: facts.node.clone(),
            storage_class: facts.storage_class.clone(),
            zone,
            operator,
        })
    }

    /// The object, its owner and its namespace, as far as they are read.
    fn who_says(&mut self, key: &ObjectKey) -> Vec<ObjectKey> {
        let is_read = |kind: &str| READ.contains(&kind) || kind == NAMESPACE;
        let mut who = Vec::new();
        if is_read(&key.kind) {
            who.push(key.clone());
            let owner = self.object(key).and_then(|facts| self.owner(key, &facts));
            who.extend(owner.filter(|owner| owner.is_read).map(|owner| owner.key));
        }
        if !key.namespace.is_empty() {
            who.push(ObjectKey::new(NAMESPACE, "", &*key.namespace));
        }
        who
    }

    fn recall(&mut self, key: &ObjectKey) -> Recalled<Arc<Facts>> {
        let recalled = self.memory.object(key, self.now);
        if recalled == Recalled::Unknown {
            self.open.push(Question::Object(key.clone()));
        }
        recalled
    }

    fn object(&mut self, key: &ObjectKey) -> Option<Arc<Facts>> {
        match self.recall(key) {
            Recalled::Found(facts) => Some(facts),
            Recalled::Nothing | Recalled::Unknown => None,
        }
    }

    /// What people call the owner: what comes between is passed.
    fn owner(&mut self, key: &ObjectKey, facts: &Facts) -> Option<Owner> {
        /// A claim, its pod, that one's ReplicaSet, the Deployment.
        const MOST: usize = 4;
        let Some(mut reference) = facts.owner.clone() else {
            let set = if key.kind == "PersistentVolumeClaim" { self.stateful_set_of(key) } else { None };
            return set.map(|key| Owner { key, is_read: true });
        };
        for _ in 0..MOST {
            let owner = owner(&reference, &key.namespace);
            // What a node runs by itself is on it, and told so.
            if owner.key.kind == "Node" {
                return None;
            }
            if !owner.is_read || !matches!(owner.key.kind.as_str(), "ReplicaSet" | "Job" | "Pod") {
                return Some(owner);
            }
            match self.recall(&owner.key) {
                Recalled::Unknown => return None,
                Recalled::Nothing => return Some(owner),
                Recalled::Found(facts) => match &facts.owner {
                    Some(next) if facts.uid == reference.uid => reference = next.clone(),
                    _ => return Some(owner),
                },
            }
        }
        None
    }

    /// The StatefulSet that a claim was made for, where its name leaves no doubt.
    fn stateful_set_of(&mut self, claim: &ObjectKey) -> Option<ObjectKey> {
        let mut sets = Vec::new();
        let mut is_settled = true;
        for (template, name) in claim_origins(&claim.name) {
            let set = ObjectKey::new("StatefulSet", &*claim.namespace, name);
            match self.recall(&set) {
                Recalled::Found(facts) if facts.claim_templates.iter().any(|name| name == template) => sets.push(set),
                Recalled::Found(_) | Recalled::Nothing => {}
                Recalled::Unknown => is_settled = false,
            }
        }
        match <[ObjectKey; 1]>::try_from(sets) {
            Ok([set]) if is_settled => Some(set),
            _ => None,
        }
    }

    fn operator(&mut self, key: &ObjectKey, facts: &Facts, owner: Option<&Owner>) -> Option<ObjectKey> {
        let name = match (&facts.managed_by, owner) {
            (Some(name), _) => name.clone(),
            (None, Some(owner)) if owner.is_read => self.object(&owner.key)?.managed_by.clone()?,
            (None, _) => return None,
        };
        match self.memory.operator(&name, self.now) {
            // Nobody is its own cause.
            Recalled::Found(operator) => {
                Some(operator).filter(|operator| operator != key && owner.is_none_or(|owner| owner.key != *operator))
            }
            Recalled::Nothing => None,
            Recalled::Unknown => {
                self.open.push(Question::Operator(name));
                None
            }
        }
    }
}

fn owner(reference: &OwnerReference, namespace: &str) -> Owner {
    let is_read = reference.native().is_some_and(|kind| READ.contains(&kind.name));
    Owner { key: reference.key(namespace), is_read }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::Object;

    const NOW: Duration = Duration::ZERO;

    fn key(kind: &str, name: &str) -> ObjectKey {
        ObjectKey::new(kind, "db", name)
    }

    fn learn(memory: &mut Memory, kind: &str, name: &str, uid: &str, owner: Option<(&str, &str, &str)>) {
        let owner = owner.map(|(kind, name, uid)| {
            let group = if kind == "Pod" { "v1" } else { "apps/v1" };
            json!({ "apiVersion": group, "kind": kind, "name": name, "uid": uid, "controller": true })
        });
        let owners: Vec<_> = owner.into_iter().collect();
        let metadata = json!({ "namespace": "db", "name": name, "uid": uid, "ownerReferences": owners });
        let object = Object(json!({ "kind": kind, "metadata": metadata }));
        memory.keep_object(key(kind, name), Some(Facts::of(&object, &[])), NOW);
    }

    #[test]
    fn half_an_answer_is_none() {
        let mut memory = Memory::default();
        let pod = key("Pod", "api-1-x");
        assert_eq!(resolve(&memory, &pod, NOW), (Surroundings::default(), vec![Question::Object(pod.clone())]));
        learn(&mut memory, "Pod", "api-1-x", "p", Some(("ReplicaSet", "api-1", "r")));
        let open = vec![Question::Object(key("ReplicaSet", "api-1"))];
        assert_eq!(resolve(&memory, &pod, NOW), (Surroundings::default(), open), "its Deployment may be told yet");
        learn(&mut memory, "ReplicaSet", "api-1", "r", Some(("Deployment", "api", "d")));
        memory.keep_object(key("Deployment", "api"), None, NOW);
        let (found, open) = resolve(&memory, &pod, NOW);
        assert_eq!((found.owner, open), (Some(key("Deployment", "api")), vec![]));
    }

    #[test]
    fn another_object_of_the_owners_name_says_nothing_of_the_pod() {
        let mut memory = Memory::default();
        learn(&mut memory, "Pod", "api-1-x", "p", Some(("ReplicaSet", "api-1", "r")));
        learn(&mut memory, "ReplicaSet", "api-1", "a later one", Some(("Deployment", "other", "d")));
        let (found, _) = resolve(&memory, &key("Pod", "api-1-x"), NOW);
        assert_eq!(found.owner, Some(key("ReplicaSet", "api-1")));
    }

    #[test]
    fn owners_in_a_circle_end() {
        let mut memory = Memory::default();
        learn(&mut memory, "Pod", "a", "a", Some(("Pod", "b", "b")));
        learn(&mut memory, "Pod", "b", "b", Some(("Pod", "a", "a")));
        assert_eq!(resolve(&memory, &key("Pod", "a"), NOW), (Surroundings::default(), vec![]));
    }
}
