//! What follows when the planned time of a playbook has come.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::IncidentRules;
use super::schedule_worker::LATEST;
use super::view::look_back;
use super::work::{lowered, over_its_limits};
use crate::model::{Grouping, HumanDuration, IncidentState, Origin, Target};
use crate::playbook::{Catalog, Playbook};
use crate::store::{
    Change, Decision, IncidentEvent, IncidentRef, IncidentView, NewIncident, NewRun, Store, StoreError, unfit_to_act_on,
};

/// A planned time that has come.
pub(super) struct Planned<'a> {
    pub store: &'a dyn Store,
    pub catalog: Arc<Catalog>,
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
                let (name, at) = (self.playbook, self.at.format("%Y-%m-%d %H:%M UTC"));
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
            return Ok(Err("there is no such playbook any more".into()));
        };
        let nothing = BTreeMap::new();
        let inputs = match playbook.inputs_for(None, &nothing) {
            Ok(inputs) => inputs,
            Err(problems) => {
                return Ok(Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")));
            }
        };
        let target = match playbook.target_for(None, &self.rules.labels, &inputs, &nothing) {
            Ok(target) => target,
            Err(problem) => return Ok(Err(problem.to_string())),
        };
        if let Some(because) = unfit_to_act_on(&target, &serde_json::Value::Object(inputs.clone())) {
            return Ok(Err(because));
        }
        let windows = self.store.windows_at(self.now).await?;
        if let Some(window) = windows.iter().find(|window| window.scope.covers_run(None, &nothing, &target)) {
            return Ok(Err(format!("the maintenance window {} covers {target}", window.id)));
        }
        let since = self.now - look_back(playbook);
        let history = self.store.run_history(&playbook.name, &target.key(), since).await?;
        if let Some(because) = over_its_limits(&playbook.limits, &history, self.now) {
            return Ok(Err(because));
        }
        let known = self.incident_of(&target).await?;
        if let Some(by) = known.as_ref().and_then(|view| view.taken_by.as_ref()) {
            return Ok(Err(format!("{by} works on {target} by hand")));
        }
        let inputs = serde_json::Value::Object(inputs);
        Ok(Ok(self.begin(playbook, target, inputs, known.as_ref())))
    }

    async fn incident_of(&self, target: &Target) -> Result<Option<IncidentView>, StoreError> {
        let key = Grouping::Object { object: target.clone(), origin: Origin::Home }.key();
        let known = match self.store.incidents_by_object(&[&key]).await?.remove(&key) {
            Some(id) => self.store.incident_views(&[id]).await?.pop(),
            None => self.store.incidents_by_grouping(&[&key]).await?.remove(&key),
        };
        Ok(known.filter(|view| view.incident.state != IncidentState::Resolved))
    }

    fn begin(
        &self,
        playbook: &Playbook,
        target: Target,
        inputs: serde_json::Value,
        known: Option<&IncidentView>,
    ) -> Decision {
        let mut changes = Vec::new();
        let planned = self.at.format("%H:%M UTC").to_string();
        let incident = match known {
            Some(view) => IncidentRef::Existing(view.incident.id),
            // A run stands in an incident. This one is over with the run, unless that needs a human.
            None => {
                changes.push(Change::OpenIncident(NewIncident {
                    grouping: Grouping::Object { object: target.clone(), origin: Origin::Home },
                    gathers: Vec::new(),
                    shares: Vec::new(),
                    title: format!("{}: {target}", playbook.summary),
                    severity: playbook.severity,
                    target: Some(target.clone()),
                    team: playbook.owner.clone(),
                    playbook: Some(playbook.name.clone()),
                }));
                let incident = IncidentRef::New(0);
                let because = format!("{} was planned for {planned}; no alert fires", playbook.name);
                changes.push(Change::Note { incident, event: IncidentEvent::Opened { because } });
                incident
            }
        };
        let autonomy = match lowered(self.rules, playbook, &target, playbook.autonomy) {
            Some((lowered, text)) => {
                changes.push(Change::Note { incident, event: IncidentEvent::Remark { text } });
                lowered
            }
            None => playbook.autonomy,
        };
        let alert = serde_json::json!({
            "name": "", "labels": {}, "annotations": {}, "planned_at": self.at.to_rfc3339(),
        });
        let run = NewRun {
            playbook: playbook.reference.clone(),
            playbook_source: playbook.source.to_string(),
            target,
            inputs: inputs.as_object().cloned().unwrap_or_default(),
            alert,
            alert_waited: None,
            autonomy,
            requested_by: None,
            pins: Vec::new(),
            handed_over: 0,
            because: format!("it was planned for {planned}"),
        };
        changes.push(Change::OpenRun { incident, run: Box::new(run) });
        Decision { changes, reply: None }
    }
}
