//! A step as it was written. Its one action is found among its keys while they stream by, so that what is wrong with the
//! action's arguments keeps its place.

use serde::de::MapAccess;

use super::raw::{RawApproval, RawTarget};
use super::reader::{Fields, Reader, Seen, Text, instead, place, plain_fields};
use crate::action::{self, Action};
use crate::diagnostics::{Code, Diagnostic};
use crate::language::{Location, closest};

/// One entry of a phase, or of an `atomic` group.
#[derive(Debug, Default)]
pub(in crate::playbook) struct RawStep {
    pub seen: Seen,
    pub id: Option<Text>,
    pub when: Option<Text>,
    pub because: Option<Text>,
    /// Who can act where it escalates.
    pub role: Option<Text>,
    pub timeout: Option<Text>,
    pub retry: Option<RawRetry>,
    pub verify: Option<RawVerify>,
    pub undo: Option<Text>,
    pub at_most: Option<Text>,
    pub on_error: Option<Text>,
    pub watch: Option<RawWatch>,
    pub approval: Option<RawApproval>,
    /// What only a `foreach` has.
    pub each: RawEach,
    /// What it does: exactly one, in a step that is right.
    pub does: Vec<Does>,
}

/// One of the keys of a step that say what it does.
#[derive(Debug)]
pub(in crate::playbook) struct Does {
    /// As it was written: `k8s.scale`.
    pub key: String,
    pub at: Location,
    pub what: What,
}

#[derive(Debug)]
pub(in crate::playbook) enum What {
    DoneIf(Text),
    Require(Text),
    EscalateIf(Text),
    LeaveIf(Text),
    Set(RawSet),
    Wait(Text),
    Atomic(Vec<RawStep>),
    Choose(Vec<RawBranch>),
    /// `job in failed`; the rest of it is [`RawStep::each`].
    ForEach(Text),
    /// How a branch ends: another playbook goes on.
    HandOver(Box<RawHandOver>),
    /// How a branch ends: the run escalates, or is done.
    End {
        escalates: bool,
        because: Text,
    },
    Action(Action),
}

/// The keys of a `foreach` beside its own.
#[derive(Debug, Default)]
pub(in crate::playbook) struct RawEach {
    pub target: Option<RawTarget>,
    pub key: Option<Text>,
    pub max: Option<Text>,
    pub waves: Option<(Location, Vec<Text>)>,
    pub stop_after: Option<Text>,
    pub within: Option<Text>,
    pub when_resolved: Option<Text>,
    pub guard: Option<(Location, Vec<RawStep>)>,
    pub steps: Option<(Location, Vec<RawStep>)>,
}

impl RawEach {
    pub const NAMES: [&'static str; 9] =
        ["target", "key", "max", "waves", "stop_after", "within", "when_resolved", "guard", "do"];

    /// The keys that are there, with their places.
    pub fn given(&self) -> Vec<(&'static str, Location)> {
        let texts = [
            ("key", &self.key),
            ("max", &self.max),
            ("stop_after", &self.stop_after),
            ("within", &self.within),
            ("when_resolved", &self.when_resolved),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, place(text.as_ref()?))));
        let lists = [
            ("target", self.target.as_ref().map(|target| target.seen.at)),
            ("waves", self.waves.as_ref().map(|(at, _)| *at)),
            ("guard", self.guard.as_ref().map(|(at, _)| *at)),
            ("do", self.steps.as_ref().map(|(at, _)| *at)),
        ];
        texts.chain(lists.into_iter().filter_map(|(name, at)| Some((name, at?)))).collect()
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: &Text,
        map: &mut A,
        reader: &Reader<'_>,
    ) -> Result<bool, A::Error> {
        match key.value.as_str() {
            "target" => self.target = Some(reader.map(key, map)?),
            "key" => self.key = Some(map.next_value()?),
            "max" => self.max = Some(map.next_value()?),
            "waves" => self.waves = Some((place(key), map.next_value()?)),
            "stop_after" => self.stop_after = Some(map.next_value()?),
            "within" => self.within = Some(map.next_value()?),
            "when_resolved" => self.when_resolved = Some(map.next_value()?),
            "guard" => self.guard = Some((place(key), reader.list(map)?)),
            "do" => self.steps = Some((place(key), reader.list(map)?)),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Names, each with the value that it is to have.
#[derive(Debug, Default)]
pub(in crate::playbook) struct RawSet {
    pub seen: Seen,
    pub values: Vec<(Text, Text)>,
}

/// One way of a `choose`.
#[derive(Debug, Default)]
pub(in crate::playbook) struct RawBranch {
    pub seen: Seen,
    pub branch: Option<Text>,
    pub otherwise: Option<Text>,
    pub when: Option<Text>,
    pub steps: Option<Vec<RawStep>>,
    /// How it ends behind its steps, with the reason.
    pub escalate: Option<Text>,
    /// Who can act on that.
    pub role: Option<Text>,
    pub done: Option<Text>,
    /// How it ends behind its steps: another playbook goes on.
    pub hand_over_to: Option<RawHandOver>,
    /// It has nothing to do, and what that means.
    pub go_on: Option<Text>,
}

/// To whom a run is handed over, and what about.
#[derive(Debug, Default)]
pub(in crate::playbook) struct RawHandOver {
    pub seen: Seen,
    pub playbook: Option<Text>,
    pub target: Option<Text>,
    /// Names of its inputs, each with the text of its value.
    pub inputs: Option<RawSet>,
    /// What the branch is called that ends in it.
    pub branch: String,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawRetry {
    pub seen: Seen,
    pub duration: Option<Text>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawVerify {
    pub seen: Seen,
    pub query: Option<Text>,
    pub until: Option<Text>,
    pub fail_if: Option<Text>,
    pub settle: Option<Text>,
    pub every: Option<Text>,
    pub within: Option<Text>,
    pub lasting: Option<Text>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawWatch {
    pub seen: Seen,
    pub until: Option<Text>,
    pub fail_if: Option<Text>,
    pub every: Option<Text>,
    pub within: Option<Text>,
    pub lasting: Option<Text>,
}

/// The keys of a step that say what it does, beside the actions.
pub(super) const DOES: [&str; 9] =
    ["done_if", "require", "escalate_if", "leave_if", "set", "wait", "atomic", "choose", "foreach"];

impl RawBranch {
    /// The keys of how it ends become its last steps.
    fn end_as_steps(&mut self) {
        let ends = [(true, "escalate", self.escalate.take()), (false, "done", self.done.take())];
        for (escalates, key, because) in ends.into_iter().filter_map(|(is, key, text)| Some((is, key, text?))) {
            let at = place(&because);
            let does = Does { key: key.to_owned(), at, what: What::End { escalates, because } };
            let role = self.role.take_if(|_| escalates);
            let mut step = RawStep { does: vec![does], role, ..RawStep::default() };
            step.seen.at = at;
            self.steps.get_or_insert_default().push(step);
        }
        if let Some(mut hand_over) = self.hand_over_to.take() {
            let name = self.branch.as_ref().or(self.otherwise.as_ref());
            hand_over.branch = name.map(|name| name.value.clone()).unwrap_or_default();
            let at = hand_over.seen.at;
            let does = Does { key: "hand_over_to".to_owned(), at, what: What::HandOver(Box::new(hand_over)) };
            let mut step = RawStep { does: vec![does], ..RawStep::default() };
            step.seen.at = at;
            self.steps.get_or_insert_default().push(step);
        }
    }
}

/// Has the branches among these steps end in steps of their own.
pub(in crate::playbook) fn branches_end_as_steps(steps: &mut [RawStep]) {
    for step in &mut *steps {
        if let Some((_, steps)) = &mut step.each.steps {
            branches_end_as_steps(steps);
        }
    }
    for does in steps.iter_mut().flat_map(|step| &mut step.does) {
        match &mut does.what {
            What::Choose(branches) => {
                for branch in branches {
                    branch.end_as_steps();
                    branches_end_as_steps(branch.steps.as_deref_mut().unwrap_or_default());
                }
            }
            What::Atomic(steps) => branches_end_as_steps(steps),
            _ => {}
        }
    }
}

impl RawStep {
    /// Whether it may do something that could not be read.
    pub fn does_something_unknown(&self) -> bool {
        let is_known = |key: &str| Self::NAMES.contains(&key) || RawEach::NAMES.contains(&key);
        self.seen.broken.iter().any(|key| !is_known(key))
    }
}

impl Fields for RawStep {
    const WHAT: &'static str = "a step";
    const NAMES: &'static [&'static str] = &[
        "id", "when", "because", "role", "timeout", "retry", "verify", "undo", "at_most", "on_error", "watch",
        "approval",
    ];

    fn seen(&mut self) -> &mut Seen {
        &mut self.seen
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: &Text,
        map: &mut A,
        reader: &Reader<'_>,
    ) -> Result<bool, A::Error> {
        let what = match key.value.as_str() {
            "id" => return keep(&mut self.id, map),
            "when" => return keep(&mut self.when, map),
            "because" => return keep(&mut self.because, map),
            "role" => return keep(&mut self.role, map),
            "timeout" => return keep(&mut self.timeout, map),
            "undo" => return keep(&mut self.undo, map),
            "at_most" => return keep(&mut self.at_most, map),
            "on_error" => return keep(&mut self.on_error, map),
            "retry" => {
                self.retry = Some(reader.map(key, map)?);
                return Ok(true);
            }
            "approval" => {
                self.approval = Some(reader.map(key, map)?);
                return Ok(true);
            }
            "watch" => {
                self.watch = Some(reader.map(key, map)?);
                return Ok(true);
            }
            "verify" => {
                self.verify = Some(reader.map(key, map)?);
                return Ok(true);
            }
            "done_if" => What::DoneIf(map.next_value()?),
            "require" => What::Require(map.next_value()?),
            "escalate_if" => What::EscalateIf(map.next_value()?),
            "leave_if" => What::LeaveIf(map.next_value()?),
            "set" => What::Set(reader.map(key, map)?),
            "choose" => What::Choose(reader.list(map)?),
            "foreach" => What::ForEach(map.next_value()?),
            name if RawEach::NAMES.contains(&name) => return self.each.field(key, map, reader),
            "wait" => What::Wait(map.next_value()?),
            "atomic" => What::Atomic(reader.list(map)?),
            name => match action::parse(name, map) {
                Some(parsed) => What::Action(parsed?),
                None => return Ok(false),
            },
        };
        self.does.push(Does { key: key.value.clone(), at: place(key), what });
        Ok(true)
    }

    fn unknown(key: &Text, reader: &Reader<'_>) -> Diagnostic {
        let name = key.value.as_str();
        let actions = action::names().iter().copied().chain(DOES);
        let (code, message, remedy) = if name.contains('.') {
            (Code::UnknownAction, format!("there is no action `{name}`"), instead(name, actions, "the actions are"))
        } else {
            let all = Self::NAMES.iter().copied().chain(actions);
            // A key of a loop is meant only where it is nearly that.
            let of_loop = closest(name, RawEach::NAMES).filter(|_| closest(name, all.clone()).is_none());
            let remedy = match of_loop {
                Some(meant) => format!("write `{meant}` instead"),
                None => instead(name, all, "a step has"),
            };
            (Code::UnknownField, format!("unknown field or action `{name}` in a step"), remedy)
        };
        let mut problem = reader.source.error(code, place(key), message);
        problem.remedy = Some(remedy);
        problem
    }
}

fn keep<'de, A: MapAccess<'de>>(slot: &mut Option<Text>, map: &mut A) -> Result<bool, A::Error> {
    *slot = Some(map.next_value()?);
    Ok(true)
}

impl Fields for RawSet {
    const WHAT: &'static str = "`set`";
    const NAMES: &'static [&'static str] = &[];

    fn seen(&mut self) -> &mut Seen {
        &mut self.seen
    }

    /// Every key is a name.
    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: &Text,
        map: &mut A,
        _reader: &Reader<'_>,
    ) -> Result<bool, A::Error> {
        let value = map.next_value()?;
        self.values.push((key.clone(), value));
        Ok(true)
    }
}

plain_fields!(RawBranch, "a branch", "branch" => branch, "when" => when, "escalate" => escalate, "role" => role, "done" => done, "go_on" => go_on, "otherwise" => otherwise; maps "hand_over_to" => hand_over_to; "do" => [steps]);

plain_fields!(RawHandOver, "`hand_over_to`", "playbook" => playbook, "target" => target; maps "inputs" => inputs);

plain_fields!(RawRetry, "`retry`", "for" => duration);

plain_fields!(RawVerify, "`verify`", "query" => query, "until" => until, "fail_if" => fail_if, "settle" => settle, "every" => every, "within" => within, "for" => lasting);

plain_fields!(RawWatch, "`watch`", "until" => until, "fail_if" => fail_if, "every" => every, "within" => within, "for" => lasting);
