//! Characters that deceive the reader, in each kind of file.

use std::fs;

use super::files::PLAYBOOK;
use super::*;

const ONCALL: &str = "apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada, email: ada@example.com }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1d }, members: [ada] }
";
const CONFIG: &str = "playbooks: { dir: playbooks }
oncall: { file: oncall.yaml, default_team: platform }
";
const CASES: &str = "apiVersion: dogwatch/v1
kind: Cases
playbook: look
cases:
  - name: nothing is odd
    alert: { name: SomethingOdd }
    expect: { outcome: nothing_to_do }
";

/// What `check` says with one passage of one file written in another way.
fn checked(file: &str, right: &str, wrong: &str) -> Said {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("playbooks")).unwrap();
    let files = [
        ("dogwatch.yaml", CONFIG),
        ("oncall.yaml", ONCALL),
        ("playbooks/look.yaml", PLAYBOOK),
        ("playbooks/look.cases.yaml", CASES),
    ];
    for (name, text) in files {
        let text = if name == file { text.replacen(right, wrong, 1) } else { text.to_owned() };
        assert!(name != file || text.contains(wrong), "{file}");
        fs::write(dir.path().join(name), text).unwrap();
    }
    dogwatch(dir.path(), &["check", "--config", "dogwatch.yaml"], &[])
}

#[test]
fn what_turns_the_text_is_told_in_each_file() {
    for (file, first, severity) in [
        ("playbooks/look.yaml", "apiVersion", "error"),
        ("playbooks/look.cases.yaml", "apiVersion", "error"),
        ("oncall.yaml", "apiVersion", "warning"),
        ("dogwatch.yaml", "playbooks", "warning"),
    ] {
        // In a comment it deceives as well.
        let said = checked(file, first, &format!("# \u{202e}retal\n{first}")).out;
        let wanted =
            format!("{severity}[odd-character]: a right-to-left override (U+202E) stands here\n --> {file}:1:3");
        assert!(said.contains(&wanted), "{file}: {said}");
    }
}

#[test]
fn what_nobody_sees_is_warned_of_in_each_file() {
    for (file, right, wrong, place) in [
        ("playbooks/look.cases.yaml", "nothing is", "nothing\u{200b} is", "5:18"),
        ("oncall.yaml", "name: ada,", "name: \"ada\u{a0}\",", "3:23"),
        (
            "dogwatch.yaml",
            "dir: playbooks }",
            "dir: playbooks } # x\nengine: { freeze: { name: \"a\u{200b}b\" } }",
            "2:29",
        ),
    ] {
        let said = checked(file, right, wrong).out;
        assert!(
            said.contains("[odd-character]: ") && said.contains(&format!("--> {file}:{place}\n")),
            "{file}: {said}"
        );
        assert!(said.contains("(U+200B)") || said.contains("(U+00A0)"), "{said}");
    }
}

#[test]
fn emoji_and_hebrew_are_no_deceit() {
    let said = checked(
        "playbooks/look.cases.yaml",
        "nothing is odd",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f468}\u{200d}\u{1f692}",
    )
    .out;
    assert!(!said.contains("odd-character"), "{said}");
}
