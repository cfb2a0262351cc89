//! A step as it was written. Its one action is found among its keys while they stream by, so that what is wrong with the
//! action's arguments keeps its place.

use serde::de::MapAccess;

use super::reader::{Fields, Reader, Seen, Text, instead, place, plain_fields};
use crate::action::{self, Action};
use crate::language::Location;
use crate::playbook::problem::Problem;

/// One entry of a phase, or of an `atomic` group.
#[derive(Debug, Default)]
pub(in crate::playbook) struct RawStep {
    pub seen: Seen,
    pub id: Option<Text>,
    pub when: Option<Text>,
    pub because: Option<Text>,
    pub timeout: Option<Text>,
    pub retry: Option<RawRetry>,
    pub verify: Option<RawVerify>,
    pub undo: Option<Text>,
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
    Wait(Text),
    Atomic(Vec<RawStep>),
    Action(Action),
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
}

/// The keys of a step that say what it does, beside the actions.
const DOES: [&str; 4] = ["done_if", "require", "wait", "atomic"];

impl RawStep {
    /// Whether it may do something that could not be read.
    pub fn does_something_unknown(&self) -> bool {
        self.seen.broken.iter().any(|key| !Self::NAMES.contains(&key.as_str()))
    }
}

impl Fields for RawStep {
    const WHAT: &'static str = "a step";
    const NAMES: &'static [&'static str] = &["id", "when", "because", "timeout", "retry", "verify", "undo"];

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
            "timeout" => return keep(&mut self.timeout, map),
            "undo" => return keep(&mut self.undo, map),
            "retry" => {
                self.retry = Some(reader.map(key, map)?);
                return Ok(true);
            }
            "verify" => {
                self.verify = Some(reader.map(key, map)?);
                return Ok(true);
            }
            "done_if" => What::DoneIf(map.next_value()?),
            "require" => What::Require(map.next_value()?),
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

    fn unknown(key: &Text, reader: &Reader<'_>) -> Problem {
        let name = key.value.as_str();
        let actions = action::names().iter().copied().chain(DOES);
        let (message, remedy) = if name.contains('.') {
            (format!("there is no action `{name}`"), instead(name, actions, "the actions are"))
        } else {
            let all = Self::NAMES.iter().copied().chain(actions);
            (format!("unknown field or action `{name}` in a step"), instead(name, all, "a step has"))
        };
        let mut problem = reader.source.error(place(key), message);
        problem.remedy = Some(remedy);
        problem
    }
}

fn keep<'de, A: MapAccess<'de>>(slot: &mut Option<Text>, map: &mut A) -> Result<bool, A::Error> {
    *slot = Some(map.next_value()?);
    Ok(true)
}

plain_fields!(RawRetry, "`retry`", "for" => duration);

plain_fields!(RawVerify, "`verify`", "query" => query, "until" => until, "fail_if" => fail_if, "settle" => settle, "every" => every, "within" => within);
