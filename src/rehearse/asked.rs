//! A run that somebody asks what it would do: it stands in no store.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::engine::Frame;
use crate::model::{Autonomy, IncidentId, Run, RunId};
use crate::playbook::Playbook;

/// The run with what was given: inputs, and the target's names where an alert would say them.
///
/// # Errors
/// All that is wrong with the inputs, a line each; or why there is no target.
pub fn asked_run(
    playbook: &Playbook,
    given: &BTreeMap<String, String>,
    now: DateTime<Utc>,
    output_limit: usize,
) -> Result<Frame, Vec<String>> {
    let (target, inputs) = playbook.subject_without_alert(given)?;
    let run = Run {
        id: RunId(0),
        incident: IncidentId(0),
        playbook: playbook.reference.clone(),
        target,
        inputs,
        alert: json!({ "name": "", "labels": given, "annotations": {} }),
        alert_waited: None,
        autonomy: Autonomy::Suggest,
        requested_by: None,
        pins: Vec::new(),
        handed_over: 0,
        outcome: None,
        because: None,
        created_at: now,
        ended_at: None,
    };
    Ok(Frame {
        alert: run.alert.clone(),
        run,
        incident_title: playbook.summary.clone(),
        severity: playbook.severity,
        output_limit,
        mark: String::new(),
        kinds: playbook.kinds.clone(),
    })
}
