//! Notifications as Alertmanager sends them, of about 500 bytes an alert.

/// `alerts` firing alerts, the first of which has the number `first`: two with different numbers are different alerts.
pub fn firing(alert: &str, first: usize, alerts: usize) -> Vec<u8> {
    let alerts: Vec<String> = (first..first + alerts).map(|n| one(alert, n)).collect();
    format!(
        r#"{{"receiver":"dogwatch","status":"firing","alerts":[{}],"groupLabels":{{"alertname":"{alert}"}},"commonLabels":{{"job":"postgres"}},"commonAnnotations":{{}},"externalURL":"http://alertmanager.example:9093","version":"4","groupKey":"{{}}:{{alertname=\"{alert}\"}}","truncatedAlerts":0}}"#,
        alerts.join(",")
    )
    .into_bytes()
}

fn one(alert: &str, n: usize) -> String {
    let fingerprint = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        r#"{{"status":"firing","labels":{{"alertname":"{alert}","cluster":"db-eu-1","instance":"db-{n:06}-0:9187","deployment":"app-{n:06}","job":"postgres","namespace":"databases","pod":"db-{n:06}-0","severity":"warning"}},"annotations":{{"description":"db-{n:06}-0 has not answered for 2 minutes","summary":"db-{n:06}-0 does not answer"}},"startsAt":"2025-03-01T02:00:00.{:03}Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example:9090/graph?g0.expr=pg_up+%3D%3D+0\u0026g0.tab=1","fingerprint":"{fingerprint:016x}"}}"#,
        n % 1_000,
    )
}
