//! The files that come with the program, as a folder that is on no disk: `shipped:`.
//!
//! The program hands them over at its start ([`ship`]), and every path that begins with [`SHIPPED`] is one of theirs. So whoever
//! reads playbooks, cases or kinds of a folder reads these in the same way. A change of one has only the program built again,
//! and not the library.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use super::{FileError, Tree};

/// How the paths of what is shipped begin: `shipped:/dns/x.yaml`.
pub const SHIPPED: &str = "shipped:";

/// Paths from the folder on, with `/` between their parts, in order, each with its text.
pub type ShippedFiles = &'static [(&'static str, &'static str)];

static FILES: OnceLock<ShippedFiles> = OnceLock::new();

/// Hands over what is shipped: once, before anything is read. A second time changes nothing.
pub fn ship(files: ShippedFiles) {
    let _ = FILES.set(files);
}

/// All that is shipped.
pub fn shipped() -> ShippedFiles {
    FILES.get().copied().unwrap_or_default()
}

/// Whether the path is one of what is shipped, or of a folder of it.
pub fn is_shipped(path: &Path) -> bool {
    path.starts_with(SHIPPED)
}

/// Whether a folder is there, on the disk or in what is shipped.
pub fn is_folder(path: &Path) -> bool {
    if is_shipped(path) { !tree(path).files.is_empty() } else { path.is_dir() }
}

/// Whether a file is there, on the disk or in what is shipped.
pub fn is_file(path: &Path) -> bool {
    if is_shipped(path) { text_of(&within(path)).is_some() } else { path.is_file() }
}

/// From [`SHIPPED`] on, as `dns/x.yaml`.
fn within(path: &Path) -> String {
    let parts = path.components().skip(1).filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn text_of(path: &str) -> Option<&'static str> {
    shipped().iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

/// # Errors
/// When no such folder is shipped.
pub(super) fn open(path: &Path) -> io::Result<PathBuf> {
    if is_folder(path) { Ok(path.to_owned()) } else { Err(missing()) }
}

/// # Errors
/// When no such file is shipped, or it is larger.
pub(super) fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    let text = text_of(&within(path)).ok_or_else(missing)?;
    if text.len() as u64 > limit { Err(FileError::TooLarge(limit)) } else { Ok(text.to_owned()) }
}

pub(super) fn tree(folder: &Path) -> Tree {
    let prefix = match within(folder) {
        top if top.is_empty() => top,
        within => within + "/",
    };
    let files = shipped().iter().filter_map(|(path, _)| path.strip_prefix(&prefix));
    let files: Vec<String> = files.map(str::to_owned).collect();
    let folders = files.iter().filter_map(|file| file.rsplit_once('/')).map(|(folder, _)| folder.to_owned());
    let folders: BTreeSet<String> = folders.chain([String::new()]).collect();
    Tree { files, folders: folders.into_iter().collect(), left_out: Vec::new() }
}

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "nothing of that name comes with this program")
}

#[cfg(test)]
mod tests {
    use super::super::{DOCUMENT, Folder, read_in_place};
    use super::*;

    #[test]
    fn what_is_shipped_is_read_as_a_folder() {
        ship(&[("dns/x.cases.yaml", "cases"), ("dns/x.yaml", "a playbook"), ("kinds.yaml", "kinds")]);
        let all = Folder::open(Path::new(SHIPPED)).unwrap();
        assert_eq!(all.tree().unwrap().files, ["dns/x.cases.yaml", "dns/x.yaml", "kinds.yaml"]);
        assert_eq!(all.path("dns/x.yaml"), Path::new("shipped:/dns/x.yaml"));
        assert_eq!(read_in_place(&all.path("dns/x.yaml"), DOCUMENT).unwrap(), "a playbook");
        let dns = Folder::open(Path::new("shipped:/dns")).unwrap();
        assert_eq!(dns.tree().unwrap().files, ["x.cases.yaml", "x.yaml"]);
        assert_eq!(dns.read_text("x.yaml", DOCUMENT).unwrap(), "a playbook");
        assert!(matches!(dns.read_text("x.yaml", 3), Err(FileError::TooLarge(3))));
        assert!(dns.read_text("../kinds.yaml", DOCUMENT).unwrap_err().is_missing());
        assert!(Folder::open(Path::new("shipped:/edge")).is_err());
        assert!(is_file(Path::new("shipped:/kinds.yaml")) && !is_file(Path::new("shipped:/dns")));
        assert!(is_folder(Path::new("shipped:/dns/")) && !is_folder(Path::new("shipped:/d")));
    }
}
