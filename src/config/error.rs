//! What is wrong with a configuration: where, and what to write instead.

use std::path::PathBuf;

use serde_saphyr::Error as YamlError;

use super::source::{ConfigText, Position};
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity, Diagnostics, Explained, closest, explain, list};
use crate::secret::INLINE;

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration {} cannot be read: {message}; name another with --config", path.display())]
    Unreadable { path: PathBuf, message: String },
    /// All that is wrong, in the order of the file.
    #[error(transparent)]
    Wrong(#[from] Diagnostics),
}

impl ConfigError {
    /// What the YAML reader found.
    pub(super) fn from_yaml(source: &ConfigText, error: &YamlError) -> Self {
        let error = error.without_snippet();
        let at = error.location().map(Position::from).filter(|at| at.line > 0);
        let field = at.and_then(|at| source.field_at(at));
        let Explained { code, message, remedy } = of_field(error, field.as_deref());
        Self::Wrong(located(source, at, code, message, remedy).into())
    }
}

/// At that place of the file, without the secrets in its line.
fn located(
    source: &ConfigText,
    at: Option<Position>,
    code: Code,
    message: String,
    remedy: Option<String>,
) -> Diagnostic {
    let file = source.file();
    let wrong = match at {
        Some(at) => file.named_odd(file.error(code, at.into(), message)),
        None => file.error_of_file(code, message),
    };
    let is_odd = wrong.code == Code::OddCharacter;
    masked(source, if is_odd { wrong } else { wrong.with_remedy(remedy.unwrap_or_default()) })
}

/// What shows the reader of the file something else than it says.
pub(super) fn odd_characters(source: &ConfigText) -> Vec<Diagnostic> {
    let found = source.file().deceiving(DiagnosticSeverity::Warning);
    found.into_iter().map(|wrong| masked(source, wrong)).collect()
}

fn masked(source: &ConfigText, mut wrong: Diagnostic) -> Diagnostic {
    if let Some(place) = &mut wrong.place {
        let before = |text: &str| -> String { text.chars().take(column(place.column)).collect() };
        let (shown, hidden) = (before(&place.snippet), source.line(place.line));
        if wrong.code == Code::SecretInFile {
            // It stands where the mark is, whatever the field is called.
            (place.snippet, place.width) = (shown + "***", 3);
        } else {
            // What is hidden moves what stands behind it.
            let meant = column(place.column) + place.width;
            let same = place.snippet.chars().take(meant).eq(hidden.chars().take(meant));
            (place.snippet, place.width) = (hidden, if same { place.width } else { 0 });
        }
    }
    wrong
}

/// How many characters stand before it.
fn column(column: u64) -> usize {
    usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// About a place in the text of the field `field`; about the field where the text stands otherwise
/// in the file than it reads.
pub(super) fn within(
    source: &ConfigText,
    field: &str,
    text: (&str, usize),
    message: String,
    remedy: String,
) -> Diagnostic {
    let at = source.find_within(field, text.0, text.1).or_else(|| source.find(field));
    located(source, at, Code::InvalidCondition, message, Some(remedy))
}

/// About the field `field`, wherever it stands.
pub(super) fn about(source: &ConfigText, code: Code, field: &str, message: String, remedy: String) -> Diagnostic {
    located(source, source.find(field), code, message, Some(remedy))
}

/// What the YAML reader says of `field`.
fn of_field(error: &YamlError, field: Option<&str>) -> Explained {
    // How somebody proves who they are: what stands there instead may be the secret itself.
    let is_secret = match error {
        YamlError::SerdeUnknownVariant { variant, expected, .. } => {
            expected.contains(&"bearer") && closest(variant, expected.iter().copied()).is_none()
        }
        other => other.to_string().contains(INLINE),
    };
    if is_secret {
        let remedy = match error {
            YamlError::SerdeUnknownVariant { .. } => {
                "write `{ bearer: { file: path } }` or `{ basic: { username: name, password: { file: path } } }`"
            }
            _ => {
                "write `{ file: path }` or `{ env: NAME }` and put the secret there; change it, as it has been in a file \
                 that others may have read"
            }
        };
        return Explained { code: Code::SecretInFile, message: INLINE.to_owned(), remedy: Some(remedy.to_owned()) };
    }
    let mut explained = explain(error);
    let says_what = matches!(explained.code, Code::UnknownField | Code::UnknownValue | Code::MissingField);
    if let Some(remedy) = field.and_then(remedy_for).filter(|_| !says_what) {
        explained.remedy = Some(remedy.to_owned());
    }
    explained
}

/// What to write into a field, where the reader's own words don't say it.
fn remedy_for(field: &str) -> Option<&'static str> {
    Some(match field {
        "server.listen" => "write an address and a port, such as `127.0.0.1:8080` or `0.0.0.0:8080`",
        "http.hosts" => "write a list of `{ url: http://prometheus.monitoring.svc:9090 }`",
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
        "server" | "store" | "cluster" | "prometheus" | "http" | "playbooks" | "oncall" | "handoff" | "chat"
        | "pages" | "incidents" | "severities" | "engine" | "log" => "write the section's fields below it, indented",
        _ => return None,
    })
}

pub(super) fn instead(name: &str, known: &[&'static str]) -> String {
    let all = list(known.iter().copied());
    match closest(name, known.iter().copied()) {
        Some(near) => format!("write `{near}`; known here: {all}"),
        None => format!("known here: {all}"),
    }
}
