//! The real client on a real API server keeps what every cluster promises.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dogwatch::cluster::{Access, Cluster, Connection, RealCluster};
use serde_json::{Value, json};

use crate::cluster_contract::Fixture;
use crate::world::control_plane::ControlPlane;

struct Real {
    control_plane: &'static ControlPlane,
    cluster: RealCluster,
}

async fn connect(kubeconfig: std::path::PathBuf) -> RealCluster {
    let connection = Connection::Kubeconfig { path: kubeconfig, context: None };
    RealCluster::connect(&connection, RealCluster::DEFAULT_TIMEOUT).await.unwrap()
}

#[async_trait(?Send)]
impl Fixture for Real {
    fn cluster(&self) -> &dyn Cluster {
        &self.cluster
    }

    fn shared(&self) -> Arc<dyn Cluster> {
        Arc::new(self.cluster.clone())
    }

    async fn restricted(&self, namespace: &str, granted: Vec<Access>) -> Arc<dyn Cluster> {
        let rules = granted.iter().map(|access| {
            assert_eq!(access.namespace, namespace);
            let resource = match access.subresource.as_str() {
                "" => access.resource.clone(),
                subresource => format!("{}/{subresource}", access.resource),
            };
            json!({ "apiGroups": [access.group], "resources": [resource], "verbs": [access.verb] })
        });
        self.control_plane.grant_bot(namespace, rules.collect()).await;
        Arc::new(connect(self.control_plane.bot_kubeconfig()).await)
    }

    async fn namespace(&self) -> String {
        self.control_plane.namespace("contract").await
    }

    async fn apply(&self, object: Value) {
        self.control_plane.admin.apply(object).await;
    }

    async fn wait(&self) {
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn on_a_real_api_server(check: impl AsyncFnOnce(&dyn Fixture)) {
    let control_plane = ControlPlane::shared().await;
    // Pods are to become Ready.
    control_plane.hollow_node("node-a").await;
    let cluster = connect(control_plane.admin_kubeconfig()).await;
    check(&Real { control_plane, cluster }).await;
}

crate::each_cluster_check!(crate::cluster_contract, on_a_real_api_server);
