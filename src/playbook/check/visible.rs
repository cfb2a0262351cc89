//! Which names a condition or text may use, and what is wrong with one that it may not.

use super::missing::ERROR;
use super::names::{Found, Inside, Named, Names, Output};
use super::watch::HELD;
use crate::diagnostics::Code;
use crate::language::{closest, list};

/// The names of the scope that every run has, with their fields where those are known.
const GIVEN: [(&str, Option<&[&str]>); 5] = [
    ("alert", Some(&["name", "labels", "annotations", "starts_at"])),
    ("target", None),
    ("inputs", None),
    ("incident", Some(&["id", "severity", "title"])),
    ("run", Some(&["id", "playbook"])),
];

/// The names that one place of the playbook sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visible<'n> {
    pub names: &'n Names,
    /// The branches that the place lies in.
    pub region: &'n [Inside],
    /// Each name counts as there that some way to the place gives: a human waits, and hears what
    /// there is.
    pub is_lenient: bool,
    pub sees: Sees,
    /// `now` has a value here.
    pub now: bool,
    /// `because` has: the reason for the phase that the step is in, for those who are told.
    pub because: bool,
    /// The fields of a repeated query, which are names of their own in a verify.
    pub query: Output,
    /// The step whose fields those are.
    pub asked: Option<&'n Named>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Sees {
    /// The alert alone: a trigger's `where`.
    Alert,
    /// The inputs and the alert: the target's parts.
    Request,
    /// What every run has, and the outputs of the diagnosis, whose steps come before this one: the
    /// question before the first change.
    Diagnosis(usize),
    /// What every run has, and the outputs of the steps before this one.
    Before(usize),
    /// The same, with the output of this step itself: its verify.
    UpTo(usize),
}

/// What is wrong with a name: its kind, the word to point at, what is said about it, and what to
/// write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub code: Code,
    pub word: String,
    pub message: String,
    pub remedy: Option<String>,
}

impl<'n> Visible<'n> {
    /// What is wrong with the name `path[0]` and its first field `path[1]`.
    pub fn problem_of(&self, path: &[String]) -> Option<Wrong> {
        let (name, field) = (path.first()?.as_str(), path.get(1).map(String::as_str));
        if let Output::Fields(fields) = self.query
            && fields.iter().any(|field| field.name == name)
        {
            return None;
        }
        if (name == "now" && self.now) || (name == "because" && self.because) {
            return None;
        }
        if self.sees_given(name) {
            return self.given_field(name, field);
        }
        match self.find(name) {
            Found::Yes(step) => step_field(step, field),
            Found::OtherBranch(step) | Found::SomeBranches(step) if self.is_lenient => step_field(step, field),
            Found::Later(step) => Some(self.not_yet(step)),
            Found::OtherBranch(step) => Some(in_a_branch(step, "lies in another branch")),
            Found::InLoop(step) => Some(in_a_loop(step)),
            Found::SomeBranches(step) => Some(in_a_branch(step, "has no value after each of the branches before")),
            Found::Nowhere if self.names.incomplete || self.query == Output::Unknown => None,
            Found::Nowhere => Some(self.unknown(name)),
        }
    }

    /// What has that name here.
    pub fn find(&self, name: &str) -> Found<'n> {
        self.names.find(name, |step| self.sees_step(step), self.region)
    }

    /// What is wrong with the field `path[0]` of an entry of the list `of`.
    pub fn problem_of_item(&self, of: &[String], path: &[String]) -> Option<Wrong> {
        let [name, list] = of else { return None };
        let items = self.names.step(name)?.items?;
        let fields: Vec<&str> = items.entries.iter().map(|field| field.name).collect();
        let field = path.first()?.as_str();
        if list != items.name || fields.contains(&field) {
            return None;
        }
        let message = format!("an entry of `{name}.{list}` has no `{field}`");
        let mut wrong = wrong(field, message, &fields, "");
        let is_name = self.sees_given(field) || self.names.step(field).is_some();
        if is_name {
            wrong.remedy = Some(format!("write `@root/{}`: in here, names are those of the entry", path.join(".")));
        }
        Some(wrong)
    }

    fn sees_given(&self, name: &str) -> bool {
        match self.sees {
            Sees::Alert => name == "alert",
            Sees::Request => name == "alert" || name == "inputs",
            Sees::Diagnosis(_) | Sees::Before(_) | Sees::UpTo(_) => GIVEN.iter().any(|(given, _)| *given == name),
        }
    }

    fn sees_step(&self, step: &Named) -> bool {
        match self.sees {
            Sees::Alert | Sees::Request => false,
            Sees::Diagnosis(order) | Sees::Before(order) => step.order < order,
            Sees::UpTo(order) => step.order <= order,
        }
    }

    fn given_field(&self, name: &str, field: Option<&str>) -> Option<Wrong> {
        let field = field?;
        let known: Vec<&str> = match GIVEN.iter().find(|(given, _)| *given == name)?.1 {
            Some(fields) => fields.to_vec(),
            None if name == "inputs" && !self.names.incomplete => {
                self.names.inputs.iter().map(String::as_str).collect()
            }
            None => return None,
        };
        if known.contains(&field) {
            return None;
        }
        let message = match name {
            "inputs" => format!("there is no input `{field}`"),
            _ => format!("`{name}` has no field `{field}`"),
        };
        Some(wrong(field, message, &known, &format!("{name}.")))
    }

    fn not_yet(&self, step: &Named) -> Wrong {
        let id = &step.id;
        let (message, remedy) = match self.sees {
            Sees::Alert => (format!("`where` sees the alert alone, not the step `{id}`"), None),
            Sees::Request => (format!("the target is found before any step runs, so `{id}` has no value here"), None),
            Sees::Diagnosis(_) => (
                format!("it is asked before the first change, so `{id}` has no value here"),
                Some("name what the diagnosis finds, or write `approval` at a step behind it".to_owned()),
            ),
            Sees::Before(order) if order == step.order => {
                (format!("the step `{id}` uses its own output, which it has yet to make"), None)
            }
            Sees::Before(_) | Sees::UpTo(_) => {
                (format!("the step `{id}` runs only after this one"), Some(format!("move `{id}` to before this step")))
            }
        };
        Wrong { code: Code::NotYetKnown, word: id.clone(), message, remedy }
    }

    fn unknown(&self, name: &str) -> Wrong {
        if name == "now" {
            let message = "`now` is known to conditions only".to_owned();
            return Wrong {
                code: Code::UnknownName,
                word: name.to_owned(),
                message,
                remedy: Some("leave it out; every message says its time".into()),
            };
        }
        let message = match self.sees {
            Sees::Alert => format!("`where` sees the alert alone, and `{name}` is something else"),
            Sees::Request => format!("`{name}` is not known when the target is found"),
            Sees::Diagnosis(_) | Sees::Before(_) | Sees::UpTo(_) => format!("there is nothing called `{name}` here"),
        };
        let steps = self.names.steps.iter().filter(|step| self.sees_step(step) && step.output != Output::None);
        let mut known: Vec<&str> =
            GIVEN.iter().map(|(given, _)| *given).filter(|given| self.sees_given(given)).collect();
        known.extend(steps.map(|step| step.id.as_str()));
        known.extend(self.because.then_some("because"));
        if let Output::Fields(fields) = self.query {
            known.extend(fields.iter().map(|field| field.name));
        }
        known.sort_unstable();
        known.dedup();
        let mut wrong = wrong(name, message, &known, "");
        if matches!(self.sees, Sees::UpTo(_)) && self.query == Output::None && closest(name, known).is_none() {
            wrong.remedy = Some(format!(
                "name the step whose `{name}` is meant with `query: ...`; without it, the target is read again, as `target`"
            ));
        }
        wrong
    }
}

fn in_a_branch(step: &Named, what: &str) -> Wrong {
    let id = &step.id;
    Wrong {
        code: Code::NotYetKnown,
        word: id.clone(),
        message: format!("`{id}` {what}"),
        remedy: Some(format!("move `{id}` to before the `choose`, or `set` a name in each branch that goes on")),
    }
}

fn in_a_loop(step: &Named) -> Wrong {
    let id = &step.id;
    Wrong {
        code: Code::NotYetKnown,
        word: id.clone(),
        message: format!("`{id}` has a value for each item of a `foreach`, and none beside its steps"),
        remedy: Some("use the id of the `foreach` behind it, as in `{{restart_all.summary}}`".into()),
    }
}

fn step_field(step: &Named, field: Option<&str>) -> Option<Wrong> {
    let known = match (step.output, field) {
        (Output::None, _) => {
            let message =
                format!("the step `{}` has no output: it is no action that finds or changes something", step.id);
            return Some(Wrong { code: Code::UnknownName, word: step.id.clone(), message, remedy: None });
        }
        (Output::Fields(fields), Some(field)) => (fields, field),
        _ => return None,
    };
    let (fields, field) = known;
    let given = [(true, "summary"), (step.changes(), "made"), (step.may_fail, ERROR), (step.is_watched, HELD)];
    let undo = ["undone", "undo_error"].map(|name| (step.is_undone, name));
    let given = given.into_iter().chain(undo).filter_map(|(is_there, name)| is_there.then_some(name));
    let known: Vec<&str> = fields.iter().map(|field| field.name).chain(given).collect();
    if known.contains(&field) {
        return None;
    }
    Some(wrong(field, format!("the output of `{}` has no `{field}`", step.id), &known, &format!("{}.", step.id)))
}

pub(super) fn wrong(word: &str, message: String, known: &[&str], prefix: &str) -> Wrong {
    let remedy = match closest(word, known.iter().copied()) {
        Some(meant) => format!("write `{prefix}{meant}` instead"),
        None if known.is_empty() => {
            return Wrong { code: Code::UnknownName, word: word.to_owned(), message, remedy: None };
        }
        None if known.len() == 1 => format!("all there is here is {}", list(known.iter().copied())),
        None => format!("here are {}", list(known.iter().copied())),
    };
    Wrong { code: Code::UnknownName, word: word.to_owned(), message, remedy: Some(remedy) }
}
