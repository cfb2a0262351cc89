//! The text of the configuration, and where in it something stands.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use crate::diagnostics::{self, Location};
use crate::model::redact;

/// A file's text, with the positions of what stands in it.
#[derive(Debug, Clone, Default)]
pub(super) struct ConfigText {
    pub path: PathBuf,
    text: String,
    root: Option<Node>,
}

/// A position: line and column count from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub line: usize,
    pub column: usize,
}

impl ConfigText {
    pub fn new(path: &Path, text: &str) -> Self {
        // Where the text does not parse, the error that says so has its own position.
        Self { path: path.to_owned(), text: text.to_owned(), root: serde_saphyr::from_str(text).ok() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn says_nothing(&self) -> bool {
        says_nothing(&self.text)
    }

    /// Where a field stands: `server.api_tokens.1.token`. The nearest field above it when it is not there itself.
    pub fn find(&self, field: &str) -> Option<Position> {
        let mut node = self.root.as_ref()?;
        let mut found = None;
        for name in field.split('.') {
            let next = match node {
                Node::Map(entries) => {
                    entries.iter().find(|(key, _)| key.value == name).map(|(key, value)| (key.referenced, value))
                }
                Node::List(items) => {
                    name.parse().ok().and_then(|n: usize| items.get(n)).map(|item| (item.referenced, item))
                }
                Node::Leaf => None,
            };
            match next {
                Some((at, next)) => {
                    found = Some(position(at));
                    node = &next.value;
                }
                None => break,
            }
        }
        found
    }

    /// Where the text of a field stands, and in it the character `offset`, if the line of its name
    /// shows it as it reads.
    pub fn find_within(&self, field: &str, text: &str, offset: usize) -> Option<Position> {
        let name = self.find(field)?;
        let line = self.text.lines().nth(name.line.checked_sub(1)?)?;
        let after: usize = line.chars().take(name.column.saturating_sub(1)).map(char::len_utf8).sum();
        let at = after + line.get(after..)?.find(text.lines().next().filter(|text| !text.is_empty())?)?;
        Some(Position { line: name.line, column: line[..at].chars().count() + offset + 1 })
    }

    /// Which field has its name or its value there.
    pub fn field_at(&self, at: Position) -> Option<String> {
        self.root.as_ref()?.field_at(at)
    }

    /// As errors point into it.
    pub fn file(&self) -> diagnostics::SourceText<'_> {
        diagnostics::SourceText { path: &self.path, text: &self.text }
    }

    /// One line, without secrets that somebody wrote into it.
    pub fn line(&self, line: u64) -> String {
        redact(&hide_secrets(self.file().line(line))).into_owned()
    }
}

/// What the text is made of, whatever the fields mean.
#[derive(Debug, Clone)]
enum Node {
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
    Leaf,
}

impl Node {
    fn field_at(&self, at: Position) -> Option<String> {
        let within = |name: &str, value: &Spanned<Node>| {
            value
                .value
                .field_at(at)
                .map(|inner| format!("{name}.{inner}"))
                .or_else(|| (position(value.referenced) == at).then(|| name.to_owned()))
        };
        match self {
            Node::Map(entries) => entries.iter().find_map(|(key, value)| {
                within(&key.value, value).or_else(|| (position(key.referenced) == at).then(|| key.value.clone()))
            }),
            Node::List(items) => items.iter().enumerate().find_map(|(n, item)| within(&n.to_string(), item)),
            Node::Leaf => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Node::Leaf)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
}

fn position(location: serde_saphyr::Location) -> Position {
    Position {
        line: usize::try_from(location.line()).unwrap_or(0),
        column: usize::try_from(location.column()).unwrap_or(0),
    }
}

impl From<Position> for Location {
    fn from(position: Position) -> Self {
        Self { line: position.line as u64, column: position.column as u64 }
    }
}

impl From<serde_saphyr::Location> for Position {
    fn from(location: serde_saphyr::Location) -> Self {
        position(location)
    }
}

/// Whether there are only comments.
pub fn says_nothing(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// Puts `***` for what stands behind the name of a secret: an error message goes into logs.
fn hide_secrets(line: &str) -> String {
    let mut shown = line.to_owned();
    for name in
        ["token:", "bearer:", "password:", "auth:", "routing_key:", "webhook_secret:", "signing_secret:", "webhook:"]
    {
        let mut from = 0;
        while let Some(found) = shown.get(from..).and_then(|rest| rest.find(name)) {
            let start = from + found + name.len();
            let value = shown.get(start..).unwrap_or_default();
            let skipped = value.len() - value.trim_start().len();
            let value = value.trim_start();
            let end = value.find([',', '}', '#']).unwrap_or(value.len());
            if !value.is_empty() && !value.starts_with(['{', '#']) {
                shown.replace_range(start + skipped..start + skipped + end, "***");
            }
            from = start;
        }
    }
    // The user name and password of an URL.
    if let Some(start) = shown.find("://").map(|at| at + 3)
        && let Some(end) = shown.get(start..).and_then(|rest| rest.find('@'))
        && !shown.get(start..start + end).is_some_and(|user| user.contains([' ', '/']))
    {
        shown.replace_range(start..start + end, "***");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_line_is_hidden() {
        assert_eq!(hide_secrets("  token: hunter2 # mine"), "  token: ***# mine");
        assert_eq!(hide_secrets("- { name: a, token: hunter2, role: x }"), "- { name: a, token: ***, role: x }");
        assert_eq!(hide_secrets("  token: { file: a }"), "  token: { file: a }");
        assert_eq!(hide_secrets("  token:"), "  token:");
        assert_eq!(hide_secrets("url: https://ada:pw@a.org/b@c"), "url: https://***@a.org/b@c");
        assert_eq!(hide_secrets("url: https://a.org/b@c"), "url: https://a.org/b@c");
        assert_eq!(hide_secrets("  password: \"pä, ss\""), "  password: ***, ss\"");
    }

    #[test]
    fn a_field_is_found_by_its_name_and_by_its_place() {
        let source =
            ConfigText::new(Path::new("x"), "server:\n  listen: a\n  api_tokens:\n    - { name: b, token: c }\n");
        let listen = source.find("server.listen").unwrap();
        assert_eq!(listen, Position { line: 2, column: 3 });
        assert_eq!(source.field_at(listen).as_deref(), Some("server.listen"));
        let token = source.find("server.api_tokens.0.token").unwrap();
        assert_eq!(token, Position { line: 4, column: 18 });
        assert_eq!(source.find("server.body_limit"), Some(Position { line: 1, column: 1 }));
        assert_eq!(source.find("store.sqlite"), None);
    }
}
