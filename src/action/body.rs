//! What somebody else answered, as it is kept: masked, and within bounds.

use serde::Serialize;
use serde_json::Value;

use super::masked::masked_text;
use super::typed::Typed;
use crate::model::redact_value;

/// Any JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Json(Value);

impl Typed for Json {
    const WORDS: &'static str = "any";
}

/// The most that is kept, in bytes.
const LARGEST_JSON: usize = 96 * 1024;

/// The body as text, masked. Of JSON more is known to be a secret than its text tells, so that
/// where there is one, the text is that of the masked JSON.
pub(super) fn text(body: &[u8]) -> String {
    if let Ok(read) = serde_json::from_slice::<Value>(body) {
        let mut masked = read.clone();
        redact_value(&mut masked);
        if masked != read {
            return masked_text(&masked.to_string());
        }
    }
    masked_text(&String::from_utf8_lossy(body))
}

/// The body as JSON, masked. A text such as `42` is JSON only where it is said to be.
pub(super) fn json(body: &[u8], content_type: &str) -> Option<Json> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_said = kind == "application/json" || kind.ends_with("+json");
    let mut value: Value = serde_json::from_slice(body).ok().filter(|value: &Value| is_said || !is_scalar(value))?;
    redact_value(&mut value);
    (value.to_string().len() <= LARGEST_JSON).then_some(Json(value))
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

/// The beginning, and whether that is all.
pub(super) fn first(mut text: String, most: usize) -> (String, bool) {
    if text.len() <= most {
        return (text, true);
    }
    text.truncate(text.floor_char_boundary(most));
    (text, false)
}
