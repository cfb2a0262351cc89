//! `dogwatch check --against REV`: what was changed since a revision of git has a new version.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::output::Failure;
use crate::diagnostics::{Code, Diagnostic, Location, SourceText};
use crate::model::Digest;
use crate::playbook::{CASES, LARGEST_PLAYBOOK, Playbook};

/// The playbooks of a revision, for each folder that was named with all that lies in it.
pub(super) struct Against<'r> {
    revision: &'r str,
    /// Version and content of each playbook, by folder and name.
    known: BTreeMap<(OsString, String), (String, Digest)>,
}

impl<'r> Against<'r> {
    pub fn new(revision: &'r str) -> Self {
        Self { revision, known: BTreeMap::new() }
    }

    /// Reads what the folder and the folders in it held then.
    ///
    /// # Errors
    /// When git is not there, the folder is in no repository, or the revision is not known.
    pub fn read(&mut self, folder: &Path) -> anyhow::Result<()> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let commit = format!("{}^{{commit}}", self.revision);
        let found = git(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
        let commit = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        if !found.status.success() || commit.is_empty() {
            let why = said(&found);
            let message = if why.is_empty() {
                format!(
                    "git knows no revision `{}` in {}; name a branch, a tag or a commit",
                    self.revision,
                    folder.display()
                )
            } else {
                format!("git cannot look at {}: {why}; `--against` needs a repository", folder.display())
            };
            return Err(Failure::usage(message));
        }
        // Names end with a NUL, as they may hold anything else. A folder that was not there then held nothing. What was
        // moved since is known by its name.
        let listed = git(folder, &["ls-tree", "-r", "-z", "--full-name", "--name-only", &commit, "./"])?;
        for name in listed.stdout.split(|byte| *byte == 0) {
            let Ok(name) = std::str::from_utf8(name) else { continue };
            if !name.ends_with(".yaml") || name.ends_with(CASES) {
                continue;
            }
            let shown = git(folder, &["show", &format!("{commit}:{name}")])?;
            let Ok(text) = String::from_utf8(shown.stdout) else { continue };
            if let Some((name, version)) = identity(&text) {
                self.known.insert((folder.as_os_str().to_owned(), name), (version, Digest::of(&text)));
            }
        }
        Ok(())
    }

    /// What is wrong with a playbook of that folder: it was changed, and has the version that it had.
    pub fn wrong(&self, folder: &Path, playbook: &Playbook) -> Option<Diagnostic> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let (version, digest) = self.known.get(&(folder.as_os_str().to_owned(), playbook.name.clone()))?;
        if *version != playbook.version || *digest == playbook.reference.digest {
            return None;
        }
        let source = SourceText { path: &playbook.path, text: &playbook.source };
        let line = playbook.source.lines().position(|line| line.trim_start().starts_with("metadata"));
        let at = Location { line: line.map_or(1, |line| line as u64 + 1), column: 1 };
        let at = source.find(at, version);
        let message = format!("`{}` was changed since {} and is version {version} still", playbook.name, self.revision);
        let remedy =
            next(version).map_or_else(|| "give it a new one".to_owned(), |next| format!("write `{next}`, or more"));
        Some(source.error(Code::UnchangedVersion, at, message).with_remedy(remedy))
    }
}

/// Name and version, however old the content is.
fn identity(text: &str) -> Option<(String, String)> {
    if text.len() as u64 > LARGEST_PLAYBOOK {
        return None;
    }
    let document: Value = serde_saphyr::from_str(text).ok()?;
    let field = |name: &str| document.pointer(&format!("/metadata/{name}"))?.as_str().map(str::to_owned);
    Some((field("name")?, field("version")?))
}

/// `1.2.4` for `1.2.3`.
fn next(version: &str) -> Option<String> {
    let (before, last) = version.rsplit_once('.')?;
    Some(format!("{before}.{}", last.parse::<u64>().ok()?.checked_add(1)?))
}

fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new("git");
    // No pager, and nothing that is asked of a person.
    command.arg("--no-pager").arg("-C").arg(folder).args(arguments).stdin(Stdio::null());
    command.output().map_err(|error| {
        Failure::usage(format!(
            "`--against` asks git, which cannot be started: {error}; install it, or leave `--against` out"
        ))
    })
}

/// The last line of what it said of an error.
fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim_start_matches("fatal: ")
        .chars()
        .take(200)
        .collect()
}
