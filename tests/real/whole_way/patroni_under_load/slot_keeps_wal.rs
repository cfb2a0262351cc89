//! A slot in Patroni's configuration that nobody reads: the volume fills with the WAL that it
//! keeps.

use reqwest::Method;
use serde_json::json;

use super::{Shop, says};
use crate::site::SOON;
use crate::world::patroni::Plan;
use crate::world::wait::wait_until;

const PLAYBOOKS: [&str; 3] = ["pg-disk-full", "pg-slot", "pvc-filling"];
const MIB: u64 = 1024 * 1024;
/// Of each volume, beside what the database has at first.
const ROOM: u64 = 64 * MIB;
/// So many MiB of WAL fill it to nine tenths.
const WRITTEN: u32 = 56;

#[tokio::test]
async fn a_slot_that_nobody_reads_is_named_with_what_it_keeps_before_the_volume_is_full() {
    let plan = Plan {
        synchronous: true,
        member_slots: true,
        slots: json!({ "barman": { "type": "physical" } }),
        ..Plan::default()
    };
    let hurries = [("pg-slot", "every: 30s, for: 2m, within: 7m", "every: 5s, for: 10s, within: 12s")];
    let shop = Shop::open("slot", &PLAYBOOKS, plan, &hurries).await;
    let leader = shop.databases.gets_well().await;
    let name = shop.databases.name(leader);
    wait_until(SOON, "Patroni has made the slot", async || {
        shop.databases.sql(leader, "select count(*) from pg_replication_slots where slot_name = 'barman'") == "1"
    })
    .await;
    shop.shows_volumes(ROOM);

    // WAL and nothing but WAL; the replicas have it, and the slot keeps it.
    shop.databases.write_wal(leader, WRITTEN).await;
    shop.databases.sql(leader, "checkpoint");
    let claim = format!("namespace=\"{}\",persistentvolumeclaim=\"data-{name}\"", shop.namespace);
    let of = |what: &str| format!("kubelet_volume_stats_{what}_bytes{{{claim}}}");
    shop.site.prometheus.wait_for(&format!("1 - {} / {} > 0.85", of("available"), of("capacity"))).await;

    shop.fires("PostgresqlUnusedReplicationSlot", leader, json!({ "slot_name": "barman" })).await;
    let told = shop.page("a replication slot that nobody reads").await;
    says(
        &told,
        &[
            &format!("{name} in {}", shop.namespace),
            "a permanent slot of Patroni's configuration",
            "the slot barman is of no member",
            "Slot barman (physical): keeps ",
            "of its volume used",
            "It changed nothing",
            "select * from pg_replication_slots",
            "select pg_drop_replication_slot('barman')",
            "take it out there (patronictl edit-config) first",
        ],
    );
    assert!(number_after(&told, "It keeps ") >= WRITTEN, "{told}");

    shop.fires("PGDiskSize", leader, json!({ "mount_point": "/var/lib/postgresql" })).await;
    let told = shop.page("a slot that nobody reads keeps WAL").await;
    says(
        &told,
        &[
            &format!("A volume of {name} in {} fills", shop.namespace),
            "of which the slot barman (physical) keeps ",
            &format!("data-{name}: 0.9"),
            "pg-slot --set",
            "Delete nothing in pg_wal",
            "It changed nothing",
        ],
    );

    assert!(number_after(&told, "of which the slot barman (physical) keeps ") >= WRITTEN, "{told}");

    // As the page says: it is taken out of the configuration, and is gone.
    shop.databases.tells(leader, Method::PATCH, "/config", json!({ "slots": null })).await;
    wait_until(SOON, "the slot is gone", async || {
        shop.databases.sql(leader, "select count(*) from pg_replication_slots where slot_name = 'barman'") == "0"
    })
    .await;
    shop.databases.sql(leader, "checkpoint");
    shop.site.prometheus.wait_for(&format!("1 - {} / {} < 0.85", of("available"), of("capacity"))).await;
    shop.ends_well().await;
}

/// The number that follows these words.
fn number_after(text: &str, words: &str) -> u32 {
    let after = text.split_once(words).map(|(_, after)| after).unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number after `{words}`: {text}"))
}
