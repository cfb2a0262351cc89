//! The fields that steps change where the bot's configuration says whether they may.

use super::{Block, Playbook, Step, StepKind};
use crate::action::FieldPath;
use crate::diagnostics::{Code, Diagnostic, SourceText};
use crate::model::Phase;

impl Playbook {
    /// The steps that change a field with which `why_wrong` finds fault, given the kind of its
    /// object.
    pub fn wrong_fields(&self, why_wrong: impl Fn(&str, &FieldPath) -> Option<String>) -> Vec<Diagnostic> {
        let source = SourceText { path: &self.path, text: &self.source };
        let kinds: Vec<&str> = self.target.kinds.iter().map(|target| target.kind.as_str()).collect();
        let mut wrong = Vec::new();
        for phase in [Phase::Diagnose, Phase::Mitigate, Phase::Escalate] {
            of_blocks(self.blocks(phase), &kinds, &mut |step, kinds| {
                let StepKind::Action(action) = &step.kind else { return };
                let Some(field) = action.describe().patched() else { return };
                let why = kinds.iter().find_map(|kind| why_wrong(kind, field));
                wrong.extend(why.map(|why| source.error(Code::FieldNotAllowed, step.at, why)));
            });
        }
        wrong
    }
}

/// Each step, with the kinds of which its target may be.
fn of_blocks<'p>(blocks: &'p [Block], kinds: &[&'p str], each: &mut dyn FnMut(&'p Step, &[&'p str])) {
    for block in blocks {
        match block {
            Block::Step(step) => each(step, kinds),
            Block::Atomic(steps) => steps.iter().for_each(|step| each(step, kinds)),
            Block::Choose(choose) => choose.branches.iter().for_each(|branch| of_blocks(&branch.blocks, kinds, each)),
            Block::ForEach(items) => {
                items.guard.iter().for_each(|step| each(step, kinds));
                let own = items.target.as_ref().map(|target| target.kind.as_str());
                of_blocks(&items.blocks, own.as_ref().map_or(kinds, std::slice::from_ref), each);
            }
        }
    }
}
