//! The ways of a `choose`, and what of a step is short.

use serde_json::{Value, json};

use super::{condition, duration, steps, text};
use crate::model::{ActingRole, Phase};

pub(super) fn retry() -> Value {
    json!({ "for": duration("The whole time") })
}

/// Who can act where the run escalates.
pub(super) fn role() -> Value {
    json!({
        "description": "Who can act on it, by the `roles` of oncall.yaml: the page goes there. Or a text with a hole that gives one",
        "anyOf": [{ "enum": ActingRole::ALL.map(ActingRole::word) }, { "type": "string", "pattern": "\\{\\{" }],
    })
}

pub(super) fn branch(phase: Phase) -> Value {
    let mut properties = json!({
        "branch": text("What it means, for people"),
        "otherwise": text("What it means that no condition before it holds. The last branch"),
        "when": condition("The branch is chosen if this holds and none before it did"),
        "do": steps(phase, "What is done then"),
        "escalate": text("The run escalates at its end: why"),
        "role": role(),
        "done": text("The run ends with nothing more to do: why"),
        "hand_over_to": {
            "description": "The run ends, and a run of another playbook goes on",
            "type": "object",
            "additionalProperties": false,
            "required": ["playbook"],
            "properties": {
                "playbook": text("The name of the other playbook. Its text is the one of when this run began"),
                "target": text("What it is about: `Kind/namespace/name`, or `Kind/name`. By default the target of this run"),
                "inputs": {
                    "description": "Its inputs, by their names",
                    "type": "object",
                    "additionalProperties": { "type": ["string", "number", "boolean"] },
                },
            },
        },
        "go_on": text("Nothing is to be done here: why"),
    });
    if let Some(properties) = properties.as_object_mut() {
        let misplaced: &[&str] = match phase {
            Phase::Diagnose => &[],
            Phase::Mitigate => &["hand_over_to"],
            Phase::Escalate => &["hand_over_to", "escalate", "role", "done"],
        };
        misplaced.iter().for_each(|key| drop(properties.remove(*key)));
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": [{ "required": ["branch", "when"] }, { "required": ["otherwise"] }],
    })
}
