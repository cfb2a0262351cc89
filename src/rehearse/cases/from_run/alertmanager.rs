//! What fired beside the alert.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Recorded, RecordedRun, action_of};
use crate::model::{HumanDuration, RunEvent};
use crate::playbook::Playbook;

/// What the first look listed, each with how long before the run it began; `None`: nobody looked.
/// The alert of the case is there by itself.
pub(super) fn of(recorded: &RecordedRun, playbook: &Playbook, notes: &mut Vec<String>) -> Option<Value> {
    let (items, count) = recorded.log.iter().find_map(|Recorded { event, .. }| match event {
        RunEvent::Read { step, output, .. } => {
            action_of(playbook, step).filter(|action| action.name() == "alertmanager.alerts")?;
            Some((output.get("items")?.as_array()?, output.get("count")?.as_u64()?))
        }
        _ => None,
    })?;
    if count > items.len() as u64 {
        notes.push(format!("{count} alerts fired beside it, and {} of them are known", items.len()));
    }
    let began = recorded.run.created_at;
    let own = recorded.run.alert.get("labels").unwrap_or(&Value::Null);
    Some(items.iter().filter(|item| labels(item) != *own).map(|item| other(item, began)).collect())
}

/// All labels of what was listed.
fn labels(item: &Value) -> Value {
    let mut labels = item["labels"].clone();
    for (label, field) in [("alertname", "name"), ("severity", "severity")] {
        if let (Some(labels), Some(value)) = (labels.as_object_mut(), item[field].as_str().filter(|it| !it.is_empty()))
        {
            labels.insert(label.into(), value.into());
        }
    }
    labels
}

fn other(item: &Value, began: DateTime<Utc>) -> Value {
    let since = item["since"].as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok()).unwrap_or(began);
    let ago = Duration::from_secs((began - since).num_seconds().max(0).unsigned_abs());
    let mut labels = labels(item);
    if let Some(labels) = labels.as_object_mut() {
        labels.remove("alertname");
    }
    let mut entry = json!({ "name": item["name"], "labels": labels, "ago": HumanDuration(ago).to_string() });
    for state in ["silenced", "inhibited"] {
        if item["state"] == state {
            entry[state] = true.into();
        }
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_listed_is_an_entry_of_a_case() {
        let began = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(3);
        let item = json!({
            "name": "DiskFull",
            "severity": "page",
            "since": "1970-01-01T01:30:00Z",
            "labels": { "namespace": "shop" },
            "state": "silenced",
            "silenced_by": ["1f0c"],
        });
        let entry = other(&item, began);
        let rest = json!({ "namespace": "shop", "severity": "page" });
        assert_eq!(entry, json!({ "name": "DiskFull", "labels": rest, "ago": "1h30m", "silenced": true }));
        assert_eq!(labels(&item), json!({ "alertname": "DiskFull", "namespace": "shop", "severity": "page" }));
    }
}
