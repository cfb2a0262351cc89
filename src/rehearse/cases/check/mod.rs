//! What is wrong with a file of cases, beyond its form: names that stand for nothing, values that
//! cannot be, expectations that contradict each other.

mod alertmanager;
mod fits;
mod history;
mod network;
mod sql;
mod web;
mod words;

use std::collections::BTreeSet;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::document::{Answers, Case, CaseFile, During, Expect};
use super::run::key_of;
use super::script::amount;
use super::times::fill;
use crate::cluster::Object;
use crate::diagnostics::{Code, Diagnostic, Location, SourceText, closest, list};
use crate::playbook::Playbook;

/// All that is wrong, in the order of the file as far as it has one.
pub fn check(source: SourceText<'_>, playbook: Option<&Playbook>, file: &CaseFile) -> Vec<Diagnostic> {
    let mut check = Check { source, playbook, wrong: Vec::new() };
    check.file(file);
    check.wrong
}

struct Check<'a> {
    source: SourceText<'a>,
    /// `None`: it cannot be read itself.
    playbook: Option<&'a Playbook>,
    wrong: Vec<Diagnostic>,
}

impl Check<'_> {
    fn file(&mut self, file: &CaseFile) {
        for (value, field, wanted) in [(&file.api_version, "apiVersion", "dogwatch/v1"), (&file.kind, "kind", "Cases")]
        {
            if value.value != wanted {
                let message = format!("these are no cases: their {field} is `{}`", value.value);
                self.error(Code::WrongDocument, value.referenced.into(), message, format!("write `{wanted}`"));
            }
        }
        if let Some(playbook) = self.playbook.filter(|playbook| playbook.name != file.playbook.value) {
            let message =
                format!("these are cases of `{}`, beside the playbook `{}`", file.playbook.value, playbook.name);
            let remedy = format!("write `{}`, or move them beside their playbook", playbook.name);
            self.error(Code::OrphanCases, file.playbook.referenced.into(), message, remedy);
        }
        self.manifests(&file.objects);
        self.answers(&file.prometheus);
        self.web_answers(&file.http);
        self.network_answers(&file.network);
        self.sql_answers(&file.sql);
        self.history(&file.history);
        self.other_alerts(file.alertmanager.as_ref());
        if file.cases.is_empty() {
            let at = self.source.find(Location { line: 1, column: 1 }, "cases");
            self.error(Code::NoCases, at, "there is no case", "write one: `- name: ...`");
        }
        let mut names = BTreeSet::new();
        for case in &file.cases {
            let at: Location = case.referenced.into();
            if !names.insert(case.value.name.as_str()) {
                let message = format!("a second case is called `{}`", case.value.name);
                self.error(Code::DuplicateName, at, message, "give each its own name");
            }
            self.case(file, &case.value, at);
        }
    }

    fn case(&mut self, file: &CaseFile, case: &Case, at: Location) {
        if case.alert.is_some() && !case.set.is_empty() {
            let message = "an alert fires, and `set` is what a person gives who asks for the run";
            self.error(Code::Contradiction, self.source.find(at, "set"), message, "keep one of the two");
        }
        if case.planned && (case.alert.is_some() || !case.set.is_empty()) {
            let message = "a planned time has neither an alert nor anybody who gives `set`";
            self.error(Code::Contradiction, self.source.find(at, "planned"), message, "keep one of the two");
        }
        self.manifests(&case.objects);
        self.without(file, case);
        self.answers(&case.prometheus);
        self.web_answers(&case.http);
        self.network_answers(&case.network);
        self.sql_answers(&case.sql);
        self.history(&case.history);
        self.other_alerts(case.alertmanager.as_ref());
        for during in &case.during {
            self.during(&during.value, during.referenced.into());
        }
        self.expect(case, case.expect.referenced.into());
        if let Some(playbook) = self.playbook {
            self.fits(playbook, case, at);
        }
    }

    fn manifests(&mut self, manifests: &[Spanned<Value>]) {
        for manifest in manifests {
            let at: Location = manifest.referenced.into();
            let object = Object(manifest.value.clone());
            for (field, is_there) in [("kind", !object.kind().is_empty()), ("metadata.name", !object.name().is_empty())]
            {
                if !is_there {
                    let remedy = "write it as `kubectl get -o yaml` does";
                    self.error(Code::MissingField, at, format!("a manifest needs `{field}`"), remedy);
                }
            }
            // Any moment tells whether each is a time.
            if let Err(error) = fill(&mut manifest.value.clone(), chrono::DateTime::UNIX_EPOCH) {
                let (message, remedy) = error.split_once("; ").unwrap_or((&error, ""));
                let place = message.split('`').nth(1).map_or(at, |wrong| self.source.find(at, wrong));
                self.error(Code::InvalidValue, place, message, remedy);
            }
        }
    }

    fn without(&mut self, file: &CaseFile, case: &Case) {
        let there: Vec<String> = file.objects.iter().map(|object| key_of(&Object(object.value.clone()))).collect();
        for key in case.without.iter().filter(|key| !there.contains(&key.value)) {
            let known = there.iter().map(String::as_str);
            let message = format!("the file has no object `{}` that could be taken away", key.value);
            self.error(
                Code::UnknownName,
                key.referenced.into(),
                message,
                instead(&key.value, "the objects are", known),
            );
        }
    }

    fn answers(&mut self, rules: &[Spanned<Answers>]) {
        for rule in rules {
            let (at, rule): (Location, _) = (rule.referenced.into(), &rule.value);
            if rule.answers.is_empty() && rule.once.is_none() {
                let message = format!("nothing is answered to `{}`", rule.query);
                let remedy = "write `answers: [0.4, 0.1]`, or `answers: [null]` for no samples";
                self.error(Code::NoValue, self.source.find(at, "answers"), message, remedy);
            }
            if let Some(once) = &rule.once {
                if amount(&once.reaches).is_none() {
                    let message = format!("`reaches` is {}, which is no amount", once.reaches);
                    let remedy = "write a number or a quantity, such as `6` or `120Gi`";
                    self.error(Code::InvalidValue, self.source.find(at, "reaches"), message, remedy);
                }
                if !once.field.starts_with('/') {
                    let message = format!("`{}` is no JSON pointer", once.field);
                    let remedy = format!("write `/{}`", once.field.trim_start_matches('.').replace('.', "/"));
                    self.error(Code::InvalidValue, self.source.find(at, "field"), message, remedy);
                }
            }
            // What goes on behind a hand-over may ask other things.
            if let Some(playbook) = self.playbook.filter(|playbook| playbook.hand_overs().next().is_none()) {
                self.asked(playbook, rule, at);
            }
        }
    }

    fn during(&mut self, during: &During, at: Location) {
        self.manifests(&during.objects);
        let (approve, deny) = (during.approve.names(), during.deny.names());
        let acts = !approve.is_empty() || !deny.is_empty() || during.resolve.is_some();
        if !during.alert_resolves && during.objects.is_empty() && !acts {
            let message = format!("nothing happens after {}", during.after);
            let remedy =
                "write `approve: NAME`, `deny: NAME`, `resolve: NAME`, `alert_resolves: true` or `objects: [...]`";
            self.error(Code::NoValue, at, message, remedy);
        }
        if during.reason.is_some() && deny.is_empty() {
            let message = "`reason` says why somebody denies it, and nobody does";
            self.error(Code::Misplaced, self.source.find(at, "reason"), message, "add `deny: NAME`, or leave it out");
        }
        if !approve.is_empty() && !deny.is_empty() {
            let message = "a question is approved and denied at once";
            self.error(Code::Contradiction, self.source.find(at, "deny"), message, "keep one of the two");
        }
    }

    fn expect(&mut self, case: &Case, at: Location) {
        let expect = &case.expect.value;
        if !expect.no_run {
            if expect.outcome.is_none() {
                let remedy = "write `outcome: escalated` or another one, or `no_run: true` where the alert is not the playbook's";
                self.error(Code::MissingField, at, "the case does not say how the run ends", remedy);
            }
            self.runs(expect, at);
            return;
        }
        if case.alert.is_none() {
            let message = "no alert fires, so that none can be another playbook's";
            self.error(Code::Contradiction, at, message, "write `alert: { name: ... }`, or take `no_run` away");
        }
        for field in told_of_a_run(expect) {
            let message = format!("nothing is run, so that there is no `{field}`");
            self.error(Code::Contradiction, self.source.find(at, field), message, "keep `no_run: true` alone");
        }
    }

    /// Whether the runs can follow each other: this playbook first, and then those to which it
    /// hands over.
    fn runs(&mut self, expect: &Expect, at: Location) {
        let (Some(runs), Some(playbook)) = (&expect.runs, self.playbook) else { return };
        let at = self.source.find(at, "runs");
        match runs.as_slice() {
            [first, ..] if *first != playbook.name => {
                let message = format!("the first run is of `{}`, and not of `{first}`", playbook.name);
                self.error(Code::Contradiction, at, message, format!("write `runs: [{}, ...]`", playbook.name));
            }
            [_, next, ..] if playbook.hand_overs().all(|to| to.playbook != *next) => {
                let to: Vec<&str> = playbook.hand_overs().map(|to| to.playbook.as_str()).collect();
                let remedy = instead(next, "it hands over to", to.iter().copied());
                self.error(Code::UnknownName, at, format!("the playbook does not hand over to `{next}`"), remedy);
            }
            _ => {}
        }
    }

    fn error(&mut self, code: Code, at: Location, message: impl Into<String>, remedy: impl Into<String>) {
        let wrong = self.source.error(code, at, message).with_remedy(remedy);
        self.wrong.push(self.source.named_odd(wrong));
    }
}

/// The fields that say what comes of a run. Pages are: whose the alert is, this playbook does not
/// know.
fn told_of_a_run(expect: &Expect) -> Vec<&'static str> {
    let Expect { outcome, no_run: _, runs, because, changes, pages, items, branches, page_says } = expect;
    let fields = [
        ("outcome", outcome.is_some()),
        ("runs", runs.is_some()),
        ("because", because.is_some()),
        ("changes", !changes.is_empty()),
        ("pages", !pages.is_empty()),
        ("items", !items.is_empty()),
        ("branches", !branches.is_empty()),
        ("page_says", page_says.is_some()),
    ];
    fields.into_iter().filter_map(|(field, is_there)| is_there.then_some(field)).collect()
}

/// What to write in the place of a name that there is not.
fn instead<'n>(name: &str, those: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    match closest(name, known.clone()) {
        Some(meant) => format!("write `{meant}`"),
        None if known.clone().next().is_none() => "take it away: there are none".to_owned(),
        None => format!("{those} {}", list(known)),
    }
}
