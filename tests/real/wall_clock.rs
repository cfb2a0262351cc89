//! The wall clock of a real process, set under way: libfaketime stands between it and the
//! machine's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::world::away::KUBECONFIG;
use crate::world::folder::Folder;
use crate::world::http;
use crate::world::ports::free_port;
use crate::world::process::Process;
use crate::world::programs::installed;
use crate::world::wait::wait_until;

const SOON: Duration = Duration::from_secs(60);

/// The library that belongs to the `faketime` of the system.
fn library() -> PathBuf {
    installed("faketime");
    let folders = std::fs::read_dir("/usr/lib").expect("the system's libraries").flatten().map(|entry| entry.path());
    let candidates = folders.map(|folder| folder.join("faketime/libfaketime.so.1"));
    candidates
        .chain([PathBuf::from("/usr/lib/faketime/libfaketime.so.1")])
        .find(|path| path.is_file())
        .expect("libfaketime.so.1 is nowhere under /usr/lib: run tests/run, or `apt-get install faketime`")
}

fn start(folder: &Folder) -> (Process, String) {
    let port = free_port();
    folder.write("kubeconfig.yaml", KUBECONFIG);
    folder
        .write("oncall.yaml", std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/oncall.yaml")).unwrap());
    std::fs::create_dir(folder.join("playbooks")).unwrap();
    folder.write("token", "an-api-token-of-the-tests");
    let config = format!(
        "server:\n  listen: 127.0.0.1:{port}\n  api_tokens: [{{ name: ada, role: responder, token: {{ file: token }} }}]\n\
         cluster: {{ kubeconfig: kubeconfig.yaml }}\nchat: {{ console: on }}\n"
    );
    folder.write("dogwatch.yaml", config);
    folder.write("wall", "+0");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dogwatch"));
    command
        .args(["serve", "--config", "dogwatch.yaml"])
        .current_dir(folder.path())
        .env("LD_PRELOAD", library())
        .env("FAKETIME_TIMESTAMP_FILE", folder.join("wall"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    (Process::start("dogwatch", folder.path(), &command), format!("http://127.0.0.1:{port}"))
}

async fn metrics(url: &str) -> String {
    let answer = http::client().get(format!("{url}/metrics")).send().await.expect("it answers");
    answer.text().await.expect("text")
}

#[tokio::test]
async fn a_wall_clock_that_is_set_is_followed_and_told_and_alerts_come_in_all_the_while() {
    let folder = Folder::new("wall-clock");
    let (bot, url) = start(&folder);
    let ready = format!("{url}/readyz");
    bot.wait_until(SOON, "dogwatch is ready", async || http::is_healthy(&ready).await).await;
    for (times, (wall, name)) in [("+1d", "NextDay"), ("-2d", "DayBefore")].into_iter().enumerate() {
        folder.write("wall", wall);
        let counted = format!("\ndogwatch_clock_set_total {}", times + 1);
        wait_until(SOON, "the clock that was set is noticed", async || metrics(&url).await.contains(&counted)).await;
        let body = json!({
            "version": "4", "groupKey": "{}:{}", "receiver": "dogwatch", "status": "firing",
            "alerts": [{
                "status": "firing", "fingerprint": "", "labels": { "alertname": name, "severity": "critical" },
                "annotations": {}, "startsAt": "2026-03-02T08:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
            }],
        });
        let sent = http::client().post(format!("{url}/v1/alertmanager")).json(&body).send().await.expect("it answers");
        assert!(sent.status().is_success(), "{}", sent.status());
        // Who is on call depends on the day that it is.
        let named = format!(" INC-{} {name}", times + 1);
        let is_page = |line: &str| line.contains("PAGE for platform (") && line.contains(&named);
        let paged = || std::fs::read_to_string(bot.log()).expect("its log").lines().any(is_page);
        bot.wait_until(SOON, "somebody is paged", async || paged()).await;
        assert!(http::is_healthy(&ready).await);
    }
    let log = std::fs::read_to_string(bot.log()).expect("its log");
    assert_eq!(log.matches("the wall clock was set: what waits was moved by as much").count(), 2, "{log}");
}
