//! Reading the cases beside a playbook, with all that is wrong with them.

use std::path::Path;

use super::check::check;
use super::document::CaseFile;
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity, Diagnostics, SourceText};
use crate::files;
use crate::playbook::Playbook;

/// The cases of a playbook; `None` when it has none. `playbook`: `None` where it cannot be read
/// itself.
///
/// # Errors
/// All that is wrong, each with its place.
pub fn read_cases(path: &Path, playbook: Option<&Playbook>) -> Result<Option<CaseFile>, Diagnostics> {
    let text = match files::read_in_place(path, files::DOCUMENT) {
        Ok(text) => text,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => {
            let message = format!("the file cannot be read: {error}");
            return Err(Diagnostic::of_file(DiagnosticSeverity::Error, Code::Unreadable, path, message).into());
        }
    };
    parse_cases(path, &text, playbook).map(Some)
}

/// The cases in `text`, which came from the file `path`.
///
/// # Errors
/// All that is wrong, each with its place.
pub fn parse_cases(path: &Path, text: &str, playbook: Option<&Playbook>) -> Result<CaseFile, Diagnostics> {
    let source = SourceText { path, text };
    let file: CaseFile = serde_saphyr::from_str(text).map_err(|error| source.yaml_error(&error))?;
    let mut wrong = check(source, playbook, &file);
    wrong.extend(source.deceiving(DiagnosticSeverity::Error).into_iter().filter(Diagnostic::is_error));
    if wrong.is_empty() { Ok(file) } else { Err(Diagnostics(wrong)) }
}
