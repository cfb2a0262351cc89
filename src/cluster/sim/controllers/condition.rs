//! Conditions: what is true of an object, and since when.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::cluster::sim::time::rfc3339;

/// Sets the condition of that type in `status.conditions`. Its time changes only when its status does.
pub(in crate::cluster::sim) fn set(
    object: &mut Value,
    of_type: &str,
    is_true: bool,
    reason: &str,
    message: &str,
    now: DateTime<Utc>,
) {
    let status = if is_true { "True" } else { "False" };
    let mut condition = json!({ "type": of_type, "status": status, "lastTransitionTime": rfc3339(now) });
    for (field, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            condition[field] = text.into();
        }
    }
    if !object["status"]["conditions"].is_array() {
        object["status"]["conditions"] = json!([]);
    }
    let Some(conditions) = object.pointer_mut("/status/conditions").and_then(Value::as_array_mut) else { return };
    match conditions.iter_mut().find(|other| other["type"] == of_type) {
        Some(there) => {
            if there["status"] == condition["status"] {
                condition["lastTransitionTime"] = there["lastTransitionTime"].clone();
            }
            *there = condition;
        }
        None => conditions.push(condition),
    }
}

/// Takes the condition of that type away, and the list with the last one.
pub(super) fn remove(object: &mut Value, of_type: &str) {
    let Some(conditions) = object.pointer_mut("/status/conditions").and_then(Value::as_array_mut) else { return };
    conditions.retain(|condition| condition["type"] != of_type);
    if conditions.is_empty()
        && let Some(status) = object["status"].as_object_mut()
    {
        status.remove("conditions");
    }
}
