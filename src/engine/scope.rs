//! The names that conditions and texts of a run see.

use serde_json::{Value, json};

use super::state::RunState;
use crate::language::Scope;
use crate::model::{Run, Severity};

/// What stays the same for a whole run.
#[derive(Debug, Clone)]
pub struct Frame {
    pub run: Run,
    pub incident_title: String,
    pub severity: Severity,
    /// The most bytes that one output may be on the log, as JSON: more fails the step, as half could decide otherwise.
    pub output_limit: usize,
    /// As [`super::EngineOptions::mark`].
    pub mark: String,
}

impl Frame {
    /// `alert`, `target`, `inputs`, `incident`, `run`, and the outputs of the steps so far.
    pub fn scope(&self, state: &RunState) -> Scope {
        let mut scope = state.outputs.clone();
        scope.insert("alert".into(), self.run.alert.clone());
        scope.insert("inputs".into(), Value::Object(self.run.inputs.clone()));
        scope.insert("target".into(), state.object.as_ref().map_or(Value::Null, |object| object.0.clone()));
        scope.insert(
            "incident".into(),
            json!({
                "id": self.run.incident.to_string(),
                "title": self.incident_title,
                "severity": self.severity.to_string(),
            }),
        );
        scope.insert("run".into(), json!({ "id": self.run.id.to_string(), "playbook": self.run.playbook.name }));
        scope
    }
}
