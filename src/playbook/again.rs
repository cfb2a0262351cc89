//! Playbooks that are read again while others of them are at work.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::catalog::{Catalog, names_within};
use super::document::Playbook;
use crate::cluster::Kinds;
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity, SourceText};

/// What came of reading a folder again.
#[derive(Debug)]
pub struct Reread {
    pub catalog: Catalog,
    /// Errors of files that do not count, and warnings of those that are new.
    pub problems: Vec<Diagnostic>,
}

impl Catalog {
    /// The catalog of these files, where this one counts now.
    ///
    /// A file with a mistake keeps its playbook of before, and the others are taken. A mistake is
    /// also what would take away a playbook of another file, such as a second one of its name: then
    /// the file that has changed does not count, and the other one does.
    pub fn read_again<'f>(
        &self,
        files: impl Iterator<Item = (&'f Path, Result<&'f str, &'f str>)>,
        kinds: &Arc<Kinds>,
        wrong_with: impl Fn(&Playbook) -> Vec<Diagnostic>,
    ) -> Reread {
        // What is shipped stays as it is: a site's own may take its place, or give it back.
        // What the site sets of them is set anew.
        let counting = self
            .iter()
            .map(Playbook::as_written)
            .chain(self.disabled())
            .chain(self.unfit.iter().map(|(playbook, _)| playbook));
        let old: BTreeMap<&Path, &Arc<Playbook>> =
            self.shipped().chain(counting).map(|playbook| (playbook.path.as_path(), playbook)).collect();
        let mut shelf: BTreeMap<PathBuf, Arc<Playbook>> =
            self.shipped().map(|playbook| (playbook.path.clone(), playbook.clone())).collect();
        let (mut problems, mut unread) = (Vec::new(), BTreeSet::new());
        for (path, text) in files {
            let parsed = match text {
                Ok(text) => Playbook::parse_with(path, text, kinds),
                Err(why) => {
                    let source = SourceText { path, text: "" };
                    Err(vec![source.error_of_file(Code::Unreadable, format!("the file cannot be read: {why}"))])
                }
            };
            let before = old.get(path).copied();
            match parsed {
                Ok(playbook) => {
                    let same = before.filter(|before| before.reference.digest == playbook.reference.digest);
                    shelf.insert(path.to_owned(), same.cloned().unwrap_or_else(|| Arc::new(playbook)));
                }
                Err(wrong) => {
                    problems.extend(wrong.into_iter().filter(is_error));
                    unread.extend(names_within(path, text.unwrap_or_default()));
                    shelf.extend(before.map(|before| (path.to_owned(), before.clone())));
                }
            }
        }
        // What falls back may itself be in the way of another one that is new.
        loop {
            let (catalog, mut wrong) = Self::of_written(shelf.values().cloned(), &self.settings, &unread);
            let is_new = |path: &Path, playbook: &Arc<Playbook>| {
                old.get(path).is_none_or(|before| !Arc::ptr_eq(before, playbook))
            };
            for (playbook, unfit) in catalog.unfit.iter().filter(|(playbook, _)| is_new(&playbook.path, playbook)) {
                wrong.retain(|it| it != unfit);
                wrong.push(misfit(playbook, unfit));
            }
            let (catalog, unusable) = catalog.without(&wrong_with);
            wrong.extend(unusable.into_iter().filter(is_error));
            let culprits: Vec<PathBuf> = shelf
                .iter()
                .filter(|(path, playbook)| is_new(path, playbook) && wrong.iter().any(|it| it.path == **path))
                .map(|(path, _)| path.clone())
                .collect();
            if culprits.is_empty() {
                let new = shelf.iter().filter(|(path, playbook)| is_new(path, playbook));
                problems.extend(wrong);
                problems.extend(new.flat_map(|(_, playbook)| playbook.warnings.iter().cloned()));
                problems.sort_by(|a, b| (&a.path, a.line(), a.column()).cmp(&(&b.path, b.line(), b.column())));
                return Reread { catalog, problems };
            }
            problems.extend(wrong.into_iter().filter(|it| culprits.contains(&it.path)));
            for path in culprits {
                match old.get(path.as_path()) {
                    Some(before) => drop(shelf.insert(path, (*before).clone())),
                    None => drop(shelf.remove(&path)),
                }
            }
        }
    }

    /// What `newer` has that this one has not, and the other way round: `+ pvc-full 2`, `− old`,
    /// `~ coredns-scale 3→4`.
    pub fn changes_to(&self, newer: &Catalog) -> Vec<String> {
        let mut changes = Vec::new();
        for playbook in newer.iter() {
            let (name, version) = (&playbook.name, &playbook.version);
            match self.get(name) {
                None => changes.push(format!("+ {name} {version}")),
                Some(before) if before.reference.digest == playbook.reference.digest => {}
                Some(before) if before.version == *version => {
                    changes.push(format!("~ {name} {version} (changed under the same version)"));
                }
                Some(before) => changes.push(format!("~ {name} {}→{version}", before.version)),
            }
        }
        let gone = self.iter().filter(|playbook| newer.get(&playbook.name).is_none());
        changes.extend(gone.map(|playbook| format!("− {}", playbook.name)));
        changes
    }
}

/// It is the file that has changed, and not what the site says of it.
fn misfit(playbook: &Playbook, unfit: &Diagnostic) -> Diagnostic {
    let file = unfit.path.file_name().unwrap_or_default().to_string_lossy();
    let message = format!("what {file} sets of it does not fit: {}", unfit.in_file());
    Diagnostic::of_file(DiagnosticSeverity::Error, Code::Contradiction, &playbook.path, message)
}

fn is_error(problem: &Diagnostic) -> bool {
    problem.severity == DiagnosticSeverity::Error
}
