//! `dogwatch docs`: what people read of a playbook is what it does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;

fn said(dir: &Path, args: &[&str]) -> Said {
    dogwatch(dir, &[&["docs"][..], args].concat(), &[])
}

/// The files of a folder by their names.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())).collect()
}

/// Those that hold what `text` says in `name`.
fn folder(playbooks: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in playbooks {
        let path = dir.path().join("playbooks").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

#[test]
fn the_pages_of_the_shipped_playbooks_are_current() {
    let (kept, dir) = (root().join("docs/playbooks"), tempfile::tempdir().unwrap());
    let write = |out: &Path| {
        let links = ["--actions", "../reference/actions.md", "--sources", "../../playbooks"];
        let said = said(root(), &[&["playbooks", "--out", out.to_str().unwrap()][..], &links].concat());
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    };
    if std::env::var_os("UPDATE_DOCS").is_some() {
        write(&kept);
    }
    write(dir.path());
    let (kept, meant) = (files(&kept), files(dir.path()));
    let names = kept.keys().chain(meant.keys());
    let other: Vec<&String> = names.filter(|name| kept.get(*name) != meant.get(*name)).collect();
    assert!(other.is_empty(), "{other:?} are not current: UPDATE_DOCS=1 cargo test --test cli docs");
}

/// It has each thing that a page tells of.
const FULL: &str = include_str!("../fixtures/docs/full.yaml");

/// One that hands over to it.
const BEFORE: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: before, version: 1.0.0, owner: web }
summary: Something odd | of <a> front end {{here}}
severity: S3
autonomy: auto
triggers:
  - alert: Odd(<7Days)|High
target: { kind: Deployment, namespace: web, name: front }
diagnose:
  - choose:
      - branch: it is full
        when: target.spec.replicas > 2
        hand_over_to: { playbook: full }
      - otherwise: it is not
        escalate: who knows
escalate:
  - page: { message: "{{because}}" }
"#;

#[test]
fn a_page_says_what_starts_it_what_it_finds_and_what_it_may_change() {
    let dir = folder(&[("web/full.yaml", FULL), ("before.yaml", BEFORE)]);
    let links = ["--actions", "../actions.md", "--sources", "../playbooks"];
    let written = said(dir.path(), &[&["--out", "docs"][..], &links].concat());
    assert_eq!((written.code, written.out.as_str()), (0, "3 pages are in docs\n"), "{}", written.err);
    let pages = files(&dir.path().join("docs"));
    insta::assert_snapshot!("docs_page", pages["full.md"]);
    insta::assert_snapshot!("docs_index", pages["README.md"]);
    // Nothing is linked that nobody said where it is.
    said(dir.path(), &["--out", "bare"]);
    let bare = files(&dir.path().join("bare"));
    let bare = &bare["full.md"];
    assert!(bare.contains("`k8s.scale`") && !bare.contains("actions.md") && !bare.contains("- Source"), "{bare}");
}

#[test]
fn what_people_wrote_is_never_written_over_and_what_is_gone_goes() {
    let dir = folder(&[("web/full.yaml", FULL), ("before.yaml", BEFORE)]);
    let docs = dir.path().join("docs");
    fs::create_dir(&docs).unwrap();
    fs::write(docs.join("before.md"), "# mine\n").unwrap();
    fs::write(docs.join("notes.md"), "# mine, too\n").unwrap();
    let refused = said(dir.path(), &["--out", "docs"]);
    assert!(refused.code == 1 && refused.err.contains("docs/before.md was not written by"), "{}", refused.err);
    assert_eq!(files(&docs).len(), 2, "nothing else was written, either");

    fs::remove_file(docs.join("before.md")).unwrap();
    assert_eq!(said(dir.path(), &["--out", "docs"]).out, "3 pages are in docs\n");
    fs::remove_file(dir.path().join("playbooks/before.yaml")).unwrap();
    let again = said(dir.path(), &["--out", "docs"]);
    assert_eq!(again.out, "2 pages are in docs, and 1 of playbooks that are gone were removed\n", "{}", again.err);
    let names: Vec<String> = files(&docs).into_keys().collect();
    assert_eq!(names, ["README.md", "full.md", "notes.md"]);
}

#[test]
fn half_of_the_playbooks_are_no_index() {
    let dir = folder(&[("full.yaml", FULL), ("before.yaml", &BEFORE.replace("severity: S3", "severity: S9"))]);
    let refused = said(dir.path(), &["--out", "docs"]);
    assert!(refused.code == 1 && refused.err.contains("no page was written"), "{}", refused.err);
    assert!(!dir.path().join("docs").exists());
    let none = said(folder(&[("notes.txt", "")]).path(), &["--out", "docs"]);
    assert!(none.code == 1 && none.err.contains("no playbook is in playbooks"), "{}", none.err);
}
