//! Writing plain data as YAML that people like to read.

use serde_json::Value;

/// One document, with a line end.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                text.push_str(&"  ".repeat(depth));
                text.push_str(&scalar(name));
                entry(field, depth, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                // A map begins on the line of its dash.
                let mut inner = String::new();
                write(item, depth + 1, &mut inner);
                text.push_str(&"  ".repeat(depth));
                text.push_str("- ");
                text.push_str(inner.trim_start_matches(' '));
            }
        }
        other => {
            text.push_str(&"  ".repeat(depth));
            text.push_str(&plain(other));
            text.push('\n');
        }
    }
}

/// What stands behind a field's name.
fn entry(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push_str(":\n");
            write(value, depth + 1, text);
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            text.push_str(&format!(": [{}]\n", items.join(", ")));
        }
        Value::Array(_) => {
            text.push_str(":\n");
            write(value, depth + 1, text);
        }
        other => text.push_str(&format!(": {}\n", plain(other))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        // Numbers, booleans, null and what is empty look the same in JSON.
        other => other.to_string(),
    }
}

/// A text, in quotes unless everybody reads it as that text without them.
fn scalar(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_');
    let begins = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
    );
    if begins && !word && text.chars().all(safe) { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let value = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": { "name": "dogwatch", "labels": {} },
            "rules": [
                { "apiGroups": [""], "resources": ["deployments/scale"], "verbs": ["get", "patch"] },
                { "apiGroups": ["apps"], "empty": [], "nested": [["a"], [1, null, true]] },
            ],
            "odd": ["no", "1", "a: b", "#x", "- y", "it's \"quoted\"", "line\nend", "ä", ""],
        });
        let text = document(&value);
        let back: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(back, value, "{text}");
        assert!(text.contains("rules:\n  - apiGroups: [\"\"]\n    resources: [deployments/scale]\n"), "{text}");
    }
}
