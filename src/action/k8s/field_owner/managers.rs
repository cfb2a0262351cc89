//! Who holds a field, by `metadata.managedFields`, and whether it would put it back:
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::tools::{self, Tool};
use super::{Certainty, Decider, Evidence};
use crate::action::MARK;
use crate::action::k8s::objects;
use crate::cluster::{Object, segment};

/// One who holds a field. With server-side apply several may, so that looking at the latest change
/// alone would miss the one that comes back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder<'a> {
    pub manager: &'a str,
    /// By server-side apply, it says each time what the field is to be.
    applies: bool,
    /// Through `scale`, where only numbers are set and nothing is declared.
    through_scale: bool,
    /// Nothing below it is held by itself: it is this very value that was written.
    is_whole: bool,
    at: Option<DateTime<Utc>>,
}

pub(super) fn entries(object: &Object) -> impl Iterator<Item = &Value> {
    object.at("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten()
}

/// Who holds the field.
pub(super) fn holders<'a>(object: &'a Object, path: &[&str]) -> Vec<Holder<'a>> {
    let held = entries(object).filter_map(|entry| {
        let fields = path.iter().try_fold(entry.get("fieldsV1")?, |fields, name| fields.get(segment(name)))?;
        Some(Holder {
            manager: entry.get("manager")?.as_str()?,
            applies: objects::word(entry, "operation") == "Apply",
            through_scale: objects::word(entry, "subresource") == "scale",
            is_whole: fields.as_object().is_none_or(serde_json::Map::is_empty),
            at: objects::time_at(entry, "/time"),
        })
    });
    held.collect()
}

impl Holder<'_> {
    /// Whether it is Kubernetes itself, or a run of a bot such as this one: neither comes back to a
    /// field that was changed by others.
    pub fn is_neutral(&self) -> bool {
        self.manager.starts_with(MARK) || is_kubernetes(self.manager)
    }
}

/// All who hold the field.
pub(super) fn deciders(object: &Object, path: &[&str]) -> Vec<Decider> {
    let holders = holders(object, path);
    holders.iter().map(|holder| judge(object, path, holder, &holders)).collect()
}

fn judge(object: &Object, path: &[&str], holder: &Holder<'_>, all: &[Holder<'_>]) -> Decider {
    let name = holder.manager;
    let is_on = |tool: &&Tool| tool.keeps && !tool.is_off(object, path);
    let (who, next, why) = match tools::by_manager(name) {
        Some(tool) => (tool.who.to_owned(), tool.next, Some(tool).filter(is_on).map(|_| "")),
        None if name.starts_with(MARK) => ("a run of Dogwatch".to_owned(), "look at that run", None),
        None if is_kubernetes(name) => ("Kubernetes itself".to_owned(), "change what it follows", None),
        None if is_person(name) => (format!("whoever uses `{name}`"), "ask them", None),
        None => (format!("`{name}`"), "change it where that program takes it from", comes_back(holder, all)),
    };
    let how = if holder.through_scale { ", through `scale`" } else { why.unwrap_or_default() };
    Decider {
        who,
        evidence: Evidence::Manager,
        told_by: format!("field manager `{name}`{how}"),
        next: next.to_owned(),
        at: holder.at,
        certainty: if why.is_some() && !holder.through_scale { Certainty::Holds } else { Certainty::Possible },
    }
}

/// Why a program that nobody knows would put the field back.
fn comes_back(holder: &Holder<'_>, all: &[Holder<'_>]) -> Option<&'static str> {
    if holder.applies {
        return Some(", by server-side apply");
    }
    if is_controller(holder.manager) {
        return Some(", by its name a controller");
    }
    let wrote_after =
        |other: &&Holder<'_>| other.manager != holder.manager && other.at.is_some() && other.at < holder.at;
    (holder.is_whole && all.iter().any(|other| wrote_after(&other))).then_some(", which wrote it again after another")
}

/// By what Go programs that reconcile something are called; `manager` is what kubebuilder calls
/// them.
fn is_controller(manager: &str) -> bool {
    const ENDS: [&str; 4] = ["operator", "controller", "manager", "reconciler"];
    let name = manager.to_ascii_lowercase();
    ENDS.iter()
        .any(|end| name.strip_suffix(end).is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_alphanumeric())))
}

/// Programs of Kubernetes itself and of storage drivers, by the beginning of their names. What
/// they follow is another object.
fn is_kubernetes(manager: &str) -> bool {
    const NAMES: [&str; 7] = [
        "kube-controller-manager",
        "kube-scheduler",
        "kube-apiserver",
        "kubelet",
        "csi-",
        "external-",
        "cloud-controller-manager",
    ];
    NAMES.iter().any(|name| manager.starts_with(name))
}

/// Programs by which people write, by the beginning of their names: also with server-side apply,
/// they come back when somebody runs them.
fn is_person(manager: &str) -> bool {
    const NAMES: [&str; 13] = [
        "kubectl",
        "oc",
        "k9s",
        "kubeadm",
        "eksctl",
        "kustomize",
        "before-first-apply",
        "rancher",
        "node-fetch",
        "Mozilla",
        "curl",
        "dashboard",
        "headlamp",
    ];
    NAMES.iter().any(|name| {
        manager.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    })
}
