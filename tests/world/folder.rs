//! Temporary folders that go away however the test process ends.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Removes the folder once the test process lets go of the pipe. What still writes there is being killed by then
/// (see `process`): so it tries for a while.
const SWEEP: &str = r#"read -r _; for try in 1 2 3 4 5; do rm -rf "$0" && exit; sleep 1; done"#;

/// A new folder, removed with all it holds on drop, and also after a `kill -9` of the test process, and also when it is
/// held by a static, which is never dropped. With `DOGWATCH_TEST_KEEP` set it stays, for somebody who looks into a failure.
pub struct Folder {
    path: PathBuf,
    sweeper: Option<Child>,
}

impl Folder {
    pub fn new(what: &str) -> Self {
        let path = tempfile::Builder::new()
            .prefix(&format!("dogwatch-test-{what}-"))
            .tempdir()
            .expect("make a temporary folder")
            .keep();
        if std::env::var_os("DOGWATCH_TEST_KEEP").is_some() {
            eprintln!("keeps {}", path.display());
            return Self { path, sweeper: None };
        }
        let sweeper = Command::new("sh")
            .args(["-c", SWEEP])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // so that Ctrl-C on the tests does not end it
            .spawn()
            .expect("run sh");
        Self { path, sweeper: Some(sweeper) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file inside and gives its path.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, content).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(sweeper) = &mut self.sweeper {
            drop(sweeper.stdin.take());
            let _ = sweeper.wait();
        }
    }
}
