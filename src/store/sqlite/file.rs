//! The database's file: that it is ours alone, and that its name still leads to what is open.
//!
//! SQLite itself works on with a file that was deleted or replaced under it: everything is written,
//! and none of it can be read again.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::closed;
use crate::files::Mode;
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
        file.closes_to_others();
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
        self.closes_to_others();
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

    fn closes_to_others(&self) {
        let beside = BESIDE.into_iter().chain([".lock"]).map(|end| beside(&self.path, end));
        closed::close(&self.path, beside);
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

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

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
}
