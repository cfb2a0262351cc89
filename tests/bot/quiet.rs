//! What Alertmanager itself keeps quiet: its silences and inhibitions hold here, too, unless it is
//! away for long. What it answers has the form of 0.34's answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dogwatch::alertmanager::HttpAlertmanager;
use dogwatch::clock::Clock as _;
use dogwatch::model::*;
use dogwatch::store::WindowStore as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP, shop};

/// Answers as Alertmanager does, or as it never should.
#[derive(Default)]
pub struct Answers {
    silences: Vec<Value>,
    inhibited: Vec<Value>,
    /// The fingerprints of all that it knows to fire.
    pub firing: Vec<String>,
    /// How often it was asked what fires.
    pub asked: usize,
    /// A whole answer instead.
    pub instead: Option<&'static str>,
}

/// An Alertmanager on a port of its own.
pub struct Quiet {
    answers: Arc<Mutex<Answers>>,
    client: Arc<HttpAlertmanager>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Quiet {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Quiet {
    pub async fn begins() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/am/", listener.local_addr().unwrap());
        let answers: Arc<Mutex<Answers>> = Arc::default();
        let of_server = answers.clone();
        let server = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                answer(connection, &of_server).await;
            }
        });
        let client = Arc::new(HttpAlertmanager::new(&url, None, Duration::from_secs(5)).unwrap());
        Self { answers, client, server }
    }

    pub fn has<T>(&self, change: impl FnOnce(&mut Answers) -> T) -> T {
        change(&mut self.answers.lock().unwrap())
    }

    /// A bot that asks it.
    pub async fn bot(&self, playbooks: &[&str]) -> Bot {
        let mut bot = Bot::begins(playbooks, shop()).await;
        bot.alertmanager = Some(self.client.clone());
        bot.is_restarted().await;
        bot
    }
}

async fn answer(mut connection: TcpStream, answers: &Mutex<Answers>) {
    let mut asked = vec![0; 4096];
    let read = connection.read(&mut asked).await.unwrap_or_default();
    let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
    let answer = {
        let mut answers = answers.lock().unwrap();
        let body = match asked.split(' ').nth(1) {
            Some("/am/api/v2/silences") => json!(answers.silences),
            Some("/am/api/v2/alerts?active=false&silenced=false&unprocessed=false&inhibited=true") => {
                json!(answers.inhibited)
            }
            Some(path) if path.starts_with("/am/api/v2/alerts?filter=alertname%3D%7E%22") => {
                answers.asked += 1;
                json!(answers.firing.iter().map(|known| json!({ "fingerprint": known })).collect::<Vec<_>>())
            }
            other => panic!("nobody asks for {other:?}"),
        };
        let body = body.to_string();
        let length = body.len();
        let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        answers.instead.map_or(whole, str::to_owned)
    };
    // Whoever asked may be gone.
    let _gone = connection.write_all(answer.as_bytes()).await;
}

fn silence(id: &str, matcher: (&str, &str, bool), state: &str, until: &str) -> Value {
    let (name, value, regex) = matcher;
    json!({
        "id": id,
        "status": { "state": state },
        "updatedAt": "2026-03-02T01:55:00.000Z",
        "comment": "moving the shop",
        "createdBy": "anna",
        "startsAt": "2026-03-02T01:55:00.000Z",
        "endsAt": until,
        "matchers": [{ "isEqual": true, "isRegex": regex, "name": name, "value": value }],
    })
}

fn of_the_shop() -> Value {
    silence(
        "1f0c8a3e-91b4-4d2c-8a53-a0d1c1f7be55",
        ("alertname", "ShopS.+", true),
        "active",
        "2026-03-02T04:00:00.000Z",
    )
}

/// What `/windows` answers.
async fn windows(bot: &Bot) -> String {
    let windows = bot.store().windows_since(bot.clock.now()).await.unwrap();
    let held = bot.store().held_by(&windows.iter().map(|window| window.id).collect::<Vec<_>>()).await.unwrap();
    dogwatch::message::windows_text(&windows, &held, bot.clock.now())
}

#[tokio::test]
async fn a_silence_pages_nobody_and_runs_nothing_and_its_end_pages_what_still_fires() {
    let quiet = Quiet::begins().await;
    quiet.has(|answers| answers.silences = vec![of_the_shop()]);
    let mut bot = quiet.bot(&[SHOP]).await;
    bot.settles().await;
    insta::assert_snapshot!(windows(&bot).await, @"
    WIN-1 is active until 2026-03-02 04:00:00 UTC
        covers alertname=~ShopS.+
        anna: moving the shop (by Alertmanager, silence 1f0c8a3e-91b4-4d2c-8a53-a0d1c1f7be55)
        has held nothing back
    ");
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(119)).await;
    bot.pages([]).await;
    assert!(bot.runs().await.is_empty());
    assert!(bot.incident(1).await.held_until.is_some());
    bot.passes(minutes(2)).await;
    bot.pages(["shop window ended"]).await;
}

#[tokio::test]
async fn whoever_silences_what_fires_already_is_not_called_for_it() {
    let quiet = Quiet::begins().await;
    let waiting = SHOP.replace("page_by: 2h", "page_by: 10m").replace("mitigate:\n", "mitigate:\n  - wait: 90m\n");
    let mut bot = quiet.bot(&[&waiting]).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4)]);
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(9)).await;
    quiet.has(|answers| answers.silences = vec![of_the_shop()]);
    bot.passes(minutes(60)).await;
    bot.pages([]).await;
    // It is expired there before its time.
    quiet.has(|answers| {
        answers.silences = vec![silence(
            "1f0c8a3e-91b4-4d2c-8a53-a0d1c1f7be55",
            ("alertname", "ShopS.+", true),
            "expired",
            "2026-03-02T03:00:00Z",
        )]
    });
    bot.passes(minutes(1)).await;
    bot.pages(["shop window ended"]).await;
}

#[tokio::test]
async fn what_is_inhibited_pages_nobody_until_it_is_no_more() {
    let quiet = Quiet::begins().await;
    let mut bot = quiet.bot(&[]).await;
    quiet.has(|answers| {
        answers.inhibited = vec![json!({
            "annotations": {}, "endsAt": "2026-03-02T02:04:00.000Z", "fingerprint": "4b9f05b2c6d7a1e0",
            "receivers": [{ "name": "dogwatch" }], "startsAt": "2026-03-02T02:00:00.000Z",
            "status": { "inhibitedBy": ["9c1b2e77aa10c3d4"], "mutedBy": [], "silencedBy": [], "state": "suppressed" },
            "updatedAt": "2026-03-02T02:00:01.000Z", "generatorURL": "http://p/graph",
            "labels": { "alertname": "PodDown", "namespace": "db", "severity": "warning" },
        })];
    });
    bot.passes(minutes(1)).await;
    bot.fires("PodDown", &[("namespace", "db"), ("severity", "warning")]).await;
    bot.passes(minutes(1)).await;
    bot.fires("PodDown", &[("namespace", "cache"), ("severity", "warning")]).await;
    bot.passes(minutes(40)).await;
    bot.pages(["platform uncovered"]).await;
    insta::assert_snapshot!(windows(&bot).await, @"
    WIN-1 is active until 2026-03-03 02:00:00 UTC
        covers alertname=PodDown namespace=db severity=warning
        inhibit_rules: PodDown is inhibited by what fires with the fingerprint 9c1b2e77aa10c3d4 (by Alertmanager, inhibition)
        held back: 1 incident, 1 alert, 0 pages
            INC-1 S2 open, 2 alerts firing: PodDown namespace=db
    ");
    // For a moment it may be that it has just restarted.
    quiet.has(|answers| answers.inhibited.clear());
    bot.passes(minutes(1)).await;
    bot.pages(["platform uncovered"]).await;
    bot.passes(minutes(2)).await;
    // It is the same page, which says more.
    bot.pages(["platform window ended"]).await;
}

#[tokio::test]
async fn an_alertmanager_that_is_away_for_long_keeps_nothing_quiet() {
    let quiet = Quiet::begins().await;
    quiet.has(|answers| answers.silences = vec![of_the_shop()]);
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(20)).await;
    quiet.has(|answers| answers.instead = Some("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"));
    bot.passes(minutes(4)).await;
    bot.pages([]).await;
    bot.passes(minutes(2)).await;
    bot.pages(["platform window ended"]).await;
    // It is back, and the silence with it: another window, which holds what comes from now on.
    quiet.has(|answers| answers.instead = None);
    bot.passes(minutes(1)).await;
    assert_eq!(bot.store().windows_at(bot.clock.now()).await.unwrap().len(), 1);
    bot.fires("ShopSold", &[]).await;
    bot.passes(minutes(30)).await;
    bot.pages(["platform window ended"]).await;
}

#[tokio::test]
async fn what_is_no_answer_keeps_nothing_quiet_and_stops_nothing() {
    let wrong = [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\nconnection: close\r\n\r\n[{\"id\":",
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        "",
    ];
    for wrong in wrong {
        let quiet = Quiet::begins().await;
        quiet.has(|answers| answers.instead = Some(wrong));
        let mut bot = quiet.bot(&[]).await;
        bot.fires("Down", &[("severity", "critical")]).await;
        bot.passes(minutes(1)).await;
        assert_eq!(bot.paged().await, ["platform severity one"], "{wrong}");
    }
}

#[tokio::test]
async fn a_silence_that_cannot_be_taken_covers_nothing_and_the_others_hold() {
    let quiet = Quiet::begins().await;
    quiet.has(|answers| {
        answers.silences = vec![
            silence("a", ("alertname", "(?P<n>[", true), "active", "2026-03-02T04:00:00Z"),
            silence("b", ("", "x", false), "active", "2026-03-02T04:00:00Z"),
            of_the_shop(),
        ];
    });
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    assert_eq!(bot.store().windows_at(bot.clock.now()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_told_twice_or_alike_stops_nothing() {
    let quiet = Quiet::begins().await;
    let inhibited = |labels: Value| json!({ "labels": labels, "status": { "inhibitedBy": ["9c1b2e77aa10c3d4"] } });
    quiet.has(|answers| {
        answers.silences = vec![of_the_shop(), of_the_shop()];
        answers.inhibited = vec![inhibited(json!({ "a": "x b=y" })), inhibited(json!({ "a": "x", "b": "y" }))];
    });
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    assert_eq!(bot.store().windows_at(bot.clock.now()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_inhibition_goes_on_for_days_without_a_moment_between() {
    let quiet = Quiet::begins().await;
    let labels = json!({ "alertname": "PodDown", "severity": "critical" });
    quiet.has(|answers| {
        answers.inhibited = vec![json!({ "labels": labels, "status": { "inhibitedBy": ["9c1b2e77aa10c3d4"] } })];
    });
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    bot.fires("PodDown", &[("severity", "critical")]).await;
    bot.passes(minutes(26 * 60)).await;
    bot.pages([]).await;
}

#[tokio::test]
async fn a_silence_that_is_changed_pages_nobody_and_holds_on_to_what_it_covers_of_an_incident() {
    let quiet = Quiet::begins().await;
    quiet.has(|answers| answers.silences = vec![of_the_shop()]);
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    bot.fires("Slow", &[("severity", "ticket")]).await;
    bot.fires("ShopSlow", &[("severity", "critical")]).await;
    bot.passes(minutes(20)).await;
    bot.pages([]).await;
    let id = "1f0c8a3e-91b4-4d2c-8a53-a0d1c1f7be55";
    let longer = silence(id, ("alertname", "ShopS.+", true), "active", "2026-03-02T05:00:00.000Z");
    quiet.has(|answers| answers.silences = vec![longer]);
    bot.passes(minutes(60)).await;
    bot.pages([]).await;
    bot.passes(minutes(110)).await;
    bot.pages(["platform window ended"]).await;
}

#[tokio::test]
async fn without_one_what_an_earlier_one_kept_quiet_ends() {
    let quiet = Quiet::begins().await;
    quiet.has(|answers| answers.silences = vec![of_the_shop()]);
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(30)).await;
    bot.pages([]).await;
    bot.alertmanager = None;
    bot.is_restarted().await;
    bot.passes(minutes(1)).await;
    bot.pages(["platform window ended"]).await;
}

#[tokio::test]
async fn a_run_under_way_stops_when_somebody_silences_its_alert() {
    let quiet = Quiet::begins().await;
    let playbook = SHOP.replace("mitigate:\n", "mitigate:\n  - wait: 2m\n");
    let mut bot = quiet.bot(&[&playbook]).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4)]);
    bot.fires("ShopSlow", &[]).await;
    quiet.has(|answers| answers.silences = vec![of_the_shop()]);
    bot.passes(minutes(3)).await;
    assert_eq!(bot.changes().await, [] as [&str; 0], "{UP}");
    assert_eq!(bot.end().await.0, Outcome::Cancelled);
}

/// A body as Alertmanager sends it, and the fingerprint that it has there.
fn body(alerts: &[(&str, &str, &str)], status: &str) -> (Vec<u8>, Vec<String>) {
    let alert = |(name, pod, severity): &(&str, &str, &str)| {
        json!({
            "status": status, "labels": { "alertname": name, "namespace": "db", "pod": pod, "severity": severity },
            "annotations": {}, "startsAt": "2026-03-02T02:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
        })
    };
    let alerts: Vec<Value> = alerts.iter().map(alert).collect();
    let body = json!({ "version": "4", "groupKey": "g", "receiver": "dogwatch", "alerts": alerts }).to_string();
    let known = alerts.iter().map(|alert| fingerprint(&alert["labels"]));
    (body.clone().into_bytes(), known.collect())
}

/// As Alertmanager makes it: FNV-1a over the labels in their order.
pub fn fingerprint(labels: &Value) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for (name, value) in labels.as_object().unwrap() {
        for byte in name.bytes().chain([0xff]).chain(value.as_str().unwrap().bytes()).chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

fn inhibited(name: &str, pod: &str, severity: &str) -> Value {
    let labels = json!({ "alertname": name, "namespace": "db", "pod": pod, "severity": severity });
    let status = json!({ "inhibitedBy": ["9c1b2e77aa10c3d4"], "silencedBy": [], "state": "suppressed" });
    json!({ "fingerprint": fingerprint(&labels), "labels": labels, "status": status })
}

fn of_the_pods() -> Value {
    silence("5c7d", ("alertname", "PodDown", false), "active", "2026-03-02T04:00:00.000Z")
}

#[tokio::test]
async fn what_ends_while_it_is_silenced_pages_nobody_at_the_silences_end() {
    let quiet = Quiet::begins().await;
    let (down, known) = body(&[("PodDown", "pg-0", "critical"), ("PodDown", "pg-1", "critical")], "firing");
    quiet.has(|answers| (answers.silences, answers.firing) = (vec![of_the_pods()], known.clone()));
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    bot.hears(&down).await;
    bot.passes(minutes(30)).await;
    // One of them is over, which nobody tells.
    quiet.has(|answers| answers.firing.retain(|firing| *firing == known[1]));
    bot.passes(minutes(4)).await;
    assert_eq!(bot.incident(1).await.open_episodes, 2);
    bot.passes(minutes(2)).await;
    assert_eq!(bot.incident(1).await.open_episodes, 1);
    bot.passes(minutes(90)).await;
    bot.pages(["platform window ended"]).await;
    insta::assert_snapshot!(bot.tells(1).await.join("\n"), @"
    02:00:00 opened: PodDown fires
    02:00:00 2 alerts of PodDown fire, such as namespace=db pod=pg-0
    02:00:00 WIN-1 covers 2 alerts until 04:00:00: nobody is paged, and nothing is run
    02:35:00 note: Alertmanager lists what it kept quiet no more, and tells no end of it: it is taken as over
    02:35:00 1 alert resolved, 1 still firing
    04:00:00 WIN-1 is over: 1 alert that it held back still fires
    04:00:00 team platform is paged: WIN-1 has ended, which held it back, and 1 alert still fires
    ");
}

#[tokio::test]
async fn an_end_that_was_only_thought_so_is_taken_back_when_it_is_told_to_fire() {
    let quiet = Quiet::begins().await;
    let (down, known) = body(&[("PodDown", "pg-0", "critical")], "firing");
    quiet.has(|answers| (answers.silences, answers.firing) = (vec![of_the_pods()], known));
    let mut bot = quiet.bot(&[]).await;
    bot.hears(&down).await;
    bot.passes(minutes(10)).await;
    // The one that is asked hears nothing of Prometheus any more; its peers do.
    quiet.has(|answers| answers.firing.clear());
    bot.passes(minutes(110)).await;
    bot.pages([]).await;
    assert_eq!(bot.incident(1).await.open_episodes, 0);
    quiet.has(|answers| answers.silences.clear());
    bot.passes(minutes(5)).await;
    bot.hears(&down).await;
    bot.passes(minutes(10)).await;
    assert_eq!(bot.paged().await.len(), 1);
}

#[tokio::test]
async fn a_time_without_answers_says_nothing_of_what_is_over() {
    let quiet = Quiet::begins().await;
    let (down, known) = body(&[("PodDown", "pg-0", "critical")], "firing");
    quiet.has(|answers| (answers.silences, answers.firing) = (vec![of_the_pods()], known));
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    bot.hears(&down).await;
    bot.passes(minutes(10)).await;
    let away = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    quiet.has(|answers| (answers.instead, answers.firing) = (Some(away), Vec::new()));
    bot.passes(minutes(4)).await;
    // It has restarted, and is to be told first.
    quiet.has(|answers| answers.instead = None);
    bot.passes(minutes(4)).await;
    assert_eq!(bot.incident(1).await.open_episodes, 1);
    bot.passes(minutes(2)).await;
    assert_eq!(bot.incident(1).await.open_episodes, 0);
    bot.pages([]).await;
}

#[tokio::test]
async fn an_earlier_firing_that_was_listed_says_nothing_of_the_next() {
    let quiet = Quiet::begins().await;
    let (down, known) = body(&[("PodDown", "pg-0", "critical")], "firing");
    let (up, _) = body(&[("PodDown", "pg-0", "critical")], "resolved");
    quiet.has(|answers| (answers.silences, answers.firing) = (vec![of_the_pods()], known));
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    bot.hears(&down).await;
    bot.passes(minutes(5)).await;
    // Another peer, which does not know of the silence, tells its end.
    quiet.has(|answers| answers.firing.clear());
    bot.hears(&up).await;
    bot.passes(minutes(30)).await;
    bot.hears(&down).await;
    bot.passes(minutes(10)).await;
    let firing = bot.store().firing(&[]).await.unwrap();
    assert_eq!(firing.len(), 1, "it was never listed, this time");
}

#[tokio::test]
async fn what_it_never_listed_is_not_taken_as_over() {
    let quiet = Quiet::begins().await;
    let (down, _) = body(&[("PodDown", "pg-0", "critical")], "firing");
    quiet.has(|answers| answers.silences = vec![of_the_pods()]);
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    bot.hears(&down).await;
    bot.passes(minutes(121)).await;
    bot.pages(["platform window ended"]).await;
}

#[tokio::test]
async fn what_ends_together_with_what_inhibited_it_pages_nobody() {
    let quiet = Quiet::begins().await;
    let (down, known) = body(&[("PodDown", "pg-0", "critical")], "firing");
    quiet.has(|answers| (answers.inhibited, answers.firing) = (vec![inhibited("PodDown", "pg-0", "critical")], known));
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    bot.hears(&down).await;
    bot.passes(minutes(10)).await;
    quiet.has(|answers| {
        answers.inhibited.clear();
        answers.firing.clear();
    });
    bot.passes(minutes(30)).await;
    bot.pages([]).await;
    assert_eq!(bot.incident(1).await.open_episodes, 0);
    assert!(bot.store().windows_at(bot.clock.now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_too_many_that_are_inhibited_those_that_fire_here_are_quiet() {
    let quiet = Quiet::begins().await;
    let (down, known) = body(&[("PodDown", "zz-last", "critical")], "firing");
    let pods: Vec<String> = (0..700).map(|n| format!("pg-{n:03}")).chain(["zz-last".to_owned()]).collect();
    quiet.has(|answers| {
        answers.inhibited = pods.iter().map(|pod| inhibited("PodDown", pod, "critical")).collect();
        answers.firing = known;
    });
    let mut bot = quiet.bot(&[]).await;
    // It fires before it is inhibited, or else nobody would tell of it.
    quiet.has(|answers| answers.instead = Some("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"));
    bot.fires("Other", &[("severity", "info")]).await;
    quiet.has(|answers| answers.instead = None);
    let (warning, _) = body(&[("PodDown", "zz-last", "critical")], "firing");
    assert_eq!(down, warning);
    bot.hears(&down).await;
    bot.passes(minutes(3)).await;
    let windows = bot.store().windows_at(bot.clock.now()).await.unwrap();
    assert_eq!(windows.len(), 500);
    assert!(windows.iter().any(|window| window.scope.to_string().contains("pod=zz-last")));
}

#[tokio::test]
async fn a_silence_is_for_the_alerts_of_its_sources() {
    let quiet = Quiet::begins().await;
    quiet.has(|answers| answers.silences = vec![of_the_shop()]);
    let mut bot = quiet.bot(&[]).await;
    bot.alertmanager_sources = Some(vec!["eu-1".into()]);
    bot.is_restarted().await;
    bot.settles().await;
    insta::assert_snapshot!(windows(&bot).await, @"
    WIN-1 is active until 2026-03-02 04:00:00 UTC
        covers alertname=~ShopS.+ (alerts of eu-1)
        anna: moving the shop (by Alertmanager, silence 1f0c8a3e-91b4-4d2c-8a53-a0d1c1f7be55)
        has held nothing back
    ");
    bot.fires("ShopSlow", &[("severity", "critical")]).await;
    bot.passes(minutes(1)).await;
    bot.pages(["platform severity one"]).await;
}

#[tokio::test]
async fn an_alert_with_more_labels_than_the_one_that_is_inhibited_is_another() {
    let quiet = Quiet::begins().await;
    quiet.has(|answers| {
        let labels = json!({ "alertname": "PodDown", "namespace": "db" });
        answers.inhibited = vec![json!({ "labels": labels, "status": { "inhibitedBy": ["9c1b2e77aa10c3d4"] } })];
    });
    let mut bot = quiet.bot(&[]).await;
    bot.settles().await;
    let (down, _) = body(&[("PodDown", "pg-0", "critical")], "firing");
    bot.hears(&down).await;
    bot.passes(minutes(1)).await;
    bot.pages(["platform severity one"]).await;
}
