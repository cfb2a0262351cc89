//! `k8s.exec` and `pgbackrest.info`, as playbooks write them.

use serde_json::{Value, json};

use super::{Edge, field};
use crate::action::Commands;
use crate::action::command::Allowed;
use crate::action::registry::tests::{action, error};
use crate::cluster::sim::{ContainerProgram, Fault, ProgramEnd, ProgramFault, Verb, build};
use crate::model::FailureClass;

pub(super) const DISK: &str = "k8s.exec: { argv: [lsblk, --json] }";
pub(super) const BACKUPS: &str = "pgbackrest.info: { stanza: main }";

const RUNNING: &str = include_str!("../../../tests/fixtures/pgbackrest/2.45/running.json");
const NO_CONFIGURATION: &str = include_str!("../../../tests/fixtures/pgbackrest/2.45/no_configuration.stderr");

pub(super) fn commands(allowed: &[&[&str]]) -> Commands {
    let parse = |argv: &&[&str]| Allowed::parse(&argv.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()).unwrap();
    Commands::of(allowed.iter().map(parse))
}

/// With times before those of the clock here.
pub(super) fn long_ago(info: &str) -> String {
    info.replace(r#""start":1796"#, r#""start":1700"#).replace(r#""stop":1796"#, r#""stop":1700"#)
}

/// A database's pod with some programs, of which the bot may run most.
pub(super) fn about_database() -> Edge {
    let pod = build::pod("shop", "db-0", "db");
    let edge = Edge::about(vec![pod]);
    let has = |argv: &[&str], end: ProgramEnd| {
        edge.cluster.has_program(ContainerProgram {
            of: edge.target.clone(),
            container: None,
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            answers: vec![end],
        });
    };
    let says = |stdout: &str| ProgramEnd { stdout: stdout.to_owned(), ..ProgramEnd::default() };
    has(&["lsblk"], ProgramEnd { json: Some(json!({ "disks": [{ "size": 7 }] })), ..ProgramEnd::default() });
    has(&["df", "-P"], says("Filesystem 1024-blocks\n/dev/sda 100\nPGPASSWORD=hunter2hunter2\n"));
    has(&["pg_isready"], ProgramEnd { code: 2, stderr: "no response\n".into(), ..ProgramEnd::default() });
    has(&["hang"], ProgramEnd { fails: Some(ProgramFault::NoAnswer), ..ProgramEnd::default() });
    has(&["cat"], says(&"x".repeat(60_000)));
    has(
        &["pgbackrest", "--output=json", "info", "--stanza=main"],
        says(&long_ago(RUNNING).replace(r#""held":true"#, r#""held":true,"size":4,"size-cplt":1"#)),
    );
    has(
        &["pgbackrest", "--output=json", "info", "--stanza=other"],
        ProgramEnd { code: 55, stderr: NO_CONFIGURATION.into(), ..ProgramEnd::default() },
    );
    let commands = commands(&[
        &["lsblk", "--json"],
        &["df", "-P", "*"],
        &["pg_isready"],
        &["hang"],
        &["absent"],
        &["cat", "x"],
        &["pgbackrest", "--output=json", "info", "--stanza=*"],
    ]);
    Edge { commands, ..edge }
}

#[tokio::test]
async fn what_a_program_says_is_read() {
    let edge =
        about_database().with(json!({ "path": "/data", "hostile": "--output=/etc/passwd", "split": "a; rm -rf /" }));
    let disk = edge.reads(DISK).await.unwrap();
    assert_eq!(disk.summary, "lsblk --json in main of pod/db-0 in shop: code 0");
    assert_eq!(field(&disk, "json"), &json!({ "disks": [{ "size": 7 }] }));
    assert_eq!(field(&disk, "truncated"), &json!(false));

    let free = edge.reads("k8s.exec: { argv: [df, -P, '{{path}}'] }").await.unwrap();
    assert!(field(&free, "stdout").as_str().unwrap().starts_with("Filesystem 1024-blocks\n/dev/sda 100\n"));
    assert!(!format!("{free:?}").contains("hunter2"), "{free:?}");
    assert_eq!(free.value.get("json"), None);
    // Without a shell, it is one argument.
    edge.reads("k8s.exec: { argv: [df, -P, '{{split}}'] }").await.unwrap();

    let ready = edge.reads("k8s.exec: { argv: [pg_isready] }").await.unwrap();
    assert_eq!((field(&ready, "code"), field(&ready, "stderr")), (&json!(2), &json!("no response\n")));
    let long = edge.reads("k8s.exec: { argv: [cat, x] }").await.unwrap();
    assert_eq!(field(&long, "stdout").as_str().map(str::len), Some(48 * 1024));
    assert_eq!(field(&long, "truncated"), &json!(true));

    let hangs = edge.reads("k8s.exec: { argv: [hang] }").await.unwrap_err();
    assert_eq!(hangs.class, FailureClass::Retry);
    assert!(hangs.message.contains("hang did not end within 10s"), "{hangs}");
    let absent = edge.reads("k8s.exec: { argv: [absent] }").await.unwrap_err();
    assert_eq!(absent.class, FailureClass::Fail);
    assert!(absent.message.contains("executable file not found in $PATH"), "{absent}");
    let other = edge.reads("k8s.exec: { argv: [pg_isready], container: sidecar }").await.unwrap_err();
    assert!(other.message.contains("container sidecar is not valid for pod db-0"), "{other}");
    let gone = edge.reads("k8s.exec: { argv: [pg_isready], pod: db-7 }").await.unwrap_err();
    assert!(gone.message.contains("pod/db-7 in shop is not there"), "{gone}");
}

#[tokio::test]
async fn nothing_is_run_that_is_not_listed() {
    let edge = about_database().with(json!({ "hostile": "--output=/etc/passwd", "path": "/data" }));
    for unlisted in [
        "k8s.exec: { argv: [df, -P] }",
        "k8s.exec: { argv: [df, -P, '{{hostile}}'] }",
        "k8s.exec: { argv: [df, -h, /data] }",
        "k8s.exec: { argv: [pgbackrest, stanza-delete, --stanza=main] }",
        "pgbackrest.info: {}",
    ] {
        let refused = edge.reads(unlisted).await.unwrap_err();
        assert_eq!(refused.class, FailureClass::Fail, "{unlisted}");
        assert!(refused.message.contains("whoever runs it allows that in dogwatch.yaml, as `exec:"), "{refused}");
    }
    let edge = Edge { commands: Commands::default(), ..edge };
    for listed in [DISK, BACKUPS, "k8s.exec: { argv: [df, -P, '{{path}}'] }"] {
        assert!(edge.reads(listed).await.unwrap_err().message.contains("the bot may not run"), "{listed}");
    }
    // Nor asked for, where the cluster would say no.
    let edge = about_database();
    edge.cluster.fault(Fault::Forbidden { verb: Verb::Create, kind: "Pod".into() });
    assert!(edge.reads(DISK).await.unwrap_err().message.contains("not allowed to create"));
}

#[test]
fn no_shell_loads() {
    for (wrong, why) in [
        ("k8s.exec: { argv: [sh, -c, 'df'] }", "`sh` runs whatever it is told"),
        ("k8s.exec: { argv: ['{{inputs.x}}'] }", "must be written out"),
        ("k8s.exec: { argv: [df, 'a{{inputs.x}}'] }", "is not one plain hole"),
        ("k8s.exec: { argv: [] }", "is empty"),
        ("k8s.exec: { argv: [df], timeout: 2m }", "`timeout: 2m` is not from 1s to 25s"),
        ("pgbackrest.info: { stanza: --repo=2 }", "is no name of a stanza"),
    ] {
        let error = error(wrong);
        assert!(error.contains(why), "{wrong}: {error}");
    }
    let told = |yaml: &str| action(yaml).unwrap().describe().command().unwrap();
    let told = |yaml: &str| told(yaml).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(told("k8s.exec: { argv: [df, -P, '{{inputs.x}}'] }"), "df -P *");
    assert_eq!(told("pgbackrest.info: { stanza: '{{inputs.x}}' }"), "pgbackrest --output=json info --stanza=*");
    assert_eq!(told("pgbackrest.info: {}"), "pgbackrest --output=json info");
}

#[tokio::test]
async fn backups_are_told() {
    let edge = about_database().with(json!({ "stanza": "main", "hostile": "main --force" }));
    let main = edge.reads("pgbackrest.info: { stanza: '{{stanza}}' }").await.unwrap();
    let at = |path: &str| Value::Object(main.value.clone()).pointer(path).cloned().unwrap();
    assert_eq!((at("/count"), at("/missing")), (json!(1), json!(false)));
    assert_eq!((at("/stanzas/0/lock_held"), at("/stanzas/0/progress")), (json!(true), json!(25.0)));
    assert_eq!(at("/stanzas/0/backups/0/type"), "diff");
    assert!(main.summary.starts_with("backups by main of pod/db-0 in shop: main: ok, 2 backups"), "{}", main.summary);

    let failed = edge.reads("pgbackrest.info: { stanza: other }").await.unwrap_err();
    assert!(failed.message.contains("ended with code 55: ERROR: [055]: unable to open missing file"), "{failed}");
    let hostile = edge.reads("pgbackrest.info: { stanza: '{{hostile}}' }").await.unwrap_err();
    assert!(hostile.message.contains("is no name of a stanza"), "{hostile}");
}
