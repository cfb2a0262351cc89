//! One mistake, and all of a file.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Code;
use crate::model::redact;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiagnosticSeverity {
    /// What stands there is not used.
    Error,
    /// It is used, but it may well not do what was meant.
    Warning,
}

impl DiagnosticSeverity {
    /// `error` or `warning`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong, or looks wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: DiagnosticSeverity,
    pub code: Code,
    /// Empty where no file is meant: a playbook that was read back from the store.
    pub path: PathBuf,
    /// `None` for what is wrong with a file as a whole.
    pub place: Option<Box<Place>>,
    pub message: String,
    /// What to do instead, as an order: ``write `timeout` instead``.
    pub remedy: Option<String>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Counts from 1, and is a line of the file.
    pub line: u64,
    /// Counts from 1, in characters.
    pub column: u64,
    /// How many characters are wrong, from `column` on; 0 when they are not shown as they stand in
    /// the file.
    pub width: usize,
    /// The line.
    pub snippet: String,
}

impl Diagnostic {
    /// Something that is wrong with all of a file, or with no file at all.
    pub fn of_file(severity: DiagnosticSeverity, code: Code, path: &Path, message: impl Into<String>) -> Self {
        Self { severity, code, path: path.to_owned(), place: None, message: message.into(), remedy: None }
    }

    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into()).filter(|remedy| !remedy.is_empty());
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == DiagnosticSeverity::Error
    }

    /// The line, from 1; 0 for a file as a whole, which comes before its lines.
    pub fn line(&self) -> u64 {
        self.place.as_ref().map_or(0, |place| place.line)
    }

    /// The column, from 1; 0 for a file as a whole.
    pub fn column(&self) -> u64 {
        self.place.as_ref().map_or(0, |place| place.column)
    }

    /// In one line, for who knows the file: `line 3: unknown field ...; write ...`. The line itself
    /// is not shown: it may hold more than everybody in chat should see.
    pub fn in_file(&self) -> String {
        let at = self.place.as_ref().map(|place| format!("line {}: ", place.line)).unwrap_or_default();
        format!("{at}{}", self.said())
    }

    /// Message and remedy.
    pub(super) fn said(&self) -> String {
        match &self.remedy {
            Some(remedy) => visible(&format!("{}; {remedy}", self.message)),
            None => visible(&self.message),
        }
    }
}

/// In one line, for logs.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = visible(&self.path.to_string_lossy());
        match (self.place.as_deref(), path.is_empty()) {
            (Some(Place { line, column, .. }), true) => write!(f, "playbook:{line}:{column}: ")?,
            (Some(Place { line, column, .. }), false) => write!(f, "{path}:{line}:{column}: ")?,
            (None, false) => write!(f, "{path}: ")?,
            (None, true) => {}
        }
        f.write_str(&self.said())
    }
}

/// All that is wrong with a file: at least one. Shown over several lines each, with the place
/// marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// As people read them, each in several lines.
    pub fn render(&self, colour: bool) -> String {
        self.0.iter().map(|diagnostic| diagnostic.render(colour)).collect::<Vec<_>>().join("\n")
    }

    /// In one line, for who knows the file.
    pub fn in_file(&self) -> String {
        self.0.iter().map(Diagnostic::in_file).collect::<Vec<_>>().join(". ")
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Diagnostics {}

/// What stands in a file must not move the cursor of whoever reads about it, and may hold a secret
/// beside a mistake.
pub(super) fn visible(text: &str) -> String {
    /// A name that somebody pasted a file into is known by its beginning.
    const LONGEST: usize = 1_000;
    let text: String = text.chars().map(shown).collect();
    // What is cut first may be a secret that is not known as one any more.
    let text = redact(&text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

/// A character that a terminal shows where it stands: as many as there were.
pub(super) fn shown(c: char) -> char {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    if c.is_control() || turns || breaks { ' ' } else { c }
}
