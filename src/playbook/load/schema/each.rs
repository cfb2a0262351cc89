//! The keys of a `foreach`.

use serde_json::{Map, Value, json};

use super::{described, kinds, steps, text};
use crate::model::Phase;

/// The keys of a `foreach` beside its own.
pub(super) fn each(phase: Phase) -> Map<String, Value> {
    let keys = json!({
        "target": {
            "description": "The object that an item is about",
            "type": "object",
            "additionalProperties": false,
            "required": ["kind", "name"],
            "properties": of_item(),
        },
        "key": described("What tells an item from the others, where that is not the target's name: CEL", json!({ "type": "string" })),
        "max": described("With more items, nothing is done", json!({ "type": "integer", "minimum": 1, "maximum": 500 })),
        "waves": {
            "description": "So many begin together; the last number goes on",
            "type": "array",
            "minItems": 1,
            "items": { "type": "integer", "minimum": 1, "maximum": 500 },
        },
        "stop_after": described("When so many have failed, no other item begins", json!({ "type": "integer", "minimum": 1, "maximum": 10 })),
        "when_resolved": {
            "description": "What becomes of the items that have yet to begin when the alert ends",
            "enum": ["finish", "stop"],
        },
        "guard": steps(phase, "What is asked anew before each wave: reads, `set`, `require` and `escalate_if`"),
        "do": steps(phase, "What is done for each item"),
    });
    let Value::Object(keys) = keys else { return Map::new() };
    keys
}

fn of_item() -> Value {
    json!({
        "kind": { "description": "As Kubernetes spells it", "enum": kinds() },
        "namespace": text("Where it is; by default where the run's target is"),
        "name": text("What it is called, as in `{{job.metadata.name}}`"),
    })
}
