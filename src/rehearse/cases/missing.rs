//! The cases that a playbook needs besides one for each branch: a lost answer for each change, and
//! an answer without samples.

use std::collections::BTreeSet;
use std::fmt;

use super::branches::WayAt;
use crate::action::Action;
use crate::model::{Phase, RunEvent, StepAddress};
use crate::playbook::{Playbook, Step, StepKind};

/// What no case shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The change is made, and its answer never comes.
    LostAnswer(StepAddress),
    /// Prometheus has no samples.
    NoSamples,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::LostAnswer(step) => write!(f, "{step}: its answer is lost (`faults`: `answer_lost`)"),
            Missing::NoSamples => f.write_str("Prometheus has no samples (`answers: [null]`)"),
        }
    }
}

/// What one case of a playbook has shown, or several taken together.
#[derive(Debug, Default)]
pub struct Shown {
    pub branches: BTreeSet<WayAt>,
    pub doubted: BTreeSet<StepAddress>,
    pub had_no_samples: bool,
}

impl Shown {
    pub fn add(&mut self, other: Self) {
        self.branches.extend(other.branches);
        self.doubted.extend(other.doubted);
        self.had_no_samples |= other.had_no_samples;
    }
}

/// What none of them has shown.
pub fn missing(playbook: &Playbook, shown: &Shown) -> Vec<Missing> {
    let steps: Vec<&Step> =
        [Phase::Diagnose, Phase::Mitigate].into_iter().flat_map(|phase| playbook.steps(phase)).collect();
    let changes = steps.iter().filter(|step| matches!(step.kind, StepKind::Action(Action::Mutate(_))));
    let lost = changes.filter(|step| !shown.doubted.contains(&step.address));
    let mut found: Vec<Missing> = lost.map(|step| Missing::LostAnswer(step.address.clone())).collect();
    if !shown.had_no_samples && steps.iter().any(|step| asks_prometheus(step)) {
        found.push(Missing::NoSamples);
    }
    found
}

fn asks_prometheus(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Action(action) if action.describe().query().is_some())
}

/// The changes that were begun, and not simply answered.
pub fn doubted<'a>(log: impl IntoIterator<Item = &'a RunEvent>) -> BTreeSet<StepAddress> {
    let mut begun = None;
    let mut found = BTreeSet::new();
    for event in log {
        match event {
            RunEvent::Started { step, .. } => begun = Some(step),
            RunEvent::Done { step, recovered: false, .. } if begun == Some(step) => begun = None,
            RunEvent::Done { step, .. } | RunEvent::Failed { step, .. } if begun == Some(step) => {
                found.insert(step.for_all());
                begun = None;
            }
            _ => {}
        }
    }
    found
}
