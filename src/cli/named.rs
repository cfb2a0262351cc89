//! Playbooks that are named on the command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::kinds::KindsArgs;
use super::output::Failure;
use crate::cluster::Kinds;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, SourceText};
use crate::files::{self, SHIPPED};
use crate::playbook::{Catalog, LARGEST_PLAYBOOK, Playbook, read_folder, root_of};
use crate::rehearse::cases::{handed_to, playbook_files};

/// Where playbooks are looked for.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct ShippedArgs {
    /// The playbooks that come with this program, and not those of a folder
    #[arg(long)]
    shipped: bool,
}

impl ShippedArgs {
    pub(super) fn is_given(self) -> bool {
        self.shipped
    }

    /// What is named, within what is shipped where that is asked for.
    pub(super) fn folder(self, named: Option<&Path>) -> PathBuf {
        match named {
            named if self.shipped => Path::new(SHIPPED).join(named.unwrap_or(Path::new(""))),
            Some(named) => named.to_owned(),
            None => PathBuf::from("playbooks"),
        }
    }
}

/// The playbooks of a folder and the folders in it, and all that is wrong with them. One that hands over to what lies
/// elsewhere among the playbooks of which the folder is a part is right.
pub(super) fn playbooks_in(folder: &Path, kinds: &Arc<Kinds>) -> (Vec<Arc<Playbook>>, Vec<Diagnostic>) {
    if root_of(&folder.join("x.yaml")) == folder {
        let (catalog, problems) = Catalog::load_with(folder, kinds);
        return (catalog.iter().cloned().collect(), problems);
    }
    let (mut loaded, mut problems) = (Vec::new(), Vec::new());
    for (path, text) in read_folder(folder, &mut problems) {
        let text = text.map_err(|error| {
            let source = SourceText { path: &path, text: "" };
            vec![source.error_of_file(Code::Unreadable, format!("the file cannot be read: {error}"))]
        });
        match text.and_then(|text| Playbook::parse_with(&path, &text, kinds)) {
            Ok(playbook) => {
                problems.extend(playbook.warnings.iter().cloned());
                loaded.push(Arc::new(playbook));
            }
            Err(wrong) => problems.extend(wrong),
        }
    }
    problems.extend(taken_apart(&mut loaded));
    problems.sort_by(|a, b| (&a.path, a.line(), a.column()).cmp(&(&b.path, b.line(), b.column())));
    (loaded, problems)
}

/// Takes those away that are right by themselves and not together, with what lies elsewhere among the playbooks and they
/// may hand over to; gives what is wrong.
pub(super) fn taken_apart(loaded: &mut Vec<Arc<Playbook>>) -> Vec<Diagnostic> {
    let mut all = loaded.clone();
    for other in loaded.iter().flat_map(|playbook| handed_to(playbook)) {
        if all.iter().all(|known| known.name != other.name) {
            all.push(other);
        }
    }
    let mut wrong = Catalog::conflicts(&all);
    wrong.retain(|wrong| loaded.iter().any(|playbook| playbook.path == wrong.path));
    loaded.retain(|playbook| wrong.iter().all(|wrong| wrong.path != playbook.path));
    wrong
}

/// The playbook of that name in a folder, or in the file that is named.
///
/// # Errors
/// When there is none without mistakes.
pub(super) fn playbook_called(name: &str, folder: &Path, kinds: &KindsArgs) -> anyhow::Result<Arc<Playbook>> {
    let paths: Vec<PathBuf> = playbook_files(folder)?;
    let (kinds, wrong) = kinds.read([folder]);
    if wrong.iter().any(Diagnostic::is_error) {
        return Err(Failure::of_file(Diagnostics(wrong)));
    }
    playbook_among(name, folder, &paths, &kinds).map(Arc::new)
}

/// As [`playbook_called`], where these kinds are known: a cluster's.
///
/// # Errors
/// Those of [`playbook_called`].
pub(super) fn playbook_with(name: &str, folder: &Path, kinds: &Arc<Kinds>) -> anyhow::Result<Playbook> {
    playbook_among(name, folder, &playbook_files(folder)?, kinds)
}

fn playbook_among(name: &str, folder: &Path, paths: &[PathBuf], kinds: &Arc<Kinds>) -> anyhow::Result<Playbook> {
    for path in paths {
        let Ok(text) = files::read_in_place(path, LARGEST_PLAYBOOK) else { continue };
        if text.contains(name)
            && let Ok(playbook) = Playbook::parse_with(path, &text, kinds)
            && playbook.name == name
        {
            return Ok(playbook);
        }
    }
    let message = format!(
        "no playbook without mistakes in {} is called `{name}`; `dogwatch check` shows what is wrong with one",
        folder.display()
    );
    Err(Failure::usage(message))
}
