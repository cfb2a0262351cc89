//! What must keep coming: its absence is the news, and it is no incident itself.

use std::time::Duration;

use chrono::TimeDelta;
use dogwatch::incident::Expected;
use dogwatch::model::*;
use dogwatch::store::{HeartbeatStore as _, IncidentFilter, IncidentStore as _};
use serde_json::json;

use crate::bot::{Bot, minutes};

fn watchdog() -> Expected {
    let rule = HeartbeatRule {
        source: "alertmanager".into(),
        alert: Some("Watchdog".into()),
        within: Duration::from_secs(15 * 60),
        severity: Severity::S1,
        team: None,
    };
    Expected { rule, from_the_first: true }
}

async fn bot() -> Bot {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    bot.rules.heartbeats = vec![watchdog()];
    bot.is_restarted().await;
    bot
}

/// As Alertmanager sends it, word for word the same each time.
fn body(status: &str, prometheus: &str, besides: &[&str]) -> Vec<u8> {
    let alert = |name: &str, status: &str, prometheus: &str| {
        json!({
            "status": status, "startsAt": "2026-03-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "annotations": {},
            "labels": { "alertname": name, "prometheus": prometheus, "severity": "none" },
        })
    };
    let mut alerts = vec![alert("Watchdog", status, prometheus)];
    alerts.extend(besides.iter().map(|name| alert(name, "firing", prometheus)));
    json!({ "version": "4", "groupKey": prometheus, "receiver": "dogwatch", "alerts": alerts }).to_string().into_bytes()
}

async fn comes(bot: &mut Bot, times: usize) {
    for _ in 0..times {
        bot.hears(&body("firing", "k8s", &[])).await;
        bot.passes(minutes(5)).await;
    }
}

async fn open(bot: &Bot) -> Vec<String> {
    let incidents = bot.store().incidents(IncidentFilter::Unresolved).await.unwrap();
    incidents.into_iter().map(|incident| format!("{} {} {}", incident.id, incident.severity, incident.title)).collect()
}

const MISSING: &str = "INC-1 S1 the heartbeat Watchdog prometheus=k8s of alertmanager is missing";

#[tokio::test]
async fn what_keeps_coming_is_no_incident_and_calls_nobody() {
    let mut bot = bot().await;
    comes(&mut bot, 20).await;
    assert_eq!(open(&bot).await, [] as [String; 0]);
    bot.pages([]).await;
    let heartbeat = bot.store().heartbeats().await.unwrap().remove(0);
    assert_eq!((heartbeat.name.as_str(), heartbeat.beats), ("Watchdog prometheus=k8s", 20));
}

#[tokio::test]
async fn what_comes_no_more_calls_somebody_once_and_is_over_when_it_comes_again() {
    let mut bot = bot().await;
    comes(&mut bot, 2).await;
    bot.passes(minutes(9)).await;
    bot.pages([]).await;
    bot.passes(minutes(120)).await;
    assert_eq!(open(&bot).await, [MISSING]);
    bot.pages(["platform heartbeat missing"]).await;
    comes(&mut bot, 1).await;
    assert_eq!(open(&bot).await, [] as [String; 0]);
    // And the next time, too.
    bot.passes(minutes(60)).await;
    assert_eq!(open(&bot).await, [MISSING.replace("INC-1", "INC-2")]);
    bot.pages(["platform heartbeat missing", "platform heartbeat missing"]).await;
}

#[tokio::test]
async fn whoever_closes_it_is_not_called_again_for_the_same_absence() {
    let mut bot = bot().await;
    comes(&mut bot, 1).await;
    bot.passes(minutes(30)).await;
    bot.says("ada", Command::Resolve { incident: IncidentId(1), note: Some("that cluster is gone".into()) }).await;
    bot.passes(minutes(600)).await;
    bot.is_restarted().await;
    bot.passes(minutes(600)).await;
    assert_eq!(open(&bot).await, [] as [String; 0]);
    bot.pages(["platform heartbeat missing"]).await;
}

#[tokio::test]
async fn one_that_is_over_is_missed_at_once() {
    let mut bot = bot().await;
    comes(&mut bot, 1).await;
    bot.hears(&body("resolved", "k8s", &[])).await;
    assert_eq!(open(&bot).await, [MISSING]);
}

#[tokio::test]
async fn each_prometheus_has_a_heartbeat_of_its_own() {
    let mut bot = bot().await;
    bot.hears(&body("firing", "other", &[])).await;
    for _ in 0..6 {
        comes(&mut bot, 1).await;
    }
    assert_eq!(open(&bot).await, [MISSING.replace("k8s", "other")]);
}

#[tokio::test]
async fn one_that_never_comes_is_missed_and_found() {
    let mut bot = bot().await;
    bot.passes(minutes(14)).await;
    bot.pages([]).await;
    bot.passes(minutes(2)).await;
    assert_eq!(open(&bot).await, ["INC-1 S1 the heartbeat Watchdog of alertmanager is missing"]);
    comes(&mut bot, 1).await;
    assert_eq!(open(&bot).await, [] as [String; 0]);
}

#[tokio::test]
async fn what_came_while_nobody_listened_is_waited_for_anew() {
    let mut bot = bot().await;
    comes(&mut bot, 1).await;
    // Nobody is there for three hours.
    bot.clock.advance(Duration::from_secs(3 * 3_600));
    bot.is_restarted().await;
    bot.passes(minutes(10)).await;
    bot.pages([]).await;
    bot.passes(minutes(10)).await;
    bot.pages(["platform heartbeat missing"]).await;
}

#[tokio::test]
async fn a_clock_that_is_set_makes_nothing_missing() {
    let mut bot = bot().await;
    comes(&mut bot, 1).await;
    bot.has_its_clock_set(TimeDelta::hours(5)).await;
    bot.passes(minutes(5)).await;
    bot.pages([]).await;
    bot.passes(minutes(30)).await;
    bot.pages(["platform heartbeat missing"]).await;
}

#[tokio::test]
async fn what_comes_with_it_is_worked_on() {
    let mut bot = bot().await;
    for _ in 0..3 {
        bot.hears(&body("firing", "k8s", &["DiskFull"])).await;
        bot.passes(minutes(5)).await;
    }
    assert_eq!(open(&bot).await, ["INC-1 S4 DiskFull"]);
    assert_eq!(bot.store().heartbeats().await.unwrap()[0].beats, 3, "a body that is known beats, too");
}
