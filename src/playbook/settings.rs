//! What a site sets of playbooks without a copy of their files.
//!
//! What is set stands in the text that counts, behind what the file says: so the digest, what a run
//! is pinned to, history and `diff` know it as they know the rest, and each place in the file is
//! where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalog::Catalog;
use super::check::is_team;
use super::document::{Input, Playbook, TargetPart};
use crate::diagnostics::{Code, Diagnostic, closest, list};
use crate::model::{Alert, Autonomy, OBJECT_LABELS};

/// What stands in a text under `settings`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiteSettings {
    /// In the place of the playbook's own; the less of the two counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autonomy: Option<Autonomy>,
    /// The team in the place of `metadata.owner`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Defaults of declared inputs, as a person would give them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// For each label that the playbook reads, the names that are looked for, in order.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Vec<String>>,
}

/// What a site says of one playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `false`: nothing starts it.
    pub enabled: bool,
    pub set: SiteSettings,
}

/// Makes an error of what is wrong with a field, such as `pvc-filling.inputs.grow`: its code, the
/// message and the remedy.
type Locate = dyn Fn(&str, Code, String, String) -> Diagnostic + Send + Sync;

/// What a site says of its playbooks, by their names.
#[derive(Clone)]
pub struct Settings {
    by_name: BTreeMap<String, Setting>,
    locate: Arc<Locate>,
}

/// What becomes of a playbook by what is said of it.
pub(super) enum Fate {
    Counts(Arc<Playbook>),
    Disabled,
    /// What is said of it does not fit: how it was meant, nobody knows.
    Unfit,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(BTreeMap::new(), |field, code, message, remedy| {
            let path = std::path::Path::new(field);
            Diagnostic::of_file(crate::diagnostics::DiagnosticSeverity::Error, code, path, message).with_remedy(remedy)
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settings").field(&self.by_name).finish()
    }
}

impl Settings {
    /// `locate`: where each field stands that something may be wrong with.
    pub fn new(
        by_name: BTreeMap<String, Setting>,
        locate: impl Fn(&str, Code, String, String) -> Diagnostic + Send + Sync + 'static,
    ) -> Self {
        Self { by_name, locate: Arc::new(locate) }
    }

    /// The playbook as it counts, and what is wrong with what is said of it.
    pub(super) fn of(&self, written: &Arc<Playbook>) -> (Fate, Vec<Diagnostic>) {
        let Some(Setting { enabled, set }) = self.by_name.get(&written.name) else {
            return (Fate::Counts(written.clone()), Vec::new());
        };
        let mut wrong = Wrong { settings: self, name: &written.name, found: Vec::new() };
        wrong.autonomy(written, set);
        wrong.inputs(written, set);
        wrong.owner(set);
        wrong.labels(written, set);
        let mut found = wrong.found;
        let fate = match () {
            () if !enabled => Fate::Disabled,
            () if !found.is_empty() => Fate::Unfit,
            () if *set == SiteSettings::default() => Fate::Counts(written.clone()),
            () => match written.set_by(set) {
                Ok(playbook) => Fate::Counts(Arc::new(playbook)),
                Err(why) => {
                    let message = format!("nothing can be set in the text of {}: {why}", written.path.display());
                    let remedy = "write its keys from the first column on, as one document";
                    found.push((self.locate)(&written.name, Code::Contradiction, message, remedy.to_owned()));
                    Fate::Unfit
                }
            },
        };
        (fate, found)
    }

    /// What is said of playbooks that there are not.
    pub(super) fn of_nobody(&self, known: &BTreeSet<&str>) -> Vec<Diagnostic> {
        let unknown = self.by_name.keys().filter(|name| !known.contains(name.as_str()));
        let told = |name: &String| {
            let remedy = match closest(name, known.iter().copied()) {
                Some(meant) => format!("write `{meant}` instead"),
                None => "write the name of a playbook that counts: `dogwatch playbooks` lists them".to_owned(),
            };
            (self.locate)(name, Code::UnknownName, format!("there is no playbook `{name}`"), remedy)
        };
        unknown.map(told).collect()
    }
}

/// What is wrong with what is said of one playbook.
struct Wrong<'s> {
    settings: &'s Settings,
    name: &'s str,
    found: Vec<Diagnostic>,
}

impl Wrong<'_> {
    fn tell(&mut self, field: &str, code: Code, message: String, remedy: impl Into<String>) {
        let field = format!("{}.{field}", self.name);
        self.found.push((self.settings.locate)(&field, code, message, remedy.into()));
    }

    fn autonomy(&mut self, written: &Playbook, set: &SiteSettings) {
        let Some(wanted) = set.autonomy.filter(|wanted| *wanted > written.autonomy) else { return };
        let (name, own) = (&written.name, written.autonomy);
        let message = format!("`{wanted}` is more than `{name}` says, which is `{own}`: a setting can only lower it");
        let remedy = match own {
            Autonomy::Observe => "leave it out".to_owned(),
            _ => format!("write less than `{own}`, or leave it out"),
        };
        self.tell("autonomy", Code::TooMuchAutonomy, message, remedy);
    }

    fn inputs(&mut self, written: &Playbook, set: &SiteSettings) {
        for (name, text) in &set.inputs {
            let field = format!("inputs.{name}");
            let Some(input) = written.inputs.get(name) else {
                let known = written.inputs.keys().map(String::as_str);
                let remedy = match closest(name, known.clone()) {
                    Some(meant) => format!("write `{meant}` instead"),
                    None if written.inputs.is_empty() => "leave it out: it has none".to_owned(),
                    None => format!("its inputs are {}", list(known)),
                };
                self.tell(&field, Code::UnknownName, format!("`{}` has no input `{name}`", written.name), remedy);
                continue;
            };
            if let Err(why) = input.read(text) {
                let message = format!("the input `{name}` of `{}` {why}", written.name);
                self.tell(&field, Code::InvalidValue, message, remedy_for(input));
            }
        }
    }

    fn owner(&mut self, set: &SiteSettings) {
        if let Some(team) = set.owner.as_ref().filter(|team| !is_team(team)) {
            let message = format!("`{team}` cannot be the name of a team");
            self.tell("team", Code::InvalidName, message, "write the team's name as `oncall.yaml` does");
        }
    }

    fn labels(&mut self, written: &Playbook, set: &SiteSettings) {
        for (label, names) in &set.labels {
            let field = format!("labels.{label}");
            if !written.reads_label(label) {
                let read = written.labels_by_name();
                let known = || read.iter().copied().chain(OBJECT_LABELS);
                let remedy = match (closest(label, known()), read.is_empty()) {
                    (Some(meant), _) => format!("write `{meant}` instead"),
                    (None, true) => "leave it out".to_owned(),
                    (None, false) => format!("it reads {}", list(read.iter().copied())),
                };
                let message = format!("`{}` reads no label `{label}` of its alerts", written.name);
                self.tell(&field, Code::UnknownName, message, remedy);
            } else if names.is_empty() || names.iter().any(|name| name.trim().is_empty()) {
                let remedy = format!("write a list, such as `[{label}]`");
                self.tell(&field, Code::NoValue, "a name to look for is missing".to_owned(), remedy);
            }
        }
    }
}

/// The bounds of an input, for whoever wrote a value that it cannot have.
fn remedy_for(input: &Input) -> String {
    let shown = |size| input.kind.show(size);
    match (input.minimum, input.maximum) {
        (Some(least), Some(most)) => format!("write a value from {} to {}", shown(least), shown(most)),
        (Some(least), None) => format!("write {} or more", shown(least)),
        (None, Some(most)) => format!("write {} or less", shown(most)),
        (None, None) => "write a value of the type that the playbook declares".to_owned(),
    }
}

/// What stands above what is set.
const HEAD: &str = "# Set by the site: `playbooks.settings` of dogwatch.yaml.\n";

impl Playbook {
    /// This playbook with what is set.
    ///
    /// # Errors
    /// Why its text cannot take it.
    fn set_by(self: &Arc<Self>, set: &SiteSettings) -> Result<Self, String> {
        let text = with(&self.source, set);
        let playbook = Self::parse_set(&self.path, &text, &self.kinds)
            .map_err(|wrong| wrong.first().map_or_else(String::new, |first| first.message.clone()))?;
        // Behind the end of a document, or in a text, it would not count.
        if playbook.site != *set {
            return Err("what stands behind its end does not count".to_owned());
        }
        Ok(Self { written: Some(self.clone()), ..playbook })
    }

    /// Has what is set in its text count.
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn settle(&mut self, set: SiteSettings) -> Result<(), String> {
        self.autonomy = set.autonomy.unwrap_or(self.autonomy).min(self.autonomy);
        if let Some(owner) = &set.owner {
            self.owner.clone_from(owner);
        }
        for (name, text) in &set.inputs {
            let input = self.inputs.get_mut(name).ok_or_else(|| format!("there is no input `{name}`"))?;
            input.default = Some(input.read(text).map_err(|why| format!("the input `{name}` {why}"))?);
        }
        self.site = set;
        Ok(())
    }

    /// As its file says it, without what the site has set.
    pub fn as_written(self: &Arc<Self>) -> &Arc<Self> {
        self.written.as_ref().unwrap_or(self)
    }

    /// What the site has set of it, and what the file says: `autonomy approve instead of auto`.
    pub fn set_here(&self) -> Vec<String> {
        let Some(written) = &self.written else { return Vec::new() };
        let mut said = Vec::new();
        if self.autonomy != written.autonomy {
            said.push(format!("autonomy {} instead of {}", self.autonomy, written.autonomy));
        }
        if self.owner != written.owner {
            said.push(format!("team {} instead of {}", self.owner, written.owner));
        }
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        for name in self.site.inputs.keys() {
            let default = |of: &Playbook| of.inputs.get(name).and_then(|input| input.default.as_ref()).map(shown);
            match (default(self), default(written)) {
                (Some(now), Some(before)) if now == before => {}
                (Some(now), Some(before)) => said.push(format!("{name} {now} instead of {before}")),
                (Some(now), None) => said.push(format!("{name} {now}")),
                (None, _) => {}
            }
        }
        let labels = self.site.labels.iter();
        said.extend(labels.map(|(label, names)| format!("label {label} from {}", names.join(", "))));
        said
    }

    /// An alert, as [`super::target::alert_value`] gives it or a run keeps it, as the playbook sees
    /// it: under the names of labels that it knows.
    pub fn sees(&self, mut alert: Value) -> Value {
        if let Some(labels) = alert.get_mut("labels").and_then(Value::as_object_mut) {
            let says = |name: &String| labels.get(name).filter(|value| value.as_str().is_some_and(|it| !it.is_empty()));
            let named = self.site.labels.iter();
            let named: Vec<(String, Value)> = named
                .filter_map(|(label, names)| Some((label.clone(), names.iter().find_map(says)?.clone())))
                .collect();
            labels.extend(named);
        }
        alert
    }

    /// What an alert says under the names of `label` that count for this playbook.
    pub(super) fn label_of<'a>(&self, alert: &'a Alert, label: &str) -> Option<&'a str> {
        let named = self.site.labels.get(label).into_iter().flatten().filter_map(|name| alert.label(name));
        named.into_iter().find(|value| !value.is_empty()).or_else(|| alert.label(label))
    }

    /// The labels that name its target and give its inputs, and those that stand in its text as
    /// `labels.NAME`.
    fn labels_by_name(&self) -> BTreeSet<&str> {
        let parts = std::iter::once(&self.target.namespace).chain(self.target.kinds.iter().map(|kind| &kind.name));
        let of_target = parts.filter_map(|part| match part {
            TargetPart::Label(label) => Some(label.as_str()),
            TargetPart::None | TargetPart::Unsaid | TargetPart::Given(_) => None,
        });
        let in_text = self.source.split("alert.labels.").skip(1).map(|rest| {
            let rest = rest.trim_start_matches('?');
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
        });
        let all = of_target.chain(self.inputs.values().filter_map(|input| input.label.as_deref())).chain(in_text);
        all.filter(|label| !label.is_empty()).collect()
    }

    /// Whether a label may be one that it reads: also where it stands in quotes, as in
    /// `'rcode' in alert.labels`.
    fn reads_label(&self, label: &str) -> bool {
        let quoted = || ['\'', '"'].into_iter().any(|quote| self.source.contains(&format!("{quote}{label}{quote}")));
        OBJECT_LABELS.contains(&label) || self.labels_by_name().contains(label) || quoted()
    }
}

/// The text with what is set, which stands on lines of its own behind it.
fn with(text: &str, set: &SiteSettings) -> String {
    let set = serde_json::to_string(set).unwrap_or_default();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}{HEAD}settings: {set}\n")
}

impl Catalog {
    /// The playbooks that the configuration disables, as they are written.
    pub fn disabled(&self) -> impl Iterator<Item = &Arc<Playbook>> {
        self.disabled.values()
    }

    /// Why nothing starts the playbook of that name, where the configuration disables it.
    pub fn why_disabled(&self, name: &str) -> Option<String> {
        let name = &self.disabled.get(name)?.name;
        Some(format!("disabled by the configuration (playbooks.settings.{name}.enabled)"))
    }

    /// Whether there is a playbook of that name, which may be disabled.
    pub fn knows(&self, name: &str) -> bool {
        self.get(name).is_some() || self.disabled.contains_key(name)
    }
}
