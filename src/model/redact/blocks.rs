//! Secrets of several lines: private keys, and Kubernetes' Secrets as YAML or JSON.

use std::ops::Range;

use super::named::run_of;

const BEGIN: &str = "-----BEGIN ";

/// From the head of a PEM private key to its foot, or to the end of what was cut off.
pub(super) fn private_keys(text: &str, found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(label) = text[from..].find(BEGIN).map(|at| from + at + BEGIN.len()) {
        from = label;
        let name = run_of(&text[label..], |c| c.is_ascii_uppercase() || c == ' ');
        let start = label + name.len() + "-----".len();
        if name.contains("PRIVATE KEY") && text[label + name.len()..].starts_with("-----") {
            let end = text[start..].find("-----END").map_or(text.len(), |at| at + start);
            found.push(start..end);
            from = end;
        }
    }
}

/// What a Secret of Kubernetes holds under `data` and `stringData`.
pub(super) fn kubernetes_secrets(text: &str, found: &mut Vec<Range<usize>>) {
    let mut start = 0;
    for document in text.split("\n---") {
        let compact: String = document.chars().filter(|c| !matches!(c, ' ' | '"' | '\\')).collect();
        if compact.contains("kind:Secret") {
            let is_json = document.trim_start_matches(['\\', '"', ' ', '\n']).starts_with('{');
            if is_json { json_data(document, start, found) } else { yaml_data(document, start, found) }
        }
        start += document.len() + "\n---".len();
    }
}

fn yaml_data(document: &str, start: usize, found: &mut Vec<Range<usize>>) {
    let (mut at, mut inside) = (start, None);
    for line in document.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let bare = line.trim();
        if matches!(bare, "data:" | "stringData:") {
            inside = Some(indent);
        } else if let Some(outside) = inside
            && !bare.is_empty()
        {
            if indent <= outside {
                inside = None;
            } else {
                // A line of a block scalar has no name.
                let name = bare.split_once(": ").map_or("", |(name, _)| name);
                let value = if name.is_empty() && !bare.ends_with(':') {
                    bare
                } else {
                    bare[name.len()..].trim_start_matches([':', ' '])
                };
                let end = at + line.trim_end().len();
                if !matches!(value, "|" | "|-" | ">" | ">-") {
                    found.push(end - value.len()..end);
                }
            }
        }
        at += line.len();
    }
}

/// Flat objects of texts: each text after a colon.
fn json_data(document: &str, start: usize, found: &mut Vec<Range<usize>>) {
    for name in ["\"data", "\"stringData"] {
        let mut from = 0;
        while let Some(at) = document[from..].find(name).map(|at| from + at + name.len()) {
            from = at;
            let after = document[at..].trim_start_matches(['\\', '"', ' ', '\n']);
            let Some(body) = after.strip_prefix(':').map(|after| after.trim_start().strip_prefix('{')) else {
                continue;
            };
            let Some(body) = body else { continue };
            let body_at = document.len() - body.len();
            let end = body.find('}').unwrap_or(body.len());
            for (colon, _) in body[..end].match_indices(':') {
                let value = body[colon + 1..end].trim_start_matches([' ', '\\']);
                let Some(value) = value.strip_prefix('"') else { continue };
                let value_at = start + body_at + (end - value.len());
                found.push(value_at..value_at + value.find(['"', '\\']).unwrap_or(value.len()));
            }
            from = body_at + end;
        }
    }
}
