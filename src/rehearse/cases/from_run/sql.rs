//! What databases answered, by statement and pod.

use serde_json::{Value, json};

use super::{Recorded, RecordedRun};
use crate::model::RunEvent;
use crate::playbook::{Playbook, StepKind};

/// One entry for each statement in each pod, with its answers in order.
pub(super) fn of(recorded: &RecordedRun, playbook: &Playbook, notes: &mut Vec<String>) -> Vec<Value> {
    let mut asked: Vec<(String, String, Vec<Value>)> = Vec::new();
    for Recorded { event, .. } in &recorded.log {
        let RunEvent::Read { step, output, summary } = event else { continue };
        let step = step.for_all();
        let Some(known) = playbook.all_steps().find(|known| known.address == step) else { continue };
        let StepKind::Action(action) = &known.kind else { continue };
        if action.describe().name() != "sql.query" {
            continue;
        }
        let Some((statement, pod)) = place(summary) else { continue };
        if output.get("truncated") == Some(&Value::Bool(true)) {
            notes.push(format!("the answer to {step} had more rows than are kept: look at `sql`"));
        }
        let answer = json!({ "rows": output.get("rows").cloned().unwrap_or_else(|| json!([])) });
        match asked.iter_mut().find(|(known, of, _)| known == statement && of == pod) {
            Some((.., answers)) => answers.push(answer),
            None => asked.push((statement.to_owned(), pod.to_owned(), vec![answer])),
        }
    }
    let entry = |(statement, pod, answers)| json!({ "statement": statement, "pod": pod, "answers": answers });
    asked.into_iter().map(entry).collect()
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
