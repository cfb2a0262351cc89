//! Which words may be names.

use crate::model::redact_value;
use crate::playbook::load::Text;

/// CEL's own words, and what conditions and texts have names for already.
const RESERVED: [&str; 50] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "bool",
    "bytes",
    "double",
    "duration",
    "dyn",
    "int",
    "list",
    "map",
    "null_type",
    "optional",
    "optional_type",
    "quantity",
    "size",
    "string",
    "timestamp",
    "type",
    "uint",
    "has",
    "matches",
    "each",
    "with",
    "unless",
    "this",
    "alert",
    "target",
    "inputs",
    "incident",
    "run",
    "because",
];

/// What texts have a helper for: `{{log}}` would call that.
const HELPERS: [&str; 13] = ["and", "eq", "gt", "gte", "len", "log", "lookup", "lt", "lte", "ne", "not", "or", "raw"];

/// What is wrong with a name that a `set` gives, if anything.
pub(super) fn set_problem(name: &Text) -> Option<(String, String)> {
    if let Some((message, remedy)) = id_problem(name) {
        return Some((message.replace("an id", "a name"), remedy));
    }
    let text = name.value.as_str();
    if HELPERS.contains(&text) {
        let message = format!("`{text}` cannot be a name: texts use the word for something else");
        return Some((message, format!("write `{text}_found`, or better what it says")));
    }
    // What is masked on the log is another value, so that the step would fail each time.
    let mut tried = serde_json::json!({ text: "some words" });
    redact_value(&mut tried);
    (tried[text] != "some words").then(|| {
        let message = format!("`{text}` cannot be a name: it reads like that of a secret, whose value would be masked");
        (message, "write what the value says, without the word".into())
    })
}

/// What is wrong with an id, if anything.
pub(super) fn id_problem(id: &Text) -> Option<(String, String)> {
    let text = id.value.as_str();
    let first = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let rest = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if RESERVED.contains(&text) || text == "now" {
        return Some((
            format!("`{text}` cannot be an id: conditions and texts use the word for something else"),
            format!("write `{text}_1`, or better what the step finds out"),
        ));
    }
    if first && rest && text.len() <= 63 {
        return None;
    }
    let better: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .skip_while(|c| c.is_ascii_digit())
        .take(63)
        .collect();
    Some((
        format!("`{text}` cannot be an id: ids are lowercase letters, digits and `_`, and do not begin with a digit"),
        if better.is_empty() { "write a word, such as `p99`".into() } else { format!("write `{better}` instead") },
    ))
}
