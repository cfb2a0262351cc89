//! That nobody else reads the database, nor takes it away.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::file::file_name;
use crate::files::{Mode, Tightened, tighten};

/// Nobody else may read what is in the database and in the files `beside` it. An earlier version
/// made them as its umask said.
pub(super) fn close(database: &Path, beside: impl Iterator<Item = PathBuf>) {
    for path in std::iter::once(database.to_owned()).chain(beside) {
        let file = path.display();
        match tighten(&path, Mode::PRIVATE.file()) {
            Ok(Tightened::From { was, to }) => {
                tracing::info!(%file, "others could read it (mode {was:04o}); its mode is {to:04o} now");
            }
            Ok(Tightened::Refused { is, why }) => {
                tracing::warn!(%file, "others can read it (mode {is:04o}), and that cannot be changed: {why}; `chmod 600` it");
            }
            // Not there: what is made later has the mode of the database.
            Ok(Tightened::Already) | Err(_) => {}
        }
    }
    if let Some(folder) = database.parent() {
        close_folder(folder, &file_name(database));
    }
}

/// A folder that holds nothing but the bot's own files is the bot's own, and nobody else looks into
/// it. Any other stays as it is: it may be somebody's home, or `/var/lib`; a mounted volume belongs
/// to root, and its group is the bot's.
fn close_folder(folder: &Path, database: &str) {
    let ours = |name: &str| name.starts_with(database) || matches!(name, "handoffs" | "lost+found");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = entries.map(|entry| file_name(&entry.path())).all(|name| ours(&name));
    let Ok(metadata) = fs::metadata(folder) else { return };
    let mode = metadata.mode();
    let shown = folder.display();
    // Root may change any folder, and /tmp may be empty but for this.
    let is_mine = metadata.uid() == rustix::process::geteuid().as_raw() && mode & 0o1000 == 0;
    if !is_ours || !is_mine {
        // The sticky bit: as in /tmp, nobody takes away what is another's.
        if mode & 0o002 != 0 && mode & 0o1000 == 0 {
            tracing::warn!(folder = %shown, "everybody on this machine can delete or replace the database; `chmod o-w` its folder");
        }
        return;
    }
    match tighten(folder, 0o700) {
        Ok(Tightened::From { was, to }) => {
            tracing::info!(folder = %shown, "others could look into it (mode {was:04o}); its mode is {to:04o} now");
        }
        Ok(Tightened::Refused { is, why }) => {
            tracing::warn!(folder = %shown, "others can look into it (mode {is:04o}), and that cannot be changed: {why}");
        }
        Ok(Tightened::Already) | Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::store::sqlite::file::DatabaseFile;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_the_bots_alone_is_closed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (own, shared) = (dir.path().join("own"), dir.path().join("shared"));
        for folder in [&own, &shared] {
            fs::create_dir(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
            fs::write(folder.join("db"), "").unwrap();
            fs::set_permissions(folder.join("db"), fs::Permissions::from_mode(0o644)).unwrap();
        }
        fs::write(shared.join("notes"), "").unwrap();
        for folder in [&own, &shared] {
            DatabaseFile::take(&folder.join("db")).unwrap();
            assert_eq!((mode(&folder.join("db")), mode(&folder.join("db.lock"))), (0o600, 0o600));
        }
        assert_eq!((mode(&own), mode(&shared)), (0o700, 0o755));
    }
}
