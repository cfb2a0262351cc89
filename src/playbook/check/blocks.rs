//! The tree: groups, branches, and the steps within.

use std::borrow::Cow;

use super::each::EachDraft;
use super::names::{Inside, Names, group, is_loop};
use super::steps::{Draft, Spot, one};
use super::{Checker, approval, flow, missing, reasons};
use crate::diagnostics::Code;
use crate::language::{Expression, Location};
use crate::model::{Phase, StepAddress, redact};
use crate::playbook::document::{Block, Branch, Choose};
use crate::playbook::load::{Does, RawBranch, RawStep, Text, What, place};

/// How deep blocks may stand within each other.
const DEEPEST: usize = 4;
/// So many branches are still an answer to one question.
const MOST_BRANCHES: usize = 12;
/// The longest name of a branch, in characters: it is told in one line with others.
const LONGEST_NAME: usize = 60;

/// A block, as far as its steps could be made.
pub(super) enum BlockDraft {
    Step(Box<Draft>),
    Atomic(Vec<Draft>),
    Choose(ChooseDraft),
    ForEach(Box<EachDraft>),
}

pub(super) struct ChooseDraft {
    /// `None` when something about it is wrong.
    address: Option<StepAddress>,
    pub branches: Vec<BranchDraft>,
    pub at: Location,
}

pub(super) struct BranchDraft {
    name: String,
    when: Option<Expression>,
    pub blocks: Vec<BlockDraft>,
    go_on: Option<String>,
    /// A condition that was written could be read: without it, the branch would always be taken.
    is_whole: bool,
}

impl BlockDraft {
    /// The steps within, in the order in which they are written.
    pub fn steps(&self) -> Box<dyn Iterator<Item = &Draft> + '_> {
        match self {
            BlockDraft::Step(draft) => Box::new(std::iter::once(&**draft)),
            BlockDraft::Atomic(drafts) => Box::new(drafts.iter()),
            BlockDraft::Choose(choose) => {
                Box::new(choose.branches.iter().flat_map(|branch| branch.blocks.iter().flat_map(BlockDraft::steps)))
            }
            BlockDraft::ForEach(each) => {
                Box::new(each.guard.iter().chain(each.blocks.iter().flat_map(BlockDraft::steps)))
            }
        }
    }

    fn finish(self) -> Option<Block> {
        Some(match self {
            BlockDraft::Step(draft) => Block::Step(Box::new(draft.step?)),
            BlockDraft::Atomic(drafts) => {
                Block::Atomic(drafts.into_iter().map(|draft| draft.step).collect::<Option<_>>()?)
            }
            BlockDraft::Choose(ChooseDraft { address, branches, .. }) => {
                let branches = branches.into_iter().map(|BranchDraft { name, when, blocks, go_on, .. }| {
                    Some(Branch { name, when, blocks: finish(blocks)?, go_on })
                });
                Block::Choose(Choose { address: address?, branches: branches.collect::<Option<_>>()? })
            }
            BlockDraft::ForEach(each) => Block::ForEach(Box::new(each.finish()?)),
        })
    }
}

/// The blocks, when all of their steps are right.
pub(super) fn finish(drafts: Vec<BlockDraft>) -> Option<Vec<Block>> {
    drafts.into_iter().map(BlockDraft::finish).collect()
}

/// Goes through the tree of one phase, in the order of [`Names::of`].
pub(super) struct Blocks<'c, 'a, 'n> {
    pub checker: &'c mut Checker<'a>,
    pub names: &'n Names,
    pub phase: Phase,
    /// The place of the next step or block among all.
    pub order: &'c mut usize,
    /// The number of the last one in its phase.
    pub number: u32,
}

impl Blocks<'_, '_, '_> {
    /// The blocks of a phase, or of a branch that lies in `region`.
    pub fn check(&mut self, steps: Vec<RawStep>, region: &[Inside]) -> Vec<BlockDraft> {
        steps.into_iter().map(|step| self.block(step, region)).collect()
    }

    fn block(&mut self, step: RawStep, region: &[Inside]) -> BlockDraft {
        if group(&step).is_some() {
            return BlockDraft::Atomic(self.group(step, region));
        }
        match step.does.as_slice() {
            [Does { what: What::Choose(_), .. }] => BlockDraft::Choose(self.choose(step, region)),
            [Does { what: What::ForEach(_), .. }] => BlockDraft::ForEach(Box::new(self.each(step, region))),
            _ => BlockDraft::Step(Box::new(self.step(step, region, false))),
        }
    }

    pub(super) fn step(&mut self, step: RawStep, region: &[Inside], in_group: bool) -> Draft {
        self.number += 1;
        let (order, number) = (*self.order, self.number);
        *self.order += 1;
        let spot = Spot { names: self.names, phase: self.phase, region, order, number, in_group };
        one(self.checker, spot, step)
    }

    fn group(&mut self, step: RawStep, region: &[Inside]) -> Vec<Draft> {
        if self.phase != Phase::Mitigate {
            let message = "an `atomic` group belongs to `mitigate`: it holds changes that must not stay half done";
            self.checker.error(
                Code::Misplaced,
                step.seen.at,
                message,
                Some("put its steps here without `atomic`".into()),
            );
        }
        let id = step.id.as_ref().map(place);
        let others: Vec<Location> = id.into_iter().chain(other_keys(&step)).collect();
        for at in &others {
            let remedy = "write this at one of the steps within";
            self.checker.error(
                Code::Misplaced,
                *at,
                "an `atomic` group has nothing but its steps",
                Some(remedy.into()),
            );
        }
        let at = step.seen.at;
        let mut drafts = Vec::new();
        for inner in
            step.does.into_iter().flat_map(|does| if let What::Atomic(inner) = does.what { inner } else { Vec::new() })
        {
            for nested in &inner.does {
                let (message, remedy) = match &nested.what {
                    What::Atomic(_) => ("an `atomic` group cannot hold another", "put its steps here"),
                    What::Choose(_) => {
                        ("an `atomic` group holds steps, and no `choose`", "choose first, with a group in each branch")
                    }
                    What::ForEach(_) => (
                        "an `atomic` group holds steps, and no `foreach`",
                        "put a group into the `do` of the `foreach`: one for each item",
                    ),
                    _ => continue,
                };
                self.checker.error(Code::Misplaced, nested.at, message, Some(remedy.into()));
            }
            drafts.push(self.step(inner, region, true));
        }
        approval::of_group(self.checker, &drafts);
        flow::group_is_verified(self.checker, &drafts, at);
        // A condition of the group would be left out: that is another playbook.
        if !others.is_empty() {
            drafts.iter_mut().for_each(|draft| draft.step = None);
        }
        drafts
    }

    fn choose(&mut self, step: RawStep, region: &[Inside]) -> ChooseDraft {
        let before = self.checker.problems.len();
        self.number += 1;
        let (choose, number) = (*self.order, self.number);
        *self.order += 1;
        let spot = Spot { names: self.names, phase: self.phase, region, order: choose, number, in_group: false };
        let others = other_keys(&step);
        for at in &others {
            let remedy = "write this at one of the steps within, or at a branch";
            self.checker.error(Code::Misplaced, *at, "a `choose` has an `id` and its branches", Some(remedy.into()));
        }
        if let Some(id) = &step.id
            && let Some((message, remedy)) = super::words::id_problem(id)
        {
            self.checker.error(Code::InvalidName, place(id), message, remedy);
        }
        let at = step.seen.at;
        self.is_not_too_deep(region, at);
        let raw = step.does.into_iter().find_map(|does| match does.what {
            What::Choose(branches) => Some(branches),
            _ => None,
        });
        let raw = raw.unwrap_or_default();
        self.branches_fit(&raw, at);
        let mut branches = Vec::new();
        for (branch, raw) in raw.into_iter().enumerate() {
            let region = [region, &[Inside { choose, branch }]].concat();
            branches.push(self.branch(raw, spot, &region));
        }
        let is_right =
            self.checker.problems[before..].iter().all(|problem| problem.severity != super::DiagnosticSeverity::Error);
        let is_whole = others.is_empty() && branches.iter().all(|branch| branch.is_whole);
        let may_stand = is_right || (self.checker.asks == super::Asks::Run && is_whole);
        let address = may_stand.then(|| spot.address(step.id));
        ChooseDraft { address, branches, at }
    }

    pub(super) fn is_not_too_deep(&mut self, region: &[Inside], at: Location) {
        if region.len() + 1 >= DEEPEST {
            let message = format!("blocks stand {DEEPEST} deep within each other here, which nobody reads at night");
            self.checker.error(Code::TooComplex, at, message, Some("make a playbook of its own of a branch".into()));
        }
    }

    fn branch(&mut self, raw: RawBranch, spot: Spot<'_>, region: &[Inside]) -> BranchDraft {
        let name = raw.branch.as_ref().or(raw.otherwise.as_ref()).map(|name| name.value.trim().to_owned());
        let has_when = raw.when.is_some() || raw.seen.is_broken("when");
        let when = raw.when.as_ref().and_then(|text| {
            let when = self.checker.condition(text, spot.visible())?;
            missing::taken_for_an_answer(self.checker, &when, text, spot.visible());
            if let Some(constant) = when.constant() {
                let remedy = if constant { "make it the `otherwise`" } else { "leave the branch out" };
                self.checker.rule(
                    Code::ConstantCondition,
                    place(text),
                    format!("this condition is always {constant}"),
                    Some(remedy.into()),
                );
            }
            Some(when)
        });
        let go_on = raw.go_on.as_ref().map(|text| text.value.trim().to_owned());
        let blocks = self.check(raw.steps.unwrap_or_default(), region);
        let is_whole = when.is_some() == has_when && name.is_some();
        BranchDraft { name: name.unwrap_or_default(), when, blocks, go_on, is_whole }
    }

    /// Whether the branches are such, and each has a name.
    fn branches_fit(&mut self, branches: &[RawBranch], at: Location) {
        let checker = &mut *self.checker;
        if branches.len() < 2 || branches.len() > MOST_BRANCHES {
            let message = format!("a `choose` has 2 to {MOST_BRANCHES} branches, and this one has {}", branches.len());
            checker.error(
                Code::InvalidBranch,
                at,
                message,
                Some("write `when` at a step where there is one way only".into()),
            );
        }
        let mut names: Vec<&Text> = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            let (is_last, at) = (index + 1 == branches.len(), branch.seen.at);
            if branch.seen.is_broken("*") {
                continue;
            }
            match (&branch.branch, &branch.otherwise, &branch.when) {
                (Some(name), None, Some(_)) => is_name(checker, name, &mut names),
                (None, Some(name), None) if is_last => is_name(checker, name, &mut names),
                (None, Some(name), None) => {
                    checker.error(
                        Code::NeverReached,
                        place(name),
                        "no branch behind `otherwise` is ever chosen",
                        Some("move it to the end".into()),
                    );
                }
                (_, Some(name), _) => {
                    let message = "`otherwise: NAME` is a branch without a condition";
                    checker.error(
                        Code::InvalidBranch,
                        place(name),
                        message,
                        Some("write `branch: NAME` with `when`, or leave those out".into()),
                    );
                }
                (Some(name), None, None) if !branch.seen.is_broken("when") => {
                    let remedy = if is_last {
                        "add `when: ...`, or write `otherwise:` in place of `branch:`"
                    } else {
                        "add `when: ...`"
                    };
                    checker.error(Code::InvalidBranch, place(name), "the branch has no condition", Some(remedy.into()));
                }
                (None, None, _) if !branch.seen.is_broken("branch") && !branch.seen.is_broken("otherwise") => {
                    let message = "the branch has no name, by which people are told of it";
                    checker.error(Code::InvalidBranch, at, message, Some("add `branch: what it means`".into()));
                }
                _ => {}
            }
            if is_last && branch.otherwise.is_none() && !branch.seen.is_broken("otherwise") {
                let message = "a `choose` says what happens where none of its conditions holds";
                let remedy = "add `- otherwise: no cause that is known` with `do`, `escalate`, `done` or `go_on`";
                checker.error(Code::InvalidBranch, at, message, Some(remedy.into()));
            }
            // Whoever reads `do: []` cannot tell whether that ends or goes on.
            let is_empty = branch.steps.as_ref().is_none_or(Vec::is_empty) && branch.go_on.is_none();
            if is_empty && branch.seen.broken.is_empty() {
                let message = "the branch does nothing, and does not say what comes then";
                checker.error(
                    Code::InvalidBranch,
                    at,
                    message,
                    Some("add `do`, `escalate: why`, `done: why` or `go_on: why`".into()),
                );
            }
            if let Some(go_on) = &branch.go_on {
                reasons::is_reason(checker, go_on);
            }
            // That of an `escalate` is of the step that it has become.
            if let Some(role) = &branch.role {
                reasons::is_misplaced(checker, role);
            }
            if let Some(go_on) = branch.go_on.as_ref().filter(|_| branch.steps.is_some()) {
                let message = "a branch that does something goes on by itself, unless it ends";
                checker.error(Code::InvalidBranch, place(go_on), message, Some("leave `go_on` out".into()));
            }
        }
    }
}

fn is_name<'r>(checker: &mut Checker<'_>, name: &'r Text, names: &mut Vec<&'r Text>) {
    if checker.words(name, "branch").is_none() {
        return;
    }
    if matches!(redact(&name.value), Cow::Owned(_)) {
        let message = "the name of a branch reads as if it held a secret, which would be masked";
        checker.error(Code::InvalidName, place(name), message, Some("write what was found, in a few words".into()));
    }
    if name.value.chars().count() > LONGEST_NAME || name.value.contains(['\n', '{']) {
        let message = format!("the name of a branch is a plain line of {LONGEST_NAME} characters at most");
        checker.error(Code::InvalidName, place(name), message, Some("write what was found, in a few words".into()));
    }
    if let Some(earlier) = names.iter().find(|earlier| earlier.value.trim() == name.value.trim()) {
        let message =
            format!("two branches are called `{}`: the first in line {}", name.value.trim(), place(earlier).line);
        checker.error(Code::DuplicateName, place(name), message, Some("give this one another name".into()));
    }
    names.push(name);
}

/// The keys that a block does not have.
pub(super) fn other_keys(step: &RawStep) -> Vec<Location> {
    let texts = [&step.when, &step.because, &step.role, &step.timeout, &step.undo, &step.at_most, &step.on_error];
    let mappings = [
        step.retry.as_ref().map(|retry| retry.seen.at),
        step.verify.as_ref().map(|verify| verify.seen.at),
        step.watch.as_ref().map(|watch| watch.seen.at),
        // Before a loop somebody may be asked.
        step.approval.as_ref().filter(|_| !is_loop(step)).map(|approval| approval.seen.at),
    ];
    let of_loops = if is_loop(step) { Vec::new() } else { step.each.given() };
    let of_loops = of_loops.into_iter().map(|(_, at)| at);
    texts.into_iter().flatten().map(place).chain(mappings.into_iter().flatten()).chain(of_loops).collect()
}
