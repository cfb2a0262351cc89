//! The folder that WAL is archived to refuses it.

use std::fs::{Permissions, read_dir, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{Shop, says};
use crate::site::SOON;
use crate::world::folder::Folder;
use crate::world::patroni::Plan;
use crate::world::wait::wait_until;

const PLAYBOOKS: [&str; 1] = ["pg-wal-archive"];
const COUNTS: &str = "select archived_count || ' ' || failed_count from pg_stat_archiver";

#[tokio::test]
async fn an_archive_that_refuses_wal_is_told_with_its_own_words_and_archives_again_when_it_is_mended() {
    let archive = Folder::new("archive");
    let may_write = |may: bool| {
        let mode = if may { 0o777 } else { 0o555 };
        set_permissions(archive.path(), Permissions::from_mode(mode)).expect("open or close the archive");
    };
    may_write(true);
    let command = format!("cp %p {}/%f", archive.path().display());
    let plan = Plan { synchronous: true, archive_command: Some(command), ..Plan::default() };
    let shop = Shop::open("archive", &PLAYBOOKS, plan, &[]).await;
    let leader = shop.databases.gets_well().await;
    let name = shop.databases.name(leader);
    let numbers = || {
        let counts = shop.databases.sql(leader, COUNTS);
        let (archived, failed) = counts.split_once(' ').expect("two numbers");
        (archived.parse::<u64>().expect("a number"), failed.parse::<u64>().expect("a number"))
    };
    shop.databases.write_wal(leader, 2).await;
    wait_until(SOON, "it archives", async || numbers().0 > 0).await;
    assert_eq!(numbers().1, 0);

    may_write(false);
    shop.databases.write_wal(leader, 12).await;
    wait_until(SOON, "it fails", async || numbers().1 > 0).await;
    shop.fires("PostgresWalArchivingFailing", leader, json!({})).await;
    let told = shop.page("does not archive its WAL").await;
    says(
        &told,
        &[
            &format!("{name} in {} does not archive its WAL (the repository refuses it)", shop.namespace),
            "Permission denied",
            " segments wait, the last was archived ",
            "0 other databases fail to archive",
            "It changed nothing. PostgreSQL tries again by itself",
            "select * from pg_stat_archiver",
            "Delete nothing in pg_wal",
        ],
    );

    may_write(true);
    let before = numbers().0;
    wait_until(SOON, "it archives all that waited", async || numbers().0 >= before + 12).await;
    let segments = read_dir(archive.path()).expect("the archive").count();
    assert!(segments > 12, "{segments} segments in the archive");
    let again = format!("/run pg-wal-archive namespace={} pod={name}", shop.namespace);
    let answer = shop.site.says(&again).await;
    assert!(answer.contains("INC-1"), "{answer}");
    shop.site.told("INC-1", "RUN-2 nothing to do: it archives again").await;
    shop.ends_well().await;
}
