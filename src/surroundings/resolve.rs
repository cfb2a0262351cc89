//! From what is remembered to what surrounds an object, and what is still to ask. Pure.

use std::sync::Arc;
use std::time::Duration;

use super::facts::{Facts, OwnerReference};
use super::marks::{Marks, Missing};
use super::memory::{Memory, Recalled};
use super::{NAMESPACE, READ, Surroundings};
use crate::cluster::{KindName, claim_origins};
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
pub(super) fn marks(memory: &Memory, key: &ObjectKey, now: Duration) -> (Marks, Vec<Question>) {
    let mut resolving = Resolving { memory, now, open: Vec::new() };
    let mut marks = Marks::default();
    if let Some(facts) = resolving.hear(key, &mut marks) {
        match resolving.owner(key, &facts) {
            // An operator's own object cannot be read, and is not expected to say anything.
            Ok(Some(owner)) if owner.is_native => {
                resolving.hear(&owner.key, &mut marks);
            }
            Ok(_) => {}
            Err(why) => marks.misses(why),
        }
    }
    if !key.namespace.is_empty() {
        resolving.hear(&ObjectKey::new(NAMESPACE, "", &*key.namespace), &mut marks);
    }
    (marks, resolving.open)
}

/// Whether that can be asked for at all.
pub(super) fn can_be(key: &ObjectKey) -> bool {
    match key.kind.parse::<KindName>() {
        // Whether it is in a namespace, the cluster knows.
        Ok(name) => name.built_in().is_none_or(|kind| kind.check_key(key).is_ok()),
        Err(_) => false,
    }
}

struct Resolving<'a> {
    memory: &'a Memory,
    now: Duration,
    open: Vec<Question>,
}

/// An owner, and whether it is of a kind of Kubernetes' own.
struct Owner {
    key: ObjectKey,
    is_native: bool,
}

impl Owner {
    fn is_read(&self) -> bool {
        self.is_native && READ.contains(&self.key.kind.as_str())
    }
}

impl Resolving<'_> {
    fn surroundings(&mut self, key: &ObjectKey) -> Option<Surroundings> {
        let facts = self.object(key)?;
        let owner = self.owner(key, &facts).ok().flatten();
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

    /// What the object itself says.
    fn hear(&mut self, key: &ObjectKey, marks: &mut Marks) -> Option<Arc<Facts>> {
        let missing = match can_be(key).then(|| self.recall(key)) {
            Some(Recalled::Found(facts)) => {
                marks.says(key, &facts.marks);
                return Some(facts);
            }
            Some(Recalled::Unknown) => Missing::Unanswered,
            Some(Recalled::Forbidden) => Missing::Forbidden(key.clone()),
            Some(Recalled::Nothing) | None => Missing::Gone(key.clone()),
        };
        marks.misses(missing);
        None
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
            Recalled::Nothing | Recalled::Forbidden | Recalled::Unknown => None,
        }
    }

    /// What people call the owner: what comes between is passed.
    fn owner(&mut self, key: &ObjectKey, facts: &Facts) -> Result<Option<Owner>, Missing> {
        /// A claim, its pod, that one's ReplicaSet, the Deployment.
        const MOST: usize = 4;
        let Some(mut reference) = facts.owner.clone() else {
            let set = if key.kind == "PersistentVolumeClaim" { self.stateful_set_of(key)? } else { None };
            return Ok(set.map(|key| Owner { key, is_native: true }));
        };
        for _ in 0..MOST {
            let owner = owner(&reference, &key.namespace);
            // What a node runs by itself is on it, and told so.
            if owner.key.kind == "Node" {
                return Ok(None);
            }
            if !owner.is_native || !matches!(owner.key.kind.as_str(), "ReplicaSet" | "Job" | "Pod") {
                return Ok(Some(owner));
            }
            match self.recall(&owner.key) {
                Recalled::Unknown => return Err(Missing::Unanswered),
                Recalled::Nothing | Recalled::Forbidden => return Ok(Some(owner)),
                Recalled::Found(facts) => match &facts.owner {
                    Some(next) if facts.uid == reference.uid => reference = next.clone(),
                    _ => return Ok(Some(owner)),
                },
            }
        }
        Ok(None)
    }

    /// The StatefulSet that a claim was made for, where its name leaves no doubt.
    fn stateful_set_of(&mut self, claim: &ObjectKey) -> Result<Option<ObjectKey>, Missing> {
        let mut sets = Vec::new();
        let (mut is_settled, mut missing) = (true, None);
        for (template, name) in claim_origins(&claim.name) {
            let set = ObjectKey::new("StatefulSet", &*claim.namespace, name);
            match self.recall(&set) {
                Recalled::Found(facts) if facts.claim_templates.iter().any(|name| name == template) => sets.push(set),
                Recalled::Found(_) | Recalled::Nothing => {}
                Recalled::Forbidden => missing = Some(Missing::Forbidden(set)),
                // All of them are asked for at once.
                Recalled::Unknown => is_settled = false,
            }
        }
        match (<[ObjectKey; 1]>::try_from(sets), missing) {
            _ if !is_settled => Err(Missing::Unanswered),
            (Ok([set]), _) => Ok(Some(set)),
            (Err(_), Some(missing)) => Err(missing),
            (Err(_), None) => Ok(None),
        }
    }

    fn operator(&mut self, key: &ObjectKey, facts: &Facts, owner: Option<&Owner>) -> Option<ObjectKey> {
        let name = match (&facts.managed_by, owner) {
            (Some(name), _) => name.clone(),
            (None, Some(owner)) if owner.is_read() => self.object(&owner.key)?.managed_by.clone()?,
            (None, _) => return None,
        };
        match self.memory.operator(&name, self.now) {
            // Nobody is its own cause.
            Recalled::Found(operator) => {
                Some(operator).filter(|operator| operator != key && owner.is_none_or(|owner| owner.key != *operator))
            }
            Recalled::Nothing | Recalled::Forbidden => None,
            Recalled::Unknown => {
                self.open.push(Question::Operator(name));
                None
            }
        }
    }
}

fn owner(reference: &OwnerReference, namespace: &str) -> Owner {
    Owner { key: reference.key(namespace), is_native: reference.native().is_some() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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

    fn values(marks: &[super::super::Mark]) -> Vec<&str> {
        marks.iter().map(|mark| mark.value.as_str()).collect()
    }

    fn learn_marked(memory: &mut Memory, key: ObjectKey, tier: &str, owner: Value) {
        let metadata = json!({
            "namespace": key.namespace, "name": key.name, "uid": "d",
            "labels": { "tier": tier }, "ownerReferences": owner,
        });
        let object = Object(json!({ "kind": key.kind, "metadata": metadata }));
        memory.keep_object(key, Some(Facts::of(&object, &["tier".into()])), NOW);
    }

    #[test]
    fn what_is_said_after_one_who_is_missing_is_uncertain() {
        let mut memory = Memory::default();
        let namespace = ObjectKey::new(NAMESPACE, "", "db");
        learn_marked(&mut memory, namespace, "low", json!([]));
        let pod = key("Pod", "api-1-x");
        let asked = |memory: &Memory| {
            let (marks, open) = marks(memory, &pod, NOW);
            let (certain, uncertain) = (values(marks.certain()).join(" "), values(marks.uncertain()).join(" "));
            (certain, uncertain, marks.missing().cloned(), open.len())
        };
        let is =
            |certain: &str, uncertain: &str, missing, open| (certain.to_owned(), uncertain.to_owned(), missing, open);
        assert_eq!(asked(&memory), is("", "low", Some(Missing::Unanswered), 1), "the pod");
        learn(&mut memory, "Pod", "api-1-x", "p", Some(("ReplicaSet", "api-1", "r")));
        assert_eq!(asked(&memory), is("", "low", Some(Missing::Unanswered), 1), "what is between it and its owner");
        learn(&mut memory, "ReplicaSet", "api-1", "r", Some(("Deployment", "api", "d")));
        assert_eq!(asked(&memory), is("", "low", Some(Missing::Unanswered), 1), "its owner");
        let deployment = key("Deployment", "api");
        memory.forbid_object(&deployment, NOW);
        assert_eq!(asked(&memory), is("", "low", Some(Missing::Forbidden(deployment.clone())), 0));
        memory.keep_object(deployment.clone(), None, NOW);
        assert_eq!(asked(&memory), is("", "low", Some(Missing::Gone(deployment.clone())), 0));
        learn_marked(&mut memory, deployment, "high", json!([]));
        assert_eq!(asked(&memory), is("high low", "", None, 0));
    }

    #[test]
    fn what_no_object_can_be_called_is_not_asked_for() {
        let (found, open) = marks(&Memory::default(), &key("Pod", "../secrets/x"), NOW);
        assert!(matches!(found.missing(), Some(Missing::Gone(_))));
        assert_eq!(open, [Question::Object(ObjectKey::new(NAMESPACE, "", "db"))]);
    }

    /// Its name may be that of two sets, and one of them may have another tier.
    #[test]
    fn a_claim_whose_set_cannot_be_read_has_no_tier_by_its_namespace_alone() {
        let mut memory = Memory::default();
        let claim = key("PersistentVolumeClaim", "data-my-db-0");
        learn(&mut memory, "PersistentVolumeClaim", "data-my-db-0", "c", None);
        let (found, open) = marks(&memory, &claim, NOW);
        assert_eq!(
            (found.missing(), open.len()),
            (Some(&Missing::Unanswered), 3),
            "both sets and the namespace at once"
        );
        memory.forbid_object(&key("StatefulSet", "db"), NOW);
        let (found, _) = marks(&memory, &claim, NOW);
        assert!(matches!(found.missing(), Some(Missing::Forbidden(_))));
    }
}
