//! Who may read what the bot writes.

use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::str::FromStr;

/// The rights of a file, as `chmod` writes them: `0640`. The owner may read and write, nobody
/// executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(u32);

/// Why these are no rights for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no mode of a file; write `\"0600\"`, `\"0640\"` or `\"0644\"`")]
pub struct ModeError;

impl Mode {
    /// Only the bot itself.
    pub const PRIVATE: Self = Self(0o600);
    /// Its group may read.
    pub const GROUP: Self = Self(0o640);

    /// The bits, for a file.
    pub fn file(self) -> u32 {
        self.0
    }

    /// The bits for the folder of such files: who may read them may list it.
    pub fn folder(self) -> u32 {
        self.0 | (self.0 & 0o444) >> 2
    }
}

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        let is_octal = matches!(text.len(), 3 | 4) && text.chars().all(|c| c.is_digit(8));
        let bits = u32::from_str_radix(text, 8).map_err(|_| ModeError)?;
        // No set-id bits, nothing to execute, and what the bot could not write or read itself is of
        // no use.
        let is_useful = bits & !0o666 == 0 && bits & 0o600 == 0o600;
        if is_octal && is_useful { Ok(Self(bits)) } else { Err(ModeError) }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// Makes a folder for files of that mode, with those above it, where they are missing. One that is
/// there stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn create_folder(path: &Path, mode: Mode) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        create_folder(above, mode)?;
    }
    match DirBuilder::new().mode(mode.folder()).create(path) {
        // The umask takes rights away that were asked for.
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(mode.folder())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// What became of the rights of a file that others could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tightened {
    /// Nobody else had any.
    Already,
    /// They are `to` now.
    From { was: u32, to: u32 },
    /// They are wider than they should be, and it is not ours to change that.
    Refused { is: u32, why: String },
}

/// Takes from the file at `path` what `mode` does not give to others.
///
/// # Errors
/// When it is not there.
pub fn tighten(path: &Path, mode: u32) -> io::Result<Tightened> {
    let was = fs::metadata(path)?.mode() & 0o7777;
    let to = was & (mode | 0o7000 | 0o700);
    if was == to {
        return Ok(Tightened::Already);
    }
    // By its name: opening and closing a database would give up the locks that SQLite has on it.
    match fs::set_permissions(path, fs::Permissions::from_mode(to)) {
        Ok(()) => Ok(Tightened::From { was, to }),
        Err(error) => Ok(Tightened::Refused { is: was, why: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_read_as_chmod_writes_it() {
        for (text, file, folder) in
            [("0600", 0o600, 0o700), ("0640", 0o640, 0o750), ("644", 0o644, 0o755), ("0660", 0o660, 0o770)]
        {
            let mode: Mode = text.parse().unwrap();
            assert_eq!((mode.file(), mode.folder()), (file, folder), "{text}");
        }
        for text in ["", "6", "0755", "4644", "0o640", "0400", "rw-r-----", "+640", "0888", "00640"] {
            assert_eq!(text.parse::<Mode>(), Err(ModeError), "{text}");
        }
        assert_eq!(Mode::GROUP.to_string(), "0640");
    }

    #[test]
    fn what_others_could_read_is_taken_from_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        assert_eq!(tighten(&path, 0o600).unwrap(), Tightened::From { was: 0o664, to: 0o600 });
        assert_eq!(tighten(&path, 0o600).unwrap(), Tightened::Already);
        assert_eq!(tighten(&path, 0o640).unwrap(), Tightened::Already, "nothing is given");
        assert!(tighten(&dir.path().join("nowhere"), 0o600).is_err());
    }

    #[test]
    fn a_folder_is_made_as_its_files_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        create_folder(&path, Mode::PRIVATE).unwrap();
        create_folder(&path, Mode::GROUP).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    }
}
