//! What the YAML reader says, in words for people who are not its authors.

use serde_saphyr::{Error, MessageFormatter as _, UserMessageFormatter};

use super::Code;
use super::suggest::{closest, list};

/// What is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub code: Code,
    pub message: String,
    pub remedy: Option<String>,
}

/// Code, message and remedy for an error of the reader. `Code::InvalidValue` with the type's own
/// words where a value is refused by the type that it is read into.
pub fn explain(error: &Error) -> Explained {
    let (code, message, remedy) = match error.without_snippet() {
        Error::AliasError { error, .. } => return explain(error),
        Error::SerdeUnknownField { field, expected, .. } => {
            (Code::UnknownField, format!("`{}` is not known here", shortened(field)), instead(field, expected))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            (Code::UnknownValue, format!("`{}` is not known here", shortened(variant)), instead(variant, expected))
        }
        Error::SerdeMissingField { field, .. } => {
            (Code::MissingField, format!("`{field}` is missing"), format!("write `{field}: ...` here"))
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = shortened(key.as_deref().unwrap_or("a key"));
            (Code::DuplicateKey, format!("`{key}` stands here twice"), "keep one of the two".to_owned())
        }
        Error::NullIntoString { .. } => {
            (Code::NoValue, "there is no value here".to_owned(), "write one, or leave the field out".to_owned())
        }
        Error::Unexpected { expected: "sequence start", .. } => (
            Code::WrongType,
            "a list belongs here".to_owned(),
            "begin each entry with `- `, on its own line".to_owned(),
        ),
        Error::Unexpected { expected: "mapping start", .. } => (
            Code::WrongType,
            "fields belong here".to_owned(),
            "write each as `name: value`, on its own line".to_owned(),
        ),
        Error::Unexpected { expected: "string scalar", .. } => (
            Code::WrongType,
            "a single text belongs here".to_owned(),
            "write it on the same line, without `[`, `{` or `-`".to_owned(),
        ),
        Error::SerdeInvalidType { expected, .. } => {
            (Code::WrongType, "something else belongs here".to_owned(), format!("write {expected}"))
        }
        Error::Eof { .. } => {
            (Code::EmptyFile, "the file is empty".to_owned(), "begin with `apiVersion: dogwatch/v1`".to_owned())
        }
        Error::MultipleDocuments { .. } => (
            Code::SeveralDocuments,
            "a second document begins here".to_owned(),
            "keep one, without `---` after it".to_owned(),
        ),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            (Code::TooComplex, "the file repeats itself, or is nested too deeply".to_owned(), String::new())
        }
        Error::Message { msg, .. } => {
            let (message, remedy) = msg.split_once("; ").unwrap_or((msg, ""));
            (Code::InvalidValue, lower_first(message), remedy.to_owned())
        }
        other => {
            let message = UserMessageFormatter.format_message(other);
            match message.strip_prefix("invalid ") {
                Some("u16" | "u32" | "u64" | "usize" | "i32" | "i64") => {
                    (Code::WrongType, "this is no whole number".to_owned(), String::new())
                }
                Some("f32" | "f64" | "floating point value") => {
                    (Code::WrongType, "this is no number".to_owned(), String::new())
                }
                Some(_) if message.starts_with("invalid value") => {
                    (Code::InvalidValue, message.into_owned(), String::new())
                }
                _ => (Code::InvalidYaml, lower_first(&message), String::new()),
            }
        }
    };
    Explained { code, message, remedy: Some(remedy).filter(|remedy| !remedy.is_empty()) }
}

fn instead(name: &str, known: &[&'static str]) -> String {
    match closest(name, known.iter().copied()) {
        Some(near) => format!("write `{near}`; known here: {}", list(known.iter().copied())),
        None => format!("known here: {}", list(known.iter().copied())),
    }
}

/// What was written, as far as a message needs it.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
