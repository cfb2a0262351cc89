//! Files and folders of rules, within bounds: they come from anywhere.

use std::path::Path;

use super::decide::Rule;
use super::read::{Read, read};
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity, SourceText};
use crate::files::{self, FileError, Folder};

/// The largest file that is read, in bytes: all PrometheusRules of a large cluster are some.
const LARGEST: u64 = 16 * 1024 * 1024;
/// So much is read in all, in bytes.
const MOST_TEXT: usize = 256 * 1024 * 1024;
/// So many rules are read in all.
const MOST_RULES: usize = 50_000;
/// So much do their names and labels take in all, in bytes.
const MOST_KEPT: usize = 256 * 1024 * 1024;
/// How the names of files end that are read in a folder.
const ENDS: [&str; 4] = [".yaml", ".yml", ".json", ".rules"];

/// What files of rules hold, and what is wrong with them. One that is broken keeps no other one
/// from being read.
#[derive(Debug, Default)]
pub struct RuleFiles {
    pub rules: Vec<Rule>,
    pub problems: Vec<Diagnostic>,
    text: usize,
    kept: usize,
}

impl RuleFiles {
    /// Reads a file, or a folder with the folders in it. What in a folder holds no rules is passed
    /// over.
    pub fn read(&mut self, path: &Path) {
        if path.is_dir() {
            self.folder(path);
            return;
        }
        let Some(Seen { is_of_rules: false, problems }) = self.file(path, files::read_text(path, LARGEST)) else {
            return;
        };
        if problems == 0 {
            let source = SourceText { path, text: "" };
            let problem = source.error_of_file(Code::WrongDocument, "it holds no rules");
            let remedy = "name a rule file of Prometheus (`groups:`), a PrometheusRule, or a ConfigMap of rule files";
            self.problems.push(problem.with_remedy(remedy));
        }
    }

    fn folder(&mut self, path: &Path) {
        let opened = Folder::open(path).and_then(|folder| Ok((folder.tree()?, folder)));
        let (tree, folder) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let source = SourceText { path, text: "" };
                self.problems
                    .push(source.error_of_file(Code::Unreadable, format!("the folder cannot be read: {error}")));
                return;
            }
        };
        for left_out in &tree.left_out {
            let severity = if left_out.is_unknown() { DiagnosticSeverity::Error } else { DiagnosticSeverity::Warning };
            let code = if left_out.is_unknown() { Code::Unreadable } else { Code::IgnoredFile };
            let message = format!("the folder is not read as a whole: {}", left_out.why);
            self.problems.push(Diagnostic::of_file(severity, code, &folder.path(&left_out.path), message));
        }
        for name in tree.files.iter().filter(|name| ENDS.iter().any(|end| name.ends_with(end))) {
            self.file(&folder.path(name), folder.read_text(name, LARGEST));
        }
    }

    fn file(&mut self, path: &Path, text: Result<String, FileError>) -> Option<Seen> {
        let source = SourceText { path, text: "" };
        let refuse = |code, message: String| source.error_of_file(code, message);
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                let code = if matches!(error, FileError::TooLarge(_)) { Code::TooLarge } else { Code::Unreadable };
                self.problems.push(refuse(code, format!("the file cannot be read: {error}")));
                return None;
            }
        };
        self.text = self.text.saturating_add(text.len());
        if self.text > MOST_TEXT {
            let message = format!("it is not read: {} MiB of files were read before", MOST_TEXT / 1024 / 1024);
            self.problems.push(refuse(Code::TooLarge, message).with_remedy("name fewer files"));
            return None;
        }
        let Read { mut rules, problems, is_of_rules, size } = read(path, &text, MOST_KEPT.saturating_sub(self.kept));
        self.kept = self.kept.saturating_add(size);
        let room = MOST_RULES.saturating_sub(self.rules.len());
        if rules.len() > room {
            rules.truncate(room);
            let message = format!("no more than {MOST_RULES} alerting rules are read, and these are more");
            self.problems.push(refuse(Code::TooLarge, message).with_remedy("name fewer files"));
        }
        self.rules.append(&mut rules);
        let seen = Seen { is_of_rules, problems: problems.len() };
        self.problems.extend(problems);
        Some(seen)
    }
}

/// What a file turned out to be.
struct Seen {
    is_of_rules: bool,
    problems: usize,
}
