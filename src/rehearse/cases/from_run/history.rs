//! What was done about the target before.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Recorded, RecordedRun, action_of};
use crate::model::{HumanDuration, Outcome, RunEvent};
use crate::playbook::Playbook;

/// What the first look told, each with how long before the run it was.
pub(super) fn of(recorded: &RecordedRun, playbook: &Playbook) -> Vec<Value> {
    let told = recorded.log.iter().find_map(|Recorded { event, .. }| match event {
        RunEvent::Read { step, output, .. } => {
            action_of(playbook, step).filter(|action| action.name() == "history.runs").and(output.get("items"))
        }
        _ => None,
    });
    let items = told.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| earlier(item, recorded.run.created_at)).collect()
}

fn earlier(item: &Value, began: DateTime<Utc>) -> Option<Value> {
    let time = |field: &str| item[field].as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
    let at = time("ended").or_else(|| time("began"))?;
    let ago = Duration::from_secs((began - at).num_seconds().max(0).unsigned_abs());
    let mut entry = json!({
        "playbook": item["playbook"],
        "ago": HumanDuration(ago).to_string(),
        "because": item["because"],
        "changed": item["changed"],
    });
    if let Some(outcome) = item["outcome"].as_str().and_then(outcome_of) {
        entry["outcome"] = serde_json::to_value(outcome).ok()?;
    }
    if !item["asked_by"].is_null() {
        entry["asked_by"] = item["asked_by"].clone();
    }
    Some(entry)
}

fn outcome_of(words: &str) -> Option<Outcome> {
    use Outcome::{Cancelled, Escalated, Fixed, HandedOver, NothingToDo, Proposed};
    [Fixed, NothingToDo, Proposed, Escalated, Cancelled, HandedOver].into_iter().find(|it| it.to_string() == words)
}
