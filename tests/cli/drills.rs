//! `dogwatch drill`: a game day, as it reads.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::cases::{FAST, folder};
use super::*;

const ASKS: &str = "  - name: more of them help, once somebody says yes
    alert: { name: FrontSlow, labels: { namespace: web, deployment: front } }
    autonomy: approve
    prometheus:
      - { query: http_seconds_sum, answers: [0.4], once: { object: { kind: Deployment, namespace: web, name: front }, \
         field: /status/readyReplicas, reaches: 6, then: 0.02 } }
    during: [{ after: 1m, approve: nadia }]
    expect: { outcome: fixed, changes: [scale deployment/front in web 4 -> 6] }
";

/// What a drill shows to who types that.
fn drilled(args: &[&str], typed: &str) -> Said {
    let folder = folder(&format!("{FAST}{ASKS}"));
    let mut drill = Command::new(env!("CARGO_BIN_EXE_dogwatch"))
        .args(["drill"])
        .args(args)
        .current_dir(folder.path())
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who leaves at once reads nothing.
    let _ = drill.stdin.take().unwrap().write_all(typed.as_bytes());
    let output = drill.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn who_says_yes_sees_it_fixed() {
    let said = drilled(&["front-slow", "--seed", "1"], "dance\nwait 2m\napprove\n");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out);
}

#[test]
fn who_says_no_has_the_incident() {
    let said = drilled(&["front-slow", "--seed", "1"], "deny\nwait 3m\nack\nresolve restarted it by hand\n");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out);
}

#[test]
fn who_does_nothing_sees_how_it_escalates() {
    let said = drilled(&["front-slow", "--seed", "1"], "wait\nwait\nwait\n");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out);
}

#[test]
fn all_cases_come_one_after_the_other_and_a_seed_names_one() {
    let all = drilled(&["front-slow", "--all"], "");
    assert_eq!((all.code, all.err.as_str()), (0, ""));
    assert_eq!(all.out.matches("a drill of front-slow").count(), 2, "{}", all.out);
    let fast = drilled(&["front-slow", "--seed", "2"], "");
    assert!(fast.out.contains("it was the case `a front end that is fast again needs nobody`"), "{}", fast.out);
    assert!(fast.out.ends_with("the same again: dogwatch drill front-slow --seed 0\n"), "{}", fast.out);
}

#[test]
fn what_cannot_be_drilled_is_told() {
    let other = drilled(&["back-slow"], "");
    assert_eq!(other.code, 2);
    assert!(other.err.contains("in playbooks is called `back-slow`"), "{}", other.err);
    let none = folder("  - { name: other, alert: { name: Other }, expect: { no_run: true } }\n");
    let said = dogwatch(none.path(), &["drill", "front-slow"], &[]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("has no case in which the playbook runs"), "{}", said.err);
}
