//! All playbooks of a folder, found by name, by digest, and by the alert that triggers them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;

use super::document::Playbook;
use super::folder::read_folder;
use super::hand_overs;
use super::kinds::read_kinds;
use super::settings::{Fate, Settings};
use super::target::alert_value;
use crate::cluster::Kinds;
use crate::diagnostics::{Code, Diagnostic, SourceText};
use crate::files::is_folder;
use crate::language::{Expression, ExpressionError, Location, Scope};
use crate::model::{Alert, Digest};

/// The playbooks that were loaded. It never changes: a reload makes a new one.
#[derive(Debug, Default)]
pub struct Catalog {
    by_name: BTreeMap<String, Arc<Playbook>>,
    by_digest: HashMap<Digest, Arc<Playbook>>,
    /// All that come with the program, those that a site's take the place of among them.
    shipped: Vec<Arc<Playbook>>,
    /// What the site says of them.
    pub(super) settings: Arc<Settings>,
    /// By name, those that nothing starts, as they are written.
    pub(super) disabled: BTreeMap<String, Arc<Playbook>>,
    /// What is wrong with what the site says of those that are there and do not fit, each with the
    /// playbook.
    pub(super) unfit: Vec<(Arc<Playbook>, Diagnostic)>,
    /// For each alert name, the triggers in the order in which they are tried.
    by_alert: HashMap<String, Vec<Entry>>,
}

/// One trigger of one playbook.
#[derive(Debug)]
struct Entry {
    playbook: Arc<Playbook>,
    /// The index among the playbook's triggers.
    trigger: usize,
}

/// What a lookup by alert found.
#[derive(Debug, Default)]
pub struct AlertMatch<'c> {
    pub playbook: Option<&'c Arc<Playbook>>,
    /// Several answer it, and none is run: which, and what to do about it.
    pub undecided: Option<String>,
    /// What an operator should know: a `where` that had no answer for this alert (it does not
    /// match).
    pub problems: Vec<String>,
}

impl Catalog {
    /// Loads every `*.yaml` of `directory`, and of the folders in it, that is no `*.cases.yaml`.
    ///
    /// A file that does not load never takes down the others: it is missing in the catalog, and its problems are in the list,
    /// beside the warnings of those that do load.
    ///
    /// What kinds there are beside Kubernetes' own, `kinds.yaml` and `*.crds.yaml` in any of its
    /// folders say.
    pub fn load(directory: &Path) -> (Self, Vec<Diagnostic>) {
        let (kinds, mut problems) = (Arc::default(), Vec::new());
        // That it cannot be read is told by who looks for playbooks in it.
        if is_folder(directory) {
            read_kinds(directory, &kinds, &mut problems);
        }
        let (catalog, wrong) = Self::load_with(directory, &kinds);
        problems.extend(wrong);
        (catalog, problems)
    }

    /// As [`Self::load`], where these kinds are known.
    pub fn load_with(directory: &Path, kinds: &Arc<Kinds>) -> (Self, Vec<Diagnostic>) {
        Self::load_all(&[directory], kinds, &Arc::default())
    }

    /// As [`Self::load_with`], of several folders. A site's playbook takes the place of the shipped one of its name; where
    /// it cannot be read, neither counts: what it was to change of the other one, nobody knows.
    /// `settings`: what the site sets of them; a playbook that this does not fit does not count.
    pub fn load_all(directories: &[&Path], kinds: &Arc<Kinds>, settings: &Arc<Settings>) -> (Self, Vec<Diagnostic>) {
        let mut problems = Vec::new();
        let (mut playbooks, mut unread, mut files) = (Vec::new(), BTreeSet::new(), Vec::new());
        for directory in directories {
            files.extend(read_folder(directory, &mut problems));
        }
        for (path, text) in files {
            let text = match text {
                Ok(text) => text,
                Err(error) => {
                    unread.extend(names_within(&path, ""));
                    let source = SourceText { path: &path, text: "" };
                    problems.push(source.error_of_file(Code::Unreadable, format!("the file cannot be read: {error}")));
                    continue;
                }
            };
            match Playbook::parse_with(&path, &text, kinds) {
                Ok(playbook) => {
                    problems.extend(playbook.warnings.iter().cloned());
                    playbooks.push(playbook);
                }
                Err(wrong) => {
                    unread.extend(names_within(&path, &text));
                    problems.extend(wrong);
                }
            }
        }
        playbooks.retain(|playbook| !(playbook.is_shipped() && unread.contains(&playbook.name)));
        let (catalog, conflicts) = Self::of_written(playbooks.into_iter().map(Arc::new), settings, &unread);
        problems.extend(conflicts);
        problems.sort_by(|a, b| (&a.path, a.line(), a.column()).cmp(&(&b.path, b.line(), b.column())));
        (catalog, problems)
    }

    /// The catalog of these playbooks. Of two with one name neither is taken. Where two would answer every alert of one
    /// name, neither answers it: nobody said which one is meant.
    pub fn of(playbooks: Vec<Playbook>) -> (Self, Vec<Diagnostic>) {
        Self::of_set(playbooks, &Arc::default())
    }

    /// As [`Self::of`], of those that others hold too.
    pub fn of_shared(playbooks: impl Iterator<Item = Arc<Playbook>>) -> (Self, Vec<Diagnostic>) {
        Self::of_written(playbooks, &Arc::default(), &BTreeSet::new())
    }

    /// As [`Self::of`], where the site sets this of them.
    pub fn of_set(playbooks: Vec<Playbook>, settings: &Arc<Settings>) -> (Self, Vec<Diagnostic>) {
        Self::of_written(playbooks.into_iter().map(Arc::new), settings, &BTreeSet::new())
    }

    /// Of playbooks as they are written. `unread`: the names of those that could not be read.
    pub(super) fn of_written(
        playbooks: impl Iterator<Item = Arc<Playbook>>,
        settings: &Arc<Settings>,
        unread: &BTreeSet<String>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut problems = Vec::new();
        let mut by_name: BTreeMap<String, Vec<Arc<Playbook>>> = BTreeMap::new();
        for playbook in playbooks {
            by_name.entry(playbook.name.clone()).or_default().push(playbook);
        }
        let known = by_name.keys().chain(unread).map(String::as_str).collect();
        problems.extend(settings.of_nobody(&known));
        let mut catalog = Self { settings: settings.clone(), ..Self::default() };
        for (name, mut named) in by_name {
            catalog.shipped.extend(named.iter().filter(|playbook| playbook.is_shipped()).cloned());
            if named.iter().any(|playbook| !playbook.is_shipped()) {
                named.retain(|playbook| !playbook.is_shipped());
            }
            if named.len() > 1 {
                problems.extend(conflicts(
                    Code::DuplicatePlaybook,
                    &named,
                    &name,
                    &format!("another playbook is called `{name}` too"),
                    "rename one",
                ));
            } else if let Some(written) = named.pop() {
                let (fate, wrong) = settings.of(&written);
                match fate {
                    Fate::Counts(playbook) => {
                        catalog.by_digest.insert(playbook.reference.digest.clone(), playbook.clone());
                        catalog.by_name.insert(name, playbook);
                    }
                    Fate::Disabled => drop(catalog.disabled.insert(name, written)),
                    Fate::Unfit => catalog.unfit.extend(wrong.iter().map(|wrong| (written.clone(), wrong.clone()))),
                }
                problems.extend(wrong);
            }
        }
        catalog.hold_to_their_hand_overs(&mut problems);
        catalog.index_alerts(&mut problems);
        (catalog, problems)
    }

    /// One that hands over to what is not there is not there either, and so on.
    fn hold_to_their_hand_overs(&mut self, problems: &mut Vec<Diagnostic>) {
        loop {
            // To hand over to one that is disabled is no mistake of whoever wrote that.
            let mut there = self.by_name.clone();
            there.extend(self.disabled.clone());
            let wrong = hand_overs::wrong(&there);
            if wrong.is_empty() {
                return;
            }
            let is_wrong = |playbook: &Playbook| wrong.iter().any(|problem| problem.path == playbook.path);
            self.by_digest.retain(|_, playbook| !is_wrong(playbook));
            self.by_name.retain(|_, playbook| !is_wrong(playbook));
            self.disabled.retain(|_, playbook| !is_wrong(playbook));
            problems.extend(wrong);
        }
    }

    /// What stands in the way of having these playbooks together.
    pub fn conflicts(playbooks: &[Arc<Playbook>]) -> Vec<Diagnostic> {
        Self::of_shared(playbooks.iter().cloned()).1
    }

    fn index_alerts(&mut self, problems: &mut Vec<Diagnostic>) {
        for playbook in self.by_name.values() {
            for (trigger, rule) in playbook.triggers.iter().enumerate() {
                let entry = Entry { playbook: playbook.clone(), trigger };
                self.by_alert.entry(rule.alert.clone()).or_default().push(entry);
            }
        }
        for (alert, entries) in &mut self.by_alert {
            for are_shipped in [false, true] {
                let mut always: Vec<Arc<Playbook>> = Vec::new();
                let alike = entries.iter().filter(|entry| entry.playbook.is_shipped() == are_shipped);
                for entry in alike.filter(|entry| entry.condition().is_none()) {
                    // A playbook that lists an alert twice has no conflict with itself.
                    if always.iter().all(|other| other.name != entry.playbook.name) {
                        always.push(entry.playbook.clone());
                    }
                }
                if always.len() <= 1 {
                    continue;
                }
                problems.extend(conflicts(
                    Code::DuplicateTrigger,
                    &always,
                    alert,
                    &format!("another playbook answers every `{alert}` too"),
                    "give a `where` to all but one",
                ));
                entries.retain(|entry| entry.condition().is_some() || entry.playbook.is_shipped() != are_shipped);
            }
            // The site's own first, and the more special of them. The entries are in the order of names already.
            entries.sort_by_key(|entry| (entry.playbook.is_shipped(), entry.condition().is_none()));
        }
    }

    /// The playbook that answers `alert`: the one whose `where` holds, else the one without a
    /// `where`. What is shipped is asked only where no playbook of the site's own answers.
    pub fn for_alert(&self, alert: &Alert) -> AlertMatch<'_> {
        let mut found = AlertMatch::default();
        let Some(entries) = self.by_alert.get(alert.name()) else {
            found.problems.extend(self.would_answer(alert));
            return found;
        };
        let mut special: Vec<&Arc<Playbook>> = Vec::new();
        for entry in entries {
            // Those of the site come first, and have all been asked.
            let by_site = special.first().copied().or(found.playbook).is_some_and(|first| !first.is_shipped());
            if by_site && entry.playbook.is_shipped() {
                break;
            }
            let Some(condition) = entry.condition() else {
                // Where a condition holds, those without one are not asked.
                if special.is_empty() && found.playbook.is_none() {
                    found.playbook = Some(&entry.playbook);
                }
                continue;
            };
            match holds(condition, &entry.playbook, alert) {
                Ok(true) if special.iter().all(|other| other.name != entry.playbook.name) => {
                    special.push(&entry.playbook);
                }
                Ok(_) => {}
                Err(error) => {
                    found.problems.push(format!("the playbook {} does not answer it: {error}", entry.playbook.name));
                }
            }
        }
        if special.is_empty() && found.playbook.is_none() {
            found.problems.extend(self.would_answer(alert));
        }
        // Of several it is as bad as the worst of them says.
        if let Some(worst) = special.iter().min_by_key(|playbook| playbook.severity) {
            found.playbook = Some(worst);
        }
        if special.len() > 1 {
            let names: Vec<&str> = special.iter().map(|playbook| playbook.name.as_str()).collect();
            found.undecided = Some(format!(
                "{} each answer it by their `where`, and nobody said which one is meant: write a playbook for the alert that \
                 looks what it is, and hands over to one of them",
                names.join(" and ")
            ));
        }
        found
    }

    /// That a disabled one would answer it, which is why nothing does.
    fn would_answer(&self, alert: &Alert) -> Option<String> {
        let answers = |playbook: &&Arc<Playbook>| {
            let triggers = playbook.triggers.iter().filter(|trigger| trigger.alert == alert.name());
            let mut conditions = triggers.map(|trigger| trigger.condition.as_ref());
            conditions.any(|condition| condition.is_none_or(|it| holds(it, playbook, alert).unwrap_or(false)))
        };
        let name = &self.disabled.values().find(answers)?.name;
        Some(format!("the playbook {name} would answer it, and is {}", self.why_disabled(name)?))
    }

    /// The catalog without the playbooks that something is wrong with, and what that is.
    pub fn without(mut self, wrong_with: impl Fn(&Playbook) -> Vec<Diagnostic>) -> (Self, Vec<Diagnostic>) {
        let problems: Vec<Diagnostic> = self.iter().flat_map(|playbook| wrong_with(playbook)).collect();
        let is_wrong = |playbook: &Playbook| problems.iter().any(|problem| problem.path == playbook.path);
        self.by_name.retain(|_, playbook| !is_wrong(playbook));
        self.by_digest.retain(|_, playbook| !is_wrong(playbook));
        self.by_alert.values_mut().for_each(|entries| entries.retain(|entry| !is_wrong(&entry.playbook)));
        (self, problems)
    }

    /// The shipped playbooks that a site's take the place of, each with that.
    pub fn replaced(&self) -> impl Iterator<Item = (&Arc<Playbook>, &Arc<Playbook>)> {
        self.shipped
            .iter()
            .filter_map(|shipped| Some((shipped, self.get(&shipped.name).filter(|playbook| !playbook.is_shipped())?)))
    }

    /// All that come with the program, whether they count or not.
    pub(super) fn shipped(&self) -> impl Iterator<Item = &Arc<Playbook>> {
        self.shipped.iter()
    }

    /// The playbook of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Playbook>> {
        self.by_name.get(name)
    }

    /// The playbook whose content has that digest.
    pub fn by_digest(&self, digest: &Digest) -> Option<&Arc<Playbook>> {
        self.by_digest.get(digest)
    }

    /// All playbooks, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Playbook>> {
        self.by_name.values()
    }
}

impl Entry {
    fn condition(&self) -> Option<&Expression> {
        self.playbook.triggers.get(self.trigger)?.condition.as_ref()
    }
}

/// Whether the alert is one that the trigger with this condition is for.
fn holds(condition: &Expression, playbook: &Playbook, alert: &Alert) -> Result<bool, ExpressionError> {
    let mut scope = Scope::new();
    scope.insert("alert".into(), playbook.sees(alert_value(alert)));
    // A trigger's condition cannot use `now`; the check holds it to `alert`.
    condition.holds(&scope, DateTime::UNIX_EPOCH)
}

/// The names that a file which cannot be read as a playbook may have been meant to have.
pub(super) fn names_within(path: &Path, text: &str) -> Vec<String> {
    let document: Option<serde_json::Value> = serde_saphyr::from_str(text).ok();
    let told = document.as_ref().and_then(|document| document.pointer("/metadata/name")?.as_str());
    let file = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    told.map(str::to_owned).into_iter().chain(file).collect()
}

/// How `other` is named in what is told of the file `path`: by its name where it lies in the same folder.
fn beside(other: &Path, path: &Path) -> String {
    let named = if other.parent() == path.parent() { other.file_name().unwrap_or_default() } else { other.as_os_str() };
    named.to_string_lossy().into_owned()
}

/// A problem for each of `playbooks`, where it says `word`.
fn conflicts(code: Code, playbooks: &[Arc<Playbook>], word: &str, message: &str, remedy: &str) -> Vec<Diagnostic> {
    let place = |playbook: &Playbook| {
        let source = SourceText { path: &playbook.path, text: &playbook.source };
        source.find(Location { line: 1, column: 1 }, word)
    };
    let problem = |playbook: &Arc<Playbook>| {
        let others = playbooks.iter().filter(|other| !Arc::ptr_eq(other, playbook));
        let others = others
            .map(|other| format!("{} ({}:{})", other.name, beside(&other.path, &playbook.path), place(other).line));
        let others: Vec<String> = others.collect();
        let source = SourceText { path: &playbook.path, text: &playbook.source };
        source.error(code, place(playbook), format!("{message}: {}", others.join(", "))).with_remedy(remedy)
    };
    playbooks.iter().map(problem).collect()
}
