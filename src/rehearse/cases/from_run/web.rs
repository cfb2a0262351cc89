//! What services answered over HTTP, by URL.

use serde_json::{Map, Value, json};

use super::{Asked, Recorded, RecordedRun, action_of};
use crate::model::{RunEvent, StepAddress};
use crate::playbook::Playbook;
use crate::web::split_url;

/// One entry for each URL, with its answers in order.
pub(super) fn of(recorded: &RecordedRun, playbook: &Playbook, notes: &mut Vec<String>) -> Vec<Value> {
    let mut asked = Asked(Vec::new());
    for Recorded { event, .. } in &recorded.log {
        let Some(step) = event.step().map(|step| step.for_all()) else { continue };
        let Some(part) = part_of_url(playbook, &step) else { continue };
        let Some(answer) = answered(event) else { continue };
        if answer.get("truncated") == Some(&Value::Bool(true)) {
            notes.push(format!("the answer to {step} was longer than is kept: look at `http`"));
        }
        asked.add(part, answer);
    }
    asked.0.into_iter().map(|(url, answers)| json!({ "url": url, "answers": answers })).collect()
}

/// The longest of what stands between holes behind the host: it is sent as it is.
fn part_of_url(playbook: &Playbook, step: &StepAddress) -> Option<String> {
    let action = action_of(playbook, step)?;
    action.origin()?;
    let arguments = action.args();
    let (_, url) = arguments.into_iter().find(|(name, _)| *name == "url")?;
    let (url, _) = url.text()?;
    let (origin, behind) = split_url(url).ok()?;
    let parts = behind.split("{{").map(|part| part.split_once("}}").map_or(part, |(_, rest)| rest));
    let part = parts.max_by_key(|part| part.len()).unwrap_or_default();
    Some(if part.len() > 1 { part.to_owned() } else { origin.to_string() })
}

fn answered(event: &RunEvent) -> Option<Value> {
    match event {
        RunEvent::Read { output, .. } => {
            let mut answer = Map::new();
            let mut keep = |field: &str, is_usual: fn(&Value) -> bool| {
                let value = output.get(field).filter(|value| !is_usual(value));
                value.is_some_and(|value| answer.insert(field.to_owned(), value.clone()).is_none())
            };
            keep("status", |_| false);
            if !keep("json", |_| false) {
                keep("text", |text| text == "");
            }
            keep("location", |_| false);
            keep("truncated", |truncated| *truncated == false);
            Some(Value::Object(answer))
        }
        // As a service that the configuration does not name, which needs no entry.
        RunEvent::Failed { error, .. } if error.contains("`http.hosts`") => None,
        RunEvent::Failed { error, .. } => Some(match status(error) {
            Some(status) => json!({ "status": status }),
            None => json!({ "fails": "no_answer" }),
        }),
        _ => None,
    }
}

/// Of an answer that was not the expected one.
fn status(error: &str) -> Option<u16> {
    let (_, told) = error.split_once(" answered ")?;
    told.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureClass;

    #[test]
    fn what_was_answered_is_what_a_case_answers() {
        let step = || "diagnose.tsdb".parse().unwrap();
        let read = |output: Value| answered(&RunEvent::Read { step: step(), output, summary: String::new() });
        let json = json!({ "status": 200, "text": "{}", "json": {}, "seconds": 0.1, "truncated": false });
        assert_eq!(read(json), Some(json!({ "status": 200, "json": {} })));
        let text = json!({ "status": 302, "text": "x", "location": "/y", "seconds": 0.1, "truncated": true });
        assert_eq!(read(text), Some(json!({ "status": 302, "text": "x", "location": "/y", "truncated": true })));
        let failed = |error: &str| {
            let (attempt, class, error) = (1, FailureClass::Retry, error.to_owned());
            answered(&RunEvent::Failed { step: step(), attempt, class, error, held: false })
        };
        assert_eq!(
            failed("GET http://a/b answered 503 Service Unavailable, and not 200 OK"),
            Some(json!({ "status": 503 }))
        );
        assert_eq!(failed("http://a did not answer: operation timed out"), Some(json!({ "fails": "no_answer" })));
        assert_eq!(failed("`http.hosts` of dogwatch.yaml does not name http://a"), None);
    }
}
