//! What the cluster said, for a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use super::facts::Facts;
use crate::model::ObjectKey;

/// A pod may be on another node by then.
const OBJECTS: Duration = Duration::from_secs(90);

/// Operators come and go with people who install them.
const OPERATORS: Duration = Duration::from_secs(5 * 60);

/// Until somebody has given us the right.
const FORBIDDEN: Duration = Duration::from_secs(10 * 60);

/// So many answers are kept of each sort.
const MOST: usize = 4_096;

/// Answers, each until its time is over. Times are monotonic.
#[derive(Debug, Default)]
pub(super) struct Memory {
    objects: Kept<ObjectKey, Option<Arc<Facts>>>,
    operators: Kept<String, Option<ObjectKey>>,
    /// By verb, kind and namespace: nearly all rights are given so.
    forbidden: Kept<(&'static str, String, String), ()>,
}

/// What is remembered of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recalled<T> {
    /// Nobody asked, or too long ago.
    Unknown,
    /// It is not there.
    Nothing,
    /// The bot may not read it.
    Forbidden,
    Found(T),
}

impl<T> From<Option<T>> for Recalled<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Recalled::Nothing, Recalled::Found)
    }
}

impl Memory {
    pub fn object(&self, key: &ObjectKey, now: Duration) -> Recalled<Arc<Facts>> {
        if let Some(known) = self.objects.get(key, now) {
            return known.clone().into();
        }
        let right = ("get", key.kind.clone(), key.namespace.clone());
        self.forbidden.get(&right, now).map_or(Recalled::Unknown, |()| Recalled::Forbidden)
    }

    pub fn operator(&self, name: &str, now: Duration) -> Recalled<ObjectKey> {
        if let Some(known) = self.operators.get(name, now) {
            return known.clone().into();
        }
        let right = ("list", String::new(), String::new());
        self.forbidden.get(&right, now).map_or(Recalled::Unknown, |()| Recalled::Forbidden)
    }

    pub fn keep_object(&mut self, key: ObjectKey, facts: Option<Facts>, now: Duration) {
        self.objects.keep(key, facts.map(Arc::new), now, OBJECTS);
    }

    pub fn keep_operator(&mut self, name: String, operator: Option<ObjectKey>, now: Duration) {
        self.operators.keep(name, operator, now, OPERATORS);
    }

    /// That objects like this one cannot be read.
    pub fn forbid_object(&mut self, key: &ObjectKey, now: Duration) {
        self.forbidden.keep(("get", key.kind.clone(), key.namespace.clone()), (), now, FORBIDDEN);
    }

    /// That Deployments cannot be listed.
    pub fn forbid_operators(&mut self, now: Duration) {
        self.forbidden.keep(("list", String::new(), String::new()), (), now, FORBIDDEN);
    }
}

#[derive(Debug)]
struct Kept<K, T>(HashMap<K, (T, Duration)>);

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, T> Kept<K, T> {
    fn get<Q>(&self, key: &Q, now: Duration) -> Option<&T>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.0.get(key).filter(|(_, until)| now < *until).map(|(what, _)| what)
    }

    fn keep(&mut self, key: K, what: T, now: Duration, lasting: Duration) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (_, until)| now < *until);
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(key, (what, now + lasting));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(n: usize) -> ObjectKey {
        ObjectKey::new("Pod", "db", format!("pg-{n}"))
    }

    #[test]
    fn an_answer_is_remembered_for_a_while_and_a_refusal_for_longer() {
        let (mut memory, at) = (Memory::default(), Duration::from_secs);
        memory.keep_object(pod(1), None, at(0));
        memory.forbid_object(&pod(2), at(0));
        assert_eq!(memory.object(&pod(1), at(89)), Recalled::Nothing);
        assert_eq!(memory.object(&pod(3), at(599)), Recalled::Forbidden, "it is about the same right");
        assert_eq!(memory.object(&pod(3), at(600)), Recalled::Unknown);
        assert_eq!(memory.object(&ObjectKey::new("Pod", "web", "a"), at(1)), Recalled::Unknown);
        memory.forbid_operators(at(0));
        assert_eq!(memory.operator("pgo", at(1)), Recalled::Forbidden);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut memory = Memory::default();
        for n in 0..3 * MOST {
            memory.keep_object(pod(n), Some(Facts::default()), Duration::from_secs(1));
        }
        assert!(memory.objects.0.len() <= MOST);
        assert_ne!(memory.object(&pod(3 * MOST - 1), Duration::from_secs(2)), Recalled::Unknown);
    }
}
