//! The YAML reader's errors, told in the words of the language.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use super::reader::{Place, instead};
use crate::diagnostics::{Code, Diagnostic, SourceText};
use crate::language::{Location, Template};

/// The problem for `error`, which came up while the value of `place` was read.
pub(super) fn problem(source: &SourceText<'_>, error: &Error, place: Option<&Place>) -> Diagnostic {
    let mut at: Location = error.location().map(Location::from).unwrap_or_default();
    if let Error::AliasError { error, .. } = error {
        return problem(source, error, place);
    }
    let key = key_before(source, at).or(place.map(|place| place.key.as_str())).unwrap_or_default();
    let found = Found::at(source, at);
    let (code, message, remedy) = match error {
        Error::SerdeUnknownField { field, expected, .. } => (
            Code::UnknownField,
            format!("unknown field `{field}` in `{}`", place.map_or("this", |place| &place.key)),
            Some(instead(field, expected.iter().copied(), "the fields are")),
        ),
        Error::SerdeMissingField { field, .. } => {
            at = place.map_or(at, |place| place.at);
            let key = place.map_or("this", |place| &place.key);
            (Code::MissingField, format!("`{key}` needs `{field}`"), Some(format!("add `{field}: ...`")))
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("this");
            (Code::DuplicateKey, format!("the key `{key}` is given twice"), Some("keep one of the two".into()))
        }
        _ if key == "undo" => {
            let remedy = "write `never`, `unless_verified` or `at_end`: the action knows the way back itself";
            (Code::InvalidValue, "`undo` says when, in a word".into(), Some(remedy.into()))
        }
        Error::Unexpected { expected, .. } => expected_one(expected, key, &found),
        Error::NullIntoString { .. } => {
            (Code::NoValue, format!("`{key}` has no value"), Some("write one, or leave the key out".into()))
        }
        Error::Message { msg, .. } => {
            let (message, remedy) =
                msg.rsplit_once("; ").map_or((msg.as_str(), None), |(said, remedy)| (said, Some(remedy.to_owned())));
            let is_template = Template::is_refused_as(msg);
            if is_template && let Some(word) = message.split('`').nth(1) {
                at = source.find(at, word.trim_start_matches('{').split_whitespace().next().unwrap_or_default());
            }
            (if is_template { Code::InvalidTemplate } else { Code::InvalidArgument }, message.to_owned(), remedy)
        }
        Error::MultipleDocuments { .. } => (
            Code::SeveralDocuments,
            "the file holds a second document".into(),
            Some("put each playbook into a file of its own".into()),
        ),
        Error::MergeKeyNotAllowed { .. } => {
            (Code::TooComplex, "the merge key `<<` is not supported".into(), Some("write the keys out".into()))
        }
        Error::Budget { breach, .. } => (Code::TooComplex, too_much(breach), None),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            (Code::TooComplex, "the aliases (`*name`) repeat too much".into(), Some("write the values out".into()))
        }
        Error::Eof { .. } => {
            (Code::EmptyFile, "the file is empty".into(), Some("start with `apiVersion: dogwatch/v1`".into()))
        }
        other => syntax(source, other, &mut at, &found),
    };
    let mut problem = source.error(code, at, message);
    problem.remedy = remedy;
    problem
}

/// The key whose value stands at `at` in the same line.
fn key_before<'t>(source: &SourceText<'t>, at: Location) -> Option<&'t str> {
    let line = source.line(at.line);
    let end = line.char_indices().nth(at.column.checked_sub(1)? as usize).map_or(line.len(), |(index, _)| index);
    let before = line[..end].trim_end().strip_suffix(':')?;
    let start = before.rfind(|c: char| !c.is_alphanumeric() && !"_-.".contains(c)).map_or(0, |index| index + 1);
    before.get(start..).filter(|key| !key.is_empty())
}

/// What stands at the place of an error.
struct Found<'t> {
    rest: &'t str,
}

impl<'t> Found<'t> {
    fn at(source: &SourceText<'t>, at: Location) -> Self {
        let line = source.line(at.line);
        let start =
            line.char_indices().nth(at.column.saturating_sub(1) as usize).map_or(line.len(), |(index, _)| index);
        Self { rest: line.get(start..).unwrap_or("") }
    }

    fn what(&self) -> &'static str {
        match self.rest.chars().next() {
            Some('[') => "a list",
            Some('-') if self.rest.starts_with("- ") => "a list",
            Some('{') => "a mapping",
            _ if self.rest.split_once(": ").is_some_and(|(key, _)| !key.contains([' ', '"', '\''])) => "a mapping",
            _ => "a single value",
        }
    }
}

fn expected_one(expected: &str, key: &str, found: &Found<'_>) -> (Code, String, Option<String>) {
    if found.rest.starts_with("{{") {
        return (
            Code::WrongType,
            "a text that starts with `{{` needs quotes, or YAML takes it for a mapping".into(),
            found.rest.rfind("}}").map(|end| format!("write `\"{}\"`", &found.rest[..end + 2])),
        );
    }
    let (wanted, remedy) = match expected {
        "mapping start" => ("a mapping", format!("write `{key}: {{ ... }}`, or its fields below it, indented")),
        "sequence start" => ("a list", "put `- ` before each entry".to_owned()),
        "string scalar" => ("a single value", format!("write `{key}: ...` in one line")),
        other => return (Code::WrongType, format!("`{key}` must be {other}"), None),
    };
    (Code::WrongType, format!("`{key}` must be {wanted}, and here is {}", found.what()), Some(remedy))
}

fn too_much(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Depth { .. } => "the document is nested too deeply".into(),
        BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } => {
            "the document has too many anchors or aliases".into()
        }
        BudgetBreach::Documents { .. } => "the file holds more than one document".into(),
        _ => "the document has too many parts for a playbook".into(),
    }
}

fn syntax(
    source: &SourceText<'_>,
    error: &Error,
    at: &mut Location,
    found: &Found<'_>,
) -> (Code, String, Option<String>) {
    let message = UserMessageFormatter.format_message(error).into_owned();
    if let Some(tab) = leading_tab(source, at.line) {
        *at = tab;
        return (Code::InvalidYaml, "YAML cannot be indented with tabs".into(), Some("indent with spaces".into()));
    }
    let remedy = match found.rest.chars().next() {
        Some('@' | '`' | '%') => Some("put quotes around the text"),
        Some('*' | '&') => Some("put quotes around the text, if `*` and `&` are part of it"),
        _ if is_indented_alone(source, at.line).is_some() => None,
        _ if message.contains("mapping values are not allowed") => {
            Some("put quotes around a text that holds `: `, or look whether the lines around it are indented alike")
        }
        _ if message.contains("flow") => Some("look whether a bracket in one of the lines before it is not closed"),
        _ => None,
    };
    let remedy = remedy.map(str::to_owned).or_else(|| {
        let (column, now) = is_indented_alone(source, at.line)?;
        Some(format!("indent the line by {column} spaces, as the one before it, and not by {now}"))
    });
    (Code::InvalidYaml, format!("this is no YAML: {message}"), remedy)
}

/// By how many spaces a line should be indented that stands neither below nor beside the one before
/// it, and by how many it is.
fn is_indented_alone(source: &SourceText<'_>, line: u64) -> Option<(usize, usize)> {
    let indent = |text: &str| text.len() - text.trim_start_matches(' ').len();
    let text = source.line(line);
    let says_something = |text: &&str| !text.trim().is_empty() && !text.trim_start().starts_with('#');
    let mut before = (1..line).rev().map(|line| source.line(line)).filter(says_something);
    let last = before.next()?;
    // Where its first key stands.
    let column = |text: &str| text.len() - text.trim_start_matches([' ', '-']).len();
    let (now, wanted) = (indent(text), column(last));
    // Further in below a key without a value is what a mapping looks like.
    let opens = last.trim_end().ends_with([':', '|', '>', '-']);
    let block = std::iter::once(last).chain(before).take_while(|text| column(text) > 0);
    let is_known = block.take(40).any(|text| column(text) == now);
    let is_list = text.trim_start().starts_with("- ");
    (now != wanted && !is_list && !(opens && now > wanted) && (!is_known || now > wanted)).then_some((wanted, now))
}

/// A tab that indents the line of the error or one of its neighbours: the reader notices it late.
fn leading_tab(source: &SourceText<'_>, line: u64) -> Option<Location> {
    (line.saturating_sub(1).max(1)..=line + 1).find_map(|line| {
        let text = source.line(line);
        let indent = text.len() - text.trim_start_matches([' ', '\t']).len();
        let column = text[..indent].find('\t')?;
        Some(Location { line, column: column as u64 + 1 })
    })
}
