//! Nodes that kwok plays: their pods are Ready at once, and a command that is run in one of them
//! runs on this machine, with an environment and a user that the test gives.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::control_plane::ControlPlane;
use super::folder::Folder;
use super::ports::free_port;
use super::process::Process;
use super::programs::built;

/// Measured: 2 s on two idle cores.
const START: Duration = Duration::from_secs(90);

/// How commands run in the containers of some pods.
pub struct Runs {
    pub namespace: String,
    pub pods: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// The user and the group that run them.
    pub user: (u32, u32),
}

/// The nodes end with it.
pub struct KwokNodes {
    // In this order: the program ends before its folder goes.
    _process: Process,
    _folder: Folder,
}

impl KwokNodes {
    /// They are Ready when this returns. Nothing is scheduled on them: pods name them. The cluster
    /// has no nodes of another kind.
    pub async fn start(cluster: &ControlPlane, names: &[String], runs: &Runs) -> Self {
        let folder = Folder::new("kwok");
        for name in names {
            let node = json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": { "name": name },
                "spec": { "taints": [{ "key": "kwok.x-k8s.io/node", "effect": "NoSchedule" }] },
            });
            cluster.admin.apply(node).await;
        }
        let stages = ["node-initialize", "node-heartbeat", "pod-ready"]
            .map(|stage| std::fs::read_to_string(built("kwok", &format!("{stage}.yaml"))).expect("a stage of kwok's"));
        let execs = runs.pods.iter().map(|pod| exec(runs, pod).to_string());
        let config = execs.chain(stages).collect::<Vec<_>>().join("\n---\n");
        let port = free_port();
        let mut command = Command::new(built("kwok", "kwok"));
        command
            .arg(format!("--kubeconfig={}", cluster.admin_kubeconfig().display()))
            .arg(format!("--config={}", folder.write("kwok.yaml", config).display()))
            .arg("--manage-all-nodes=true")
            .args(["--node-name=127.0.0.1".into(), "--node-ip=127.0.0.1".into(), format!("--node-port={port}")])
            .arg(format!("--server-address=127.0.0.1:{port}"))
            .args(certificate(&cluster.ca_file()))
            .env("HOME", folder.path());
        let process = Process::start("kwok", folder.path(), &command);
        let are_ready = async || {
            let nodes = cluster.admin.get("/api/v1/nodes").await;
            nodes["items"].as_array().is_some_and(|nodes| nodes.iter().all(is_ready))
        };
        process.wait_until(START, "the nodes are ready", are_ready).await;
        Self { _process: process, _folder: folder }
    }
}

fn is_ready(node: &Value) -> bool {
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// The API server takes any certificate of a kubelet: it has its own.
fn certificate(authority: &Path) -> [String; 2] {
    let of = |file: &str| authority.with_file_name(file).display().to_string();
    [format!("--tls-cert-file={}", of("serving.crt")), format!("--tls-private-key-file={}", of("serving.key"))]
}

fn exec(runs: &Runs, pod: &str) -> Value {
    let environment = runs.environment.iter();
    let environment: Vec<Value> = environment.map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let (user, group) = runs.user;
    json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Exec",
        "metadata": { "name": pod, "namespace": runs.namespace },
        "spec": { "execs": [{ "local": {
            "workDir": "/",
            "envs": environment,
            "securityContext": { "runAsUser": user, "runAsGroup": group },
        } }] },
    })
}
