//! The server and the command line together: two processes, as in a real night.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;

const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
clusters: [{ name: away, cluster: { server: "http://127.0.0.1:9" } }]
users: [{ name: bot, user: { token: none } }]
contexts: [{ name: away, context: { cluster: away, user: bot } }]
current-context: away
"#;

const ONCALL: &str = "apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
";

const CONFIG: &str = "
server:
  listen: 127.0.0.1:0
  api_tokens:
    - { name: ada, role: responder, token: { file: ada } }
    - { name: eve, role: viewer, token: { file: eve } }
cluster: { kubeconfig: kubeconfig.yaml }
chat: { console: on }
log: { format: json }
";

/// `dogwatch serve` in a folder of its own. It ends with its value, also when a check fails.
struct Serving {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Serving {
    fn start() -> Self {
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_dogwatch"))
            .args(["serve", "--config", "dogwatch.yaml"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, address) = mpsc::channel();
        let log = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            // Read to its end, so that the server never waits for its log to be read.
            for line in log.lines().map_while(Result::ok) {
                let entry: Value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if let Some(address) = entry["address"].as_str() {
                    let _ = told.send(address.to_owned());
                }
            }
        });
        let address = address.recv_timeout(Duration::from_secs(30));
        let mut serving = Self { child, url: String::new(), folder };
        serving.url = format!("http://{}", address.expect("it says where it listens"));
        serving
    }

    fn ask(&self, token: &str, args: &[&str]) -> Said {
        let args: Vec<&str> = args.iter().copied().chain(["--server", &self.url, "--token-file", token]).collect();
        dogwatch(self.folder.path(), &args, &[])
    }

    /// Ends it as an operator does, and gives what stood on its console.
    fn stop(mut self) -> String {
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

#[test]
fn an_alert_is_acknowledged_and_handed_over() {
    let server = Serving::start();
    let body = json!({
        "version": "4", "groupKey": "{}:{}", "receiver": "dogwatch", "status": "firing",
        "alerts": [{
            "status": "firing", "fingerprint": "00000000deadbeef",
            "labels": { "alertname": "OddThing", "severity": "critical" }, "annotations": { "summary": "it is odd" },
            "startsAt": "2026-03-02T08:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
        }],
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    dogwatch::tls::install_provider();
    let accepted = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.post(format!("{}/v1/alertmanager", server.url)).json(&body).send().await.unwrap().status()
    });
    assert_eq!(accepted, 200);
    until(|| server.ask("eve", &["incidents"]).out.contains("OddThing"));
    let refused = server.ask("eve", &["ack", "INC-1"]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("needs the role responder"), "{}", refused.err);
    let acked = server.ask("ada", &["ack", "INC-1"]);
    assert_eq!((acked.code, acked.err.as_str()), (0, ""));
    assert!(acked.out.starts_with("INC-1 is yours"), "{}", acked.out);
    let missing = server.ask("ada", &["ack", "INC-9"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""), "a no is no success: {}", missing.err);
    assert!(missing.err.contains("there is no INC-9"), "{}", missing.err);
    let again = server.ask("ada", &["ack", "INC-1"]);
    assert_eq!((again.code, again.out.trim()), (0, "INC-1 is yours already"));
    let resolved = server.ask("ada", &["resolve", "INC-1", "--note", "it was \"nothing\""]);
    assert_eq!(resolved.code, 0, "{}", resolved.err);
    let why = server.ask("eve", &["why", "INC-1"]);
    assert!(why.out.contains("ada has acknowledged it") && why.out.contains("it was \"nothing\""), "{}", why.out);
    let handoff = dogwatch(server.folder.path(), &["handoff", "--out", "-"], &[]);
    assert_eq!(handoff.code, 0, "{}", handoff.err);
    assert!(handoff.out.contains("1 page for 1 incident"), "{}", handoff.out);
    assert!(handoff.out.contains("- OddThing: 1 incident"), "{}", handoff.out);
    let console = server.stop();
    assert!(console.contains("PAGE for platform (ada) [S1] INC-1: OddThing: it is odd"), "{console}");
}

#[test]
fn a_start_that_cannot_work_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dogwatch(dir.path(), &["serve", "--config", "nowhere.yaml"], &[]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("name another with --config"), "{}", missing.err);
    fs::write(dir.path().join("dogwatch.yaml"), "server: { listen: 0.0.0.0:8080 }\n").unwrap();
    let open = dogwatch(dir.path(), &["serve", "--config", "dogwatch.yaml"], &[]);
    assert_eq!(open.code, 2);
    assert!(open.err.contains("dogwatch.yaml:1:11") && open.err.contains("set `server.webhook_auth`"), "{}", open.err);
    assert!(open.err.contains("oncall.yaml is not there"), "all that is wrong at once: {}", open.err);
}

/// Asks until it is so. Each question is a process, and so takes a while by itself.
fn until(done: impl Fn() -> bool) {
    assert!(
        (0..200).any(|_| done() || {
            std::thread::sleep(Duration::from_millis(100));
            false
        }),
        "it did not come to that"
    );
}
