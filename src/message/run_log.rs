//! A run with its log, for programs: what a case is made of.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::model::{Run, RunEvent, redact_value};

/// The run and its records, in order: `{ "run": ..., "log": [{ "at": ..., "event": ... }] }`. Times
/// are RFC 3339, in UTC.
pub fn run_log_json(run: &Run, log: &[(DateTime<Utc>, RunEvent)]) -> String {
    let log: Vec<Value> = log.iter().map(|(at, event)| json!({ "at": at, "event": event })).collect();
    let mut document = json!({ "run": run, "log": log });
    // An older version may have written something down in clear.
    redact_value(&mut document);
    format!("{document:#}")
}
