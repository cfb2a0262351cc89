//! Who decides a field, by evidence: a change that somebody undoes a minute later is none.
//!
//! No object says outright who decides what. What tells is its owner reference, who holds the field
//! and how (`managers`), what tools leave on it (`marks`), and the autoscalers that are about it
//! (`autoscalers`). Evidence is gathered openly: a tool that is not in any list is known by what it
//! does.

pub(super) mod autoscalers;
mod managers;
mod marks;
mod tools;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::objects;
use crate::cluster::Object;

/// The field that scaling is about.
pub(super) const REPLICAS: &[&str] = &["spec", "replicas"];

/// One who decides a field, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decider {
    /// As people call it: `Argo CD`, `horizontalpodautoscaler/web in shop`.
    pub who: String,
    pub evidence: Evidence,
    /// What says so: "field manager `argocd-controller`".
    pub told_by: String,
    /// The next move: "change it in the application's repository".
    pub next: String,
    /// When it wrote to the object last, in the way in which it holds the field.
    pub at: Option<DateTime<Utc>>,
    pub certainty: Certainty,
}

/// The kind of evidence, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    Owner,
    Autoscaler,
    Manager,
    Mark,
    Hint,
}

/// Whether it would put back what another writes, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// It holds this very field.
    Holds,
    /// It keeps the object, and nothing says that it leaves this field to others.
    Assumed,
    /// It may have written it, or says that it is about the object.
    Possible,
}

impl Decider {
    pub fn is_certain(&self) -> bool {
        self.certainty < Certainty::Possible
    }

    /// For a sentence that names several: "Argo CD (field manager `argocd-controller`)".
    pub fn named(&self) -> String {
        if self.evidence == Evidence::Autoscaler {
            self.who.clone()
        } else {
            format!("{} ({})", self.who, self.told_by)
        }
    }
}

/// What the object itself tells of who decides its field, the surest first.
pub(super) fn of(object: &Object, path: &[&str]) -> Vec<Decider> {
    // A StatefulSet never changes a claim that is there, whoever has made it.
    let leaves_it = |owner: &Decider| object.kind() == "PersistentVolumeClaim" && owner.who.starts_with("StatefulSet ");
    let owner = owner(object).map(|owner| match leaves_it(&owner) {
        true => Decider { certainty: Certainty::Possible, ..owner },
        false => owner,
    });
    let mut found = Vec::from_iter(owner);
    found.extend(managers::deciders(object, path));
    found.extend(marks::deciders(object, path));
    merged(found)
}

/// Each decider once, with all that tells of it, the surest first.
pub(super) fn merged(found: Vec<Decider>) -> Vec<Decider> {
    let mut each: Vec<Decider> = Vec::new();
    for decider in found {
        let Some(known) = each.iter_mut().find(|known| known.who.eq_ignore_ascii_case(&decider.who)) else {
            each.push(decider);
            continue;
        };
        known.told_by = format!("{}, {}", known.told_by, decider.told_by);
        known.certainty = known.certainty.min(decider.certainty);
        known.evidence = known.evidence.min(decider.evidence);
        known.at = known.at.max(decider.at);
    }
    each.sort_by_key(|decider| (decider.certainty, decider.evidence));
    each
}

/// Those that would put the field back, other than by owning the whole object.
pub(super) fn keepers(object: &Object, path: &[&str]) -> Vec<Decider> {
    let mut found = managers::deciders(object, path);
    found.extend(marks::deciders(object, path));
    merged(found).into_iter().filter(Decider::is_certain).collect()
}

/// What the object tells, where autoscalers decide the number: who keeps the object leaves the
/// number to them, unless it holds just that.
pub(super) fn beside_autoscalers(deciders: &mut [Decider]) {
    for decider in deciders.iter_mut().filter(|decider| decider.certainty == Certainty::Assumed) {
        decider.certainty = Certainty::Possible;
    }
}

/// Who would put the field back, as a sentence for people; `None` when nobody is known to.
pub(super) fn keeper(object: &Object, path: &[&str]) -> Option<String> {
    let keepers = keepers(object, path);
    let each: Vec<String> =
        keepers.iter().map(|keeper| format!("{}: {} ({})", keeper.who, keeper.next, keeper.told_by)).collect();
    let key = object.key();
    (!each.is_empty()).then(|| format!("{} of {key} is kept by {}", path.join("."), each.join(", and by ")))
}

/// The custom resource, or other controller, that owns the whole object, as a sentence for people.
pub(super) fn controller(object: &Object) -> Option<String> {
    let owner = owner(object)?;
    Some(format!("{} is made by {}: {}", object.key(), owner.who, owner.next))
}

/// The controller that owns the whole object.
pub(super) fn owner(object: &Object) -> Option<Decider> {
    let owner = objects::controller(object)?;
    let text = |name: &str| owner.get(name).and_then(Value::as_str).unwrap_or("(unknown)");
    Some(Decider {
        who: format!("{} `{}`", text("kind"), text("name")),
        evidence: Evidence::Owner,
        told_by: "its owner reference".into(),
        next: "change it there".into(),
        at: None,
        certainty: Certainty::Holds,
    })
}

/// Why a person must choose, where several decide one number: `None` where fewer do.
pub(super) fn argument(deciders: &[String], what: &str) -> Option<String> {
    let both = match deciders.len() {
        0 | 1 => return None,
        2 => "both",
        _ => "all",
    };
    Some(format!(
        "{} {both} decide {what}: they would argue with each other; let one of them go first",
        deciders.join(" and ")
    ))
}

#[cfg(test)]
mod tests;
