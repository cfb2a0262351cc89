//! Maintenance windows: what nobody is paged about and no run changes for a time.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::kind_text::means_kind;
use super::may_start::fits;
use super::{Matcher, ObjectKey, WindowId};

/// No window is longer: what is never looked at again is a rule that should not be there.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What a window covers: what all of the matchers mean and, where there are any, one of the
/// targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowScope {
    #[serde(default)]
    pub matchers: Vec<Matcher>,
    #[serde(default)]
    pub targets: Vec<TargetPattern>,
    /// What alerts of these sources tell. Empty: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The matchers name all labels: what has others, too, is another alert.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
}

/// An alert, as far as windows ask.
#[derive(Debug, Clone, Copy)]
pub struct Coverable<'a> {
    pub source: &'a str,
    pub labels: &'a BTreeMap<String, String>,
    /// What it is about: the key of its grouping.
    pub object: &'a str,
}

/// `Deployment/db/*`: kind, namespace and name, in which `*` stands for any text. The kind may be
/// written in any way, also as kubectl has it: `deployments.apps/db/*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetPattern {
    kind: String,
    namespace: String,
    name: String,
}

/// A text that names no targets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no target; write Kind/namespace/name, such as Deployment/db/*")]
pub struct TargetPatternError(String);

/// A time in which what it covers pages nobody and is changed by no run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub id: WindowId,
    pub scope: WindowScope,
    pub reason: String,
    pub owner: String,
    /// How it came: `console`, `discord`, `api`, or the name that it has in the file.
    pub via: String,
    pub made_at: DateTime<Utc>,
    pub starts_at: DateTime<Utc>,
    /// The first moment that it does not cover. Whoever ends it early moves this.
    pub ends_at: DateTime<Utc>,
    /// Who ended it before its time.
    pub ended_by: Option<String>,
    /// Its end was told, and what it held back was looked at.
    pub told_at: Option<DateTime<Utc>>,
}

impl WindowScope {
    pub fn covers(&self, alert: Coverable<'_>) -> bool {
        let is_of_them = self.sources.is_empty() || self.sources.iter().any(|source| source == alert.source);
        is_of_them && self.fits(alert.labels, alert.object)
    }

    /// Whether a run on that target, which an alert of that source with these labels has started,
    /// is covered. What a person starts has no labels: there the target says the namespace. Where
    /// nobody knows the source, it is covered as if it were one of them.
    pub fn covers_run(&self, source: Option<&str>, labels: &BTreeMap<String, String>, target: &ObjectKey) -> bool {
        let is_of_another = |source| !self.sources.iter().any(|name| name == source);
        if !self.sources.is_empty() && source.is_some_and(is_of_another) {
            return false;
        }
        let mut labels = labels.clone();
        if !self.exact {
            labels.entry("namespace".into()).or_insert_with(|| target.place().to_owned());
        }
        self.fits(&labels, &format!("target:{}", target.key()))
    }

    fn fits(&self, labels: &BTreeMap<String, String>, object: &str) -> bool {
        let is_target = || self.targets.is_empty() || self.targets.iter().any(|target| target.fits(object));
        !self.is_empty()
            && (!self.exact || labels.len() == self.matchers.len())
            && self.matchers.iter().all(|matcher| matcher.matches(labels))
            && is_target()
    }

    /// It names nothing.
    pub fn is_empty(&self) -> bool {
        self.matchers.is_empty() && self.targets.is_empty()
    }

    /// Whether it covers nearly everything that could ever fire.
    pub fn is_broad(&self) -> bool {
        let all_targets = self.targets.is_empty() || self.targets.iter().any(TargetPattern::is_broad);
        all_targets && self.matchers.iter().all(Matcher::is_broad)
    }
}

impl fmt::Display for WindowScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matchers = self.matchers.iter().map(ToString::to_string);
        let words: Vec<String> = matchers.chain(self.targets.iter().map(ToString::to_string)).collect();
        f.write_str(&words.join(" "))?;
        match self.sources.as_slice() {
            [] => Ok(()),
            sources => write!(f, " (alerts of {})", sources.join(", ")),
        }
    }
}

impl TargetPattern {
    fn fits(&self, object: &str) -> bool {
        let Some(key) = object.strip_prefix("target").and_then(|rest| Some(rest.split_once(':')?.1)) else {
            return false;
        };
        let mut parts = key.splitn(3, '/');
        let (Some(kind), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        // What is in another cluster says so after its name.
        !name.contains(' ') && self.is_of(kind) && fits(&self.namespace, namespace) && fits(&self.name, name)
    }

    /// A kind with a `*` is a text; any other is the kind that it means.
    fn is_of(&self, identity: &str) -> bool {
        match self.kind.contains('*') {
            true => fits(&self.kind.to_lowercase(), &identity.to_lowercase()),
            false => means_kind(&self.kind, identity),
        }
    }

    fn is_broad(&self) -> bool {
        [&self.kind, &self.namespace, &self.name].into_iter().all(|part| part.chars().all(|c| c == '*'))
    }
}

impl FromStr for TargetPattern {
    type Err = TargetPatternError;

    fn from_str(text: &str) -> Result<Self, TargetPatternError> {
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '=';
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [kind, namespace, name] if !kind.is_empty() && !name.is_empty() && !text.contains(is_odd) => {
                Ok(Self { kind: (*kind).into(), namespace: (*namespace).into(), name: (*name).into() })
            }
            _ => Err(TargetPatternError(text.chars().filter(|c| !c.is_control()).take(60).collect())),
        }
    }
}

impl fmt::Display for TargetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

impl TryFrom<String> for TargetPattern {
    type Error = TargetPatternError;

    fn try_from(text: String) -> Result<Self, TargetPatternError> {
        text.parse()
    }
}

impl From<TargetPattern> for String {
    fn from(pattern: TargetPattern) -> Self {
        pattern.to_string()
    }
}

impl Window {
    /// Whether it covers things at that moment.
    pub fn is_active(&self, at: DateTime<Utc>) -> bool {
        self.told_at.is_none() && self.starts_at <= at && at < self.ends_at
    }
}

/// The window that covers an alert, of those that are active: the one that lasts longest.
pub fn covering<'w>(windows: &'w [Window], alert: Coverable<'_>) -> Option<&'w Window> {
    let covering = windows.iter().filter(|window| window.scope.covers(alert));
    covering.max_by_key(|window| (window.ends_at, window.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(matchers: &[&str], targets: &[&str]) -> WindowScope {
        WindowScope {
            matchers: matchers.iter().map(|text| text.parse().unwrap()).collect(),
            targets: targets.iter().map(|text| text.parse().unwrap()).collect(),
            ..WindowScope::default()
        }
    }

    #[test]
    fn what_all_matchers_mean_and_one_target_is_covered() {
        let labels = BTreeMap::from([("alertname".to_owned(), "Down".to_owned()), ("namespace".into(), "db".into())]);
        let covers = |scope: WindowScope| scope.fits(&labels, "target:Deployment/db/pg");
        assert!(covers(scope(&["alertname=Down", "namespace=db"], &[])));
        assert!(!covers(scope(&["alertname=Down", "namespace=cache"], &[])), "all of them");
        assert!(covers(scope(&[], &["Deployment/cache/*", "deployment/*/pg"])), "one of them");
        assert!(!covers(scope(&["alertname=Up"], &["*/*/*"])), "both");
        assert!(!covers(scope(&[], &[])), "nothing covers nothing");
    }

    #[test]
    fn a_target_is_an_object_of_this_cluster() {
        let all = scope(&[], &["*/*/*"]);
        let covers = |object| all.fits(&BTreeMap::new(), object);
        assert!(covers("target:Node//n1") && covers("target@grafana:Deployment/db/pg"));
        assert!(!covers("target:Deployment/db/pg in the cluster b"));
        assert!(!covers("place:Down:namespace=db"));
    }

    #[test]
    fn a_run_is_in_the_namespace_of_its_target() {
        let in_db = scope(&["namespace=db"], &[]);
        let on = |namespace| ObjectKey::new("Deployment", namespace, "pg");
        assert!(in_db.covers_run(None, &BTreeMap::new(), &on("db")));
        assert!(!in_db.covers_run(None, &BTreeMap::new(), &on("cache")));
    }

    #[test]
    fn of_some_sources_is_of_no_other() {
        let in_db = WindowScope { sources: vec!["am".into()], ..scope(&["namespace=db"], &[]) };
        let labels = BTreeMap::from([("namespace".to_owned(), "db".to_owned())]);
        let covers = |source| in_db.covers(Coverable { source, labels: &labels, object: "" });
        assert!(covers("am") && !covers("backups"));
        let target = ObjectKey::new("Deployment", "db", "pg");
        let covers = |source| in_db.covers_run(source, &BTreeMap::new(), &target);
        assert!(covers(Some("am")) && covers(None) && !covers(Some("backups")));
        assert_eq!(in_db.to_string(), "namespace=db (alerts of am)");
    }

    #[test]
    fn what_is_exact_names_all_labels() {
        let exact = WindowScope { exact: true, ..scope(&["namespace=db"], &[]) };
        let mut labels = BTreeMap::from([("namespace".to_owned(), "db".to_owned())]);
        assert!(exact.fits(&labels, ""));
        assert!(!exact.covers_run(None, &BTreeMap::new(), &ObjectKey::new("Deployment", "db", "pg")));
        labels.insert("pod".into(), "pg-0".into());
        assert!(!exact.fits(&labels, ""));
    }

    #[test]
    fn what_is_broad_is_broad_in_every_part() {
        for (broad, is_broad) in [
            (scope(&["alertname=~.*"], &[]), true),
            (scope(&["alertname!=X", "team=~.+"], &[]), true),
            (scope(&[], &["*/*/*"]), true),
            (scope(&["alertname=~.*"], &["*/*/*"]), true),
            (scope(&["alertname=~.*", "namespace=db"], &[]), false),
            (scope(&["alertname=~.*"], &["Deployment/*/*"]), false),
        ] {
            assert_eq!(broad.is_broad(), is_broad, "{broad}");
        }
    }

    #[test]
    fn what_names_no_target_says_how_to_write_one() {
        for wrong in ["Deployment/pg", "/db/pg", "Deployment/db/", "a/b/c/d", "Deployment/d b/pg"] {
            let error = wrong.parse::<TargetPattern>().unwrap_err().to_string();
            assert!(error.contains("write Kind/namespace/name"), "{error}");
        }
        assert_eq!("Node//n1".parse::<TargetPattern>().unwrap().to_string(), "Node//n1");
    }
}
