//! What the desk cannot answer from the store alone: what a run would do, and the shift so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::watch;

use crate::action::World;
use crate::chat::{Handoffs, Previews};
use crate::engine::{Frame, rehearse};
use crate::handoff::Reporter;
use crate::message::{preview_text, timeline_lines};
use crate::model::{Autonomy, IncidentId, Run, RunId};
use crate::playbook::Catalog;
use crate::store::{TimelineEntry, TimelineWhat};

/// Diagnoses on the live cluster and shows the mitigation, with nothing changed and nothing written.
pub struct LivePreviews {
    world: World,
    catalog: watch::Receiver<Arc<Catalog>>,
    output_limit: usize,
}

impl LivePreviews {
    pub fn new(world: World, catalog: watch::Receiver<Arc<Catalog>>, output_limit: usize) -> Self {
        Self { world, catalog, output_limit }
    }
}

#[async_trait]
impl Previews for LivePreviews {
    async fn preview(&self, playbook: &str, set: &BTreeMap<String, String>) -> Result<String, String> {
        let catalog = self.catalog.borrow().clone();
        let Some(playbook) = catalog.get(playbook) else {
            let known: Vec<&str> = catalog.iter().map(|playbook| playbook.name.as_str()).collect();
            return Err(format!("there is no playbook `{playbook}`; there are: {}", known.join(", ")));
        };
        let inputs = playbook
            .inputs_for(None, set)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        let target = playbook.target_for(None, &inputs, set).map_err(|error| error.to_string())?;
        let now = self.world.clock.now();
        let run = Run {
            id: RunId(0),
            incident: IncidentId(0),
            playbook: playbook.reference.clone(),
            target: target.clone(),
            inputs,
            alert: json!({ "name": "", "labels": set, "annotations": {} }),
            autonomy: Autonomy::Suggest,
            requested_by: None,
            outcome: None,
            because: None,
            created_at: now,
            ended_at: None,
        };
        let frame = Frame {
            run,
            incident_title: playbook.summary.clone(),
            severity: playbook.severity,
            output_limit: self.output_limit,
            mark: String::new(),
        };
        let rehearsal = rehearse(&self.world, playbook, &frame).await;
        let timeline: Vec<TimelineEntry> = rehearsal
            .events
            .into_iter()
            .map(|event| TimelineEntry { at: now, what: TimelineWhat::Run(RunId(0), event) })
            .collect();
        let mut text = format!("{} on {target}; nothing is changed\n", playbook.reference);
        for line in timeline_lines(&timeline) {
            text.push_str(&line);
            text.push('\n');
        }
        match (rehearsal.preview, rehearsal.end) {
            (Some(preview), _) => text.push_str(&format!("It would:\n{}", preview_text(&preview))),
            (None, Some((outcome, because))) => text.push_str(&format!("It would end: {outcome}: {because}")),
            (None, None) => text.push_str("It would do nothing"),
        }
        Ok(text)
    }
}

/// The reports of the shifts under way.
pub struct ShiftReports(pub Reporter);

#[async_trait]
impl Handoffs for ShiftReports {
    async fn so_far(&self) -> Result<String, String> {
        self.0.so_far().await.map_err(|error| error.to_string())
    }
}
