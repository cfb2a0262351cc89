//! A `dogwatch serve` in a folder of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

use super::away::KUBECONFIG;
use super::{Said, dogwatch};

pub const ONCALL: &str = "apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
";

pub const CONFIG: &str = "
server:
  listen: 127.0.0.1:0
  source: alertmanager-eu-1
  api_tokens:
    - { name: ada, role: responder, token: { file: ada } }
    - { name: eve, role: viewer, token: { file: eve } }
cluster: { kubeconfig: kubeconfig.yaml }
chat: { console: on }
log: { format: json }
";

/// All that a server needs, in a folder.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("playbooks")).unwrap();
    for (name, content) in [
        ("kubeconfig.yaml", KUBECONFIG),
        ("oncall.yaml", ONCALL),
        ("dogwatch.yaml", CONFIG),
        ("ada", "the-token-of-ada-is-long-enough"),
        ("eve", "the-token-of-eve-is-long-enough"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

/// It ends with its value, also when a check fails.
pub struct Serving {
    child: Child,
    pub url: String,
    pub folder: tempfile::TempDir,
    log: Arc<Mutex<String>>,
}

/// An alert that fires, as Alertmanager tells of it.
pub fn firing(name: &str) -> Value {
    json!({
        "status": "firing",
        "labels": { "alertname": name, "severity": "critical" },
        "annotations": { "summary": "it is odd" },
        "startsAt": "2026-03-02T08:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    })
}

/// Alerts of one group, as Alertmanager delivers them.
pub fn delivery(group: &str, alerts: &[Value]) -> Value {
    let status = &alerts[0]["status"];
    json!({ "version": "4", "groupKey": group, "receiver": "dogwatch", "status": status, "alerts": alerts })
}

impl Serving {
    pub fn start() -> Self {
        Self::start_in(folder(), &[])
    }

    pub fn start_in(folder: tempfile::TempDir, vars: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dogwatch"))
            .args(["serve", "--config", "dogwatch.yaml"])
            .current_dir(folder.path())
            .envs(vars.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, address) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let written = log.clone();
        std::thread::spawn(move || {
            // Read to its end, so that the server never waits for its log to be read.
            for line in stderr.lines().map_while(Result::ok) {
                written.lock().unwrap().push_str(&format!("{line}\n"));
                let entry: Value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if let Some(address) = entry["address"].as_str() {
                    let _ = told.send(address.to_owned());
                }
            }
        });
        let address = address.recv_timeout(Duration::from_secs(30));
        let mut serving = Self { child, url: String::new(), folder, log };
        serving.url = format!("http://{}", address.expect("it says where it listens"));
        serving
    }

    pub fn ask(&self, token: &str, args: &[&str]) -> Said {
        let args: Vec<&str> = args.iter().copied().chain(["--server", &self.url, "--token-file", token]).collect();
        dogwatch(self.folder.path(), &args, &[])
    }

    /// Delivers a notification as Alertmanager does, and gives the answer's status.
    pub fn deliver(&self, body: &Value) -> u16 {
        dogwatch::tls::install_provider();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let sent = client.post(format!("{}/v1/alertmanager", self.url)).json(body).send().await;
            sent.unwrap().status().as_u16()
        })
    }

    /// What it has said of itself so far; when it has started, all that belongs to that.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The status and the text of what is at `path`.
    pub fn get(&self, path: &str) -> (u16, String) {
        self.get_from(&self.url, path, Duration::from_secs(30))
    }

    /// The same, where health has a listener of its own. It answers within the second that a
    /// kubelet waits, and as long again for this machine.
    pub fn get_of_health(&self, path: &str) -> (u16, String) {
        let log = self.log();
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let address = entries.filter_map(|entry| entry["health"].as_str().map(str::to_owned)).next();
        self.get_from(&format!("http://{}", address.expect("it says where")), path, Duration::from_secs(2))
    }

    fn get_from(&self, url: &str, path: &str, within: Duration) -> (u16, String) {
        dogwatch::tls::install_provider();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().timeout(within).build().unwrap();
            let answer = client.get(format!("{url}{path}")).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    /// As [`Serving::deliver`]; `None`: nobody answers, or not within that time.
    pub fn try_deliver(&self, body: &Value, within: Duration) -> Option<u16> {
        self.request(within, |client| client.post(format!("{}/v1/alertmanager", self.url)).json(body))
    }

    /// The status of what is at `path`; `None`: nobody answers, or not within that time.
    pub fn try_get(&self, path: &str, within: Duration) -> Option<u16> {
        self.request(within, |client| client.get(format!("{}{path}", self.url)))
    }

    fn request(
        &self,
        within: Duration,
        request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Option<u16> {
        dogwatch::tls::install_provider();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().timeout(within).build().unwrap();
            request(&client).send().await.ok().map(|answer| answer.status().as_u16())
        })
    }

    /// Sends it a signal: "TERM", "INT".
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end; `None`: it goes on.
    pub fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        const LOOK: Duration = Duration::from_millis(50);
        for _ in 0..within.as_millis() / LOOK.as_millis() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(LOOK);
        }
        None
    }

    /// Another one in the same folder, when this one has ended.
    pub fn again(mut self) -> Self {
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        drop(self);
        Self::start_in(folder, &[])
    }

    /// Ends it as an operator does, and gives what stood on its console.
    pub fn stop(mut self) -> String {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let mut console = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut console).unwrap();
        assert!(self.child.wait().unwrap().success());
        console
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It fails when it has ended by itself, which is what we want to be sure of.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
