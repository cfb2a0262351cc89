//! A storm of one cause, each alert a group of its own: what one more of them costs does not grow
//! with how many there are, and all of them count. `STORM` says how many there are;
//! `cargo test --test bot storms -- --nocapture` tells how long each storm took.

use std::time::Instant;

use dogwatch::clock::Clock as _;
use dogwatch::incident::IncidentRules;
use dogwatch::model::*;
use serde_json::json;

use crate::bot::Bot;

fn how_many() -> u64 {
    std::env::var("STORM").ok().and_then(|many| many.parse().ok()).unwrap_or(120)
}

/// So many alerts of that severity, the n-th on the host that `host` says; how it stands at the
/// end.
async fn storm(what: &str, severity: &str, radius: BlastRadius, host: impl Fn(u64) -> u64) -> Incident {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    bot.rules = IncidentRules { blast_radius: radius, ..IncidentRules::default() };
    bot.is_restarted().await;
    let begun = Instant::now();
    let mut half = begun.elapsed();
    for n in 0..how_many() {
        let (host, disk) = (format!("10.0.{}.{}:9100", host(n) / 250, host(n) % 250), format!("disk-{n}"));
        let labels = json!({ "alertname": "DiskSlow", "severity": severity, "instance": host, "device": disk });
        let alert = json!({ "status": "firing", "labels": labels, "startsAt": bot.clock.now() });
        let body = json!({ "version": "4", "groupKey": format!("{{}}:{labels}"), "alerts": [alert] });
        bot.hears(body.to_string().as_bytes()).await;
        if n == how_many() / 2 {
            half = begun.elapsed();
        }
    }
    println!("{} alerts, {what}: {:?}, the first half {half:?}", how_many(), begun.elapsed());
    bot.incident(1).await
}

#[tokio::test]
async fn of_as_many_objects_as_alerts() {
    let many = how_many();
    let off = storm("each its host, without a radius", "warning", BlastRadius::OFF, |n| n).await;
    let wide = |least| BlastRadius { s1: Some(least), ..BlastRadius::default() };
    let below = storm("each its host, one too few for S1", "warning", wide(many + 1), |n| n).await;
    let at = storm("each its host, the last makes it S1", "warning", wide(many), |n| n).await;
    assert_eq!([&off, &below, &at].map(|it| it.severity), [Severity::S2, Severity::S2, Severity::S1]);
    assert_eq!([&off, &below, &at].map(|it| it.open_episodes), [many; 3]);
}

/// None of them takes the step, so that each asks.
#[tokio::test]
async fn of_few_objects() {
    storm("on 24 hosts, without a radius", "info", BlastRadius::OFF, |n| n % 24).await;
    let below = storm("on 24 hosts, one too few for S2", "info", BlastRadius::default(), |n| n % 24).await;
    let at = storm("on 25 hosts", "info", BlastRadius::default(), |n| n % 25).await;
    assert_eq!([&below, &at].map(|it| it.severity), [Severity::S3, Severity::S2]);
}
