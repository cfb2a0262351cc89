//! The names that conditions and texts of a run see.

use std::sync::Arc;

use serde_json::{Value, json};

use super::state::RunState;
use crate::cluster::Kinds;
use crate::language::Scope;
use crate::model::{Run, Severity, StepAddress, Target};

/// What stays the same for a whole run.
#[derive(Debug, Clone)]
pub struct Frame {
    pub run: Run,
    /// The run's alert as its playbook sees it.
    pub alert: Value,
    pub incident_title: String,
    pub severity: Severity,
    /// The most bytes that one output may be on the log, as JSON: more fails the step, as half could decide otherwise.
    pub output_limit: usize,
    /// As [`super::EngineOptions::mark`].
    pub mark: String,
    /// As the cluster has told of them.
    pub kinds: Arc<Kinds>,
}

impl Frame {
    /// What a step is about: the run's target, or that of the item for which it is done.
    pub fn target<'s>(&'s self, state: &'s RunState, step: &StepAddress) -> &'s Target {
        state.item(step).map_or(&self.run.target, |item| item.target_or(&self.run.target))
    }

    /// What a step sees: `alert`, `target`, `inputs`, `incident`, `run`, the outputs of the steps so
    /// far, and what became of the loops behind which it stands. In a loop, what is of its item.
    pub fn scope(&self, state: &RunState, step: &StepAddress) -> Scope {
        let mut scope = state.outputs.clone();
        let around = state.around(step);
        for listed in state.loops.iter().filter(|listed| around.is_none_or(|around| around.address != listed.address)) {
            if let Some(id) = listed.address.id() {
                scope.insert(id.to_owned(), listed.output());
            }
        }
        if let Some(around) = around {
            match state.item(step) {
                Some(item) => {
                    scope.extend(item.outputs.clone());
                    scope.insert(around.item.clone(), item.value.clone());
                }
                None => scope.extend(around.guard.clone()),
            }
        }
        scope.insert("alert".into(), self.alert.clone());
        scope.insert("inputs".into(), Value::Object(self.run.inputs.clone()));
        scope.insert("target".into(), state.object_of(step).map_or(Value::Null, |object| object.0.clone()));
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
