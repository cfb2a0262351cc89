//! `pgbackrest.check` and `pgbackrest.backup`, as playbooks write them.

use serde_json::json;

use super::exec::{commands, long_ago};
use super::{Edge, field};
use crate::action::Plan;
use crate::cluster::sim::{ContainerProgram, ProgramEnd, build};
use crate::model::FailureClass;

pub(super) const CHECK: &str = "pgbackrest.check: { stanza: main }";
pub(super) const BACKUP: &str = "pgbackrest.backup: { stanza: main, from_cronjob: backup }";
const FRESH: &str = "pgbackrest.backup: { stanza: main, from_cronjob: backup, unless_within: 5000d }";

pub(super) const HEALTHY: &str = include_str!("../../../tests/fixtures/pgbackrest/2.45/healthy.json");
const RUNNING: &str = include_str!("../../../tests/fixtures/pgbackrest/2.45/running.json");
const DAMAGED: &str = include_str!("../../../tests/fixtures/pgbackrest/2.45/damaged.json");
const NO_BACKUP: &str = include_str!("../../../tests/fixtures/pgbackrest/2.45/no_backup.json");
const NO_REPOSITORY: &str = include_str!("../../../tests/fixtures/pgbackrest/2.45/no_repository.json");
const CAME: &str = include_str!("../../../tests/fixtures/pgbackrest/2.45/check_ok.stdout");
const LATE: &str = include_str!("../../../tests/fixtures/pgbackrest/2.45/check_not_archived.stderr");

/// A database of which pgBackRest says that, beside the CronJob of its backups.
pub(super) fn of_database(info: &str) -> Edge {
    let edge = Edge::about(vec![build::pod("shop", "db-0", "db"), build::cronjob("shop", "backup", "0 1 * * *")]);
    let has = |argv: &[&str], answers: Vec<ProgramEnd>| {
        edge.cluster.has_program(ContainerProgram {
            of: edge.target.clone(),
            container: None,
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            answers,
        });
    };
    let says = |stdout: &str| ProgramEnd { stdout: stdout.to_owned(), ..ProgramEnd::default() };
    has(&["pgbackrest", "--output=json", "info", "--stanza=main"], vec![says(&long_ago(info))]);
    let check = ["pgbackrest", "--archive-timeout=15", "--log-level-console=info"];
    has(&check, vec![says(CAME), ProgramEnd { code: 82, stderr: LATE.into(), ..ProgramEnd::default() }]);
    let commands = commands(&[
        &["pgbackrest", "--output=json", "info", "--stanza=*"],
        &["pgbackrest", "--archive-timeout=15", "--log-level-console=info", "--stanza=*", "check"],
    ]);
    Edge { commands, ..edge }
}

#[tokio::test]
async fn a_segment_that_comes_and_one_that_does_not() {
    let edge = of_database(HEALTHY);
    let well = edge.reads(CHECK).await.unwrap();
    assert_eq!(field(&well, "ok"), &json!(true));
    assert_eq!(field(&well, "segments"), &json!(["000000010000000000000009"]));
    assert_eq!(well.summary, "archiving of main by main of pod/db-0 in shop: ok, 000000010000000000000009 came");

    let late = edge.reads(CHECK).await.unwrap();
    assert_eq!((field(&late, "ok"), field(&late, "code")), (&json!(false), &json!(82)));
    assert_eq!(field(&late, "finding"), &json!("not_archived"));
    assert!(field(&late, "message").as_str().unwrap().starts_with("ERROR: [082]: WAL segment 0000"), "{late:?}");

    let edge = Edge { commands: commands(&[]), ..edge };
    assert!(edge.reads(CHECK).await.unwrap_err().message.contains("the bot may not run"));
}

#[tokio::test]
async fn a_backup_starts_once_where_it_can_succeed() {
    for info in [HEALTHY, NO_BACKUP] {
        let edge = of_database(info);
        let intent = edge.intends(BACKUP).await;
        assert!(intent.summary.contains("from cronjob/backup"), "{}", intent.summary);
        let made = edge.makes(BACKUP, &intent).await.unwrap();
        assert_eq!(field(&made, "from"), &json!("backup"));
        // The answer was lost: it is there, and is not made again.
        assert!(matches!(edge.doubts(BACKUP, &intent).await, crate::action::Doubt::Done(_)));
        assert_eq!(edge.makes(BACKUP, &intent).await.unwrap(), made);
    }
}

#[tokio::test]
async fn a_backup_that_could_only_fail_is_not_started() {
    for (info, class, why) in [
        (RUNNING, FailureClass::HeldUp, "would only meet the lock of the first"),
        (NO_REPOSITORY, FailureClass::NeedsHuman, "a backup can only fail"),
        ("[]", FailureClass::Fail, "says nothing about it"),
        ("", FailureClass::Fail, "no list of stanzas"),
    ] {
        let refused = of_database(info).would(BACKUP).await.unwrap_err();
        assert_eq!(refused.class, class, "{refused}");
        assert!(refused.message.contains(why), "{refused}");
    }
    // Nor is the Job's own guard passed by.
    let other = of_database(HEALTHY).would("pgbackrest.backup: { stanza: main, from_cronjob: nightly }").await;
    assert!(other.unwrap_err().message.contains("cronjob/nightly in shop is not there"));
}

#[tokio::test]
async fn a_backup_that_is_new_enough_is_enough_unless_it_is_damaged() {
    let Plan::Unneeded(enough) = of_database(HEALTHY).would(FRESH).await.unwrap() else { panic!("it would be made") };
    assert!(enough.summary.starts_with("the newest backup is new enough: main: ok"), "{}", enough.summary);
    assert!(matches!(of_database(DAMAGED).would(FRESH).await.unwrap(), Plan::Do(_)));
    assert!(matches!(of_database(NO_BACKUP).would(FRESH).await.unwrap(), Plan::Do(_)));
}
