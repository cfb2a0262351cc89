//! Whether the playbooks to which others hand over are there, take what they are given, and come to
//! an end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TargetError;
use super::catalog::Catalog;
use super::document::{HandOver, Input, Playbook, StepKind, TargetPart};
use crate::diagnostics::{Code, Diagnostic, SourceText, closest, list};
use crate::model::{PlaybookRef, Target, is_dns_label, is_dns_subdomain};

/// So many runs hand over to the next one in a row.
pub const MOST_HAND_OVERS: u32 = 3;

impl Playbook {
    /// To which playbooks it hands over, in the order of its steps.
    pub fn hand_overs(&self) -> impl Iterator<Item = &HandOver> {
        self.all_steps().filter_map(|step| match &step.kind {
            StepKind::HandOver(hand_over) => Some(hand_over),
            _ => None,
        })
    }
}

impl Catalog {
    /// The playbooks to which this one hands over, each with its text.
    pub fn pins(&self, playbook: &Playbook) -> Vec<(PlaybookRef, String)> {
        let named: BTreeMap<&str, &Arc<Playbook>> = playbook
            .hand_overs()
            .filter_map(|hand_over| Some((hand_over.playbook.as_str(), self.get(&hand_over.playbook)?)))
            .collect();
        named.into_values().map(|pinned| (pinned.reference.clone(), pinned.source.to_string())).collect()
    }
}

impl Playbook {
    /// The object that is handed over to this playbook: what `text` names, as `Kind/namespace/name`
    /// or `Kind/name`, or that of the run before.
    ///
    /// # Errors
    /// It names none, or one of another kind than this playbook is about.
    pub fn handed_target(&self, text: Option<&str>, before: &Target) -> Result<Target, String> {
        let shown = || text.unwrap_or_default().chars().take(80).collect::<String>();
        let target = match text.map(|text| text.split('/').collect::<Vec<_>>()).as_deref() {
            None => before.clone(),
            Some([kind, namespace, name]) if is_dns_label(namespace) && is_dns_subdomain(name) => {
                Target::new(*kind, *namespace, *name)
            }
            Some([kind, name]) if is_dns_subdomain(name) => Target::new(*kind, "", *name),
            Some(_) => return Err(format!("`{}` names no object: write `Kind/namespace/name`", shown())),
        };
        let Some(rule) = self.target.kinds.iter().find(|rule| !self.kinds.differ(&rule.kind, &target.kind)) else {
            return Err(format!("`{}` is about a {}, and {target} is none", self.name, self.target.kinds_said()));
        };
        // In the version in which this playbook reads it.
        let kind = self.kinds.find_text(&rule.kind);
        let kind = kind.ok_or_else(|| TargetError::UnknownKind { kind: rule.kind.clone() }.to_string())?;
        let target = Target { kind: kind.id.to_owned(), ..target };
        kind.check_key(&target).map_err(|why| format!("`{}` is about no such object: {why}", self.name))?;
        // What it asks and how far it goes is written for that one.
        let literals = [(&self.target.namespace, &target.namespace), (&rule.name, &target.name)];
        let is_other = |(part, value): &(&TargetPart, &String)| match part {
            TargetPart::Given(arg) => arg.literal().is_some_and(|literal| literal != *value),
            TargetPart::None | TargetPart::Unsaid | TargetPart::Label(_) => false,
        };
        if literals.iter().any(is_other) {
            return Err(format!("`{}` is about one object alone, and {target} is another", self.name));
        }
        Ok(target)
    }
}

/// What is wrong with the hand-overs of these playbooks.
pub(super) fn wrong(playbooks: &BTreeMap<String, Arc<Playbook>>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for playbook in playbooks.values() {
        let source = SourceText { path: &playbook.path, text: &playbook.source };
        for hand_over in playbook.hand_overs() {
            let found = match playbooks.get(&hand_over.playbook) {
                None => Some(not_there(playbooks, &playbook.name, hand_over)),
                Some(other) => {
                    does_not_take(other, playbook, hand_over).or_else(|| has_no_end(playbooks, playbook, other))
                }
            };
            problems.extend(
                found.map(|(code, message, remedy)| source.error(code, hand_over.at, message).with_remedy(remedy)),
            );
        }
    }
    problems
}

type Found = (Code, String, String);

fn not_there(playbooks: &BTreeMap<String, Arc<Playbook>>, from: &str, hand_over: &HandOver) -> Found {
    let name = &hand_over.playbook;
    let remedy = match closest(name, playbooks.keys().map(String::as_str).filter(|other| *other != from)) {
        Some(meant) => format!("write `{meant}` instead"),
        None => "write the name of one of the playbooks".to_owned(),
    };
    (Code::UnknownName, format!("there is no playbook `{name}`, or something is wrong with it"), remedy)
}

fn does_not_take(other: &Playbook, playbook: &Playbook, hand_over: &HandOver) -> Option<Found> {
    let name = &other.name;
    let is_taken = |kind: &str| other.target.kinds.iter().any(|one| !playbook.kinds.differ(&one.kind, kind));
    let untaken = playbook.target.kinds.iter().find(|one| !is_taken(&one.kind));
    if let Some(untaken) = untaken.filter(|_| hand_over.target.is_none()) {
        let (here, there) = (&untaken.kind, other.target.kinds_said());
        let maybe = if playbook.target.kinds.len() > 1 { "may be about" } else { "about" };
        let message = format!("`{name}` is about a {there}, and this playbook {maybe} a {here}");
        let kind = other.target.kinds.first().map_or(here, |one| &one.kind);
        return Some((Code::WrongTarget, message, format!("add `target: \"{kind}/namespace/name\"`")));
    }
    let given: Vec<&str> = hand_over.inputs.iter().map(|(input, _)| input.as_str()).collect();
    if let Some(unknown) = given.iter().find(|input| !other.inputs.contains_key(**input)) {
        let inputs = other.inputs.keys().map(String::as_str);
        let remedy = match closest(unknown, inputs.clone()) {
            Some(meant) => format!("write `{meant}` instead"),
            None if other.inputs.is_empty() => "leave it out: it has none".to_owned(),
            None => format!("its inputs are {}", list(inputs)),
        };
        return Some((Code::UnknownName, format!("`{name}` has no input `{unknown}`"), remedy));
    }
    let is_needed = |(input, of): &(&String, &Input)| {
        of.default.is_none() && of.label.is_none() && !given.contains(&input.as_str())
    };
    let (missing, _) = other.inputs.iter().find(is_needed)?;
    let message = format!("`{name}` needs the input `{missing}`");
    Some((Code::MissingField, message, format!("add `inputs: {{ {missing}: ... }}`")))
}

/// Whether it comes back to where it was, or goes on for too long.
fn has_no_end(playbooks: &BTreeMap<String, Arc<Playbook>>, from: &Playbook, to: &Playbook) -> Option<Found> {
    let way = longest(playbooks, to, &mut vec![&from.name])?;
    let shown = way.join("` -> `");
    if way.len() > 1 && way.first() == way.last() {
        let message = format!("the hand-overs go round in a circle: `{shown}`");
        return Some((Code::Contradiction, message, "have one of them decide it itself".to_owned()));
    }
    let message = format!("{} hand over in a row, and {MOST_HAND_OVERS} is the most: `{shown}`", way.len() - 1);
    Some((Code::OutOfRange, message, "decide more in one playbook".to_owned()))
}

/// A way of hand-overs that is too long, or comes back to one of those before it.
fn longest<'p>(
    playbooks: &'p BTreeMap<String, Arc<Playbook>>,
    at: &'p Playbook,
    before: &mut Vec<&'p String>,
) -> Option<Vec<String>> {
    let is_circle = before.contains(&&at.name);
    before.push(&at.name);
    let is_too_long = before.len() > MOST_HAND_OVERS as usize + 1;
    let found = if is_circle || is_too_long {
        let from = before.iter().position(|name| *name == &at.name).filter(|_| is_circle).unwrap_or_default();
        Some(before.iter().skip(from).map(|name| (*name).clone()).collect())
    } else {
        at.hand_overs()
            .filter_map(|next| playbooks.get(&next.playbook))
            .find_map(|next| longest(playbooks, next, before))
    };
    before.pop();
    found
}
