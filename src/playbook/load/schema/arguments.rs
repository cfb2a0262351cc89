//! The arguments of actions, as their declarations say.

use serde_json::{Map, Value, json};

use super::subject::kind;
use super::{described, duration_form, with};
use crate::action::{Argument, Declaration};

pub(super) fn arguments(action: &Declaration) -> Value {
    let properties = action.arguments.iter().map(|argument| (argument.name.to_owned(), of_argument(argument)));
    let required = action.arguments.iter().filter(|argument| argument.required).map(|argument| argument.name);
    json!({
        "description": action.about,
        "type": "object",
        "additionalProperties": false,
        "required": required.collect::<Vec<_>>(),
        "properties": properties.collect::<Map<_, _>>(),
    })
}

/// A value of its type, or a text with holes that becomes one.
pub(super) fn of_argument(argument: &Argument) -> Value {
    let integer = json!({ "type": "integer", "minimum": 0 });
    let size = json!({ "type": ["string", "integer"], "pattern": "^[0-9.]+([eE][0-9]+|[numkKMGTPE]i?)?$" });
    let share = json!({ "type": "string", "pattern": "^ *[0-9]+ *%$" });
    let value = match argument.of_type {
        "integer" => vec![integer],
        "number" => vec![json!({ "type": "number" })],
        "boolean" => vec![json!({ "type": "boolean" })],
        "size" => vec![size],
        "percentage or integer" => vec![share, integer],
        "percentage or size" => vec![share, size],
        "number or quantity" => vec![quantity()],
        "percentage or number" => vec![share, quantity()],
        "path" => vec![json!({ "type": "string", "pattern": "^ *[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)* *$" })],
        "matchers" => {
            let matchers = json!({ "type": "array", "minItems": 1, "items": { "type": "string" } });
            return described(argument.doc, matchers);
        }
        "growth" => return described(argument.doc, growth(share)),
        "command" => return described(argument.doc, command()),
        "duration" => vec![duration_form()],
        "kind" => vec![kind()],
        // Words: `cronjob` or `self`.
        words if words.starts_with('`') => {
            vec![json!({ "enum": words.split('`').skip(1).step_by(2).collect::<Vec<_>>() })]
        }
        _ => vec![json!({ "type": "string" })],
    };
    let any = value.into_iter().chain([json!({ "$ref": "#/$defs/template" })]).collect::<Vec<_>>();
    let mut schema = json!({ "anyOf": any });
    if let Some(default) = argument.default {
        let default = serde_json::from_str(default).unwrap_or_else(|_| Value::from(default));
        schema = with(schema, "default", default);
    }
    described(argument.doc, schema)
}

fn quantity() -> Value {
    json!({ "type": ["string", "number"], "pattern": "^[0-9.]+([eE][0-9]+|[numkKMGTPE]i?)?$" })
}

/// A program and its arguments.
fn command() -> Value {
    json!({
        "type": "array",
        "minItems": 1,
        "maxItems": 20,
        "items": { "anyOf": [{ "type": ["string", "number"] }, { "$ref": "#/$defs/template" }] },
    })
}

/// By how much a limit grows, and up to where.
fn growth(share: Value) -> Value {
    let quantity = quantity();
    let template = json!({ "$ref": "#/$defs/template" });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["by", "max"],
        "properties": {
            "by": { "description": "A share or an amount", "anyOf": [share, quantity, template] },
            "max": { "description": "The cap", "anyOf": [quantity, template] },
        },
    })
}
