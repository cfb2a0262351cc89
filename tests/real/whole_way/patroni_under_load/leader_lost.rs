//! The leader's Patroni and PostgreSQL are killed. Patroni has another member lead: there is
//! nothing left to do, and somebody should know.

use std::net::SocketAddr;

use serde_json::json;

use super::{Shop, says};
use crate::site::SOON;
use crate::world::folder::Folder;
use crate::world::kubernetes_programs::start_etcd;
use crate::world::patroni::Plan;

/// With those that they hand over to.
const PLAYBOOKS: [&str; 9] = [
    "memory-limit",
    "node-notready",
    "pg-down",
    "pg-role-changed",
    "pod-crashloop",
    "pod-oom",
    "pod-stuck-waiting",
    "pvc-pending",
    "rollout-undo",
];

#[tokio::test]
async fn a_leader_that_is_killed_is_replaced_by_patroni_and_nobody_acts_twice() {
    // Its pod is there, and so it stands in the list as it was.
    is_replaced("lost", None, "the member that led is down (Patroni: running, and that is its last word)").await;
}

#[tokio::test]
async fn so_it_is_with_etcd_as_patronis_store() {
    let folder = Folder::new("etcd");
    let (_etcd, url) = start_etcd(&folder);
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    // What it has written there ends with its lock.
    is_replaced("etcd", address, "the member that led is down (Patroni lists it no more)").await;
}

async fn is_replaced(namespace: &str, etcd: Option<SocketAddr>, its_state: &str) {
    let plan = Plan { synchronous: true, member_slots: true, etcd, ..Plan::default() };
    // Who led ten minutes ago is who leads before anything has happened.
    let mut shop = Shop::open(namespace, &PLAYBOOKS, plan, &[("pg-role-changed", "offset 10s", "@ BEGINNING")]).await;
    let old = shop.databases.gets_well().await;
    let old_name = shop.databases.name(old);

    // At that moment its lock holds still, and each member tells of it as it was.
    shop.databases.kill(old);
    let down = format!("pg_up{{namespace=\"{}\",pod=\"{old_name}\"}} == 0", shop.namespace);
    shop.site.prometheus.wait_for(&down).await;
    shop.fires("PostgresqlDown", old, json!({})).await;
    let told = shop.notice("Nobody was called; ").await;
    let new = shop.databases.leader().await.expect("Patroni has had another one lead");
    assert_ne!(new, old);
    let new_name = shop.databases.name(new);
    let failed_over =
        format!("Patroni has failed over by itself, or somebody switched over: {new_name} leads since 20");
    says(
        &told,
        &[
            &format!("{old_name} in {}", shop.namespace),
            "only a replica is down, and another one streams",
            its_state,
            &failed_over,
            "another replica streams",
            "terminating connection due to unexpected postmaster exit",
            "Nobody was called",
            &format!("exec {new_name} -c postgres -- patronictl list"),
            &format!("logs {old_name} -c postgres"),
        ],
    );
    shop.writer.goes_on(SOON).await;

    // The kubelet starts the container again: it rewinds, and follows.
    shop.databases.run(old).await;
    shop.shows_a_restart(old).await;
    shop.databases.gets_well().await;
    shop.fires("PatroniTimelineSwitch", new, json!({})).await;
    let told = shop.notice("has another leader (").await;
    says(
        &told,
        &[
            &format!("shop in {} has another leader", shop.namespace),
            "(its PostgreSQL crashed)",
            &format!("PostgreSQL or its container crashed in {old_name}"),
            &format!("{new_name} leads, and all follow"),
            "What had not reached the new leader is lost, where replication is asynchronous",
            &format!("exec {new_name} -c postgres -- patronictl history shop"),
        ],
    );

    assert_eq!(shop.pages(), 0);
    assert_eq!(shop.databases.leader().await, Some(new));
    assert_eq!(shop.databases.timelines().await, 1, "one failover, and no other change");
    shop.ends_well().await;
}
