//! Reading files that may be anything: a pipe that nobody writes to, a device, a file that never
//! ends, a link to somebody's secrets.
//!
//! Everything that is read from a path goes through here. What is read is a regular file, after
//! links are followed, and no larger than its reader says. Where the path itself comes from (a
//! folder that is synchronised from a repository), a link may lead only inside that folder:
//! [`Folder`]. Where an operator names one file, it may lie behind any links:
//! `/etc/dogwatch-secrets/token` is one itself.

mod modes;
mod shipped;
mod tree;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

pub use modes::{Mode, ModeError, Tightened, create_folder, tighten};
pub use shipped::{SHIPPED, ShippedFiles, is_file, is_folder, is_shipped, ship, shipped};
pub use tree::{LeftOut, Tree};

/// A secret, or the token of a caller: certificates with their chains and keys are the longest.
pub const SECRET: u64 = 64 * 1024;
/// A file that people write: the configuration, who is on call, a template, the cases of a
/// playbook.
pub const DOCUMENT: u64 = 4 * 1024 * 1024;

/// Why a file is not read. Says nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there, or may not be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is {0}, and only regular files are read")]
    NoFile(&'static str),
    #[error("it is larger than {}", size(*.0))]
    TooLarge(u64),
    #[error("it is no text (it is not UTF-8)")]
    NoText,
    #[error("it is a link that leads out of its folder; put the file itself there")]
    Outside,
}

impl FileError {
    /// Whether nothing of that name is there.
    pub fn is_missing(&self) -> bool {
        matches!(self, FileError::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// The text of the regular file at `path`, of at most `limit` bytes. Links are followed wherever
/// they lead.
///
/// # Errors
/// When it is not there, no regular file, too large, or no text.
pub fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    String::from_utf8(read(path, limit)?).map_err(|_| FileError::NoText)
}

/// As [`read_text`], whatever the bytes are.
///
/// # Errors
/// When it is not there, no regular file, or too large.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    // It may grow while it is read, and say so of itself less than the truth.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(FileError::TooLarge(limit)) } else { Ok(bytes) }
}

/// The first `bytes` of a regular file, or as many as there are, and its length.
///
/// # Errors
/// When it is not there, or no regular file.
pub fn begin(path: &Path, bytes: u64) -> Result<(Vec<u8>, u64), FileError> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    let mut begin = Vec::new();
    file.take(bytes).read_to_end(&mut begin)?;
    Ok((begin, length))
}

/// Whether a library may read it by its path: a regular file of at most `limit` bytes.
///
/// # Errors
/// When it is not.
pub fn check(path: &Path, limit: u64) -> Result<(), FileError> {
    let length = open(path)?.metadata()?.len();
    if length > limit { Err(FileError::TooLarge(limit)) } else { Ok(()) }
}

/// As [`read_text`], but a link may lead only inside the folder in which it lies: for a file that
/// was named by itself, and is otherwise read as one of its [`Folder`].
///
/// # Errors
/// As [`Folder::read_text`].
pub fn read_in_place(path: &Path, limit: u64) -> Result<String, FileError> {
    let folder = Folder::open(path.parent().unwrap_or(Path::new("/")))?;
    folder.read_text(&path.file_name().unwrap_or_default().to_string_lossy(), limit)
}

fn open(path: &Path) -> Result<File, FileError> {
    // Before it is opened: some devices do something when they are.
    regular(&fs::metadata(path)?)?;
    // What it is may have changed since. Opening a pipe would wait for its writer.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

fn regular(metadata: &fs::Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    match kind {
        _ if kind.is_file() => Ok(()),
        _ if kind.is_dir() => Err(FileError::NoFile("a folder")),
        _ if kind.is_fifo() => Err(FileError::NoFile("a pipe")),
        _ if kind.is_socket() => Err(FileError::NoFile("a socket")),
        _ => Err(FileError::NoFile("a device")),
    }
}

/// A folder whose files come from elsewhere: a repository, a mounted ConfigMap.
#[derive(Debug, Clone)]
pub struct Folder {
    /// As it was named: for messages.
    named: PathBuf,
    /// Without links: whoever synchronises it may put another folder in its place while it is read.
    real: PathBuf,
}

impl Folder {
    /// # Errors
    /// When it is not there or no folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        if is_shipped(path) {
            return Ok(Self { named: path.to_owned(), real: shipped::open(path)? });
        }
        // An empty path is the parent of a plain name.
        let real = fs::canonicalize(if path.as_os_str().is_empty() { Path::new(".") } else { path })?;
        Ok(Self { named: path.to_owned(), real })
    }

    /// The path of a file in it, as people know it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.named.join(name)
    }

    /// The text of a file in it, of at most `limit` bytes. A link may lead only inside the folder.
    ///
    /// # Errors
    /// As [`read_text`], and [`FileError::Outside`].
    pub fn read_text(&self, name: &str, limit: u64) -> Result<String, FileError> {
        if is_shipped(&self.real) {
            return shipped::read_text(&self.real.join(name), limit);
        }
        let path = fs::canonicalize(self.real.join(name))?;
        if !path.starts_with(&self.real) {
            return Err(FileError::Outside);
        }
        read_text(&path, limit)
    }
}

/// A size as people write it, where it is a round one.
fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1024 * 1024) => format!("{} MiB", bytes / 1024 / 1024),
        _ if bytes.is_multiple_of(1024) => format!("{} KiB", bytes / 1024),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn pipe(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn only_regular_files_of_bounded_size_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), "twelve bytes").unwrap();
        fs::write(path("picture"), [0x89, 0xff]).unwrap();
        symlink("/dev/zero", path("zeros")).unwrap();
        symlink("file", path("link")).unwrap();
        symlink("nowhere", path("dangling")).unwrap();
        pipe(&path("pipe"));
        let read = |name: &str, limit| read_text(&path(name), limit).map_err(|error| error.to_string());
        assert_eq!(read("file", 12).as_deref(), Ok("twelve bytes"));
        assert_eq!(read("link", 12).as_deref(), Ok("twelve bytes"));
        assert_eq!(read("file", 11).unwrap_err(), "it is larger than 11 bytes");
        assert_eq!(read("pipe", 12).unwrap_err(), "it is a pipe, and only regular files are read");
        assert_eq!(read("zeros", 12).unwrap_err(), "it is a device, and only regular files are read");
        assert_eq!(read("", 12).unwrap_err(), "it is a folder, and only regular files are read");
        assert_eq!(read("picture", 12).unwrap_err(), "it is no text (it is not UTF-8)");
        assert!(read_text(&path("dangling"), 12).unwrap_err().is_missing());
        assert!(
            check(&path("file"), 12).is_ok() && check(&path("file"), 11).is_err() && check(&path("pipe"), 9).is_err()
        );
        assert_eq!(FileError::TooLarge(SECRET).to_string(), "it is larger than 64 KiB");
        assert_eq!(FileError::TooLarge(DOCUMENT).to_string(), "it is larger than 4 MiB");
    }

    /// As the kubelet lays a ConfigMap out: each file is a link to `..data`, which is one to the
    /// folder of the version.
    #[test]
    fn links_lead_only_inside_their_folder() {
        let dir = tempfile::tempdir().unwrap();
        let mount = dir.path().join("mount");
        fs::create_dir_all(mount.join("..2026_03_02_08_00_00.1")).unwrap();
        fs::write(mount.join("..2026_03_02_08_00_00.1/x.yaml"), "a playbook").unwrap();
        symlink("..2026_03_02_08_00_00.1", mount.join("..data")).unwrap();
        symlink("..data/x.yaml", mount.join("x.yaml")).unwrap();
        fs::write(dir.path().join("secret"), "hunter2").unwrap();
        symlink("../secret", mount.join("near.yaml")).unwrap();
        symlink(dir.path().join("secret"), mount.join("absolute.yaml")).unwrap();
        symlink(mount.join("x.yaml"), mount.join("inside.yaml")).unwrap();
        // A folder that only begins like this one.
        fs::create_dir(dir.path().join("mount-2")).unwrap();
        fs::write(dir.path().join("mount-2/x.yaml"), "hunter2").unwrap();
        symlink("../mount-2/x.yaml", mount.join("neighbour.yaml")).unwrap();
        // The folder itself may be reached by a link: git-sync's is one.
        symlink("mount", dir.path().join("current")).unwrap();
        for named in ["mount", "current"] {
            let folder = Folder::open(&dir.path().join(named)).unwrap();
            assert_eq!(folder.read_text("x.yaml", DOCUMENT).unwrap(), "a playbook");
            assert_eq!(folder.read_text("inside.yaml", DOCUMENT).unwrap(), "a playbook");
            assert_eq!(
                folder.tree().unwrap().files,
                ["absolute.yaml", "inside.yaml", "near.yaml", "neighbour.yaml", "x.yaml"]
            );
            assert_eq!(folder.path("x.yaml"), dir.path().join(named).join("x.yaml"));
            for outside in ["near.yaml", "absolute.yaml", "neighbour.yaml", "../secret"] {
                let error = folder.read_text(outside, DOCUMENT).unwrap_err();
                assert!(matches!(error, FileError::Outside), "{outside}: {error}");
            }
        }
    }
}
