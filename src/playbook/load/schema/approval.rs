//! Who is asked before something is changed.

use serde_json::{Value, json};

use super::{described, duration, text};
use crate::model::MOST_APPROVERS;

pub(super) fn approval() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "not": { "required": ["of", "by"] },
        "properties": {
            "people": described(
                "So many must say yes, each once; else 1",
                json!({ "type": ["integer", "string"], "minimum": 1, "maximum": MOST_APPROVERS }),
            ),
            "of": text("The team of `oncall.yaml` whose yes counts; else the owner"),
            "by": described(
                "In the stead of a team: these, by their names",
                json!({ "type": "array", "minItems": 1, "items": { "type": "string" } }),
            ),
            "within": duration("How long the question stays open, 24h at most; else `engine.approval_timeout`"),
            "requester": {
                "description": "Whether the yes of whoever asked for the run counts; else `may` where one person is asked",
                "enum": ["may", "may_not"],
            },
            "question": text("What is asked, in words"),
        },
    })
}
