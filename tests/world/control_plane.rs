//! A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and
//! hollow nodes (the real kubelet over a container runtime that only pretends).
//!
//! Pods are scheduled and become Ready, Deployments roll out, Jobs start, budgets refuse evictions. What is not there:
//! a storage provisioner and metrics (play them with `patch_status`), exec and logs, and Service networking.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};

use super::audit::{self, Audit};
use super::certificates::Certificates;
use super::folder::Folder;
use super::kubernetes_api::KubernetesApi;
use super::ports::free_port;
use super::process::Process;
use super::programs;
use super::wait::wait_until;

/// The user as whom the bot comes: in no group but `system:authenticated`, and so without any right but what a test
/// grants it.
pub const BOT_USER: &str = "dogwatch";
const ADMIN_USER: &str = "admin";
const CONTROLLER_MANAGER_USER: &str = "system:kube-controller-manager";
const SCHEDULER_USER: &str = "system:kube-scheduler";

/// Measured: 4 s on two idle cores. CI's are busy with the other tests.
const START: Duration = Duration::from_secs(120);

/// (user, groups) of the token file
const USERS: [(&str, &str); 4] = [
    (ADMIN_USER, "system:masters"),
    (CONTROLLER_MANAGER_USER, ""),
    (SCHEDULER_USER, ""),
    (BOT_USER, ""),
];

pub struct ControlPlane {
    /// Plain requests as somebody who may do anything.
    pub admin: KubernetesApi,
    /// Plain requests as the bot's user, for a test of what it is granted.
    pub bot: KubernetesApi,
    server_url: String,
    namespaces: AtomicU32,
    nodes: Mutex<BTreeMap<String, Process>>,
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
        let files = write_files(&folder);
        let (etcd, etcd_url) = start_etcd(&folder);

        let port = free_port();
        let server_url = format!("https://127.0.0.1:{port}");
        for (user, _) in USERS {
            folder.write(
                kubeconfig_name(user),
                kubeconfig(&folder, &server_url, user).to_string(),
            );
        }
        let authority = files.authority.as_str();
        let admin = KubernetesApi::new(&server_url, authority, &token(ADMIN_USER));
        let bot = KubernetesApi::new(&server_url, authority, &token(BOT_USER));

        let api_server = start_api_server(&folder, &etcd_url, port);
        let ready = async || admin.is_healthy("/readyz").await;
        api_server
            .wait_until(START, "the API server is ready", ready)
            .await;

        let (manager_port, scheduler_port) = (free_port(), free_port());
        let manager = start_controller_manager(&folder, manager_port);
        let scheduler = start_scheduler(&folder, scheduler_port);
        for (process, port) in [(&manager, manager_port), (&scheduler, scheduler_port)] {
            let probe = KubernetesApi::new(&format!("https://127.0.0.1:{port}"), authority, "");
            process
                .wait_until(START, "it is healthy", async || {
                    probe.is_healthy("/healthz").await
                })
                .await;
        }

        Self {
            admin,
            bot,
            server_url,
            namespaces: AtomicU32::new(0),
            nodes: Mutex::default(),
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
        self.folder.join(kubeconfig_name(ADMIN_USER))
    }

    pub fn bot_kubeconfig(&self) -> PathBuf {
        self.folder.join(kubeconfig_name(BOT_USER))
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
        let name = format!(
            "{prefix}-{}",
            self.namespaces.fetch_add(1, Ordering::Relaxed)
        );
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
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
            self.admin
                .request(Method::POST, path, Some(probe.clone()))
                .await
                .body["status"]["allowed"]
                == true
        })
        .await;
    }

    /// A node on which pods become Ready without any container being run; it is there when this returns. One CPU and
    /// 3.75 GiB, as far as the scheduler knows. Asking for a node of the same name again gives the same node.
    pub async fn hollow_node(&self, name: &str) {
        let mut nodes = self.nodes.lock().await;
        if nodes.contains_key(name) {
            return;
        }
        let kubelet = self.start_hollow_kubelet(name);
        let is_ready = async || {
            let Some(node) = self.admin.find(&format!("/api/v1/nodes/{name}")).await else {
                return false;
            };
            let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
            let ready = conditions
                .into_iter()
                .flatten()
                .any(|it| it["type"] == "Ready" && it["status"] == "True");
            ready && node.pointer("/spec/taints").is_none()
        };
        kubelet
            .wait_until(START, &format!("the node {name} is ready"), is_ready)
            .await;
        nodes.insert(name.to_owned(), kubelet);
    }

    fn start_hollow_kubelet(&self, name: &str) -> Process {
        let scratch = self.folder.join(format!("kubelet-{name}"));
        std::fs::create_dir_all(&scratch).expect("make a folder");
        let mut command = Command::new(program("kubemark"));
        command
            .env("TMPDIR", &scratch) // it leaves folders behind
            .args([
                "--morph=kubelet",
                "--use-host-image-service=false",
                "--max-pods=500",
                "--v=1",
            ])
            .arg(format!("--name={name}"))
            .arg(flag("--kubeconfig=", &self.admin_kubeconfig()))
            .arg(format!("--kubelet-port={}", free_port()))
            .arg(format!("--kubelet-read-only-port={}", free_port()));
        Process::start(&format!("kubelet-{name}"), self.folder.path(), &command)
    }
}

/// Whether the bot's user may do the first thing that a rule grants.
fn access_review(namespace: &str, rule: &Value) -> Value {
    let (resource, subresource) = match rule["resources"][0]
        .as_str()
        .unwrap_or_default()
        .split_once('/')
    {
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

fn write_files(folder: &Folder) -> Certificates {
    let certificates = Certificates::for_loopback();
    folder.write("ca.crt", &certificates.authority);
    folder.write("serving.crt", &certificates.serving);
    folder.write("serving.key", &certificates.serving_key);
    folder.write("service-account.key", &certificates.signing_key);
    folder.write("service-account.pub", &certificates.signing_public_key);
    folder.write("audit-policy.json", audit::policy(BOT_USER).to_string());
    let tokens: Vec<String> = USERS
        .iter()
        .map(|(user, groups)| format!("{},{user},{user},\"{groups}\"\n", token(user)))
        .collect();
    folder.write("tokens.csv", tokens.concat());
    certificates
}

fn start_etcd(folder: &Folder) -> (Process, String) {
    let client = format!("http://127.0.0.1:{}", free_port());
    let peer = format!("http://127.0.0.1:{}", free_port());
    let mut command = Command::new(program("etcd"));
    command
        .arg("--name=test")
        .arg(flag("--data-dir=", &folder.join("etcd")))
        .arg("--unsafe-no-fsync") // it need not outlive a power cut
        .arg("--log-level=warn")
        .args([
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
        ])
        .args([
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
        ])
        .arg(format!("--initial-cluster=test={peer}"));
    (Process::start("etcd", folder.path(), &command), client)
}

fn start_api_server(folder: &Folder, etcd_url: &str, port: u16) -> Process {
    let issuer = "https://kubernetes.default.svc";
    let mut command = Command::new(program("kube-apiserver"));
    command
        .arg(format!("--etcd-servers={etcd_url}"))
        .args([
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
        ])
        .arg(format!("--secure-port={port}"))
        .args(serving_certificate(folder))
        .arg(flag("--client-ca-file=", &folder.join("ca.crt")))
        .arg(flag("--token-auth-file=", &folder.join("tokens.csv")))
        .args([
            "--authorization-mode=RBAC",
            "--anonymous-auth=false",
            "--allow-privileged=true",
        ])
        .arg("--disable-admission-plugins=ServiceAccount") // or every pod would need an account first
        .args([
            format!("--service-account-issuer={issuer}"),
            format!("--api-audiences={issuer}"),
        ])
        .arg(flag(
            "--service-account-key-file=",
            &folder.join("service-account.pub"),
        ))
        .arg(flag(
            "--service-account-signing-key-file=",
            &folder.join("service-account.key"),
        ))
        .arg("--service-cluster-ip-range=10.96.0.0/16")
        .arg(flag(
            "--audit-policy-file=",
            &folder.join("audit-policy.json"),
        ))
        .arg(flag("--audit-log-path=", &folder.join("audit.log")))
        .arg("--audit-log-mode=blocking"); // on the log before the request is acted on
    Process::start("kube-apiserver", folder.path(), &command)
}

fn start_controller_manager(folder: &Folder, port: u16) -> Process {
    let mut command = Command::new(program("kube-controller-manager"));
    command
        .args(component(folder, CONTROLLER_MANAGER_USER, port))
        .args(serving_certificate(folder))
        .arg("--use-service-account-credentials=true")
        .arg(flag(
            "--service-account-private-key-file=",
            &folder.join("service-account.key"),
        ))
        .arg(flag("--root-ca-file=", &folder.join("ca.crt")))
        .args(["--kube-api-qps=200", "--kube-api-burst=400"]); // its own 20 a second would hold back many pods
    Process::start("kube-controller-manager", folder.path(), &command)
}

fn start_scheduler(folder: &Folder, port: u16) -> Process {
    let mut command = Command::new(program("kube-scheduler"));
    command
        .args(component(folder, SCHEDULER_USER, port))
        .args(serving_certificate(folder));
    Process::start("kube-scheduler", folder.path(), &command)
}

/// What the controller manager and the scheduler have in common.
fn component(folder: &Folder, user: &str, port: u16) -> Vec<std::ffi::OsString> {
    let kubeconfig = folder.join(kubeconfig_name(user));
    vec![
        flag("--kubeconfig=", &kubeconfig),
        flag("--authentication-kubeconfig=", &kubeconfig),
        flag("--authorization-kubeconfig=", &kubeconfig),
        "--bind-address=127.0.0.1".into(),
        format!("--secure-port={port}").into(),
        "--leader-elect=false".into(),
    ]
}

fn serving_certificate(folder: &Folder) -> [std::ffi::OsString; 2] {
    [
        flag("--tls-cert-file=", &folder.join("serving.crt")),
        flag("--tls-private-key-file=", &folder.join("serving.key")),
    ]
}

fn kubeconfig(folder: &Folder, server_url: &str, user: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "test", "cluster": { "server": server_url, "certificate-authority": folder.join("ca.crt") } }],
        "users": [{ "name": user, "user": { "token": token(user) } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": user } }],
        "current-context": "test",
    })
}

fn kubeconfig_name(user: &str) -> String {
    format!("{}.kubeconfig", user.rsplit(':').next().unwrap_or(user))
}

/// Nothing secret: the server lives as long as the test.
fn token(user: &str) -> String {
    format!("token-of-{}", user.replace(':', "-"))
}

fn program(name: &str) -> PathBuf {
    programs::built("controlplane", name)
}

fn flag(name: &str, value: &Path) -> std::ffi::OsString {
    let mut flag = std::ffi::OsString::from(name);
    flag.push(value);
    flag
}
