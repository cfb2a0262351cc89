//! The demo's Alertmanager: bodies as its webhook sends them.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::fleet::Database;

/// An alert that fires or has resolved.
#[derive(Debug, Clone)]
pub struct DemoAlert {
    labels: BTreeMap<&'static str, String>,
    summary: String,
    since: DateTime<Utc>,
}

impl DemoAlert {
    fn new(name: &'static str, labels: &[(&'static str, String)], summary: String, since: DateTime<Utc>) -> Self {
        let mut all: BTreeMap<&'static str, String> = labels.iter().cloned().collect();
        all.insert("alertname", name.to_owned());
        Self { labels: all, summary, since }
    }

    pub fn dns_slow(since: DateTime<Utc>) -> Self {
        let labels = [("severity", "warning".to_owned()), ("job", "kube-dns".to_owned())];
        Self::new("CoreDNSLatencyHigh", &labels, "CoreDNS answers slowly".into(), since)
    }

    pub fn cannot_resolve(database: Database, since: DateTime<Utc>) -> Self {
        let labels =
            [("severity", "critical".to_owned()), ("namespace", database.namespace()), ("database", database.name())];
        Self::new("PostgresNameResolutionFailing", &labels, format!("{} cannot resolve names", database.name()), since)
    }

    pub fn filling_up(database: Database, since: DateTime<Utc>) -> Self {
        let labels = [
            ("severity", "critical".to_owned()),
            ("namespace", database.namespace()),
            ("persistentvolumeclaim", database.claim()),
        ];
        let summary = format!("{} is nearly full", database.claim());
        Self::new("KubePersistentVolumeFillingUp", &labels, summary, since)
    }

    pub fn claim_pending(namespace: String, claim: String, since: DateTime<Utc>) -> Self {
        let summary = format!("{claim} is pending");
        let labels = [("severity", "warning".to_owned()), ("namespace", namespace), ("persistentvolumeclaim", claim)];
        Self::new("PersistentVolumeClaimPending", &labels, summary, since)
    }

    pub fn backup_timeout(database: Database, since: DateTime<Utc>) -> Self {
        let labels =
            [("severity", "warning".to_owned()), ("namespace", database.namespace()), ("job_name", database.backup())];
        Self::new("PgBackRestBackupTimeout", &labels, format!("{} runs too long", database.backup()), since)
    }

    fn json(&self, ends_at: Option<DateTime<Utc>>) -> Value {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({
            "status": if ends_at.is_some() { "resolved" } else { "firing" },
            "labels": self.labels,
            "annotations": { "summary": self.summary },
            "startsAt": time(self.since),
            "endsAt": ends_at.map_or("0001-01-01T00:00:00Z".to_owned(), time),
            "generatorURL": "",
        })
    }
}

/// One delivery, to the byte as the webhook gets it.
pub fn body(group: &str, alerts: &[DemoAlert], ends_at: Option<DateTime<Utc>>) -> Vec<u8> {
    let alerts: Vec<Value> = alerts.iter().map(|alert| alert.json(ends_at)).collect();
    let body = json!({
        "version": "4",
        "groupKey": format!("{{}}:{{alertname=\"{group}\"}}"),
        "truncatedAlerts": 0,
        "status": if ends_at.is_some() { "resolved" } else { "firing" },
        "receiver": "dogwatch",
        "groupLabels": { "alertname": group },
        "commonLabels": { "alertname": group },
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": alerts,
    });
    body.to_string().into_bytes()
}
