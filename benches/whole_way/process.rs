//! The real `dogwatch serve`, as a process. It has no cluster: what comes in is covered by no playbook.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;

use crate::away::KUBECONFIG;

const CONFIG: &str = "
server: { listen: LISTEN }
cluster: { kubeconfig: kubeconfig.yaml }
chat: { console: off }
log: { format: json }
";

const ONCALL: &str = r#"apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [ada] }
"#;

/// Ended on drop.
pub struct Serving {
    child: Child,
    pub url: String,
    _folder: tempfile::TempDir,
}

impl Serving {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let listen = format!("127.0.0.1:{port}");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
        std::fs::create_dir(folder.path().join("playbooks")).expect("a folder");
        write("dogwatch.yaml", &CONFIG.replace("LISTEN", &listen));
        write("kubeconfig.yaml", KUBECONFIG);
        write("oncall.yaml", ONCALL);
        let child = Self::spawn(folder.path());
        let serving = Self { child, url: format!("http://{listen}"), _folder: folder };
        let is_ready = async || serving.get("/readyz").await.is_some();
        wait_until("it is ready", is_ready).await;
        serving
    }

    fn spawn(folder: &Path) -> Child {
        Command::new(env!("CARGO_BIN_EXE_dogwatch"))
            .args(["serve", "--config", "dogwatch.yaml"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dogwatch starts")
    }

    /// The text of a path that answers well.
    async fn get(&self, path: &str) -> Option<String> {
        let response = client().get(format!("{}{path}", self.url)).send().await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        response.text().await.ok()
    }

    async fn level(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics").await.expect("it answers");
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in its metrics"))
    }

    /// Waits until everything that came in is worked on.
    pub async fn has_worked(&self) {
        wait_until("all is worked on", async || self.level("dogwatch_pending_signals").await == 0).await;
    }

    pub async fn open_episodes(&self) -> u64 {
        self.level("dogwatch_open_episodes").await
    }

    /// Resident memory now, and at its highest, in MiB.
    pub fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let kib = |name: &str| -> f64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).expect("a number of kB")
        };
        (kib("VmRSS:") / 1_024.0, kib("VmHWM:") / 1_024.0)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It fails when it has ended by itself, which is what we want to be sure of.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// With one connection.
pub fn client() -> Client {
    Client::builder().no_proxy().pool_max_idle_per_host(1).build().expect("a client")
}

/// One delivery, which must be accepted.
pub async fn deliver(client: &Client, url: &str, body: Vec<u8>) {
    let response = client
        .post(format!("{url}/v1/alertmanager"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200);
}

async fn wait_until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(120), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
