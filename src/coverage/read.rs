//! Rules out of a text: a rule file, a PrometheusRule, a ConfigMap of rule files, or lists of
//! those.
//!
//! What is wrong with a rule leaves out that rule, and no other one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;

use serde_json::{Map, Value};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy};

use super::decide::{Rule, Whence};
use super::lines::{Lines, lines_of};
use super::values::{HOLE, fixed, scalar};
use crate::diagnostics::{Code, Diagnostic, Explained, Location, SourceText, explain};
use crate::message::clip;
use crate::prometheus::AlertRule;

/// A file of more documents was written by no hand.
const MOST_DOCUMENTS: usize = 1_000;
/// More problems of one file are one and the same.
const MOST_PROBLEMS: usize = 20;
/// A List is within a file; one in a list is within that.
const DEEPEST: usize = 2;
/// So much of the name of a group is kept, in characters: each of its rules has it.
const GROUP: usize = 200;
/// What a label costs beside its texts, in bytes.
const LABEL: usize = 64;

/// Kinds of objects that hold groups as a rule file does: the Prometheus operator's,
/// VictoriaMetrics', OpenShift's, and those of Google's managed Prometheus.
const KINDS: [&str; 6] = ["PrometheusRule", "VMRule", "AlertingRule", "Rules", "ClusterRules", "GlobalRules"];

/// What a text holds.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub rules: Vec<Rule>,
    pub problems: Vec<Diagnostic>,
    /// Something in it was meant to hold rules, be it of records alone.
    pub is_of_rules: bool,
    /// What the rules take, in bytes: a few shared labels are those of each rule of a group.
    pub size: usize,
}

/// Reads one text. `room`: how much the rules may take, in bytes; there are no more of them then.
pub(super) fn read(path: &Path, text: &str, room: usize) -> Read {
    let source = SourceText { path, text };
    let (alerts, names) = (lines_of(text, "alert"), lines_of(text, "name"));
    let mut reader = Reader { source, alerts, names, keys: HashMap::new(), room, untold: 0, read: Read::default() };
    match documents(text) {
        Ok(documents) => documents.iter().for_each(|document| reader.document(document, 0)),
        Err(error) => reader.no_yaml(&error, None),
    }
    let Reader { untold, mut read, .. } = reader;
    if untold > 0 {
        read.problems.push(source.error_of_file(Code::TooComplex, format!("{untold} more mistakes are not told")));
    }
    read
}

impl Rule {
    /// A rule that a Prometheus tells of.
    pub fn told(url: &str, rule: AlertRule) -> Self {
        let source = if rule.file.is_empty() { url.to_owned() } else { format!("{url} {}", rule.file) };
        let labels = rule.labels.into_iter().filter(|(_, value)| !value.contains(HOLE)).collect();
        Self { name: rule.name, labels, at: Whence { source, line: None, group: rule.group } }
    }
}

fn documents(text: &str) -> Result<Vec<Value>, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 200,
            max_events: 2_000_000,
            max_nodes: 2_000_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_documents: MOST_DOCUMENTS,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 16,
        },
        // As Go reads texts: `y` is a name, and `no` a country.
        strict_booleans: true,
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Merge,
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options)
}

struct Reader<'t> {
    source: SourceText<'t>,
    /// The lines on which alerts and groups have their names, which were not found yet.
    alerts: Lines<'t>,
    names: Lines<'t>,
    /// How many entries of ConfigMaps had that key.
    keys: HashMap<String, usize>,
    room: usize,
    untold: usize,
    read: Read,
}

/// A group, as far as its rules are told with it.
struct Group {
    name: String,
    /// In a message.
    shown: String,
    line: Option<u64>,
}

impl<'t> Reader<'t> {
    fn document(&mut self, document: &Value, depth: usize) {
        let kind = document.get("kind").and_then(Value::as_str);
        let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        // It is no name of a group.
        let line = self.names.get_mut(name).and_then(VecDeque::pop_front);
        match kind {
            Some(kind) if KINDS.contains(&kind) => {
                self.groups(document.pointer("/spec/groups"), &format!("the {kind} {}", clip(name, GROUP)), line);
            }
            Some("ConfigMap") => {
                let data = document.get("data").and_then(Value::as_object);
                data.into_iter().flatten().for_each(|(key, value)| self.entry(key, value));
            }
            Some(kind) if kind.ends_with("List") && depth < DEEPEST => {
                let items = document.get("items").and_then(Value::as_array);
                items.into_iter().flatten().for_each(|item| self.document(item, depth + 1));
            }
            Some(_) => {}
            None if document.get("groups").is_some() => self.groups(document.get("groups"), "the file", None),
            None => {}
        }
    }

    /// One entry of a ConfigMap, which may be any file.
    fn entry(&mut self, key: &str, value: &Value) {
        *self.keys.entry(key.to_owned()).or_default() += 1;
        let Some(text) = value.as_str().filter(|text| is_like_rules(text)) else { return };
        match documents(text) {
            Ok(documents) => {
                for document in documents.iter().filter(|document| document.get("kind").is_none()) {
                    self.document(document, DEEPEST);
                }
            }
            Err(error) => self.no_yaml(&error, Some(key)),
        }
    }

    fn groups(&mut self, groups: Option<&Value>, whose: &str, line: Option<u64>) {
        self.read.is_of_rules = true;
        match groups {
            // As Prometheus has it: a file of nothing is one.
            Some(Value::Null) => {}
            Some(Value::Array(groups)) => groups.iter().zip(1..).for_each(|(group, n)| self.group(group, n)),
            Some(_) => self.wrong(Code::WrongType, line, "groups", format!("`groups` of {whose} is no list")),
            None => self.wrong(Code::MissingField, line, "", format!("{whose} has no `spec.groups`")),
        }
    }

    /// `n`: which one of its list, from 1.
    fn group(&mut self, group: &Value, n: usize) {
        let name = group.get("name").and_then(scalar).filter(|name| !name.is_empty());
        let line = name.as_deref().and_then(|name| self.names.get_mut(name)).and_then(VecDeque::pop_front);
        let name = name.map(|name| clip(&name, GROUP));
        let shown = name.as_ref().map_or_else(|| format!("group {n}"), |name| format!("the group `{name}`"));
        let group_of = Group { name: name.unwrap_or_default(), shown, line };
        let shared = match group.get("labels") {
            Some(Value::Object(labels)) => labels.clone(),
            _ => Map::new(),
        };
        match group.get("rules") {
            Some(Value::Array(rules)) => {
                for (n, rule) in rules.iter().enumerate() {
                    self.rule(rule, &group_of, &shared, n + 1);
                }
            }
            None | Some(Value::Null) if group.is_object() => {}
            _ => {
                let Group { name, shown, line } = &group_of;
                self.wrong(Code::WrongType, *line, name, format!("{shown} has no list of rules"));
            }
        }
    }

    /// `n`: which one of its group, from 1.
    fn rule(&mut self, rule: &Value, group: &Group, shared: &Map<String, Value>, n: usize) {
        if self.read.size > self.room {
            return;
        }
        let Group { name: group, shown, line: beside } = group;
        // A rule of Grafana's own has its name there.
        let title = || rule.get("title").filter(|_| rule.get("uid").is_some());
        let Some(alert) = rule.get("alert").or_else(title) else {
            if rule.get("record").is_none() {
                let message = format!("rule {n} of {shown} has neither `alert` nor `record`");
                self.wrong(Code::MissingField, *beside, group, message);
            }
            return;
        };
        let Some(name) = scalar(alert).filter(|name| !name.trim().is_empty()) else {
            let message = format!("`alert` of rule {n} of {shown} is no name");
            return self.wrong(Code::WrongType, *beside, group, message);
        };
        let line = self.alerts.get_mut(name.as_str()).and_then(VecDeque::pop_front);
        let own = match rule.get("labels") {
            None | Some(Value::Null) => None,
            Some(Value::Object(labels)) => Some(labels),
            Some(_) => {
                let message = format!("`labels` of the rule `{}` are no fields", clip(&name, GROUP));
                return self.wrong(Code::WrongType, line, &name, message);
            }
        };
        let label = |(name, value): (&String, &Value)| LABEL + name.len() + value.as_str().map_or(0, str::len);
        let size: usize = shared.iter().chain(own.into_iter().flatten()).map(label).sum();
        self.read.size = self.read.size.saturating_add(size + name.len() + group.len() + LABEL);
        if self.read.size > self.room {
            let message = "there are no more rules read from here on: their names and labels are too large";
            return self.wrong(Code::TooLarge, line, &name, message.to_owned());
        }
        let mut labels = BTreeMap::new();
        for (label, value) in shared.iter().chain(own.into_iter().flatten()) {
            match fixed(value) {
                Some(value) => labels.insert(label.clone(), value),
                None => labels.remove(label),
            };
        }
        let source = self.source.path.display().to_string();
        let at = Whence { source, line, group: group.clone() };
        self.read.rules.push(Rule { name, labels, at });
    }

    /// `line`: where it stands, counted from 1, if that is known; `word` is there or near.
    fn wrong(&mut self, code: Code, line: Option<u64>, word: &str, message: String) {
        let problem = |source: &SourceText<'_>| match line {
            Some(line) => source.error(code, source.find(Location { line, column: 1 }, word), message),
            None => source.error_of_file(code, message),
        };
        self.tell(problem);
    }

    /// `key`: the entry of a ConfigMap that it is about.
    fn no_yaml(&mut self, error: &serde_saphyr::Error, key: Option<&str>) {
        let Explained { code, message, remedy } = explain(error.without_snippet());
        // The reader knows of playbooks how they begin.
        let remedy = remedy.filter(|_| code != Code::EmptyFile).unwrap_or_default();
        let remedy = if ["{{ .", "{{- ", "{{ include"].iter().any(|hole| self.source.text.contains(hole)) {
            "if it is a template, name what is made of it: `helm template ... > rules.yaml`".to_owned()
        } else {
            remedy
        };
        let at = error.without_snippet().location().map(Location::from).filter(|at| at.line > 0);
        let message = match key {
            Some(key) => format!("the entry `{}` of the ConfigMap: {message}", clip(key, GROUP)),
            None => message,
        };
        let at = at.filter(|_| self.is_telling()).and_then(|at| self.outside(at, key));
        self.tell(|source| {
            let problem = match at {
                Some(at) => source.error(code, at, message),
                None => source.error_of_file(code, message),
            };
            problem.with_remedy(remedy)
        });
    }

    /// A place within an entry of a ConfigMap, in the file: the entry itself, where it is written
    /// on one line.
    fn outside(&self, at: Location, key: Option<&str>) -> Option<Location> {
        let Some(key) = key else { return Some(at) };
        let rest = |line: &'t str| line.trim_start().trim_start_matches(['"', '\'']).strip_prefix(key);
        let is_key = |rest: &str| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':');
        let lines = self.source.text.lines().enumerate();
        let mut lines = lines.filter(|(_, line)| rest(line).is_some_and(is_key));
        // Other ConfigMaps have an entry of that name, too.
        let before = self.keys.get(key).map_or(0, |n| n.saturating_sub(1));
        let (index, _) = lines.nth(before)?;
        let above = index as u64 + 1;
        let is_block = self.source.line(above).trim_end().ends_with(['|', '>', '-', '+']);
        if !is_block {
            return Some(Location { line: above, column: 1 });
        }
        let first = self.source.text.lines().skip(index + 1).find(|line| !line.trim().is_empty())?;
        let indent = first.len() - first.trim_start_matches(' ').len();
        Some(Location { line: above + at.line, column: at.column + indent as u64 })
    }

    fn is_telling(&self) -> bool {
        self.read.problems.len() < MOST_PROBLEMS
    }

    /// To find a place costs a look at the whole text.
    fn tell(&mut self, problem: impl FnOnce(&SourceText<'_>) -> Diagnostic) {
        if self.is_telling() {
            self.read.problems.push(problem(&self.source));
        } else {
            self.untold += 1;
        }
    }
}

/// Whether an entry of a ConfigMap looks like a file of rules: it may be anything, and what is none
/// has no mistakes here.
fn is_like_rules(text: &str) -> bool {
    let is_json = text.trim_start().starts_with('{') && text.contains("\"groups\"");
    is_json || text.lines().any(|line| line.starts_with("groups:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let read = read(Path::new("rules.yaml"), text, 1024 * 1024);
        let rule = |rule: &Rule| format!("{}:{} {:?}", rule.name, rule.at.line.unwrap_or(0), rule.labels);
        read.rules.iter().map(rule).chain(read.problems.iter().map(ToString::to_string)).collect()
    }

    #[test]
    fn labels_that_each_alert_fills_in_are_not_known() {
        let text = "\
groups:
  - name: g
    labels: { team: db, tier: one }
    rules:
      - record: job:x
        expr: x
      - { alert: A, expr: x, labels: { severity: page, tier: '{{ $labels.tier }}', n: 3, half: 0.5, gone: '' } }
      - expr: x
        alert: \"B\"
      - alert: A
";
        assert_eq!(
            told(text),
            [
                r#"A:7 {"gone": "", "n": "3", "severity": "page", "team": "db"}"#,
                r#"B:9 {"team": "db", "tier": "one"}"#,
                r#"A:10 {"team": "db", "tier": "one"}"#,
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_a_rule_leaves_out_that_one() {
        let text = "groups:\n  - name: odd\n    rules:\n      - alert: [A]\n      - expr: x\n      - alert: B\n        labels: x\n      - alert: C\n";
        assert_eq!(
            told(text),
            [
                "C:8 {}",
                "rules.yaml:2:11: `alert` of rule 1 of the group `odd` is no name",
                "rules.yaml:2:11: rule 2 of the group `odd` has neither `alert` nor `record`",
                "rules.yaml:6:16: `labels` of the rule `B` are no fields",
            ]
        );
        assert_eq!(told("groups: 3\n"), ["rules.yaml: `groups` of the file is no list"]);
        assert_eq!(told("kind: Deployment\nspec: { groups: 3 }\n---\n- 1\n---\nx\n"), Vec::<String>::new());
    }

    #[test]
    fn names_are_texts_however_they_look_and_comments_are_no_rules() {
        let text = "\
groups:
  - name: y
    labels: { country: no }
    rules:
      # - alert: A
      - alert: A # the real one
      - { \"alert\": 12 }
      - {}
  - 3
  - uid: no rule, but a group
    rules: [{ uid: a, title: Of Grafana }]
";
        assert_eq!(
            told(text),
            [
                r#"A:6 {"country": "no"}"#,
                r#"12:7 {"country": "no"}"#,
                "Of Grafana:0 {}",
                "rules.yaml:2:11: rule 3 of the group `y` has neither `alert` nor `record`",
                "rules.yaml: group 2 has no list of rules",
            ]
        );
    }

    #[test]
    fn what_never_ends_is_cut() {
        let shared: String = (0..100).map(|n| format!("      l{n}: {}\n", "v".repeat(1000))).collect();
        let rules = "      - alert: A\n".repeat(50);
        let read =
            read(Path::new("rules.yaml"), &format!("groups:\n  - labels:\n{shared}    rules:\n{rules}"), 1_200_000);
        assert_eq!((read.rules.len(), read.problems.len()), (11, 1), "each takes a bit more than 100 kB");
        assert_eq!(
            read.problems[0].to_string(),
            "rules.yaml:115:16: there are no more rules read from here on: their names and labels are too large"
        );
        let wrong = told(&format!("groups:\n  - name: g\n    rules:\n{}", "      - expr: up\n".repeat(500)));
        assert_eq!((wrong.len(), wrong[20].as_str()), (21, "rules.yaml: 480 more mistakes are not told"));
    }

    #[test]
    fn an_entry_of_a_config_map_that_is_no_file_of_rules_has_no_mistakes() {
        let text = "kind: ConfigMap\ndata:\n  a.yaml: '{groups: rules'\n  b: |\n    rules and groups: [\n---\nkind: ConfigMap\ndata:\n  a.yaml: |\n    groups: [\n";
        let told = told(text);
        assert!(
            told.len() == 1 && told[0].starts_with("rules.yaml:10:"),
            "of two entries of one name the second: {told:?}"
        );
    }

    #[test]
    fn a_mistake_in_an_entry_of_a_config_map_has_its_place_in_the_file() {
        let text = "kind: ConfigMap\ndata:\n  notes: '{'\n  a.yaml: |\n    groups:\n      - name: g\n        rules: ]\n  b.yaml: |\n    groups:\n      - name: h\n        rules:\n          - alert: Fine\n";
        let told = told(text);
        assert_eq!(told[0], "Fine:12 {}");
        assert!(
            told[1].starts_with("rules.yaml:7:") && told[1].contains("the entry `a.yaml` of the ConfigMap"),
            "{told:?}"
        );
    }
}
