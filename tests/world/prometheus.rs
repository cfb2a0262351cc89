//! A real Prometheus (Debian's) that scrapes, once a second, what the test says, and the exporters
//! that it names.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::folder::Folder;
use super::http;
use super::ports::free_port;
use super::process::Process;
use super::programs;
use super::wait::wait_for;

const START: Duration = Duration::from_secs(60);
const PODS: &str = "pods.json";

/// What the exporter shows at a scrape.
type Exporter = Arc<Mutex<Box<dyn FnMut() -> String + Send>>>;

/// Ended on drop, with the exporter that it scrapes.
pub struct Prometheus {
    url: String,
    exporter: Exporter,
    process: Process,
    _serving: JoinSet<()>,
    folder: Folder,
}

impl Prometheus {
    pub async fn start() -> Self {
        Self::start_scraping(&[]).await
    }

    /// It also scrapes these, by `host:port`: the job is named `others`.
    pub async fn start_scraping(others: &[&str]) -> Self {
        Self::start_with(others, None).await
    }

    /// It tells those Alertmanagers, by `host:port`, of what fires by these rules.
    pub async fn start_alerting(rules: &[Value], alertmanagers: &[&str]) -> Self {
        Self::start_with(&[], Some((rules, alertmanagers))).await
    }

    async fn start_with(others: &[&str], alerting: Option<(&[Value], &[&str])>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen on loopback");
        let exporter_address = listener.local_addr().expect("a bound listener has an address");
        let exporter: Exporter = Arc::new(Mutex::new(Box::new(String::new)));
        let router = Router::new().route("/metrics", get(expose)).with_state(Arc::clone(&exporter));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.expect("serve") });

        let folder = Folder::new("prometheus");
        let target = json!({ "targets": [exporter_address] });
        let mut config = json!({
            "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
            "scrape_configs": [
                { "job_name": "exporter", "honor_labels": true, "static_configs": [target] },
                { "job_name": "others", "static_configs": [{ "targets": others }] },
                {
                    "job_name": "pods",
                    // An exporter waits a second before it says that its database does not answer.
                    "scrape_interval": "3s",
                    "scrape_timeout": "3s",
                    "file_sd_configs": [{ "files": [folder.join(PODS)], "refresh_interval": "1s" }],
                },
            ],
        });
        if let Some((rules, alertmanagers)) = alerting {
            let rules = json!({ "groups": [{ "name": "rules", "rules": rules }] });
            config["rule_files"] = json!([folder.write("rules.yml", rules.to_string())]);
            let told = json!([{ "static_configs": [{ "targets": alertmanagers }] }]);
            config["alerting"] = json!({ "alertmanagers": told });
        }
        let config = folder.write("prometheus.yml", config.to_string());
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(programs::installed("prometheus"));
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"));
        let process = Process::start("prometheus", folder.path(), &command);
        let url = format!("http://{address}");
        let ready = async || http::is_healthy(&format!("{url}/-/ready")).await;
        process.wait_until(START, "Prometheus is ready", ready).await;
        Self { url, exporter, process, _serving: serving, folder }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// From the next scrape on the exporter shows this, in the text format: `queue_length{queue="mail"} 3`, one a line.
    pub fn exports(&self, metrics: &str) {
        let metrics = metrics.to_owned();
        self.exports_at_each_scrape(move || metrics.clone());
    }

    /// From the next scrape on the exporter shows what this says then: counters that go on.
    pub fn exports_at_each_scrape(&self, mut metrics: impl FnMut() -> String + Send + 'static) {
        let exporter = move || format!("{}\n", metrics().trim());
        *self.exporter.lock().expect("no panic while it is held") = Box::new(exporter);
    }

    /// From now on it scrapes these and no others, each by `host:port`, and adds the labels, as a
    /// `PodMonitor` would have it do.
    pub fn scrapes(&self, pods: &[(String, Value)]) {
        let groups: Vec<Value> =
            pods.iter().map(|(address, labels)| json!({ "targets": [address], "labels": labels })).collect();
        // What it reads is always whole.
        let written = self.folder.write("pods.new", json!(groups).to_string());
        std::fs::rename(written, self.folder.join(PODS)).expect("put the file in its place");
    }

    /// The values of an instant query now; none is none.
    pub async fn query(&self, expression: &str) -> Vec<f64> {
        let url = format!("{}/api/v1/query", self.url);
        let asked = async {
            let request = http::client().get(&url).query(&[("query", expression)]);
            request.send().await?.json::<Value>().await
        };
        let answer = asked.await.unwrap_or_else(|error| panic!("query {url}: {error:?}"));
        assert_eq!(answer["status"], "success", "query {expression}: {answer}");
        let samples = answer.pointer("/data/result").and_then(Value::as_array);
        let value =
            |sample: &Value| sample.pointer("/value/1").and_then(Value::as_str).and_then(|text| text.parse().ok());
        samples
            .into_iter()
            .flatten()
            .map(|sample| value(sample).unwrap_or_else(|| panic!("no vector: {answer}")))
            .collect()
    }

    /// Waits until the query has an answer and gives its first value. A comparison in the query waits for a value:
    /// `queue_length > 2`.
    pub async fn wait_for(&self, expression: &str) -> f64 {
        wait_for(START, &format!("{expression} has an answer"), async || {
            self.process.must_run();
            self.query(expression).await.first().copied()
        })
        .await
    }
}

async fn expose(State(exporter): State<Exporter>) -> String {
    exporter.lock().expect("no panic while it is held")()
}
