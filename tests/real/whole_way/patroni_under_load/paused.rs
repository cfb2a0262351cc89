//! Somebody has paused Patroni, and the leader is lost: nobody takes over, and nobody's hands are
//! on it but people's.

use reqwest::Method;
use serde_json::json;

use super::{Shop, says};
use crate::site::SOON;
use crate::world::patroni::Plan;
use crate::world::wait::wait_until;

/// With those that they hand over to.
const PLAYBOOKS: [&str; 4] = ["memory-limit", "pg-no-leader", "pod-crashloop", "rollout-undo"];

#[tokio::test]
async fn a_leader_that_is_lost_in_a_pause_is_left_to_a_person_who_is_told_of_the_pause() {
    let plan = Plan { synchronous: true, member_slots: true, ..Plan::default() };
    let mut shop =
        Shop::open("paused", &PLAYBOOKS, plan, &[("pg-no-leader", "every: 10s, within: 1m", "every: 5s, within: 12s")])
            .await;
    let old = shop.databases.gets_well().await;
    let others: Vec<usize> = (0..3).filter(|member| *member != old).collect();
    shop.databases.tells(old, Method::PATCH, "/config", json!({ "pause": true })).await;
    wait_until(SOON, "all know of the pause", async || {
        let mut know = true;
        for member in 0..3 {
            know &= shop.databases.status(member).await["pause"] == true;
        }
        know
    })
    .await;
    shop.databases.kill(old);
    // Its lock ends after Patroni's ttl.
    wait_until(SOON, "nobody leads", async || {
        let cluster = shop.databases.asks(others[0], "/cluster").await.unwrap_or_default();
        cluster.contains("\"members\"") && !cluster.contains("\"role\": \"leader\"")
    })
    .await;

    // As rules by cluster have it: no pod.
    let labels = json!({ "alertname": "PatroniHasNoLeader", "namespace": shop.namespace, "scope": "shop" });
    shop.alertmanager.post_alerts(&json!([{ "labels": labels }])).await;
    let told = shop.page("has no leader, and takes no writes").await;
    says(
        &told,
        &[
            &format!("shop in {} has no leader, and takes no writes (Patroni is paused)", shop.namespace),
            "Patroni is paused (maintenance mode), so that it elects nobody",
            "nobody leads",
            "ask who, and whether the old leader is to come back",
            "patronictl resume shop",
            &format!("{} has WAL up to ", shop.databases.name(others[0])),
            &format!("{} has WAL up to ", shop.databases.name(others[1])),
            "It changed nothing",
            "patronictl list shop",
            "patronictl history shop",
        ],
    );
    assert_eq!(shop.databases.leader().await, None, "nobody was promoted");

    // A person does as the page says.
    shop.databases.tells(others[0], Method::PATCH, "/config", json!({ "pause": null })).await;
    shop.writer.goes_on(SOON).await;
    shop.databases.run(old).await;
    shop.ends_well().await;
}
