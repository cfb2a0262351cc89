//! Rules out of a text: a rule file, a PrometheusRule, a ConfigMap of rule files, or lists of those.
//!
//! What is wrong with a rule leaves out that rule, and no other one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;

use serde_json::{Map, Value};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy};

use super::decide::{Rule, Whence};
use crate::diagnostics::{Code, Diagnostic, Explained, Location, SourceText, explain};
use crate::prometheus::AlertRule;

/// A file of more documents was written by no hand.
const MOST_DOCUMENTS: usize = 1_000;
/// More problems of one file are one and the same.
const MOST_PROBLEMS: usize = 20;
/// A List is within a file; one in a list is within that.
const DEEPEST: usize = 2;

/// Kinds of objects that hold groups as a rule file does.
const KINDS: [&str; 3] = ["PrometheusRule", "VMRule", "AlertingRule"];

/// What a text holds.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub rules: Vec<Rule>,
    pub problems: Vec<Diagnostic>,
    /// Something in it was meant to hold rules, be it of records alone.
    pub is_of_rules: bool,
}

/// Reads one text.
pub(super) fn read(path: &Path, text: &str) -> Read {
    let source = SourceText { path, text };
    let mut reader = Reader { source, lines: lines_of(text), read: Read::default() };
    match documents(text) {
        Ok(documents) => documents.iter().for_each(|document| reader.document(document, 0)),
        Err(error) => reader.no_yaml(&error, None),
    }
    reader.read
}

impl Rule {
    /// A rule that a Prometheus tells of.
    pub fn told(url: &str, rule: AlertRule) -> Self {
        let source = if rule.file.is_empty() { url.to_owned() } else { format!("{url} {}", rule.file) };
        let labels = rule.labels.into_iter().filter(|(_, value)| !value.contains(HOLE)).collect();
        Self { name: rule.name, labels, at: Whence { source, line: None, group: rule.group } }
    }
}

/// A value with this is filled in by each alert.
const HOLE: &str = "{{";

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
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Merge,
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options)
}

struct Reader<'t> {
    source: SourceText<'t>,
    lines: HashMap<&'t str, VecDeque<u64>>,
    read: Read,
}

impl Reader<'_> {
    fn document(&mut self, document: &Value, depth: usize) {
        let kind = document.get("kind").and_then(Value::as_str);
        match kind {
            Some(kind) if KINDS.contains(&kind) => {
                let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                self.groups(document.pointer("/spec/groups"), &format!("the {kind} {name}"));
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
            None if document.get("groups").is_some() => self.groups(document.get("groups"), "the file"),
            None => {}
        }
    }

    /// One entry of a ConfigMap, which may be any file.
    fn entry(&mut self, key: &str, value: &Value) {
        let Some(text) = value.as_str().filter(|text| text.contains("groups") && text.contains("rules")) else {
            return;
        };
        match documents(text) {
            Ok(documents) => {
                for document in documents.iter().filter(|document| document.get("kind").is_none()) {
                    self.document(document, DEEPEST);
                }
            }
            Err(error) => self.no_yaml(&error, Some(key)),
        }
    }

    fn groups(&mut self, groups: Option<&Value>, whose: &str) {
        self.read.is_of_rules = true;
        match groups {
            // As Prometheus has it: a file of nothing is one.
            Some(Value::Null) => {}
            Some(Value::Array(groups)) => groups.iter().for_each(|group| self.group(group)),
            Some(_) => self.wrong(Code::WrongType, whose, format!("`groups` of {whose} is no list")),
            None => self.wrong(Code::MissingField, whose, format!("{whose} has no `spec.groups`")),
        }
    }

    fn group(&mut self, group: &Value) {
        let name = group.get("name").and_then(Value::as_str).unwrap_or_default();
        let shared = match group.get("labels") {
            Some(Value::Object(labels)) => labels.clone(),
            _ => Map::new(),
        };
        match group.get("rules") {
            Some(Value::Array(rules)) => {
                for (n, rule) in rules.iter().enumerate() {
                    self.rule(rule, name, &shared, n + 1);
                }
            }
            None | Some(Value::Null) if group.is_object() => {}
            _ => self.wrong(Code::WrongType, name, format!("`rules` of the group `{name}` is no list")),
        }
    }

    /// `n`: which one of its group, from 1.
    fn rule(&mut self, rule: &Value, group: &str, shared: &Map<String, Value>, n: usize) {
        let Some(alert) = rule.get("alert") else {
            if rule.get("record").is_none() {
                let message = format!("rule {n} of the group `{group}` has neither `alert` nor `record`");
                self.wrong(Code::MissingField, group, message);
            }
            return;
        };
        let Some(name) = alert.as_str().filter(|name| !name.trim().is_empty()) else {
            self.wrong(Code::WrongType, group, format!("`alert` of rule {n} of the group `{group}` is no name"));
            return;
        };
        let line = self.lines.get_mut(name).and_then(VecDeque::pop_front);
        let own = match rule.get("labels") {
            None | Some(Value::Null) => None,
            Some(Value::Object(labels)) => Some(labels),
            Some(_) => {
                let message = format!("`labels` of the rule `{name}` are no fields");
                return self.wrong(Code::WrongType, name, message);
            }
        };
        let mut labels = BTreeMap::new();
        for (label, value) in shared.iter().chain(own.into_iter().flatten()) {
            match fixed(value) {
                Some(value) => labels.insert(label.clone(), value),
                None => labels.remove(label),
            };
        }
        let source = self.source.path.display().to_string();
        let at = Whence { source, line, group: group.to_owned() };
        self.read.rules.push(Rule { name: name.to_owned(), labels, at });
    }

    /// `word`: what stands near, to find the place.
    fn wrong(&mut self, code: Code, word: &str, message: String) {
        let line = self.source.text.lines().position(|line| !word.is_empty() && line.contains(word));
        let problem = match line {
            Some(index) => {
                let at = Location { line: index as u64 + 1, column: 1 };
                self.source.error(code, self.source.find(at, word), message)
            }
            None => self.source.error_of_file(code, message),
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
            Some(key) => format!("the entry `{key}` of the ConfigMap: {message}"),
            None => message,
        };
        let problem = match at.and_then(|at| self.outside(at, key)) {
            Some(at) => self.source.error(code, at, message),
            None => self.source.error_of_file(code, message),
        };
        self.tell(problem.with_remedy(remedy));
    }

    /// A place within an entry of a ConfigMap, in the file: the entry itself, where it is written on
    /// one line.
    fn outside(&self, at: Location, key: Option<&str>) -> Option<Location> {
        let Some(key) = key else { return Some(at) };
        let rest = |line: &str| line.trim_start().trim_start_matches(['"', '\'']).strip_prefix(key).map(str::to_owned);
        let is_key = |rest: &str| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':');
        let index = self.source.text.lines().position(|line| rest(line).is_some_and(|rest| is_key(&rest)))?;
        let above = index as u64 + 1;
        let is_block = self.source.line(above).trim_end().ends_with(['|', '>', '-', '+']);
        if !is_block {
            return Some(Location { line: above, column: 1 });
        }
        let first = self.source.text.lines().skip(index + 1).find(|line| !line.trim().is_empty())?;
        let indent = first.len() - first.trim_start_matches(' ').len();
        Some(Location { line: above + at.line, column: at.column + indent as u64 })
    }

    fn tell(&mut self, problem: Diagnostic) {
        if self.read.problems.len() < MOST_PROBLEMS {
            self.read.problems.push(problem);
        }
    }
}

/// The value of a label, where it is the same for each alert. How a fraction is written as a text is
/// not known.
fn fixed(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.contains(HOLE)).then(|| text.clone()),
        Value::Bool(_) => Some(value.to_string()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(value.to_string()),
        Value::Null => Some(String::new()),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The lines on which each name stands behind `alert:`, in order, in one pass.
fn lines_of(text: &str) -> HashMap<&str, VecDeque<u64>> {
    let mut found: HashMap<&str, VecDeque<u64>> = HashMap::new();
    // What kubectl remembers of an object is no part of it.
    let is_copy = |line: &str| line.trim_start().starts_with("{\"apiVersion\"") || line.contains("last-applied");
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !is_copy(line)) {
        for (at, word) in line.match_indices("alert") {
            let before = line[..at].chars().next_back();
            if !before.is_none_or(|c| " -{,\"'n".contains(c)) {
                continue;
            }
            let rest = line[at + word.len()..].trim_start_matches(['"', '\'']).trim_start();
            let Some(value) = rest.strip_prefix(':') else { continue };
            let end = value.find([',', '}', '#', '\\']).unwrap_or(value.len());
            let name = value[..end].trim().trim_matches(['"', '\'']);
            found.entry(name).or_default().push_back(n as u64 + 1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let read = read(Path::new("rules.yaml"), text);
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
