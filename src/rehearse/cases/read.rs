//! Reading the cases beside a playbook, with all that is wrong with them.

use std::collections::BTreeSet;
use std::path::Path;

use super::document::{Case, CaseFile};
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity, Diagnostics, Location, SourceText, closest, list};
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
    let source = SourceText { path, text: &text };
    let file: CaseFile = serde_saphyr::from_str(&text).map_err(|error| source.yaml_error(&error))?;
    let wrong = Check { source, playbook, wrong: Vec::new() }.file(&file);
    if wrong.is_empty() { Ok(Some(file)) } else { Err(Diagnostics(wrong)) }
}

struct Check<'a> {
    source: SourceText<'a>,
    playbook: Option<&'a Playbook>,
    wrong: Vec<Diagnostic>,
}

impl Check<'_> {
    fn file(mut self, file: &CaseFile) -> Vec<Diagnostic> {
        for (value, field, wanted) in [(&file.api_version, "apiVersion", "dogwatch/v1"), (&file.kind, "kind", "Cases")]
        {
            if value.value != wanted {
                let message = format!("these are no cases: their {field} is `{}`", value.value);
                self.error(Code::WrongDocument, value.referenced.into(), message, format!("write `{wanted}`"));
            }
        }
        if let Some(playbook) = self.playbook.filter(|playbook| playbook.name != file.playbook.value) {
            let message =
                format!("these are cases of `{}`, beside the playbook `{}`", file.playbook.value, playbook.name);
            let remedy = format!("write `{}`, or move them beside their playbook", playbook.name);
            self.error(Code::OrphanCases, file.playbook.referenced.into(), message, remedy);
        }
        if file.cases.is_empty() {
            let at = self.source.find(Location { line: 1, column: 1 }, "cases");
            self.error(Code::NoCases, at, "there is no case".into(), "write one: `- name: ...`".into());
        }
        let mut names = BTreeSet::new();
        for case in &file.cases {
            let at: Location = case.referenced.into();
            if !names.insert(case.value.name.as_str()) {
                let message = format!("a second case is called `{}`", case.value.name);
                self.error(Code::DuplicateName, at, message, "give each its own name".into());
            }
            if let Some(playbook) = self.playbook {
                self.fits(playbook, &case.value, at);
            }
        }
        self.wrong
    }

    /// Whether the playbook has what the case starts it with.
    fn fits(&mut self, playbook: &Playbook, case: &Case, at: Location) {
        for name in case.set.keys().filter(|name| !playbook.inputs.contains_key(*name)) {
            let known = playbook.inputs.keys().map(String::as_str);
            let remedy = match closest(name, known.clone()) {
                Some(meant) => format!("write `{meant}` instead"),
                None => format!("the inputs are {}", list(known)),
            };
            let message = format!("the playbook `{}` has no input `{name}`", playbook.name);
            self.error(Code::UnknownName, self.source.find(at, name), message, remedy);
        }
    }

    fn error(&mut self, code: Code, at: Location, message: String, remedy: String) {
        let wrong = self.source.error(code, at, message).with_remedy(remedy);
        self.wrong.push(self.source.named_odd(wrong));
    }
}
