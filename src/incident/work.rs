//! What runs are at work for an incident, and whether one more is begun.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Target;
use crate::playbook::Playbook;
use crate::store::IncidentView;

/// What is done for an incident already.
#[derive(Default)]
pub(super) struct Work {
    /// Why nothing is begun on any target.
    stopped: Option<String>,
    /// Which run is at work on each target.
    at_work: BTreeMap<String, String>,
    /// On which targets runs were opened lately.
    targets: BTreeSet<String>,
}

impl Work {
    pub fn of(known: Option<&IncidentView>, is_late: bool) -> Self {
        let Some(view) = known else { return Self::default() };
        let at_work = view.runs.iter().map(|run| (run.target_key.clone(), format!("{} of {}", run.id, run.playbook)));
        Self {
            stopped: is_late.then(|| "its alert began before the incident was mitigated".to_owned()),
            at_work: at_work.collect(),
            targets: view.recent_targets.iter().cloned().collect(),
        }
    }

    /// Why no run is begun on the target. `most`: on so many targets of one incident.
    pub fn why_not(&self, target: &Target, most: usize) -> Option<String> {
        let key = target.key();
        // The second one would diagnose what the first one is changing, and then wait for its lock.
        if let Some(run) = self.at_work.get(&key) {
            let why = format!("{run} is at work for this incident, and two at once would work against each other");
            return Some(why);
        }
        if self.stopped.is_some() {
            return self.stopped.clone();
        }
        (!self.targets.contains(&key) && self.targets.len() >= most).then(|| {
            format!(
                "runs on {most} targets in an hour show whether it helps, and what does not is not done to more of them"
            )
        })
    }

    pub fn begins(&mut self, playbook: &Playbook, target: &Target) {
        self.at_work.insert(target.key(), format!("a run of {}", playbook.name));
        self.targets.insert(target.key());
    }
}
