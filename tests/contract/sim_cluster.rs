//! The simulated cluster keeps what every cluster promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{TimeZone, Utc};
use dogwatch::clock::ManualClock;
use dogwatch::cluster::{Access, Cluster, Object, SimCluster};
use serde_json::Value;

use crate::cluster::Fixture;

struct Sim {
    cluster: SimCluster,
    clock: Arc<ManualClock>,
    namespaces: AtomicU32,
}

#[async_trait(?Send)]
impl Fixture for Sim {
    fn cluster(&self) -> &dyn Cluster {
        &self.cluster
    }

    fn shared(&self) -> Arc<dyn Cluster> {
        Arc::new(self.cluster.clone())
    }

    async fn restricted(&self, _namespace: &str, granted: Vec<Access>) -> Arc<dyn Cluster> {
        Arc::new(self.cluster.restricted(granted))
    }

    async fn namespace(&self) -> String {
        let name = format!("check-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        let namespace = serde_json::json!({ "kind": "Namespace", "metadata": { "name": name } });
        self.cluster.apply(&Object(namespace), "admin").unwrap();
        name
    }

    async fn apply(&self, object: Value) {
        self.cluster.apply(&Object(object), "admin").unwrap();
    }

    async fn wait(&self) {
        self.clock.advance(Duration::from_secs(1));
        self.cluster.turn();
    }
}

async fn on_a_simulated_cluster(check: impl AsyncFnOnce(&dyn Fixture)) {
    let clock = Arc::new(ManualClock::new(Utc.with_ymd_and_hms(2026, 3, 2, 12, 0, 0).unwrap()));
    let cluster = SimCluster::new(clock.clone());
    check(&Sim { cluster, clock, namespaces: AtomicU32::new(0) }).await;
}

crate::each_cluster_check!(crate::cluster, on_a_simulated_cluster);
