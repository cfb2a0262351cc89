//! What starts a playbook, and what it is about.

use serde_json::{Value, json};

use super::{condition, described, text, text_like};
use crate::cluster::Kind;

pub(super) fn trigger() -> Value {
    json!({
        "alert": text("The `alertname`"),
        "where": condition("Which of these alerts: a condition on `alert`"),
        "schedule": {
            "description": "In place of an alert: a time by the clocks of a place",
            "type": "object",
            "additionalProperties": false,
            "required": ["time_zone"],
            "properties": schedule(),
        },
    })
}

pub(super) fn schedule() -> Value {
    json!({
        "at": text_like("The time of the day", "^[0-9]{1,2}:[0-9]{2}$"),
        "days": text("Of `at`, as in `oncall.yaml`: `mon-fri`. Left out: daily"),
        "cron": text("In place of `at`: minute, hour, day, month and weekday"),
        "time_zone": text("Whose clocks: `Europe/Berlin`, or `UTC`"),
    })
}

pub(super) fn target() -> Value {
    json!({
        "kind": described(
            "As Kubernetes spells it; what is not its own, with its group: `Certificate.cert-manager.io`. Of several, the alert's \
             labels say which",
            json!({ "anyOf": [kind(), { "type": "array", "minItems": 1, "uniqueItems": true, "items": kind() }] }),
        ),
        "label": described(
            "Of an alert: the label that names the object, where no rule of kube-state-metrics does; of several kinds, the label of \
             each: `{ Deployment: app }`",
            json!({ "anyOf": [label(), { "type": "object", "minProperties": 1, "additionalProperties": label() }] }),
        ),
        "from": { "description": "`alert`: the alert's labels name the object", "const": "alert" },
        "namespace": text("Where it is"),
        "name": text("What it is called"),
    })
}

/// Of a loop's items, which no alert names.
pub(super) fn item_target() -> Value {
    json!({
        "kind": described("As Kubernetes spells it; what is not its own, with its group: `Certificate.cert-manager.io`", kind()),
        "namespace": text("Where it is"),
        "name": text("What it is called"),
    })
}

fn label() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" })
}

pub(super) fn kind() -> Value {
    let mut kinds: Vec<&str> = Kind::all().iter().map(|kind| kind.id).collect();
    kinds.sort_unstable();
    // `Kind.group`, `Kind.version.group`, `plural.group`.
    let custom = r"^[A-Za-z][A-Za-z0-9-]*(\.v[0-9]+((alpha|beta)[0-9]+)?)?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?){2,}$";
    json!({ "anyOf": [{ "enum": kinds }, { "type": "string", "pattern": custom }] })
}
