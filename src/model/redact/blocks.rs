//! Secrets of several lines: private keys, and Kubernetes' Secrets as YAML or JSON.

use std::ops::Range;

use super::named::run_of;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// What tells a line of a key's body from a word. The last line of one may be shorter.
const BODY: usize = 16;
/// The longest line of a key that a program breaks into lines: PEM has 64, MIME 76.
const LONGEST_BODY: usize = 76;

/// From the head of a PEM private key to its foot, or to the end of what was cut off, and before a
/// foot alone.
pub(super) fn private_keys(text: &str, found: &mut Vec<Range<usize>>) {
    let (mut from, mut feet) = (0, Vec::new());
    while let Some(label) = text[from..].find(BEGIN).map(|at| from + at + BEGIN.len()) {
        from = label;
        let name = run_of(&text[label..], |c| c.is_ascii_uppercase() || c == ' ');
        let start = label + name.len() + "-----".len();
        if name.contains("PRIVATE KEY") && text[label + name.len()..].starts_with("-----") {
            let end = text[start..].find("-----END").map_or(text.len(), |at| at + start);
            found.push(start..end);
            feet.push(end);
            from = end;
        }
    }
    keys_without_head(text, &feet, found);
}

/// What stands before the foot of a private key whose head was cut off: the base64 at the ends of
/// the lines before it, be they lines or written as `\n` within one.
fn keys_without_head(text: &str, feet: &[usize], found: &mut Vec<Range<usize>>) {
    let mut floor = 0;
    for (foot, _) in text.match_indices(END) {
        let label = foot + END.len();
        let name = run_of(&text[label..], |c| c.is_ascii_uppercase() || c == ' ');
        let is_foot = name.contains("PRIVATE KEY") && text[label + name.len()..].starts_with("-----");
        if is_foot && feet.binary_search(&foot).is_err() {
            found.extend(body_before(&text[floor..foot]).into_iter().map(|body| body.start + floor..body.end + floor));
        }
        floor = label;
    }
}

/// The lines of base64 at the end of a text, each without what a logger writes before it.
fn body_before(text: &str) -> Vec<Range<usize>> {
    let mut bodies = Vec::new();
    let mut last = None;
    let mut end = text.len();
    for line in text.rsplit('\n') {
        let start = end - line.len();
        let line = line.trim_end_matches('\r');
        let length = line.len() - line.trim_end_matches(|c| is_base64(c) || c == '\\').len();
        let body = start + line.len() - length..start + line.len();
        let is_of_foot = body.end == text.len();
        // The last line of a key may be as short as a word, and is known by the one before it.
        if length >= BODY || (is_of_foot && length > 0) {
            bodies.extend(last.take());
            bodies.push(body);
        } else if length > 0 && bodies.is_empty() && last.is_none() {
            last = Some(body);
        } else if end < text.len() {
            break;
        }
        end = start.saturating_sub(1);
    }
    bodies
}

/// The base64 at the beginning of a text that was cut out of a longer one: nobody knows whether it
/// is of a private key.
pub(super) fn cut_key(text: &str) -> Option<Range<usize>> {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let word = line.trim_end().rsplit(' ').next().unwrap_or_default();
        // `component=scheduler` is no base64: what fills it up stands at its end.
        let is_filled_up = !word.trim_end_matches('=').contains('=');
        if !(BODY..=LONGEST_BODY).contains(&word.len()) || !is_filled_up || !word.chars().all(is_base64) {
            break;
        }
        end += line.len();
    }
    let cut = text[..end].trim_end().len();
    (cut > 0).then_some(0..cut)
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
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
