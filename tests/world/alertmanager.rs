//! A real Alertmanager, alone or as several peers of one cluster.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::folder::Folder;
use super::http;
use super::ports::free_port;
use super::process::Process;
use super::programs;

const START: Duration = Duration::from_secs(60);

/// What a single one calls itself in its notifications, in place of the port of the day.
pub const EXTERNAL_URL: &str = "http://alertmanager.example:9093";

/// What a peer of a cluster calls itself.
pub fn peer_external_url(peer: usize) -> String {
    format!("http://alertmanager-{peer}.example:9093")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Debian 12's package
    V0_25,
    /// Built by `tests/tools/build`
    V0_34,
}

/// Where and how notifications go out. All of it is one receiver on one route.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub url: String,
    pub bearer_token: String,
    /// Labels by which alerts are grouped into notifications.
    pub group_by: Vec<String>,
    pub group_wait: Duration,
    pub group_interval: Duration,
    pub repeat_interval: Duration,
    /// Alerts in one body; 0 is no limit.
    pub max_alerts: u32,
    /// How long each peer leaves the sending to the one before it. With next to nothing all peers send at once, unless
    /// one has told the others in time that it has; zero is not allowed.
    pub peer_timeout: Duration,
}

impl Webhook {
    /// Sends what fires within a second or two, grouped by alert name.
    pub fn to(url: impl Into<String>, bearer_token: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            bearer_token: bearer_token.into(),
            group_by: vec!["alertname".to_owned()],
            group_wait: Duration::from_secs(1),
            group_interval: Duration::from_secs(1),
            repeat_interval: Duration::from_secs(3600),
            max_alerts: 0,
            peer_timeout: Duration::from_secs(15),
        }
    }

    fn config(&self) -> Value {
        json!({
            "route": {
                "receiver": "dogwatch",
                "group_by": self.group_by,
                "group_wait": milliseconds(self.group_wait),
                "group_interval": milliseconds(self.group_interval),
                "repeat_interval": milliseconds(self.repeat_interval),
            },
            // What a broken node has broken is told with the node.
            "inhibit_rules": [{
                "source_matchers": ["alertname=NodeDown"],
                "target_matchers": ["alertname=PodDown"],
                "equal": ["node"],
            }],
            "receivers": [{
                "name": "dogwatch",
                "webhook_configs": [{
                    "url": self.url,
                    "send_resolved": true,
                    "max_alerts": self.max_alerts,
                    "http_config": { "authorization": { "type": "Bearer", "credentials": self.bearer_token } },
                }],
            }],
        })
    }
}

/// Ended on drop.
pub struct Alertmanager {
    url: String,
    process: Process,
    _folder: Folder,
}

impl Alertmanager {
    pub async fn start(version: Version, webhook: &Webhook) -> Self {
        let alone = ["--cluster.listen-address=".to_owned()];
        let alertmanager = Self::run(version, webhook, EXTERNAL_URL, &alone);
        alertmanager.wait_until_ready().await;
        alertmanager
    }

    /// Several that know each other; they have settled when this returns.
    pub async fn start_cluster(version: Version, webhook: &Webhook, peers: usize) -> Vec<Self> {
        let addresses: Vec<String> = (0..peers).map(|_| format!("127.0.0.1:{}", free_port())).collect();
        let start = |(peer, address): (usize, &String)| {
            let mut flags = vec![
                format!("--cluster.listen-address={address}"),
                format!("--cluster.advertise-address={address}"),
                "--cluster.gossip-interval=50ms".to_owned(), // it settles after some tens of these
                format!("--cluster.peer-timeout={}", milliseconds(webhook.peer_timeout)),
            ];
            let others = addresses.iter().filter(|other| *other != address);
            flags.extend(others.map(|other| format!("--cluster.peer={other}")));
            Self::run(version, webhook, &peer_external_url(peer), &flags)
        };
        let cluster: Vec<Self> = addresses.iter().enumerate().map(start).collect();
        for alertmanager in &cluster {
            alertmanager.wait_until_ready().await;
            alertmanager
                .process
                .wait_until(START, &format!("{peers} peers have settled"), async || {
                    let status = alertmanager.get("/api/v2/status").await;
                    let seen = status.pointer("/cluster/peers").and_then(Value::as_array).map_or(0, Vec::len);
                    seen == peers && status["cluster"]["status"] == "ready"
                })
                .await;
        }
        cluster
    }

    /// Sends alerts as Prometheus does: a list of `{labels, annotations, startsAt, endsAt, generatorURL}`. In a cluster
    /// each peer wants to be told, as Prometheus tells each.
    pub async fn post_alerts(&self, alerts: &Value) {
        let url = format!("{}/api/v2/alerts", self.url);
        let request = http::client().post(&url).header("content-type", "application/json");
        let response = request.body(alerts.to_string()).send().await;
        let response = response.unwrap_or_else(|error| panic!("post to {url}: {error:?}"));
        let status = response.status();
        assert!(status.is_success(), "{url} answered {status}: {}", response.text().await.unwrap_or_default());
    }

    /// Keeps an alert of that name quiet for an hour, and gives the silence's id.
    pub async fn silence(&self, alert: &str, comment: &str) -> String {
        let now = chrono::Utc::now();
        let silence = json!({
            "matchers": [{ "name": "alertname", "value": alert, "isRegex": false, "isEqual": true }],
            "startsAt": now.to_rfc3339(),
            "endsAt": (now + chrono::TimeDelta::hours(1)).to_rfc3339(),
            "createdBy": "anna",
            "comment": comment,
        });
        let url = format!("{}/api/v2/silences", self.url);
        let request = http::client().post(&url).header("content-type", "application/json");
        let answer = async { request.body(silence.to_string()).send().await?.error_for_status()?.text().await }.await;
        let answer = answer.unwrap_or_else(|error| panic!("post to {url}: {error:?}"));
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        answer["silenceID"].as_str().expect("the id of the silence").to_owned()
    }

    /// Ends a silence before its time.
    pub async fn expire(&self, silence: &str) {
        let url = format!("{}/api/v2/silence/{silence}", self.url);
        let ended = async { http::client().delete(&url).send().await?.error_for_status() }.await;
        ended.unwrap_or_else(|error| panic!("delete {url}: {error:?}"));
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.url);
        let text = async { http::client().get(&url).send().await?.text().await }.await;
        let text = text.unwrap_or_else(|error| panic!("get {url}: {error:?}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("get {url}: {error} in {text}"))
    }

    fn run(version: Version, webhook: &Webhook, external_url: &str, flags: &[String]) -> Self {
        let folder = Folder::new("alertmanager");
        let config = folder.write("alertmanager.yml", webhook.config().to_string());
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(version.program());
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.join("data").display()))
            .args([format!("--web.listen-address={address}"), format!("--web.external-url={external_url}")])
            .arg("--web.route-prefix=/")
            .args(flags);
        let process = Process::start("alertmanager", folder.path(), &command);
        Self { url: format!("http://{address}"), process, _folder: folder }
    }

    async fn wait_until_ready(&self) {
        let url = format!("{}/-/ready", self.url);
        let ready = async || http::is_healthy(&url).await;
        self.process.wait_until(START, "Alertmanager is ready", ready).await;
    }
}

impl Version {
    pub const ALL: [Self; 2] = [Self::V0_25, Self::V0_34];

    /// "0.25"
    pub fn name(self) -> &'static str {
        match self {
            Self::V0_25 => "0.25",
            Self::V0_34 => "0.34",
        }
    }

    fn program(self) -> PathBuf {
        match self {
            Self::V0_25 => debian_12(programs::installed("prometheus-alertmanager")),
            Self::V0_34 => programs::built("alertmanager", "alertmanager"),
        }
    }
}

/// The package of another Debian is another Alertmanager.
fn debian_12(program: PathBuf) -> PathBuf {
    let asked = Command::new(&program).arg("--version").output();
    let asked = asked.unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
    let said = [asked.stdout, asked.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("version 0.25"), "{} is not 0.25, the one of Debian 12, but: {said}", program.display());
    program
}

fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}
