//! Masking within documents and sets of labels, where names say what values are.

use serde_json::Value;

use super::named::is_sensitive;
use super::{MASK, redact};

/// Masks within a document: texts and numbers under the name of a secret, the data of a Kubernetes
/// Secret, environment variables and settings (`{name: PGPASSWORD, value: …}`,
/// `{key: …, value: …}`, `password: {value: …}`), and whatever [`redact`] finds in any other text.
/// Names of fields are masked too, as they may be what somebody wrote.
pub fn redact_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(masked) = redact(text) {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact_value),
        Value::Object(fields) => {
            let is_secret = fields.get("kind").is_some_and(|kind| kind == "Secret");
            let named = fields
                .iter()
                .filter(|(field, _)| is_one_of(field, NAMES))
                .find_map(|(_, name)| name.as_str().filter(|name| is_sensitive(name)).map(str::to_owned));
            for (name, value) in fields.iter_mut() {
                let all = is_secret && matches!(name.as_str(), "data" | "stringData");
                match &named {
                    Some(named) if is_one_of(name, &["value"]) => mask_texts(named, value, all),
                    _ if all || is_sensitive(name) => mask_texts(name, value, all),
                    _ => redact_value(value),
                }
            }
            if fields.keys().any(|name| redact(name) != *name) {
                let renamed = std::mem::take(fields).into_iter();
                *fields = renamed.map(|(name, value)| (redact(&name).into_owned(), value)).collect();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value of a field or label of that name, masked.
pub fn redact_named(name: &str, value: &str) -> String {
    if !value.is_empty() && is_sensitive(name) && !is_reference(name, value) {
        return MASK.to_owned();
    }
    redact(value).into_owned()
}

/// The fields that say of what the field `value` beside them is the value.
const NAMES: &[&str] = &["name", "key"];

/// The fields in which an object under the name of a setting has what it is set to.
const VALUES: &[&str] = &["value", "current", "default", "plain"];

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|of| of.eq_ignore_ascii_case(name))
}

/// Masks a text or number, or a list of them; with `deep`, also the fields of an object. An object
/// under the name of a secret mostly says where the secret is: its fields are looked at on their
/// own, but for those that are the secret itself.
fn mask_texts(name: &str, value: &mut Value, deep: bool) {
    match value {
        Value::String(text) if deep && !text.is_empty() => *text = MASK.to_owned(),
        Value::String(text) => *text = redact_named(name, text),
        Value::Number(_) => *value = MASK.into(),
        Value::Array(items) => items.iter_mut().for_each(|item| mask_texts(name, item, deep)),
        Value::Object(fields) if deep => fields.values_mut().for_each(|value| mask_texts(name, value, true)),
        Value::Object(fields) => {
            for (_, own) in fields.iter_mut().filter(|(field, _)| is_one_of(field, VALUES)) {
                mask_texts(name, own, true);
            }
            redact_value(value);
        }
        other => redact_value(other),
    }
}

/// Whether `secret="pg-tls"` only names an object of the cluster: kube-state-metrics has such
/// labels.
pub(super) fn is_reference(name: &str, value: &str) -> bool {
    matches!(name, "secret" | "exported_secret") && is_object_name(value)
}

/// Words with hyphens between them, as people name objects, and the five letters that Kubernetes
/// adds. What mixes letters and digits within a word may be a password.
fn is_object_name(value: &str) -> bool {
    const SUFFIX: usize = 5;
    let mut words: Vec<&str> = value.split(['-', '.']).collect();
    if words.len() < 2 {
        return false;
    }
    words.pop_if(|last| last.len() == SUFFIX && last.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    words.iter().all(|word| {
        !word.is_empty()
            && (word.bytes().all(|byte| byte.is_ascii_lowercase()) || word.bytes().all(|byte| byte.is_ascii_digit()))
    })
}
