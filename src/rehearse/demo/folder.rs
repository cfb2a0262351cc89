//! The folder of the demo.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files;

/// How each database of SQLite begins: <https://sqlite.org/fileformat.html#the_database_header>.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// Where the database goes. That of an earlier demo is taken away; what is none stays, and is an error.
pub fn make_room(folder: &Path) -> anyhow::Result<PathBuf> {
    let database = folder.join("demo.db");
    let is_other = match files::begin(&database, SQLITE.len() as u64) {
        // The smallest page of a database has 512 bytes.
        Ok((begin, length)) => (begin.len() == SQLITE.len() && begin != SQLITE) || length % 512 != 0,
        Err(error) => !error.is_missing(),
    };
    if is_other {
        anyhow::bail!("{} is there, and is no database: name another folder with --out", database.display());
    }
    for leftover in ["demo.db", "demo.db-wal", "demo.db-shm"] {
        // It is there only when the demo was run before.
        let _ = fs::remove_file(folder.join(leftover));
    }
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_database_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("demo.db");
        assert_eq!(make_room(folder.path()).unwrap(), database);
        for other in ["my notes", "my notes, which are longer than a header"] {
            fs::write(&database, other).unwrap();
            let error = make_room(folder.path()).unwrap_err().to_string();
            assert!(error.ends_with("is no database: name another folder with --out"), "{error}");
            assert_eq!(fs::read_to_string(&database).unwrap(), other);
        }
        fs::write(&database, [SQLITE.as_slice(), &[0; 4_080]].concat()).unwrap();
        make_room(folder.path()).unwrap();
        assert!(!database.exists());
    }
}
