//! The other way round: what starts each playbook here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::decide::{Rule, Verdict};
use crate::model::Severity;
use crate::playbook::Playbook;

/// What starts a playbook here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    pub name: String,
    /// Its folder among the playbooks; empty for that of all.
    pub folder: String,
    pub severity: Severity,
    /// How many rules may start it.
    pub rules: usize,
    /// It has planned times.
    pub is_planned: bool,
    /// What the bot itself sees in the cluster starts it.
    pub is_sighted: bool,
    /// The playbooks that hand over to it, and are started themselves.
    pub handed_by: Vec<String>,
    /// Why no rule starts it.
    pub idle: Option<Idle>,
}

/// Why no rule starts a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idle {
    /// It waits for no alert.
    NoAlerts,
    /// No rule has any of these names.
    NoRule { alerts: Vec<String> },
    /// Rules have these names, and its `where` holds for none of them.
    RuledOut { alerts: Vec<String> },
    /// Others answer these alerts as it does, and nobody said which one is meant.
    Undecided { alerts: Vec<String> },
    /// Others answer these alerts before it, or its `where` does not hold.
    Taken { alerts: Vec<String> },
}

impl Started {
    /// Whether anything starts it but a person.
    pub fn starts(&self) -> bool {
        self.rules > 0 || self.is_planned || self.is_sighted || !self.handed_by.is_empty()
    }
}

/// What starts these playbooks, worst first: those that nothing starts. `sighted`: alerts that the
/// bot itself makes; `folder`: that of a playbook, by the path of its file.
pub(super) fn started(
    rules: &[(Rule, Verdict)],
    playbooks: &[Arc<Playbook>],
    sighted: &[&str],
    folder: &dyn Fn(&Path) -> String,
) -> Vec<Started> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut names, mut refused, mut undecided) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (rule, verdict) in rules {
        names.insert(rule.name.as_str());
        verdict.may_start().for_each(|name| *counts.entry(name).or_default() += 1);
        let (by, which) = match verdict {
            Verdict::RuledOut { by } => (by, &mut refused),
            Verdict::Undecided { by } => (by, &mut undecided),
            Verdict::Covered { .. } | Verdict::Maybe { .. } | Verdict::None { .. } => continue,
        };
        which.extend(by.iter().map(|name| (name.as_str(), rule.name.as_str())));
    }
    let is_sighted =
        |playbook: &Playbook| playbook.triggers.iter().any(|trigger| sighted.contains(&trigger.alert.as_str()));
    let begin = |playbook: &&Arc<Playbook>| {
        counts.contains_key(playbook.name.as_str()) || !playbook.schedules.is_empty() || is_sighted(playbook)
    };
    let mut begun: BTreeSet<&str> = playbooks.iter().filter(begin).map(|playbook| playbook.name.as_str()).collect();
    // Each round adds one, or is the last.
    loop {
        let handing = playbooks.iter().filter(|playbook| begun.contains(playbook.name.as_str()));
        let handed = handing.flat_map(|playbook| playbook.hand_overs()).map(|to| to.playbook.as_str());
        let more: BTreeSet<&str> = handed.filter(|name| !begun.contains(name)).collect();
        if more.is_empty() {
            break;
        }
        begun.extend(more);
    }
    let one = |playbook: &Arc<Playbook>| {
        let hands_over = |other: &&Arc<Playbook>| {
            begun.contains(other.name.as_str()) && other.hand_overs().any(|to| to.playbook == playbook.name)
        };
        let rules = counts.get(playbook.name.as_str()).copied().unwrap_or(0);
        let alerts: BTreeSet<&str> = playbook.triggers.iter().map(|trigger| trigger.alert.as_str()).collect();
        let there: Vec<&str> = alerts.iter().copied().filter(|alert| names.contains(alert)).collect();
        let owned = |alerts: Vec<&str>| alerts.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let idle = if rules > 0 {
            None
        } else if alerts.is_empty() {
            Some(Idle::NoAlerts)
        } else if there.is_empty() {
            Some(Idle::NoRule { alerts: owned(alerts.into_iter().collect()) })
        } else if there.iter().all(|alert| refused.contains(&(playbook.name.as_str(), *alert))) {
            Some(Idle::RuledOut { alerts: owned(there) })
        } else if there.iter().any(|alert| undecided.contains(&(playbook.name.as_str(), *alert))) {
            Some(Idle::Undecided { alerts: owned(there) })
        } else {
            Some(Idle::Taken { alerts: owned(there) })
        };
        Started {
            name: playbook.name.clone(),
            folder: folder(&playbook.path),
            severity: playbook.severity,
            rules,
            is_planned: !playbook.schedules.is_empty(),
            is_sighted: is_sighted(playbook),
            handed_by: playbooks.iter().filter(hands_over).map(|other| other.name.clone()).collect(),
            idle,
        }
    };
    let mut found: Vec<Started> = playbooks.iter().map(one).collect();
    found.sort_by(|a, b| (a.starts(), a.severity, &a.name).cmp(&(b.starts(), b.severity, &b.name)));
    found
}
