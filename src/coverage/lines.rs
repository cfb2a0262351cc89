//! On which lines of a file names stand: what a reader of YAML gives does not say it.

use std::collections::{HashMap, VecDeque};

/// A name is looked for so far behind `alert:`, in bytes.
const NEAR: usize = 256;

/// For each name, the lines on which it stands, in order.
pub(super) type Lines<'t> = HashMap<&'t str, VecDeque<u64>>;

/// The lines on which each name stands behind this key, in order, in one pass.
pub(super) fn lines_of<'t>(text: &'t str, key: &str) -> Lines<'t> {
    let mut found: Lines<'t> = HashMap::new();
    // What kubectl remembers of an object is no part of it, and neither is a comment.
    let is_passed_over = |line: &str| {
        let begin = line.trim_start();
        begin.starts_with(['#']) || begin.starts_with("{\"apiVersion\"") || line.contains("last-applied")
    };
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !is_passed_over(line)) {
        for (at, word) in line.match_indices(key) {
            let before = line[..at].chars().next_back();
            if !before.is_none_or(|c| " -{,\"'n".contains(c)) {
                continue;
            }
            let rest = &line[at + word.len()..];
            let rest = &rest[..rest.floor_char_boundary(NEAR)];
            let rest = rest.trim_start_matches(['"', '\'', '\\']).trim_start();
            let Some(value) = rest.strip_prefix(':') else { continue };
            let value = value.trim_start_matches([' ', '"', '\'', '\\']);
            let end = value.find([',', '}', '\\']).or_else(|| value.find(" #")).unwrap_or(value.len());
            let name = value[..end].trim().trim_end_matches(['"', '\'']);
            found.entry(name).or_default().push_back(n as u64 + 1);
        }
    }
    found
}
