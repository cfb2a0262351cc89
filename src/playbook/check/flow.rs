//! What a run may come to: that every change is verified, every step can be reached, and somebody is paged.

use super::Checker;
use super::blocks::BlockDraft;
use super::steps::Draft;
use crate::action::Action;
use crate::diagnostics::Code;
use crate::language::Location;
use crate::playbook::document::{Step, StepKind};

const VERIFY: &str = "add `verify: { until: ..., within: 10m }`";

/// The problem of a mutation that nobody looks after.
pub(super) fn not_verified(checker: &mut Checker<'_>, at: Location) {
    checker.error(
        Code::NoVerify,
        at,
        "the step changes something, and nothing verifies that it helped",
        Some(VERIFY.into()),
    );
}

/// In an `atomic` group, one verify at the last change is enough: the steps before it are its parts. One that may be skipped
/// proves nothing of those.
pub(super) fn group_is_verified(checker: &mut Checker<'_>, group: &[Draft], at: Location) {
    if group.is_empty() {
        checker.error(Code::NoAction, at, "an `atomic` group needs steps", None);
        return;
    }
    let steps: Vec<&Step> = group.iter().filter_map(|draft| draft.step.as_ref()).collect();
    // A step that could not be read may be the one that is verified.
    if steps.len() < group.len() {
        return;
    }
    let Some(last) = steps.iter().rposition(|step| mutates(step)) else { return };
    if steps[last].verify.is_none() {
        let message = "the `atomic` group changes something, and nothing verifies that it helped";
        checker.error(Code::NoVerify, steps[last].at, message, Some(VERIFY.into()));
        return;
    }
    let is_certain = |step: &Step| step.when.as_ref().is_none_or(|when| when.expression.constant() == Some(true));
    let certain = steps.iter().rposition(|step| step.verify.is_some() && is_certain(step));
    let unverified = steps
        .iter()
        .enumerate()
        .find(|(index, step)| mutates(step) && step.verify.is_none() && certain.is_none_or(|certain| certain < *index));
    if let Some((_, step)) = unverified {
        let message =
            "the step changes something, and the `verify` after it is skipped with its step when `when` does not hold";
        checker.error(
            Code::NoVerify,
            step.at,
            message,
            Some("take that `when` away, or give this step a `verify` too".into()),
        );
    }
}

fn mutates(step: &Step) -> bool {
    matches!(step.kind, StepKind::Action(Action::Mutate(_)))
}

/// An escalation that reaches nobody would be a silent end.
pub(super) fn somebody_is_paged(checker: &mut Checker<'_>, escalate: &[BlockDraft], at: Location, incomplete: bool) {
    // A step that could not be read may be the one that pages.
    if escalate.iter().any(pages) || (incomplete && escalate.is_empty()) {
        return;
    }
    let (message, remedy) = if escalate.is_empty() {
        (
            "the playbook does not say what happens when it cannot help: it needs `escalate`",
            "add `escalate: [ { page: { message: ... } } ]`",
        )
    } else {
        (
            "`escalate` pages nobody for certain: no step is a `page` without `when`",
            "add the step `page: { message: ... }`",
        )
    };
    checker.error(Code::NoPage, at, message, Some(remedy.into()));
}

/// Whether it pages somebody, whatever was found.
fn pages(block: &BlockDraft) -> bool {
    let is_page = |draft: &Draft| {
        draft.step.as_ref().is_none_or(|step| {
            matches!(&step.kind, StepKind::Action(Action::Tell(tell)) if tell.is_page())
                && step.when.as_ref().is_none_or(|when| when.expression.constant() == Some(true))
        })
    };
    match block {
        BlockDraft::Step(draft) => is_page(draft),
        BlockDraft::Atomic(drafts) => drafts.iter().any(is_page),
        BlockDraft::Choose(choose) => choose.branches.iter().all(|branch| branch.blocks.iter().any(pages)),
        // Its list may be empty.
        BlockDraft::ForEach(_) => false,
    }
}

/// Conditions whose answer never changes, and the steps that they cut off.
pub(super) fn everything_is_reached(checker: &mut Checker<'_>, diagnose: &[BlockDraft], mitigate: &[BlockDraft]) {
    let mut reach = Reach { checker, ended: None, is_told: false };
    reach.blocks(diagnose);
    reach.blocks(mitigate);
}

/// How far a run may come.
struct Reach<'c, 'a> {
    checker: &'c mut Checker<'a>,
    /// Why no run comes further.
    ended: Option<&'static str>,
    /// One such place is enough.
    is_told: bool,
}

impl Reach<'_, '_> {
    fn blocks(&mut self, blocks: &[BlockDraft]) {
        for block in blocks {
            match block {
                BlockDraft::Step(draft) => self.step(draft),
                BlockDraft::Atomic(drafts) => drafts.iter().for_each(|draft| self.step(draft)),
                BlockDraft::Choose(choose) => {
                    if self.is_cut_off(choose.at) {
                        return;
                    }
                    let mut each_ends = !choose.branches.is_empty();
                    for branch in &choose.branches {
                        self.blocks(&branch.blocks);
                        each_ends &= self.ended.take().is_some();
                    }
                    self.ended = each_ends.then_some("each branch of the `choose` before it ends");
                }
                // What ends an item ends no run, and the guard may always hold.
                BlockDraft::ForEach(each) => {
                    if self.is_cut_off(each.at) {
                        return;
                    }
                    for draft in &each.guard {
                        self.step(draft);
                    }
                    self.ended = None;
                    self.blocks(&each.blocks);
                    self.ended = None;
                }
            }
        }
    }

    fn is_cut_off(&mut self, at: Location) -> bool {
        let Some(because) = self.ended else { return false };
        if !self.is_told {
            self.is_told = true;
            let message = format!("this step is never reached: {because}");
            self.checker.error(
                Code::NeverReached,
                at,
                message,
                Some("leave the condition out, or the steps after it".into()),
            );
        }
        true
    }

    fn step(&mut self, draft: &Draft) {
        if self.is_cut_off(draft.at) {
            return;
        }
        let Some(step) = &draft.step else { return };
        let when = step.when.as_ref().and_then(|when| when.expression.constant());
        if when == Some(false) {
            let at = draft.when_at.unwrap_or(draft.at);
            let message = "this step never runs: its `when` is always false";
            self.checker.error(Code::NeverReached, at, message, Some("leave the step out".into()));
            return;
        }
        let unconditional = step.when.is_none() || when == Some(true);
        let at = draft.condition_at.unwrap_or(draft.at);
        let (condition, name, ends_if, ended) = match &step.kind {
            StepKind::Require(condition) => (condition, "require", false, "the `require` before it never holds"),
            StepKind::DoneIf(condition) => (condition, "done_if", true, "the `done_if` before it always holds"),
            StepKind::EscalateIf(condition) => {
                (condition, "escalate_if", true, "the `escalate_if` before it always holds")
            }
            StepKind::LeaveIf(condition) => (condition, "leave_if", true, "the `leave_if` before it always holds"),
            StepKind::Set(_) | StepKind::Wait(_) | StepKind::HandOver(_) | StepKind::Action(_) => return,
        };
        match condition.expression.constant() {
            Some(constant) if constant == ends_if && unconditional => self.ended = Some(ended),
            Some(constant) if constant != ends_if => {
                let always = if constant { "always" } else { "never" };
                let message = format!("this `{name}` {always} holds");
                self.checker.warning(Code::ConstantCondition, at, message, Some("leave it out".into()));
            }
            _ => {}
        }
    }
}
