//! The objects that a run saw, as manifests of a case.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::{Recorded, RecordedRun, action_of};
use crate::model::{MASK, RunEvent};
use crate::playbook::Playbook;

/// A case's cluster has so long to come to rest before the alert fires.
const REST: Duration = Duration::seconds(60);

/// What these see stands in `http` and `network`.
const TOLD_ELSEWHERE: [&str; 4] = ["http.request", "dns.lookup", "tcp.connect", "tls.inspect"];

/// Each as it was when the run saw it first.
pub(super) fn of(recorded: &RecordedRun, playbook: &Playbook, notes: &mut Vec<String>) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for Recorded { event, .. } in &recorded.log {
        let seen = match event {
            RunEvent::TargetRead { object: Some(object) } | RunEvent::ItemRead { object: Some(object), .. } => object,
            RunEvent::Read { output, .. } => output,
            _ => continue,
        };
        let before = found.len();
        collect(seen, &mut found);
        if let Some(at) = event.step()
            && let Some(action) = action_of(playbook, at)
            && action.query().is_none()
            && !TOLD_ELSEWHERE.contains(&action.name())
            && found.len() == before
            && !is_manifest(seen)
            && seen.get("found") != Some(&json!(false))
        {
            let name = action.name();
            notes.push(format!(
                "{at} ({name}) keeps a part of what it saw: what it needs besides belongs into `objects`"
            ));
        }
    }
    for object in &mut found {
        if object.to_string().contains(MASK) {
            let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            notes.push(format!(
                "secrets of {name} are masked: where a condition looks at them, put something else there"
            ));
        }
        clean(object);
        told_from(object, recorded.run.created_at - REST);
    }
    notes.dedup();
    found
}

fn is_manifest(value: &Value) -> bool {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    text("/apiVersion") && text("/kind") && text("/metadata/name")
}

fn collect(value: &Value, found: &mut Vec<Value>) {
    if is_manifest(value) {
        let is_known = |known: &Value| {
            // Of two kinds with one name, the group is another one.
            ["/apiVersion", "/kind", "/metadata/namespace", "/metadata/name"]
                .iter()
                .all(|at| known.pointer(at) == value.pointer(at))
        };
        if !found.iter().any(is_known) {
            found.push(value.clone());
        }
        return;
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// Without what a cluster says of itself.
pub(in crate::rehearse) fn clean(object: &mut Value) {
    if let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        for field in ["resourceVersion", "managedFields", "selfLink", "generation"] {
            metadata.remove(field);
        }
    }
    if let Some(status) = object.pointer_mut("/status").and_then(Value::as_object_mut) {
        status.remove("observedGeneration");
    }
}

/// Times are told from `now`, as a case has its own.
pub(in crate::rehearse) fn told_from(value: &mut Value, now: DateTime<Utc>) {
    match value {
        Value::String(text) => {
            if let Some(at) = DateTime::parse_from_rfc3339(text).ok().filter(|_| text.len() >= 20) {
                let seconds = (at.to_utc() - now).num_seconds();
                *text = match seconds {
                    0 => "${now}".to_owned(),
                    ..0 => format!("${{now-{}s}}", -seconds),
                    _ => format!("${{now+{seconds}s}}"),
                };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| told_from(item, now)),
        Value::Object(fields) => fields.values_mut().for_each(|field| told_from(field, now)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
