//! Putting a report into a file, so that it is there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::files::{self, Mode, create_folder};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is in this file now.
    New(PathBuf),
    /// The file had exactly this content already.
    Same(PathBuf),
    /// Somebody wrote something else into the file of that name (an engineer edited it): it stays, and this lies beside it.
    Beside { path: PathBuf, kept: PathBuf },
}

impl Written {
    /// Where the report lies.
    pub fn path(&self) -> &Path {
        match self {
            Written::New(path) | Written::Same(path) | Written::Beside { path, .. } => path,
        }
    }
}

/// `platform-2026-03-02-0800.md`: the team, and the end of the shift in the rotation's zone.
pub fn file_name(team: &str, shift_end: DateTime<Utc>, zone: Tz) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let team: String = team.chars().map(safe).collect();
    format!("{team}-{}.md", shift_end.with_timezone(&zone).format("%Y-%m-%d-%H%M"))
}

/// Writes `content` to `name` in `dir`, which is made if it is missing, for whom `mode` says. On
/// the disk when it returns. A file of that name with another content is never replaced. May be
/// repeated.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn write(dir: &Path, mode: Mode, name: &str, content: &str) -> io::Result<Written> {
    /// More files beside each other than anybody would make by hand.
    const MOST: usize = 100;
    create_folder(dir, mode)?;
    let first = dir.join(name);
    let stem = name.strip_suffix(".md").unwrap_or(name);
    for n in 1..=MOST {
        let path = if n == 1 { first.clone() } else { dir.join(format!("{stem}-{n}.md")) };
        if create(dir, mode, &path, content)? {
            return Ok(if n == 1 { Written::New(path) } else { Written::Beside { path, kept: first } });
        }
        // What cannot be read says something else, whatever it is.
        if files::read(&path, content.len() as u64).is_ok_and(|there| there == content.as_bytes()) {
            return Ok(Written::Same(path));
        }
    }
    let message = format!("{} and {MOST} files beside it hold something else; clear them away", first.display());
    Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
}

/// Makes the file with its whole content; `false` when one of that name is there.
fn create(dir: &Path, mode: Mode, path: &Path, content: &str) -> io::Result<bool> {
    if path.exists() {
        return Ok(false);
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = (|| {
        // One that a crash has left behind may be anything by now.
        let _ = fs::remove_file(&temporary);
        let mut file = File::options().write(true).create_new(true).mode(mode.file()).open(&temporary)?;
        // What the process's umask has taken away, the configuration gives.
        file.set_permissions(fs::Permissions::from_mode(mode.file()))?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        // A link, unlike a rename, never replaces what somebody else put there a moment ago.
        fs::hard_link(&temporary, path)
    })();
    // Whatever happened: the name under which it was written is not needed any more.
    let removed = fs::remove_file(&temporary);
    match written {
        Ok(()) => {
            removed?;
            File::open(dir)?.sync_all()?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_once_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("not/there/yet");
        let path = dir.join("a.md");
        assert_eq!(write(&dir, Mode::GROUP, "a.md", "one").unwrap(), Written::New(path.clone()));
        assert_eq!(write(&dir, Mode::GROUP, "a.md", "one").unwrap(), Written::Same(path.clone()));
        let beside = dir.join("a-2.md");
        assert_eq!(
            write(&dir, Mode::GROUP, "a.md", "two").unwrap(),
            Written::Beside { path: beside.clone(), kept: path.clone() }
        );
        assert_eq!(write(&dir, Mode::GROUP, "a.md", "two").unwrap(), Written::Same(beside));
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "no temporary file stays");
    }

    #[test]
    fn a_report_may_be_read_by_whom_the_mode_says() {
        let dir = tempfile::tempdir().unwrap();
        let bits = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for (mode, file, folder) in [("0600", 0o600, 0o700), ("0640", 0o640, 0o750), ("0666", 0o666, 0o777)] {
            let dir = dir.path().join(mode);
            let written = write(&dir, mode.parse().unwrap(), "a.md", "one").unwrap();
            assert_eq!((bits(written.path()), bits(&dir)), (file, folder), "{mode}");
        }
    }

    /// Somebody made a pipe of that name: reading it would wait for ever.
    #[test]
    fn what_lies_there_and_is_no_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/zero", dir.path().join("a.md")).unwrap();
        let written = write(dir.path(), Mode::GROUP, "a.md", "one").unwrap();
        assert_eq!(written.path(), dir.path().join("a-2.md"));
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(write(&dir.path().join("file"), Mode::GROUP, "a.md", "one").is_err());
        let name = "x".repeat(300);
        assert!(write(dir.path(), Mode::GROUP, &name, "one").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_name_is_the_teams_and_the_end_of_the_shift_where_it_lives() {
        let end = DateTime::parse_from_rfc3339("2026-03-02T23:30:00Z").unwrap().to_utc();
        assert_eq!(file_name("platform", end, chrono_tz::Europe::Paris), "platform-2026-03-03-0030.md");
        assert_eq!(file_name("../a b", end, Tz::UTC), "---a-b-2026-03-02-2330.md");
    }
}
