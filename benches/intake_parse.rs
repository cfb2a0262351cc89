//! How long reading one notification takes: `cargo bench --bench intake_parse`.

use std::hint::black_box;
use std::time::Duration;

use chrono::DateTime;
use dogwatch::clock::{Clock as _, SystemClock};
use dogwatch::intake::parse_notification;

fn main() {
    let clock = SystemClock::default();
    for alerts in [1, 50, 500, 10_000] {
        let body = body(alerts);
        let rounds = (200_000 / alerts).clamp(20, 5_000);
        let mut took: Vec<Duration> = (0..rounds)
            .map(|_| {
                let start = clock.monotonic();
                let delivered = parse_notification("alertmanager", DateTime::UNIX_EPOCH, black_box(&body));
                let took = clock.monotonic() - start;
                assert!(black_box(delivered).is_ok());
                took
            })
            .collect();
        took.sort();
        println!(
            "{alerts:>6} alerts, {:>9} bytes: median {:>10.1?}, 99% {:>10.1?}, worst {:>10.1?} of {rounds}",
            body.len(),
            took[rounds / 2],
            took[rounds * 99 / 100],
            took[rounds - 1],
        );
    }
}

/// A group as Alertmanager sends it, of about 500 bytes an alert.
fn body(alerts: usize) -> Vec<u8> {
    let alerts: Vec<String> = (0..alerts)
        .map(|n| {
            format!(
                r#"{{"status":"firing","labels":{{"alertname":"PostgresUnreachable","cluster":"db-eu-1","instance":"db-{n:05}-0:9187","job":"postgres","namespace":"databases","pod":"db-{n:05}-0","severity":"warning"}},"annotations":{{"description":"db-{n:05}-0 has not answered for 2 minutes","summary":"db-{n:05}-0 does not answer"}},"startsAt":"2025-03-01T02:00:00.{:03}Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example:9090/graph?g0.expr=pg_up+%3D%3D+0\u0026g0.tab=1","fingerprint":"{:016x}"}}"#,
                n % 1_000,
                (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            )
        })
        .collect();
    format!(
        r#"{{"receiver":"dogwatch","status":"firing","alerts":[{}],"groupLabels":{{"alertname":"PostgresUnreachable"}},"commonLabels":{{"job":"postgres"}},"commonAnnotations":{{}},"externalURL":"http://alertmanager.example:9093","version":"4","groupKey":"{{}}:{{alertname=\"PostgresUnreachable\"}}","truncatedAlerts":0}}"#,
        alerts.join(",")
    )
    .into_bytes()
}
