//! The keys of a `foreach`.

use serde_json::{Map, Value, json};

use super::subject::item_target;
use super::{described, steps, text};
use crate::model::Phase;

/// The keys of a loop beside `foreach`.
pub(super) fn each(phase: Phase) -> Map<String, Value> {
    let number = json!({ "type": ["integer", "string"] });
    let each = json!({
        "target": {
            "description": "The object that the steps within are about",
            "type": "object",
            "additionalProperties": false,
            "required": ["kind"],
            "properties": item_target(),
        },
        "key": text("What each is known by, where it is no object of its own"),
        "max": described("More of them: nothing is done, and a person is called", number.clone()),
        "waves": described(
            "So many at once, one wave after the other; the last number goes on",
            json!({ "type": "array", "minItems": 1, "items": number.clone() }),
        ),
        "stop_after": described("So many that fail stop it; else 1", number),
        "within": text("No other one begins so long after the first change, or after the first wave where nothing is changed"),
        "when_resolved": {
            "description": "What becomes of the others when the alert is over",
            "enum": ["finish", "stop"],
        },
        "guard": steps(phase, "Looked at again before each wave"),
        "do": steps(phase, "What is done for each"),
    });
    let Value::Object(each) = each else { return Map::new() };
    each
}
