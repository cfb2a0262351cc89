//! The ways through a playbook, and which of them a run took.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::action::Action;
use crate::model::{ConditionKind, ItemKey, ItemOutcome, Look, Phase, RunEvent, StepAddress, Undo};
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
    /// Of an item of a loop.
    Leaves,
    NotMet,
    Escalates,
    /// The branch of that name.
    Chosen(String),
    Skipped,
    /// Of a read that may fail.
    NoAnswer,
    /// Of a read that is repeated.
    Held,
    TimeIsOver,
    Made,
    Proved,
    GivenUp,
    /// Of a change with `undo`.
    TakenBack,
    /// Of a loop: each item was done, or as wanted already.
    AllDone,
    /// Of a loop: one failed, or did not begin.
    Stopped,
    /// Of a loop: an item was not to be touched.
    LeftAlone,
    /// Of a loop: its list was empty.
    NoItems,
}

impl fmt::Display for WayAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.way {
            Way::Chosen(branch) => return write!(f, "{}: it is `{branch}`", self.step),
            Way::Escalates => "its escalate_if holds",
            Way::Done => "its done_if holds",
            Way::Leaves => "its leave_if holds",
            Way::NotMet => "its require is not met",
            Way::Skipped => "its when does not hold",
            Way::NoAnswer => "it fails, and the run goes on without its answer",
            Way::Held => "its watch holds",
            Way::TimeIsOver => "the time of its watch is over",
            Way::Made => "it changes something",
            Way::Proved => "its verify proves it",
            Way::GivenUp => "its verify gives up",
            Way::TakenBack => "its change is taken back",
            Way::AllDone => "all of its items are done",
            Way::Stopped => "it stops at an item that fails",
            Way::LeftAlone => "an item is left alone, as somebody holds it or it is gone",
            Way::NoItems => "its list is empty",
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
        match block {
            Block::Step(step) => of_step(step, found),
            Block::Atomic(steps) => steps.iter().for_each(|step| of_step(step, found)),
            Block::Choose(choose) => {
                for branch in &choose.branches {
                    found.push(WayAt { step: choose.address.clone(), way: Way::Chosen(branch.name.clone()) });
                    of_blocks(&branch.blocks, found);
                }
            }
            Block::ForEach(each) => {
                let ways = [Way::AllDone, Way::Stopped, Way::LeftAlone, Way::NoItems];
                // What only looks is held by nobody, and what a `leave_if` leaves alone is its own
                // way.
                let ways = ways.into_iter().filter(|way| *way != Way::LeftAlone || each.changes());
                found.extend(ways.map(|way| WayAt { step: each.address.clone(), way }));
                each.guard.iter().for_each(|step| of_step(step, found));
                of_blocks(&each.blocks, found);
            }
        }
    }
}

fn of_step(step: &Step, found: &mut Vec<WayAt>) {
    found.extend(ways(step).into_iter().map(|way| WayAt { step: step.address.clone(), way }));
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
        StepKind::LeaveIf(_) => ways.push(Way::Leaves),
        StepKind::Require(_) => ways.push(Way::NotMet),
        StepKind::EscalateIf(_) => ways.push(Way::Escalates),
        StepKind::Action(Action::Mutate(_)) => ways.push(Way::Made),
        StepKind::Action(Action::Read(_)) if step.goes_on_without => ways.push(Way::NoAnswer),
        StepKind::Action(Action::Read(_) | Action::Tell(_))
        | StepKind::Set(_)
        | StepKind::Wait(_)
        | StepKind::HandOver(_) => {}
    }
    if step.watch.is_some() {
        ways.extend([Way::Held, Way::TimeIsOver]);
    }
    if step.verify.is_some() {
        ways.extend([Way::Proved, Way::GivenUp]);
    }
    if step.undo != Undo::Never {
        ways.push(Way::TakenBack);
    }
    ways
}

/// The branches that a run took, by its log. A step of a loop took what it took for any item.
pub fn taken<'a>(log: impl IntoIterator<Item = &'a RunEvent>) -> BTreeSet<WayAt> {
    let mut found = BTreeSet::new();
    // Which step waits for its verify: of the run, or of an item.
    let mut verifying: BTreeMap<&[ItemKey], &StepAddress> = BTreeMap::new();
    let mut left: BTreeMap<StepAddress, usize> = BTreeMap::new();
    for event in log {
        let (step, way) = match event {
            RunEvent::Checked { step, condition: ConditionKind::DoneIf, held: true, .. } => (step, Way::Done),
            RunEvent::Checked { step, condition: ConditionKind::LeaveIf, held: true, .. } => (step, Way::Leaves),
            RunEvent::Checked { step, condition: ConditionKind::Require, held: false, .. } => (step, Way::NotMet),
            RunEvent::Checked { step, condition: ConditionKind::When, held: false, .. } => (step, Way::Skipped),
            RunEvent::Checked { step, condition: ConditionKind::EscalateIf, held: true, .. } => (step, Way::Escalates),
            RunEvent::Chosen { step, branch, .. } => (step, Way::Chosen(branch.clone())),
            RunEvent::ReadFailed { step, .. } => (step, Way::NoAnswer),
            // Of a read that is not repeated, this is no way.
            RunEvent::Read { step, output, .. } => match output.get("held").and_then(Value::as_bool) {
                Some(true) => (step, Way::Held),
                Some(false) => (step, Way::TimeIsOver),
                None => continue,
            },
            RunEvent::Done { step, .. } if step.is_undo() => (step, Way::TakenBack),
            RunEvent::Done { step, .. } => (step, Way::Made),
            RunEvent::Looked { step, verdict: Look::Good, .. } => {
                verifying.remove(step.items());
                (step, Way::Proved)
            }
            RunEvent::Verifying { step, .. } => {
                verifying.insert(step.items(), step);
                continue;
            }
            RunEvent::Listed { step, items, .. } if items.is_empty() => (step, Way::NoItems),
            RunEvent::Listed { step, items, .. } => {
                left.insert(step.clone(), items.len());
                continue;
            }
            RunEvent::ItemEnded { step, outcome, .. } => {
                let given_up = verifying.remove(step.items());
                if *outcome != ItemOutcome::Failed {
                    left.entry(step.for_all()).and_modify(|left| *left = left.saturating_sub(1));
                }
                match (outcome, given_up) {
                    (ItemOutcome::Done | ItemOutcome::Unneeded, _) => continue,
                    (ItemOutcome::LeftAlone, _) => (step, Way::LeftAlone),
                    (ItemOutcome::Failed, Some(step)) => (step, Way::GivenUp),
                    (ItemOutcome::Failed, None) => continue,
                }
            }
            RunEvent::Entered { phase: Phase::Escalate, .. } => match verifying.remove([].as_slice()) {
                Some(step) => (step, Way::GivenUp),
                None => continue,
            },
            _ => continue,
        };
        found.insert(WayAt { step: step.of_step().for_all(), way });
    }
    for (step, left) in left {
        let is_held = found.contains(&WayAt { step: step.clone(), way: Way::LeftAlone });
        match left {
            0 if is_held => {}
            0 => drop(found.insert(WayAt { step, way: Way::AllDone })),
            _ => drop(found.insert(WayAt { step, way: Way::Stopped })),
        }
    }
    found
}
