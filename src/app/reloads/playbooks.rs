//! The playbooks of the folder. A run under way keeps the one that it was pinned to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::InForce;
use crate::app::fits::{is_settled, refused_playbook, unnamed_hosts};
use crate::diagnostics::{Diagnostic, DiagnosticSeverity};
use crate::playbook::{Catalog, Playbook, read_folder};
use crate::reload::{Counts, Mistake, Reloadable, Snapshot, Taken};

pub(super) struct PlaybookFolder {
    in_force: Arc<InForce>,
    /// That of the site's own; `None`: there is none.
    folder: Option<PathBuf>,
}

impl PlaybookFolder {
    pub(super) fn new(in_force: Arc<InForce>) -> Self {
        let folder = in_force.config.get().playbooks.dir();
        Self { in_force, folder }
    }

    /// The mistakes among these problems: one for each file, its first.
    pub(super) fn mistakes(&self, problems: &[Diagnostic]) -> Vec<Mistake> {
        let catalog = self.in_force.catalog.borrow().clone();
        let mut by_file: BTreeMap<&Path, (&Diagnostic, usize)> = BTreeMap::new();
        for problem in problems.iter().filter(|problem| problem.severity == DiagnosticSeverity::Error) {
            by_file.entry(&problem.path).or_insert((problem, 0)).1 += 1;
        }
        by_file.into_iter().map(|(path, (problem, all))| self.mistake(&catalog, path, problem, all)).collect()
    }

    fn mistake(&self, catalog: &Catalog, path: &Path, problem: &Diagnostic, all: usize) -> Mistake {
        let mut text = problem.in_file();
        if all > 1 {
            text.push_str(&format!(" (and {} more; `dogwatch check` shows all)", all - 1));
        }
        let before = catalog.iter().find(|playbook| playbook.path == path);
        let version = |playbook: &Arc<Playbook>| Counts::Version(format!("version {}", playbook.version));
        Mistake { file: relative(path, self.folder.as_deref()), text, counts: before.map_or(Counts::Nothing, version) }
    }

    /// Nothing of the folder is taken.
    fn refused(&self, text: String) -> Taken {
        Taken::mistake(self.name(), text)
    }
}

/// From the folder on, as `dns/x.yaml`.
fn relative(path: &Path, folder: Option<&Path>) -> String {
    folder.and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(path).to_string_lossy().into_owned()
}

impl Reloadable for PlaybookFolder {
    fn what(&self) -> &'static str {
        "playbooks"
    }

    fn name(&self) -> String {
        "the folder of playbooks".to_owned()
    }

    fn read(&self) -> Snapshot {
        let (mut read, mut problems) = (Snapshot::default(), Vec::new());
        // What is shipped changes with the program alone.
        let Some(folder) = &self.folder else { return read };
        for (path, text) in read_folder(folder, &mut problems) {
            read.insert(path, text.map_err(|error| error.to_string()));
        }
        // A folder in it that cannot be read may have lost its mount: then all stays as it is.
        let of_folder = problems.into_iter().find(|problem| problem.severity == DiagnosticSeverity::Error);
        if let Some(problem) = of_folder {
            let within = relative(&problem.path, Some(folder));
            let why = if within.is_empty() { problem.message } else { format!("{within}: {}", problem.message) };
            read.insert(folder, Err(why));
        }
        read
    }

    fn take(&self, read: &Snapshot) -> Taken {
        if let Some((_, Err(why))) = read.files().find(|(path, _)| Some(*path) == self.folder.as_deref()) {
            return self.refused(why.to_owned());
        }
        let in_force = &self.in_force;
        let before = in_force.catalog.borrow().clone();
        if read.files().next().is_none() && before.iter().any(|playbook| !playbook.is_shipped()) {
            let folder = self.folder.as_deref().unwrap_or(Path::new("")).display();
            return self.refused(format!(
                "there is none in {folder} any more, as if its mount was lost; put them back, or start the bot anew if that is meant"
            ));
        }
        let config = in_force.config.get();
        let again = before.read_again(read.files(), &in_force.kinds, |playbook| refused_playbook(&config, playbook));
        let mistakes = self.mistakes(&again.problems);
        let changes = before.changes_to(&again.catalog);
        if changes.is_empty() {
            // The same may stand in other files by now: a mistake there keeps what it was.
            in_force.catalog.send_replace(Arc::new(again.catalog));
            in_force.store.bells().clock.ring();
            return Taken { mistakes, ..Taken::default() };
        }
        let mut warnings = in_force.changing(|| drop(in_force.catalog.send_replace(Arc::new(again.catalog))));
        in_force.store.bells().clock.ring();
        let said = again.problems.iter().filter(|problem| problem.severity == DiagnosticSeverity::Warning);
        let said = said.filter(|problem| !is_settled(&config, problem));
        warnings.extend(said.map(ToString::to_string));
        let catalog = in_force.catalog.borrow().clone();
        let changed = catalog
            .iter()
            .filter(|playbook| before.get(&playbook.name).is_none_or(|old| old.reference != playbook.reference));
        warnings
            .extend(changed.flat_map(|playbook| unnamed_hosts(&config, playbook)).map(|warning| warning.to_string()));
        Taken { changes, mistakes, warnings }
    }
}
