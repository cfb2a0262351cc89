//! The target of a run: from literals, inputs, or the alert.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::{Playbook, TargetKind, TargetPart, TargetRule};
use super::inputs::InputProblem;
use crate::language::{Scope, list};
use crate::model::{Alert, LabelNames, NAMESPACE, Target, is_dns_label, is_dns_subdomain, means_kind};

/// Why there is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the alert {alert} has no label `{label}`, which names the {kind}")]
    NoLabel { alert: String, label: String, kind: String },
    #[error(
        "the alert {alert} says {scraped} and {exported}, and which of them the {kind} is in is not certain; write the order into `labels.namespace` of dogwatch.yaml"
    )]
    TwoNamespaces { alert: String, kind: String, scraped: String, exported: String },
    #[error("the alert {alert} has none of the labels {labels}, which say whether the target is a {kinds}")]
    NoKind { alert: String, labels: String, kinds: String },
    #[error(
        "the alert {alert} names {named}, and which of them is the target is not certain; have its rule keep one of these labels"
    )]
    SeveralKinds { alert: String, named: String },
    #[error("whether the target is a {kinds} is not known without an alert; give it as `kind=...`")]
    KindNotGiven { kinds: String },
    #[error("the target cannot be of the kind `{kind}`; it is a {kinds}")]
    OtherKind { kind: String, kinds: String },
    #[error("the {kind}'s {part} is not known without an alert; give it as `{part}=...`")]
    NotGiven { part: &'static str, kind: String },
    #[error("the target's {part} has no value: {message}")]
    Template { part: &'static str, message: String },
    #[error("`{value}` cannot be the {part} of a {kind}: names have lowercase letters, digits, `-` and `.`")]
    Invalid { part: &'static str, value: String, kind: String },
    #[error(
        "the cluster has not told of a kind `{kind}` yet; look whether its CustomResourceDefinition is installed: `kubectl api-resources`"
    )]
    UnknownKind { kind: String },
}

/// The alert as conditions and texts see it: `name`, `labels`, `annotations` and `starts_at` (RFC 3339).
pub fn alert_value(alert: &Alert) -> Value {
    json!({
        "name": alert.name(),
        "labels": alert.labels,
        "annotations": alert.annotations,
        "starts_at": alert.starts_at.to_rfc3339(),
    })
}

impl Playbook {
    /// What a run that no alert asks for would be about, with its inputs: by what was given for it.
    ///
    /// # Errors
    /// All that is wrong with what was given, a line each; or why there is no target.
    pub fn subject_without_alert(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<(Target, Map<String, Value>), Vec<String>> {
        let told = |problems: Vec<InputProblem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        let inputs = self.inputs_for(None, given).map_err(told)?;
        // By what names alerts have labels is no question without one.
        let target = self.target_for(None, &LabelNames::default(), &inputs, given);
        Ok((target.map_err(|error| vec![error.to_string()])?, inputs))
    }

    /// The object that a run is about. `given` says `namespace` and `name` for a run that no alert
    /// asked for, and `kind` where that may be of several.
    ///
    /// What comes from an alert or a person is data: it must be a name as Kubernetes allows it.
    /// `labels`: under which names alerts have the labels that name objects.
    ///
    /// # Errors
    /// When a part is not known, or is no name.
    pub fn target_for(
        &self,
        alert: Option<&Alert>,
        labels: &LabelNames,
        inputs: &Map<String, Value>,
        given: &BTreeMap<String, String>,
    ) -> Result<Target, TargetError> {
        let mut scope = Scope::new();
        scope.insert("inputs".into(), Value::Object(inputs.clone()));
        let seen = |alert| self.sees(alert_value(alert));
        scope.insert("alert".into(), alert.map_or_else(|| Value::Object(Map::new()), seen));
        let own = (!self.site.labels.is_empty()).then(|| labels.over(&self.site.labels));
        let labels = own.as_ref().unwrap_or(labels);
        let target = self.one_of_its_kinds(alert, labels, given)?;
        let named_by = target.label();
        let kind = self.kinds.find_text(&target.kind);
        let kind = kind.ok_or_else(|| TargetError::UnknownKind { kind: target.kind.clone() })?;
        let nowhere = TargetPart::None;
        let in_namespace = if kind.namespaced { &self.target.namespace } else { &nowhere };
        let finder = Finder { kind: kind.id, alert, labels, named_by, given, scope: &scope };
        Ok(Target {
            kind: kind.id.to_owned(),
            namespace: finder.find("namespace", in_namespace, is_dns_label)?,
            name: finder.find("name", &target.name, is_dns_subdomain)?,
        })
    }

    /// The kind of the target, where it may be of several: the one of whose objects the alert has
    /// the label, or the one that was given.
    fn one_of_its_kinds(
        &self,
        alert: Option<&Alert>,
        labels: &LabelNames,
        given: &BTreeMap<String, String>,
    ) -> Result<&TargetKind, TargetError> {
        let all = &self.target.kinds;
        if let [only] = all.as_slice() {
            return Ok(only);
        }
        let Some(alert) = alert else {
            let text =
                given.get("kind").ok_or_else(|| TargetError::KindNotGiven { kinds: self.target.kinds_said() })?;
            let text = text.trim();
            let meant = all
                .iter()
                .find(|one| means_kind(text, &self.kinds.identity(&one.kind)) || !self.kinds.differ(&one.kind, text));
            return meant.ok_or_else(|| TargetError::OtherKind { kind: brief(text), kinds: self.target.kinds_said() });
        };
        let found = |one: &TargetKind| {
            let found = labels.find(alert, one.label()?).filter(|found| !found.value.is_empty())?;
            Some(format!("{}={}", found.name, brief(found.value)))
        };
        let named: Vec<(&TargetKind, String)> = all.iter().filter_map(|one| Some((one, found(one)?))).collect();
        match named.as_slice() {
            [(only, _)] => Ok(only),
            [] => Err(TargetError::NoKind {
                alert: alert.name().to_owned(),
                labels: list(all.iter().filter_map(TargetKind::label)),
                kinds: self.target.kinds_said(),
            }),
            several => Err(TargetError::SeveralKinds {
                alert: alert.name().to_owned(),
                named: several.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(" and "),
            }),
        }
    }
}

impl TargetRule {
    /// As people say it: `Deployment or StatefulSet`.
    pub fn kinds_said(&self) -> String {
        self.kinds.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>().join(" or ")
    }
}

impl TargetKind {
    /// The label that names the object.
    fn label(&self) -> Option<&str> {
        match &self.name {
            TargetPart::Label(label) => Some(label),
            TargetPart::None | TargetPart::Unsaid | TargetPart::Given(_) => None,
        }
    }
}

/// What an alert or a person says, for a message.
fn brief(text: &str) -> String {
    text.chars().take(80).filter(|c| !c.is_control()).collect()
}

struct Finder<'a> {
    kind: &'a str,
    alert: Option<&'a Alert>,
    labels: &'a LabelNames,
    /// The label that names the object.
    named_by: Option<&'a str>,
    given: &'a BTreeMap<String, String>,
    scope: &'a Scope,
}

impl Finder<'_> {
    fn find(&self, part: &'static str, rule: &TargetPart, is_name: fn(&str) -> bool) -> Result<String, TargetError> {
        let kind = || self.kind.to_owned();
        let value = match (rule, self.alert) {
            (TargetPart::None, _) => return Ok(String::new()),
            (TargetPart::Unsaid, _) => return Err(TargetError::NotGiven { part, kind: kind() }),
            (TargetPart::Given(arg), _) => {
                arg.resolve(self.scope).map_err(|error| TargetError::Template { part, message: error.to_string() })?
            }
            (TargetPart::Label(label), Some(alert)) => self.label(alert, label)?,
            (TargetPart::Label(_), None) => {
                self.given.get(part).cloned().ok_or_else(|| TargetError::NotGiven { part, kind: kind() })?
            }
        };
        if is_name(&value) { Ok(value) } else { Err(TargetError::Invalid { part, value: brief(&value), kind: kind() }) }
    }

    fn label(&self, alert: &Alert, label: &str) -> Result<String, TargetError> {
        let (name, kind) = (|| alert.name().to_owned(), || self.kind.to_owned());
        // An empty value is no name, which is said where names are looked at.
        let empty = || alert.label(label).map(str::to_owned);
        let found = if label == NAMESPACE && self.kind != "Namespace" {
            let named_by = self.named_by.and_then(|label| self.labels.find(alert, label));
            self.labels.namespace(alert, named_by.map(|found| found.name)).map_err(|two| {
                let [scraped, exported] = [two.scraped, two.exported].map(|it| format!("{}={}", it.name, it.value));
                TargetError::TwoNamespaces { alert: name(), kind: kind(), scraped, exported }
            })?
        } else {
            self.labels.find(alert, label)
        };
        found.map(|found| found.value.to_owned()).or_else(empty).ok_or_else(|| TargetError::NoLabel {
            alert: name(),
            label: label.to_owned(),
            kind: kind(),
        })
    }
}
