//! Structural schemas of custom resources, as far as they say what an object is made of: types,
//! fields, what must be there, and bounds of values. Patterns, formats, defaults and rules in CEL
//! are left out.
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>

use serde_json::Value;

/// Deeper schemas than this are refused, as they could be without end.
const DEEPEST: usize = 64;

/// The fields of `object` that the schema does not have.
///
/// # Errors
/// A value that the schema forbids, or one that is missing.
pub(super) fn unknown_fields(schema: &Value, object: &Value) -> Result<Vec<String>, String> {
    let mut check = Check { unknown: Vec::new() };
    check.value(schema, object, "", 0)?;
    Ok(check.unknown)
}

struct Check {
    unknown: Vec<String>,
}

impl Check {
    fn value(&mut self, schema: &Value, value: &Value, path: &str, depth: usize) -> Result<(), String> {
        let shown = if path.is_empty() { "the object" } else { path };
        if depth > DEEPEST {
            return Err(format!("{shown}: deeper than {DEEPEST} levels"));
        }
        if value.is_null() {
            return if schema["nullable"] == true { Ok(()) } else { Err(format!("{shown}: Invalid value: \"null\"")) };
        }
        check_type(schema, value, shown)?;
        check_bounds(schema, value, shown)?;
        match value {
            Value::Object(fields) => {
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                if let Some(missing) = required.into_iter().find(|name| !fields.contains_key(*name)) {
                    return Err(format!("{}: Required value", joined(path, missing)));
                }
                for (name, field) in fields {
                    let is_servers = depth == 0 && matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
                    if is_servers || (field.is_null() && schema["properties"][name]["nullable"] != true) {
                        continue;
                    }
                    let place = joined(path, name);
                    match field_of(schema, name) {
                        Field::Of(schema) => self.value(schema, field, &place, depth + 1)?,
                        Field::Any => {}
                        Field::Unknown => self.unknown.push(place),
                    }
                }
            }
            Value::Array(items) if schema["items"].is_object() => {
                for (number, item) in items.iter().enumerate() {
                    self.value(&schema["items"], item, &format!("{path}[{number}]"), depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

enum Field<'s> {
    Of(&'s Value),
    Any,
    Unknown,
}

fn field_of<'s>(schema: &'s Value, name: &str) -> Field<'s> {
    let keeps = schema["x-kubernetes-preserve-unknown-fields"] == true;
    match (schema["properties"].get(name), schema.get("additionalProperties")) {
        (Some(of), _) => Field::Of(of),
        (None, Some(of)) if of.is_object() => Field::Of(of),
        (None, Some(Value::Bool(true))) => Field::Any,
        _ if keeps || schema["x-kubernetes-embedded-resource"] == true => Field::Any,
        _ => Field::Unknown,
    }
}

fn check_type(schema: &Value, value: &Value, shown: &str) -> Result<(), String> {
    if schema["x-kubernetes-int-or-string"] == true {
        let fits = value.is_i64() || value.is_u64() || value.is_string();
        return if fits { Ok(()) } else { Err(format!("{shown}: Invalid value: must be integer or string")) };
    }
    let Some(wanted) = schema["type"].as_str() else { return Ok(()) };
    let fits = match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("{shown}: Invalid value: must be of type {wanted}")) }
}

fn check_bounds(schema: &Value, value: &Value, shown: &str) -> Result<(), String> {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        return Err(format!("{shown}: Unsupported value: supported values: {}", allowed.join(", ")));
    }
    let bound = |name: &str| schema[name].as_f64();
    let size = match value {
        Value::Number(number) => {
            let Some(number) = number.as_f64() else { return Ok(()) };
            let is_low = bound("minimum")
                .is_some_and(|least| number < least || (number == least && schema["exclusiveMinimum"] == true));
            let is_high = bound("maximum")
                .is_some_and(|most| number > most || (number == most && schema["exclusiveMaximum"] == true));
            if is_low || is_high {
                return Err(format!("{shown}: Invalid value: {number}: out of its bounds"));
            }
            return Ok(());
        }
        Value::String(text) => Some((text.chars().count(), "minLength", "maxLength")),
        Value::Array(items) => Some((items.len(), "minItems", "maxItems")),
        Value::Object(fields) => Some((fields.len(), "minProperties", "maxProperties")),
        _ => None,
    };
    if let Some((size, least, most)) = size {
        let count = |name: &str| schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
        if count(least).is_some_and(|least| size < least) || count(most).is_some_and(|most| size > most) {
            return Err(format!("{shown}: Invalid value: its size {size} is out of its bounds"));
        }
    }
    Ok(())
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn widget() -> Value {
        json!({
            "type": "object",
            "required": ["spec"],
            "properties": {
                "spec": {
                    "type": "object",
                    "required": ["size"],
                    "properties": {
                        "size": { "type": "integer", "minimum": 1, "maximum": 9 },
                        "mode": { "type": "string", "enum": ["fast", "slow"] },
                        "port": { "x-kubernetes-int-or-string": true },
                        "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                        "hosts": { "type": "array", "maxItems": 2, "items": { "type": "string", "minLength": 1 } },
                        "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                        "none": { "type": "string", "nullable": true },
                    },
                },
            },
        })
    }

    fn check(spec: Value) -> Result<Vec<String>, String> {
        let object =
            json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "x" }, "spec": spec });
        unknown_fields(&widget(), &object)
    }

    #[test]
    fn what_the_schema_says_is_held() {
        let all = json!({
            "size": 3, "mode": "fast", "port": "http", "labels": { "a": "b" }, "hosts": ["a"], "free": { "any": [1] },
            "none": null,
        });
        assert_eq!(check(all), Ok(vec![]));
        assert_eq!(check(json!({ "size": 3, "siez": 4 })), Ok(vec!["spec.siez".to_owned()]));
        for (wrong, says) in [
            (json!({}), "spec.size: Required value"),
            (json!({ "size": 0 }), "spec.size: Invalid value: 0: out of its bounds"),
            (json!({ "size": "3" }), "spec.size: Invalid value: must be of type integer"),
            (
                json!({ "size": 3, "mode": "medium" }),
                "spec.mode: Unsupported value: supported values: \"fast\", \"slow\"",
            ),
            (json!({ "size": 3, "labels": { "a": 1 } }), "spec.labels.a: Invalid value: must be of type string"),
            (
                json!({ "size": 3, "hosts": ["a", "b", "c"] }),
                "spec.hosts: Invalid value: its size 3 is out of its bounds",
            ),
            (json!({ "size": 3, "hosts": [""] }), "spec.hosts[0]: Invalid value: its size 0 is out of its bounds"),
            (json!({ "size": 3, "port": true }), "spec.port: Invalid value: must be integer or string"),
        ] {
            assert_eq!(check(wrong), Err(says.to_owned()));
        }
    }

    #[test]
    fn a_schema_without_end_comes_to_one() {
        let mut schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        let mut object = json!({});
        for _ in 0..100 {
            schema = json!({ "type": "object", "properties": { "a": schema } });
            object = json!({ "a": object });
        }
        assert!(unknown_fields(&schema, &object).unwrap_err().contains("deeper than 64 levels"));
    }
}
