//! Two real bots with databases of their own on one real cluster: the same alert is acted on once.

use serde_json::json;

use super::coredns::{Dns, latency_alert};
use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::wait_until;

const OBSERVES: &str = "dogwatch_observes_only";

#[tokio::test]
async fn of_two_bots_one_scales_and_the_other_one_follows_when_it_has_stopped() {
    let mut first = Site::open_alone().await;
    wait_until(SOON, "the first bot has the lease", async || first.counted(OBSERVES).await == 0).await;
    let second = first.open_beside().await;
    let observes = async || second.says("/run coredns-saturated --dry-run").await.contains("It would");
    wait_until(SOON, "the second bot answers", observes).await;
    assert_eq!(second.counted(OBSERVES).await, 1);
    // That the first one lives, the second knows once it has seen it renew the lease.
    for _ in 0..2 {
        let seen = first.lease_renewed().await;
        wait_until(SOON, "the lease is renewed", async || first.lease_renewed().await != seen).await;
    }

    let dns = Dns::saturated(&first, 4).await;
    let (to_first, to_second) = (first.alertmanager(Version::V0_34).await, second.alertmanager(Version::V0_34).await);
    to_first.post_alerts(&json!([latency_alert(None)])).await;
    to_second.post_alerts(&json!([latency_alert(None)])).await;
    let told = second.told("INC-1", "this bot only observes").await;
    assert!(told.contains("held by a bot on another database"), "{told}");
    dns.recovers_with(&first, 6).await;
    first.told("INC-1", "fixed").await;
    assert_eq!(first.mutations("kube-system").await, ["patch deployments/coredns/scale 200"]);

    first.stop_bot().await;
    wait_until(SOON, "the second bot follows", async || second.counted(OBSERVES).await == 0).await;
}
