//! One step.

use super::durations::{COUNTED, OF_A_RUN, OF_AN_ATTEMPT};
use super::missing::{self, GO_ON};
use super::names::{Inside, Named, Names};
use super::visible::{Sees, Visible};
use super::words::{id_problem, set_problem};
use super::{Asks, Checker, approval, hand_over, reasons, verify, visible, watch};
use crate::action::Action;
use crate::diagnostics::Code;
use crate::language::{Expression, Location, Template};
use crate::model::{Phase, Rate, StepAddress, StepName, Undo};
use crate::playbook::Condition;
use crate::playbook::document::{Step, StepKind};
use crate::playbook::load::{Does, RawSet, RawStep, Text, What, place};

/// A step as far as it could be made, with the places that later checks point at.
pub(super) struct Draft {
    /// `None` when something about it is wrong.
    pub step: Option<Step>,
    pub at: Location,
    pub when_at: Option<Location>,
    /// Where its condition stands, for `done_if` and `require`.
    pub condition_at: Option<Location>,
}

/// Whether the ids are names, and each is given once.
pub(super) fn ids(checker: &mut Checker<'_>, names: &Names) {
    for (index, named) in names.steps.iter().enumerate() {
        let is_twice = |earlier: &&Named| earlier.id == named.id && !earlier.is_another_branchs(named);
        if let Some(earlier) = names.steps[..index].iter().find(is_twice) {
            let message = format!("the id `{}` is used twice: the first time in line {}", named.id, earlier.at.line);
            checker.error(Code::DuplicateName, named.at, message, Some("give this step another id".into()));
        }
    }
}

/// Where a step stands.
#[derive(Clone, Copy)]
pub(super) struct Spot<'n> {
    pub names: &'n Names,
    pub phase: Phase,
    /// The branches around it.
    pub region: &'n [Inside],
    /// Its place among all steps and blocks.
    pub order: usize,
    /// Its number within its phase.
    pub number: u32,
    pub in_group: bool,
}

impl<'n> Spot<'n> {
    /// What a condition sees there.
    pub fn visible(&self) -> Visible<'n> {
        let is_lenient = self.phase == Phase::Escalate;
        Visible { region: self.region, is_lenient, ..visible(self.names, Sees::Before(self.order), true) }
    }

    pub fn address(&self, id: Option<Text>) -> StepAddress {
        StepAddress::new(self.phase, id.map_or(StepName::Number(self.number), |id| StepName::Id(id.value)))
    }
}

pub(super) fn one(checker: &mut Checker<'_>, spot: Spot<'_>, mut raw: RawStep) -> Draft {
    let Spot { phase, in_group, .. } = spot;
    let sees = spot.visible();
    let before = checker.problems.len();
    let mut draft = Draft { step: None, at: raw.seen.at, when_at: raw.when.as_ref().map(place), condition_at: None };
    if let Some(id) = &raw.id
        && let Some((message, remedy)) = id_problem(id)
    {
        checker.error(Code::InvalidName, place(id), message, remedy);
    }
    let has_when = raw.when.is_some();
    let does = only_action(checker, &mut raw);
    let has_because = raw.because.is_some() || raw.seen.is_broken("because");
    let because = reasons::because(checker, &mut raw, does.as_ref().map(|does| &does.what), sees);
    let role = reasons::role(checker, &mut raw, does.as_ref().map(|does| &does.what), sees);
    let mut when = raw.when.take().and_then(|text| {
        let expression = checker.condition(&text, sees)?;
        if matches!(does.as_ref().map(|does| &does.what), Some(What::Action(Action::Mutate(_)))) {
            missing::taken_for_an_answer(checker, &expression, &text, sees);
        }
        Some(Condition { expression, because: None, role: None })
    });
    if !matches!(does.as_ref().map(|does| &does.what), Some(What::ForEach(_))) {
        for (key, at) in raw.each.given() {
            let message = format!("`{key}` belongs to a `foreach`");
            checker.error(Code::Misplaced, at, message, Some("add `foreach: item in list`, or leave it out".into()));
        }
    }
    let watch =
        raw.watch.as_ref().and_then(|raw| watch::check(checker, spot, raw, does.as_ref().map(|does| &does.what)));
    let kind = does.and_then(|does| {
        keys_fit(checker, &raw, &does.what);
        watch::fits(checker, phase, &raw, &does.what);
        if !in_phase(checker, phase, in_group, &does) || !in_loop(checker, spot, &does) {
            return None;
        }
        if let What::DoneIf(text) | What::Require(text) | What::EscalateIf(text) | What::LeaveIf(text) = &does.what {
            draft.condition_at = Some(place(text));
        }
        if !reasons::is_condition(&does.what)
            && let Some(when) = &mut when
        {
            when.because = because.clone();
        }
        if matches!(does.what, What::EscalateIf(_) | What::LeaveIf(_)) && !has_because {
            let remedy = "add `because: ...`: whoever is called reads it first";
            let message = format!("`{}` needs `because`", does.key);
            checker.error(Code::NoReason, does.at, message, Some(remedy.into()));
        }
        let mut kind = kind(checker, sees, does.what, because)?;
        if let StepKind::Require(condition) | StepKind::EscalateIf(condition) = &mut kind {
            condition.role = role;
        }
        Some(kind)
    });
    let timeout = raw.timeout.as_ref().and_then(|text| checker.duration(text, OF_AN_ATTEMPT));
    let retry_for = raw.retry.as_ref().and_then(|retry| {
        let duration = checker.required(retry.duration.as_ref(), &retry.seen, "`retry`", "for", "2m")?;
        checker.duration(duration, OF_A_RUN)
    });
    let mutates = matches!(kind, Some(StepKind::Action(Action::Mutate(_))));
    if mutates && raw.verify.is_none() && !in_group && !raw.seen.is_broken("verify") {
        super::flow::not_verified(checker, raw.seen.at);
    }
    approval::says_of_whom(checker, kind.as_ref(), &raw);
    let approval = raw.approval.as_ref().map(|raw| {
        if spot.names.in_loop(spot.region) {
            let message = "within a `foreach`, each item would have a question of its own";
            let remedy = "write `approval` beside `foreach`: one question, about exactly the items that there are";
            checker.error(Code::Misplaced, raw.seen.at, message, Some(remedy.into()));
        }
        approval::check(checker, raw, sees)
    });
    let has_verify = raw.verify.is_some();
    let verify = raw.verify.take().and_then(|verify| verify::check(checker, spot, verify));
    let undo = raw.undo.as_ref().map_or(Some(Undo::Never), |undo| super::undo::check(checker, undo, kind.as_ref()));
    let at_most = raw.at_most.as_ref().and_then(|text| at_most(checker, text));
    // All that was written of it could be made: nothing of a step is left out.
    let is_whole = when.is_some() == has_when
        && verify.is_some() == has_verify
        && watch.is_some() == raw.watch.is_some()
        && approval.as_ref().is_none_or(Option::is_some)
        && timeout.is_some() == raw.timeout.is_some()
        && retry_for.is_some() == raw.retry.is_some()
        && raw.on_error.as_ref().is_none_or(|on_error| on_error.value == GO_ON)
        && undo.is_some()
        && at_most.is_some() == raw.at_most.is_some();
    let is_wrong =
        checker.problems[before..].iter().any(|problem| problem.severity == super::DiagnosticSeverity::Error);
    if !raw.seen.broken.is_empty() || (is_wrong && (checker.asks != Asks::Run || !is_whole)) {
        return draft;
    }
    let address = spot.address(raw.id);
    let (goes_on_without, at) = (raw.on_error.is_some(), raw.seen.at);
    let (approval, undo) = (approval.flatten(), undo.unwrap_or_default());
    let step = |kind| Step {
        address,
        kind,
        when,
        timeout,
        retry_for,
        goes_on_without,
        watch,
        verify,
        undo,
        at_most,
        approval,
        at,
    };
    draft.step = kind.map(step);
    draft
}

/// The one thing that the step does.
fn only_action(checker: &mut Checker<'_>, raw: &mut RawStep) -> Option<Does> {
    let mut does = std::mem::take(&mut raw.does).into_iter();
    let Some(first) = does.next() else {
        if !raw.does_something_unknown() && !raw.seen.is_broken("*") {
            let message = "the step does nothing";
            checker.error(
                Code::NoAction,
                raw.seen.at,
                message,
                Some("name its action, such as `prometheus.query: { expr: ... }`".into()),
            );
        }
        return None;
    };
    if let Some(second) = does.next() {
        let message = format!("one step cannot do both `{}` and `{}`", first.key, second.key);
        checker.error(Code::SecondAction, second.at, message, Some("begin a new step with `- ` before it".into()));
        return None;
    }
    Some(first)
}

/// The reason, for the condition it belongs to.
/// Whether the other keys of the step go with what it does.
fn keys_fit(checker: &mut Checker<'_>, raw: &RawStep, what: &What) {
    if let Some(on_error) = &raw.on_error {
        missing::on_error_fits(checker, on_error, what);
    }
    let is_action = matches!(what, What::Action(_));
    let mutates = matches!(what, What::Action(Action::Mutate(_)));
    let mut refuse = |at: Location, key: &str, needs: &str| {
        checker.error(
            Code::Misplaced,
            at,
            format!("`{key}` belongs to a step that {needs}"),
            Some("leave it out".into()),
        );
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
    if let Some(approval) = raw.approval.as_ref().filter(|_| !mutates) {
        refuse(approval.seen.at, "approval", "changes something");
    }
    if let Some(undo) = raw.undo.as_ref().filter(|_| !mutates) {
        refuse(place(undo), "undo", "changes something");
    }
    if let Some(at_most) = raw.at_most.as_ref().filter(|_| !mutates) {
        refuse(place(at_most), "at_most", "changes something");
    }
}

/// So many earlier changes are looked at.
const MOST_COUNTED: u32 = 20;

fn at_most(checker: &mut Checker<'_>, text: &Text) -> Option<Rate> {
    let rate = text.value.parse().ok().filter(|rate: &Rate| (1..=MOST_COUNTED).contains(&rate.most));
    if rate.is_none() {
        let message = format!("`{}` does not say how often in what time, {MOST_COUNTED} times at the most", text.value);
        checker.error(Code::InvalidValue, place(text), message, Some("write `1 per 24h`".into()));
    }
    rate.filter(|rate| checker.is_at_most(rate.within, COUNTED, place(text)))
}

/// Whether this may be done in this phase.
fn in_phase(checker: &mut Checker<'_>, phase: Phase, in_group: bool, does: &Does) -> bool {
    let key = &does.key;
    match &does.what {
        What::HandOver(_) if phase != Phase::Diagnose => {
            let message = format!("`{key}` has no place in `{phase}`: what was begun is finished by the run itself");
            checker.error(Code::Misplaced, does.at, message, Some("decide it in `diagnose`".into()));
        }
        What::DoneIf(_) | What::Require(_) | What::EscalateIf(_) | What::End { .. } if phase == Phase::Escalate => {
            let message = format!("`{key}` has no place in `escalate`: a human is needed already");
            checker.error(Code::Misplaced, does.at, message, Some("leave it out, or write `when` at a step".into()));
        }
        What::DoneIf(_) | What::LeaveIf(_) if in_group => {
            let what = if matches!(does.what, What::DoneIf(_)) { "end the run" } else { "leave the item" };
            let message = format!("`{key}` would {what} in the middle of an `atomic` group");
            checker.error(Code::Misplaced, does.at, message, Some("move it to before the group".into()));
        }
        What::Action(Action::Mutate(_)) if phase != Phase::Mitigate => {
            let message = format!("`{key}` changes something, and `{phase}` only looks and tells");
            checker.error(Code::Misplaced, does.at, message, Some("move the step to `mitigate`".into()));
        }
        _ => return true,
    }
    false
}

/// Whether what is for an item of a loop stands where one is.
fn in_loop(checker: &mut Checker<'_>, spot: Spot<'_>, does: &Does) -> bool {
    let is_misplaced = matches!(does.what, What::LeaveIf(_)) && !spot.names.in_loop(spot.region);
    if is_misplaced {
        let message = "`leave_if` leaves an item of a `foreach` alone, and there is none here";
        let remedy = "write `escalate_if`, or move it into the `do` of a `foreach`";
        checker.error(Code::Misplaced, does.at, message, Some(remedy.into()));
    }
    !is_misplaced
}

fn kind(checker: &mut Checker<'_>, sees: Visible<'_>, what: What, because: Option<Template>) -> Option<StepKind> {
    match what {
        What::DoneIf(text) => deciding(checker, &text, sees)
            .map(|expression| StepKind::DoneIf(Condition { expression, because, role: None })),
        What::Require(text) => deciding(checker, &text, sees)
            .map(|expression| StepKind::Require(Condition { expression, because, role: None })),
        What::EscalateIf(text) => deciding(checker, &text, sees)
            .map(|expression| StepKind::EscalateIf(Condition { expression, because, role: None })),
        What::LeaveIf(text) => deciding(checker, &text, sees)
            .map(|expression| StepKind::LeaveIf(Condition { expression, because, role: None })),
        What::End { escalates, because } => {
            if !reasons::is_reason(checker, &because) {
                return None;
            }
            let because = checker.template(&because, Visible { now: false, ..sees })?;
            let condition =
                Condition { expression: Expression::compile("true").ok()?, because: Some(because), role: None };
            Some(if escalates { StepKind::EscalateIf(condition) } else { StepKind::DoneIf(condition) })
        }
        What::HandOver(hand_over) => hand_over::check(checker, sees, *hand_over).map(StepKind::HandOver),
        What::Set(set) => values(checker, sees, set),
        What::Wait(text) => checker.duration(&text, OF_A_RUN).map(StepKind::Wait),
        What::Action(action) => {
            let because = matches!(action, Action::Tell(_));
            super::queries::check(checker, action.describe());
            if let Some(name) = action.describe().named().kind {
                let args = action.describe().args();
                let at = args.iter().find(|(arg, _)| *arg == "kind").and_then(|(_, arg)| arg.text());
                checker.kind_is_known(&name, at.map_or_else(Location::default, |(_, at)| at))?;
            }
            let args = action.describe().args().into_iter();
            for arg in args.flat_map(|(_, arg)| std::iter::once(arg).chain(arg.parts())) {
                if let Some((template, at)) = arg.template() {
                    checker.template_names(template, at, Visible { now: false, because, ..sees });
                }
            }
            Some(StepKind::Action(action))
        }
        // A block within a group was reported where it stands.
        What::Atomic(_) | What::Choose(_) | What::ForEach(_) => None,
    }
}

/// A condition by which the run goes on or ends.
fn deciding(checker: &mut Checker<'_>, text: &Text, sees: Visible<'_>) -> Option<Expression> {
    let expression = checker.condition(text, sees)?;
    missing::taken_for_an_answer(checker, &expression, text, sees);
    Some(expression)
}

/// The most names that one `set` gives.
const MOST_VALUES: usize = 20;

fn values(checker: &mut Checker<'_>, sees: Visible<'_>, set: RawSet) -> Option<StepKind> {
    if set.values.is_empty() && set.seen.broken.is_empty() {
        checker.error(
            Code::NoAction,
            set.seen.at,
            "`set` gives no name",
            Some("write `set: { name: a condition or value }`".into()),
        );
        return None;
    }
    if set.values.len() > MOST_VALUES {
        let message = format!("one `set` gives {} names, and {MOST_VALUES} is the most", set.values.len());
        checker.error(Code::OutOfRange, set.seen.at, message, Some("put some into a `set` of their own".into()));
        return None;
    }
    let mut values = Vec::new();
    let mut is_right = set.seen.broken.is_empty();
    for (name, text) in &set.values {
        if let Some((message, remedy)) = set_problem(name) {
            is_right &= !checker.rule(Code::InvalidName, place(name), message, remedy);
        }
        match checker.expression(text, sees) {
            Some(value) => {
                missing::taken_for_an_answer(checker, &value, text, sees);
                values.push((name.value.clone(), value));
            }
            None => is_right = false,
        }
    }
    is_right.then_some(StepKind::Set(values))
}
