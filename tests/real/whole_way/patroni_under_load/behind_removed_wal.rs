//! A replica was away for so long that its leader has removed the WAL that it needs: it is rebuilt,
//! and never the leader.

use serde_json::json;

use super::{Shop, says};
use crate::site::SOON;
use crate::world::patroni::Plan;
use crate::world::wait::wait_until;

const PLAYBOOKS: [&str; 2] = ["patroni-replica-lag", "pg-replica-lag"];

#[tokio::test]
async fn a_replica_whose_log_says_that_its_wal_is_gone_is_rebuilt_after_one_yes_and_a_leader_never() {
    // Without slots its leader forgets what it needs.
    let plan = Plan { synchronous: true, ..Plan::default() };
    let mut shop = Shop::open("gone", &PLAYBOOKS, plan, &[]).await;
    let leader = shop.databases.gets_well().await;
    let behind = (0..3).rev().find(|member| *member != leader).expect("a replica");
    let (leader_name, name) = (shop.databases.name(leader), shop.databases.name(behind));
    shop.databases.kill(behind);
    shop.databases.write_wal(leader, 40).await;
    shop.databases.sql(leader, "checkpoint");
    shop.databases.run(behind).await;
    wait_until(SOON, "it says that its WAL is gone", async || {
        shop.databases.log(behind).contains("has already been removed")
    })
    .await;
    let replayed =
        |what: &str| format!("patroni_xlog_replayed_location{{namespace=\"{}\",pod=\"{name}\"}}{what}", shop.namespace);
    // It is measured, and has stood still for as long as the playbook looks back here.
    let stands = format!("{} > 0 and {} == {}", replayed(""), replayed(" offset 10s"), replayed(""));
    shop.site.prometheus.wait_for(&stands).await;

    // Of the leader, as pgMonitor has it: which replica it is, is found out.
    shop.fires("PGReplicationByteLag", leader, json!({ "replica": "127.0.0.9" })).await;
    let why = shop.site.told("INC-1", "asks for approval").await;
    says(
        &why,
        &[
            &format!("the WAL that it needs is gone: patroni-replica-lag goes on with pod/{name}"),
            &format!("Rebuild {name} (the WAL that it needs is gone)? Its data is deleted first"),
        ],
    );
    let answer = shop.site.says("/approve APR-1").await;
    assert!(answer.contains("databases"), "{answer}");
    shop.site.says_to_databases("/approve APR-1").await;
    let why = shop.site.told("INC-1", "fixed").await;
    says(&why, &[&format!("rebuild pod/{name} in {}, a replica of {leader_name}", shop.namespace)]);
    assert!(shop.databases.is_well().await);

    // Whoever mistakes the one for the other.
    let mistaken = format!("/run patroni-replica-lag namespace={} name={leader_name} rebuild=true", shop.namespace);
    let answer = shop.site.says(&mistaken).await;
    assert!(answer.contains("INC-2") || answer.contains("INC-1"), "{answer}");
    let incident = if answer.contains("INC-2") { "INC-2" } else { "INC-1" };
    shop.site.told(incident, "it leads the cluster by now").await;
    assert_eq!(shop.databases.leader().await, Some(leader));
    shop.ends_well().await;
}
