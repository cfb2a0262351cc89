//! How each program of a control plane is started, and the files that they read.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::audit;
use super::certificates::Certificates;
use super::folder::Folder;
use super::ports::free_port;
use super::process::Process;
use super::programs;

/// The user as whom the bot comes: in no group but `system:authenticated`, and so without any right but what a test
/// grants it.
pub const BOT_USER: &str = "dogwatch";
pub const ADMIN_USER: &str = "admin";
const CONTROLLER_MANAGER_USER: &str = "system:kube-controller-manager";
const SCHEDULER_USER: &str = "system:kube-scheduler";

/// (user, groups) of the token file
const USERS: [(&str, &str); 4] =
    [(ADMIN_USER, "system:masters"), (CONTROLLER_MANAGER_USER, ""), (SCHEDULER_USER, ""), (BOT_USER, "")];

/// What the programs read from files; gives the PEM of the certificate authority.
pub fn write_certificates(folder: &Folder) -> String {
    let certificates = Certificates::for_loopback();
    folder.write("ca.crt", &certificates.authority);
    folder.write("serving.crt", &certificates.serving);
    folder.write("serving.key", &certificates.serving_key);
    folder.write("service-account.key", &certificates.signing_key);
    folder.write("service-account.pub", &certificates.signing_public_key);
    certificates.authority
}

/// A token and a kubeconfig for each user, and the policy of the audit log.
pub fn write_kubeconfigs(folder: &Folder, server_url: &str) {
    let mut tokens = String::new();
    for (user, groups) in USERS {
        tokens += &format!("{},{user},{user},\"{groups}\"\n", token(user));
        let kubeconfig = kubeconfig(folder, server_url, user).to_string();
        std::fs::write(kubeconfig_file(folder, user), kubeconfig).expect("write a kubeconfig");
    }
    folder.write("tokens.csv", tokens);
    folder.write("audit-policy.json", audit::policy(BOT_USER).to_string());
}

pub fn start_etcd(folder: &Folder) -> (Process, String) {
    let client = format!("http://127.0.0.1:{}", free_port());
    let peer = format!("http://127.0.0.1:{}", free_port());
    let mut command = Command::new(program("etcd"));
    command
        .arg("--name=test")
        .arg(flag("--data-dir=", &folder.join("etcd")))
        .arg("--unsafe-no-fsync") // it need not outlive a power cut
        .arg("--log-level=warn")
        .args([format!("--listen-client-urls={client}"), format!("--advertise-client-urls={client}")])
        .args([format!("--listen-peer-urls={peer}"), format!("--initial-advertise-peer-urls={peer}")])
        .arg(format!("--initial-cluster=test={peer}"));
    (Process::start("etcd", folder.path(), &command), client)
}

pub fn start_api_server(folder: &Folder, etcd_url: &str, port: u16) -> Process {
    let issuer = "https://kubernetes.default.svc";
    let mut command = Command::new(program("kube-apiserver"));
    command
        .arg(format!("--etcd-servers={etcd_url}"))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"])
        .arg(format!("--secure-port={port}"))
        .args(serving_certificate(folder))
        .arg(flag("--client-ca-file=", &folder.join("ca.crt")))
        .arg(flag("--token-auth-file=", &folder.join("tokens.csv")))
        .args(["--authorization-mode=RBAC", "--anonymous-auth=false", "--allow-privileged=true"])
        .arg("--disable-admission-plugins=ServiceAccount") // or every pod would need an account first
        .args([format!("--service-account-issuer={issuer}"), format!("--api-audiences={issuer}")])
        .arg(flag("--service-account-key-file=", &folder.join("service-account.pub")))
        .arg(flag("--service-account-signing-key-file=", &folder.join("service-account.key")))
        .arg("--service-cluster-ip-range=10.96.0.0/16")
        .arg("--kubelet-preferred-address-types=InternalIP") // nobody resolves the names of nodes here
        .arg(flag("--audit-policy-file=", &folder.join("audit-policy.json")))
        .arg(flag("--audit-log-path=", &folder.join("audit.log")))
        .arg("--audit-log-mode=blocking"); // on the log before the request is acted on
    Process::start("kube-apiserver", folder.path(), &command)
}

pub fn start_controller_manager(folder: &Folder, port: u16) -> Process {
    let mut command = Command::new(program("kube-controller-manager"));
    command
        .args(component(folder, CONTROLLER_MANAGER_USER, port))
        .args(serving_certificate(folder))
        .arg("--use-service-account-credentials=true")
        .arg(flag("--service-account-private-key-file=", &folder.join("service-account.key")))
        .arg(flag("--root-ca-file=", &folder.join("ca.crt")))
        .args(["--kube-api-qps=200", "--kube-api-burst=400"]); // its own 20 a second would hold back many pods
    Process::start("kube-controller-manager", folder.path(), &command)
}

pub fn start_scheduler(folder: &Folder, port: u16) -> Process {
    let mut command = Command::new(program("kube-scheduler"));
    command.args(component(folder, SCHEDULER_USER, port)).args(serving_certificate(folder));
    Process::start("kube-scheduler", folder.path(), &command)
}

pub fn start_hollow_kubelet(folder: &Folder, kubeconfig: &Path, name: &str) -> Process {
    let scratch = folder.join(format!("kubelet-{name}"));
    std::fs::create_dir_all(&scratch).expect("make a folder");
    let mut command = Command::new(program("kubemark"));
    command
        .env("TMPDIR", &scratch) // it leaves folders behind
        .args(["--morph=kubelet", "--max-pods=500", "--v=1"])
        .arg("--use-host-image-service=false") // or it looks for a container runtime, and ends
        .arg(format!("--name={name}"))
        .arg(flag("--kubeconfig=", kubeconfig))
        .arg(format!("--kubelet-port={}", free_port()))
        .arg(format!("--kubelet-read-only-port={}", free_port()));
    Process::start(&format!("kubelet-{name}"), folder.path(), &command)
}

/// What the controller manager and the scheduler have in common.
fn component(folder: &Folder, user: &str, port: u16) -> Vec<std::ffi::OsString> {
    let kubeconfig = kubeconfig_file(folder, user);
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

pub fn kubeconfig_file(folder: &Folder, user: &str) -> PathBuf {
    let name = user.rsplit(':').next().unwrap_or(user);
    folder.join(format!("{name}.kubeconfig"))
}

/// Nothing secret: the server lives as long as the test.
pub fn token(user: &str) -> String {
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
