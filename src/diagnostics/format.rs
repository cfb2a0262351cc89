//! Mistakes for programs: a document of our own, GitHub's workflow commands, and SARIF.

use serde_json::{Value, json};

use super::Code;
use super::diagnostic::{Diagnostic, DiagnosticSeverity, visible};

/// One document. Lines and columns count from 1, in characters; `endColumn` is the first column
/// after what is wrong.
pub fn json(diagnostics: &[Diagnostic], playbooks: usize) -> Value {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let one = |diagnostic: &Diagnostic| {
        let place = diagnostic.place.as_ref();
        json!({
            "severity": diagnostic.severity.word(),
            "code": diagnostic.code.word(),
            "path": path(diagnostic),
            "line": place.map(|place| place.line),
            "column": place.map(|place| place.column),
            "endColumn": end_column(diagnostic),
            "message": visible(&diagnostic.message),
            "remedy": diagnostic.remedy.as_deref().map(visible),
            "source": diagnostic.source_line(),
        })
    };
    json!({
        "version": 1,
        "playbooks": playbooks,
        "errors": count(DiagnosticSeverity::Error),
        "warnings": count(DiagnosticSeverity::Warning),
        "diagnostics": diagnostics.iter().map(one).collect::<Vec<_>>(),
    })
}

/// A [workflow
/// command](https://docs.github.com/actions/reference/workflow-commands-for-github-actions) for
/// each, in a line of its own: GitHub shows it beside the line that is meant.
pub fn github(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let mut properties = Vec::new();
        if let Some(path) = path(diagnostic) {
            properties.push(format!("file={}", property(&path)));
        }
        if let Some(place) = &diagnostic.place {
            properties.push(format!("line={},col={}", place.line, place.column));
        }
        if let Some(end) = end_column(diagnostic) {
            // GitHub's last column is one of what is wrong.
            properties.push(format!("endColumn={}", end.saturating_sub(1)));
        }
        properties.push(format!("title={}", property(diagnostic.code.word())));
        let (word, message) = (diagnostic.severity.word(), data(&diagnostic.said()));
        text.push_str(&format!("::{word} {}::{message}\n", properties.join(",")));
    }
    text
}

/// `@actions/core` escapes a message so.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// And the value of a property so.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A log of [SARIF 2.1.0](https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), with
/// one run.
pub fn sarif(diagnostics: &[Diagnostic], version: &str) -> Value {
    let rule = |code: &Code| json!({ "id": code.word(), "shortDescription": { "text": code.summary() } });
    let one = |diagnostic: &Diagnostic| {
        let mut result = json!({
            "ruleId": diagnostic.code.word(),
            "ruleIndex": Code::ALL.iter().position(|code| *code == diagnostic.code),
            "level": diagnostic.severity.word(),
            "message": { "text": diagnostic.said() },
        });
        if let Some(path) = path(diagnostic) {
            let mut location = json!({ "artifactLocation": { "uri": uri(&path) } });
            if let (Some(place), Some(location)) = (&diagnostic.place, location.as_object_mut()) {
                let mut region = json!({ "startLine": place.line, "startColumn": place.column });
                if let (Some(end), Some(region)) = (end_column(diagnostic), region.as_object_mut()) {
                    region.insert("endColumn".into(), end.into());
                }
                location.insert("region".into(), region);
            }
            if let Some(result) = result.as_object_mut() {
                result.insert("locations".into(), json!([{ "physicalLocation": location }]));
            }
        }
        result
    };
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "dogwatch",
                "version": version,
                "rules": Code::ALL.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": diagnostics.iter().map(one).collect::<Vec<_>>(),
        }],
    })
}

fn path(diagnostic: &Diagnostic) -> Option<String> {
    Some(diagnostic.path.to_string_lossy()).filter(|path| !path.is_empty()).map(|path| visible(&path))
}

fn end_column(diagnostic: &Diagnostic) -> Option<u64> {
    let place = diagnostic.place.as_ref().filter(|place| place.width > 0)?;
    Some(place.column + u64::try_from(place.width).ok()?)
}

/// A reference to the file, by RFC 3986: relative to the folder where the check was started, as the
/// path is.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests;
