//! The coverage, for programs: the same facts, and all of them.

use serde_json::{Map, Value, json};

use super::decide::Verdict;
use super::idle::{Idle, Started};
use super::{Coverage, Lacking};
use crate::model::{redact, redact_named};

impl Coverage {
    /// One document, without what is wrong with files.
    pub fn json(&self) -> Map<String, Value> {
        let totals = self.totals();
        let rules = self.rules.iter().map(|(rule, verdict)| {
            let labels: Map<String, Value> =
                rule.labels.iter().map(|(name, value)| (name.clone(), redact_named(name, value).into())).collect();
            let (state, by, unless) = state(verdict);
            let meant = match verdict {
                Verdict::None { meant: Some(meant) } => json!({
                    "alert": meant.alert, "playbooks": meant.by, "same_letters": meant.same_letters,
                }),
                _ => Value::Null,
            };
            json!({
                "alert": redact(&rule.name),
                "labels": labels,
                "severity": rule.severity().to_string(),
                "source": redact(&rule.at.source),
                "line": rule.at.line,
                "group": redact(&rule.at.group),
                "state": state,
                "playbooks": by,
                "unless": unless,
                "meant": meant,
            })
        });
        let playbooks = self.playbooks.iter().map(|playbook| {
            let lacking = self.lacking.as_ref().map(|all| all.get(&playbook.name).cloned().unwrap_or_default());
            self::playbook(playbook, lacking.as_ref())
        });
        let document = json!({
            "version": 1,
            "totals": {
                "rules": totals.rules,
                "covered": totals.covered,
                "maybe": totals.maybe,
                "none": totals.none(),
                "percent": totals.percent(),
                "playbooks": self.playbooks.len(),
                "playbooks_that_start": self.playbooks.iter().filter(|playbook| playbook.starts()).count(),
            },
            "rules": rules.collect::<Vec<_>>(),
            "playbooks": playbooks.collect::<Vec<_>>(),
        });
        document.as_object().cloned().unwrap_or_default()
    }
}

/// The word for it, who answers, and who may instead.
fn state(verdict: &Verdict) -> (&'static str, Vec<&String>, &[String]) {
    match verdict {
        Verdict::Covered { by, unless } => ("covered", vec![by], unless),
        Verdict::Maybe { by } => ("maybe", by.iter().collect(), &[]),
        Verdict::Undecided { by } => ("undecided", by.iter().collect(), &[]),
        Verdict::RuledOut { by } => ("ruled_out", by.iter().collect(), &[]),
        Verdict::None { .. } => ("none", Vec::new(), &[]),
    }
}

fn playbook(playbook: &Started, lacking: Option<&Lacking>) -> Value {
    let (why, alerts): (_, &[String]) = match &playbook.idle {
        None => (None, &[]),
        Some(Idle::NoAlerts) => (Some("no_alerts"), &[]),
        Some(Idle::NoRule { alerts }) => (Some("no_rule"), alerts),
        Some(Idle::RuledOut { alerts }) => (Some("ruled_out"), alerts),
        Some(Idle::Undecided { alerts }) => (Some("undecided"), alerts),
        Some(Idle::Taken { alerts }) => (Some("taken"), alerts),
    };
    json!({
        "name": playbook.name,
        "folder": playbook.folder,
        "severity": playbook.severity.to_string(),
        "starts": playbook.starts(),
        "rules": playbook.rules,
        "planned": playbook.is_planned,
        "sighted": playbook.is_sighted,
        "handed_by": playbook.handed_by,
        "no_rule_because": why,
        "alerts": alerts,
        "missing_series": lacking.map(|lacking| &lacking.metrics),
        "unknown_series": lacking.map(|lacking| &lacking.unknown),
    })
}
