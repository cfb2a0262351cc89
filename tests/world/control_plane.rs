//! A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and
//! hollow nodes (the real kubelet over a container runtime that only pretends).
//!
//! Pods are scheduled and become Ready, Deployments roll out, Jobs start, budgets refuse evictions. What is not there:
//! a storage provisioner and metrics (play them with `patch_status`), exec but on nodes of
//! [`kwok`](super::kwok), logs but on [`kubelet::NODE`](super::kubelet::NODE), and Service
//! networking.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};

use super::audit::Audit;
use super::folder::Folder;
use super::kubelet::Kubelet;
use super::kubernetes_api::KubernetesApi;
use super::kubernetes_programs::{
    ADMIN_USER, kubeconfig_file, start_api_server, start_controller_manager, start_etcd, start_hollow_kubelet,
    start_scheduler, token, write_certificates, write_kubeconfigs,
};
use super::ports::free_port;
use super::process::Process;
use super::wait::wait_until;

pub use super::kubernetes_programs::BOT_USER;

/// Measured: 4 s on two idle cores. CI's are busy with the other tests.
const START: Duration = Duration::from_secs(120);

pub struct ControlPlane {
    /// Plain requests as somebody who may do anything.
    pub admin: KubernetesApi,
    /// Plain requests as the bot's user, for a test of what it is granted.
    pub bot: KubernetesApi,
    server_url: String,
    namespaces: AtomicU32,
    nodes: Mutex<BTreeMap<String, Process>>,
    kubelet: OnceCell<Kubelet>,
    // In this order: the programs end before their folder goes.
    _processes: [Process; 4],
    folder: Folder,
}

impl ControlPlane {
    /// The one that the tests of this binary share: each works in a [`Self::namespace`] of its own, and nobody cleans up.
    /// It ends with the test process.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// A new one, ended on drop.
    pub async fn start() -> Self {
        let folder = Folder::new("control-plane");
        let authority = &write_certificates(&folder);
        let (etcd, etcd_url) = start_etcd(&folder);

        let port = free_port();
        let server_url = format!("https://127.0.0.1:{port}");
        write_kubeconfigs(&folder, &server_url);
        let admin = KubernetesApi::new(&server_url, authority, &token(ADMIN_USER));
        let bot = KubernetesApi::new(&server_url, authority, &token(BOT_USER));

        let api_server = start_api_server(&folder, &etcd_url, port);
        let ready = async || admin.is_healthy("/readyz").await;
        api_server.wait_until(START, "the API server is ready", ready).await;

        let (manager_port, scheduler_port) = (free_port(), free_port());
        let manager = start_controller_manager(&folder, manager_port);
        let scheduler = start_scheduler(&folder, scheduler_port);
        for (process, port) in [(&manager, manager_port), (&scheduler, scheduler_port)] {
            let probe = KubernetesApi::new(&format!("https://127.0.0.1:{port}"), authority, "");
            process.wait_until(START, "it is healthy", async || probe.is_healthy("/healthz").await).await;
        }

        Self {
            admin,
            bot,
            server_url,
            namespaces: AtomicU32::new(0),
            nodes: Mutex::default(),
            kubelet: OnceCell::new(),
            _processes: [etcd, api_server, manager, scheduler],
            folder,
        }
    }

    pub fn server_url(&self) -> &str {
        &self.server_url
    }

    /// The PEM of the authority that signed the server's certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    pub fn admin_kubeconfig(&self) -> PathBuf {
        kubeconfig_file(&self.folder, ADMIN_USER)
    }

    pub fn bot_kubeconfig(&self) -> PathBuf {
        kubeconfig_file(&self.folder, BOT_USER)
    }

    pub fn admin_token(&self) -> String {
        token(ADMIN_USER)
    }

    pub fn bot_token(&self) -> String {
        token(BOT_USER)
    }

    /// What the bot's user has asked of the server so far, and what came of it.
    pub async fn audit(&self) -> Audit {
        Audit::read(&self.folder.join("audit.log")).await
    }

    /// Creates a namespace that nobody else has; its name begins with `prefix`.
    pub async fn namespace(&self, prefix: &str) -> String {
        let name = format!("{prefix}-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.admin.apply(namespace).await;
        name
    }

    /// Grants the bot's user `rules` (each of verbs, apiGroups and resources) in one namespace, and nothing else there.
    /// The server honours them when this returns.
    pub async fn grant_bot(&self, namespace: &str, rules: Value) {
        let probe = access_review(namespace, &rules[0]);
        let api = "rbac.authorization.k8s.io";
        let metadata = json!({ "name": BOT_USER, "namespace": namespace });
        let role = json!({ "apiVersion": format!("{api}/v1"), "kind": "Role", "metadata": metadata, "rules": rules });
        self.admin.apply(role).await;
        let binding = json!({
            "apiVersion": format!("{api}/v1"),
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": { "apiGroup": api, "kind": "Role", "name": BOT_USER },
            "subjects": [{ "apiGroup": api, "kind": "User", "name": BOT_USER }],
        });
        self.admin.apply(binding).await;
        wait_until(START, "the grant has reached the authorizer", async || {
            let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
            self.admin.request(Method::POST, path, Some(probe.clone())).await.body["status"]["allowed"] == true
        })
        .await;
    }

    /// The node whose kubelet has the logs of containers that run outside of it.
    pub async fn kubelet(&self) -> &Kubelet {
        let start = async || {
            let authority = std::fs::read_to_string(self.ca_file()).expect("the authority's certificate");
            Kubelet::start(KubernetesApi::new(&self.server_url, &authority, &self.admin_token())).await
        };
        self.kubelet.get_or_init(start).await
    }

    /// A node on which pods become Ready without any container being run; it is there when this returns. One CPU and
    /// 3.75 GiB, as far as the scheduler knows. Asking for a node of the same name again gives the same node.
    pub async fn hollow_node(&self, name: &str) {
        let mut nodes = self.nodes.lock().await;
        if nodes.contains_key(name) {
            return;
        }
        let kubelet = start_hollow_kubelet(&self.folder, &self.admin_kubeconfig(), name);
        let is_ready = async || {
            let Some(node) = self.admin.find(&format!("/api/v1/nodes/{name}")).await else {
                return false;
            };
            let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
            let ready = conditions.into_iter().flatten().any(|it| it["type"] == "Ready" && it["status"] == "True");
            ready && node.pointer("/spec/taints").is_none()
        };
        kubelet.wait_until(START, &format!("the node {name} is ready"), is_ready).await;
        nodes.insert(name.to_owned(), kubelet);
    }
}

/// Whether the bot's user may do the first thing that a rule grants.
fn access_review(namespace: &str, rule: &Value) -> Value {
    let (resource, subresource) = match rule["resources"][0].as_str().unwrap_or_default().split_once('/') {
        Some((resource, subresource)) => (json!(resource), json!(subresource)),
        None => (rule["resources"][0].clone(), Value::Null),
    };
    let attributes = json!({
        "namespace": namespace,
        "verb": rule["verbs"][0],
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": subresource,
        "name": rule["resourceNames"][0],
    });
    json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": { "user": BOT_USER, "groups": ["system:authenticated"], "resourceAttributes": attributes },
    })
}
