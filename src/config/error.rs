//! What is wrong with a configuration: where, and what to write instead.

use std::fmt;
use std::path::PathBuf;

use serde_saphyr::Error as YamlError;

use super::source::{Position, Source};
use crate::secret::INLINE;

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration {} cannot be read: {message}; name another with --config", path.display())]
    Unreadable { path: PathBuf, message: String },
    /// All that is wrong, in the order of the file.
    #[error("{}", render_all(.0))]
    Wrong(Vec<Problem>),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub path: PathBuf,
    /// Line and column, from 1; `None` for what stands nowhere in the file.
    pub at: Option<(usize, usize)>,
    /// The line itself, without secrets.
    pub snippet: Option<String>,
    pub message: String,
    /// What to write instead, or to do.
    pub remedy: Option<String>,
}

impl ConfigError {
    /// What the YAML reader found.
    pub(super) fn from_yaml(source: &Source, error: &YamlError) -> Self {
        let error = error.without_snippet();
        let at = error.location().map(Position::from).filter(|at| at.line > 0);
        let field = at.and_then(|at| source.field_at(at));
        let (message, remedy) = explain(error, field.as_deref());
        Self::Wrong(vec![Problem::new(source, at, message, remedy)])
    }
}

impl Problem {
    pub(super) fn new(source: &Source, at: Option<Position>, message: String, remedy: Option<String>) -> Self {
        if let Some(odd) = at.and_then(|at| source.odd(at.line)) {
            return Self {
                path: source.path.clone(),
                at: Some((odd.line, odd.column)),
                snippet: source.line(odd.line),
                message: format!("{} stands here", odd.name),
                remedy: Some(odd.remedy.to_owned()),
            };
        }
        let snippet = at.and_then(|at| {
            let line = source.line(at.line)?;
            // It stands where the mark is, whatever the field is called.
            let before = || line.chars().take(at.column.saturating_sub(1)).collect::<String>() + "***";
            Some(if message == INLINE { before() } else { line.clone() })
        });
        Self { path: source.path.clone(), at: at.map(|at| (at.line, at.column)), snippet, message, remedy }
    }

    /// About a place in the text of the field `field`; about the field where the text stands
    /// otherwise in the file than it reads.
    pub(super) fn within(
        source: &Source,
        field: &str,
        text: (&str, usize),
        message: String,
        remedy: impl Into<String>,
    ) -> Self {
        let at = source.find_within(field, text.0, text.1).or_else(|| source.find(field));
        Self::new(source, at, message, Some(remedy.into()))
    }

    /// About the field `field`, wherever it stands.
    pub(super) fn about(source: &Source, field: &str, message: String, remedy: impl Into<String>) -> Self {
        Self::new(source, source.find(field), message, Some(remedy.into()))
    }
}

/// Message, place, the line with a mark under it, and the remedy.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        let path = self.path.display();
        match (self.at, &self.snippet) {
            (Some((line, column)), Some(snippet)) => {
                let gutter = " ".repeat(line.to_string().len());
                let before: String = snippet.chars().take(column.saturating_sub(1)).map(keep_tabs).collect();
                let marked = snippet.chars().skip(column.saturating_sub(1)).take_while(|c| is_word(*c)).count().max(1);
                write!(f, "\n{gutter}--> {path}:{line}:{column}")?;
                write!(f, "\n{gutter} |\n{line} | {snippet}\n{gutter} | {before}{}", "^".repeat(marked))?;
                match &self.remedy {
                    Some(remedy) => write!(f, "\n{gutter} = {remedy}"),
                    None => Ok(()),
                }
            }
            _ => {
                write!(f, "\n --> {path}")?;
                if let Some((line, column)) = self.at {
                    write!(f, ":{line}:{column}")?;
                }
                match &self.remedy {
                    Some(remedy) => write!(f, "\n  = {remedy}"),
                    None => Ok(()),
                }
            }
        }
    }
}

fn render_all(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n\n")
}

fn is_word(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, ':' | ',' | '{' | '}' | '[' | ']')
}

fn keep_tabs(c: char) -> char {
    if c == '\t' { '\t' } else { ' ' }
}

/// Message and remedy for what the YAML reader says of `field`.
fn explain(error: &YamlError, field: Option<&str>) -> (String, Option<String>) {
    match error {
        YamlError::SerdeUnknownField { field: name, expected, .. } => {
            (format!("`{name}` is not known here"), Some(instead(name, expected)))
        }
        // How somebody proves who they are: what stands there instead may be the secret itself.
        YamlError::SerdeUnknownVariant { variant, expected, .. }
            if expected.contains(&"bearer") && expected.iter().all(|known| distance(variant, known) > 2) =>
        {
            let remedy =
                "write `{ bearer: { file: path } }` or `{ basic: { username: name, password: { file: path } } }`";
            (INLINE.to_owned(), Some(remedy.to_owned()))
        }
        YamlError::SerdeUnknownVariant { variant, expected, .. } => {
            (format!("`{variant}` is not known here"), Some(instead(variant, expected)))
        }
        YamlError::SerdeMissingField { field: name, .. } => {
            (format!("`{name}` is missing"), Some(format!("write `{name}: ...` here")))
        }
        YamlError::DuplicateMappingKey { key, .. } => (
            format!("`{}` stands here twice", key.as_deref().unwrap_or("a key")),
            Some("keep one of the two".to_owned()),
        ),
        other => {
            let message = other.to_string();
            // The reader appends the place, which is shown anyway.
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            if message.contains(INLINE) {
                let remedy = "write `{ file: path }` or `{ env: NAME }` and put the secret there; change it, as it has been \
                              in a file that others may have read";
                return (INLINE.to_owned(), Some(remedy.to_owned()));
            }
            let message = match message {
                "expected sequence start" => "a list belongs here".to_owned(),
                "expected mapping start" => "fields belong here".to_owned(),
                "invalid u64" => "this is no whole number".to_owned(),
                other => lower_first(other),
            };
            (message, field.and_then(remedy_for).map(str::to_owned))
        }
    }
}

/// What to write into a field, where the reader's own words don't say it.
fn remedy_for(field: &str) -> Option<&'static str> {
    Some(match field {
        "server.listen" => "write an address and a port, such as `127.0.0.1:8080` or `0.0.0.0:8080`",
        "server.webhook_auth" | "prometheus.auth" => {
            "write `{ bearer: { file: path } }` or `{ basic: { username: name, password: { file: path } } }`"
        }
        "sources" => {
            "write a list of `{ name: ..., kind: alertmanager, auth: ... }`, or of the kind `generic` with a `map`"
        }
        "server.api_tokens" => "write a list of `{ name: ..., role: responder, token: { file: path } }`",
        "labels" => "write the names of a label as a list, such as `namespace: [exported_namespace, namespace]`",
        _ if field.starts_with("severities.blast_radius") => {
            "write `off`, or how many objects are many: `{ S2: 25, S1: off }`"
        }
        _ if field.starts_with("severities.tiers.rules") => "write each as `critical: { at_least: S2 }`",
        _ if field.starts_with("labels.") || field.starts_with("severities.") => {
            "write a list of words, such as `[warning]`"
        }
        "tickets" => "write a list of `{ name: ..., kind: github, repository: owner/name, token: { file: path } }`",
        "pages.sinks" => {
            "write a list, such as `[pagerduty, slack, console]`, or `[[pagerduty, slack], email]` for two at once"
        }
        "engine.workers" => "write a whole number, such as `4`",
        _ if field.starts_with("chat.discord.roles") => "write a list of ids, such as `[1187654321098765432]`",
        "server" | "store" | "cluster" | "prometheus" | "playbooks" | "oncall" | "handoff" | "chat" | "pages"
        | "incidents" | "severities" | "engine" | "log" => "write the section's fields below it, indented",
        _ => return None,
    })
}

pub(super) fn instead(name: &str, known: &[&'static str]) -> String {
    let near = known.iter().map(|known| (distance(name, known), known)).min().filter(|(far, _)| *far <= 2);
    let list = known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
    match near {
        Some((_, near)) => format!("write `{near}`; known here: {list}"),
        None => format!("known here: {list}"),
    }
}

/// How many letters must be changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&b) {
            let next = (diagonal + usize::from(a != *b)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, next);
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
