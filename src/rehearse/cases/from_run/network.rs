//! What the network looked like, by what was asked.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::{Asked, Recorded, RecordedRun, action_of};
use crate::action::Describe;
use crate::model::RunEvent;
use crate::playbook::Playbook;

/// One entry for each thing that was asked, with its answers in order.
pub(super) fn of(recorded: &RecordedRun, playbook: &Playbook) -> Vec<Value> {
    let begin = recorded.log.first().map(|first| first.at).unwrap_or_default();
    let mut asked = Asked(Vec::new());
    for Recorded { at, event } in &recorded.log {
        let RunEvent::Read { step, output, summary } = event else { continue };
        let answered = match action_of(playbook, step).map(Describe::name) {
            Some("dns.lookup") => {
                summary.split_once(": ").map(|(question, _)| (question.to_owned(), name_server(output)))
            }
            Some("tcp.connect") => first_word(summary).map(|endpoint| (format!("tcp {endpoint}"), port(output))),
            Some("tls.inspect") => summary
                .strip_prefix("the certificate of ")
                .and_then(first_word)
                .map(|endpoint| (format!("tls {endpoint}"), certificate(output, *at - begin))),
            _ => None,
        };
        if let Some((what, answer)) = answered {
            asked.add(what, answer);
        }
    }
    asked.0.into_iter().map(|(asked, answers)| json!({ "asked": asked, "answers": answers })).collect()
}

fn first_word(text: &str) -> Option<&str> {
    text.split_whitespace().next()
}

/// Without an answer: whether nobody listened or nothing came, the words tell.
fn fails(output: &Value) -> Value {
    let is_refused = output.get("why").and_then(Value::as_str).is_some_and(|why| why.ends_with("refuses connections"));
    json!({ "fails": if is_refused { "refused" } else { "no_answer" } })
}

fn name_server(output: &Value) -> Value {
    if output.get("answered") != Some(&Value::Bool(true)) {
        return fails(output);
    }
    keep(output, &["code", "records", "ttl"])
}

fn port(output: &Value) -> Value {
    if output.get("open") == Some(&Value::Bool(true)) { json!({ "open": true }) } else { fails(output) }
}

/// `passed`: since the run began, from which a case counts.
fn certificate(output: &Value, passed: TimeDelta) -> Value {
    let mut shown = keep(output, &["names", "subject", "issuer", "why"]);
    let left = output.get("days_left").and_then(Value::as_f64).unwrap_or_default();
    // To the second, as it is read again.
    let seconds = (left * 86_400.0 + passed.as_seconds_f64()).round();
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("days_left".into(), json!(seconds / 86_400.0));
    }
    json!({ "certificate": shown })
}

/// Those fields of it, where they say something.
fn keep(output: &Value, fields: &[&str]) -> Value {
    let says = |value: &&Value| !matches!(value, Value::Null) && value.as_array().is_none_or(|list| !list.is_empty());
    let kept = fields.iter().filter_map(|field| Some(((*field).to_owned(), output.get(field).filter(says)?.clone())));
    Value::Object(kept.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_is_what_a_case_answers() {
        let told = name_server(&json!({ "answered": true, "code": "NXDOMAIN", "records": [], "seconds": 0.1 }));
        assert_eq!(told, json!({ "code": "NXDOMAIN" }));
        let silent = json!({ "answered": false, "why": "10.0.0.1:53 did not answer: nothing came within 5s" });
        assert_eq!(name_server(&silent), json!({ "fails": "no_answer" }));
        assert_eq!(
            port(&json!({ "open": false, "why": "db.svc:1 refuses connections" })),
            json!({ "fails": "refused" })
        );
        assert_eq!(port(&json!({ "open": true, "address": "10.0.0.1:1" })), json!({ "open": true }));
        let shown = json!({ "days_left": 2.0, "names": ["a"], "subject": "CN=a", "issuer": "CN=b", "trusted": true });
        assert_eq!(
            certificate(&shown, TimeDelta::hours(12)),
            json!({ "certificate": { "days_left": 2.5, "names": ["a"], "subject": "CN=a", "issuer": "CN=b" } })
        );
    }
}
