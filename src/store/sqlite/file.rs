//! The database's file: that it is ours alone, for nobody else to read, and that its name still
//! leads to what is open.
//!
//! SQLite itself works on with a file that was deleted or replaced under it: everything is written,
//! and none of it can be read again.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::files::{Mode, Tightened, tighten};
use crate::store::StoreError;

/// What SQLite keeps beside the database: what is committed and not yet in it, and who reads how
/// far of that.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// A file, whatever it is called.
type Identity = (u64, u64);

/// The file and its locks, as long as the store is open.
pub(super) struct DatabaseFile {
    /// Without links: two names of one file are one database.
    path: PathBuf,
    /// The files that are open, by their names.
    open: OnceLock<Vec<(PathBuf, Identity)>>,
    /// Held open, and only ever closed when the store is: closing any handle of a file gives up the
    /// locks that SQLite has on it.
    database: File,
    /// The log beside it, to look at how it begins: it is none of the files on which SQLite holds
    /// locks.
    log: OnceLock<File>,
    /// Keeps servers out that know only this one, and those that find another file under the
    /// database's name.
    _lock: File,
}

impl DatabaseFile {
    /// Takes the database for this process; makes its file, if it is missing, readable for nobody
    /// else.
    ///
    /// # Errors
    /// When another process has it, it has a second name, or it is no file.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        make(path)?;
        let failed = |message: String| StoreError::Failed { what: "open the database", message };
        let shown = path.display();
        let path = fs::canonicalize(path).map_err(|error| failed(format!("{shown}: {error}")))?;
        let metadata = fs::metadata(&path).map_err(|error| failed(format!("{shown}: {error}")))?;
        if !metadata.is_file() {
            return Err(failed(format!("{shown} is no file; name another in `store.sqlite`")));
        }
        if metadata.nlink() > 1 {
            return Err(failed(format!(
                "{shown} has {} names (hard links), and what SQLite keeps beside it stands under one of them only; \
                 take the others away, and copy it for a backup",
                metadata.nlink()
            )));
        }
        let held = |file: &File, name: &Path| {
            file.try_lock().map_err(|error| StoreError::Failed {
                what: "lock the database",
                message: format!("{}: {error}; another dogwatch works on this database: stop it first", name.display()),
            })
        };
        // First this one: where it is held by this very process, the database must not be opened
        // and closed again.
        let name = beside(&path, ".lock");
        let lock = File::options().create(true).truncate(false).write(true).mode(Mode::PRIVATE.file()).open(&name);
        let lock = lock.map_err(|error| StoreError::Failed {
            what: "lock the database",
            message: format!("{}: {error}; check that the folder exists and can be written", name.display()),
        })?;
        held(&lock, &name)?;
        let database = File::options().read(true).write(true).open(&path);
        let database = database.map_err(|error| failed(format!("{shown}: {error}; check who owns it")))?;
        held(&database, &path)?;
        let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
        if size(&path) == 0 && size(&beside(&path, "-wal")) > 0 {
            return Err(failed(format!(
                "{shown} is empty and the log beside it is not, which SQLite would throw away; put a backup in its place, \
                 or take the `-wal` away to begin anew"
            )));
        }
        let file = Self { path, open: OnceLock::new(), log: OnceLock::new(), database, _lock: lock };
        file.tighten();
        Ok(file)
    }

    /// Without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing was ever written to it.
    pub fn is_empty(&self) -> bool {
        self.database.metadata().is_ok_and(|metadata| metadata.len() == 0)
    }

    /// Writes all of a database to the file, which is empty and not open yet.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin_with(&self, database: &[u8]) -> Result<(), StoreError> {
        (&self.database).write_all(database).map_err(|error| StoreError::Failed {
            what: "write a new database",
            message: format!("{}: {error}", self.path.display()),
        })
    }

    /// Remembers what is open now, after which [`DatabaseFile::check`] can tell when its names lead
    /// elsewhere.
    ///
    /// # Errors
    /// When it is not there any more.
    pub fn opened(&self) -> Result<(), StoreError> {
        let mut open = Vec::new();
        for path in std::iter::once(self.path.clone()).chain(BESIDE.map(|end| beside(&self.path, end))) {
            let found = identity(&path);
            let message = format!("{} is gone already", path.display());
            open.push((path, found.ok_or(StoreError::Failed { what: "open the database", message })?));
        }
        let _ = self.open.set(open);
        if let Ok(log) = File::open(beside(&self.path, "-wal")) {
            let _ = self.log.set(log);
        }
        self.tighten();
        Ok(())
    }

    /// Whether the names still lead to what is open; else what happened. Asks the file system for
    /// nothing but three names.
    pub fn check(&self) -> Result<(), String> {
        for (path, opened) in self.open.get().into_iter().flatten() {
            let what = match identity(path) {
                Some(found) if found == *opened => continue,
                Some(_) => "was replaced by another file",
                None => "was deleted or moved away",
            };
            return Err(format!("{} {what} while the bot worked on it", path.display()));
        }
        Ok(())
    }

    /// Whether the files still begin as SQLite writes them; else what happened. One that was
    /// emptied in place has the same name, and what is written behind a hole at its begin is read
    /// by nobody.
    pub fn check_begin(&self) -> Result<(), String> {
        use std::os::unix::fs::FileExt as _;
        let mut begin = [0; MAGIC.len()];
        if self.database.read_exact_at(&mut begin, 0).is_err() || begin != *MAGIC {
            return Err(format!("{} was emptied or overwritten while the bot worked on it", self.path.display()));
        }
        let mut magic = [0; 4];
        // One without anything in it is what a checkpoint leaves.
        if let Some(log) = self.log.get()
            && log.read_at(&mut magic, 0).is_ok_and(|read| read > 0)
            && u32::from_be_bytes(magic) | 1 != LOG_MAGIC
        {
            return Err(format!("{}-wal was emptied while the bot worked on it", self.path.display()));
        }
        Ok(())
    }

    /// Whether the database itself still has its name, whatever became of what lies beside it.
    pub fn is_in_place(&self) -> bool {
        self.open.get().into_iter().flatten().take(1).all(|(path, opened)| identity(path) == Some(*opened))
    }

    /// Puts a copy into the place of a database that was deleted; `false` when that is taken, or
    /// when the database has another name now.
    ///
    /// # Errors
    /// When it is vacant, and the copy cannot be put there.
    pub fn put_back(&self, copy: &Path) -> io::Result<bool> {
        if self.database.metadata()?.nlink() > 0 || fs::symlink_metadata(&self.path).is_ok() {
            return Ok(false);
        }
        // They belong to the one that was deleted: SQLite would work what is in them into the copy,
        // and so destroy it.
        for end in BESIDE {
            match fs::remove_file(beside(&self.path, end)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match fs::hard_link(copy, &self.path) {
            Ok(()) => fs::remove_file(copy)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error),
        }
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(true)
    }

    /// Where a copy is put of what has no name any more.
    pub fn rescue(&self, stamp: &str) -> PathBuf {
        beside(&self.path, &format!("{RESCUED}{stamp}"))
    }

    /// Copies that earlier processes have put beside it and nobody has taken away.
    pub fn rescued(&self) -> Vec<PathBuf> {
        let Some(folder) = self.path.parent() else { return Vec::new() };
        let begin = beside(Path::new(self.path.file_name().unwrap_or_default()), RESCUED);
        let begin = begin.to_string_lossy().into_owned();
        let is_copy = |path: &Path| file_name(path).starts_with(&begin) && path.extension() != Some("part".as_ref());
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_copy(path)).collect();
        found.sort();
        found
    }

    /// Nobody else may read what is in them. An earlier version made them as its umask said.
    fn tighten(&self) {
        for path in std::iter::once(self.path.clone())
            .chain(BESIDE.into_iter().chain([".lock"]).map(|end| beside(&self.path, end)))
        {
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
        if let Some(folder) = self.path.parent() {
            close_folder(folder, &file_name(&self.path));
        }
    }
}

/// How a database begins (<https://www.sqlite.org/fileformat.html#the_database_header>).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How a log begins, with the lowest bit set, which says in what order its numbers are
/// (<https://www.sqlite.org/fileformat.html#the_write_ahead_log>).
const LOG_MAGIC: u32 = 0x377f_0683;

/// What the name of a copy ends with, before the time.
const RESCUED: &str = ".rescued-";

/// Makes an empty database where there is none: SQLite takes it for a new one.
fn make(path: &Path) -> Result<(), StoreError> {
    // Through a link that leads nowhere yet, too.
    if fs::metadata(path).is_ok() {
        return Ok(());
    }
    let made = File::options().create(true).truncate(false).write(true).mode(Mode::PRIVATE.file()).open(path);
    made.map(drop).map_err(|error| StoreError::Failed {
        what: "open the database",
        message: format!("{}: {error}; check that its folder exists and can be written", path.display()),
    })
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

fn identity(path: &Path) -> Option<Identity> {
    // Not of what a link leads to: the path has none, and one that was put there is another file.
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn onedatabase_has_one_owner_whatever_it_is_called() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        // Through a link to nothing, the file is made where it leads.
        symlink("db", path("link")).unwrap();
        let first = DatabaseFile::take(&path("link")).unwrap();
        assert_eq!(first.path(), fs::canonicalize(path("db")).unwrap());
        let refused = |name: &str| DatabaseFile::take(&path(name)).err().unwrap().to_string();
        for name in ["db", "link"] {
            assert!(refused(name).contains("another dogwatch works on this database"), "{}", refused(name));
        }
        fs::remove_file(path("db.lock")).unwrap();
        assert!(refused("db").contains("another dogwatch"), "the lock is the file's own: {}", refused("db"));
        fs::hard_link(path("db"), path("second")).unwrap();
        assert!(refused("second").contains("has 2 names (hard links)"), "{}", refused("second"));
        fs::remove_file(path("second")).unwrap();
        drop(first);
        DatabaseFile::take(&path("db")).unwrap();
        assert!(refused("").contains("is no file"), "{}", refused(""));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let file = DatabaseFile::take(&path("db")).unwrap();
        for name in ["db-wal", "db-shm"] {
            fs::write(path(name), "").unwrap();
        }
        file.opened().unwrap();
        file.check().unwrap();
        for name in ["db", "db-wal", "db-shm"] {
            fs::rename(path(name), path("elsewhere")).unwrap();
            let gone = file.check().unwrap_err();
            assert!(gone.contains(name) && gone.contains("was deleted or moved away"), "{gone}");
            fs::write(path(name), "").unwrap();
            assert!(file.check().unwrap_err().contains("was replaced by another file"));
            fs::rename(path("elsewhere"), path(name)).unwrap();
            file.check().unwrap();
        }
        fs::write(path("db.rescued-1"), "").unwrap();
        assert_eq!(file.rescued(), [fs::canonicalize(path("db.rescued-1")).unwrap()]);
    }

    #[test]
    fn a_file_that_is_emptied_in_place_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let file = DatabaseFile::take(&path("db")).unwrap();
        fs::write(path("db"), MAGIC).unwrap();
        let log = [&LOG_MAGIC.to_be_bytes()[..], b"more"].concat();
        for (name, begin) in [("db-wal", &log[..]), ("db-shm", b"")] {
            fs::write(path(name), begin).unwrap();
        }
        file.opened().unwrap();
        file.check_begin().unwrap();
        fs::write(path("db-wal"), "").unwrap();
        file.check_begin().expect("a checkpoint leaves an empty log");
        fs::write(path("db-wal"), "\0\0\0\0more").unwrap();
        assert!(file.check_begin().unwrap_err().contains("db-wal was emptied"));
        fs::write(path("db-wal"), &log).unwrap();
        fs::write(path("db"), "").unwrap();
        assert!(file.check_begin().unwrap_err().contains("db was emptied"));
        drop(file);
        assert!(DatabaseFile::take(&path("db")).err().unwrap().to_string().contains("the log beside it is not"));
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
