//! The steps of a phase, one after the other.

use super::names::{Names, group, id_problem};
use super::view::{Sees, View};
use super::{Asks, Checker, verify, view};
use crate::action::Action;
use crate::language::{Location, Template};
use crate::model::{Phase, StepAddress, StepName};
use crate::playbook::document::{Block, Condition, Step, StepKind};
use crate::playbook::load::{Does, RawStep, What, place};

/// A step as far as it could be made, with the places that later checks point at.
pub(super) struct Draft {
    /// `None` when something about it is wrong.
    pub step: Option<Step>,
    pub at: Location,
    pub when_at: Option<Location>,
    /// Where its condition stands, for `done_if` and `require`.
    pub condition_at: Option<Location>,
}

/// A block, as far as its steps could be made.
pub(super) enum BlockDraft {
    Step(Draft),
    Atomic(Vec<Draft>),
}

impl BlockDraft {
    /// The steps within, in the order in which they are written.
    pub fn steps(&self) -> impl Iterator<Item = &Draft> {
        match self {
            BlockDraft::Step(draft) => std::slice::from_ref(draft).iter(),
            BlockDraft::Atomic(drafts) => drafts.iter(),
        }
    }
}

/// The blocks, when all of their steps are right.
pub(super) fn finish(drafts: Vec<BlockDraft>) -> Option<Vec<Block>> {
    let blocks = drafts.into_iter().map(|draft| {
        Some(match draft {
            BlockDraft::Step(draft) => Block::Step(draft.step?),
            BlockDraft::Atomic(drafts) => {
                Block::Atomic(drafts.into_iter().map(|draft| draft.step).collect::<Option<_>>()?)
            }
        })
    });
    blocks.collect()
}

/// Whether the ids are names, and each is given once.
pub(super) fn ids(checker: &mut Checker<'_>, names: &Names) {
    for (index, named) in names.steps.iter().enumerate() {
        if let Some(earlier) = names.steps[..index].iter().find(|earlier| earlier.id == named.id) {
            let message = format!("the id `{}` is used twice: the first time in line {}", named.id, earlier.at.line);
            checker.error(named.at, message, Some("give this step another id".into()));
        }
    }
}

pub(super) fn check(
    checker: &mut Checker<'_>,
    names: &Names,
    phase: Phase,
    order: &mut usize,
    steps: Vec<RawStep>,
) -> Vec<BlockDraft> {
    let mut blocks = Vec::new();
    let mut number = 0;
    for step in steps {
        if group(&step).is_none() {
            number += 1;
            blocks.push(BlockDraft::Step(one(checker, names, phase, *order, number, step, false)));
            *order += 1;
            continue;
        }
        group_keys(checker, phase, &step);
        let mut drafts = Vec::new();
        for inner in
            step.does.into_iter().flat_map(|does| if let What::Atomic(inner) = does.what { inner } else { Vec::new() })
        {
            if let Some(nested) = inner.does.iter().find(|does| matches!(does.what, What::Atomic(_))) {
                checker.error(nested.at, "an `atomic` group cannot hold another", Some("put its steps here".into()));
            }
            number += 1;
            drafts.push(one(checker, names, phase, *order, number, inner, true));
            *order += 1;
        }
        super::flow::group_is_verified(checker, &drafts, step.seen.at);
        blocks.push(BlockDraft::Atomic(drafts));
    }
    blocks
}

/// A group has nothing but its steps.
fn group_keys(checker: &mut Checker<'_>, phase: Phase, step: &RawStep) {
    if phase != Phase::Mitigate {
        let message = "an `atomic` group belongs to `mitigate`: it holds changes that must not stay half done";
        checker.error(step.seen.at, message, Some("put its steps here without `atomic`".into()));
    }
    let texts = [&step.id, &step.when, &step.because, &step.timeout, &step.undo];
    let mappings = [step.retry.as_ref().map(|retry| retry.seen.at), step.verify.as_ref().map(|verify| verify.seen.at)];
    let places = texts.into_iter().flatten().map(place).chain(mappings.into_iter().flatten());
    for at in places.collect::<Vec<_>>() {
        checker.error(
            at,
            "an `atomic` group has nothing but its steps",
            Some("write this at one of the steps within".into()),
        );
    }
}

fn one(
    checker: &mut Checker<'_>,
    names: &Names,
    phase: Phase,
    order: usize,
    number: u32,
    mut raw: RawStep,
    in_group: bool,
) -> Draft {
    let sees = view(names, Sees::Before(order), true);
    let before = checker.problems.len();
    let mut draft = Draft { step: None, at: raw.seen.at, when_at: raw.when.as_ref().map(place), condition_at: None };
    if let Some(id) = &raw.id
        && let Some((message, remedy)) = id_problem(id)
    {
        checker.error(place(id), message, remedy);
    }
    let has_when = raw.when.is_some();
    let does = only_action(checker, &mut raw);
    let because = because(checker, &mut raw, does.as_ref().map(|does| &does.what), sees);
    let mut when = raw.when.take().and_then(|text| {
        let expression = checker.expression(&text, sees)?;
        Some(Condition { expression, because: None })
    });
    let kind = does.and_then(|does| {
        keys_fit(checker, &raw, &does.what);
        in_phase(checker, phase, in_group, &does);
        if let What::DoneIf(text) | What::Require(text) = &does.what {
            draft.condition_at = Some(place(text));
        }
        if !matches!(does.what, What::DoneIf(_) | What::Require(_))
            && let Some(when) = &mut when
        {
            when.because = because.clone();
        }
        kind(checker, sees, does.what, because)
    });
    let timeout = raw.timeout.as_ref().and_then(|text| checker.duration(text));
    let retry_for = raw.retry.as_ref().and_then(|retry| {
        let duration = checker.required(retry.duration.as_ref(), &retry.seen, "`retry`", "for", "2m")?;
        checker.duration(duration)
    });
    let mutates = matches!(kind, Some(StepKind::Action(Action::Mutate(_))));
    if mutates && raw.verify.is_none() && !in_group && !raw.seen.is_broken("verify") {
        super::flow::not_verified(checker, raw.seen.at);
    }
    let has_verify = raw.verify.is_some();
    let verify = raw.verify.take().and_then(|verify| verify::check(checker, names, order, verify));
    // All that was written of it could be made: nothing of a step is left out.
    let is_whole = when.is_some() == has_when
        && verify.is_some() == has_verify
        && timeout.is_some() == raw.timeout.is_some()
        && retry_for.is_some() == raw.retry.is_some();
    let is_wrong = checker.problems[before..].iter().any(|problem| problem.severity == super::ProblemSeverity::Error);
    if !raw.seen.broken.is_empty() || (is_wrong && (checker.asks == Asks::Author || !is_whole)) {
        return draft;
    }
    let name = raw.id.map_or(StepName::Number(number), |id| StepName::Id(id.value));
    let address = StepAddress::new(phase, name);
    draft.step = kind.map(|kind| Step { address, kind, when, timeout, retry_for, verify, at: raw.seen.at });
    draft
}

/// The one thing that the step does.
fn only_action(checker: &mut Checker<'_>, raw: &mut RawStep) -> Option<Does> {
    let mut does = std::mem::take(&mut raw.does).into_iter();
    let Some(first) = does.next() else {
        if !raw.does_something_unknown() && !raw.seen.is_broken("*") {
            let message = "the step does nothing";
            checker.error(
                raw.seen.at,
                message,
                Some("name its action, such as `prometheus.query: { expr: ... }`".into()),
            );
        }
        return None;
    };
    if let Some(second) = does.next() {
        let message = format!("one step cannot do both `{}` and `{}`", first.key, second.key);
        checker.error(second.at, message, Some("begin a new step with `- ` before it".into()));
        return None;
    }
    Some(first)
}

/// The reason, for the condition it belongs to.
fn because(checker: &mut Checker<'_>, raw: &mut RawStep, what: Option<&What>, sees: View<'_>) -> Option<Template> {
    let text = raw.because.take()?;
    if raw.when.is_none() && !matches!(what, None | Some(What::DoneIf(_) | What::Require(_))) {
        let message = "`because` gives the reason of a condition, and this step has none";
        checker.error(place(&text), message, Some("leave it out".into()));
        return None;
    }
    checker.template(&text, View { now: false, ..sees })
}

/// Whether the other keys of the step go with what it does.
fn keys_fit(checker: &mut Checker<'_>, raw: &RawStep, what: &What) {
    let is_action = matches!(what, What::Action(_));
    let mutates = matches!(what, What::Action(Action::Mutate(_)));
    let mut refuse = |at: Location, key: &str, needs: &str| {
        checker.error(at, format!("`{key}` belongs to a step that {needs}"), Some("leave it out".into()));
    };
    if let Some(text) = raw.timeout.as_ref().filter(|_| !is_action) {
        refuse(place(text), "timeout", "does something that can take long");
    }
    if let Some(retry) = raw.retry.as_ref().filter(|_| !is_action) {
        refuse(retry.seen.at, "retry", "does something that can fail");
    }
    if let Some(verify) = raw.verify.as_ref().filter(|_| !mutates) {
        refuse(verify.seen.at, "verify", "changes something");
    }
    match raw.undo.as_ref() {
        Some(undo) if undo.value != "never" => {
            checker.error(
                place(undo),
                "undo is not supported yet",
                Some("write `undo: never`, or leave it out".into()),
            );
        }
        Some(undo) if !mutates => refuse(place(undo), "undo", "changes something"),
        _ => {}
    }
}

/// Whether this may be done in this phase.
fn in_phase(checker: &mut Checker<'_>, phase: Phase, in_group: bool, does: &Does) {
    let key = &does.key;
    match &does.what {
        What::DoneIf(_) | What::Require(_) if phase == Phase::Escalate => {
            let message = format!("`{key}` has no place in `escalate`: a human is needed already");
            checker.error(does.at, message, Some("leave it out, or write `when` at a step".into()));
        }
        What::DoneIf(_) if in_group => {
            let message = "`done_if` would end the run in the middle of an `atomic` group";
            checker.error(does.at, message, Some("move it to before the group".into()));
        }
        What::Action(Action::Mutate(_)) if phase != Phase::Mitigate => {
            let message = format!("`{key}` changes something, and `{phase}` only looks and tells");
            checker.error(does.at, message, Some("move the step to `mitigate`".into()));
        }
        _ => {}
    }
}

fn kind(checker: &mut Checker<'_>, sees: View<'_>, what: What, because: Option<Template>) -> Option<StepKind> {
    match what {
        What::DoneIf(text) => {
            checker.expression(&text, sees).map(|expression| StepKind::DoneIf(Condition { expression, because }))
        }
        What::Require(text) => {
            checker.expression(&text, sees).map(|expression| StepKind::Require(Condition { expression, because }))
        }
        What::Wait(text) => checker.duration(&text).map(StepKind::Wait),
        What::Action(action) => {
            let because = matches!(action, Action::Tell(_));
            for (_, arg) in action.describe().args() {
                if let Some((template, at)) = arg.template() {
                    checker.template_names(template, at, View { now: false, because, ..sees });
                }
            }
            Some(StepKind::Action(action))
        }
        // A nested group was reported where it stands.
        What::Atomic(_) => None,
    }
}
