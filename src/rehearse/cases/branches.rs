//! The ways through a playbook, and which of them a run took.

use std::collections::BTreeSet;
use std::fmt;

use crate::action::Action;
use crate::model::{ConditionKind, Look, Phase, RunEvent, StepAddress};
use crate::playbook::{Block, Playbook, Step, StepKind};

/// One way that a run can take at a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WayAt {
    pub step: StepAddress,
    pub way: Way,
}

/// What happens at the step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Done,
    NotMet,
    Escalates,
    /// The branch of that name.
    Chosen(String),
    Skipped,
    Made,
    Proved,
    GivenUp,
}

impl fmt::Display for WayAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.way {
            Way::Chosen(branch) => return write!(f, "{}: it is `{branch}`", self.step),
            Way::Escalates => "its escalate_if holds",
            Way::Done => "its done_if holds",
            Way::NotMet => "its require is not met",
            Way::Skipped => "its when does not hold",
            Way::Made => "it changes something",
            Way::Proved => "its verify proves it",
            Way::GivenUp => "its verify gives up",
        };
        write!(f, "{}: {what}", self.step)
    }
}

/// All branches of a playbook, in the order of its steps. The escalation has none: it is what the others lead to.
pub fn branches(playbook: &Playbook) -> Vec<WayAt> {
    let mut found = Vec::new();
    for phase in [Phase::Diagnose, Phase::Mitigate] {
        of_blocks(playbook.blocks(phase), &mut found);
    }
    found
}

fn of_blocks(blocks: &[Block], found: &mut Vec<WayAt>) {
    for block in blocks {
        if let Block::Choose(choose) = block {
            for branch in &choose.branches {
                found.push(WayAt { step: choose.address.clone(), way: Way::Chosen(branch.name.clone()) });
                of_blocks(&branch.blocks, found);
            }
            continue;
        }
        for step in block.steps() {
            found.extend(ways(step).into_iter().map(|way| WayAt { step: step.address.clone(), way }));
        }
    }
}

fn ways(step: &Step) -> Vec<Way> {
    let mut ways = Vec::new();
    if step.when.is_some() {
        ways.push(Way::Skipped);
    }
    match &step.kind {
        // How a branch ends is what its name says.
        StepKind::DoneIf(condition) | StepKind::EscalateIf(condition)
            if condition.expression.constant() == Some(true) => {}
        StepKind::DoneIf(_) => ways.push(Way::Done),
        StepKind::Require(_) => ways.push(Way::NotMet),
        StepKind::EscalateIf(_) => ways.push(Way::Escalates),
        StepKind::Action(Action::Mutate(_)) => ways.push(Way::Made),
        StepKind::Action(Action::Read(_) | Action::Tell(_)) | StepKind::Set(_) | StepKind::Wait(_) => {}
    }
    if step.verify.is_some() {
        ways.extend([Way::Proved, Way::GivenUp]);
    }
    ways
}

/// The branches that a run took, by its log.
pub fn taken<'a>(log: impl IntoIterator<Item = &'a RunEvent>) -> BTreeSet<WayAt> {
    let mut found = BTreeSet::new();
    let mut verifying = None;
    for event in log {
        let (step, way) = match event {
            RunEvent::Checked { step, condition: ConditionKind::DoneIf, held: true, .. } => (step, Way::Done),
            RunEvent::Checked { step, condition: ConditionKind::Require, held: false, .. } => (step, Way::NotMet),
            RunEvent::Checked { step, condition: ConditionKind::When, held: false, .. } => (step, Way::Skipped),
            RunEvent::Checked { step, condition: ConditionKind::EscalateIf, held: true, .. } => (step, Way::Escalates),
            RunEvent::Chosen { step, branch, .. } => (step, Way::Chosen(branch.clone())),
            RunEvent::Done { step, .. } => (step, Way::Made),
            RunEvent::Looked { step, verdict: Look::Good, .. } => {
                verifying = None;
                (step, Way::Proved)
            }
            RunEvent::Verifying { step, .. } => {
                verifying = Some(step);
                continue;
            }
            RunEvent::Entered { phase: Phase::Escalate, .. } => match verifying.take() {
                Some(step) => (step, Way::GivenUp),
                None => continue,
            },
            _ => continue,
        };
        found.insert(WayAt { step: step.clone(), way });
    }
    found
}
