//! Playbooks that are named on the command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::kinds::KindsArgs;
use super::output::Failure;
use crate::cluster::Kinds;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::files;
use crate::playbook::{LARGEST_PLAYBOOK, Playbook};
use crate::rehearse::cases::playbook_files;

/// The playbook of that name in a folder, or in the file that is named.
///
/// # Errors
/// When there is none without mistakes.
pub(super) fn playbook_called(name: &str, folder: &Path, kinds: &KindsArgs) -> anyhow::Result<Playbook> {
    let paths: Vec<PathBuf> = playbook_files(folder)?;
    let (kinds, wrong) = kinds.read([folder]);
    if wrong.iter().any(Diagnostic::is_error) {
        return Err(Failure::of_file(Diagnostics(wrong)));
    }
    playbook_among(name, folder, &paths, &kinds)
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
        if let Ok(playbook) = Playbook::parse_with(path, &text, kinds)
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
