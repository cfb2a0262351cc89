//! Playbooks that are named on the command line.

use std::path::{Path, PathBuf};

use super::output::Failure;
use crate::files;
use crate::playbook::{LARGEST_PLAYBOOK, Playbook};
use crate::rehearse::cases::playbook_files;

/// The playbook of that name in a folder, or in the file that is named.
///
/// # Errors
/// When there is none without mistakes.
pub(super) fn playbook_called(name: &str, folder: &Path) -> anyhow::Result<Playbook> {
    let paths: Vec<PathBuf> = playbook_files(folder)?;
    for path in &paths {
        let Ok(text) = files::read_in_place(path, LARGEST_PLAYBOOK) else { continue };
        if let Ok(playbook) = Playbook::parse(path, &text)
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
