//! Masking what looks like a secret, in texts whose origin is not ours: outputs of steps, annotations, error messages.
//!
//! It errs on the side of masking: a masked word costs a look at the source, a leaked one a rotation. What is declared
//! a secret is masked elsewhere; this is the net below.

mod rules;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::Value;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// The text with everything masked that looks like a secret: passwords and tokens by their names (`PGPASSWORD=`,
/// `"client_secret": "…"`), passwords in URLs, private keys, `Authorization` and `Cookie` headers, and tokens that are known by
/// their shape. Borrowed when there is nothing to mask. May be repeated: a masked text stays as it is.
pub fn redact(text: &str) -> Cow<'_, str> {
    let Some(mut masked) = mask_once(text) else { return Cow::Borrowed(text) };
    // A mask can make the end of another secret visible. Eight is more than any text needs that nobody made up for it.
    for _ in 0..8 {
        match mask_once(&masked) {
            Some(again) => masked = again,
            None => break,
        }
    }
    Cow::Owned(masked)
}

fn mask_once(text: &str) -> Option<String> {
    let mut found = rules::secrets(text);
    if found.is_empty() {
        return None;
    }
    found.sort_by_key(|range| (range.start, range.end));
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for range in found {
        // What overlaps or touches the last one is masked with it.
        if from == 0 || range.start > from {
            masked.push_str(&text[from..range.start]);
            masked.push_str(MASK);
        }
        from = from.max(range.end);
    }
    masked.push_str(&text[from..]);
    Some(masked)
}

/// Masks within a document: texts under the name of a secret, the data of a Kubernetes Secret, environment variables
/// (`{name: PGPASSWORD, value: …}`), and whatever [`redact`] finds in any other text.
pub fn redact_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = redact(text) {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact_value),
        Value::Object(fields) => {
            let is_secret = fields.get("kind").is_some_and(|kind| kind == "Secret");
            let named = fields.get("name").and_then(Value::as_str).is_some_and(rules::is_sensitive);
            for (name, value) in fields {
                let all = is_secret && matches!(name.as_str(), "data" | "stringData");
                let this = rules::is_sensitive(name) || (named && name == "value");
                if all || this { mask_texts(value, all) } else { redact_value(value) }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Masks a text, or a list of them; with `deep`, also the fields of an object. An object under the name of a secret
/// mostly says where the secret is: its fields are looked at on their own.
fn mask_texts(value: &mut Value, deep: bool) {
    match value {
        Value::String(text) if !text.is_empty() => *text = MASK.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| mask_texts(item, deep)),
        Value::Object(fields) if deep => fields.values_mut().for_each(|value| mask_texts(value, true)),
        other => redact_value(other),
    }
}
