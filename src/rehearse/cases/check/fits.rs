//! Whether a case is one of its playbook: alert, labels, inputs, queries and loops.

use super::words::{labels_in, longest_word, words_in};
use super::{Check, instead};
use crate::diagnostics::{Code, Location, closest};
use crate::model::Phase;
use crate::playbook::{Block, Playbook, StepKind, TargetPart};
use crate::rehearse::cases::chosen::choices;
use crate::rehearse::cases::document::{Answers, Case, CaseAlert, Expect};

const BY_DEFAULT: &str = "write what it can be, or leave it out where its default is meant";

impl Check<'_> {
    pub(super) fn fits(&mut self, playbook: &Playbook, case: &Case, at: Location) {
        if let Some(alert) = case.alert.as_ref().filter(|_| !case.expect.value.no_run) {
            self.alert(playbook, alert, at);
        }
        if case.planned && playbook.schedules.is_empty() {
            let message = format!("the playbook `{}` is planned for no time", playbook.name);
            let remedy = "take `planned` away: then a person asks for the run; or add a `schedule` to its `triggers`";
            self.error(Code::Contradiction, self.source.find(at, "planned"), message, remedy);
        }
        if case.alert.is_none() && !case.planned {
            self.inputs(playbook, case, at);
        }
        let loops: Vec<&str> = loops(playbook);
        for id in case.expect.value.items.keys().filter(|id| !loops.contains(&id.as_str())) {
            let place = self.source.find(case.expect.referenced.into(), id);
            let message = format!("the playbook `{}` has no loop `{id}`", playbook.name);
            self.error(Code::UnknownName, place, message, instead(id, "its loops are", loops.iter().copied()));
        }
        if !case.expect.value.no_run {
            self.branches(playbook, &case.expect.value, case.expect.referenced.into());
        }
    }

    fn branches(&mut self, playbook: &Playbook, expect: &Expect, at: Location) {
        let choices = choices(playbook);
        let at = self.source.find(at, "branches");
        for (choose, expected) in &expect.branches {
            let at = self.source.find(at, choose);
            let Some(branches) = choices.get(choose) else {
                let message = format!("the playbook `{}` has no `choose` of the name `{choose}`", playbook.name);
                let known = choices.keys().map(String::as_str);
                self.error(Code::UnknownName, at, message, instead(choose, "there are", known));
                continue;
            };
            let known = branches.iter().map(String::as_str);
            for branch in expected.names().iter().filter(|branch| !branches.contains(branch)) {
                let message = format!("no branch of `{choose}` is called `{branch}`");
                let remedy = instead(branch, "they are", known.clone());
                self.error(Code::UnknownName, self.source.find(at, branch), message, remedy);
            }
            if expected.names().is_empty() {
                let message = format!("no branch of `{choose}` is named");
                self.error(Code::NoValue, at, message, instead("", "they are", known));
            }
        }
    }

    fn alert(&mut self, playbook: &Playbook, alert: &CaseAlert, at: Location) {
        let at = self.source.find(at, "alert");
        if playbook.triggers.iter().all(|trigger| trigger.alert != alert.name) {
            let triggers = playbook.triggers.iter().map(|trigger| trigger.alert.as_str());
            let message = format!("no trigger of the playbook `{}` is the alert `{}`", playbook.name, alert.name);
            let remedy = instead(&alert.name, "its triggers are", triggers);
            let remedy = format!("{remedy}; or say that it is not the playbook's: `expect: {{ no_run: true }}`");
            return self.error(Code::UnknownName, self.source.find(at, &alert.name), message, remedy);
        }
        let read = labels_read(playbook);
        let is_lacking = |label: &&str| !alert.labels.contains_key(*label);
        let lacking: Vec<&str> = read.iter().map(String::as_str).filter(is_lacking).collect();
        for label in alert.labels.keys().filter(|label| !read.contains(label)) {
            // A short name is near to many, and `job` is no slip for `job_name`.
            let candidates = lacking.iter().copied().filter(|name| !name.starts_with(label.as_str()));
            if let Some(meant) = closest(label, candidates).filter(|_| label.len() >= 5) {
                let message = format!("the playbook `{}` reads no label `{label}`", playbook.name);
                let remedy = format!("write `{meant}`, which it reads and the alert does not have");
                self.error(Code::UnknownName, self.source.find(at, label), message, remedy);
            }
        }
    }

    /// What a person gives, as the bot would refuse it. What is not given at all may be what the
    /// case is about.
    fn inputs(&mut self, playbook: &Playbook, case: &Case, at: Location) {
        let problems = playbook.inputs_for(None, &case.set).err().unwrap_or_default();
        let at = self.source.find(at, "set");
        for problem in problems.into_iter().filter(|problem| case.set.contains_key(&problem.name)) {
            let is_known = playbook.inputs.contains_key(&problem.name);
            let code = if is_known { Code::InvalidValue } else { Code::UnknownName };
            let place = self.source.find(at, &problem.name);
            self.error(code, place, problem.message, problem.remedy.unwrap_or_else(|| BY_DEFAULT.to_owned()));
        }
    }

    /// Only what looks like a slip is told: what holes of a query are filled with is not known
    /// here.
    pub(super) fn asked(&mut self, playbook: &Playbook, rule: &Answers, at: Location) {
        let queries: Vec<String> = playbook
            .all_steps()
            .filter_map(|step| match &step.kind {
                StepKind::Action(action) => action.describe().query().map(|(query, _)| query),
                _ => None,
            })
            .collect();
        let Some(word) = longest_word(&rule.query) else { return };
        if playbook.source.contains(word) {
            return;
        }
        let known: Vec<&str> = queries.iter().flat_map(|query| words_in(query)).collect();
        if let Some(meant) = closest(word, known).filter(|_| word.len() >= 5) {
            let message = format!("no query of the playbook `{}` has `{word}`", playbook.name);
            self.error(Code::UnknownName, self.source.find(at, word), message, format!("write `{meant}`"));
        }
    }
}

/// The labels of the alert that the playbook goes by.
fn labels_read(playbook: &Playbook) -> Vec<String> {
    let mut read: Vec<String> = labels_in(&playbook.source);
    read.extend(playbook.inputs.values().filter_map(|input| input.label.clone()));
    let names = playbook.target.kinds.iter().map(|kind| &kind.name);
    for part in std::iter::once(&playbook.target.namespace).chain(names) {
        if let TargetPart::Label(label) = part {
            read.push(label.clone());
        }
    }
    read
}

fn loops(playbook: &Playbook) -> Vec<&str> {
    fn within<'p>(blocks: &'p [Block], found: &mut Vec<&'p str>) {
        for block in blocks {
            match block {
                Block::Step(_) | Block::Atomic(_) => {}
                Block::Choose(choose) => choose.branches.iter().for_each(|branch| within(&branch.blocks, found)),
                Block::ForEach(each) => {
                    found.extend(each.address.id());
                    within(&each.blocks, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    [Phase::Diagnose, Phase::Mitigate].iter().for_each(|phase| within(playbook.blocks(*phase), &mut found));
    found
}
