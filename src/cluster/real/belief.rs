//! Whether the API server's answer is one to what was asked.
//!
//! Between us and the server there may be a proxy, a cache or a gateway of another cluster. What is
//! not about the object that was asked for, does not show the change that was made, or is older
//! than what was seen before, is no answer.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::cluster::{Kind, Object, Patch};
use crate::model::{ObjectKey, Quantity};

/// An object, as the answer to a question about that key.
pub(super) fn check_object(object: &Object, kind: &Kind, key: &ObjectKey) -> Result<(), String> {
    check_about(object, kind, key)?;
    check_identified(object)
}

fn check_about(object: &Object, kind: &Kind, key: &ObjectKey) -> Result<(), String> {
    check_type(&object.0, kind.name, &kind.api_version())?;
    if object.name() != key.name || (kind.namespaced && object.namespace() != key.namespace) {
        return Err(format!("its answer is about {}", object.key()));
    }
    Ok(())
}

fn check_identified(object: &Object) -> Result<(), String> {
    if object.uid().is_empty() || object.resource_version().is_empty() {
        return Err("its answer has no uid or no resourceVersion".into());
    }
    Ok(())
}

/// One page of a list.
pub(super) fn check_list(list: &Value, kind: &Kind, namespace: &str, has_next: bool) -> Result<(), String> {
    check_type(list, &format!("{}List", kind.name), &kind.api_version())?;
    let remaining = list.pointer("/metadata/remainingItemCount").and_then(Value::as_i64).unwrap_or_default();
    if remaining > 0 && !has_next {
        return Err(format!("its list ends, and {remaining} more objects remain"));
    }
    for item in list.get("items").and_then(Value::as_array).into_iter().flatten() {
        let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if text("/metadata/name").is_empty() {
            return Err("its list holds what is no object".into());
        }
        if !namespace.is_empty() && text("/metadata/namespace") != namespace {
            return Err(format!("its list holds an object of the namespace `{}`", text("/metadata/namespace")));
        }
        if !matches!(text("/kind"), "" | "Table") && text("/kind") != kind.name {
            return Err(format!("its list holds a {}", text("/kind")));
        }
    }
    Ok(())
}

/// Whether an object stands in the list twice: then its pages were not made of one state.
pub(super) fn check_once(objects: &[Object]) -> Result<(), String> {
    let mut seen = HashSet::new();
    match objects.iter().find(|object| !seen.insert((object.namespace(), object.name()))) {
        Some(twice) => Err(format!("its list holds {} twice", twice.key())),
        None => Ok(()),
    }
}

/// What came of a patch: the object, or its `Scale`, with what was wanted in it.
pub(super) fn check_patched(object: &Object, kind: &Kind, patch: &Patch) -> Result<(), String> {
    if patch.subresource == Some("scale") {
        check_type(&object.0, "Scale", "autoscaling/v1")?;
        if object.name() != patch.key.name || object.namespace() != patch.key.namespace {
            return Err(format!("its answer is about {} in {}", object.name(), object.namespace()));
        }
    } else {
        check_object(object, kind, &patch.key)?;
    }
    if object.uid() != patch.uid {
        return Err("its answer is about another object of that name".into());
    }
    if let Some(path) = missing(&taken_over(patch), &object.0, String::new()) {
        return Err(format!("its answer does not show the change of {path}"));
    }
    check_mark(object, patch)
}

/// What of a patch the server takes over: a status by the subresource of that name alone, and
/// nothing else by that; of the metadata only what is not its own.
fn taken_over(patch: &Patch) -> Value {
    let mut body = patch.body.clone();
    let Some(fields) = body.as_object_mut() else { return body };
    match patch.subresource {
        Some("status") => fields.retain(|name, _| name == "status"),
        _ => fields.retain(|name, _| name != "status"),
    }
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| matches!(name.as_str(), "labels" | "annotations" | "finalizers" | "ownerReferences"));
    }
    body
}

/// Our mark is in the answer when something was changed. A `Scale` does not say who changed it.
fn check_mark(object: &Object, patch: &Patch) -> Result<(), String> {
    let managers =
        object.at("/metadata/managedFields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_changed = patch.resource_version.as_deref().is_some_and(|before| before != object.resource_version());
    let is_ours = |entry: &Value| entry.get("manager").and_then(Value::as_str) == Some(patch.field_manager.as_str());
    // Whoever only takes fields away has none.
    let sets_something = has_value(&taken_over(patch));
    if !is_changed || !sets_something || patch.dry_run || managers.is_empty() || managers.iter().any(is_ours) {
        return Ok(());
    }
    Err(format!("its answer does not hold the field manager {}", patch.field_manager))
}

/// Whether a merge patch gives any field a value.
fn has_value(patch: &Value) -> bool {
    match patch {
        Value::Object(fields) => fields.values().any(has_value),
        other => !other.is_null(),
    }
}

/// What came of a creation: that very object, with the labels and annotations that it was given.
pub(super) fn check_created(object: &Object, kind: &Kind, wanted: &Object, dry_run: bool) -> Result<(), String> {
    check_about(object, kind, &wanted.key())?;
    // What is only tried has no version yet.
    if !dry_run {
        check_identified(object)?;
    }
    for part in ["annotations", "labels"] {
        let pointer = format!("/metadata/{part}");
        let Some(given) = wanted.at(&pointer).filter(|given| given.is_object()) else { continue };
        if let Some(path) = missing(given, object.at(&pointer).unwrap_or(&Value::Null), pointer.replace('/', ".")) {
            return Err(format!("its answer does not show {path}"));
        }
    }
    Ok(())
}

/// What came of a deletion: the object, or a `Status` that says so.
pub(super) fn check_deleted(answer: &Value, kind: &Kind, key: &ObjectKey) -> Result<(), String> {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match text("/kind") {
        "Status" if text("/status") == "Success" => Ok(()),
        "Status" => Err(format!("its answer is a Status that says `{}`: {}", text("/status"), text("/message"))),
        _ => check_object(&Object(answer.clone()), kind, key),
    }
}

fn check_type(answer: &Value, kind: &str, api_version: &str) -> Result<(), String> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("kind") == kind && text("apiVersion") == api_version {
        return Ok(());
    }
    let shown = |name: &str| text(name).chars().take(60).collect::<String>();
    Err(format!(
        "its answer is a `{}` of `{}`, and a `{kind}` of `{api_version}` was asked for; is there a proxy between?",
        shown("kind"),
        shown("apiVersion")
    ))
}

/// The first field of a merge patch that an object does not have.
fn missing(wanted: &Value, found: &Value, path: String) -> Option<String> {
    match wanted {
        Value::Object(fields) => fields.iter().find_map(|(name, wanted)| {
            missing(wanted, found.get(name).unwrap_or(&Value::Null), format!("{path}.{name}"))
        }),
        // The server fills in defaults within the items of a list, too, and neither adds nor moves
        // one.
        Value::Array(items) => match found.as_array().filter(|found| found.len() == items.len()) {
            Some(found) => {
                let mut pairs = items.iter().zip(found).enumerate();
                pairs.find_map(|(place, (wanted, found))| missing(wanted, found, format!("{path}[{place}]")))
            }
            None => Some(path.trim_start_matches('.').to_owned()),
        },
        wanted => (!is_same(wanted, found)).then(|| path.trim_start_matches('.').to_owned()),
    }
}

/// The server writes quantities its own way: `1Gi` for `1024Mi`.
fn is_same(wanted: &Value, found: &Value) -> bool {
    let quantity = |value: &Value| value.as_str().and_then(|text| text.parse::<Quantity>().ok());
    wanted == found || matches!((quantity(wanted), quantity(found)), (Some(a), Some(b)) if a == b)
}

/// The generation in which each object was seen last: it only ever grows, so that a lower one is an
/// answer from the past.
#[derive(Debug, Default)]
pub(super) struct Generations(Mutex<HashMap<String, i64>>);

/// How many objects are remembered. Those that runs are about are a few at a time.
const REMEMBERED: usize = 4_096;

impl Generations {
    /// # Errors
    /// It was seen in a later state before.
    pub(super) fn check(&self, object: &Object) -> Result<(), String> {
        let Some(generation) = object.number("/metadata/generation") else { return Ok(()) };
        // A number for each object: sound also after a panic.
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(object.uid()) {
            Some(last) if *last > generation => Err(format!(
                "its answer is of the past: {} in generation {generation}, and it was in {last} before; is there a cache between? \
                 (if the cluster was restored from a backup, restart dogwatch)",
                object.key()
            )),
            _ => Ok(()),
        }
    }

    /// Takes note of an object as it is by now.
    pub(super) fn take_note_of(&self, object: &Object) {
        let Some(generation) = object.number("/metadata/generation") else { return };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        let last = seen.entry(object.uid().to_owned()).or_insert(generation);
        *last = generation.max(*last);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_wanted_is_found_in_what_is_there() {
        let found = json!({
            "spec": { "replicas": 6, "storage": "1Gi", "more": true },
            "data": { "a": "b" },
            "list": [{ "name": "a", "memory": "1Gi", "policy": "of the server's" }, { "name": "b" }],
        });
        for wanted in [
            json!({ "spec": { "replicas": 6 } }),
            json!({ "spec": { "storage": "1024Mi" } }),
            json!({ "data": { "a": "b", "gone": null } }),
            json!({ "list": [{ "name": "a", "memory": "1024Mi" }, { "name": "b" }] }),
        ] {
            assert_eq!(missing(&wanted, &found, String::new()), None, "{wanted}");
        }
        for (wanted, path) in [
            (json!({ "spec": { "replicas": 5 } }), "spec.replicas"),
            (json!({ "spec": { "storage": "2Gi" } }), "spec.storage"),
            (json!({ "data": { "a": null } }), "data.a"),
            (json!({ "status": { "x": 1 } }), "status.x"),
            (json!({ "list": [{ "name": "a" }, { "name": "c" }] }), "list[1].name"),
            (json!({ "list": [{ "name": "a" }] }), "list"),
            (json!({ "data": [] }), "data"),
        ] {
            assert_eq!(missing(&wanted, &found, String::new()).as_deref(), Some(path));
        }
    }

    #[test]
    fn what_the_server_keeps_for_itself_is_not_looked_for() {
        let patch = |subresource, body| Patch {
            key: ObjectKey::new("PersistentVolumeClaim", "db", "data"),
            subresource,
            body,
            uid: "u".into(),
            resource_version: None,
            field_manager: "m".into(),
            dry_run: false,
        };
        let body = json!({
            "metadata": { "generation": 9, "labels": { "a": "b" } }, "spec": { "x": 1 }, "status": { "phase": "Bound" },
        });
        let main = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "x": 1 } });
        assert_eq!(taken_over(&patch(None, body.clone())), main);
        assert_eq!(taken_over(&patch(Some("status"), body)), json!({ "status": { "phase": "Bound" } }));
    }

    #[test]
    fn an_object_never_gets_younger() {
        let generations = Generations::default();
        let object = |uid: &str, generation: u32| {
            Object(json!({ "kind": "Deployment", "metadata": { "uid": uid, "name": "web", "generation": generation } }))
        };
        for generation in [3, 3, 4] {
            generations.check(&object("a", generation)).unwrap();
            generations.take_note_of(&object("a", generation));
        }
        // What would come of a change is nobody's past.
        generations.check(&object("a", 5)).unwrap();
        generations.check(&object("a", 4)).unwrap();
        assert!(generations.check(&object("a", 3)).unwrap_err().contains("generation 3, and it was in 4 before"));
        // One that was made anew begins anew.
        generations.check(&object("b", 1)).unwrap();
    }
}
