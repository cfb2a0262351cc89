//! `foreach`: one thing for each of many.

use std::time::Duration;

use super::blocks::{BlockDraft, Blocks, finish, other_keys};
use super::durations::OF_A_LOOP;
use super::names::{BODY, GUARD, Inside, item_and_list};
use super::steps::{Draft, Spot};
use super::visible::{Sees, Visible};
use super::{Asks, approval, tickets};
use crate::action::{Action, ChangeKind};
use crate::diagnostics::{Code, DiagnosticSeverity};
use crate::language::{AnyArg, Expression, Location};
use crate::model::{Phase, StepAddress, is_dns_label, is_dns_subdomain};
use crate::playbook::ApprovalRule;
use crate::playbook::document::{ForEach, ItemTarget, Step, StepKind, WhenResolved};
use crate::playbook::load::{Does, RawEach, RawStep, RawTarget, Text, What, place};

/// More than that is no list that somebody agrees to.
const MOST_ITEMS: usize = 500;
/// What has failed so often does not work.
const MOST_FAILURES: usize = 10;
/// So many waves are written out; the last number goes on.
const MOST_WAVES: usize = 20;
/// A page or notice for each of more items is noise.
const MOST_TOLD: usize = 10;
/// So many are looked at at once where nothing is changed.
const READ_AT_ONCE: usize = 8;

pub(super) struct EachDraft {
    /// `None` when something about it is wrong.
    each: Option<Head>,
    /// The kind of what an item is about, where it is about an object of its own.
    pub kind: Option<String>,
    pub guard: Vec<Draft>,
    pub blocks: Vec<BlockDraft>,
    pub at: Location,
}

/// All but its steps.
struct Head {
    address: StepAddress,
    item: String,
    list: Expression,
    target: Option<ItemTarget>,
    key: Option<Expression>,
    max: usize,
    waves: Vec<usize>,
    stop_after: usize,
    within: Option<Duration>,
    when_resolved: Option<WhenResolved>,
    approval: Option<ApprovalRule>,
}

impl EachDraft {
    pub fn finish(self) -> Option<ForEach> {
        let Head { address, item, list, target, key, max, waves, stop_after, within, when_resolved, approval } =
            self.each?;
        let guard = self.guard.into_iter().map(|draft| draft.step).collect::<Option<_>>()?;
        let blocks = finish(self.blocks)?;
        Some(ForEach {
            address,
            item,
            list,
            target,
            key,
            max,
            waves,
            stop_after,
            within,
            when_resolved,
            approval,
            guard,
            blocks,
        })
    }
}

impl Blocks<'_, '_, '_> {
    pub(super) fn each(&mut self, step: RawStep, region: &[Inside]) -> EachDraft {
        let before = self.checker.problems.len();
        self.number += 1;
        let (order, number) = (*self.order, self.number);
        *self.order += 1;
        let spot = Spot { names: self.names, phase: self.phase, region, order, number, in_group: false };
        let at = step.seen.at;
        self.each_fits(&step, region, at);
        let RawStep { seen, id, each, does, approval, .. } = step;
        let RawEach { target, key, max, waves, stop_after, within, when_resolved, guard, steps } = each;
        let inside = |branch| [region, &[Inside { choose: order, branch }]].concat();
        let text = does.into_iter().find_map(|does| match does.what {
            What::ForEach(text) => Some(text),
            _ => None,
        });
        let listed = text.and_then(|text| self.list(&text, spot));
        let of_item = inside(BODY);
        let sees_item = Visible { region: &of_item, sees: Sees::UpTo(order), ..spot.visible() };
        if target.is_none() && key.is_none() && !seen.is_broken("target") && !seen.is_broken("key") {
            let message = "nothing tells the items of the `foreach` apart";
            let remedy = "add `target: { kind: ..., name: \"{{item.metadata.name}}\" }`, or `key: item.name`";
            self.checker.error(Code::InvalidLoop, at, message, Some(remedy.into()));
        }
        let has_key = key.is_some();
        let key = key.and_then(|text| self.checker.expression(&text, Visible { now: false, ..sees_item }));
        let has_target = target.is_some();
        let target = target.and_then(|target| self.item_target(target, sees_item));
        let guard = guard.map(|(_, steps)| steps).unwrap_or_default();
        let guard = guard.into_iter().map(|step| self.guard_step(step, &inside(GUARD))).collect();
        let (steps_at, steps) = steps.unwrap_or((at, Vec::new()));
        if steps.is_empty() && !seen.is_broken("do") {
            let remedy = "add `do: [ ... ]` with the steps for each item";
            self.checker.error(Code::NoAction, steps_at, "the `foreach` does nothing", Some(remedy.into()));
        }
        let blocks = self.check(steps, &of_item);
        let max = self.max(max.as_ref(), &seen);
        self.body_fits(&blocks, has_target || seen.is_broken("target"), max.unwrap_or(0));
        let is_changing = changes(&blocks);
        let is_read = !blocks.is_empty() && blocks.iter().flat_map(BlockDraft::steps).all(|draft| draft.step.is_some());
        if let Some(raw) = approval.as_ref().filter(|_| !is_changing && is_read) {
            let message = "`approval` belongs to a `foreach` that changes something";
            self.checker.error(Code::Misplaced, raw.seen.at, message, Some("leave it out".into()));
        }
        let approval = approval.map(|raw| approval::check(self.checker, &raw, spot.visible()));
        let waves = self.waves(waves, &seen, is_changing);
        let stop_after = match stop_after {
            Some(text) => self.number_up_to(&text, "stop_after", MOST_FAILURES),
            None => Some(1),
        };
        let within = within.map(|text| self.checker.duration(&text, OF_A_LOOP));
        let when_resolved = when_resolved.map(|text| self.when_resolved(&text));
        let is_right = self.checker.problems[before..].iter().all(|it| it.severity != DiagnosticSeverity::Error);
        let kind = target.as_ref().map(|target| target.kind.clone());
        let is_whole = target.is_some() == has_target && key.is_some() == has_key && seen.broken.is_empty();
        let may_stand = is_right || (self.checker.asks == Asks::Run && is_whole && id.is_some());
        let head = || {
            let (item, list) = listed?;
            Some(Head {
                address: spot.address(id),
                item,
                list,
                target,
                key,
                max: max?,
                waves: waves?,
                stop_after: stop_after?,
                within: within.map_or(Some(None), |within| within.map(Some))?,
                when_resolved: when_resolved.map_or(Some(None), |when| when.map(Some))?,
                approval: approval.map_or(Some(None), |rule| rule.map(Some))?,
            })
        };
        EachDraft { each: may_stand.then(head).flatten(), kind, guard, blocks, at }
    }

    /// Whether it stands where one may, with the keys that one has.
    fn each_fits(&mut self, step: &RawStep, region: &[Inside], at: Location) {
        let checker = &mut *self.checker;
        for at in other_keys(step) {
            let remedy = "write this at one of the steps within";
            checker.error(Code::Misplaced, at, "a `foreach` has no such field itself", Some(remedy.into()));
        }
        if self.phase == Phase::Escalate {
            let message = "a `foreach` has no place in `escalate`: a human is needed already";
            let remedy = "tell of all in one text, with `{{#each restart_all.items}}{{key}} {{/each}}`";
            checker.error(Code::Misplaced, at, message, Some(remedy.into()));
        }
        if self.names.in_loop(region) {
            let message = "a `foreach` cannot stand in another one";
            let remedy = "make one list of both before it, with `set`";
            checker.error(Code::Misplaced, at, message, Some(remedy.into()));
        }
        match &step.id {
            Some(id) => {
                if let Some((message, remedy)) = super::words::id_problem(id) {
                    checker.error(Code::InvalidName, place(id), message, remedy);
                }
            }
            None if step.seen.is_broken("id") => {}
            None => {
                let message = "a `foreach` needs an id: people are told by it what became of the items";
                checker.error(Code::InvalidLoop, at, message, Some("add `id: restart_all`".into()));
            }
        }
        self.is_not_too_deep(region, at);
    }

    /// What an item is called, and the list.
    fn list(&mut self, text: &Text, spot: Spot<'_>) -> Option<(String, Expression)> {
        let Some((item, source)) = item_and_list(&text.value) else {
            let message = "a `foreach` says what one of them is called, and the list";
            self.checker.error(Code::InvalidLoop, place(text), message, Some("write `foreach: job in failed`".into()));
            return None;
        };
        let name = Text { value: item.to_owned(), ..text.clone() };
        if let Some((message, remedy)) = super::words::set_problem(&name) {
            self.checker.error(Code::InvalidName, place(text), message, remedy);
        }
        let item = item.to_owned();
        let list = Text { value: source.to_owned(), ..text.clone() };
        let list = self.checker.expression(&list, spot.visible())?;
        if list.constant().is_some() {
            let message = "that is no list";
            self.checker.error(Code::InvalidLoop, place(text), message, Some("write `foreach: job in failed`".into()));
            return None;
        }
        Some((item, list))
    }

    fn item_target(&mut self, raw: RawTarget, sees: Visible<'_>) -> Option<ItemTarget> {
        const WHAT: &str = "the `target` of a `foreach`";
        let checker = &mut *self.checker;
        let label = raw.label.as_ref().map(|label| label.at(raw.seen.at));
        for (field, at) in [("from", raw.from.as_ref().map(place)), ("label", label)] {
            let Some(at) = at else { continue };
            let message = format!("`{field}` belongs to the `target` of the playbook: an item comes from the list");
            checker.error(Code::Misplaced, at, message, Some("leave it out".into()));
        }
        let kind = checker.required(raw.kind.as_ref(), &raw.seen, WHAT, "kind", "Job")?;
        let [kind] = kind.texts() else {
            let message = "the items of a `foreach` are of one kind";
            let remedy = "write one kind; what is of another one gets a `foreach` of its own";
            checker.error(Code::InvalidLoop, kind.at(raw.seen.at), message, Some(remedy.into()));
            return None;
        };
        let known = checker.kind(&kind.value, place(kind), "an item can be")?;
        let name = checker.required(raw.name.as_ref(), &raw.seen, WHAT, "name", "\"{{job.metadata.name}}\"")?;
        if let Some(given) = raw.namespace.as_ref().filter(|_| known.is_cluster_wide()) {
            let message = format!("objects of the kind `{}` belong to no namespace", known.id());
            checker.error(Code::Misplaced, given.at, message, Some("leave it out".into()));
            return None;
        }
        let parts = [
            ("name", Some(name), is_dns_subdomain as fn(&str) -> bool),
            ("namespace", raw.namespace.as_ref(), is_dns_label),
        ];
        let mut is_right = true;
        for (part, arg, is_name) in parts {
            let Some(arg) = arg else { continue };
            if let Some((template, at)) = arg.template() {
                is_right &= checker.template_names(template, at, Visible { now: false, ..sees });
            }
            if let Some(text) = arg.literal().filter(|text| !is_name(text)) {
                let message = format!("`{text}` cannot be the {part} of an object");
                checker.error(Code::InvalidName, arg.at, message, Some("write a name as Kubernetes has it".into()));
                is_right = false;
            }
        }
        if raw.name.as_ref().is_some_and(|name| name.literal().is_some()) {
            let message = "each item would be about the same object";
            let remedy = "name the item's own, as in `\"{{job.metadata.name}}\"`";
            checker.error(Code::InvalidLoop, name.at, message, Some(remedy.into()));
            is_right = false;
        }
        let name = name.clone();
        is_right.then(|| ItemTarget { kind: known.id().to_owned(), namespace: raw.namespace, name })
    }

    fn guard_step(&mut self, step: RawStep, region: &[Inside]) -> Draft {
        if let [Does { what, key, at }] = step.does.as_slice() {
            let may_stand =
                matches!(what, What::Require(_) | What::EscalateIf(_) | What::Set(_) | What::Action(Action::Read(_)));
            if !may_stand {
                let message = format!("`{key}` has no place in a `guard`, which only looks, before each wave");
                let remedy = "write what reads, `set`, `require` and `escalate_if`, or move it into `do`";
                self.checker.error(Code::Misplaced, *at, message, Some(remedy.into()));
            }
        }
        self.step(step, region, false)
    }

    fn max(&mut self, text: Option<&Text>, seen: &super::Seen) -> Option<usize> {
        let text = self.checker.required(text, seen, "a `foreach`", "max", "60")?;
        self.number_up_to(text, "max", MOST_ITEMS)
    }

    fn number_up_to(&mut self, text: &Text, field: &str, most: usize) -> Option<usize> {
        let number = text.value.trim().parse().ok().filter(|number| (1..=most).contains(number));
        if number.is_none() {
            let message = format!("`{field}` is a whole number from 1 to {most}, and not `{}`", text.value.trim());
            self.checker.error(Code::OutOfRange, place(text), message, Some(format!("write `{field}: 1`, or more")));
        }
        number
    }

    fn waves(
        &mut self,
        waves: Option<(Location, Vec<Text>)>,
        seen: &super::Seen,
        is_changing: bool,
    ) -> Option<Vec<usize>> {
        const REMEDY: &str = "write `waves: [1, 2, 4]`";
        let Some((at, texts)) = waves else {
            if is_changing && !seen.is_broken("waves") {
                let message = "the `foreach` changes something, and does not say how many at once";
                self.checker.error(
                    Code::InvalidLoop,
                    seen.at,
                    message,
                    Some(format!("{REMEDY}: the last number goes on")),
                );
            }
            return (!is_changing).then(|| vec![READ_AT_ONCE]);
        };
        let mut waves: Vec<usize> = Vec::new();
        for text in &texts {
            let wave = self.number_up_to(text, "waves", MOST_ITEMS)?;
            if let Some(before) = waves.last().filter(|before| **before > wave) {
                let message =
                    format!("the waves fall, from {before} to {wave}: what has helped goes on at least as fast");
                self.checker.error(Code::InvalidLoop, place(text), message, Some(REMEDY.into()));
                return None;
            }
            waves.push(wave);
        }
        match waves.first() {
            Some(1) if waves.len() <= MOST_WAVES => Some(waves),
            Some(1) => {
                let message = format!("{MOST_WAVES} waves are the most that are written out");
                self.checker.error(Code::InvalidLoop, at, message, Some("the last number goes on".into()));
                None
            }
            Some(_) if !is_changing => Some(waves),
            _ => {
                let message = "the first wave is one item: when it goes wrong, it is the only one";
                self.checker.error(Code::InvalidLoop, at, message, Some(REMEDY.into()));
                None
            }
        }
    }

    fn when_resolved(&mut self, text: &Text) -> Option<WhenResolved> {
        match text.value.trim() {
            "finish" => Some(WhenResolved::Finish),
            "stop" => Some(WhenResolved::Stop),
            other => {
                let message = format!("`when_resolved` is `finish` or `stop`, and not `{other}`");
                let remedy = "write `finish`: what was listed is done all the same; or `stop`: the rest is for a human";
                self.checker.error(Code::UnknownValue, place(text), message, Some(remedy.into()));
                None
            }
        }
    }

    /// Whether the steps are such that are done for each of many.
    fn body_fits(&mut self, blocks: &[BlockDraft], has_target: bool, max: usize) {
        let checker = &mut *self.checker;
        let steps = blocks.iter().flat_map(BlockDraft::steps).filter_map(|draft| draft.step.as_ref());
        for step in steps {
            match &step.kind {
                StepKind::Action(Action::Mutate(action))
                    if !has_target && action.change_kind() != ChangeKind::Create && !names_its_object(step) =>
                {
                    let message =
                        format!("`{}` changes the target of the run, which is the same for each item", action.name());
                    let remedy = "add `target: { kind: ..., name: \"{{item.metadata.name}}\" }` to the `foreach`";
                    checker.error(Code::InvalidLoop, step.at, message, Some(remedy.into()));
                }
                StepKind::HandOver(hand_over) => {
                    let message = "a run is handed over as a whole, and not for each item";
                    let remedy = "decide it behind the `foreach`, by what became of its items";
                    checker.error(Code::Misplaced, hand_over.at, message, Some(remedy.into()));
                }
                StepKind::Action(Action::Tell(_)) if max > MOST_TOLD => {
                    let message = format!("this is told for each item, up to {max} times");
                    let remedy = "tell of all behind the `foreach`, by its `summary`";
                    checker.warning(Code::Doubtful, step.at, message, Some(remedy.into()));
                }
                StepKind::Action(Action::Tell(tell)) => tickets::in_loop(checker, tell),
                _ => {}
            }
        }
    }
}

fn names_its_object(step: &Step) -> bool {
    let StepKind::Action(action) = &step.kind else { return false };
    action.describe().args().iter().any(|(name, arg)| *name == "name" && arg.text().is_some())
}

/// Whether a step among them changes something.
fn changes(blocks: &[BlockDraft]) -> bool {
    let mut steps = blocks.iter().flat_map(BlockDraft::steps);
    steps.any(|draft| matches!(draft.step.as_ref().map(|step| &step.kind), Some(StepKind::Action(Action::Mutate(_)))))
}
