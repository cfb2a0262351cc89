//! Fields by the schema of a CustomResourceDefinition.
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/>

use serde_json::{Map, Value};

use super::FieldAt;

/// What there is at `path`, by `openAPIV3Schema`. An index of a list is a part of the path.
pub(super) fn field_at(schema: &Value, path: &[&str]) -> FieldAt {
    let mut here = schema;
    for (depth, part) in path.iter().enumerate() {
        if let Some(entry) = here.get("items") {
            here = entry;
            continue;
        }
        let fields = here.get("properties").and_then(Value::as_object);
        if let Some(field) = fields.and_then(|fields| fields.get(*part)) {
            here = field;
            continue;
        }
        if let Some(value @ Value::Object(_)) = here.get("additionalProperties") {
            here = value;
            continue;
        }
        let Some(fields) = fields.filter(|_| !takes_anything(here)) else { return FieldAt::Unknown };
        return FieldAt::Missing { depth, known: known(fields, depth) };
    }
    match here.get("type").and_then(Value::as_str) {
        _ if is_either(here) => FieldAt::Unknown,
        Some("integer" | "number") => FieldAt::Number,
        Some("string") => FieldAt::Text,
        Some("boolean") => FieldAt::Truth,
        Some("object" | "array") => FieldAt::Other,
        _ => FieldAt::Unknown,
    }
}

fn takes_anything(schema: &Value) -> bool {
    let says = |what: &str| schema.get(what).is_some_and(|value| value == true);
    says("x-kubernetes-preserve-unknown-fields")
        || says("x-kubernetes-embedded-resource")
        || says("additionalProperties")
}

fn is_either(schema: &Value) -> bool {
    schema.get("x-kubernetes-int-or-string").is_some_and(|value| value == true) || schema.get("anyOf").is_some()
}

/// Every object has these three, whether or not the schema names them.
fn known(fields: &Map<String, Value>, depth: usize) -> Vec<String> {
    let every = ["apiVersion", "kind", "metadata"].into_iter().filter(|_| depth == 0).map(str::to_owned);
    let mut known: Vec<String> = fields.keys().cloned().chain(every).collect();
    known.sort_unstable();
    known.dedup();
    known
}

/// The schema without what is for people, which is most of it.
pub(in crate::cluster) fn bare(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            // A field may be called `description`, too: then it is no text, but has a schema.
            let is_told = |name: &str, value: &Value| name == "description" && value.is_string();
            let kept = fields.iter().filter(|(name, value)| !is_told(name, value));
            Value::Object(kept.map(|(name, value)| (name.clone(), bare(value))).collect())
        }
        Value::Array(entries) => Value::Array(entries.iter().map(bare).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_says_what_there_is() {
        let text = json!({ "type": "string", "description": "for people" });
        let schema = bare(&json!({ "type": "object", "description": "for people", "properties": {
            "spec": { "type": "object", "properties": {
                "instances": { "type": "integer" },
                "description": text,
                "paused": { "type": "boolean" },
                "users": { "type": "array", "items": { "type": "object", "properties": { "name": text } } },
                "limits": { "type": "object", "additionalProperties": { "x-kubernetes-int-or-string": true } },
                "parameters": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            } },
            "status": { "type": "object" },
        } }));
        assert!(!schema.to_string().contains("for people"));
        let at = |path: &str| field_at(&schema, &path.split('.').collect::<Vec<_>>());
        assert_eq!(at("spec.instances"), FieldAt::Number);
        assert_eq!(at("spec.description"), FieldAt::Text);
        assert_eq!(at("spec.paused"), FieldAt::Truth);
        assert_eq!(at("spec.users.0.name"), FieldAt::Text);
        assert_eq!(at("spec.users"), FieldAt::Other);
        for unknown in ["spec.limits.cpu", "spec.parameters.shared_buffers", "status.phase"] {
            assert_eq!(at(unknown), FieldAt::Unknown, "{unknown}");
        }
        let FieldAt::Missing { depth: 1, known } = at("spec.instance") else { panic!() };
        assert_eq!(known, ["description", "instances", "limits", "parameters", "paused", "users"]);
        let FieldAt::Missing { depth: 3, .. } = at("spec.users.0.nam") else { panic!() };
        let FieldAt::Missing { depth: 0, known } = at("specs.instances") else { panic!() };
        assert_eq!(known, ["apiVersion", "kind", "metadata", "spec", "status"]);
    }
}
