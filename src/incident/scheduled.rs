//! What follows when the planned time of a playbook has come.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::IncidentRules;
use super::opening::incident_for_run;
use super::schedule_worker::LATEST;
use super::view::incident_about;
use super::work::{lowered, new_run, over_its_limits};
use crate::model::{HumanDuration, IncidentState, Target, to_the_minute};
use crate::playbook::{Catalog, Playbook};
use crate::store::{Change, Decision, IncidentEvent, IncidentView, NewRun, Store, StoreError, unfit_to_act_on};

/// A planned time that has come.
pub(super) struct Planned<'a> {
    pub store: &'a dyn Store,
    pub catalog: &'a Catalog,
    pub rules: &'a IncidentRules,
    pub now: DateTime<Utc>,
    pub playbook: &'a str,
    pub at: DateTime<Utc>,
}

impl Planned<'_> {
    /// Opens the run. Why it is not begun, chat is told: there is no incident that could say so.
    pub async fn decide(&self) -> Result<Decision, StoreError> {
        match self.run().await? {
            Ok(decision) => Ok(decision),
            Err(because) => {
                let (name, at) = (self.playbook, to_the_minute(self.at));
                let text = format!("{name} was not begun at its planned time\nplanned for {at}: {because}");
                tracing::warn!(playbook = name, planned = %self.at, because, "a planned run is not begun");
                self.store.announce(&text, true).await?;
                Ok(Decision::default())
            }
        }
    }

    async fn run(&self) -> Result<Result<Decision, String>, StoreError> {
        let late = self.now - self.at;
        if late > LATEST {
            let late = HumanDuration(late.to_std().unwrap_or_default());
            return Ok(Err(format!(
                "nobody was there to begin it for {late}, and what is an hour late is not made up for"
            )));
        }
        let Some(playbook) = self.catalog.get(self.playbook) else {
            let why = self.catalog.why_disabled(self.playbook).map(|why| format!("the playbook is {why}"));
            return Ok(Err(why.unwrap_or_else(|| "there is no such playbook any more".into())));
        };
        let nothing = BTreeMap::new();
        let (target, inputs) = match playbook.subject_without_alert(&nothing) {
            Ok(subject) => subject,
            Err(problems) => return Ok(Err(problems.join("; "))),
        };
        if let Some(because) = unfit_to_act_on(&target, &Value::Object(inputs.clone())) {
            return Ok(Err(because));
        }
        let windows = self.store.windows_at(self.now).await?;
        if let Some(window) = windows.iter().find(|window| window.scope.covers_run(None, &nothing, &target)) {
            return Ok(Err(format!("the maintenance window {} covers {target}", window.id)));
        }
        let since = self.now - playbook.limits.of_target().look_back();
        let history = self.store.run_history(&playbook.name, &target.key(), since).await?;
        if let Some(because) = over_its_limits(&playbook.limits, &history, self.now) {
            return Ok(Err(because));
        }
        let runs = self.store.runs_under_way().await?;
        if let Some(run) = runs.iter().find(|run| run.target.key() == target.key()) {
            return Ok(Err(format!("{} of {} is at work on {target}", run.id, run.playbook.name)));
        }
        let known = incident_about(self.store, &target).await?;
        let known = known.filter(|view| view.incident.state != IncidentState::Resolved);
        if let Some(by) = known.as_ref().and_then(|view| view.taken_by.as_ref()) {
            return Ok(Err(format!("{by} works on {target} by hand")));
        }
        Ok(Ok(self.begin(playbook, target, inputs, known.as_ref())))
    }

    fn begin(
        &self,
        playbook: &Playbook,
        target: Target,
        inputs: Map<String, Value>,
        known: Option<&IncidentView>,
    ) -> Decision {
        let mut changes = Vec::new();
        let planned = self.at.format("%H:%M UTC").to_string();
        // A run stands in an incident. This one is over with the run, unless that needs a human.
        let because = || format!("{} was planned for {planned}; no alert fires", playbook.name);
        let incident = incident_for_run(&mut changes, playbook, &target, known, because);
        let autonomy = match lowered(self.rules, playbook, &target, playbook.autonomy) {
            Some((lowered, text)) => {
                changes.push(Change::Note { incident, event: IncidentEvent::Remark { text } });
                lowered
            }
            None => playbook.autonomy,
        };
        let alert = json!({
            "name": "", "labels": {}, "annotations": {}, "planned_at": self.at.to_rfc3339(),
        });
        let because = format!("it was planned for {planned}");
        let run = NewRun { alert, because, ..new_run(playbook, target, inputs, autonomy) };
        changes.push(Change::OpenRun { incident, run: Box::new(run) });
        Decision { changes, reply: None }
    }
}
