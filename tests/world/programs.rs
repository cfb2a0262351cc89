//! Where the real programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that `tests/tools/build` built.
pub fn built(set: &str, program: &str) -> PathBuf {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/build");
    let asked = Command::new(&build).args(["--where", set]).output();
    let asked = asked.unwrap_or_else(|error| panic!("cannot run {}: {error}", build.display()));
    let said = String::from_utf8_lossy(&asked.stdout);
    assert!(asked.status.success(), "tests/tools/build --where {set}: {}", String::from_utf8_lossy(&asked.stderr));
    let path = Path::new(said.trim()).join(program);
    assert!(
        path.is_file(),
        "{program} is not built: run tests/run (or only tests/tools/build). Looked for {}",
        path.display()
    );
    path
}

/// A program of the system, from the Debian package of the same name.
pub fn installed(program: &str) -> PathBuf {
    installed_by(program, program)
}

/// A program of the system, from that Debian package.
pub fn installed_by(program: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let daemons = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(daemons)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed: run tests/run, or `apt-get install {package}`"))
}
