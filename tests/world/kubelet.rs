//! A node whose kubelet the test plays: it is well, runs nothing, and has the logs of containers,
//! which it reads from files.
//!
//! The hollow nodes of `control_plane` have no logs, and would make pods of their own out of ours.
//! No pod comes here unless it is made here: the node has a taint that none tolerates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as InPath, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::Listener as _;
use chrono::{SecondsFormat, Utc};
use serde_json::json;
use tokio::sync::oneshot;

use super::kubernetes_api::KubernetesApi;
use super::tls::TlsListener;

/// The node's name.
pub const NODE: &str = "node-with-logs";
const LEASES: &str = "kube-node-lease";
/// A node that says nothing for 40 s is taken for lost.
const BETWEEN_BEATS: Duration = Duration::from_secs(5);

/// By `namespace/pod/container`.
type Logs = Arc<Mutex<BTreeMap<String, PathBuf>>>;

/// Ends on drop. It has a thread of its own, as each test has a runtime of its own and the node is
/// everybody's.
pub struct Kubelet {
    logs: Logs,
    _runs: oneshot::Sender<()>,
}

impl Kubelet {
    /// The node is ready when this returns.
    pub async fn start(admin: KubernetesApi) -> Self {
        let logs = Logs::default();
        let (runs, ended) = oneshot::channel();
        let (tells, ready) = oneshot::channel();
        let shown = Arc::clone(&logs);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (listener, _) = TlsListener::bind(NODE).await;
                let port = listener.local_addr().expect("a bound listener has an address").port();
                let router = Router::new().route("/containerLogs/{namespace}/{pod}/{container}", get(log));
                let serving = axum::serve(listener, router.with_state(shown));
                tokio::select! {
                    _ = ended => {}
                    served = serving => served.expect("serve"),
                    () = beat(&admin, port, tells) => {}
                }
            });
        });
        ready.await.expect("the node is there");
        Self { logs, _runs: runs }
    }

    /// What the container has written stands in this file.
    pub fn shows(&self, namespace: &str, pod: &str, container: &str, log: &Path) {
        let mut logs = self.logs.lock().expect("no panic while it is held");
        logs.insert(format!("{namespace}/{pod}/{container}"), log.to_owned());
    }
}

/// Says again and again that the node is well.
async fn beat(admin: &KubernetesApi, port: u16, tells: oneshot::Sender<()>) {
    let taint = json!({ "key": "dogwatch.test/no-pods", "effect": "NoSchedule" });
    let node =
        json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": NODE }, "spec": { "taints": [taint] } });
    admin.apply(node).await;
    admin.apply(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": LEASES } })).await;
    let mut tells = Some(tells);
    loop {
        let now = Utc::now();
        let beat = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let ready = json!({ "type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": beat });
        let room = json!({ "cpu": "8", "memory": "32Gi", "pods": "500" });
        let status = json!({
            "addresses": [{ "type": "InternalIP", "address": "127.0.0.1" }],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": port } },
            "capacity": room, "allocatable": room,
            "conditions": [ready],
        });
        admin.patch_status(&format!("/api/v1/nodes/{NODE}"), status).await;
        let renewed = now.to_rfc3339_opts(SecondsFormat::Micros, true);
        admin
            .apply(json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": { "namespace": LEASES, "name": NODE },
                "spec": { "holderIdentity": NODE, "leaseDurationSeconds": 40, "renewTime": renewed },
            }))
            .await;
        if let Some(tells) = tells.take() {
            let _ = tells.send(());
        }
        tokio::time::sleep(BETWEEN_BEATS).await;
    }
}

/// The newest lines of a log. How old they may be (`sinceSeconds`) is not looked at: all are of the
/// last minutes.
async fn log(
    InPath(container): InPath<(String, String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    State(logs): State<Logs>,
) -> Result<String, StatusCode> {
    let (namespace, pod, container) = container;
    let file = logs.lock().expect("no panic while it is held").get(&format!("{namespace}/{pod}/{container}")).cloned();
    let text = std::fs::read(file.ok_or(StatusCode::NOT_FOUND)?).map_err(|_| StatusCode::NOT_FOUND)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let wanted = query.get("tailLines").and_then(|lines| lines.parse().ok()).unwrap_or(lines.len());
    Ok(lines[lines.len().saturating_sub(wanted)..].iter().map(|line| format!("{line}\n")).collect())
}
