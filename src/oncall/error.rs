//! What is wrong with an `oncall.yaml`: where, and what to write instead.

use std::fmt;

use serde_saphyr::{Error as YamlError, Location, MessageFormatter as _, UserMessageFormatter};

use super::nearest;
use crate::model::odd_character;

/// Why an `oncall.yaml` cannot be used. Shown over several lines, with the place marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCallError {
    /// The name of the file, as it was given.
    pub file: String,
    /// `None` for what is wrong with the file as a whole.
    pub place: Option<Box<Place>>,
    pub message: String,
    /// What to write instead, or to do.
    pub remedy: String,
}

/// A place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line, or the part of a long line around the column; fit for a terminal.
    pub snippet: String,
    /// How many characters of the snippet stand before the column, and how many are meant.
    mark: (usize, usize),
}

impl std::error::Error for OnCallError {}

impl fmt::Display for OnCallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place, message, remedy } = self;
        let Some(Place { line, column, snippet, mark: (before, meant) }) = place.as_deref() else {
            return write!(f, "{message}\n --> {file}\n  = {remedy}");
        };
        let gutter = " ".repeat(line.to_string().len());
        let (before, meant) = (" ".repeat(*before), "^".repeat(*meant));
        writeln!(f, "{message}\n{gutter}--> {file}:{line}:{column}\n{gutter} |")?;
        writeln!(f, "{}", format!("{line} | {snippet}").trim_end())?;
        write!(f, "{gutter} | {before}{meant}\n{gutter} = {remedy}")
    }
}

/// The file that errors are about.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// Something is wrong at `location`.
    pub(super) fn error(
        self,
        location: Location,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> OnCallError {
        let (line, column) = (location.line(), location.column());
        let line = usize::try_from(line).unwrap_or_default();
        if let Some(odd) = Some(line).filter(|line| *line > 0).and_then(|line| odd_character(self.text, line)) {
            let (message, remedy) = (format!("{} stands here", odd.name), odd.remedy.to_owned());
            return OnCallError {
                file: self.name.to_owned(),
                place: self.place(odd.line, odd.column, 1),
                message,
                remedy,
            };
        }
        let (message, remedy) = (printable(&message.into()), printable(&remedy.into()));
        let meant = usize::try_from(location.span().len()).unwrap_or(1);
        let place = self.place(line, usize::try_from(column).unwrap_or_default(), meant);
        OnCallError { file: self.name.to_owned(), place, message, remedy }
    }

    /// What the YAML reader says is wrong.
    pub(super) fn yaml_error(self, error: &YamlError) -> OnCallError {
        let (message, remedy) = explain(error);
        self.error(error.location().unwrap_or(Location::UNKNOWN), message, remedy)
    }

    fn place(self, line: usize, column: usize, meant: usize) -> Option<Box<Place>> {
        // YAML's line ends; a byte order mark takes no column.
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(self.text).replace("\r\n", "\n").replace('\r', "\n");
        let whole: Vec<char> = text.split('\n').nth(line.checked_sub(1)?)?.chars().collect();
        // As wide as a terminal, with something of what comes before the place.
        let first = if whole.len() <= 100 { 0 } else { column.saturating_sub(40).min(whole.len()) };
        let before = (column.checked_sub(1)?).min(whole.len()) - first;
        let shown = whole.get(first..)?.iter().take(100);
        let snippet = printable(&shown.collect::<String>());
        let rest = snippet.trim_end().chars().count().saturating_sub(before);
        let meant = meant.min(rest).max(1);
        Some(Box::new(Place { line, column, snippet: snippet.trim_end().to_owned(), mark: (before, meant) }))
    }
}

/// What was written, as far as a message needs it.
pub(super) fn shortened(text: &str) -> String {
    printable(&text.chars().take(40).collect::<String>())
}

/// What is in the file must not move the reader's cursor.
fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Message and remedy.
fn explain(error: &YamlError) -> (String, String) {
    match error.without_snippet() {
        YamlError::SerdeUnknownField { field, expected, .. } => {
            (format!("`{}` is not known here", shortened(field)), nearest::instead(field, expected.iter().copied()))
        }
        YamlError::SerdeMissingField { field, .. } => {
            (format!("`{field}` is missing"), format!("write `{field}: ...` here"))
        }
        YamlError::DuplicateMappingKey { key, .. } => {
            let key = shortened(key.as_deref().unwrap_or("a key"));
            (format!("`{key}` stands here twice"), "keep one of the two".to_owned())
        }
        YamlError::NullIntoString { .. } => {
            ("there is no value here".to_owned(), "write one, or leave the field out".to_owned())
        }
        YamlError::Unexpected { expected: "sequence start", .. } => {
            ("a list belongs here".to_owned(), "begin each entry with `- `, on its own line".to_owned())
        }
        YamlError::Unexpected { expected: "mapping start", .. } => {
            ("fields belong here".to_owned(), "write each as `name: value`, on its own line".to_owned())
        }
        YamlError::Unexpected { expected: "string scalar", .. } => {
            ("a single text belongs here".to_owned(), "write it on the same line, without `[`, `{` or `-`".to_owned())
        }
        YamlError::SerdeInvalidType { expected, .. } => {
            ("something else belongs here".to_owned(), format!("write {expected}"))
        }
        YamlError::Eof { .. } => ("the file is empty".to_owned(), "begin with `apiVersion: dogwatch/v1`".to_owned()),
        YamlError::MultipleDocuments { .. } => {
            ("a second document begins here".to_owned(), "keep one, without `---` after it".to_owned())
        }
        other => (
            UserMessageFormatter.format_message(other).into_owned(),
            "deploy/oncall.yaml shows what such a file looks like".to_owned(),
        ),
    }
}
