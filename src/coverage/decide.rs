//! Which playbook would answer the alerts of a rule. It goes as the catalog does for an alert that
//! has come, and knows less: of its labels only those that the rule itself gives.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::json;

use crate::language::{Expression, Scope};
use crate::model::{Severities, Severity};
use crate::playbook::Playbook;

/// An alerting rule, as far as it says what its alerts will be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The `alertname`.
    pub name: String,
    /// Labels whose values are the same for each alert; an empty one says that alerts have no such
    /// label.
    pub labels: BTreeMap<String, String>,
    pub at: Whence,
}

/// Where a rule stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whence {
    /// A file, or the URL of a Prometheus and a file there.
    pub source: String,
    /// Counts from 1, where it was found.
    pub line: Option<u64>,
    pub group: String,
}

/// What becomes of a rule's alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// `by` answers, unless one of the others does by its `where`.
    Covered { by: String, unless: Vec<String> },
    /// One of these answers, if just one does by its `where`: that is up to labels that only alerts
    /// have.
    Maybe { by: Vec<String> },
    /// All of these would, and so none is run.
    Undecided { by: Vec<String> },
    /// These know the alert, and the `where` of none of them holds.
    RuledOut { by: Vec<String> },
    /// No playbook knows the alert.
    None { meant: Option<Meant> },
}

/// An alert of almost the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    pub alert: String,
    /// Who answers that one.
    pub by: Vec<String>,
    /// Only upper and lower case differ, or signs between the words.
    pub same_letters: bool,
}

impl Rule {
    /// What its labels say; S2 where they say nothing.
    pub fn severity(&self) -> Severity {
        Severities::usual().rate(|label| self.labels.get(label).map(String::as_str)).severity
    }

    fn scope(&self) -> Scope {
        let labels = self.labels.iter().filter(|(_, value)| !value.is_empty());
        let mut labels: BTreeMap<&str, &str> = labels.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        labels.insert("alertname", &self.name);
        Scope::from_iter([("alert".to_owned(), json!({ "name": self.name, "labels": labels }))])
    }

    /// Whether the value at a path of a condition is known.
    fn knows(&self, path: &[String]) -> bool {
        match path {
            [_, field] => field == "name",
            [_, labels, label, ..] => labels == "labels" && (label == "alertname" || self.labels.contains_key(label)),
            _ => false,
        }
    }
}

impl Verdict {
    /// The order in which people want to see them.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Verdict::None { .. } => 0,
            Verdict::RuledOut { .. } => 1,
            Verdict::Undecided { .. } => 2,
            Verdict::Maybe { .. } => 3,
            Verdict::Covered { .. } => 4,
        }
    }

    /// The playbooks that such an alert may start.
    pub fn may_start(&self) -> impl Iterator<Item = &str> {
        let (first, others) = match self {
            Verdict::Covered { by, unless } => (Some(by), unless.as_slice()),
            Verdict::Maybe { by } => (None, by.as_slice()),
            Verdict::Undecided { .. } | Verdict::RuledOut { .. } | Verdict::None { .. } => (None, &[][..]),
        };
        first.into_iter().chain(others).map(String::as_str)
    }
}

/// One trigger of one playbook.
#[derive(Clone, Copy)]
struct Trigger<'p> {
    playbook: &'p Playbook,
    condition: Option<&'p Expression>,
}

/// The triggers of all playbooks, by the names of their alerts.
pub struct Triggers<'p> {
    by_alert: BTreeMap<&'p str, Vec<Trigger<'p>>>,
    /// Their names by their letters.
    by_letters: HashMap<String, &'p str>,
    /// Those that no rule has by how many letters they have.
    by_length: BTreeMap<usize, Vec<(String, &'p str)>>,
}

/// Longer names are not compared.
const LONGEST: usize = 128;

impl<'p> Triggers<'p> {
    /// `rules`: all that are asked about. Names that one of them has are no other one's slip.
    pub fn of(playbooks: &'p [Arc<Playbook>], rules: &[Rule]) -> Self {
        let mut by_alert: BTreeMap<&str, Vec<Trigger<'_>>> = BTreeMap::new();
        for playbook in playbooks {
            for trigger in &playbook.triggers {
                let entry = Trigger { playbook, condition: trigger.condition.as_ref() };
                by_alert.entry(&trigger.alert).or_default().push(entry);
            }
        }
        let names: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        let (mut by_letters, mut by_length) = (HashMap::new(), BTreeMap::<usize, Vec<_>>::new());
        for name in by_alert.keys() {
            let letters = Severities::key(name);
            if !names.contains(name) {
                by_length.entry(letters.chars().count()).or_default().push((letters.clone(), *name));
            }
            by_letters.entry(letters).or_insert(*name);
        }
        Self { by_alert, by_letters, by_length }
    }

    /// Who answers the alerts of a rule: as
    /// [`Catalog::for_alert`](crate::playbook::Catalog::for_alert) decides it.
    pub fn answer(&self, rule: &Rule) -> Verdict {
        let Some(triggers) = self.by_alert.get(rule.name.as_str()) else {
            return Verdict::None { meant: self.meant(&rule.name) };
        };
        let scope = rule.scope();
        let (mut may_before, mut ruled_out, mut contested) = (Vec::new(), Vec::new(), Vec::new());
        // What is shipped is asked only where none of the site's own answers.
        for are_shipped in [false, true] {
            let (mut special, mut always, mut may) = (Vec::new(), Vec::new(), Vec::new());
            for trigger in triggers.iter().filter(|trigger| trigger.playbook.is_shipped() == are_shipped) {
                let decided = trigger.condition.map(|it| it.decided(&scope, &|path: &[String]| rule.knows(path)));
                let list = match decided {
                    None => &mut always,
                    Some(Some(true)) => &mut special,
                    Some(None) => &mut may,
                    Some(Some(false)) => &mut ruled_out,
                };
                if !list.contains(&trigger.playbook.name) {
                    list.push(trigger.playbook.name.clone());
                }
            }
            may.retain(|other| !special.contains(other));
            // Of several that answer by their `where` none is run, whatever the others do.
            if special.len() > 1 {
                contested = special;
                break;
            }
            if let Some(by) = special.pop() {
                if may.is_empty() {
                    return Verdict::Covered { by, unless: may_before };
                }
                // If one of these does too, none is run.
                may_before.push(by);
                may_before.append(&mut may);
                return Verdict::Maybe { by: may_before };
            }
            may_before.append(&mut may);
            // Of several without a `where` the catalog takes none.
            if always.len() > 1 {
                contested.append(&mut always);
            }
            if let Some(by) = always.pop() {
                may_before.retain(|other| *other != by);
                return Verdict::Covered { by, unless: may_before };
            }
        }
        if !may_before.is_empty() {
            Verdict::Maybe { by: may_before }
        } else if !contested.is_empty() {
            Verdict::Undecided { by: contested }
        } else {
            Verdict::RuledOut { by: ruled_out }
        }
    }

    /// The playbooks that have a trigger for that name, once each.
    fn of_name(&self, alert: &str) -> Vec<String> {
        let triggers = self.by_alert.get(alert).into_iter().flatten();
        triggers.map(|trigger| trigger.playbook.name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn meant(&self, name: &str) -> Option<Meant> {
        if name.chars().nth(LONGEST).is_some() {
            return None;
        }
        let letters = Severities::key(name);
        if let Some(alert) = self.by_letters.get(&letters) {
            return Some(Meant { alert: (*alert).to_owned(), by: self.of_name(alert), same_letters: true });
        }
        // One slip in a short name, two in a long one: names of mixins differ in a word.
        let count = letters.chars().count();
        let most = if count < 12 { 1 } else { 2 };
        let near = self.by_length.range(count.saturating_sub(most)..=count + most).flat_map(|(_, names)| names);
        let (_, alert) = near
            .map(|(other, alert)| (strsim::osa_distance(&letters, other), *alert))
            .filter(|(distance, _)| *distance <= most && count > 2 * most)
            .min()?;
        Some(Meant { alert: alert.to_owned(), by: self.of_name(alert), same_letters: false })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chrono::DateTime;

    use super::*;
    use crate::model::{Alert, AlertStatus};
    use crate::playbook::Catalog;

    /// `triggers`: a condition for each, empty for none.
    fn playbook(path: &str, name: &str, triggers: &[(&str, &str)]) -> Playbook {
        let triggers: String = triggers
            .iter()
            .map(|(alert, condition)| match *condition {
                "" => format!("  - alert: {alert}\n"),
                condition => format!("  - alert: {alert}\n    where: {condition}\n"),
            })
            .collect();
        let text = format!(
            "apiVersion: dogwatch/v1\nkind: Playbook\nmetadata: {{ name: {name}, version: 1.0.0, owner: platform }}\n\
             summary: somebody looks\nseverity: S2\nautonomy: observe\ntriggers:\n{triggers}\
             target: {{ kind: Deployment, namespace: shop, name: web }}\n\
             diagnose:\n  - require: target.status.readyReplicas == target.spec.replicas\n    because: pods are missing\n\
             escalate:\n  - page: {{ message: look }}\n"
        );
        Playbook::parse(Path::new(path), &text).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    fn rule(name: &str, labels: &[(&str, &str)]) -> Rule {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Rule { name: name.to_owned(), labels, at: Whence::default() }
    }

    fn shared(playbooks: Vec<Playbook>) -> Vec<Arc<Playbook>> {
        playbooks.into_iter().map(Arc::new).collect()
    }

    const DB: &str = "alert.labels.?team.orValue('') == 'db'";
    const PAGE: &str = "alert.labels.severity == 'page'";

    #[test]
    fn a_rule_is_answered_as_far_as_its_labels_say() {
        let playbooks = shared(vec![
            playbook("plain.yaml", "plain", &[("Slow", "")]),
            playbook("db.yaml", "db", &[("Slow", DB), ("Lag", DB)]),
            playbook("page.yaml", "page", &[("Lag", PAGE)]),
        ]);
        let triggers = Triggers::of(&playbooks, &[]);
        let answer = |name, labels: &[(&str, &str)]| triggers.answer(&rule(name, labels));
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let covered = |by: &str, unless: &[&str]| Verdict::Covered { by: by.to_owned(), unless: names(unless) };
        assert_eq!(answer("Slow", &[]), covered("plain", &["db"]));
        assert_eq!(answer("Slow", &[("team", "db")]), covered("db", &[]));
        assert_eq!(answer("Slow", &[("team", "")]), covered("plain", &[]), "it has no team, whatever its series has");
        assert_eq!(answer("Lag", &[]), Verdict::Maybe { by: names(&["db", "page"]) });
        // If the team is `db`, both do, and so none is run.
        assert_eq!(answer("Lag", &[("severity", "page")]), Verdict::Maybe { by: names(&["page", "db"]) });
        assert_eq!(answer("Lag", &[("severity", "page"), ("team", "web")]), covered("page", &[]));
        assert_eq!(
            answer("Lag", &[("severity", "page"), ("team", "db")]),
            Verdict::Undecided { by: names(&["db", "page"]) }
        );
        assert_eq!(
            answer("Lag", &[("severity", "info"), ("team", "web")]),
            Verdict::RuledOut { by: names(&["db", "page"]) }
        );
        assert_eq!(answer("Other", &[]), Verdict::None { meant: None });
    }

    #[test]
    fn what_is_shipped_answers_where_no_own_playbook_does() {
        let shipped = |name: &str| format!("{}/{name}.yaml", crate::files::SHIPPED);
        let playbooks = shared(vec![
            playbook("own.yaml", "own", &[("Slow", DB), ("Lag", DB), ("Full", "")]),
            playbook(&shipped("plain"), "plain", &[("Slow", ""), ("Full", "")]),
            playbook(&shipped("page"), "page", &[("Lag", PAGE)]),
            playbook(&shipped("paged"), "paged", &[("Lag", PAGE)]),
        ]);
        let triggers = Triggers::of(&playbooks, &[]);
        let answer = |name, labels: &[(&str, &str)]| triggers.answer(&rule(name, labels));
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let covered = |by: &str, unless: &[&str]| Verdict::Covered { by: by.to_owned(), unless: names(unless) };
        assert_eq!(answer("Full", &[]), covered("own", &[]));
        assert_eq!(answer("Slow", &[]), covered("plain", &["own"]));
        // The two that are shipped are in each other's way, but not in that of the site's own.
        assert_eq!(answer("Lag", &[("severity", "page")]), Verdict::Maybe { by: names(&["own"]) });
        assert_eq!(answer("Lag", &[("severity", "page"), ("team", "db")]), covered("own", &[]));
        let both = Verdict::Undecided { by: names(&["page", "paged"]) };
        assert_eq!(answer("Lag", &[("severity", "page"), ("team", "web")]), both);
    }

    #[test]
    fn close_names_are_told_and_other_ones_are_not() {
        let names =
            ["KubePodCrashLooping", "etcdMembersDown", "Slow", "NodeFilesystemSpaceFillingUp", "HostOutOfMemory"];
        let triggers: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
        let playbooks = shared(vec![playbook("x.yaml", "x", &triggers)]);
        // That one has its rule.
        let triggers = Triggers::of(&playbooks, &[rule("HostOutOfMemory", &[])]);
        let meant = |name: &str| match triggers.answer(&rule(name, &[])) {
            Verdict::None { meant } => meant.map(|meant| (meant.alert, meant.same_letters)),
            other => panic!("{other:?}"),
        };
        let told = |name: &str, same: bool| Some((name.to_owned(), same));
        assert_eq!(meant("kube_pod_crash_looping"), told("KubePodCrashLooping", true));
        assert_eq!(meant("etcdMemberDown"), told("etcdMembersDown", false));
        assert_eq!(meant("KubePodCrashLoopign"), told("KubePodCrashLooping", false));
        for other in ["NodeFilesystemFilesFillingUp", "Flow2", "HostOutOfMemor", "Slo", ""] {
            assert_eq!(meant(other), if other == "Slo" { told("Slow", false) } else { None }, "{other}");
        }
        assert_eq!(meant(&"x".repeat(1_000_000)), None);
    }

    /// What is said here of a rule whose labels are all known is what the catalog does with its
    /// alert.
    #[test]
    fn what_is_decided_is_what_the_catalog_does() {
        let own = |n: usize| format!("{n}.yaml");
        let shipped = |n: usize| format!("{}/{n}.yaml", crate::files::SHIPPED);
        let conditions = ["", DB, PAGE, "alert.labels.severity == 'info'"];
        let mut seen = [0; 3];
        for choice in 0..6_usize.pow(3) {
            // Of three playbooks each: its condition, whether it is there, and whose it is.
            let picks: Vec<usize> = (0..3).map(|n| choice / 6_usize.pow(n) % 6).collect();
            let one = |(n, pick): (usize, &usize)| {
                let condition = conditions.get(*pick % 4).copied().unwrap_or_default();
                let path = if *pick > 3 || n == 2 { shipped(n) } else { own(n) };
                playbook(&path, &format!("p{n}"), &[("Slow", condition)])
            };
            let made = || picks.iter().enumerate().map(one).collect::<Vec<_>>();
            let (catalog, _) = Catalog::of(made());
            let playbooks: Vec<Arc<Playbook>> = catalog.iter().cloned().collect();
            let triggers = Triggers::of(&playbooks, &[]);
            for (severity, team) in [("page", "db"), ("page", "web"), ("info", "db"), ("info", "web")] {
                let rule = rule("Slow", &[("severity", severity), ("team", team)]);
                let mut labels = rule.labels.clone();
                labels.insert("alertname".to_owned(), rule.name.clone());
                let alert = Alert {
                    fingerprint: "0".repeat(16),
                    given: None,
                    in_order: false,
                    status: AlertStatus::Firing,
                    labels,
                    annotations: BTreeMap::new(),
                    starts_at: DateTime::UNIX_EPOCH,
                    ends_at: None,
                    generator_url: String::new(),
                };
                let found = catalog.for_alert(&alert);
                let told = (found.undecided.is_some(), found.playbook.map(|playbook| playbook.name.clone()));
                match triggers.answer(&rule) {
                    Verdict::Covered { by, unless } => {
                        assert_eq!(((false, Some(by)), vec![]), (told, unless), "{picks:?} {rule:?}");
                        seen[0] += 1;
                    }
                    Verdict::Undecided { .. } => {
                        assert!(told.0 || told.1.is_none(), "{picks:?} {rule:?}: {told:?}");
                        seen[1] += 1;
                    }
                    Verdict::RuledOut { .. } => {
                        assert_eq!(told, (false, None), "{picks:?} {rule:?}");
                        seen[2] += 1;
                    }
                    other => panic!("{picks:?} {rule:?}: {other:?}"),
                }
            }
        }
        assert!(seen.iter().all(|n| *n > 10), "{seen:?}");
    }
}
