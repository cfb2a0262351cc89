//! From the document as it was written to the playbook, with all that is wrong with its sense.

mod approval;
mod autonomy;
mod blocks;
mod durations;
mod each;
mod fields;
mod flow;
mod hand_over;
mod header;
mod inputs;
mod kinds;
mod missing;
mod names;
mod queries;
mod reasons;
mod schedule;
mod severities;
mod steps;
mod suits;
mod target;
mod types;
mod undo;
mod verify;
mod visible;
mod watch;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::document::{InputKind, Playbook};
use super::load::{Loaded, RawPlaybook, Seen, Text, branches_end_as_steps, place};
use super::settings::SiteSettings;
use crate::cluster::Kinds;
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity, SourceText};
use crate::language::{Expression, InBody, Location, Template, TemplateError};
use crate::model::{Digest, Phase, PlaybookRef};
use blocks::Blocks;
pub(super) use header::is_team;
use names::Names;
use visible::{Sees, Visible};

/// Who asks for a playbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// Whoever writes it: all that is wrong counts.
    Author,
    /// The same, where a site has set something of it.
    Site,
    /// A run that was pinned to it: it was right by the rules of its time, and what it does is
    /// still known. Rules that came since are not its own.
    Run,
}

/// The playbook, or everything that is wrong with it.
pub(super) fn check(
    loaded: Loaded,
    source: &SourceText<'_>,
    asks: Asks,
    kinds: &Arc<Kinds>,
) -> Result<Playbook, Vec<Diagnostic>> {
    let mut checker = Checker { source, asks, kinds, problems: loaded.problems, inputs: BTreeMap::new() };
    let is_read = checker.problems.iter().all(|problem| problem.severity != DiagnosticSeverity::Error);
    let playbook = loaded.document.and_then(|raw| build(&mut checker, raw, loaded.incomplete));
    let mut problems = checker.problems;
    if asks != Asks::Run {
        problems.extend(source.deceiving(DiagnosticSeverity::Error));
    }
    problems.sort_by_key(|problem| (problem.line(), problem.column()));
    problems.dedup();
    let is_wrong = problems.iter().any(|problem| problem.severity == DiagnosticSeverity::Error);
    // Only of those that are shown: each is looked for in the whole file.
    let shown = at_most(MOST_PROBLEMS, problems, source);
    let mut problems: Vec<Diagnostic> = shown.into_iter().map(|problem| source.named_odd(problem)).collect();
    problems.sort_by_key(|problem| (problem.line(), problem.column()));
    problems.dedup();
    tell_each_character_once(&mut problems);
    match playbook {
        Some(playbook) if !is_wrong => Ok(Playbook { warnings: problems, ..playbook }),
        Some(playbook) if asks == Asks::Run && is_read => Ok(playbook),
        _ => Err(problems),
    }
}

/// A mistake that a character leads to says what it is, and nothing says so again.
fn tell_each_character_once(problems: &mut Vec<Diagnostic>) {
    let place = |it: &Diagnostic| (it.line(), it.column());
    let is_odd = |it: &Diagnostic| it.code == Code::OddCharacter;
    let errors: BTreeSet<_> = problems.iter().filter(|it| is_odd(it) && it.is_error()).map(place).collect();
    let mut told = BTreeSet::new();
    problems.retain(|it| !is_odd(it) || ((it.is_error() || !errors.contains(&place(it))) && told.insert(place(it))));
}

/// More mistakes of one file are one mistake, and read by nobody.
const MOST_PROBLEMS: usize = 100;

/// The first problems, errors before warnings, in the order of the file.
fn at_most(most: usize, mut problems: Vec<Diagnostic>, source: &SourceText<'_>) -> Vec<Diagnostic> {
    if problems.len() <= most {
        return problems;
    }
    problems.sort_by_key(|problem| !problem.is_error());
    problems.truncate(most);
    problems.sort_by_key(|problem| (problem.line(), problem.column()));
    let severity = problems.iter().map(|problem| problem.severity).min().unwrap_or(DiagnosticSeverity::Error);
    let message = format!("more than {most} things are wrong, and the others are not shown");
    let rest = Diagnostic::of_file(severity, Code::TooComplex, source.path, message);
    problems.push(rest.with_remedy("mend these, and look again"));
    problems
}

fn build(checker: &mut Checker<'_>, mut raw: RawPlaybook, incomplete: bool) -> Option<Playbook> {
    for steps in [Some(&mut raw.diagnose), Some(&mut raw.mitigate), raw.escalate.as_mut()].into_iter().flatten() {
        branches_end_as_steps(steps);
    }
    let settings = raw.settings.take();
    if let Some((at, _)) = settings.as_ref().filter(|_| checker.asks == Asks::Author) {
        let remedy = "write what is to be set into `playbooks.settings` of dogwatch.yaml";
        let message = "`settings` is what a site sets of a playbook, and no part of it";
        checker.error(Code::Misplaced, *at, message, Some(remedy.into()));
    }
    let mut names = Names::of(&raw, checker.kinds, incomplete);
    let header = header::check(checker, &raw);
    let inputs = inputs::check(checker, &raw.inputs);
    checker.inputs = inputs.iter().map(|(name, input)| (name.clone(), input.kind)).collect();
    let (triggers, schedules) = header::triggers(checker, &raw, &names);
    let target = target::check(checker, &mut raw, &names);
    let of_target = target
        .iter()
        .map(|target| target.kinds.iter().map(|of| checker.kinds.find_text(&of.kind)).collect::<Option<Vec<_>>>());
    names.target = of_target.flatten().flatten().collect();
    if let (Some((at, _)), Some(target)) = (schedules.first(), &target) {
        schedule::knows_all(checker, (*at, target), &inputs);
    }
    let limits = header::limits(checker, &raw.limits);
    steps::ids(checker, &names);
    let escalate_at = raw.escalate.as_ref().map(|steps| steps.first().map_or(raw.seen.at, |step| step.seen.at));
    let mut order = 0;
    let phase = |checker: &mut Checker<'_>, phase, steps, order: &mut usize| {
        Blocks { checker, names: &names, phase, order, number: 0 }.check(steps, &[])
    };
    let diagnose = phase(checker, Phase::Diagnose, raw.diagnose, &mut order);
    // It is asked behind the diagnosis.
    let sees = visible(&names, Sees::Diagnosis(order), false);
    let approval = raw.approval.as_ref().map(|raw| approval::check(checker, raw, sees));
    let mitigate = phase(checker, Phase::Mitigate, raw.mitigate, &mut order);
    let escalate = phase(checker, Phase::Escalate, raw.escalate.unwrap_or_default(), &mut order);
    if !raw.seen.is_broken("escalate") {
        flow::somebody_is_paged(checker, &escalate, escalate_at.unwrap_or(raw.seen.at), incomplete);
    }
    flow::everything_is_reached(checker, &diagnose, &mitigate);
    if let Some(target) = &target {
        suits::check(checker, &target.kinds, [&diagnose, &mitigate, &escalate]);
    }
    let header = header?;
    autonomy::check(checker, header.autonomy, autonomy::actions(&mitigate));
    let mut playbook = Playbook {
        reference: PlaybookRef {
            name: header.name.clone(),
            version: header.version.clone(),
            digest: Digest::of(checker.source.text),
        },
        name: header.name,
        version: header.version,
        owner: header.owner,
        summary: header.summary,
        severity: header.severity,
        autonomy: header.autonomy,
        approval: approval.map_or(Some(None), |rule| rule.map(Some))?,
        review_by: header.review_by,
        page_by: header.page_by,
        triggers,
        schedules: schedules.into_iter().map(|(_, schedule)| schedule).collect(),
        target: target?,
        inputs,
        limits,
        diagnose: blocks::finish(diagnose)?,
        mitigate: blocks::finish(mitigate)?,
        escalate: blocks::finish(escalate)?,
        warnings: Vec::new(),
        kinds: checker.kinds.clone(),
        source: Arc::from(checker.source.text),
        path: checker.source.path.to_owned(),
        site: SiteSettings::default(),
        written: None,
    };
    if let Some((at, set)) = settings
        && let Err(why) = playbook.settle(set)
    {
        checker.error(Code::Contradiction, at, why, None);
        return None;
    }
    Some(playbook)
}

/// Collects problems.
struct Checker<'a> {
    source: &'a SourceText<'a>,
    asks: Asks,
    kinds: &'a Arc<Kinds>,
    problems: Vec<Diagnostic>,
    /// Of the inputs that could be read.
    inputs: BTreeMap<String, InputKind>,
}

impl Checker<'_> {
    fn error(&mut self, code: Code, at: Location, message: impl Into<String>, remedy: impl Into<Option<String>>) {
        let mut problem = self.source.error(code, at, message);
        problem.remedy = remedy.into();
        self.problems.push(problem);
    }

    /// Something that could be done, and must not be written so. `true`: it stands in the way.
    fn rule(
        &mut self,
        code: Code,
        at: Location,
        message: impl Into<String>,
        remedy: impl Into<Option<String>>,
    ) -> bool {
        self.error(code, at, message, remedy);
        self.asks != Asks::Run
    }

    fn warning(&mut self, code: Code, at: Location, message: impl Into<String>, remedy: impl Into<Option<String>>) {
        let mut problem = self.source.warning(code, at, message);
        problem.remedy = remedy.into();
        self.problems.push(problem);
    }

    /// The value of a field that must be there.
    fn required<T>(&mut self, value: Option<T>, seen: &Seen, what: &str, field: &str, example: &str) -> Option<T> {
        if value.is_none() && !seen.is_broken(field) {
            self.error(
                Code::MissingField,
                seen.at,
                format!("{what} needs `{field}`"),
                format!("add `{field}: {example}`"),
            );
        }
        value
    }

    /// A text that is not blank.
    fn words<'t>(&mut self, text: &'t Text, what: &str) -> Option<&'t str> {
        let words = text.value.trim();
        if words.is_empty() {
            self.error(Code::NoValue, place(text), format!("`{what}` is empty"), None);
            return None;
        }
        Some(words)
    }

    /// A condition: an expression that gives true or false.
    fn condition(&mut self, text: &Text, visible: Visible<'_>) -> Option<Expression> {
        let expression = self.expression(text, visible)?;
        types::is_truth(self, &expression, text, visible).then_some(expression)
    }

    /// An expression whose names are all known.
    fn expression(&mut self, text: &Text, visible: Visible<'_>) -> Option<Expression> {
        let (at, source) = (place(text), *self.source);
        let expression = match Expression::compile(&text.value) {
            Ok(expression) => expression,
            Err(error) => {
                let at = match (&error.word, error.offset) {
                    (Some(word), _) => source.find(at, word),
                    (None, Some(offset)) => source.inside(at, &text.value, offset),
                    (None, None) => at,
                };
                self.error(Code::InvalidCondition, at, error.message, error.remedy);
                return None;
            }
        };
        let mut wrong: Vec<_> = expression
            .references()
            .iter()
            .filter(|reference| reference.required > 0)
            .filter_map(|reference| visible.problem_of(&reference.path))
            .collect();
        wrong.extend(missing::taken_for_granted(&expression, visible));
        for path in expression.paths() {
            fields::warn(self, &path, at, visible);
        }
        let fits = types::check(self, &expression, text, visible) & severities::check(self, &expression, at);
        let is_right = (wrong.is_empty() && fits) || self.asks == Asks::Run;
        for wrong in wrong {
            self.error(wrong.code, source.find(at, &wrong.word), wrong.message, wrong.remedy);
        }
        is_right.then_some(expression)
    }

    /// A text for people whose names are all known.
    fn template(&mut self, text: &Text, visible: Visible<'_>) -> Option<Template> {
        match Template::parse(&text.value) {
            Ok(template) => self.template_names(&template, place(text), visible).then_some(template),
            Err(error) => {
                let at = place(text);
                let (at, message, remedy) = match error {
                    TemplateError::Fault(fault) => {
                        (self.source.find(at, &fault.word), fault.message, Some(fault.remedy))
                    }
                    error => (at, error.to_string(), None),
                };
                self.error(Code::InvalidTemplate, at, message, remedy);
                None
            }
        }
    }

    /// Whether all names of a template are known.
    fn template_names(&mut self, template: &Template, at: Location, visible: Visible<'_>) -> bool {
        let source = *self.source;
        let before = self.problems.len();
        for fault in template.faults() {
            self.error(Code::InvalidTemplate, source.find(at, &fault.word), fault.message, Some(fault.remedy));
        }
        for path in template.paths() {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            // `this`, `@index` and the like are handlebars' own.
            if path.first().is_some_and(|name| name == "this" || name.starts_with('@')) {
                continue;
            }
            fields::warn(self, &path, at, visible);
            if let Some(wrong) = visible.problem_of(&path) {
                self.error(wrong.code, source.find(at, &wrong.word), wrong.message, wrong.remedy);
            }
        }
        for name in template.in_bodies() {
            if let InBody::Root(path) = &name {
                fields::warn(self, path, at, visible);
            }
            let wrong = match &name {
                InBody::Root(path) => visible.problem_of(path),
                InBody::Item { of, path } => visible.problem_of_item(of, path),
            };
            if let Some(wrong) = wrong {
                self.error(wrong.code, source.find(at, &wrong.word), wrong.message, wrong.remedy);
            }
        }
        self.problems.len() == before || self.asks == Asks::Run
    }
}

/// What a step before everything else would see: nothing but `sees`.
fn visible(names: &Names, sees: Sees, now: bool) -> Visible<'_> {
    Visible {
        names,
        region: &[],
        is_lenient: false,
        sees,
        now,
        because: false,
        query: names::Output::None,
        asked: None,
    }
}
