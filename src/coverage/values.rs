//! What a value of a rule file says, as Prometheus reads it.

use serde_json::Value;

/// A value with this is filled in by each alert.
pub(super) const HOLE: &str = "{{";

/// The value of a label, where it is the same for each alert.
pub(super) fn fixed(value: &Value) -> Option<String> {
    scalar(value).filter(|text| !text.contains(HOLE))
}

/// A text, or what is read as one; nothing is an empty one. How a fraction was written is not
/// known.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) => Some(value.to_string()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(value.to_string()),
        Value::Null => Some(String::new()),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
