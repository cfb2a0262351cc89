//! What is looked at more than once: after a change, and before one.

use serde_json::{Value, json};

use super::{condition, duration, text};

pub(super) fn verify() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["until", "within"],
        "properties": {
            "query": text("The id of the step that is asked again: `until` sees its fields. Left out: `target`, read again"),
            "until": condition("What holds when it helped"),
            "fail_if": condition("What holds when there is no use in waiting any longer"),
            "settle": duration("How long nothing is looked at: longer than the query's own window"),
            "every": duration("The time between two looks"),
            "within": duration("The end of patience, counted from the change"),
            "for": duration("For how long `until` has to hold, at each look"),
        },
    })
}

pub(super) fn watch() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["until", "within"],
        "properties": {
            "until": condition("What is waited for: the fields of the read are names here"),
            "fail_if": condition("What holds when there is no use in waiting any longer: the step fails"),
            "every": duration("The time between two looks: 5s at least, else 30s"),
            "within": duration("The end of patience, 24h at most. That is no failure: `held` is false then"),
            "for": duration("For how long `until` has to hold, at each look"),
        },
    })
}
