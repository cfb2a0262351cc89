//! What `--help` teaches.

use super::*;

#[test]
fn each_subcommand_explains_itself() {
    let top = dogwatch(root(), &["--help"], &[]);
    assert_eq!((top.code, top.err.as_str()), (0, ""));
    insta::assert_snapshot!("dogwatch", top.out);
    let commands = top.out.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> =
        names.map(|line| line.split_whitespace().next().unwrap()).filter(|name| *name != "help").collect();
    assert!(names.len() >= 11, "{names:?}");
    for name in names {
        let help = dogwatch(root(), &[name, "--help"], &[]);
        assert_eq!(help.code, 0, "{name}: {}", help.err);
        insta::assert_snapshot!(name, help.out);
    }
    insta::assert_snapshot!("oncall-who", dogwatch(root(), &["oncall", "who", "--help"], &[]).out);
}

#[test]
fn wrong_usage_is_code_2_and_says_how_it_is_right() {
    let said = |args: &[&str]| dogwatch(root(), args, &[]);
    for (args, hint) in [
        (&["ack", "RUN-7"][..], "write it as `INC-7`"),
        (&["ack"], "<INCIDENT>"),
        (&["ack", "INC-7", "--all-of", "db"], "cannot be used with"),
        (&["resolve", "INC-7", "--all-of", "db"], "unexpected argument"),
        (&["incidents", "--severity", "S1,S9"], "write S1, S2, S3 or S4"),
        (&["incidents", "--state", "close"], "write one of `open`"),
        (&["incidents", "--team", "a", "--team", "b"], "cannot be used multiple times"),
        (&["resolv", "INC-7"], "'resolve'"),
        (&["run", "p", "--set", "novalue"], "NAME=VALUE"),
        (&["run", "p", "--set", "a=1", "--set", "a=2"], "given twice"),
        (&["oncall", "who", "--at", "tomorrow"], "2026-03-02T08:00:00Z"),
        (&["rbac", "--service-account", "dogwatch"], "namespace/name"),
        (&["incidents", "--server", "localhost:8080"], "http://host:port"),
        (&[], "Usage:"),
    ] {
        let said = said(args);
        assert_eq!(said.code, 2, "{args:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(hint), "{args:?}: {}", said.err);
        assert!(!said.err.contains('\u{1b}'), "no colours in a pipe: {}", said.err);
    }
}
