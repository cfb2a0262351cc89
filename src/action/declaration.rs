//! What an action says of itself, once. The registry, the checks of playbooks, the rights of
//! `dogwatch rbac`, the limits of autonomy, `dogwatch actions` and its reference follow from it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{ChangeKind, Kind};
use crate::cluster::{self, Access, KindName, Kinds};
use crate::model::Autonomy;

/// One action. All texts are for people who write playbooks: Markdown, with code in backticks and
/// nothing else.
#[derive(Debug, Clone, Serialize)]
pub struct Declaration {
    /// As playbooks write it: `k8s.scale`.
    pub name: &'static str,
    /// What it is for, in a line.
    pub summary: &'static str,
    pub effect: Effect,
    /// What it does exactly: what is written where, within which bounds.
    pub about: &'static str,
    /// What it refuses, what ends its step, and what is no error.
    pub errors: &'static str,
    /// What comes of doing it twice.
    pub repeated: &'static str,
    /// How its change is taken back; `None`: it is not, or there is none.
    pub way_back: Option<&'static str>,
    pub arguments: &'static [Argument],
    /// What conditions and texts see under the step's id, beside `summary` and, where something may
    /// be changed, `made`.
    pub output: &'static [Field],
    pub rights: &'static [Right],
    /// The most that a playbook with such a step may do alone. [`Autonomy::Approve`] for what may
    /// lose data or a leader: somebody is asked at least. Less is always accepted, so that every
    /// playbook can be turned down.
    pub most_autonomy: Autonomy,
    /// Steps as they stand in its phase, the last of which is the action's.
    pub example: &'static str,
}

/// For [`Declaration::repeated`] of what changes nothing.
pub const AT_WILL: &str = "It changes nothing, and may be repeated at will.";

impl Declaration {
    /// Of its section in the reference, as GitHub makes it of the heading.
    pub fn anchor(&self) -> String {
        self.name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    }

    /// Why a playbook of that autonomy cannot hold the action, and what to write instead; `None`:
    /// it can. `most`: the most that it may do alone with the action as it is written there.
    pub fn why_not_with(&self, autonomy: Autonomy, most: Autonomy) -> Option<(String, String)> {
        (autonomy > most).then(|| {
            let so = if most < self.most_autonomy { ", as it is written here" } else { "" };
            let message =
                format!("`{}` is never done with `autonomy: {autonomy}`{so}: too much may be lost by it", self.name);
            let asked = if most == Autonomy::Approve { ", so that somebody is asked before" } else { "" };
            (message, format!("write `autonomy: {most}`{asked}, or leave the step to people"))
        })
    }
}

/// What an action does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Reads,
    Mutates(ChangeKind),
    /// People are told; no cluster is asked.
    Tells,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Reads => "reads",
            Effect::Mutates(ChangeKind::Create) => "creates",
            Effect::Mutates(ChangeKind::Patch | ChangeKind::Cluster) => "changes",
            Effect::Mutates(ChangeKind::Delete) => "deletes",
            Effect::Tells => "tells",
        })
    }
}

impl Serialize for Effect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One argument. Made by `arguments!`.
#[derive(Debug, Clone, Serialize)]
pub struct Argument {
    pub name: &'static str,
    /// What its value must be, once its holes are filled: `integer`.
    #[serde(rename = "type")]
    pub of_type: &'static str,
    pub required: bool,
    /// What counts where it is left out; `None`: the documentation says, or there is nothing that
    /// would.
    pub default: Option<&'static str>,
    pub doc: &'static str,
}

/// One field of an output. Made by `output!`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub of_type: &'static str,
    /// Whether it may be left out: a condition on it is then an error.
    pub optional: bool,
    /// Whether it may be null.
    pub nullable: bool,
    /// The fields of its entries, where it is a list and those are known.
    pub entries: &'static [Field],
    pub doc: &'static str,
}

/// What an action must be allowed to do.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    pub verbs: &'static [&'static str],
    pub on: On,
    /// Such as `scale`; empty: the objects themselves.
    pub subresource: &'static str,
}

/// On which objects.
#[derive(Debug, Clone, Copy)]
pub enum On {
    /// The run's target.
    Target,
    /// All of this kind in the namespace that the arguments name, or else in the target's.
    Kind(Kind),
    /// All of the kind that the arguments name, in the namespace that they name or else in the
    /// target's.
    Named,
    /// The Events where those about the object are kept that the arguments name, or else about the
    /// target.
    Events,
}

/// Kind and namespace that the arguments of a step name, as far as they do.
#[derive(Debug, Clone, Default)]
pub struct Named {
    pub kind: Option<KindName>,
    pub namespace: Option<String>,
}

/// Where Events about objects of the whole cluster are kept.
pub(super) const CLUSTER_EVENTS: &str = "default";

impl Right {
    pub const fn on_target(verbs: &'static [&'static str]) -> Self {
        Self { verbs, on: On::Target, subresource: "" }
    }

    pub const fn on_kind(kind: Kind, verbs: &'static [&'static str]) -> Self {
        Self { verbs, on: On::Kind(kind), subresource: "" }
    }

    pub const fn on_named(verbs: &'static [&'static str]) -> Self {
        Self { verbs, on: On::Named, subresource: "" }
    }

    pub const fn on_events(verbs: &'static [&'static str]) -> Self {
        Self { verbs, on: On::Events, subresource: "" }
    }

    pub const fn of(self, subresource: &'static str) -> Self {
        Self { subresource, ..self }
    }

    /// The rights for a target of that kind. An empty namespace is the target's; a kind that nobody
    /// knows comes with no rights.
    pub fn access(&self, target_kind: &str, named: &Named, kinds: &Kinds) -> Vec<Access> {
        let target = kinds.find_text(target_kind);
        let by_name = named.kind.as_ref().and_then(|name| kinds.find(name));
        let written = || named.namespace.clone().unwrap_or_default();
        const EVENT: &cluster::Kind = &cluster::Kind::EVENT;
        let (kind, namespace) = match self.on {
            On::Target => (target, String::new()),
            // Of an action that names a namespace and no kind.
            On::Kind(kind) if named.kind.is_none() && kind.known().namespaced => (Some(kind.known()), written()),
            On::Kind(kind) => (Some(kind.known()), String::new()),
            On::Named if by_name.is_some_and(|kind| kind.namespaced) => (by_name, written()),
            On::Named => (by_name, String::new()),
            On::Events if by_name.or(target).is_some_and(|about| !about.namespaced) => {
                (Some(EVENT), CLUSTER_EVENTS.to_owned())
            }
            On::Events => (Some(EVENT), written()),
        };
        let Some(kind) = kind else { return Vec::new() };
        self.verbs.iter().map(|verb| kind.access(verb, self.subresource, &namespace)).collect()
    }
}

/// As people read it: `get, list Job`.
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.verbs.join(", "))?;
        if !self.subresource.is_empty() {
            write!(f, "`{}` of ", self.subresource)?;
        }
        match self.on {
            On::Target => f.write_str("the target"),
            On::Kind(kind) => write!(f, "{kind}"),
            On::Named => f.write_str("the `kind` that is named, in its namespace"),
            On::Events => write!(f, "{}", Kind::EVENT),
        }
    }
}

impl Serialize for Right {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_nobody_knows_comes_with_no_rights() {
        let access = |right: Right| right.access("NoSuchKind", &Named::default(), &Kinds::new());
        assert!(access(Right::on_target(&["get"])).is_empty());
        assert!(access(Right::on_named(&["get"])).is_empty());
        assert_eq!(access(Right::on_kind(Kind::POD, &["get", "list"])).len(), 2);
    }

    #[test]
    fn a_subresource_is_a_right_of_its_own() {
        let access = Right::on_target(&["patch"]).of("scale").access("Deployment", &Named::default(), &Kinds::new());
        let told: Vec<_> =
            access.iter().map(|a| (a.group.as_str(), a.resource.as_str(), a.subresource.as_str())).collect();
        assert_eq!(told, [("apps", "deployments", "scale")]);
    }
}
