//! What the bot counts, read by Prometheus's own programs.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::world::away::KUBECONFIG;
use crate::world::folder::Folder;
use crate::world::ports::free_port;
use crate::world::process::Process;
use crate::world::prometheus::Prometheus;
use crate::world::{http, programs};

const ONCALL: &str = r#"
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [ada] }
"#;

/// A bot that has counted something of each kind.
async fn bot(folder: &Folder) -> (Process, String) {
    let address = format!("127.0.0.1:{}", free_port());
    std::fs::create_dir(folder.join("playbooks")).expect("a new folder");
    folder.write("kubeconfig.yaml", KUBECONFIG);
    folder.write("oncall.yaml", ONCALL);
    folder.write(
        "dogwatch.yaml",
        format!(
            "server: {{ listen: {address} }}\ncluster: {{ kubeconfig: kubeconfig.yaml }}\nchat: {{ console: on }}\n"
        ),
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_dogwatch"));
    command.args(["serve", "--config"]).arg(folder.join("dogwatch.yaml"));
    let bot = Process::start("dogwatch", folder.path(), &command);
    let url = format!("http://{address}");
    let ready = async || http::is_healthy(&format!("{url}/readyz")).await;
    bot.wait_until(Duration::from_secs(60), "dogwatch is ready", ready).await;
    let alert = json!({
        "status": "firing", "labels": { "alertname": "Odd", "severity": "critical" }, "startsAt": "2026-03-02T08:00:00Z",
    });
    let body = json!({ "version": "4", "groupKey": "{}:{}", "alerts": [alert] });
    let delivered = http::client().post(format!("{url}/v1/alertmanager")).json(&body).send().await.expect("an answer");
    assert_eq!(delivered.status(), 200);
    (bot, address)
}

async fn metrics(address: &str, accept: &str) -> String {
    let asked = http::client().get(format!("http://{address}/metrics")).header("accept", accept).send().await;
    asked.expect("an answer").text().await.expect("text")
}

#[tokio::test]
async fn promtool_finds_nothing_wrong() {
    let folder = Folder::new("metrics");
    let (_bot, address) = bot(&folder).await;
    let text = metrics(&address, "text/plain;version=0.0.4").await;
    let mut promtool = Command::new(programs::installed("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    promtool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads");
    let said = promtool.wait_with_output().expect("promtool ends");
    let said = (said.status.success(), String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned());
    assert_eq!(said, (true, String::new()), "{text}");
}

/// This Prometheus asks for OpenMetrics, so the text format is given to it by the test's exporter.
#[tokio::test]
async fn a_real_prometheus_reads_both_formats() {
    let folder = Folder::new("metrics");
    let (_bot, address) = bot(&folder).await;
    let prometheus = Prometheus::start_scraping(&[&address]).await;
    prometheus.exports(&metrics(&address, "*/*").await);
    for job in ["others", "exporter"] {
        for (series, value) in [
            ("dogwatch_notifications_total{result=\"accepted\",", 1.0),
            ("dogwatch_accept_seconds_count{", 1.0),
            ("dogwatch_build_info{", 1.0),
            ("dogwatch_store_up{", 1.0),
        ] {
            let found = prometheus.wait_for(&format!("{series}job=\"{job}\"}}")).await;
            assert_eq!(found, value, "{job}: {series}");
        }
        assert_eq!(prometheus.wait_for(&format!("up{{job=\"{job}\"}}")).await, 1.0, "{job}");
    }
    let kind = |of: &str| format!("{}/api/v1/metadata?metric={of}", prometheus.url());
    let told = http::client().get(kind("dogwatch_alerts_total")).send().await.expect("an answer").text().await.unwrap();
    assert!(told.contains("\"counter\""), "{told}");
}
