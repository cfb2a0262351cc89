//! Words for severity, names of labels, and which cluster is meant.

use std::collections::BTreeMap;

use super::Checker;
use crate::config::error::instead;
use crate::diagnostics::Code;
use crate::model::{OBJECT_LABELS, Severities};

impl Checker<'_> {
    pub(super) fn severities(&mut self) {
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (field, word, _) in self.config.severities.words() {
            let key = Severities::key(&word);
            if key.is_empty() {
                self.problem(
                    Code::InvalidValue,
                    &field,
                    format!("`{word}` has no letter"),
                    "write a word as alerts have it",
                );
            } else if let Some(other) = known.insert(key, field.clone()) {
                self.problem(
                    Code::Contradiction,
                    &field,
                    format!("`{word}` stands in `{other}` too"),
                    "leave it in one of the lists",
                );
            }
        }
    }

    pub(super) fn tiers(&mut self) {
        let tiers = &self.config.severities.tiers;
        for (tier, rule) in &tiers.rules {
            let field = format!("severities.tiers.rules.{tier}");
            match (rule.at_least, rule.at_most) {
                (None, None) => self.problem(
                    Code::NoValue,
                    &field,
                    format!("nothing follows from the tier `{tier}`"),
                    "write `{ at_least: S2 }`, `{ at_most: S3 }` or both",
                ),
                (Some(least), Some(most)) if least < most => self.problem(
                    Code::Contradiction,
                    &field,
                    format!("nothing is {least} at least and {most} at most"),
                    "write one of the two, or a severity between them",
                ),
                _ => {}
            }
            if tier.trim().is_empty() {
                self.problem(Code::NoValue, &field, "a tier has a name", "write it as the objects' label has it");
            }
        }
        let named = tiers.names.iter().filter(|name| !name.trim().is_empty()).count();
        if !tiers.rules.is_empty() && named == 0 && tiers.alert_label.trim().is_empty() {
            let remedy = "write `names: [dogwatch/tier]`, or `alert_label: tier`";
            self.problem(Code::MissingField, "severities.tiers", "nothing says what tier an object has", remedy);
        }
        if !tiers.rules.is_empty() && named > 0 && !self.config.incidents.look_up {
            self.warnings.push(
                "`severities.tiers` has rules, and `incidents.look_up` is false: only the labels of alerts say what tier an object has"
                    .into(),
            );
        }
        if self
            .config
            .severities
            .blast_radius
            .0
            .s1
            .zip(self.config.severities.blast_radius.0.s2)
            .is_some_and(|(s1, s2)| s1 < s2)
        {
            self.warnings.push(
                "`severities.blast_radius` makes S1 of fewer objects than it makes S2 of: what was raised to S2 is S1 at once".into(),
            );
        }
    }

    pub(super) fn labels(&mut self) {
        for (label, names) in &self.config.labels.0 {
            let field = format!("labels.{label}");
            if !OBJECT_LABELS.contains(&label.as_str()) {
                self.problem(
                    Code::UnknownName,
                    &field,
                    format!("`{label}` names no object"),
                    instead(label, &OBJECT_LABELS),
                );
            } else if names.iter().all(|name| name.trim().is_empty()) {
                self.problem(
                    Code::NoValue,
                    &field,
                    "no name is left to look for",
                    format!("write a list, such as `[{label}]`"),
                );
            }
        }
    }

    pub(super) fn cluster(&mut self) {
        let cluster = &self.config.cluster;
        if cluster.label.trim().is_empty() {
            self.problem(
                Code::NoValue,
                "cluster.label",
                "a label has a name",
                "write `cluster`, or what your alerts have",
            );
        }
        if cluster.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            self.problem(
                Code::NoValue,
                "cluster.name",
                "the name is empty",
                "write what alerts call this cluster, or leave it out",
            );
        }
        let Some(prometheus) = &self.config.prometheus else { return };
        let is_label = |name: &str| {
            !name.starts_with(|c: char| c.is_ascii_digit())
                && !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        for name in prometheus.matchers.keys().filter(|name| !is_label(name)) {
            self.problem(
                Code::InvalidName,
                &format!("prometheus.match.{name}"),
                format!("`{name}` cannot be a label in a selector"),
                "write letters, digits and `_`",
            );
        }
        if let (Some(name), Some(value)) = (&cluster.name, prometheus.matchers.get(&cluster.label))
            && name != value
        {
            self.warnings.push(format!(
                "`cluster.name` is {name}, and `prometheus.match` asks for {}={value}: queries are about another cluster",
                cluster.label
            ));
        }
    }
}
