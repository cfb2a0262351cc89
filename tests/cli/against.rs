//! `check --against`: what was changed since a revision has a new version.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::files::PLAYBOOK;
use super::*;

fn git(dir: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(dir).args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(args);
    // Nobody's own settings, and no repository around this one.
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository that holds the playbook.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("playbooks")).unwrap();
    fs::write(dir.path().join("playbooks/look.yaml"), PLAYBOOK).unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    git(dir.path(), &["add", "."]);
    git(dir.path(), &["commit", "-q", "-m", "first"]);
    dir
}

fn against(dir: &Path, revision: &str) -> Said {
    dogwatch(dir, &["check", "--against", revision], &[])
}

#[test]
fn what_was_changed_has_a_new_version() {
    let dir = repository();
    let file = dir.path().join("playbooks/look.yaml");
    assert_eq!(against(dir.path(), "main").out, "1 playbook without errors; 0 errors, 0 warnings\n");
    let changed = PLAYBOOK.replace("severity: S2", "severity: S1");
    assert_ne!(changed, PLAYBOOK);
    fs::write(&file, &changed).unwrap();
    let said = against(dir.path(), "main");
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.out, @"
    error[unchanged-version]: `look` was changed since main and is version 1.0.0 still
     --> playbooks/look.yaml:3:34
      |
    3 | metadata: { name: look, version: 1.0.0, owner: platform }
      |                                  ^^^^^
      |
      = help: write `1.0.1`, or more

    1 playbook without errors; 1 error, 0 warnings
    ");
    // Under another name of its file it is the same playbook.
    fs::rename(&file, dir.path().join("playbooks/other.yaml")).unwrap();
    assert!(against(dir.path(), "HEAD").out.contains("error[unchanged-version]"));
    // Nor in another folder.
    fs::create_dir(dir.path().join("playbooks/dns")).unwrap();
    fs::rename(dir.path().join("playbooks/other.yaml"), dir.path().join("playbooks/dns/other.yaml")).unwrap();
    for named in ["playbooks", "playbooks/dns/other.yaml"] {
        let said = dogwatch(dir.path(), &["check", "--against", "HEAD", named], &[]);
        assert!(said.out.contains("error[unchanged-version]"), "{named}: {}", said.out);
    }
    fs::rename(dir.path().join("playbooks/dns/other.yaml"), dir.path().join("playbooks/other.yaml")).unwrap();
    fs::write(dir.path().join("playbooks/other.yaml"), changed.replace("1.0.0", "1.1.0")).unwrap();
    assert_eq!(against(dir.path(), "HEAD").code, 0);
    // What was not there then is new.
    fs::write(
        dir.path().join("playbooks/new.yaml"),
        PLAYBOOK.replace("look", "fresh").replace("SomethingOdd", "Odder"),
    )
    .unwrap();
    assert_eq!(against(dir.path(), "HEAD").code, 0);
}

#[test]
fn a_revision_that_is_none_is_wrong_usage() {
    let dir = repository();
    for revision in ["nowhere", "--help", "HEAD~7", ""] {
        let said = dogwatch(dir.path(), &["check", &format!("--against={revision}")], &[]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{revision}");
        assert!(said.err.contains("git knows no revision") || revision.is_empty(), "{revision}: {}", said.err);
    }
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("playbooks")).unwrap();
    fs::write(outside.path().join("playbooks/look.yaml"), PLAYBOOK).unwrap();
    let said = against(outside.path(), "main");
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("not a git repository") && said.err.contains("`--against` needs a repository"),
        "{}",
        said.err
    );
    let said = dogwatch(dir.path(), &["check", "--against", "main"], &[("PATH", "/nowhere")]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("`--against` asks git, which cannot be started"), "{}", said.err);
}
