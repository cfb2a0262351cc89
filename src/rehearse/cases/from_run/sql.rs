//! What databases answered, by statement and pod.

use serde_json::{Value, json};

use super::{Asked, Recorded, RecordedRun, action_of};
use crate::model::RunEvent;
use crate::playbook::Playbook;

/// One entry for each statement in each pod, with its answers in order.
pub(super) fn of(recorded: &RecordedRun, playbook: &Playbook, notes: &mut Vec<String>) -> Vec<Value> {
    let mut asked = Asked(Vec::new());
    for Recorded { event, .. } in &recorded.log {
        let RunEvent::Read { step, output, summary } = event else { continue };
        let is_query = action_of(playbook, step).is_some_and(|action| action.name() == "sql.query");
        let Some(what) = place(summary).filter(|_| is_query) else { continue };
        if output.get("truncated") == Some(&Value::Bool(true)) {
            let step = step.for_all();
            notes.push(format!("the answer to {step} had more rows than are kept: look at `sql`"));
        }
        asked.add(what, json!({ "rows": output.get("rows").cloned().unwrap_or_else(|| json!([])) }));
    }
    let entry = |((statement, pod), answers)| json!({ "statement": statement, "pod": pod, "answers": answers });
    asked.0.into_iter().map(entry).collect()
}

/// The sessions that were ended, as they were shown before.
pub(super) fn sessions(recorded: &RecordedRun, playbook: &Playbook) -> Vec<Value> {
    let session = |Recorded { event, .. }: &Recorded| {
        let RunEvent::Started { step, intent, .. } = event else { return None };
        let ends = action_of(playbook, step).is_some_and(|action| action.name() == "sql.terminate");
        let (before, was) = (&intent.before, intent.before.get("session").filter(|_| ends)?);
        let idle = intent.after.get("idle at least").and_then(Value::as_u64).unwrap_or_default();
        Some(json!({
            "pod": intent.object.name, "pid": before["pid"], "backend_start": before["backend start"], "user": was["user"],
            "database": was["database"], "application": was["application"], "state": was["state"], "state_seconds": idle,
            "query": was["query"],
        }))
    };
    let mut sessions: Vec<Value> = recorded.log.iter().filter_map(session).collect();
    sessions.dedup();
    sessions
}

/// Of `disk of db-0 in shop: 1 row`: the statement and the pod.
fn place(summary: &str) -> Option<(&str, &str)> {
    let (statement, rest) = summary.split_once(" of ")?;
    Some((statement, rest.split(" in ").next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_what_was_asked_where() {
        assert_eq!(place("disk of db-0 in shop: 1 row"), Some(("disk", "db-0")));
        assert_eq!(place("nothing"), None);
    }
}
