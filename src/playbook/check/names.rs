//! The names that a playbook gives: ids of steps, and inputs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::verify::window;
use crate::action::{Action, Field};
use crate::cluster::{Kind, Kinds};
use crate::language::{ENTRY, Expression, Location};
use crate::playbook::load::{Does, RawBranch, RawPlaybook, RawStep, What, place};

/// What a step leaves under its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// Nothing: it is a condition, a wait, a page.
    None,
    /// These fields, and `summary`.
    Fields(&'static [Field]),
    /// It depends on the data, or the step could not be read.
    Unknown,
}

/// A branch that a place lies in, or a part of a `foreach`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Inside {
    /// The order of the `choose`, or of the `foreach`.
    pub choose: usize,
    /// Which of its branches; [`GUARD`] or [`BODY`].
    pub branch: usize,
}

/// The parts of a `foreach`, each with names of its own.
pub(super) const GUARD: usize = 0;
pub(super) const BODY: usize = 1;

/// Something that has a name.
#[derive(Debug)]
pub(super) struct Named {
    pub id: String,
    pub at: Location,
    /// Its place among all steps and blocks.
    pub order: usize,
    /// The branches that it lies in, the outermost first.
    pub region: Vec<Inside>,
    /// A `set` gives it: the branches of one `choose` may each do.
    pub is_set: bool,
    /// It is what an item of a `foreach` is called.
    pub is_item: bool,
    /// It is the id of a `foreach`, which has a value only behind it.
    pub is_loop: bool,
    pub output: Output,
    /// The list in its output, where the fields of its entries are known.
    pub items: Option<&'static Field>,
    pub reads: bool,
    /// It is a read without whose answer the run goes on.
    pub may_fail: bool,
    /// It is a read that is repeated.
    pub is_watched: bool,
    /// It is a change that may be taken back.
    pub is_undone: bool,
    /// How far back its query looks.
    pub window: Option<Duration>,
    /// Of what kind the whole object is that it reads.
    pub object: Option<&'static Kind>,
    /// Of what kind the objects are that it lists.
    pub listed: Option<&'static Kind>,
    /// Of a `set` or an item: the path of what it is, where that is another name's.
    pub stands_for: Option<Vec<String>>,
}

impl Named {
    fn called(id: &str, at: Location, order: usize, region: &[Inside]) -> Self {
        Self {
            id: id.to_owned(),
            at,
            order,
            region: region.to_vec(),
            is_set: false,
            is_item: false,
            is_loop: false,
            output: Output::Unknown,
            items: None,
            reads: false,
            may_fail: false,
            is_watched: false,
            is_undone: false,
            window: None,
            object: None,
            listed: None,
            stands_for: None,
        }
    }

    /// It is a step that changes something, which says whether it did.
    pub fn changes(&self) -> bool {
        let is_chosen = matches!(self.output, Output::Fields(fields) if std::ptr::eq(fields, CHOSEN));
        !(self.reads || self.is_set || self.is_item || self.is_loop || is_chosen)
    }

    /// Both are given by a `set`, and no run comes through both; or each is an item of its own loop.
    pub fn is_another_branchs(&self, other: &Named) -> bool {
        if self.is_item && other.is_item {
            return true;
        }
        let apart = |inside: &Inside| other.region.iter().any(|there| there.choose == inside.choose && there != inside);
        self.is_set && other.is_set && self.region.iter().any(apart)
    }
}

/// All names of a playbook.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub steps: Vec<Named>,
    pub inputs: Vec<String>,
    /// Of what kinds the target may be, where all of them are known.
    pub target: Vec<&'static Kind>,
    /// Not all are known, as something could not be read.
    pub incomplete: bool,
    /// The branches that go on behind their `choose`.
    goes_on: BTreeSet<Inside>,
    /// The orders of all `foreach`.
    loops: BTreeSet<usize>,
}

/// Whether a name can be used at a place.
#[derive(Debug)]
pub(super) enum Found<'n> {
    Yes(&'n Named),
    /// It comes to be only later.
    Later(&'n Named),
    /// It lies in another branch of the same `choose`.
    OtherBranch(&'n Named),
    /// Not each way to the place gives it.
    SomeBranches(&'n Named),
    /// It belongs to the items of a `foreach`, or to its guard.
    InLoop(&'n Named),
    Nowhere,
}

impl Names {
    pub fn of(raw: &RawPlaybook, kinds: &Kinds, incomplete: bool) -> Self {
        let inputs = raw.inputs.inputs.iter().map(|(name, _)| name.value.clone()).collect();
        let mut names = Self { inputs, incomplete, ..Self::default() };
        let escalate = raw.escalate.as_deref().unwrap_or_default();
        let mut order = 0;
        for phase in [raw.diagnose.as_slice(), &raw.mitigate, escalate] {
            names.gather(phase, kinds, &[], &mut order);
        }
        names
    }

    /// Takes in the names of these steps, in the order in which `steps::check` goes through them.
    fn gather(&mut self, steps: &[RawStep], kinds: &Kinds, region: &[Inside], order: &mut usize) {
        for step in steps {
            if let Some(inner) = group(step) {
                self.gather(inner, kinds, region, order);
                continue;
            }
            self.take(step, kinds, region, *order);
            let choose = *order;
            *order += 1;
            if is_loop(step) {
                self.loops.insert(choose);
                for (branch, part) in [(GUARD, &step.each.guard), (BODY, &step.each.steps)] {
                    let steps = part.as_ref().map(|(_, steps)| steps.as_slice()).unwrap_or_default();
                    self.gather(steps, kinds, &[region, &[Inside { choose, branch }]].concat(), order);
                }
            }
            for (branch, raw) in branches(step).iter().enumerate() {
                let inside = Inside { choose, branch };
                let steps = raw.steps.as_deref().unwrap_or_default();
                if !ends(steps) {
                    self.goes_on.insert(inside);
                }
                self.gather(steps, kinds, &[region, &[inside]].concat(), order);
            }
        }
    }

    /// Whether a place of that region lies in a `foreach`.
    pub fn in_loop(&self, region: &[Inside]) -> bool {
        region.iter().any(|inside| self.loops.contains(&inside.choose))
    }

    fn take(&mut self, step: &RawStep, kinds: &Kinds, region: &[Inside], order: usize) {
        let region = region.to_vec();
        if let [Does { what: What::ForEach(text), .. }] = step.does.as_slice()
            && let Some((item, _)) = item_and_list(&text.value)
        {
            let region = [region.as_slice(), &[Inside { choose: order, branch: BODY }]].concat();
            let item = Named::called(item, place(text), order, &region);
            let entry = meaning(item_and_list(&text.value).map_or("", |(_, list)| list));
            let stands_for = entry.map(|path| [path, vec![ENTRY.to_owned()]].concat());
            self.steps.push(Named { is_item: true, stands_for, ..item });
        }
        if let [Does { what: What::Set(set), .. }] = step.does.as_slice() {
            self.steps.extend(set.values.iter().map(|(name, value)| {
                let named = Named::called(&name.value, place(name), order, &region);
                Named { is_set: true, stands_for: meaning(&value.value), ..named }
            }));
        }
        if let Some(id) = &step.id {
            let (output, reads) = output_of(step);
            let (object, listed) = objects_of(step, kinds);
            self.steps.push(Named {
                is_loop: is_loop(step),
                output,
                items: items_of(step),
                reads,
                may_fail: step.on_error.is_some(),
                is_watched: step.watch.is_some(),
                is_undone: step.undo.as_ref().is_some_and(|undo| undo.value != "never"),
                window: window_of(step),
                object,
                listed,
                ..Named::called(&id.value, place(id), order, &region)
            });
        }
    }

    /// The first of that name, wherever it is.
    pub fn step(&self, id: &str) -> Option<&Named> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// Whether the name can be used by the step of that order, which lies in these branches.
    pub fn find(&self, id: &str, is_before: impl Fn(&Named) -> bool, region: &[Inside]) -> Found<'_> {
        let mut found = Found::Nowhere;
        let called = || self.steps.iter().filter(|step| step.id == id);
        for named in called() {
            let other = named.region.iter().find(|inside| !region.contains(inside));
            found = match other {
                _ if !is_before(named) => Found::Later(named),
                _ if named.is_loop && region.iter().any(|here| here.choose == named.order) => Found::Later(named),
                None => return Found::Yes(named),
                Some(inside) if self.loops.contains(&inside.choose) => Found::InLoop(named),
                Some(inside) if region.iter().any(|here| here.choose == inside.choose) => Found::OtherBranch(named),
                Some(inside) => {
                    let regions: Vec<&[Inside]> = called().map(|named| named.region.as_slice()).collect();
                    let common = named.region.iter().take_while(|inside| region.contains(inside)).count();
                    if self.each_way_has(&named.region[..common], inside.choose, &regions) {
                        return Found::Yes(named);
                    }
                    Found::SomeBranches(named)
                }
            };
        }
        found
    }

    /// Whether each branch that goes on, of that `choose` within `around`, comes through one of the
    /// regions.
    fn each_way_has(&self, around: &[Inside], choose: usize, regions: &[&[Inside]]) -> bool {
        let goes_on = self.goes_on.iter().filter(|inside| inside.choose == choose);
        goes_on.map(|inside| [around, &[*inside]].concat()).all(|branch| self.has(&branch, regions))
    }

    /// Whether each way through a branch comes through one of the regions: one is the branch itself,
    /// or each way through a `choose` in it does.
    fn has(&self, branch: &[Inside], regions: &[&[Inside]]) -> bool {
        let within = regions.iter().filter_map(|region| region.strip_prefix(branch));
        let mut inner: Vec<Option<usize>> = within.map(|rest| rest.first().map(|inside| inside.choose)).collect();
        inner.sort_unstable();
        inner.dedup();
        inner.into_iter().any(|choose| choose.is_none_or(|choose| self.each_way_has(branch, choose, regions)))
    }
}

/// Whether nothing comes behind these steps: the last one is an end, or each of its branches is.
fn ends(steps: &[RawStep]) -> bool {
    let last = steps.last().map(|last| last.does.as_slice());
    match last {
        Some([Does { what: What::End { .. } | What::HandOver(_), .. }]) => true,
        Some([Does { what: What::Choose(branches), .. }]) => {
            !branches.is_empty() && branches.iter().all(|branch| ends(branch.steps.as_deref().unwrap_or_default()))
        }
        _ => false,
    }
}

/// The steps of an `atomic` group.
pub(super) fn group(step: &RawStep) -> Option<&[RawStep]> {
    match step.does.as_slice() {
        [Does { what: What::Atomic(inner), .. }] => Some(inner),
        _ => None,
    }
}

/// Whether it is a `foreach`.
pub(super) fn is_loop(step: &RawStep) -> bool {
    matches!(step.does.as_slice(), [Does { what: What::ForEach(_), .. }])
}

/// `job in failed`: what an item is called, and the list. `None`: it does not have that form.
pub(super) fn item_and_list(text: &str) -> Option<(&str, &str)> {
    let (item, list) = text.trim().split_once(char::is_whitespace)?;
    let list = list.trim_start().strip_prefix("in")?.strip_prefix(char::is_whitespace)?.trim_start();
    (!list.is_empty()).then_some((item, list))
}

/// The branches of a `choose`.
fn branches(step: &RawStep) -> &[RawBranch] {
    match step.does.as_slice() {
        [Does { what: What::Choose(branches), .. }] => branches,
        _ => &[],
    }
}

/// What the id of a `choose` has.
const CHOSEN: &[Field] = &[Field {
    name: "branch",
    of_type: "string",
    optional: false,
    nullable: false,
    entries: &[],
    doc: "The name of the branch that was chosen.",
}];

/// What the id of a `foreach` has, behind it.
const LOOPED: &[Field] = &[
    looped("total", "integer", &[], "How many items there were."),
    looped("done", "integer", &[], "How many were done."),
    looped("unneeded", "integer", &[], "How many were as wanted already."),
    looped("failed", "integer", &[], "How many failed."),
    looped("left_alone", "integer", &[], "How many were not to be touched."),
    looped("untouched", "integer", &[], "How many did not begin."),
    looped("items", "list", LOOPED_ITEM, "All of them, in order."),
];

const LOOPED_ITEM: &[Field] = &[
    looped("key", "string", &[], "What tells it from the others."),
    looped("outcome", "string", &[], "`done`, `unneeded`, `failed`, `left_alone` or `untouched`."),
    looped("because", "string", &[], "Why."),
];

const fn looped(name: &'static str, of_type: &'static str, entries: &'static [Field], doc: &'static str) -> Field {
    Field { name, of_type, optional: false, nullable: false, entries, doc }
}

fn output_of(step: &RawStep) -> (Output, bool) {
    match step.does.as_slice() {
        [does] => match &does.what {
            What::Action(action @ Action::Read(_)) => (Output::Fields(action.describe().declaration().output), true),
            What::Action(action @ Action::Mutate(_)) => (Output::Fields(action.describe().declaration().output), false),
            What::Choose(_) => (Output::Fields(CHOSEN), false),
            What::ForEach(_) => (Output::Fields(LOOPED), false),
            _ => (Output::None, false),
        },
        _ => (Output::Unknown, true),
    }
}

fn items_of(step: &RawStep) -> Option<&'static Field> {
    match step.does.as_slice() {
        [does] => match &does.what {
            What::Action(action) => {
                action.describe().declaration().output.iter().find(|field| !field.entries.is_empty())
            }
            What::ForEach(_) => LOOPED.iter().find(|field| !field.entries.is_empty()),
            _ => None,
        },
        _ => None,
    }
}

/// The kind of the whole object that a step reads, and that of those that it lists.
fn objects_of(step: &RawStep, kinds: &Kinds) -> (Option<&'static Kind>, Option<&'static Kind>) {
    let [Does { what: What::Action(action), .. }] = step.does.as_slice() else { return (None, None) };
    let output = action.describe().declaration().output;
    let of = |name: &str| {
        let field = output.iter().find(|field| field.name == name && field.entries.is_empty());
        field.and_then(|_| kinds.find(action.describe().named().kind.as_ref()?))
    };
    (of("object"), of("items"))
}

/// The path of what an expression gives. What is wrong with it is told where it stands.
fn meaning(expression: &str) -> Option<Vec<String>> {
    Expression::compile(expression).ok()?.stands_for()
}

fn window_of(step: &RawStep) -> Option<Duration> {
    let [does] = step.does.as_slice() else { return None };
    match &does.what {
        What::Action(action) => {
            let action = action.describe();
            let (of_query, of_action) = (window(&action.query()?.0), action.looks_back());
            of_query.into_iter().chain(of_action).reduce(|one, other| one + other)
        }
        _ => None,
    }
}
