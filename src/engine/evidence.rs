//! What of the world goes on the log: bounded, and without what nobody reads.

use serde_json::{Map, Value};

use crate::action::{ActionError, Output};
use crate::cluster::Object;
use crate::model::{Intent, MASK, redact, redact_value};

/// An object without its bookkeeping (managed fields, the copy of itself that `kubectl apply` leaves), masked.
pub fn trimmed(object: &Object) -> Object {
    let mut value = object.0.clone();
    if let Some(metadata) = value.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    redact_value(&mut value);
    Object(value)
}

/// An output as it goes on the log: masked, and `largest` bytes at most as JSON.
///
/// # Errors
/// When it is too large: half of it could decide otherwise than the whole.
pub(super) fn bounded(output: Output, largest: usize) -> Result<(Value, String), ActionError> {
    let mut value = Value::Object(output.value);
    redact_value(&mut value);
    let size = serde_json::to_vec(&value).map_or(usize::MAX, |bytes| bytes.len());
    if size > largest {
        return Err(ActionError::fail(format!(
            "the answer has {size} bytes, and {largest} is the most that is kept; ask for less"
        )));
    }
    Ok((value, short(&redact(&output.summary))))
}

/// What a line of the log has at the most: whoever says more, a program or a server, is not read at
/// three in the morning.
const LONGEST_LINE: usize = 4_000;

pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_LINE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} …", &text[..end]),
    }
}

/// An output of a mutation that was made: it cannot fail any more, and so goes without its fields where they are too much.
pub(super) fn kept(output: Output, largest: usize) -> (Value, String) {
    let summary = short(&redact(&output.summary));
    match bounded(output, largest) {
        Ok(kept) => kept,
        Err(error) => (Value::Object(Map::new()), format!("{summary} (its output is not kept: {error})")),
    }
}

/// Whether an intent may go on the log as it is: masked, it would be another one.
///
/// # Errors
/// It holds what looks like a secret, for a human; or it is too large.
pub(super) fn check_intent(intent: &Intent, largest: usize) -> Result<(), ActionError> {
    let values = serde_json::json!([intent.before, intent.after, intent.object, intent.uid]);
    let mut masked = values.clone();
    redact_value(&mut masked);
    let wanted = serde_json::json!([intent.after, intent.object]).to_string();
    if wanted.contains(MASK) {
        return Err(ActionError::needs_human(format!("it would act on what was masked: {}", intent.summary)));
    }
    if masked != values {
        return Err(ActionError::needs_human(format!(
            "it holds what looks like a secret, which must not go on the log: {}",
            intent.summary
        )));
    }
    let size = serde_json::to_vec(&values).map_or(usize::MAX, |bytes| bytes.len());
    if size > largest {
        return Err(ActionError::fail(format!(
            "its values have {size} bytes, and {largest} is the most that is kept: {}",
            intent.summary
        )));
    }
    Ok(())
}

/// The fields of an output as JSON, for a condition that looks at them by their bare names.
pub(super) fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_is_no_longer_than_somebody_reads() {
        assert_eq!(short("all is well"), "all is well");
        assert_eq!(short(&"ä".repeat(LONGEST_LINE)), "ä".repeat(LONGEST_LINE));
        assert_eq!(short(&"ä".repeat(900_000)), format!("{} …", "ä".repeat(LONGEST_LINE)));
    }
}
