//! What playbooks ask a real Alertmanager: what else fires.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use dogwatch::alertmanager::{Alerts as _, AlertsQuery, FiringNow, HttpAlertmanager};
use serde_json::json;

use crate::world::alertmanager::{Alertmanager, Version, Webhook};

fn names(alerts: &[FiringNow]) -> Vec<&str> {
    let mut names: Vec<&str> = alerts.iter().map(|alert| alert.labels["alertname"].as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn each_version_says_what_fires() {
    for version in Version::ALL {
        let alertmanager = Alertmanager::start(version, &Webhook::to("http://127.0.0.1:9/", "x")).await;
        let client = HttpAlertmanager::new(alertmanager.url(), None, Duration::from_secs(10)).unwrap();
        let ask = async |matchers: &[&str], silenced: bool, inhibited: bool| {
            let matchers = matchers.iter().map(|matcher| matcher.parse().unwrap()).collect();
            client.alerts(&AlertsQuery { matchers, silenced, inhibited }).await.unwrap()
        };
        assert_eq!(ask(&["namespace=shop"], true, true).await, [], "{}", version.name());
        let since = Utc::now() - TimeDelta::minutes(90);
        let alert = |name: &str, more: serde_json::Value| {
            let mut labels = json!({ "alertname": name, "namespace": "shop", "severity": "page" });
            labels.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "labels": labels, "annotations": { "summary": "x" }, "startsAt": since.to_rfc3339() })
        };
        alertmanager
            .post_alerts(&json!([
                alert("NodeDown", json!({ "node": "a" })),
                alert("PodDown", json!({ "node": "a" })),
                alert("DiskFull", json!({ "path": "C:\\data \"x\", y" })),
                alert("BankSlow", json!({ "namespace": "bank" })),
            ]))
            .await;
        let silence = alertmanager.silence("DiskFull", "known").await;
        crate::world::wait::wait_until(Duration::from_secs(20), "the silence holds", async || {
            names(&ask(&["namespace=shop"], false, false).await) == ["NodeDown"]
        })
        .await;
        assert_eq!(names(&ask(&["namespace=shop"], false, true).await), ["NodeDown", "PodDown"]);
        let all = ask(&["namespace=~\"sh.p\"", "alertname!=NodeDown", "alertname!~Bank.*"], true, true).await;
        assert_eq!(names(&all), ["DiskFull", "PodDown"]);
        let disk = all.iter().find(|alert| alert.labels["alertname"] == "DiskFull").unwrap();
        assert_eq!((&disk.silenced_by, disk.inhibited_by.len()), (&vec![silence], 0));
        assert!((disk.starts_at - since).abs() < TimeDelta::seconds(1), "{disk:?}");
        let pod = all.iter().find(|alert| alert.labels["alertname"] == "PodDown").unwrap();
        assert_eq!((pod.silenced_by.len(), pod.inhibited_by.len()), (0, 1), "{pod:?}");
        let odd = ask(&["path=\"C:\\\\data \\\"x\\\", y\""], true, false).await;
        assert_eq!(names(&odd), ["DiskFull"], "{}: quotes and backslashes arrive as they are", version.name());
    }
}
